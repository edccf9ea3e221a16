//! The state of one processor as slots: Intel SDM volume 1, section 3.4.
//!
//! Each status flag is a slot of its own, so that an instruction writes only the flags it
//! defines and those that nobody reads are dropped; `rflags` is a view (see `state`).

use vm_core::RegisterKind;
use vm_ir::{Layout, SlotId, SlotInfo};

macro_rules! slots {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $kind:ident $bits:literal;)+) => {
        #[expect(non_camel_case_types, reason = "register names as in the manual")]
        enum Number { $($name),+ }

        $($(#[doc = $doc])+
        pub const $name: SlotId = SlotId(Number::$name as u16);)+

        /// The slots with their names.
        #[must_use]
        pub fn slot_table() -> Vec<SlotInfo> {
            vec![$(SlotInfo {
                name: $text.to_owned(),
                kind: RegisterKind::$kind,
                bits: $bits,
            }),+]
        }

        /// How many slots there are.
        pub const SLOTS: usize = [$($text),+].len();
    };
}

#[rustfmt::skip] // One row a register.
slots! {
    /// Accumulator; the general registers follow in the order of their numbers.
    RAX "rax" General 64;
    /// Counter of shifts and repeats.
    RCX "rcx" General 64;
    /// High half of products and dividends.
    RDX "rdx" General 64;
    /// Base.
    RBX "rbx" General 64;
    /// Stack pointer.
    RSP "rsp" General 64;
    /// Frame pointer.
    RBP "rbp" General 64;
    /// Source of string instructions.
    RSI "rsi" General 64;
    /// Destination of string instructions.
    RDI "rdi" General 64;
    /// General register 8.
    R8 "r8" General 64;
    /// General register 9.
    R9 "r9" General 64;
    /// General register 10.
    R10 "r10" General 64;
    /// General register 11.
    R11 "r11" General 64;
    /// General register 12.
    R12 "r12" General 64;
    /// General register 13.
    R13 "r13" General 64;
    /// General register 14.
    R14 "r14" General 64;
    /// General register 15.
    R15 "r15" General 64;
    /// Instruction pointer: the address at which the running block was entered.
    RIP "rip" General 64;
    /// Carry.
    CF "cf" General 1;
    /// Parity: the low byte of the result has an even number of ones.
    PF "pf" General 1;
    /// Carry out of bit 3.
    AF "af" General 1;
    /// Zero.
    ZF "zf" General 1;
    /// Sign.
    SF "sf" General 1;
    /// Signed overflow.
    OF "of" General 1;
    /// Direction: string instructions go downwards.
    DF "df" General 1;
    /// Base of the segment FS.
    FS_BASE "fs_base" System 64;
    /// Base of the segment GS.
    GS_BASE "gs_base" System 64;
    /// Sticky floating-point exceptions (of MXCSR), in the order of the shared arithmetic.
    FP_FLAGS "fp_flags" Float 5;
    /// The reserved physical address: nothing here reserves, but every layout has it.
    RESERVATION "reservation0" System 64;
    /// The reserved value.
    RESERVATION_VALUE "reservation1" System 64;
    /// The reserved width.
    RESERVATION_WIDTH "reservation2" System 64;
    /// The vector of the trap that stopped the processor; all ones if none did.
    TRAP "trap" System 64;
    /// The address that goes with it.
    TRAP_VALUE "trap_value" System 64;
}

/// The layout that engines work with.
#[must_use]
pub fn layout() -> Layout {
    Layout {
        slots: slot_table(),
        pc: RIP,
        fp_flags: FP_FLAGS,
        reservation: RESERVATION,
    }
}

/// A general register by its number.
#[must_use]
pub const fn general(number: u16) -> SlotId {
    SlotId(RAX.0 + (number & 15))
}

/// Where a flag stands in RFLAGS.
pub const FLAGS: [(SlotId, u32); 7] = [
    (CF, 0),
    (PF, 2),
    (AF, 4),
    (ZF, 6),
    (SF, 7),
    (DF, 10),
    (OF, 11),
];
