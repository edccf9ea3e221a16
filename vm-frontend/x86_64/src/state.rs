//! The state of a processor as a whole: after reset, and by name.

use vm_ir::{Layout, SlotId};

use crate::slots as s;

/// Nothing has trapped.
const NO_TRAP: u64 = u64::MAX;

/// Bit 1 of RFLAGS is always set, and so is the interrupt flag of a program without a kernel.
const FIXED_FLAGS: u64 = 0x202;

fn set_cell(slots: &mut [u64], id: SlotId, value: u64) {
    if let Some(slot) = slots.get_mut(usize::from(id.0)) {
        *slot = value;
    }
}

fn cell(slots: &[u64], id: SlotId) -> u64 {
    slots.get(usize::from(id.0)).copied().unwrap_or(0)
}

/// Brings a processor to its state after reset: all registers zero, nothing has trapped.
pub(crate) fn reset(slots: &mut [u64]) {
    slots.fill(0);
    set_cell(slots, s::RESERVATION, u64::MAX);
    set_cell(slots, s::TRAP, NO_TRAP);
}

/// Records the trap that stops the processor.
pub(crate) fn stop(slots: &mut [u64], cause: u32, value: u64, pc: u64) {
    set_cell(slots, s::TRAP, u64::from(cause));
    set_cell(slots, s::TRAP_VALUE, value);
    set_cell(slots, s::RIP, pc);
}

fn slot_of(layout: &Layout, name: &str) -> Option<(usize, u64)> {
    let index = layout.slots.iter().position(|slot| slot.name == name)?;
    let bits = layout.slots.get(index)?.bits.clamp(1, 64);
    Some((index, u64::MAX >> (64 - bits)))
}

/// Reads a register by name; `rflags` is put together from the flags.
pub(crate) fn register(layout: &Layout, slots: &[u64], name: &str) -> Option<u64> {
    if name == "rflags" {
        let flags = s::FLAGS.iter();
        return Some(flags.fold(FIXED_FLAGS, |all, (id, bit)| all | cell(slots, *id) << bit));
    }
    slots.get(slot_of(layout, name)?.0).copied()
}

/// Sets a register by name; false if there is none. Bits that it has not are lost.
pub(crate) fn set_register(layout: &Layout, slots: &mut [u64], name: &str, value: u64) -> bool {
    if name == "rflags" {
        for (id, bit) in s::FLAGS {
            set_cell(slots, id, value >> bit & 1);
        }
        return true;
    }
    let Some((index, mask)) = slot_of(layout, name) else {
        return false;
    };
    set_cell(slots, SlotId(index as u16), value & mask);
    true
}

/// Refuses a state with bits that a slot has not; names the slot.
pub(crate) fn check(layout: &Layout, slots: &[u64]) -> Result<(), String> {
    if slots.len() != layout.slots.len() {
        return Err("slots".to_owned());
    }
    for (info, value) in layout.slots.iter().zip(slots) {
        if value & !(u64::MAX >> (64 - info.bits.clamp(1, 64))) != 0 {
            return Err(info.name.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_found_by_name() {
        let layout = s::layout();
        assert_eq!(layout.slots.len(), s::SLOTS);
        let mut slots = vec![7; s::SLOTS];
        reset(&mut slots);
        for (set, value, shown, expect) in [
            ("rax", u64::MAX, "rax", u64::MAX),
            ("r15", 3, "r15", 3),
            ("cf", 3, "cf", 1),
            ("rflags", 0x8d5, "rflags", 0xad7),
            ("rflags", 0x400, "df", 1),
            ("of", 1, "rflags", 0xe02),
            ("rip", 9, "rip", 9),
        ] {
            assert!(set_register(&layout, &mut slots, set, value), "{set}");
            assert_eq!(
                register(&layout, &slots, shown),
                Some(expect),
                "{set} {shown}"
            );
        }
        assert_eq!(register(&layout, &slots, "x0"), None);
        assert!(!set_register(&layout, &mut slots, "x0", 1));
        assert_eq!(check(&layout, &slots), Ok(()));
        set_cell(&mut slots, s::ZF, 2);
        assert_eq!(check(&layout, &slots), Err("zf".to_owned()));
        assert!(check(&layout, &slots[1..]).is_err());
    }
}
