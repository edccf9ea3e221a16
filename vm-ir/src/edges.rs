//! Every pure operation in every type on edge values, against a second set of meanings: numbers
//! without width, digit by digit, so that a slip in the table has no twin here.

use crate::ops::Kind;
use crate::{Effect, Op, Type};

/// A number's digits, lowest first.
fn digits(value: u64, width: u32) -> Vec<bool> {
    let mut rest = value;
    let mut out = Vec::new();
    for _ in 0..width {
        out.push(rest % 2 == 1);
        rest /= 2;
    }
    out
}

fn number(digits: &[bool]) -> u64 {
    let value = digits
        .iter()
        .rev()
        .fold(0u128, |value, digit| 2 * value + u128::from(*digit));
    value as u64
}

/// The meanings in one width.
#[derive(Clone, Copy)]
struct Model {
    width: u32,
}

impl Model {
    fn size(self) -> i128 {
        1i128 << self.width
    }

    fn signed(self, value: u64) -> i128 {
        let value = i128::from(value);
        if 2 * value >= self.size() {
            value - self.size()
        } else {
            value
        }
    }

    fn cut(self, value: i128) -> u64 {
        value.rem_euclid(self.size()) as u64
    }

    fn bitwise(self, x: u64, y: u64, rule: fn(bool, bool) -> bool) -> u64 {
        let (x, y) = (digits(x, self.width), digits(y, self.width));
        let out: Vec<bool> = x.iter().zip(&y).map(|(x, y)| rule(*x, *y)).collect();
        number(&out)
    }

    fn turned(self, x: u64, by: u32) -> u64 {
        let mut all = digits(x, self.width);
        for _ in 0..by {
            let top = all.pop().expect("a type has digits");
            all.insert(0, top);
        }
        number(&all)
    }

    /// The carry-less product without the lowest digits.
    fn carry_less(self, x: u64, y: u64, skip: u32) -> u64 {
        let mut out = [false; 192];
        for (i, x) in digits(x, self.width).into_iter().enumerate() {
            for (j, y) in digits(y, self.width).into_iter().enumerate() {
                out[i + j] ^= x && y;
            }
        }
        number(&out[skip as usize..(skip + self.width) as usize])
    }

    /// Quotient and remainder towards zero, by magnitudes.
    fn divided(self, x: i128, y: i128) -> (u64, u64) {
        let (q, r) = (
            x.unsigned_abs() / y.unsigned_abs(),
            x.unsigned_abs() % y.unsigned_abs(),
        );
        let size = self.size().unsigned_abs();
        let back = |value: u128, negative: bool| {
            let value = value % size;
            (if negative {
                (size - value) % size
            } else {
                value
            }) as u64
        };
        (back(q, (x < 0) != (y < 0)), back(r, x < 0))
    }

    fn field(self, x: u64, y: u64, imm: u64) -> (u64, u64) {
        let (from, bits) = ((imm & 0xff) as usize, (imm >> 8) as usize);
        let mut into = digits(x, self.width);
        let taken = number(&into[from..from + bits]);
        into[from..from + bits].copy_from_slice(&digits(y, self.width)[..bits]);
        (taken, number(&into))
    }

    fn eval(self, op: Op, from: Type, [x, y, z]: [u64; 3], imm: u64) -> u64 {
        let w = self.width;
        let (ux, uy, uz) = (i128::from(x), i128::from(y), i128::from(z));
        let (sx, sy) = (self.signed(x), self.signed(y));
        let by = y as u32 % w;
        match op {
            Op::Const => self.cut(i128::from(imm)),
            Op::Add => self.cut(ux + uy),
            Op::Sub => self.cut(ux - uy),
            Op::Mul => self.cut((u128::from(x) * u128::from(y) % (1 << w)) as i128),
            Op::MulHu => (u128::from(x) * u128::from(y) / (1 << w)) as u64,
            Op::MulHs => self.cut((sx * sy).div_euclid(self.size())),
            Op::MulHsu => self.cut((sx * uy).div_euclid(self.size())),
            Op::DivU
            | Op::DivS
            | Op::DivWideU
            | Op::DivWideS
            | Op::RemU
            | Op::RemS
            | Op::RemWideU
            | Op::RemWideS => self.division(op, [x, y, z]),
            Op::And => self.bitwise(x, y, |x, y| x && y),
            Op::Or => self.bitwise(x, y, |x, y| x || y),
            Op::Xor => self.bitwise(x, y, |x, y| x != y),
            Op::AndNot => self.bitwise(x, y, |x, y| x && !y),
            Op::Not => self.bitwise(x, 0, |x, _| !x),
            Op::Neg => self.cut(-ux),
            Op::Shl => self.cut(((u128::from(x) << by) % (1 << w)) as i128),
            Op::ShrU => self.cut(ux.div_euclid(1 << by)),
            Op::ShrS => self.cut(sx.div_euclid(1 << by)),
            Op::RotL => self.turned(x, by),
            Op::RotR => self.turned(x, w - by),
            Op::ClMul => self.carry_less(x, y, 0),
            Op::ClMulH => self.carry_less(x, y, w),
            Op::ClMulR => self.carry_less(x, y, w - 1),
            Op::MinU => self.cut(ux.min(uy)),
            Op::MinS => self.cut(sx.min(sy)),
            Op::MaxU => self.cut(ux.max(uy)),
            Op::MaxS => self.cut(sx.max(sy)),
            Op::Eq => u64::from(ux == uy),
            Op::Ne => u64::from(ux != uy),
            Op::LtU => u64::from(ux < uy),
            Op::LtS => u64::from(sx < sy),
            Op::GeU => u64::from(ux >= uy),
            Op::GeS => u64::from(sx >= sy),
            Op::Select => [z, y][x as usize],
            Op::Carry => u64::from(ux + uy + uz >= self.size()),
            Op::Borrow => u64::from(ux - uy - uz < 0),
            Op::OverAdd => u64::from(self.signed(self.cut(sx + sy + uz)) != sx + sy + uz),
            Op::OverSub => u64::from(self.signed(self.cut(sx - sy - uz)) != sx - sy - uz),
            Op::Zext | Op::Trunc => self.cut(ux),
            Op::Sext => self.cut(Self { width: from.bits() }.signed(x)),
            Op::Extract => self.field(x, 0, imm).0,
            Op::Deposit => self.field(x, y, imm).1,
            _ => counted(op, &digits(x, w)),
        }
    }

    fn division(self, op: Op, [x, y, z]: [u64; 3]) -> u64 {
        let (sx, sy, sz) = (self.signed(x), self.signed(y), self.signed(z));
        let wide = matches!(
            op,
            Op::DivWideU | Op::RemWideU | Op::DivWideS | Op::RemWideS
        );
        let quotient = matches!(op, Op::DivU | Op::DivS | Op::DivWideU | Op::DivWideS);
        let (dividend, divisor) = if wide { (y, z) } else { (x, y) };
        if divisor == 0 {
            return if quotient { self.cut(-1) } else { dividend };
        }
        let (q, r) = match op {
            Op::DivU | Op::RemU => self.divided(i128::from(x), i128::from(y)),
            Op::DivS | Op::RemS => self.divided(sx, sy),
            Op::DivWideS | Op::RemWideS => {
                let low = i128::from(y);
                self.divided(sx * self.size() + low, sz)
            }
            _ => {
                let all = (u128::from(x) << self.width) + u128::from(y);
                let size = 1u128 << self.width;
                let (q, r) = (all / u128::from(z), all % u128::from(z));
                ((q % size) as u64, (r % size) as u64)
            }
        };
        if quotient { q } else { r }
    }
}

/// Operations that count or move digits, lowest first.
fn counted(op: Op, all: &[bool]) -> u64 {
    let zeroes = |digits: &mut dyn Iterator<Item = &bool>| digits.take_while(|x| !**x).count();
    match op {
        Op::Clz => zeroes(&mut all.iter().rev()) as u64,
        Op::Ctz => zeroes(&mut all.iter()) as u64,
        Op::PopCnt => all.iter().filter(|x| **x).count() as u64,
        Op::BSwap => number(&all.rchunks(8).flatten().copied().collect::<Vec<_>>()),
        Op::BitRev => number(&all.iter().rev().copied().collect::<Vec<_>>()),
        Op::OrBytes => {
            let bytes = all.chunks(8);
            let bytes = bytes.map(|byte| vec![byte.contains(&true); byte.len()]);
            number(&bytes.flatten().collect::<Vec<_>>())
        }
        _ => panic!("{op:?} has no second meaning"),
    }
}

/// Values on which meanings turn, in a type.
fn edges(ty: Type) -> Vec<u64> {
    let w = u64::from(ty.bits());
    let top = 1 << (w - 1);
    let all = [
        0,
        1,
        2,
        3,
        5,
        w - 1,
        w,
        w + 1,
        0x7f,
        0x80,
        0x00ff_00f0_0f00_1234,
        0x0123_4567_89ab_cdef,
        0x8000_0001_8000_0001,
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

/// The fixed parts to try.
fn fixed(op: Op, ty: Type) -> Vec<u64> {
    let w = u64::from(ty.bits());
    match op {
        Op::Const => edges(ty),
        Op::Extract | Op::Deposit => {
            let starts = [0, 1, w / 2, w - 1].into_iter().filter(|from| *from < w);
            let fields = starts.flat_map(|from| [1, w / 2, w - from].map(|bits| (from, bits)));
            let fits = fields.filter(|(from, bits)| *bits > 0 && from + bits <= w);
            fits.map(|(from, bits)| from | bits << 8).collect()
        }
        _ => vec![0],
    }
}

fn check(op: Op, ty: Type, from: Type) -> usize {
    let model = Model { width: ty.bits() };
    let mut operands = op.shape().args.iter().map(|kind| match kind {
        Kind::Any => edges(from),
        kind => edges(kind.of(ty).expect("operands have types")),
    });
    let mut next = || operands.next().unwrap_or_else(|| vec![0]);
    let (xs, ys, zs) = (next(), next(), next());
    let mut checked = 0;
    for imm in fixed(op, ty) {
        for &x in &xs {
            for &y in &ys {
                for &z in &zs {
                    let args = [x, y, z];
                    let found = op.eval_imm(ty, from, args, imm);
                    let wanted = model.eval(op, from, args, imm);
                    assert_eq!(
                        found,
                        Some(wanted),
                        "{op:?} {ty:?} from {from:?} of {args:x?}, {imm:#x}",
                    );
                    checked += 1;
                }
            }
        }
    }
    checked
}

#[test]
fn meanings_agree_on_edges() {
    let mut checked = 0;
    for &op in Op::ALL {
        // Where the code runs and what a float is are not the table's to say.
        if op.effect() != Effect::Pure || matches!(op, Op::Pc | Op::FClass) {
            continue;
        }
        for (i, &ty) in Type::ALL.iter().enumerate() {
            match op {
                Op::Zext | Op::Sext => {
                    checked += Type::ALL[..i]
                        .iter()
                        .map(|from| check(op, ty, *from))
                        .sum::<usize>();
                }
                Op::Trunc => {
                    let wider = &Type::ALL[i + 1..];
                    checked += wider.iter().map(|from| check(op, ty, *from)).sum::<usize>();
                }
                Op::BSwap if ty == Type::I1 => {}
                _ => checked += check(op, ty, ty),
            }
        }
    }
    assert!(checked > 50_000, "only {checked} checks");
}
