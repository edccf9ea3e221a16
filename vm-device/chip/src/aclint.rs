//! ACLINT: software interrupts and timers of RISC-V harts.
//!
//! After the RISC-V Advanced Core Local Interruptor Specification, version 1.0: [`Clint`] is
//! the MSWI device followed by the MTIMER device, which together stand where SiFive's CLINT has
//! the same registers; [`Sswi`] is the optional device for supervisor software interrupts.
//! Registers of harts that the machine does not have read as zero and ignore writes.

use vm_core::{Answer, Fault, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Site, registers};

/// Nanoseconds of guest time for each tick of `mtime`: 10 MHz.
pub const TICK_NS: u64 = 100;

/// The interrupt numbers of machine software and machine timer at a hart, for the description.
const MACHINE_SOFTWARE: u32 = 3;
const MACHINE_TIMER: u32 = 7;
/// The interrupt number of supervisor software at a hart.
const SUPERVISOR_SOFTWARE: u32 = 1;

/// The most harts that the register map has room for.
const MAX_HARTS: u32 = 4095;

registers! {
    /// Registers of MSWI and MTIMER at their CLINT places.
    pub enum ClintRegister: B8 {
        /// Two `MSIP` registers, of 32 bits each: bit 0 is the hart's software interrupt.
        0x0000 Msip[2048] Rw;
        /// The time at which the hart's timer interrupt begins.
        0x4000 Mtimecmp[4095] Rw;
        /// The time in ticks.
        0xbff8 Mtime Rw;
    }
}

/// MSWI and MTIMER.
///
/// Output line `2 * hart` is the hart's software interrupt, `2 * hart + 1` its timer interrupt.
///
/// The guest may set `mtime`; that moves this device's time only, not the `time` CSR of harts,
/// which counts guest time from power-on.
#[derive(Debug)]
pub struct Clint {
    harts: Vec<ClintHart>,
    /// What is added to the ticks of guest time.
    shift: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClintHart {
    msip: bool,
    mtimecmp: u64,
}

/// No interrupts until the guest asks for them; the specification leaves `mtimecmp` open.
const QUIET: ClintHart = ClintHart {
    msip: false,
    mtimecmp: u64::MAX,
};

impl Clint {
    /// The device for this many harts.
    ///
    /// # Panics
    ///
    /// If the register map has no room for them.
    #[must_use]
    pub fn new(harts: u32) -> Self {
        assert!(harts <= MAX_HARTS, "a CLINT has room for {MAX_HARTS} harts");
        Self {
            harts: vec![QUIET; harts as usize],
            shift: 0,
        }
    }

    fn mtime(&self, cx: &Cx) -> u64 {
        (cx.now_ns / TICK_NS).wrapping_add(self.shift)
    }

    fn msip(&self, hart: u64) -> u64 {
        self.harts
            .get(hart as usize)
            .map_or(0, |hart| u64::from(hart.msip))
    }

    fn set_msip(&mut self, hart: u64, value: u64, cx: &mut Cx) {
        if let Some(state) = self.harts.get_mut(hart as usize) {
            state.msip = value & 1 != 0;
            cx.line(2 * hart as u32, state.msip);
        }
    }

    /// Sets a hart's timer line for this moment and schedules its next change.
    fn settle(&self, hart: u32, cx: &mut Cx) {
        let Some(state) = self.harts.get(hart as usize) else {
            return;
        };
        let mtime = self.mtime(cx);
        let due = mtime >= state.mtimecmp;
        cx.line(2 * hart + 1, due);
        let left = match (due, state.mtimecmp) {
            (false, at) => at - mtime,
            // It has begun, and ends when the counter wraps.
            (true, 1..) => 0u64.wrapping_sub(mtime),
            (true, 0) => 0,
        };
        let at_tick = (cx.now_ns / TICK_NS).checked_add(left);
        match at_tick.and_then(|tick| tick.checked_mul(TICK_NS)) {
            Some(at_ns) if left > 0 => cx.schedule(at_ns, hart),
            // Guest time ends before that.
            _ => cx.cancel(hart),
        }
    }
}

impl Device for Clint {
    fn kind(&self) -> &'static str {
        "clint"
    }

    fn reset(&mut self) {
        self.harts.fill(QUIET);
        self.shift = 0;
    }

    fn save(&self, out: &mut Section) {
        let msip: Vec<u64> = self.harts.iter().map(|h| u64::from(h.msip)).collect();
        let mtimecmp: Vec<u64> = self.harts.iter().map(|h| h.mtimecmp).collect();
        out.words("msip", &msip);
        out.words("mtimecmp", &mtimecmp);
        out.u64("shift", self.shift);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let (msip, mtimecmp) = (from.words("msip")?, from.words("mtimecmp")?);
        if msip.len() != self.harts.len() || msip.iter().any(|bit| *bit > 1) {
            return Err(from.bad("msip"));
        }
        if mtimecmp.len() != self.harts.len() {
            return Err(from.bad("mtimecmp"));
        }
        self.shift = from.u64("shift")?;
        for (hart, (msip, mtimecmp)) in self.harts.iter_mut().zip(msip.iter().zip(mtimecmp)) {
            *hart = ClintHart {
                msip: *msip == 1,
                mtimecmp,
            };
        }
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        let lines = |cpu: &u32| [*cpu, MACHINE_SOFTWARE, *cpu, MACHINE_TIMER];
        let extended: Vec<u32> = site.cpus.iter().flat_map(lines).collect();
        Some(
            Node::at("clint", site)
                .text("compatible", &["sifive,clint0", "riscv,clint0"])
                .cells("interrupts-extended", &extended),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn event(&mut self, tag: u32, cx: &mut Cx) {
        self.settle(tag, cx);
    }
}

/// The 32-bit half of a 64-bit register that an access means.
fn half(value: u64, offset: u64, width: Width) -> u64 {
    match (width, offset & 4) {
        (Width::B8, _) => value,
        (_, 0) => value & 0xffff_ffff,
        _ => value >> 32,
    }
}

/// A 64-bit register after one of its halves, or all of it, was written.
fn merged(old: u64, offset: u64, width: Width, value: u64) -> u64 {
    match (width, offset & 4) {
        (Width::B8, _) => value,
        (_, 0) => old & !0xffff_ffff | value & 0xffff_ffff,
        _ => old & 0xffff_ffff | value << 32,
    }
}

impl Mmio for Clint {
    fn registers(&self) -> &'static [Register] {
        ClintRegister::TABLE
    }

    /// 32 bits and 64 bits.
    fn narrow(&self) -> bool {
        true
    }

    fn read(&mut self, offset: u64, width: Width, cx: &mut Cx) -> Answer {
        if width < Width::B4 {
            return Answer::Fault(Fault::Size);
        }
        let Some((register, index)) = ClintRegister::at(offset) else {
            return Answer::Done(0);
        };
        let whole = match register {
            ClintRegister::Msip => self.msip(2 * index) | self.msip(2 * index + 1) << 32,
            ClintRegister::Mtimecmp => {
                let hart = self.harts.get(index as usize);
                hart.map_or(0, |hart| hart.mtimecmp)
            }
            ClintRegister::Mtime => self.mtime(cx),
        };
        Answer::Done(half(whole, offset, width))
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer {
        if width < Width::B4 {
            return Answer::Fault(Fault::Size);
        }
        let Some((register, index)) = ClintRegister::at(offset) else {
            return Answer::Done(0);
        };
        match register {
            ClintRegister::Msip => {
                self.set_msip(offset / 4, value, cx);
                if width == Width::B8 {
                    self.set_msip(offset / 4 + 1, value >> 32, cx);
                }
            }
            ClintRegister::Mtimecmp => {
                if let Some(hart) = self.harts.get_mut(index as usize) {
                    hart.mtimecmp = merged(hart.mtimecmp, offset, width, value);
                    self.settle(index as u32, cx);
                }
            }
            ClintRegister::Mtime => {
                let mtime = merged(self.mtime(cx), offset, width, value);
                self.shift = mtime.wrapping_sub(cx.now_ns / TICK_NS);
                for hart in 0..self.harts.len() {
                    self.settle(hart as u32, cx);
                }
            }
        }
        Answer::Done(0)
    }
}

registers! {
    /// Registers of SSWI.
    pub enum SswiRegister: B4 {
        /// Writing bit 0 makes the hart's supervisor software interrupt pending.
        0x0000 Setssip[4095] Rw;
    }
}

/// SSWI: supervisor software interrupts.
///
/// Output line `hart` pulses, high and low again, for each interrupt sent: the pending bit is
/// the hart's own, which the rising edge sets and only the hart clears.
#[derive(Debug, Clone, Copy)]
pub struct Sswi {
    harts: u32,
}

impl Sswi {
    /// The device for this many harts.
    #[must_use]
    pub fn new(harts: u32) -> Self {
        Self { harts }
    }
}

impl Device for Sswi {
    fn kind(&self) -> &'static str {
        "sswi"
    }

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        let lines = |cpu: &u32| [*cpu, SUPERVISOR_SOFTWARE];
        let extended: Vec<u32> = site.cpus.iter().flat_map(lines).collect();
        Some(
            Node::at("sswi", site)
                .text("compatible", &["riscv,aclint-sswi"])
                .cells("interrupts-extended", &extended)
                .flag("interrupt-controller")
                .cells("#interrupt-cells", &[0]),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }
}

impl Mmio for Sswi {
    fn registers(&self) -> &'static [Register] {
        SswiRegister::TABLE
    }

    fn read(&mut self, _offset: u64, _width: Width, _cx: &mut Cx) -> Answer {
        Answer::Done(0)
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, cx: &mut Cx) -> Answer {
        if let Some((SswiRegister::Setssip, hart)) = SswiRegister::at(offset)
            && hart < u64::from(self.harts)
            && value & 1 != 0
        {
            cx.line(hart as u32, true);
            cx.line(hart as u32, false);
        }
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests;
