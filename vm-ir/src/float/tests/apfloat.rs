//! Against `rustc_apfloat`, in all directions, values and flags.
//!
//! It answers all but three questions.
//! NaNs have payload rules of their own there, so what comes of NaN operands is stated here.
//! Its tininess is that of the result as delivered, so whether a value is tiny is asked otherwise:
//! before rounding by rounding to zero, after rounding by repeating the operation eight times
//! larger, where the full precision is available.
//! Its overflow is that of infinite results only, so the operation is repeated eight times smaller.

use rustc_apfloat::ieee::{Double, Half, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

use super::super::*;
use super::patterns::{Source, rounds};

fn direction(rm: Rounding) -> Round {
    match rm {
        Rounding::NearestEven => Round::NearestTiesToEven,
        Rounding::TowardZero => Round::TowardZero,
        Rounding::Down => Round::TowardNegative,
        Rounding::Up => Round::TowardPositive,
        Rounding::NearestAway => Round::NearestTiesToAway,
    }
}

/// All of its flags but underflow, which says nothing here.
fn flags(status: Status) -> Flags {
    let mut flags = Flags::NONE;
    for (theirs, ours) in [
        (Status::INVALID_OP, Flags::NV),
        (Status::DIV_BY_ZERO, Flags::DZ),
        (Status::OVERFLOW, Flags::OF),
        (Status::INEXACT, Flags::NX),
    ] {
        if status.contains(theirs) {
            flags |= ours;
        }
    }
    flags
}

/// The answer for RISC-V (`after`) or Arm, whose values differ in NaNs only.
fn expected<F: Float>(
    f: Format,
    rm: Rounding,
    after: bool,
    operate: impl Fn(i32, Round) -> StatusAnd<F>,
) -> Out {
    let StatusAnd { status, value } = operate(0, direction(rm));
    let mut flags = flags(status);
    if value.is_nan() {
        return Out {
            bits: f.layout().quiet_nan(),
            flags,
        };
    }
    if flags.contains(Flags::NX) {
        let smallest = F::smallest_normalized();
        let tiny = if after {
            let eight_times = operate(3, direction(rm)).value;
            eight_times.abs() < smallest.scalbn(3)
        } else {
            operate(0, Round::TowardZero).value.abs() < smallest
        };
        let eighth = operate(-3, direction(rm)).value;
        flags |= Flags::UF.when(tiny) | Flags::OF.when(eighth.abs() > F::largest().scalbn(-3));
    }
    Out {
        bits: value.to_bits() as u64,
        flags,
    }
}

/// A value times a power of two; what falls off below still shows.
fn scaled<F: Float>(value: F, power: i32) -> F {
    let away = if value.is_negative() {
        Round::TowardNegative
    } else {
        Round::TowardPositive
    };
    value.scalbn_r(power, away)
}

/// What invalid is for operands with a NaN among them, by the rules for RISC-V and Arm.
fn nan_flags(f: Format, operands: &[u64], infinity_times_zero: bool) -> Flags {
    let signalling = operands.iter().any(|&bits| f.layout().is_signalling(bits));
    Flags::NV.when(signalling || infinity_times_zero)
}

fn check<F: Float>(
    source: &Source,
    what: &str,
    f: Format,
    operands: &[u64],
    ours: impl Fn(Rounding, Rules) -> Out,
    theirs: impl Fn(i32, Round) -> StatusAnd<F>,
) {
    let format = f.layout();
    let any_nan = operands.iter().any(|&bits| format.is_nan(bits));
    for rm in Rounding::ALL {
        for rules in [
            RISCV,
            Rules {
                nan: NanRule::Canonical,
                ..ARM64
            },
        ] {
            let mut want = expected(f, rm, rules.tininess_after_rounding, &theirs);
            if any_nan {
                let [a, b] = [operands[0], operands.get(1).copied().unwrap_or(0)]
                    .map(|bits| bits & format.magnitude_mask());
                let infinity = format.infinity();
                let mixed = (a == infinity && b == 0) || (a == 0 && b == infinity);
                want.flags = nan_flags(f, operands, mixed && what == "fma");
            }
            let got = ours(rm, rules);
            assert_eq!(
                got, want,
                "{what} {f:?} {operands:x?} {rm:?} {rules:?}, seed {}",
                source.seed
            );
        }
    }
}

fn arithmetic<F: Float>(f: Format) {
    let mut source = Source::new("arithmetic");
    for _ in 0..rounds(8_000) {
        let [a, b, c] = source.triple(f);
        let [x, y, z] = [a, b, c].map(|bits| F::from_bits(bits.into()));
        let run = |what,
                   operands: &[u64],
                   ours: &dyn Fn(Rounding, Rules) -> Out,
                   theirs: &dyn Fn(i32, Round) -> StatusAnd<F>| {
            check(&source, what, f, operands, ours, theirs);
        };
        run(
            "add",
            &[a, b],
            &|rm, rules| add(f, a, b, rm, rules),
            &|power, round| scaled(x, power).add_r(scaled(y, power), round),
        );
        run(
            "sub",
            &[a, b],
            &|rm, rules| sub(f, a, b, rm, rules),
            &|power, round| scaled(x, power).sub_r(scaled(y, power), round),
        );
        run(
            "mul",
            &[a, b],
            &|rm, rules| mul(f, a, b, rm, rules),
            &|power, round| scaled(x, power).mul_r(y, round),
        );
        run(
            "div",
            &[a, b],
            &|rm, rules| div(f, a, b, rm, rules),
            &|power, round| scaled(x, power).div_r(y, round),
        );
        run(
            "fma",
            &[a, b, c],
            &|rm, rules| fma(f, a, b, c, rm, rules),
            &|power, round| scaled(x, power).mul_add_r(y, scaled(z, power), round),
        );
    }
}

#[test]
fn arithmetic_f16() {
    arithmetic::<Half>(Format::F16);
}

#[test]
fn arithmetic_f32() {
    arithmetic::<Single>(Format::F32);
}

#[test]
fn arithmetic_f64() {
    arithmetic::<Double>(Format::F64);
}

fn conversion<F: FloatConvert<T>, T: Float>(from: Format, to: Format) {
    let mut source = Source::new("conversion");
    for _ in 0..rounds(8_000) {
        let mut a = source.operand(from);
        if source.below(2) == 0 {
            // A value of the narrower format, moved by a few places of the wider one.
            let narrow = source.operand(to);
            a = convert(to, from, narrow, Rounding::NearestEven, RISCV).bits;
            a = a.wrapping_add(source.below(5)).wrapping_sub(2) & (u64::MAX >> (64 - from.width()));
        }
        let ours = |rm, rules| convert(from, to, a, rm, rules);
        if from.layout().is_nan(a) {
            let want = Out {
                bits: to.layout().quiet_nan(),
                flags: nan_flags(from, &[a], false),
            };
            assert_eq!(
                ours(Rounding::NearestEven, RISCV),
                want,
                "{from:?} {a:x} to {to:?}"
            );
            continue;
        }
        let value = F::from_bits(a.into());
        check(&source, "convert", to, &[], ours, |power, round| {
            scaled(value, power).convert_r(round, &mut false)
        });
    }
}

#[test]
fn conversions() {
    conversion::<Half, Single>(Format::F16, Format::F32);
    conversion::<Half, Double>(Format::F16, Format::F64);
    conversion::<Single, Half>(Format::F32, Format::F16);
    conversion::<Single, Double>(Format::F32, Format::F64);
    conversion::<Double, Half>(Format::F64, Format::F16);
    conversion::<Double, Single>(Format::F64, Format::F32);
}

/// Every kind of integer that guests convert to and from.
const INTEGERS: [(bool, u32); 6] = [
    (true, 16),
    (false, 16),
    (true, 32),
    (false, 32),
    (true, 64),
    (false, 64),
];

fn integers<F: Float>(f: Format) {
    let mut source = Source::new("integers");
    let format = f.layout();
    for _ in 0..rounds(8_000) {
        let (a, integer) = (source.operand(f), source.integer());
        let (signed, bits) = INTEGERS[source.below(6) as usize];
        let mask = u64::MAX >> (64 - bits);
        for rm in Rounding::ALL {
            let place = format!(
                "{f:?} {a:x} {integer:x} {signed} {bits} {rm:?}, {}",
                source.seed
            );
            let round = direction(rm);

            let value = F::from_bits(a.into());
            let width = bits as usize;
            let (status, want) = if signed {
                let out = value.to_i128_r(width, round, &mut false);
                (out.status, out.value as u64 & mask)
            } else {
                let out = value.to_u128_r(width, round, &mut false);
                (out.status, out.value as u64)
            };
            let want = Out {
                bits: want,
                flags: flags(status),
            };
            assert_eq!(
                to_int(f, a, signed, bits, rm, Saturation::NanToZero),
                want,
                "{place}"
            );

            let integral = if signed {
                i128::from(((integer << (64 - bits)) as i64) >> (64 - bits))
            } else {
                i128::from(integer & mask)
            };
            let StatusAnd { status, value } = F::from_i128_r(integral, round);
            let mut want = Out {
                bits: value.to_bits() as u64,
                flags: flags(status),
            };
            // Beyond the largest half also where the result is that half.
            want.flags |= Flags::OF.when(f == Format::F16 && integral.unsigned_abs() > 65535);
            assert_eq!(from_int(f, integer, signed, bits, rm), want, "{place}");

            let StatusAnd { status, value } = F::from_bits(a.into()).round_to_integral(round);
            let want = match format.is_nan(a) {
                true => Out {
                    bits: format.quiet_nan(),
                    flags: nan_flags(f, &[a], false),
                },
                false => Out {
                    bits: value.to_bits() as u64,
                    flags: flags(status),
                },
            };
            assert_eq!(round_to_int(f, a, rm, true, RISCV), want, "{place}");
            let want = Out {
                flags: Flags(want.flags.0 & !Flags::NX.0),
                ..want
            };
            assert_eq!(round_to_int(f, a, rm, false, RISCV), want, "{place}");
        }
    }
}

#[test]
fn integers_f16() {
    integers::<Half>(Format::F16);
}

#[test]
fn integers_f32() {
    integers::<Single>(Format::F32);
}

#[test]
fn integers_f64() {
    integers::<Double>(Format::F64);
}
