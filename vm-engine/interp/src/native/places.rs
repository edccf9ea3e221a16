//! Where native code finds things.

use std::mem::offset_of;

use vm_core::Trap;
use vm_ir::Layout;

use crate::cpu::{Cpu, Jump, WORDS, Window};
use crate::flat::{Code, Head};
use crate::native::{Gates, HELPERS};
use crate::ring::Ring;

/// Where native code finds things, in bytes from its CPU pointer or from a block's head.
///
/// That pointer is [`Places::BIAS`] bytes behind the beginning of the CPU's struct, so that the
/// guest's general registers, which most guests have first, are reached by short instructions.
#[derive(Clone, Copy, Debug)]
pub struct Places;

/// From the beginning of the CPU's struct to native code's distance.
const fn near(offset: usize) -> i32 {
    offset as i32 - Places::BIAS
}

impl Places {
    /// How far behind the beginning of the CPU's struct native code's pointer is.
    pub const BIAS: i32 = offset_of!(Cpu, words) as i32 + 128;
    /// The address at which the block was entered; only its page is to be relied on.
    pub const PC: i32 = near(offset_of!(Cpu, pc));
    /// The TLB table in force.
    pub const TLB: i32 = near(offset_of!(Cpu, tlb));
    /// The jump cache in force.
    pub const JUMPS: i32 = near(offset_of!(Cpu, jumps));
    /// What tells its entries apart, in bytes.
    pub const JUMP_MASK: i32 = near(offset_of!(Cpu, jump_mask));
    /// The block at work, for gates.
    pub const CODE: i32 = near(offset_of!(Cpu, code));
    /// Where the stack ends for calls: see [`super`].
    pub const STACK_END: i32 = near(offset_of!(Cpu, stack_end));
    /// The result of a gate.
    pub const RESULT: i32 = near(offset_of!(Cpu, result));
    /// A trap's number, for [`crate::native::Gates::trap`].
    pub const CAUSE: i32 = near(offset_of!(Cpu, trap) + offset_of!(Trap, cause));
    /// A trap's value, for [`crate::native::Gates::trap`].
    pub const VALUE: i32 = near(offset_of!(Cpu, trap) + offset_of!(Trap, value));
    /// What else a trap has, for [`crate::native::Gates::trap`].
    pub const DETAIL: i32 = near(offset_of!(Cpu, trap) + offset_of!(Trap, detail));
    /// The gates.
    pub const GATES: i32 = near(offset_of!(Cpu, gates));
    /// The compiler's own words.
    pub const HELPERS: i32 = near(offset_of!(Cpu, helpers));
    /// Where a CPU went last: a row of addresses, whose number is that of a byte's values.
    pub const RECENT: i32 = near(offset_of!(Cpu, recent) + Ring::ENTRIES_AT);
    /// The byte that says which of [`Places::RECENT`] is written next; it wraps around.
    pub const RECENT_NEXT: i32 = near(offset_of!(Cpu, recent) + Ring::NEXT_AT);
    /// The slots.
    pub const WORDS: i32 = near(offset_of!(Cpu, words));
    /// Words that a compiler may use while its code runs: handlers have temporaries there, which
    /// are worth nothing at the borders of blocks.
    pub const SPARES: i32 = Self::WORDS + 8 * (WORDS as i32 - Self::SPARE_COUNT as i32);
    /// How many they are.
    pub const SPARE_COUNT: u16 = 64;
    /// In a head: where to jump to.
    pub const ENTRY: i32 = offset_of!(Head, entry) as i32;
    /// In a block: the heads behind its exits.
    pub const EXITS: i32 = offset_of!(Code, exits) as i32;
    /// Where the number stands that says in which state the mappings are: see
    /// [`Seen`](super::Seen).
    pub const STATE: i32 = near(offset_of!(Cpu, state));
    /// The host's address of the RAM that is [`Places::RAM_BYTES`] long: see [`Window`].
    pub const RAM_HOST: i32 = near(offset_of!(Cpu, ram) + offset_of!(Window, host));
    /// The length of that RAM.
    pub const RAM_BYTES: i32 = near(offset_of!(Cpu, ram) + offset_of!(Window, bytes));
    /// The guest's address of that RAM.
    pub const RAM_BASE: i32 = near(offset_of!(Cpu, ram) + offset_of!(Window, base));
    /// In an entry of a jump cache: the head of the block there.
    pub const JUMP_CODE: i32 = offset_of!(Jump, code) as i32;
}

/// The words that have names of their own.
const NAMES: [(i32, &str); 13] = [
    (Places::PC, "pc"),
    (Places::TLB, "tlb"),
    (Places::JUMPS, "jumps"),
    (Places::JUMP_MASK, "jump mask"),
    (Places::CODE, "code"),
    (Places::STACK_END, "end of the stack"),
    (Places::RESULT, "result"),
    (Places::CAUSE, "trap cause"),
    (Places::VALUE, "trap value"),
    (Places::DETAIL, "trap detail"),
    (Places::RECENT, "recent"),
    (Places::RECENT_NEXT, "recent next"),
    (Places::STATE, "mappings"),
];

/// The gates.
const GATES: [(usize, &str); 10] = [
    (offset_of!(Gates, unknown), "unknown"),
    (offset_of!(Gates, miss), "miss"),
    (offset_of!(Gates, miss_float), "miss"),
    (offset_of!(Gates, fuel), "no fuel"),
    (offset_of!(Gates, next), "next"),
    (offset_of!(Gates, trap), "trap"),
    (offset_of!(Gates, call), "call"),
    (offset_of!(Gates, special), "special"),
    (offset_of!(Gates, miss_at), "miss"),
    (offset_of!(Gates, pages), "pages"),
];

/// What stands at a distance from native code's CPU pointer, for people.
#[must_use]
pub fn place_name(at: i32, layout: &Layout) -> Option<String> {
    let word = |from: i32| usize::try_from(at - from).ok().map(|bytes| bytes / 8);
    let gate = usize::try_from(at - Places::GATES).ok();
    let gate = gate.and_then(|at| GATES.iter().find(|gate| gate.0 == at));
    if let Some((_, gate)) = gate {
        return Some(format!("gate {gate}"));
    }
    if let Some((_, name)) = NAMES.iter().find(|name| name.0 == at) {
        return Some((*name).to_owned());
    }
    let slot = word(Places::WORDS).and_then(|slot| layout.slots.get(slot));
    if let Some(slot) = slot {
        return Some(slot.name.clone());
    }
    let helper = word(Places::HELPERS).filter(|word| *word < HELPERS);
    if helper.is_some() {
        return Some("helper".to_owned());
    }
    let spare = word(Places::SPARES).filter(|word| *word < usize::from(Places::SPARE_COUNT));
    spare.map(|spare| format!("spare {spare}"))
}

const _: () = assert!(
    offset_of!(Code, head) == 0 && offset_of!(Jump, pc) == 0,
    "a block is its head to native code, and a jump begins with its address"
);
