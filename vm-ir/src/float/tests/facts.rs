//! Where guests differ: NaNs, tininess, saturation, minimum and maximum, special operands.
//!
//! The x86 lines are what a processor answered; the others follow the manuals' pseudocode.

use super::super::*;

/// Numbers that the lines name; all are singles.
mod n {
    pub const ZERO: u64 = 0;
    pub const ONE: u64 = 0x3f80_0000;
    pub const INF: u64 = 0x7f80_0000;
    /// A signalling NaN and the same made quiet.
    pub const S1: u64 = 0x7f80_0003;
    pub const S1_QUIET: u64 = 0x7fc0_0003;
    /// Another, with its sign bit set.
    pub const S2: u64 = 0xff80_0004;
    pub const S2_QUIET: u64 = 0xffc0_0004;
    /// Three quiet NaNs.
    pub const Q1: u64 = 0x7fc0_0001;
    pub const Q2: u64 = 0xffc0_0002;
    pub const Q3: u64 = 0x7fc0_0005;
    /// The NaN without payload, and x86's.
    pub const NAN: u64 = 0x7fc0_0000;
    pub const INDEFINITE: u64 = 0xffc0_0000;
    pub const MINUS: u64 = 0x8000_0000;
}
use n::*;

const F: Format = Format::F32;
const RNE: Rounding = Rounding::NearestEven;
const NONE: Flags = Flags::NONE;
const NV: Flags = Flags::NV;
const DZ: Flags = Flags::DZ;
const NX: Flags = Flags::NX;
const UF_NX: Flags = Flags(3);
const OF_NX: Flags = Flags(5);

fn out(bits: u64, flags: Flags) -> Out {
    Out { bits, flags }
}

#[test]
fn nans_of_two_operands() {
    #[rustfmt::skip] // A table: operands, then the answers of the three guests.
    let lines = [
        (Q1,   Q2,  NONE, NAN, Q1,       Q1),
        (Q2,   Q1,  NONE, NAN, Q2,       Q2),
        (Q1,   S2,  NV,   NAN, S2_QUIET, Q1),
        (S1,   Q2,  NV,   NAN, S1_QUIET, S1_QUIET),
        (S1,   S2,  NV,   NAN, S1_QUIET, S1_QUIET),
        (S2,   S1,  NV,   NAN, S2_QUIET, S2_QUIET),
        (ONE,  Q2,  NONE, NAN, Q2,       Q2),
        (ONE,  S2,  NV,   NAN, S2_QUIET, S2_QUIET),
        (INF,  Q1,  NONE, NAN, Q1,       Q1),
        (Q1,   INF, NONE, NAN, Q1,       Q1),
        (S1,   ONE, NV,   NAN, S1_QUIET, S1_QUIET),
        (ZERO, Q3,  NONE, NAN, Q3,       Q3),
    ];
    for (a, b, flags, riscv, arm, x86) in lines {
        for (rules, bits) in [(RISCV, riscv), (ARM64, arm), (X86, x86)] {
            for operation in [add, sub, mul, div] {
                assert_eq!(
                    operation(F, a, b, RNE, rules),
                    out(bits, flags),
                    "{a:x} {b:x}"
                );
                // What stands above the format does not matter.
                let (a, b) = (a | 0xdead_0000_0000_0000, b | !0 << 32);
                assert_eq!(
                    operation(F, a, b, RNE, rules),
                    out(bits, flags),
                    "{a:x} {b:x}"
                );
            }
        }
    }
}

#[test]
fn nans_of_three_operands() {
    #[rustfmt::skip] // A table: operands, then the answers of the three guests.
    let lines = [
        (Q1,   Q2,   Q3,  out(NAN, NONE), out(Q3, NONE),       out(Q1, NONE)),
        (ONE,  Q2,   Q3,  out(NAN, NONE), out(Q3, NONE),       out(Q2, NONE)),
        (Q1,   Q2,   ONE, out(NAN, NONE), out(Q1, NONE),       out(Q1, NONE)),
        (Q1,   S2,   Q3,  out(NAN, NV),   out(S2_QUIET, NV),   out(Q1, NV)),
        (S1,   S2,   Q3,  out(NAN, NV),   out(S1_QUIET, NV),   out(S1_QUIET, NV)),
        (Q1,   Q2,   S1,  out(NAN, NV),   out(S1_QUIET, NV),   out(Q1, NV)),
        (S1,   Q2,   S2,  out(NAN, NV),   out(S2_QUIET, NV),   out(S1_QUIET, NV)),
        (ONE,  ONE,  S1,  out(NAN, NV),   out(S1_QUIET, NV),   out(S1_QUIET, NV)),
        (INF,  ZERO, Q3,  out(NAN, NV),   out(NAN, NV),        out(Q3, NONE)),
        (ZERO, INF,  Q3,  out(NAN, NV),   out(NAN, NV),        out(Q3, NONE)),
        (ZERO, INF,  S1,  out(NAN, NV),   out(S1_QUIET, NV),   out(S1_QUIET, NV)),
        (INF,  ZERO, ONE, out(NAN, NV),   out(NAN, NV),        out(INDEFINITE, NV)),
        (INF,  ONE,  INF | MINUS, out(NAN, NV), out(NAN, NV),  out(INDEFINITE, NV)),
        (INF,  ONE,  INF, out(INF, NONE), out(INF, NONE),      out(INF, NONE)),
    ];
    for (a, b, c, riscv, arm, x86) in lines {
        for (rules, want) in [(RISCV, riscv), (ARM64, arm), (X86, x86)] {
            assert_eq!(
                fma(F, a, b, c, RNE, rules),
                want,
                "{a:x} {b:x} {c:x} {rules:?}"
            );
        }
    }
}

#[test]
fn invalid_operations_and_division_by_zero() {
    for (rules, nan) in [(RISCV, NAN), (ARM64, NAN), (X86, INDEFINITE)] {
        let invalid = out(nan, NV);
        assert_eq!(add(F, INF, INF | MINUS, RNE, rules), invalid);
        assert_eq!(sub(F, INF, INF, RNE, rules), invalid);
        assert_eq!(mul(F, INF, MINUS, RNE, rules), invalid);
        assert_eq!(mul(F, ZERO, INF, RNE, rules), invalid);
        assert_eq!(div(F, ZERO, MINUS, RNE, rules), invalid);
        assert_eq!(div(F, INF, INF | MINUS, RNE, rules), invalid);
        assert_eq!(sqrt(F, ONE | MINUS, RNE, rules), invalid);
        assert_eq!(sqrt(F, INF | MINUS, RNE, rules), invalid);
        assert_eq!(sqrt(F, MINUS, RNE, rules), out(MINUS, NONE));
        assert_eq!(sqrt(F, INF, RNE, rules), out(INF, NONE));
        assert_eq!(div(F, ONE, MINUS, RNE, rules), out(INF | MINUS, DZ));
        assert_eq!(div(F, INF, ZERO, RNE, rules), out(INF, NONE));
        assert_eq!(div(F, ONE, INF, RNE, rules), out(ZERO, NONE));
    }
    assert_eq!(sqrt(F, S2, RNE, RISCV), out(NAN, NV));
    assert_eq!(sqrt(F, S2, RNE, ARM64), out(S2_QUIET, NV));
    assert_eq!(round_to_int(F, S2, RNE, true, X86), out(S2_QUIET, NV));
    assert_eq!(round_to_int(F, Q2, RNE, true, X86), out(Q2, NONE));
    assert_eq!(round_to_int(F, Q2, RNE, true, RISCV), out(NAN, NONE));
}

#[test]
fn signs_of_zero_sums() {
    for rm in Rounding::ALL {
        let zero = if rm == Rounding::Down { MINUS } else { ZERO };
        assert_eq!(
            add(F, ONE, ONE | MINUS, rm, RISCV),
            out(zero, NONE),
            "{rm:?}"
        );
        assert_eq!(add(F, ZERO, MINUS, rm, RISCV), out(zero, NONE), "{rm:?}");
        assert_eq!(sub(F, ONE, ONE, rm, RISCV), out(zero, NONE), "{rm:?}");
        assert_eq!(
            fma(F, ONE, ONE, ONE | MINUS, rm, RISCV),
            out(zero, NONE),
            "{rm:?}"
        );
        assert_eq!(
            fma(F, ZERO, ONE, MINUS, rm, RISCV),
            out(zero, NONE),
            "{rm:?}"
        );
        assert_eq!(add(F, MINUS, MINUS, rm, RISCV), out(MINUS, NONE), "{rm:?}");
        assert_eq!(sub(F, MINUS, ZERO, rm, RISCV), out(MINUS, NONE), "{rm:?}");
        assert_eq!(
            fma(F, MINUS, ONE, MINUS, rm, RISCV),
            out(MINUS, NONE),
            "{rm:?}"
        );
        assert_eq!(fma(F, ZERO, ONE, ONE, rm, RISCV), out(ONE, NONE), "{rm:?}");
    }
}

#[test]
fn tininess_next_to_the_smallest_normal_value() {
    const SMALLEST: u64 = 0x0080_0000;
    #[rustfmt::skip] // A table: factors, product, flags of x86 and RISC-V, flags of Arm.
    let lines = [
        (0x3f7f_ffff, 0x0080_0000, SMALLEST,     UF_NX, UF_NX),
        (0x3f80_0001, 0x007f_ffff, SMALLEST,     NX,    UF_NX),
        (0x3fff_ffff, 0x0040_0000, SMALLEST,     UF_NX, UF_NX),
        (0x3f80_0001, 0x007f_fffe, SMALLEST - 1, UF_NX, UF_NX),
        (0x3f80_0001, 0x0080_0000, SMALLEST + 1, NONE,  NONE),
        (0x3f80_0001, 0x0080_0001, SMALLEST + 2, NX,    NX),
    ];
    for (a, b, product, after, before) in lines {
        assert_eq!(mul(F, a, b, RNE, X86), out(product, after), "{a:x} {b:x}");
        assert_eq!(mul(F, a, b, RNE, RISCV), out(product, after), "{a:x} {b:x}");
        assert_eq!(
            mul(F, a, b, RNE, ARM64),
            out(product, before),
            "{a:x} {b:x}"
        );
    }
}

#[test]
fn overflow_by_direction() {
    const LARGEST: u64 = INF - 1;
    for (rm, above, below) in [
        (Rounding::NearestEven, INF, INF),
        (Rounding::NearestAway, INF, INF),
        (Rounding::TowardZero, LARGEST, LARGEST),
        (Rounding::Down, LARGEST, INF),
        (Rounding::Up, INF, LARGEST),
    ] {
        assert_eq!(
            add(F, LARGEST, LARGEST, rm, RISCV),
            out(above, OF_NX),
            "{rm:?}"
        );
        let want = out(below | MINUS, OF_NX);
        assert_eq!(mul(F, LARGEST | MINUS, LARGEST, rm, RISCV), want, "{rm:?}");
    }
}

#[test]
fn converted_nans() {
    let double = |a, rules| convert(F, Format::F64, a, RNE, rules);
    let single = |a, rules| convert(Format::F64, F, a, RNE, rules);
    for rules in [ARM64, X86] {
        assert_eq!(single(0xfff0_1234_5678_9abc, rules), out(0xffc0_91a2, NV));
        assert_eq!(single(0x7ff8_0000_2000_0000, rules), out(0x7fc0_0001, NONE));
        assert_eq!(double(0xff81_2345, rules), out(0xfff8_2468_a000_0000, NV));
        assert_eq!(
            convert(F, Format::F16, 0xff81_2345, RNE, rules),
            out(0xfe09, NV)
        );
    }
    assert_eq!(single(0xfff0_1234_5678_9abc, RISCV), out(NAN, NV));
    assert_eq!(double(Q2, RISCV), out(0x7ff8_0000_0000_0000, NONE));
}

#[test]
fn integers_out_of_range() {
    use Saturation::{Indefinite, NanToMax, NanToZero};
    const BIG: u64 = 0x5f80_0000; // 2^64
    const HALF: u64 = 0x3f00_0000;
    const M31: u64 = 0x4f00_0000; // 2^31
    const TOP: u64 = 1 << 63;
    #[rustfmt::skip] // A table: operand, signed, width, then RISC-V's, Arm's and x86's answer.
    let lines = [
        (Q2,          true,  32, 0x7fff_ffff, 0,           0x8000_0000),
        (S1,          false, 32, 0xffff_ffff, 0,           0xffff_ffff),
        (Q1,          true,  64, TOP - 1,     0,           TOP),
        (Q1,          false, 64, u64::MAX,    0,           u64::MAX),
        (INF,         true,  32, 0x7fff_ffff, 0x7fff_ffff, 0x8000_0000),
        (INF | MINUS, true,  64, TOP,         TOP,         TOP),
        (INF | MINUS, false, 64, 0,           0,           u64::MAX),
        (BIG,         false, 64, u64::MAX,    u64::MAX,    u64::MAX),
        (BIG,         true,  64, TOP - 1,     TOP - 1,     TOP),
        (M31,         true,  32, 0x7fff_ffff, 0x7fff_ffff, 0x8000_0000),
        (ONE | MINUS, false, 32, 0,           0,           0xffff_ffff),
    ];
    for (a, signed, bits, riscv, arm, x86) in lines {
        for (saturation, want) in [(NanToMax, riscv), (NanToZero, arm), (Indefinite, x86)] {
            let got = to_int(F, a, signed, bits, RNE, saturation);
            assert_eq!(got, out(want, NV), "{a:x} {signed} {bits} {saturation:?}");
        }
    }
    #[rustfmt::skip] // A table: operand, signed, width, direction, answer of all.
    let lines = [
        (HALF | MINUS, false, 32, Rounding::NearestEven, 0,           NX),
        (HALF | MINUS, false, 32, Rounding::TowardZero,  0,           NX),
        (HALF | MINUS, true,  32, Rounding::Down,        0xffff_ffff, NX),
        (M31,          false, 32, Rounding::Up,          0x8000_0000, NONE),
        (M31 | MINUS,  true,  32, Rounding::Up,          0x8000_0000, NONE),
        (MINUS,        false, 64, Rounding::Down,        0,           NONE),
        (1,            true,  64, Rounding::Up,          1,           NX),
    ];
    for (a, signed, bits, rm, want, flags) in lines {
        for saturation in [NanToMax, NanToZero, Indefinite] {
            let got = to_int(F, a, signed, bits, rm, saturation);
            assert_eq!(got, out(want, flags), "{a:x} {signed} {bits} {rm:?}");
        }
    }
    let got = to_int(F, HALF | MINUS, false, 32, Rounding::Down, NanToMax);
    assert_eq!(got, out(0, NV), "minus one is no unsigned integer");
}

#[test]
fn minimum_and_maximum() {
    use MinMaxRule::{Nan, Number, QuietNumber, Second};
    #[rustfmt::skip] // A table: rule, operands, minimum, maximum, flags; by RISC-V's NaN rule.
    let lines = [
        (Number,      ONE,   INF,   ONE,   INF,  NONE),
        (Number,      MINUS, ZERO,  MINUS, ZERO, NONE),
        (Number,      ZERO,  MINUS, MINUS, ZERO, NONE),
        (Number,      Q1,    ONE,   ONE,   ONE,  NONE),
        (Number,      ONE,   Q1,    ONE,   ONE,  NONE),
        (Number,      S1,    ONE,   ONE,   ONE,  NV),
        (Number,      ONE,   S1,    ONE,   ONE,  NV),
        (Number,      Q1,    Q2,    NAN,   NAN,  NONE),
        (Number,      Q1,    S2,    NAN,   NAN,  NV),
        (QuietNumber, ZERO,  MINUS, MINUS, ZERO, NONE),
        (QuietNumber, Q1,    ONE,   ONE,   ONE,  NONE),
        (QuietNumber, ONE,   Q2,    ONE,   ONE,  NONE),
        (QuietNumber, S1,    ONE,   NAN,   NAN,  NV),
        (QuietNumber, ONE,   S1,    NAN,   NAN,  NV),
        (Nan,         MINUS, ZERO,  MINUS, ZERO, NONE),
        (Nan,         Q1,    ONE,   NAN,   NAN,  NONE),
        (Nan,         ONE,   S1,    NAN,   NAN,  NV),
        (Second,      ONE,   INF,   ONE,   INF,  NONE),
        (Second,      MINUS, ZERO,  ZERO,  ZERO, NONE),
        (Second,      ZERO,  MINUS, MINUS, MINUS, NONE),
        (Second,      Q1,    ONE,   ONE,   ONE,  NV),
        (Second,      ONE,   S1,    S1,    S1,   NV),
        (Second,      Q1,    Q2,    Q2,    Q2,   NV),
    ];
    for (rule, a, b, least, greatest, flags) in lines {
        let place = format!("{rule:?} {a:x} {b:x}");
        assert_eq!(min(F, a, b, rule, RISCV), out(least, flags), "{place}");
        assert_eq!(max(F, a, b, rule, RISCV), out(greatest, flags), "{place}");
    }
    assert_eq!(min(F, Q1, S2, Nan, ARM64), out(S2_QUIET, NV));
    assert_eq!(max(F, Q1, Q2, QuietNumber, ARM64), out(Q1, NONE));
}

#[test]
fn invalid_comparisons() {
    for (a, b, quiet, signalling) in [
        (ONE, INF, NONE, NONE),
        (ONE, Q1, NONE, NV),
        (Q2, Q1, NONE, NV),
        (S1, ONE, NV, NV),
        (Q1, S2, NV, NV),
    ] {
        assert_eq!(eq(F, a, b), (false, quiet), "{a:x} {b:x}");
        assert_eq!(lt(F, a, b), (signalling == NONE, signalling), "{a:x} {b:x}");
        assert_eq!(le(F, a, b), (signalling == NONE, signalling), "{a:x} {b:x}");
        assert_eq!(compare(F, a, b, Comparison::Quiet).1, quiet, "{a:x} {b:x}");
        assert_eq!(
            compare(F, a, b, Comparison::Signalling).1,
            signalling,
            "{a:x} {b:x}"
        );
        assert_eq!(unordered(F, a, b), signalling == NV, "{a:x} {b:x}");
    }
    assert_eq!(eq(F, ZERO, MINUS), (true, NONE));
    assert_eq!(lt(F, MINUS, ZERO), (false, NONE));
    assert_eq!(le(F, ZERO, MINUS), (true, NONE));
}

#[test]
fn numbers_of_directions() {
    for (number, rm) in Rounding::ALL.into_iter().enumerate() {
        assert_eq!(rm as usize, number);
        assert_eq!(Rounding::from_number(number as u8), Some(rm));
    }
    assert!((5..=255).all(|number| Rounding::from_number(number).is_none()));
}
