//! The built-in firmware of RISC-V machines: the supervisor binary interface (SBI).
//!
//! A kernel expects somebody in machine mode who answers its calls.
//! Here that is not guest code: a call from supervisor mode ends the vCPU's slice with
//! [`vm_core::Exit::Call`], [`Sbi::call`] reads the argument registers, does what was asked and
//! writes the answer, and the hart goes on behind its `ecall`.
//!
//! Source: "RISC-V Supervisor Binary Interface Specification", version 2.0, and for the
//! firmware features extension version 3.0.
//!
//! Interprocessor interrupts: an IPI is `set_line(1, true)`, bit 1 of `mip` being SSIP.
//! There is no wire behind that bit: the guest clears it itself, by writing `sip`.
//! So for this line the vCPU must take each call with `true` as an edge that ORs SSIP into `mip`,
//! never as a level that is still there after the guest has cleared the bit, and a call with
//! `false` changes nothing.

mod call;
mod console;
mod feature;
mod fence;
mod hart;

use vm_core::{Fields, Section, StateError, Vcpu};
use vm_device_bus::{Console, Request};
use vm_mem::GuestRam;

pub use call::{Call, SbiError, reply_text};
pub use hart::{HartState, enter, start_state};

use call::extension;
use feature::Features;

/// The version of the specification: 2.0.
const SPEC_VERSION: u64 = 2 << 24;
/// A number that the specification has not given to anybody.
const IMPLEMENTATION: u64 = 0x766d;
const IMPLEMENTATION_VERSION: u64 = 1;

/// The line of a vCPU behind which SSIP stands.
const SSIP_LINE: u32 = 1;

/// What the firmware needs from the machine for one call.
pub struct FirmwareCx<'a> {
    /// Guest RAM.
    pub ram: &'a GuestRam,
    /// Where the debug console leads.
    pub console: &'a mut dyn Console,
}

/// What becomes of the hart that called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It goes on.
    Continue,
    /// It has stopped itself; it runs again when [`Sbi::runs`] says so.
    HartStopped,
    /// It sleeps until an interrupt wakes it; tell that by [`Sbi::resumed`].
    Idle,
    /// The guest asks something of the machine's owner.
    Request(Request),
}

/// What one extension answers.
enum Answer {
    /// Success, with a value.
    Value(u64),
    /// An error.
    Error(SbiError),
    /// The answer of a legacy call: one register only.
    Legacy(u64),
    /// Success, and then something happens to the hart.
    Then(Outcome),
    /// The hart does not come back from this call; its registers stay as they are.
    End(Outcome),
}

type Reply = Result<u64, SbiError>;

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        match reply {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Error(error),
        }
    }
}

/// The firmware of one machine.
#[derive(Clone, Debug)]
pub struct Sbi {
    harts: Vec<Hart>,
}

/// What the firmware knows of one hart.
#[derive(Clone, Copy, Debug)]
struct Hart {
    state: HartState,
    features: Features,
}

impl Hart {
    const fn new(state: HartState) -> Self {
        Self {
            state,
            features: Features::RESET,
        }
    }
}

/// The other parties of a call, so that handlers have short signatures.
struct Parties<'a, 'b> {
    hart: usize,
    cpus: &'a mut [Box<dyn Vcpu>],
    cx: &'a mut FirmwareCx<'b>,
}

impl Sbi {
    /// The firmware of a machine with that many harts: hart 0 runs, the others are stopped.
    #[must_use]
    pub fn new(harts: usize) -> Self {
        let mut sbi = Self {
            harts: vec![Hart::new(HartState::Stopped); harts],
        };
        sbi.reset();
        sbi
    }

    /// Brings the firmware to its state after power-on.
    pub fn reset(&mut self) {
        for (index, hart) in self.harts.iter_mut().enumerate() {
            *hart = Hart::new(if index == 0 {
                HartState::Started
            } else {
                HartState::Stopped
            });
        }
    }

    /// Whether a hart is to be given instructions to run, or to sleep for an interrupt.
    #[must_use]
    pub fn runs(&self, hart: usize) -> bool {
        self.harts
            .get(hart)
            .is_some_and(|hart| hart.state != HartState::Stopped)
    }

    /// The state of a hart.
    #[must_use]
    pub fn state(&self, hart: usize) -> Option<HartState> {
        self.harts.get(hart).map(|hart| hart.state)
    }

    /// A hart that slept has been woken by an interrupt and runs again.
    pub fn resumed(&mut self, hart: usize) {
        if let Some(hart) = self.harts.get_mut(hart)
            && hart.state == HartState::Suspended
        {
            hart.state = HartState::Started;
        }
    }

    /// Answers the call that a hart has just made.
    pub fn call(
        &mut self,
        hart: usize,
        cpus: &mut [Box<dyn Vcpu>],
        cx: &mut FirmwareCx,
    ) -> Outcome {
        let Some(cpu) = cpus.get(hart).filter(|_| hart < self.harts.len()) else {
            return Outcome::Continue;
        };
        let call = Call::read(&**cpu);
        // Whoever calls is awake.
        self.resumed(hart);
        let mut parties = Parties { hart, cpus, cx };
        let answer = self.answer(&call, &mut parties);
        let cpu = &mut parties.cpus[hart];
        let mut reply = |error: u64, value: u64| {
            cpu.set_register("a0", error);
            cpu.set_register("a1", value);
        };
        match answer {
            Answer::Value(value) => reply(0, value),
            Answer::Error(error) => reply(error.code(), 0),
            Answer::Legacy(value) => {
                cpu.set_register("a0", value);
            }
            Answer::Then(outcome) => {
                reply(0, 0);
                return outcome;
            }
            Answer::End(outcome) => return outcome,
        }
        Outcome::Continue
    }

    fn answer(&mut self, call: &Call, parties: &mut Parties) -> Answer {
        match call.extension {
            extension::PUTCHAR => console::putchar(call, parties),
            extension::GETCHAR => console::getchar(parties),
            extension::BASE => base(call, parties).into(),
            extension::TIME => set_timer(call, parties).into(),
            extension::IPI => self.send_ipi(call, parties).into(),
            extension::RFENCE => self.fence(call, parties).into(),
            extension::HSM => self.hart_state(call, parties),
            extension::SRST => system_reset(call),
            extension::DBCN => console::debug_console(call, parties).into(),
            extension::FWFT => self.feature(call, parties).into(),
            _ => Answer::Error(SbiError::NotSupported),
        }
    }

    fn send_ipi(&self, call: &Call, parties: &mut Parties) -> Reply {
        if call.function != 0 {
            return Err(SbiError::NotSupported);
        }
        for hart in self.named(call.args[0], call.args[1])? {
            if let Some(cpu) = parties.cpus.get_mut(hart) {
                cpu.set_line(SSIP_LINE, true);
            }
        }
        Ok(0)
    }

    /// The harts that a mask names, bit 0 being hart `first`; all if `first` is -1.
    fn named(&self, mask: u64, first: u64) -> Result<Vec<usize>, SbiError> {
        let count = self.harts.len() as u64;
        if first == u64::MAX {
            return Ok((0..self.harts.len()).collect());
        }
        let bits = (0..64).filter(|bit| mask >> bit & 1 != 0);
        bits.map(|bit| {
            let hart = first.checked_add(bit).filter(|hart| *hart < count);
            hart.map(|hart| hart as usize).ok_or(SbiError::InvalidParam)
        })
        .collect()
    }

    /// Writes the firmware's state down.
    pub fn save(&self, out: &mut Section) {
        let states = self.harts.iter().map(|hart| hart.state as u64);
        out.words("harts", &states.collect::<Vec<_>>());
        let features = self.harts.iter().map(|hart| hart.features.word());
        out.words("features", &features.collect::<Vec<_>>());
    }

    /// Takes a saved state of a machine with as many harts.
    pub fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let states = from.words("harts")?;
        let features = from.words("features")?;
        if states.len() != self.harts.len() || features.len() != self.harts.len() {
            return Err(from.bad("harts"));
        }
        let mut harts = Vec::with_capacity(self.harts.len());
        for (state, features) in states.iter().zip(&features) {
            let state = HartState::of(*state).ok_or_else(|| from.bad("harts"))?;
            let features = Features::of(*features).ok_or_else(|| from.bad("features"))?;
            harts.push(Hart { state, features });
        }
        self.harts = harts;
        Ok(())
    }
}

/// Chapter 4: who is there.
fn base(call: &Call, parties: &Parties) -> Reply {
    let id = |name: &str| {
        let cpu = parties.cpus.get(parties.hart);
        Ok(cpu.and_then(|cpu| cpu.register(name)).unwrap_or(0))
    };
    match call.function {
        0 => Ok(SPEC_VERSION),
        1 => Ok(IMPLEMENTATION),
        2 => Ok(IMPLEMENTATION_VERSION),
        3 => Ok(u64::from(call::offered(call.args[0]))),
        4 => id("mvendorid"),
        5 => id("marchid"),
        6 => id("mimpid"),
        _ => Err(SbiError::NotSupported),
    }
}

/// Chapter 6: the timer is the hart's own; setting it clears what is pending.
fn set_timer(call: &Call, parties: &mut Parties) -> Reply {
    if call.function != 0 {
        return Err(SbiError::NotSupported);
    }
    let cpu = parties.cpus.get_mut(parties.hart).ok_or(SbiError::Failed)?;
    if cpu.set_register("stimecmp", call.args[0]) {
        Ok(0)
    } else {
        Err(SbiError::Failed)
    }
}

/// Chapter 10: the end, or a new beginning.
fn system_reset(call: &Call) -> Answer {
    if call.function != 0 {
        return Answer::Error(SbiError::NotSupported);
    }
    let (kind, reason) = (call.args[0] as u32, call.args[1] as u32);
    let known_reason = matches!(reason, 0 | 1 | 0xe000_0000..);
    match (kind, reason) {
        _ if !known_reason => Answer::Error(SbiError::InvalidParam),
        (0..=2, 1) => {
            let restart = kind != 0;
            Answer::End(Outcome::Request(Request::Panicked { restart }))
        }
        (0, _) => Answer::End(Outcome::Request(Request::PowerOff)),
        (1 | 2, _) => Answer::End(Outcome::Request(Request::Reset)),
        (0xf000_0000.., _) => Answer::Error(SbiError::NotSupported),
        _ => Answer::Error(SbiError::InvalidParam),
    }
}

#[cfg(test)]
mod tests;
