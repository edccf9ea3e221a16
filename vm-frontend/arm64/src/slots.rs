//! The state of one ARM64 CPU as slots.

use vm_core::RegisterKind;
use vm_ir::{Layout, SlotId, SlotInfo};

/// General registers `x0` to `x30`; the stack pointer follows.
pub const X: SlotId = SlotId(0);
/// The stack pointer: what register 31 is where it is not zero.
pub const SP: SlotId = SlotId(31);
/// Program counter: the address at which the running block was entered.
pub const PC: SlotId = SlotId(32);
/// Condition flag: negative.
pub const N: SlotId = SlotId(33);
/// Condition flag: zero.
pub const Z: SlotId = SlotId(34);
/// Condition flag: carry, or no borrow.
pub const C: SlotId = SlotId(35);
/// Condition flag: signed overflow.
pub const V: SlotId = SlotId(36);
/// The thread pointer that user mode may write.
pub const TPIDR_EL0: SlotId = SlotId(37);
/// The floating-point exceptions since they were last cleared, in the engines' order.
pub const FP_FLAGS: SlotId = SlotId(38);
/// The physical address that is reserved (all ones: none), then its value, then its width.
pub const RESERVATION: SlotId = SlotId(39);

/// How many slots a CPU has.
pub const SLOTS: usize = 42;

/// The layout that engines work with.
#[must_use]
pub fn layout() -> Layout {
    let general = (0..31).map(|i| (format!("x{i}"), RegisterKind::General, 64));
    let flag = |name: &str| (name.to_owned(), RegisterKind::General, 1);
    let system = |name: &str, bits| (name.to_owned(), RegisterKind::System, bits);
    let others = [
        ("sp".to_owned(), RegisterKind::General, 64),
        ("pc".to_owned(), RegisterKind::General, 64),
        flag("n"),
        flag("z"),
        flag("c"),
        flag("v"),
        system("tpidr_el0", 64),
        system("fp_flags", 5),
        system("reserved_addr", 64),
        system("reserved_value", 64),
        system("reserved_bytes", 64),
    ];
    let info = |(name, kind, bits)| SlotInfo { name, kind, bits };
    Layout {
        slots: general.chain(others).map(info).collect(),
        pc: PC,
        fp_flags: FP_FLAGS,
        reservation: RESERVATION,
    }
}
