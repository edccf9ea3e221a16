//! Calls, returns, control and status registers, waiting, fences of translations.
//!
//! What the mode shows is decided here; what it does not show is a helper's business.

use vm_ir::Type::I64;
use vm_ir::{End, SlotId, Val};

use super::{Lift, Xpr, ZERO};
use crate::csr;
use crate::fields::{MACHINE, SUPERVISOR, USER};
use crate::helper_ids as helper;
use crate::trap::cause;

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

    fn csr(&self, d: Xpr, number: u32, change: Change, operand: Option<Val<'a>>) {
        let read_only = number >> 10 == 3;
        if u64::from(number >> 8 & 3) > self.privilege() || read_only && operand.is_some() {
            return self.illegal();
        }
        match number {
            1..=3 if self.mode.float_off() => self.illegal(),
            1..=3 => self.float_csr(d, number, change, operand),
            _ => match plain(number, operand.is_some()) {
                Some(slot) => self.plain_csr(d, slot, change, operand),
                None => self.csr_by_helper(d, number, change, operand),
            },
        }
    }

    /// A register that is a slot like any other.
    fn plain_csr(&self, d: Xpr, slot: SlotId, change: Change, operand: Option<Val<'a>>) {
        let reads = d != ZERO || change != Change::Write;
        let old = reads.then(|| self.out.get(I64, slot));
        if let Some(operand) = operand {
            self.out.set(slot, changed(change, old, operand));
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

/// The slot of a register that instructions may read, or read and write, like any slot.
fn plain(number: u32, writes: bool) -> Option<SlotId> {
    let number = number as u16;
    if writes {
        csr::is_plain(number)
    } else {
        csr::is_plain_read(number)
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
