//! What generated code calls: meanings of operations that have no good form in instructions, and
//! exact floating point.
#![expect(
    unsafe_code,
    reason = "functions are entered from generated code with raw pointers; see UNSAFETY"
)]
// UNSAFETY: every function here is entered through a stub of `thunk` with the address of the
// `Helpers` inside a CPU's struct, which the thread that runs the code has for itself.

use vm_ir::float::{Flags, Rules};
use vm_ir::{Op, Type, eval_float};

use super::thunk::{Stub, eval_stub, float_stub};

macro_rules! entries {
    ($abi:literal) => {
        /// A helper as `thunk` calls it: what it works with, and up to four words.
        type Code = unsafe extern $abi fn(*mut Helpers, u64, u64, u64, u64) -> u64;

        unsafe extern $abi fn eval_code(_: *mut Helpers, word: u64, a: u64, b: u64, c: u64) -> u64 {
            eval(word, [a, b, c])
        }

        unsafe extern $abi fn float_code<const OP: u8, const TY: u8, const FROM: u8>(
            helpers: *mut Helpers,
            first: u64,
            second: u64,
            third: u64,
            fourth: u64,
        ) -> u64 {
            // SAFETY: see UNSAFETY.
            unsafe { float::<OP, TY, FROM>(helpers, [first, second, third, fourth]) }
        }

        /// The same as [`eval_code`], and all that a function may do to registers.
        #[cfg(test)]
        unsafe extern $abi fn spoiling(_: *mut Helpers, word: u64, a: u64, b: u64, c: u64) -> u64 {
            let value = eval(word, [a, b, c]);
            super::tests::spoil();
            value
        }
    };
}

// HOST-ARCH: on x86-64 generated code passes operands as System V has it, on Windows, too.
#[cfg(target_arch = "x86_64")]
entries!("sysv64");
// HOST-ARCH: all others have one convention.
#[cfg(not(target_arch = "x86_64"))]
entries!("C");

/// The number of a helper in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Routine(pub u16);

/// What stands in a CPU's struct for the calls of generated code.
#[repr(C)]
pub struct Helpers {
    /// What the last helper answered.
    pub(super) result: u64,
    /// The operands of the next one: not in registers, which are wanted for what is not cold.
    pub(super) words: [u64; 4],
    /// Where the slot of the sticky floating-point flags is, in bytes from here.
    flags_at: isize,
    /// How the guest's floating-point operations treat what the standard leaves open.
    rules: Rules,
    /// The entries.
    table: [Stub; COUNT],
    /// What the entries lead to.
    code: [Code; COUNT],
}

impl std::fmt::Debug for Helpers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Helpers")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Helpers {
    pub(super) const RESULT: i32 = std::mem::offset_of!(Self, result) as i32;
    pub(super) const WORDS: i32 = std::mem::offset_of!(Self, words) as i32;
    pub(super) const TABLE: i32 = std::mem::offset_of!(Self, table) as i32;
    pub(super) const CODE: i32 = std::mem::offset_of!(Self, code) as i32;

    /// For a guest with these rules, whose slot of sticky flags is `flags_at` bytes behind this
    /// struct (negative: before it), in the same allocation.
    #[must_use]
    pub const fn new(rules: Rules, flags_at: isize) -> Self {
        Self {
            result: 0,
            words: [0; 4],
            flags_at,
            rules,
            table: TABLE,
            code: CODE,
        }
    }

    /// Lets helpers of integers spoil all registers that they may change.
    #[cfg(test)]
    pub(super) fn spoil(&mut self) {
        self.code[usize::from(Routine::EVAL.0)] = spoiling;
    }
}

/// The table's length: the meaning of any operation, then the floating-point operations.
const COUNT: usize = 1 + 12 * 3 + 4 * 12 + 6;

/// A function for an operation and its types, or what it says.
macro_rules! row {
    ([] $of:ident $op:ident $ty:literal $from:literal) => {
        $of::<{ Op::$op as u8 }, $ty, $from>
    };
    ([()] $($row:tt)+) => {
        row!([] $($row)+)()
    };
}

/// Appends one operation in some types, which are numbered as in [`Type`], each from another.
macro_rules! rows {
    ($all:ident $n:ident $of:ident $call:tt $op:ident $($ty:literal $from:literal),+) => {
        $(
            $all[$n] = row!($call $of $op $ty $from);
            $n += 1;
        )+
    };
}

/// Operations in each format.
macro_rules! same {
    ($all:ident $n:ident $of:ident $call:tt $($op:ident)+) => {
        $(rows!($all $n $of $call $op 2 2, 3 3, 4 4);)+
    };
}

/// Operations to each integer from each format.
macro_rules! to_int {
    ($all:ident $n:ident $of:ident $call:tt $($op:ident)+) => {
        $(
            rows!($all $n $of $call $op 1 2, 2 2, 3 2, 4 2, 1 3, 2 3, 3 3, 4 3);
            rows!($all $n $of $call $op 1 4, 2 4, 3 4, 4 4);
        )+
    };
}

/// Operations to each format from each integer.
macro_rules! from_int {
    ($all:ident $n:ident $of:ident $call:tt $($op:ident)+) => {
        $(
            rows!($all $n $of $call $op 2 1, 2 2, 2 3, 2 4, 3 1, 3 2, 3 3, 3 4);
            rows!($all $n $of $call $op 4 1, 4 2, 4 3, 4 4);
        )+
    };
}

/// One thing for each helper: first that of [`Routine::EVAL`].
macro_rules! table {
    ($first:expr, $of:ident $call:tt) => {{
        let mut all = [$first; COUNT];
        let mut n = 1;
        same!(all n $of $call FAdd FSub FMul FDiv FSqrt FMulAdd FMin FMax FEq FLt FLe FClass);
        to_int!(all n $of $call FToS FToU);
        from_int!(all n $of $call SToF UToF);
        rows!(all n $of $call FConvert 2 3, 2 4, 3 2, 3 4, 4 2, 4 3);
        assert!(n == COUNT, "every helper has its place");
        all
    }};
}

const TABLE: [Stub; COUNT] = table!(eval_stub as Stub, float_stub[]);
const CODE: [Code; COUNT] = table!(eval_code as Code, float_code[]);
/// Which helper is which: the numbers of the operation and its types.
const NAMES: [(u8, u8, u8); COUNT] = table!((Op::Const as u8, 0, 0), name[()]);

const fn name<const OP: u8, const TY: u8, const FROM: u8>() -> (u8, u8, u8) {
    (OP, TY, FROM)
}

impl Routine {
    /// Any pure operation of the table, by [`Self::eval_word`] and three operands.
    pub(super) const EVAL: Self = Self(0);

    /// What tells [`Self::EVAL`] which operation is meant.
    pub(super) const fn eval_word(op: Op, ty: Type) -> u64 {
        op as u64 | (ty as u64) << 8
    }

    /// A floating-point operation.
    pub(super) fn float(op: Op, ty: Type, from: Type) -> Self {
        Self::numbered(op as u8, ty as u8, from as u8)
    }

    /// The same by the numbers of the operation and its types.
    pub(super) const fn numbered(op: u8, ty: u8, from: u8) -> Self {
        let mut n = 0;
        while n < COUNT {
            let name = NAMES[n];
            if name.0 == op && name.1 == ty && name.2 == from {
                return Self(n as u16);
            }
            n += 1;
        }
        panic!("there is no such helper")
    }
}

/// The meaning of a pure operation in the table.
fn eval(word: u64, [a, b, c]: [u64; 3]) -> u64 {
    let (op, ty) = (
        Op::ALL[word as u8 as usize],
        Type::ALL[(word >> 8) as usize],
    );
    op.eval(ty, ty, a, b, c).unwrap_or(0)
}

/// The exact result; what was raised is added to the sticky flags.
///
/// A rounding mode comes first, so that operands have the same places in all helpers with one.
#[inline(always)]
unsafe fn float<const OP: u8, const TY: u8, const FROM: u8>(
    helpers: *mut Helpers,
    [first, second, third, fourth]: [u64; 4],
) -> u64 {
    let (op, ty, from) = const {
        (
            Op::ALL[OP as usize],
            Type::ALL[TY as usize],
            Type::ALL[FROM as usize],
        )
    };
    let args = match op {
        Op::FMulAdd => [second, third, fourth, first],
        _ if rounds(op) && op.shape().args.len() == 2 => [second, first, 0, 0],
        _ if rounds(op) => [second, third, first, 0],
        _ => [first, second, 0, 0],
    };
    // SAFETY: see UNSAFETY; the slot is where `Helpers::new` was told.
    unsafe {
        let flags = helpers.byte_offset((*helpers).flags_at).cast::<u64>();
        let sticky = *flags;
        let out = eval_float(op, ty, from, args, (*helpers).rules, Flags(sticky as u8));
        let Some(out) = out else { return 0 };
        *flags = sticky | u64::from(out.flags.0);
        out.bits
    }
}

/// Whether the last operand is a rounding mode.
pub(super) const fn rounds(op: Op) -> bool {
    let args = op.shape().args;
    matches!(args[args.len() - 1], vm_ir::ops::Kind::I8)
}
