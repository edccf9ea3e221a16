//! Runs a few instructions in a mode and says how that ended.

use core::fmt;

use crate::csr::{self, cause, irq, status};
use crate::entry::{self, Frame, vector};
use crate::insn::{A0, A1, ECALL, ZERO, csrrc, csrrs, csrrw};
use crate::memory::{self, CODE, MSIP, MTIMECMP, write32};

/// Added to the address of code that runs in U-mode under translation: the user's view of RAM.
pub const USER_VIEW: u64 = 0x1_0000_0000;
/// What the S-mode vector leaves in a7.
const S_MARK: u64 = 0x5354;

/// A privilege mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// User.
    U = 0,
    /// Supervisor.
    S = 1,
    /// Machine.
    M = 3,
}

/// How a run ended, as far as most checks care.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By its own `ecall`, with this value in a0.
    Done(u64),
    /// By a trap that this mode took: cause, address relative to the code, value.
    Trap(Mode, u64, u64, u64),
}

impl fmt::Debug for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(value) => write!(formatter, "done({value:#x})"),
            Self::Trap(mode, cause, at, value) => {
                let interrupt = if cause & irq::CAUSE == 0 {
                    ""
                } else {
                    "interrupt "
                };
                let number = cause & !irq::CAUSE;
                write!(
                    formatter,
                    "{mode:?}-trap({interrupt}{number}, at {at:#x}, tval {value:#x})"
                )
            }
        }
    }
}

/// How a run ended, in full.
pub struct Outcome {
    /// In short.
    pub end: End,
    /// The mode that the ending `ecall` or trap came from, for traps that M-mode took.
    pub from: u64,
    /// Registers and `mstatus` at the end.
    pub frame: Frame,
    /// `sstatus` as the S-mode vector saw it.
    pub s_status: u64,
}

impl Outcome {
    /// A register at the end.
    pub fn register(&self, index: u32) -> u64 {
        self.frame
            .registers
            .get(index as usize)
            .copied()
            .unwrap_or(0)
    }
}

/// A run to be made.
pub struct Run<'a> {
    mode: Mode,
    status: u64,
    code: &'a [u32],
}

impl<'a> Run<'a> {
    /// Instructions for a mode.
    pub fn new(mode: Mode, code: &'a [u32]) -> Self {
        Self {
            mode,
            status: 0,
            code,
        }
    }

    /// Bits of `mstatus` to enter with.
    pub fn status(mut self, bits: u64) -> Self {
        self.status |= bits;
        self
    }

    /// Makes the run with a0, a1 and so on from `arguments`.
    pub fn go(self, arguments: &[u64]) -> Outcome {
        for (index, &instruction) in self.code.iter().chain(&[ECALL]).enumerate() {
            write32(CODE + 4 * index as u64, instruction);
        }
        let translated = raw_read(csr::SATP) >> 60 != 0;
        let view = if self.mode == Mode::U && translated {
            USER_VIEW
        } else {
            0
        };
        let mut frame = Frame::default();
        for (place, &value) in frame.registers[A0 as usize..].iter_mut().zip(arguments) {
            *place = value;
        }
        raw_write(
            csr::MSTATUS,
            self.status | (self.mode as u64) << status::MPP_SHIFT,
        );
        raw_write(csr::MEPC, CODE + view);
        entry::run(&mut frame);
        raw_write(csr::MSTATUS, 0);
        let last = CODE + view + 4 * self.code.len() as u64;
        let mut from = frame.status >> status::MPP_SHIFT & 3;
        let mut s_status = 0;
        let end = if (cause::ECALL_U..=cause::ECALL_M).contains(&frame.cause) && frame.epc == last {
            End::Done(frame.registers[A0 as usize])
        } else if frame.cause == cause::ECALL_S && frame.registers[17] == S_MARK {
            let [cause, epc, tval, status] = [11, 12, 13, 14].map(|index| frame.registers[index]);
            s_status = status;
            from = u64::from(status & status::SPP != 0);
            End::Trap(Mode::S, cause, epc.wrapping_sub(CODE + view), tval)
        } else {
            let at = frame.epc.wrapping_sub(CODE + view);
            End::Trap(Mode::M, frame.cause, at, frame.tval)
        };
        Outcome {
            end,
            from,
            frame,
            s_status,
        }
    }

    /// Makes the run and says how it ended.
    pub fn end(self, arguments: &[u64]) -> End {
        self.go(arguments).end
    }
}

/// Runs in a mode, with nothing special.
pub fn run(mode: Mode, code: &[u32], arguments: &[u64]) -> End {
    Run::new(mode, code).end(arguments)
}

/// Reads a register in M-mode; `None` if that trapped.
pub fn read(number: u32) -> Option<u64> {
    match run(Mode::M, &[csrrs(A0, number, ZERO)], &[]) {
        End::Done(value) => Some(value),
        End::Trap(..) => None,
    }
}

/// Writes a register in M-mode and reads it back; `None` if that trapped.
pub fn write(number: u32, value: u64) -> Option<u64> {
    match run(
        Mode::M,
        &[csrrw(ZERO, number, A0), csrrs(A0, number, ZERO)],
        &[value],
    ) {
        End::Done(value) => Some(value),
        End::Trap(..) => None,
    }
}

/// Sets bits of a register in M-mode.
pub fn set(number: u32, bits: u64) {
    run(Mode::M, &[csrrs(ZERO, number, A0)], &[bits]);
}

/// Clears bits of a register in M-mode.
pub fn clear(number: u32, bits: u64) {
    run(Mode::M, &[csrrc(A1, number, A0)], &[bits]);
}

/// Puts every register that a check may have changed back, and opens all memory to S and U.
pub fn reset() {
    memory::write64(MTIMECMP, u64::MAX);
    write32(MSIP, 0);
    for number in [
        csr::MSTATUS,
        csr::MIE,
        csr::MIP,
        csr::SATP,
        csr::MIDELEG,
        csr::MEDELEG,
    ] {
        raw_write(number, 0);
    }
    raw_write(csr::MTVEC, vector::m());
    raw_write(csr::STVEC, vector::s());
    raw_write(csr::MCOUNTEREN, 7);
    raw_write(csr::SCOUNTEREN, 7);
    // Missing before version 1.12 of the manual, so by a run that may trap.
    write(csr::MENVCFG, 0);
    // Entry 15, the weakest, allows everything; the others are off.
    write(csr::PMPCFG0, 0);
    write(csr::PMPADDR0 + 15, u64::MAX >> 10);
    write(csr::PMPCFG2, 0x1f << 56);
    run(Mode::M, &[crate::insn::SFENCE_VMA], &[]);
}

fn raw_read(number: u32) -> u64 {
    crate::raw::read(number)
}

fn raw_write(number: u32, value: u64) {
    crate::raw::write(number, value);
}
