//! The handlers of flat ops that can not stop: arithmetic, moves, constants.
#![expect(unsafe_code, reason = "handlers follow raw pointers; see UNSAFETY")]
// UNSAFETY: a handler is called only by the handler before it or by the dispatcher, with a CPU
// that is alive and an op of a block that is alive; word numbers were checked when the op was
// made. Dispatch is a call in tail position, which the optimiser turns into a jump.

use vm_ir::{Op, Type};

use crate::cpu::{Cpu, WORDS};
use crate::flat::{A, B, C, D, Flat, Handler};

/// Reads a word.
///
/// # Safety
///
/// `cpu` is alive and `which` names one of the op's words.
#[inline(always)]
pub unsafe fn word(cpu: *mut Cpu, ip: *const Flat, which: usize) -> u64 {
    // SAFETY: as above; the flattener gives only words below `WORDS`.
    unsafe {
        let index = usize::from((*ip).words[which]);
        debug_assert!(index < WORDS, "the flattener gives only words that exist");
        *(&raw const (*cpu).words).cast::<u64>().add(index)
    }
}

/// Writes the result word.
///
/// # Safety
///
/// As for [`word`].
#[inline(always)]
pub unsafe fn set_word(cpu: *mut Cpu, ip: *const Flat, value: u64) {
    // SAFETY: as for `word`.
    unsafe {
        let index = usize::from((*ip).words[D]);
        debug_assert!(index < WORDS, "the flattener gives only words that exist");
        *(&raw mut (*cpu).words).cast::<u64>().add(index) = value;
    }
}

/// Goes on with the op behind this one.
///
/// # Safety
///
/// `ip` is not the last op of its block.
#[inline(always)]
pub unsafe fn next(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: as above.
    unsafe {
        let ip = ip.add(1);
        ((*ip).run)(cpu, ip, fuel)
    }
}

const fn op_of(number: u8) -> Op {
    Op::ALL[number as usize]
}

pub(crate) const fn type_of(number: u8) -> Type {
    Type::ALL[number as usize]
}

/// The meaning of a pure operation; operands may have dirt above the type's width.
#[inline(always)]
pub(crate) fn eval<const OP: u8, const TY: u8>(a: u64, b: u64, c: u64) -> u64 {
    calculate(const { op_of(OP) }, const { type_of(TY) }, a, b, c)
}

/// As [`eval`], for callers whose operation is a constant of another form.
#[inline(always)]
pub(crate) fn calculate(op: Op, ty: Type, a: u64, b: u64, c: u64) -> u64 {
    let cut = |value: u64| value & ty.mask();
    // A condition is the first operand of a selection and the last of a carry; both are clean.
    let (a, b, c) = match op {
        Op::Select => (a & 1, cut(b), cut(c)),
        Op::Carry | Op::Borrow | Op::OverAdd | Op::OverSub => (cut(a), cut(b), c & 1),
        _ => (cut(a), cut(b), cut(c)),
    };
    op.eval(ty, ty, a, b, c).unwrap_or(0)
}

/// The second operand: a word or the constant.
#[inline(always)]
pub(crate) unsafe fn second<const IMM: bool>(cpu: *mut Cpu, ip: *const Flat) -> u64 {
    // SAFETY: as for every handler.
    unsafe { if IMM { (*ip).imm } else { word(cpu, ip, B) } }
}

unsafe extern "C" fn binary<const OP: u8, const TY: u8, const IMM: bool, const SEXT: bool>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let value = eval::<OP, TY>(word(cpu, ip, A), second::<IMM>(cpu, ip), 0);
        set_word(
            cpu,
            ip,
            if SEXT {
                type_of(TY).sign_extend(value)
            } else {
                value
            },
        );
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn ternary<const OP: u8, const TY: u8>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        set_word(
            cpu,
            ip,
            eval::<OP, TY>(word(cpu, ip, A), word(cpu, ip, B), word(cpu, ip, C)),
        );
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn sext<const FROM: u8, const TO: u8>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let value = type_of(FROM).sign_extend(word(cpu, ip, A));
        set_word(cpu, ip, value & type_of(TO).mask());
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn mask(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        set_word(cpu, ip, word(cpu, ip, A) & (*ip).imm);
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn constant(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        set_word(cpu, ip, (*ip).imm);
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn pc(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        set_word(cpu, ip, (*cpu).pc.wrapping_add((*ip).imm));
        next(cpu, ip, fuel)
    }
}

/// `imm` is the field's place, then its mask.
unsafe extern "C" fn extract(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let a = word(cpu, ip, A);
        let value = Op::Extract.eval_imm(Type::I64, Type::I64, [a, 0, 0], (*ip).imm);
        set_word(cpu, ip, value.unwrap_or(0));
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn deposit(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let (a, b) = (word(cpu, ip, A), word(cpu, ip, B));
        let value = Op::Deposit.eval_imm(Type::I64, Type::I64, [a, b, 0], (*ip).imm);
        set_word(cpu, ip, value.unwrap_or(0));
        next(cpu, ip, fuel)
    }
}

/// Reads the slot that `imm` and the operand name together; see [`Op::GetAt`].
unsafe extern "C" fn read_slot(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY; the verifier holds that the row of slots lies inside the layout.
    unsafe {
        let (first, count) = ((*ip).imm & 0xffff, (*ip).imm >> 16);
        let index = first + (word(cpu, ip, A) & count.wrapping_sub(1));
        set_word(cpu, ip, (&(*cpu).words)[index as usize]);
        next(cpu, ip, fuel)
    }
}

unsafe extern "C" fn write_slot(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: as for `read_slot`.
    unsafe {
        let (first, count) = ((*ip).imm & 0xffff, (*ip).imm >> 16);
        let index = first + (word(cpu, ip, A) & count.wrapping_sub(1));
        (&mut (*cpu).words)[index as usize] = word(cpu, ip, B);
        next(cpu, ip, fuel)
    }
}

/// Which handler runs an arithmetic op.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arithmetic {
    /// Two operands, or one; the second may be the constant.
    Binary {
        op: Op,
        ty: Type,
        imm: bool,
        sext: bool,
    },
    /// Three operands.
    Ternary { op: Op, ty: Type },
    /// Sign extension.
    Sext { from: Type, to: Type },
    /// The bits of the constant.
    Mask,
    /// The constant.
    Const,
    /// An address near the program counter.
    Pc,
    /// A field taken out.
    Extract,
    /// A field put in.
    Deposit,
    /// A slot chosen at run time.
    GetAt,
    /// A slot chosen at run time.
    SetAt,
}

impl Arithmetic {
    /// The handler.
    pub fn handler(self) -> Option<Handler> {
        Some(match self {
            Self::Binary { op, ty, imm, sext } => binary_handler(op, ty, imm, sext)?,
            Self::Ternary { op, ty } => ternary_handler(op, ty)?,
            Self::Sext { from, to } => SEXT[from as usize][to as usize],
            Self::Mask => mask,
            Self::Const => constant,
            Self::Pc => pc,
            Self::Extract => extract,
            Self::Deposit => deposit,
            Self::GetAt => read_slot,
            Self::SetAt => write_slot,
        })
    }
}

macro_rules! by_type {
    ($handler:ident, $op:expr $(, $more:literal)*) => {
        [
            $handler::<{ $op }, 0 $(, $more)*> as Handler,
            $handler::<{ $op }, 1 $(, $more)*>,
            $handler::<{ $op }, 2 $(, $more)*>,
            $handler::<{ $op }, 3 $(, $more)*>,
            $handler::<{ $op }, 4 $(, $more)*>,
        ]
    };
}

static SEXT: [[Handler; 5]; 5] = [
    by_type!(sext, 0),
    by_type!(sext, 1),
    by_type!(sext, 2),
    by_type!(sext, 3),
    by_type!(sext, 4),
];

macro_rules! binary_table {
    ($($op:ident)+) => {
        fn binary_handler(op: Op, ty: Type, imm: bool, sext: bool) -> Option<Handler> {
            let ty = ty as usize;
            match op {
                $(Op::$op => {
                    const OP: u8 = Op::$op as u8;
                    static PLAIN: [[Handler; 5]; 2] =
                        [by_type!(binary, OP, false, false), by_type!(binary, OP, true, false)];
                    // Sign extension is folded in for 32 bits only, which guests do all the time.
                    static SIGNED: [Handler; 2] =
                        [binary::<OP, 3, false, true>, binary::<OP, 3, true, true>];
                    match sext {
                        true if ty == Type::I32 as usize => Some(SIGNED[usize::from(imm)]),
                        true => None,
                        false => Some(PLAIN[usize::from(imm)][ty]),
                    }
                })+
                _ => None,
            }
        }
    };
}

binary_table! {
    Add Sub Mul MulHu MulHs MulHsu DivU DivS RemU RemS And Or Xor AndNot Not Neg
    Shl ShrU ShrS RotL RotR Clz Ctz PopCnt BSwap BitRev OrBytes ClMul ClMulH ClMulR
    MinU MinS MaxU MaxS Eq Ne LtU LtS GeU GeS
}

macro_rules! ternary_table {
    ($($op:ident)+) => {
        fn ternary_handler(op: Op, ty: Type) -> Option<Handler> {
            match op {
                $(Op::$op => {
                    const OP: u8 = Op::$op as u8;
                    static TABLE: [Handler; 5] = by_type!(ternary, OP);
                    Some(TABLE[ty as usize])
                })+
                _ => None,
            }
        }
    };
}

ternary_table! {
    Select Carry Borrow OverAdd OverSub DivWideU RemWideU DivWideS RemWideS
}
