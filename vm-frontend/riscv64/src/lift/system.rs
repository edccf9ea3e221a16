//! Calls, returns, control and status registers, waiting, fences of translations.
//!
//! What the mode shows is decided here; what it does not show is a helper's business.

use vm_ir::Type::I64;
use vm_ir::{End, SlotId, Val};

use super::{Lift, Xpr, ZERO};
use crate::csr;
use crate::fields::{MACHINE, SUPERVISOR, USER, status};
use crate::helper_ids as helper;
use crate::slots;
use crate::trap::cause;

/// The number of `sstatus`.
const SSTATUS: u32 = 0x100;

/// Bits of [`Mode::traps`](crate::slots::Mode::traps).
const TRAP_MEMORY: u64 = 1;
const TRAP_WAIT: u64 = 2;
const TRAP_RETURN: u64 = 4;

/// What a CSR instruction does to the register.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Write,
    Set,
    Clear,
}

impl<'a> Lift<'a> {
    fn privilege(&self) -> u64 {
        self.mode.privilege()
    }

    /// Whether a bit of `mstatus` takes an instruction from supervisor mode.
    fn is_taken(&self, trap: u64) -> bool {
        self.privilege() == SUPERVISOR && self.mode.traps() & trap != 0
    }

    /// Does nothing if that is permitted here.
    pub fn only_if(&self, permitted: bool) {
        if !permitted {
            self.illegal();
        }
    }

    /// `ecall`.
    pub fn environment_call(&self) {
        if self.privilege() == SUPERVISOR && self.mode.firmware() {
            self.call(helper::FIRMWARE_CALL, &[]);
            return self.next();
        }
        let number = cause::CALL_FROM_USER + self.privilege() as u32;
        self.out.trap(number, self.imm(0));
    }

    /// `ebreak`.
    pub fn breakpoint(&self) {
        self.out.trap(cause::BREAKPOINT, self.pc(0));
    }

    /// `mret`.
    pub fn machine_return(&self) {
        if self.privilege() < MACHINE {
            return self.illegal();
        }
        self.call(helper::MRET, &[]);
        self.end(End::Leave);
    }

    /// `sret`.
    pub fn supervisor_return(&self) {
        if self.privilege() == USER || self.is_taken(TRAP_RETURN) {
            return self.illegal();
        }
        self.call(helper::SRET, &[]);
        self.end(End::Leave);
    }

    /// `wfi`. The time limit that the manual allows before it traps is zero.
    pub fn wait_interrupt(&self) {
        if self.privilege() == USER || self.is_taken(TRAP_WAIT) {
            return self.illegal();
        }
        self.call(helper::WFI, &[]);
        self.next();
    }

    /// `wrs.nto` and `wrs.sto`. They end at once as far as the guest can tell, so that no time
    /// limit applies.
    pub fn wait_reserved(&self, short: i64) {
        self.call(helper::WRS, &[self.imm(short)]);
        self.next();
    }

    /// `sfence.vma` and `sinval.vma`.
    pub fn fence_translations(&self, addr: Xpr, asid: Xpr) {
        if self.privilege() == USER || self.is_taken(TRAP_MEMORY) {
            return self.illegal();
        }
        let given = i64::from(addr != ZERO) | i64::from(asid != ZERO) << 1;
        let args = [self.x(addr), self.x(asid), self.imm(given)];
        self.call(helper::SFENCE_VMA, &args);
        self.next();
    }

    /// The bits to set or clear; `None` if the register is only read.
    #[must_use]
    pub fn given(&self, a: Xpr) -> Option<Val<'a>> {
        (a != ZERO).then(|| self.x(a))
    }

    /// As [`Lift::given`], from the instruction.
    #[must_use]
    pub fn given_imm(&self, i: i64) -> Option<Val<'a>> {
        (i != 0).then(|| self.imm(i))
    }

    /// `csrrw`.
    pub fn csr_write(&self, d: Xpr, number: u32, value: Val<'a>) {
        self.csr(d, number, Change::Write, Some(value));
    }

    /// `csrrs`.
    pub fn csr_set(&self, d: Xpr, number: u32, mask: Option<Val<'a>>) {
        self.csr(d, number, Change::Set, mask);
    }

    /// `csrrc`.
    pub fn csr_clear(&self, d: Xpr, number: u32, mask: Option<Val<'a>>) {
        self.csr(d, number, Change::Clear, mask);
    }

    /// `csrrci`. Taking away interrupts lets nothing happen that could not happen before, so the
    /// block goes on.
    pub fn csr_clear_imm(&self, d: Xpr, number: u32, i: i64) {
        let masks = number == SSTATUS && i as u64 == status::SIE;
        if !masks || self.privilege() == USER {
            return self.csr_clear(d, number, self.given_imm(i));
        }
        let old = self.out.get(I64, slots::MSTATUS);
        self.out.set(slots::MSTATUS, old & !i);
        self.show_status(d, old);
    }

    fn csr(&self, d: Xpr, number: u32, change: Change, operand: Option<Val<'a>>) {
        let read_only = number >> 10 == 3;
        if u64::from(number >> 8 & 3) > self.privilege() || read_only && operand.is_some() {
            return self.illegal();
        }
        match number {
            1..=3 if !self.needs_float() => self.illegal(),
            1..=3 => self.float_csr(d, number, change, operand),
            SSTATUS => self.status_csr(d, change, operand),
            _ => match plain(number, operand.is_some()) {
                Some((slot, kept)) => self.plain_csr(d, slot, kept, change, operand),
                None => self.csr_by_helper(d, number, change, operand),
            },
        }
    }

    /// `sstatus`: what it shows and takes of `mstatus`. Written, it may permit interrupts, and
    /// change the rights of accesses and what instructions mean.
    fn status_csr(&self, d: Xpr, change: Change, operand: Option<Val<'a>>) {
        const TAKES: i64 = status::SUPERVISOR_WRITABLE as i64;
        let old = self.out.get(I64, slots::MSTATUS);
        if let Some(operand) = operand {
            let new = match change {
                Change::Write => old & !TAKES | operand & TAKES,
                Change::Set => old | operand & TAKES,
                Change::Clear => old.andnot(operand & TAKES),
            };
            self.out.set(slots::MSTATUS, new);
        }
        self.show_status(d, old);
        if operand.is_some() {
            self.next();
        }
    }

    /// Writes what `sstatus` shows of an `mstatus`: its highest bit says that floating-point state
    /// is dirty.
    fn show_status(&self, d: Xpr, status: Val<'a>) {
        if d == ZERO {
            return;
        }
        let dirty = (status & status::FS as i64).eq(self.imm(status::FS as i64));
        let dirty = dirty.zext(I64) << i64::from(status::SD.trailing_zeros());
        self.set_x(d, status & status::SUPERVISOR_VIEW as i64 | dirty);
    }

    /// A register that is a slot like any other, but for bits that are not kept.
    fn plain_csr(&self, d: Xpr, slot: SlotId, kept: u64, change: Change, operand: Option<Val<'a>>) {
        let reads = d != ZERO || change != Change::Write;
        let old = reads.then(|| self.out.get(I64, slot));
        if let Some(operand) = operand {
            let new = changed(change, old, operand);
            let whole = kept == u64::MAX;
            self.out
                .set(slot, if whole { new } else { new & kept as i64 });
        }
        if let Some(old) = old {
            self.set_x(d, old);
        }
    }

    fn float_csr(&self, d: Xpr, number: u32, change: Change, operand: Option<Val<'a>>) {
        let old = self.read_fcsr(number);
        if let Some(operand) = operand {
            self.write_fcsr(number, changed(change, Some(old), operand));
        }
        self.set_x(d, old);
    }

    fn csr_by_helper(&self, d: Xpr, number: u32, change: Change, operand: Option<Val<'a>>) {
        let (csr, insn) = (self.imm(i64::from(number)), self.insn_value());
        let Some(operand) = operand else {
            let value = self.call(helper::CSR_READ, &[csr, insn]);
            return self.set_x(d, value);
        };
        let which = match change {
            Change::Write if d == ZERO => helper::CSR_WRITE,
            Change::Write => helper::CSR_SWAP,
            Change::Set => helper::CSR_SET,
            Change::Clear => helper::CSR_CLEAR,
        };
        let old = self.call(which, &[csr, operand, insn]);
        self.set_x(d, old);
        self.next();
    }
}

/// The slot of a register that instructions may read, or read and write, like any slot, and the
/// bits of it that are kept.
fn plain(number: u32, writes: bool) -> Option<(SlotId, u64)> {
    let number = number as u16;
    if writes {
        csr::is_plain(number)
    } else {
        csr::is_plain_read(number).map(|slot| (slot, u64::MAX))
    }
}

/// The register's new value.
fn changed<'a>(change: Change, old: Option<Val<'a>>, operand: Val<'a>) -> Val<'a> {
    match (change, old) {
        (Change::Set, Some(old)) => old | operand,
        (Change::Clear, Some(old)) => old.andnot(operand),
        _ => operand,
    }
}
