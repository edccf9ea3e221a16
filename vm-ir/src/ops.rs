//! The operation table.
//!
//! A row is: doc sentence, name, text, operand types, result type, effect, and for pure
//! operations the meaning: an expression over the width in bits and up to three operands, which
//! are zero-extended. The result is cut to the result's type afterwards.
//!
//! `T` is the operation's type; other types stand for themselves.
//! Everything else is made from the rows: the [`Op`] enum, printing, parsing, the verifier's
//! types, the constant folder and the reference run.

use crate::Type;
use crate::block::Effect;

/// The type of an operand or a result, in terms of the operation's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The operation's type.
    T,
    /// A truth value.
    I1,
    /// A byte (rounding modes).
    I8,
    /// 64 bits (addresses, slots).
    I64,
    /// Any type (conversions take what they are given).
    Any,
    /// Nothing (results only).
    Nothing,
}

impl Kind {
    /// The type itself; `None` for [`Kind::Any`] and [`Kind::Nothing`].
    #[must_use]
    pub const fn of(self, ty: Type) -> Option<Type> {
        match self {
            Self::T => Some(ty),
            Self::I1 => Some(Type::I1),
            Self::I8 => Some(Type::I8),
            Self::I64 => Some(Type::I64),
            Self::Any | Self::Nothing => None,
        }
    }
}

/// What a row says of its operation, besides its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The name in the text form.
    pub text: &'static str,
    /// The doc sentence.
    pub doc: &'static str,
    /// The operands.
    pub args: &'static [Kind],
    /// The result.
    pub result: Kind,
    /// What it does besides.
    pub effect: Effect,
}

macro_rules! ops {
    (
        ($n:ident, $a:ident, $b:ident, $c:ident)
        $($(#[doc = $doc:literal])+ $name:ident $text:literal ($($arg:ident)*) $result:ident
            $effect:ident $(= $meaning:expr)?;)+
    ) => {
        /// An operation; see the table.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])+ $name),+ }

        impl Op {
            /// All operations, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What the table says.
            #[must_use]
            pub const fn shape(self) -> Shape {
                match self {
                    $(Self::$name => Shape {
                        text: $text,
                        doc: concat!($($doc, "\n"),+),
                        args: &[$(Kind::$arg),*],
                        result: Kind::$result,
                        effect: Effect::$effect,
                    }),+
                }
            }

            /// The result of a pure operation on these operands, which are zero-extended;
            /// `None` for operations that are not pure.
            ///
            /// `ty` is the operation's type; conversions take their operand's type from `from`.
            #[inline(always)]
            #[must_use]
            pub const fn eval(self, ty: Type, from: Type, x: u64, y: u64, z: u64) -> Option<u64> {
                let ($n, $a, $b, $c) = (Width { bits: ty.bits(), ty, from }, x, y, z);
                let _ = ($n, $a, $b, $c);
                let value: u64 = match self {
                    $($(Self::$name => $meaning,)?)+
                    _ => return None,
                };
                let result = match self.result() {
                    Kind::T => ty.mask(),
                    Kind::I1 => 1,
                    _ => u64::MAX,
                };
                Some(value & result)
            }
        }
    };
}

/// The width that a meaning works in.
#[derive(Clone, Copy)]
struct Width {
    bits: u32,
    ty: Type,
    from: Type,
}

impl Width {
    /// The operand as a signed number.
    #[inline(always)]
    const fn s(self, value: u64) -> i64 {
        self.ty.sign_extend(value) as i64
    }

    /// A shift amount, wrapped at the width.
    #[inline(always)]
    const fn amount(self, value: u64) -> u32 {
        value as u32 & (self.bits - 1)
    }

    /// The smallest signed number.
    #[inline(always)]
    const fn min(self) -> i64 {
        i64::MIN >> (64 - self.bits)
    }
}

#[rustfmt::skip] // One row an operation: the columns are what the eye compares.
ops! {
    (n, a, b, c)

    /// The constant `imm`.
    Const   "const"   ()          T   Pure;
    /// The address of the guest instruction: where the block was entered, plus `imm`.
    Pc      "pc"      ()          T   Pure;

    /// Sum, wrapping.
    Add     "add"     (T T)       T   Pure = a.wrapping_add(b);
    /// Difference, wrapping.
    Sub     "sub"     (T T)       T   Pure = a.wrapping_sub(b);
    /// Low half of the product.
    Mul     "mul"     (T T)       T   Pure = a.wrapping_mul(b);
    /// High half of the unsigned product.
    MulHu   "mulhu"   (T T)       T   Pure = ((a as u128 * b as u128) >> n.bits) as u64;
    /// High half of the signed product.
    MulHs   "mulhs"   (T T)       T   Pure = ((n.s(a) as i128 * n.s(b) as i128) >> n.bits) as u64;
    /// High half of the product of a signed and an unsigned number.
    MulHsu  "mulhsu"  (T T)       T   Pure = ((n.s(a) as i128 * b as i128) >> n.bits) as u64;
    /// Unsigned quotient; all ones when divided by zero.
    DivU    "divu"    (T T)       T   Pure = match a.checked_div(b) { Some(q) => q, None => u64::MAX };
    /// Signed quotient, towards zero; all ones when divided by zero, the dividend on overflow.
    DivS    "divs"    (T T)       T   Pure = if b == 0 { u64::MAX } else { n.s(a).wrapping_div(n.s(b)) as u64 };
    /// Unsigned remainder; the dividend when divided by zero.
    RemU    "remu"    (T T)       T   Pure = match a.checked_rem(b) { Some(r) => r, None => a };
    /// Signed remainder with the dividend's sign; the dividend when divided by zero.
    RemS    "rems"    (T T)       T   Pure = if b == 0 { a } else { n.s(a).wrapping_rem(n.s(b)) as u64 };
    /// Unsigned quotient of the double-width number `a:b` by `c`, cut to the width; all ones when divided by zero.
    DivWideU "divwideu" (T T T)   T   Pure = if c == 0 { u64::MAX } else { (wide(n, a, b) / c as u128) as u64 };
    /// Unsigned remainder of the double-width number `a:b` by `c`; `b` when divided by zero.
    RemWideU "remwideu" (T T T)   T   Pure = if c == 0 { b } else { (wide(n, a, b) % c as u128) as u64 };
    /// Signed quotient of the double-width number `a:b` by `c`, cut to the width; all ones when divided by zero.
    DivWideS "divwides" (T T T)   T   Pure = if c == 0 { u64::MAX } else { wide_signed(n, a, b).wrapping_div(n.s(c) as i128) as u64 };
    /// Signed remainder of the double-width number `a:b` by `c`; `b` when divided by zero.
    RemWideS "remwides" (T T T)   T   Pure = if c == 0 { b } else { wide_signed(n, a, b).wrapping_rem(n.s(c) as i128) as u64 };

    /// Bits that both have.
    And     "and"     (T T)       T   Pure = a & b;
    /// Bits that either has.
    Or      "or"      (T T)       T   Pure = a | b;
    /// Bits that one of them has.
    Xor     "xor"     (T T)       T   Pure = a ^ b;
    /// Bits that the first has and the second has not.
    AndNot  "andnot"  (T T)       T   Pure = a & !b;
    /// Bits that it has not.
    Not     "not"     (T)         T   Pure = !a;
    /// The number with the other sign, wrapping.
    Neg     "neg"     (T)         T   Pure = a.wrapping_neg();
    /// Shifted left; the amount wraps at the width.
    Shl     "shl"     (T T)       T   Pure = a << n.amount(b);
    /// Shifted right, zeroes coming in; the amount wraps at the width.
    ShrU    "shru"    (T T)       T   Pure = a >> n.amount(b);
    /// Shifted right, the sign coming in; the amount wraps at the width.
    ShrS    "shrs"    (T T)       T   Pure = (n.s(a) >> n.amount(b)) as u64;
    /// Turned left; the amount wraps at the width.
    RotL    "rotl"    (T T)       T   Pure = turn(n, a, n.amount(b));
    /// Turned right; the amount wraps at the width.
    RotR    "rotr"    (T T)       T   Pure = turn(n, a, (n.bits - n.amount(b)) & (n.bits - 1));
    /// How many zeroes stand above the highest one; the width for zero.
    Clz     "clz"     (T)         T   Pure = (a.leading_zeros() - (64 - n.bits)) as u64;
    /// How many zeroes stand below the lowest one; the width for zero.
    Ctz     "ctz"     (T)         T   Pure = if a == 0 { n.bits as u64 } else { a.trailing_zeros() as u64 };
    /// How many ones.
    PopCnt  "popcnt"  (T)         T   Pure = a.count_ones() as u64;
    /// The bytes in the other order.
    BSwap   "bswap"   (T)         T   Pure = a.swap_bytes() >> (64 - n.bits);
    /// The bits in the other order.
    BitRev  "bitrev"  (T)         T   Pure = a.reverse_bits() >> (64 - n.bits);
    /// Each byte all ones if it has any one, else zero.
    OrBytes "orbytes" (T)         T   Pure = or_bytes(a);
    /// Carry-less product, low half.
    ClMul   "clmul"   (T T)       T   Pure = clmul(a, b) as u64;
    /// Carry-less product, high half.
    ClMulH  "clmulh"  (T T)       T   Pure = (clmul(a, b) >> n.bits) as u64;
    /// Carry-less product, the bits from the width less one upwards.
    ClMulR  "clmulr"  (T T)       T   Pure = (clmul(a, b) >> (n.bits - 1)) as u64;

    /// The smaller unsigned number.
    MinU    "minu"    (T T)       T   Pure = if a < b { a } else { b };
    /// The smaller signed number.
    MinS    "mins"    (T T)       T   Pure = if n.s(a) < n.s(b) { a } else { b };
    /// The larger unsigned number.
    MaxU    "maxu"    (T T)       T   Pure = if a > b { a } else { b };
    /// The larger signed number.
    MaxS    "maxs"    (T T)       T   Pure = if n.s(a) > n.s(b) { a } else { b };

    /// Equal.
    Eq      "eq"      (T T)       I1  Pure = (a == b) as u64;
    /// Not equal.
    Ne      "ne"      (T T)       I1  Pure = (a != b) as u64;
    /// Less, unsigned.
    LtU     "ltu"     (T T)       I1  Pure = (a < b) as u64;
    /// Less, signed.
    LtS     "lts"     (T T)       I1  Pure = (n.s(a) < n.s(b)) as u64;
    /// Greater or equal, unsigned.
    GeU     "geu"     (T T)       I1  Pure = (a >= b) as u64;
    /// Greater or equal, signed.
    GeS     "ges"     (T T)       I1  Pure = (n.s(a) >= n.s(b)) as u64;
    /// The second if the first holds, else the third.
    Select  "select"  (I1 T T)    T   Pure = if a != 0 { b } else { c };

    /// The carry out of `a + b + c`.
    Carry   "carry"   (T T I1)    I1  Pure = ((a as u128 + b as u128 + c as u128) >> n.bits) as u64;
    /// The borrow out of `a - b - c`.
    Borrow  "borrow"  (T T I1)    I1  Pure = ((a as u128) < b as u128 + c as u128) as u64;
    /// Whether `a + b + c` leaves the signed range.
    OverAdd "overadd" (T T I1)    I1  Pure = leaves(n, n.s(a) as i128 + n.s(b) as i128 + c as i128);
    /// Whether `a - b - c` leaves the signed range.
    OverSub "oversub" (T T I1)    I1  Pure = leaves(n, n.s(a) as i128 - n.s(b) as i128 - c as i128);

    /// Cut or zero-extended to the type.
    Zext    "zext"    (Any)       T   Pure = a;
    /// Sign-extended to the type.
    Sext    "sext"    (Any)       T   Pure = n.from.sign_extend(a);
    /// Cut to the type.
    Trunc   "trunc"   (Any)       T   Pure = a;
    /// The field of `imm >> 8` bits from bit `imm & 255` upwards, zero-extended.
    Extract "extract" (T)         T   Pure;
    /// The first with its field of `imm >> 8` bits from bit `imm & 255` upwards replaced by the second's low bits.
    Deposit "deposit" (T T)       T   Pure;

    /// The slot `imm`, cut to the type.
    Get     "get"     ()          T   Get;
    /// Writes the slot `imm`, zero-extended.
    Set     "set"     (T)         Nothing Set;
    /// The slot `imm & 0xffff` plus the first operand, which wraps at `imm >> 16` (a power of two).
    GetAt   "getat"   (I64)       T   Get;
    /// Writes the slot `imm & 0xffff` plus the first operand, which wraps at `imm >> 16` (a power of two).
    SetAt   "setat"   (I64 T)     Nothing Set;

    /// Loads from an address; `imm` is a packed [`MemArg`](crate::MemArg).
    Load    "load"    (I64)       T   Memory;
    /// Stores to an address.
    Store   "store"   (I64 T)     Nothing Memory;
    /// Loads and reserves the address for the next conditional store.
    LoadRes "loadres" (I64)       T   Memory;
    /// Stores if the reservation still holds, and ends it; whether it stored.
    StoreCond "storecond" (I64 T) I1  Memory;
    /// Stores the third if memory holds the second; what memory held.
    Cas     "cas"     (I64 T T)   T   Memory;
    /// Exchanges; what memory held.
    AmoSwap "amoswap" (I64 T)     T   Memory;
    /// Adds to memory; what memory held.
    AmoAdd  "amoadd"  (I64 T)     T   Memory;
    /// Keeps in memory the bits that both have; what memory held.
    AmoAnd  "amoand"  (I64 T)     T   Memory;
    /// Keeps in memory the bits that either has; what memory held.
    AmoOr   "amoor"   (I64 T)     T   Memory;
    /// Keeps in memory the bits that one of them has; what memory held.
    AmoXor  "amoxor"  (I64 T)     T   Memory;
    /// Keeps in memory the smaller signed number; what memory held.
    AmoMinS "amomins" (I64 T)     T   Memory;
    /// Keeps in memory the larger signed number; what memory held.
    AmoMaxS "amomaxs" (I64 T)     T   Memory;
    /// Keeps in memory the smaller unsigned number; what memory held.
    AmoMinU "amominu" (I64 T)     T   Memory;
    /// Keeps in memory the larger unsigned number; what memory held.
    AmoMaxU "amomaxu" (I64 T)     T   Memory;
    /// Traps as a load of the type would, without loading.
    ProbeLoad  "probeload"  (I64) Nothing Memory;
    /// Traps as a store of the type would, without storing.
    ProbeStore "probestore" (I64) Nothing Memory;
    /// Orders all earlier accesses before all later ones; `imm` is an [`Order`](crate::Order).
    Fence   "fence"   ()          Nothing Memory;

    /// Sum of two numbers of the type's format, rounded as the last operand says.
    FAdd    "fadd"    (T T I8)    T   Float;
    /// Difference.
    FSub    "fsub"    (T T I8)    T   Float;
    /// Product.
    FMul    "fmul"    (T T I8)    T   Float;
    /// Quotient.
    FDiv    "fdiv"    (T T I8)    T   Float;
    /// Square root.
    FSqrt   "fsqrt"   (T I8)      T   Float;
    /// Product of the first two plus the third, rounded once.
    FMulAdd "fmuladd" (T T T I8)  T   Float;
    /// The smaller number (IEEE 754-2019 minimumNumber).
    FMin    "fmin"    (T T)       T   Float;
    /// The larger number (IEEE 754-2019 maximumNumber).
    FMax    "fmax"    (T T)       T   Float;
    /// Equal; quiet.
    FEq     "feq"     (T T)       I1  Float;
    /// Less; signals on every NaN.
    FLt     "flt"     (T T)       I1  Float;
    /// Less or equal; signals on every NaN.
    FLe     "fle"     (T T)       I1  Float;
    /// The class as a mask of ten bits: -inf, -normal, -subnormal, -0, +0, ..., +inf, sNaN, qNaN.
    FClass  "fclass"  (T)         I64 Pure;
    /// From the operand's format to the type's.
    FConvert "fconvert" (Any I8)  T   Float;
    /// To a signed integer of the type, from the operand's format.
    FToS    "ftos"    (Any I8)    T   Float;
    /// To an unsigned integer of the type, from the operand's format.
    FToU    "ftou"    (Any I8)    T   Float;
    /// From a signed integer of the operand's type.
    SToF    "stof"    (Any I8)    T   Float;
    /// From an unsigned integer of the operand's type.
    UToF    "utof"    (Any I8)    T   Float;

    /// Calls the helper `imm` of the guest architecture with up to four words.
    Call    "call"    (I64 I64 I64 I64) I64 Helper;
    /// Raises the trap with cause `imm` and the second operand as its value if the first holds.
    TrapIf  "trapif"  (I1 I64)    Nothing Trap;
    /// Skips the rest of the block if it holds: goes on behind the last instruction, in which it stands and which counts as done.
    SkipIf  "skipif"  (I1)        Nothing Trap;
    /// A guest instruction begins: offset in the block (low word), length in bytes (high word).
    Insn    "insn"    ()          Nothing Marker;
}

impl Op {
    /// The result of a pure operation, with its fixed part; `None` if it is not pure or needs
    /// to know where the code runs ([`Op::Pc`]).
    #[inline(always)]
    #[must_use]
    pub const fn eval_imm(self, ty: Type, from: Type, args: [u64; 3], imm: u64) -> Option<u64> {
        let [a, b, c] = args;
        match self {
            Self::Const => Some(imm & ty.mask()),
            Self::Extract => Some(a >> (imm & 63) & field(imm) & ty.mask()),
            Self::Deposit => {
                let hole = field(imm) << (imm & 63);
                Some((a & !hole | b << (imm & 63) & hole) & ty.mask())
            }
            _ => self.eval(ty, from, a, b, c),
        }
    }

    /// The operation of this name in the text form.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.shape().text == text)
    }

    /// What it does besides making a value; as in [`Op::shape`], but quick.
    #[inline(always)]
    #[must_use]
    pub const fn effect(self) -> Effect {
        EFFECTS[self as usize]
    }

    /// The type of its result; as in [`Op::shape`], but quick.
    #[inline(always)]
    #[must_use]
    pub const fn result(self) -> Kind {
        RESULTS[self as usize]
    }

    /// Whether it makes a value.
    #[must_use]
    pub const fn has_result(self) -> bool {
        !matches!(self.result(), Kind::Nothing)
    }
}

const EFFECTS: [Effect; Op::ALL.len()] = {
    let mut effects = [Effect::Pure; Op::ALL.len()];
    let mut i = 0;
    while i < effects.len() {
        effects[i] = Op::ALL[i].shape().effect;
        i += 1;
    }
    effects
};

const RESULTS: [Kind; Op::ALL.len()] = {
    let mut results = [Kind::Nothing; Op::ALL.len()];
    let mut i = 0;
    while i < results.len() {
        results[i] = Op::ALL[i].shape().result;
        i += 1;
    }
    results
};

#[inline(always)]
const fn field(imm: u64) -> u64 {
    let bits = (imm >> 8) as u32 & 127;
    if bits == 0 {
        0
    } else {
        u64::MAX >> (64 - if bits > 64 { 64 } else { bits })
    }
}

#[inline(always)]
const fn wide(n: Width, high: u64, low: u64) -> u128 {
    (high as u128) << n.bits | low as u128
}

#[inline(always)]
const fn wide_signed(n: Width, high: u64, low: u64) -> i128 {
    let unused = 128 - 2 * n.bits;
    ((wide(n, high, low) << unused) as i128) >> unused
}

#[inline(always)]
const fn turn(n: Width, a: u64, by: u32) -> u64 {
    if by == 0 {
        a
    } else {
        a << by | a >> (n.bits - by)
    }
}

#[inline(always)]
const fn or_bytes(a: u64) -> u64 {
    let mut out = 0;
    let mut byte = 0;
    while byte < 64 {
        if a >> byte & 0xff != 0 {
            out |= 0xff << byte;
        }
        byte += 8;
    }
    out
}

const fn clmul(a: u64, b: u64) -> u128 {
    let mut out = 0u128;
    let mut bit = 0;
    while bit < 64 {
        if b >> bit & 1 == 1 {
            out ^= (a as u128) << bit;
        }
        bit += 1;
    }
    out
}

#[inline(always)]
const fn leaves(n: Width, sum: i128) -> u64 {
    (sum < n.min() as i128 || sum > -(n.min() as i128 + 1)) as u64
}
