//! Each operation of the table in each of its types, and values on which their meanings turn: what
//! tests of engines go through, one operation after the other.

use crate::float::{Flags, Rules};
use crate::ops::Kind;
use crate::{Effect, Op, Type, eval_float};

/// One operation with its types and its fixed part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    /// The operation.
    pub op: Op,
    /// The type that it is done in.
    pub ty: Type,
    /// The type of operands that have another one.
    pub from: Type,
    /// Field, constant or distance.
    pub imm: u64,
}

impl Case {
    /// The operands' types.
    #[must_use]
    pub fn operands(self) -> Vec<Type> {
        let kind = |kind: &Kind| match (self.op.effect(), kind) {
            // Rounding modes are of no format.
            (Effect::Float, Kind::I8) => Type::I8,
            (Effect::Float, _) => self.from,
            _ => kind.of(self.ty).unwrap_or(self.from),
        };
        self.op.shape().args.iter().map(kind).collect()
    }

    /// The type of its result.
    #[must_use]
    pub fn result(self) -> Type {
        self.op.result().of(self.ty).unwrap_or(self.ty)
    }

    /// Whether its last operand is a rounding mode.
    #[must_use]
    pub fn rounds(self) -> bool {
        self.op.effect() == Effect::Float && self.op.shape().args.contains(&Kind::I8)
    }

    /// Whether its operands are integers that become numbers of a format.
    #[must_use]
    pub fn is_from_int(self) -> bool {
        matches!(self.op, Op::SToF | Op::UToF)
    }

    /// What the table says, for a block that stands at `pc`.
    ///
    /// # Panics
    ///
    /// If the operation is not pure.
    #[must_use]
    pub fn wanted(self, values: [u64; 3], pc: u64) -> u64 {
        if self.op == Op::Pc {
            return pc.wrapping_add(self.imm) & self.ty.mask();
        }
        let value = self.op.eval_imm(self.ty, self.from, values, self.imm);
        value.expect("the operation is pure")
    }

    /// The same for a floating-point operation: the result, and what is raised.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn wanted_float(self, values: [u64; 4], rules: Rules) -> (u64, Flags) {
        let out = eval_float(self.op, self.ty, self.from, values, rules, Flags::NONE);
        let out = out.expect("it is a floating-point operation");
        (out.bits & self.result().mask(), out.flags)
    }
}

/// Values on which meanings turn, in a type.
#[must_use]
pub fn edges(ty: Type) -> Vec<u64> {
    let (bits, top) = (u64::from(ty.bits()), 1 << (ty.bits() - 1));
    let all = [
        0,
        1,
        2,
        3,
        7,
        bits - 1,
        bits,
        bits + 1,
        0x80,
        0xffff_ffff,
        0x00ff_00f0_0f00_1234,
        0x0123_4567_89ab_cdef,
        top - 1,
        top,
        top + 1,
        u64::MAX - 1,
        u64::MAX,
    ];
    let mut edges = all.map(|value| value & ty.mask()).to_vec();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// A value with dirt above its type.
#[must_use]
pub fn dirty(value: u64, ty: Type, salt: u64) -> u64 {
    let dirt = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value.rotate_left(29) ^ 0x5555 << 48;
    value | dirt & !ty.mask()
}

/// Each choice of one value per operand.
#[must_use]
pub fn choices(types: &[Type]) -> Vec<[u64; 3]> {
    let one = |n: usize| types.get(n).map_or_else(|| vec![0], |ty| edges(*ty));
    let (xs, ys, zs) = (one(0), one(1), one(2));
    let pairs = xs.iter().flat_map(|x| ys.iter().map(move |y| (*x, *y)));
    pairs
        .flat_map(|(x, y)| zs.iter().map(move |z| [x, y, *z]))
        .collect()
}

/// Every pure operation on integers in all its types.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &op in Op::ALL {
        if op.effect() != Effect::Pure || op == Op::FClass {
            continue;
        }
        for ty in Type::ALL {
            let from: Vec<Type> = match op {
                Op::BSwap | Op::OrBytes if ty == Type::I1 => continue,
                Op::Pc if ty != Type::I64 => continue,
                Op::Zext | Op::Sext => Type::ALL.into_iter().filter(|from| *from < ty).collect(),
                Op::Trunc => Type::ALL.into_iter().filter(|from| *from > ty).collect(),
                _ => vec![ty],
            };
            for imm in fixed(op, ty) {
                cases.extend(from.iter().map(|&from| Case { op, ty, from, imm }));
            }
        }
    }
    cases
}

/// Fields, constants and distances to try.
fn fixed(op: Op, ty: Type) -> Vec<u64> {
    let w = u64::from(ty.bits());
    match op {
        Op::Const => edges(ty),
        Op::Pc => vec![0, 4, 0x7fc, 4_u64.wrapping_neg(), 0x12_3456_7890],
        Op::Extract | Op::Deposit => {
            let starts = [0, 1, 8, w / 2, w - 1].into_iter().filter(|from| *from < w);
            let fields = starts.flat_map(|from| {
                let sizes = [1, 8, 16, 20, 32, 40, w / 2, w, w - from];
                sizes.map(move |bits| (from, bits)).into_iter()
            });
            let fits = fields.filter(|(from, bits)| *bits > 0 && from + bits <= w);
            let mut fields: Vec<u64> = fits.map(|(from, bits)| from | bits << 8).collect();
            fields.sort_unstable();
            fields.dedup();
            fields
        }
        _ => vec![0],
    }
}

/// The formats of floating point, by the integers of their widths.
pub const FLOATS: [Type; 3] = [Type::I16, Type::I32, Type::I64];

/// Every floating-point operation in all its types.
#[must_use]
pub fn float_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &op in Op::ALL {
        if op.effect() != Effect::Float && op != Op::FClass {
            continue;
        }
        for ty in FLOATS {
            let imm = 0;
            let mut add = |ty, from| cases.push(Case { op, ty, from, imm });
            match op {
                Op::FToS | Op::FToU => Type::ALL[1..].iter().for_each(|to| add(*to, ty)),
                Op::SToF | Op::UToF => Type::ALL[1..].iter().for_each(|from| add(ty, *from)),
                Op::FConvert => {
                    let others = FLOATS.iter().filter(|from| **from != ty);
                    others.for_each(|from| add(ty, *from));
                }
                _ => add(ty, ty),
            }
        }
    }
    cases
}

/// Exponent and fraction bits of a format.
#[must_use]
pub const fn format_bits(ty: Type) -> (u32, u32) {
    match ty {
        Type::I16 => (5, 10),
        Type::I32 => (8, 23),
        _ => (11, 52),
    }
}

/// Numbers on which floating-point operations turn, in a format.
#[must_use]
pub fn numbers(ty: Type) -> Vec<u64> {
    let (exponent, fraction) = format_bits(ty);
    let infinity = ((1 << exponent) - 1) << fraction;
    let one = ((1 << (exponent - 1)) - 1) << fraction;
    let positive = [
        0,
        1,
        1 << (fraction - 1),
        (1 << fraction) - 1,
        1 << fraction,
        (1 << fraction) + 1,
        one,
        one + 1,
        one | 1 << (fraction - 1),
        infinity - 1,
        infinity,
        infinity | 1,
        infinity | 1 << (fraction - 1),
        one + (20 << fraction) % infinity + 12345 % one,
        // Whole numbers at the edges of integers.
        one + (7 << fraction),
        one + (8 << fraction) - 1,
        one + (15 << fraction),
        one + (31 << fraction) % infinity,
        one + (31 << fraction) % infinity - 1,
        one + (32 << fraction) % infinity,
        one + (63 << fraction) % infinity,
        one + (64 << fraction) % infinity - 1,
        one + (64 << fraction) % infinity,
    ];
    let sign = 1 << (exponent + fraction);
    let mask = sign - 1;
    let numbers = positive.iter().map(|number| number & mask);
    numbers.flat_map(|number| [number, number | sign]).collect()
}

/// Operands of a floating-point case: each edge with each.
#[must_use]
pub fn float_choices(case: Case) -> Vec<[u64; 3]> {
    let some = if case.is_from_int() {
        edges(case.from)
    } else {
        numbers(case.from)
    };
    let count = case.operands().len() - usize::from(case.rounds());
    let seconds = if count == 1 { 1 } else { some.len() };
    let mut all = Vec::new();
    for (i, x) in some.iter().enumerate() {
        for (j, y) in some[..seconds].iter().enumerate() {
            all.push([*x, *y, some[(i * 7 + j * 5) % some.len()]]);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the table calls pure or floating point, and nothing else, is there in its types.
    #[test]
    fn no_operation_is_missing() {
        let (pure, float) = (cases(), float_cases());
        for &op in Op::ALL {
            let types = |cases: &[Case]| cases.iter().filter(|case| case.op == op).count();
            let is_float = op.effect() == Effect::Float || op == Op::FClass;
            assert_eq!(
                types(&float) >= 3,
                is_float,
                "{op:?}: {} types",
                types(&float)
            );
            let is_pure = op.effect() == Effect::Pure && op != Op::FClass;
            assert_eq!(types(&pure) > 0, is_pure, "{op:?}");
            let any = op.shape().args.contains(&Kind::Any);
            let few = types(&pure) <= 3;
            assert!(!is_pure || any || !few, "{op:?}: {} types", types(&pure));
        }
    }

    #[test]
    fn dirt_is_above_the_value_and_there_is_some() {
        for ty in Type::ALL {
            for value in edges(ty) {
                let dirty = dirty(value, ty, 3);
                assert_eq!(dirty & ty.mask(), value);
                assert_eq!(dirty != value, ty != Type::I64);
            }
        }
    }
}
