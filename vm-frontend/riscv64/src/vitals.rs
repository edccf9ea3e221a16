//! What a report of a guest's failure shows of a hart.
//!
//! The stack is read as "RISC-V Calling Conventions" of the RISC-V ABIs Specification has it with
//! a frame pointer: the return address stands right below where it leads, and the caller's frame
//! pointer below that. Compilers leave the address out in functions that call nobody.

use vm_ir::{StackRules, TrapNote, Vitals};

use crate::fields::{MACHINE, SUPERVISOR, USER};

/// Registers by their names in assembly.
pub(crate) const VITALS: Vitals = Vitals {
    general: &[
        "pc", "ra", "sp", "fp", "gp", "tp", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s1",
        "t0",
    ],
    system: &[
        "mstatus", "mie", "mip", "satp", "scause", "sepc", "stval", "stvec", "mcause", "mepc",
        "mtval", "mtvec",
    ],
    privileges: &[
        (USER as u32, "user mode"),
        (SUPERVISOR as u32, "supervisor mode"),
        (MACHINE as u32, "machine mode"),
    ],
    traps: &[
        TrapNote {
            privilege: MACHINE as u32,
            cause: "mcause",
            interrupt: 1 << 63,
            pc: "mepc",
            value: "mtval",
        },
        TrapNote {
            privilege: USER as u32,
            cause: "scause",
            interrupt: 1 << 63,
            pc: "sepc",
            value: "stval",
        },
    ],
    stack: StackRules {
        pointer: "sp",
        frame: "fp",
        link: Some("ra"),
        saved_frame: -16,
        saved_link: -8,
        leaf_frame: Some(-8),
        ends_with_call,
    },
};

/// `jal` and `jalr` that keep the address behind them in `ra`, and `c.jalr`.
fn ends_with_call(code: &[u8]) -> bool {
    let word = code.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let half = code.last_chunk().map(|bytes| u16::from_le_bytes(*bytes));
    let long = word.is_some_and(|word| {
        let to_ra = word >> 7 & 31 == 1;
        to_ra && (word & 0x7f == 0x6f || word & 0x707f == 0x67)
    });
    let short = half.is_some_and(|half| half & 0xf07f == 0x9002 && half >> 7 & 31 != 0);
    long || short
}

#[cfg(test)]
mod tests {
    use vm_ir::Frontend;

    use super::*;
    use crate::{Riscv64, slots as s, state};

    #[test]
    fn every_register_is_one() {
        let (layout, slots) = (s::layout(), vec![0; s::SLOTS]);
        let notes = VITALS.traps.iter();
        let noted = notes.flat_map(|note| [note.cause, note.pc, note.value]);
        let stack = [VITALS.stack.pointer, VITALS.stack.frame, "ra"];
        let all = VITALS.general.iter().chain(VITALS.system).copied();
        for name in all.chain(noted).chain(stack) {
            assert!(state::register(&layout, &slots, name).is_some(), "{name}");
        }
        assert!(Riscv64::new().vitals().is_some());
    }

    #[test]
    fn calls_are_told_from_other_code() {
        for (code, call) in [
            (&[0xef, 0x00, 0x00, 0x10][..], true), // jal ra, .+256
            (&[0xe7, 0x80, 0x07, 0x00], true),     // jalr ra, 0(a5)
            (&[0x01, 0x00, 0x82, 0x97], true),     // c.nop; c.jalr a5
            (&[0x82, 0x97], true),                 // c.jalr a5
            (&[0x6f, 0x00, 0x00, 0x10], false),    // j .+256
            (&[0x67, 0x80, 0x00, 0x00], false),    // ret
            (&[0x02, 0x90], false),                // c.ebreak
            (&[0x82, 0x80], false),                // c.jr ra
            (&[0x93, 0x00, 0x00, 0x00], false),    // li ra, 0
            (&[0xef], false),
            (&[], false),
        ] {
            assert_eq!(ends_with_call(code), call, "{code:x?}");
        }
    }
}
