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
    pub(super) const TABLE: i32 = std::mem::offset_of!(Self, table) as i32;
    pub(super) const CODE: i32 = std::mem::offset_of!(Self, code) as i32;

    /// For a guest with these rules, whose slot of sticky flags is `flags_at` bytes behind this
    /// struct (negative: before it), in the same allocation.
    #[must_use]
    pub const fn new(rules: Rules, flags_at: isize) -> Self {
        Self {
            result: 0,
            flags_at,
            rules,
            table: TABLE,
            code: CODE,
        }
    }
}

/// The operations whose helpers are made: each in each type, and from each type.
const FLOATS: [Type; 3] = [Type::I16, Type::I32, Type::I64];
const INTS: [Type; 4] = [Type::I8, Type::I16, Type::I32, Type::I64];

macro_rules! table {
    (
        same: $($same:ident)+;
        to_int: $($to_int:ident)+;
        from_int: $($from_int:ident)+;
    ) => {
        /// Which helper is which.
        const ROWS: [(Op, Type, Type); COUNT] = {
            let mut rows = [(Op::Const, Type::I64, Type::I64); COUNT];
            let mut n = 1;
            let (mut i, mut j);
            $(i = 0; while i < 3 { rows[n] = (Op::$same, FLOATS[i], FLOATS[i]); n += 1; i += 1; })+
            $(i = 0; while i < 3 { j = 0; while j < 4 {
                rows[n] = (Op::$to_int, INTS[j], FLOATS[i]); n += 1; j += 1;
            } i += 1; })+
            $(i = 0; while i < 3 { j = 0; while j < 4 {
                rows[n] = (Op::$from_int, FLOATS[i], INTS[j]); n += 1; j += 1;
            } i += 1; })+
            i = 0; while i < 3 { j = 0; while j < 3 {
                if i != j { rows[n] = (Op::FConvert, FLOATS[i], FLOATS[j]); n += 1; }
                j += 1;
            } i += 1; }
            assert!(n == COUNT, "every row has its place");
            rows
        };

        const TABLE: [Stub; COUNT] = [
            eval_stub as Stub,
            $(table!(@same float_stub $same 2), table!(@same float_stub $same 3), table!(@same float_stub $same 4),)+
            $(table!(@to float_stub $to_int 1 2), table!(@to float_stub $to_int 2 2), table!(@to float_stub $to_int 3 2),
              table!(@to float_stub $to_int 4 2), table!(@to float_stub $to_int 1 3), table!(@to float_stub $to_int 2 3),
              table!(@to float_stub $to_int 3 3), table!(@to float_stub $to_int 4 3), table!(@to float_stub $to_int 1 4),
              table!(@to float_stub $to_int 2 4), table!(@to float_stub $to_int 3 4), table!(@to float_stub $to_int 4 4),)+
            $(table!(@to float_stub $from_int 2 1), table!(@to float_stub $from_int 2 2), table!(@to float_stub $from_int 2 3),
              table!(@to float_stub $from_int 2 4), table!(@to float_stub $from_int 3 1), table!(@to float_stub $from_int 3 2),
              table!(@to float_stub $from_int 3 3), table!(@to float_stub $from_int 3 4), table!(@to float_stub $from_int 4 1),
              table!(@to float_stub $from_int 4 2), table!(@to float_stub $from_int 4 3), table!(@to float_stub $from_int 4 4),)+
            table!(@to float_stub FConvert 2 3), table!(@to float_stub FConvert 2 4), table!(@to float_stub FConvert 3 2),
            table!(@to float_stub FConvert 3 4), table!(@to float_stub FConvert 4 2), table!(@to float_stub FConvert 4 3),
        ];

        const CODE: [Code; COUNT] = [
            eval_code as Code,
            $(table!(@same float_code $same 2), table!(@same float_code $same 3), table!(@same float_code $same 4),)+
            $(table!(@to float_code $to_int 1 2), table!(@to float_code $to_int 2 2), table!(@to float_code $to_int 3 2),
              table!(@to float_code $to_int 4 2), table!(@to float_code $to_int 1 3), table!(@to float_code $to_int 2 3),
              table!(@to float_code $to_int 3 3), table!(@to float_code $to_int 4 3), table!(@to float_code $to_int 1 4),
              table!(@to float_code $to_int 2 4), table!(@to float_code $to_int 3 4), table!(@to float_code $to_int 4 4),)+
            $(table!(@to float_code $from_int 2 1), table!(@to float_code $from_int 2 2), table!(@to float_code $from_int 2 3),
              table!(@to float_code $from_int 2 4), table!(@to float_code $from_int 3 1), table!(@to float_code $from_int 3 2),
              table!(@to float_code $from_int 3 3), table!(@to float_code $from_int 3 4), table!(@to float_code $from_int 4 1),
              table!(@to float_code $from_int 4 2), table!(@to float_code $from_int 4 3), table!(@to float_code $from_int 4 4),)+
            table!(@to float_code FConvert 2 3), table!(@to float_code FConvert 2 4), table!(@to float_code FConvert 3 2),
            table!(@to float_code FConvert 3 4), table!(@to float_code FConvert 4 2), table!(@to float_code FConvert 4 3),
        ];
    };
    (@same $of:ident $op:ident $ty:literal) => { table!(@to $of $op $ty $ty) };
    (@to $of:ident $op:ident $ty:literal $from:literal) => {
        $of::<{ Op::$op as u8 }, $ty, $from>
    };
}

/// The table's length: the meaning of any operation, then the floating-point operations.
const COUNT: usize = 1 + 12 * 3 + 2 * 12 + 2 * 12 + 6;

table! {
    same: FAdd FSub FMul FDiv FSqrt FMulAdd FMin FMax FEq FLt FLe FClass;
    to_int: FToS FToU;
    from_int: SToF UToF;
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
            let row = ROWS[n];
            if row.0 as u8 == op && row.1 as u8 == ty && row.2 as u8 == from {
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
