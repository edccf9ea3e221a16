//! Against the host's arithmetic, which rounds to nearest; and `fast` against the exact operations.

use super::super::*;
use super::patterns::{Source, rounds};

const NEAREST: Rounding = Rounding::NearestEven;

/// Checks one result; a NaN of the host's is the canonical one here.
fn check(place: &str, f: Format, got: Out, host: u64) {
    let format = f.layout();
    let want = if format.is_nan(host) {
        format.quiet_nan()
    } else {
        host
    };
    assert_eq!(got.bits, want, "{place}");
}

#[test]
fn results_are_those_of_the_host() {
    let mut source = Source::new("host");
    for _ in 0..rounds(60_000) {
        let [a, b, c] = source.triple(Format::F32);
        let [x, y, z] = [a, b, c].map(|bits| f32::from_bits(bits as u32));
        let (f, seed) = (Format::F32, source.seed);
        for (name, got, host) in [
            ("add", add(f, a, b, NEAREST, RISCV), x + y),
            ("sub", sub(f, a, b, NEAREST, RISCV), x - y),
            ("mul", mul(f, a, b, NEAREST, RISCV), x * y),
            ("div", div(f, a, b, NEAREST, RISCV), x / y),
            ("sqrt", sqrt(f, a, NEAREST, RISCV), x.sqrt()),
            ("fma", fma(f, a, b, c, NEAREST, RISCV), x.mul_add(y, z)),
        ] {
            check(
                &format!("{name} {a:x} {b:x} {c:x}, {seed}"),
                f,
                got,
                host.to_bits().into(),
            );
        }
        let [a, b, c] = source.triple(Format::F64);
        let [x, y, z] = [a, b, c].map(f64::from_bits);
        let f = Format::F64;
        for (name, got, host) in [
            ("add", add(f, a, b, NEAREST, RISCV), x + y),
            ("sub", sub(f, a, b, NEAREST, RISCV), x - y),
            ("mul", mul(f, a, b, NEAREST, RISCV), x * y),
            ("div", div(f, a, b, NEAREST, RISCV), x / y),
            ("sqrt", sqrt(f, a, NEAREST, RISCV), x.sqrt()),
            ("fma", fma(f, a, b, c, NEAREST, RISCV), x.mul_add(y, z)),
        ] {
            check(
                &format!("{name} {a:x} {b:x} {c:x}, {seed}"),
                f,
                got,
                host.to_bits(),
            );
        }
    }
}

#[test]
fn comparisons_are_those_of_the_host() {
    let mut source = Source::new("comparisons");
    for _ in 0..rounds(30_000) {
        let [a, mut b, _] = source.triple(Format::F64);
        match source.below(4) {
            0 => b = a,
            1 => b = a ^ (1 << 63),
            _ => {}
        }
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let (f, place) = (Format::F64, format!("{a:x} {b:x}, {}", source.seed));
        assert_eq!(eq(f, a, b).0, x == y, "{place}");
        assert_eq!(lt(f, a, b).0, x < y, "{place}");
        assert_eq!(le(f, a, b).0, x <= y, "{place}");
        assert_eq!(unordered(f, a, b), x.is_nan() || y.is_nan(), "{place}");
        assert_eq!(
            compare(f, a, b, Comparison::Quiet).0,
            x.partial_cmp(&y),
            "{place}"
        );
    }
}

/// Values from the middle of the range, where ordinary programs compute.
fn ordinary(source: &mut Source, f: Format) -> u64 {
    let format = f.layout();
    let exp = (source.below(16) as i32 - 8 + format.max_exp()) as u64;
    let magnitude = (exp << format.frac_bits) | (source.next() & (format.min_normal() - 1));
    // Short fractions make ties.
    let short = magnitude & (u64::MAX << source.below(u64::from(format.frac_bits)));
    format.signed(source.next() & 1 == 1, short)
}

#[test]
fn fast_results_are_the_exact_ones() {
    type Operation = (
        &'static str,
        fn(Format, [u64; 3], Rounding, Rules) -> Out,
        fn(Format, [u64; 3], Rounding, Rules, Flags) -> Out,
    );
    const OPERATIONS: [Operation; 6] = [
        (
            "add",
            |f, [a, b, _], rm, r| add(f, a, b, rm, r),
            |f, [a, b, _], rm, r, s| fast::add(f, a, b, rm, r, s),
        ),
        (
            "sub",
            |f, [a, b, _], rm, r| sub(f, a, b, rm, r),
            |f, [a, b, _], rm, r, s| fast::sub(f, a, b, rm, r, s),
        ),
        (
            "mul",
            |f, [a, b, _], rm, r| mul(f, a, b, rm, r),
            |f, [a, b, _], rm, r, s| fast::mul(f, a, b, rm, r, s),
        ),
        (
            "div",
            |f, [a, b, _], rm, r| div(f, a, b, rm, r),
            |f, [a, b, _], rm, r, s| fast::div(f, a, b, rm, r, s),
        ),
        (
            "sqrt",
            |f, [a, _, _], rm, r| sqrt(f, a, rm, r),
            |f, [a, _, _], rm, r, s| fast::sqrt(f, a, rm, r, s),
        ),
        (
            "fma",
            |f, [a, b, c], rm, r| fma(f, a, b, c, rm, r),
            |f, [a, b, c], rm, r, s| fast::fma(f, a, b, c, rm, r, s),
        ),
    ];
    let mut source = Source::new("fast");
    for (name, exact, quick) in OPERATIONS {
        for f in [Format::F16, Format::F32, Format::F64] {
            let mut by_host = 0;
            for round in 0..rounds(8_000) {
                let operands = if round % 2 == 0 {
                    source.triple(f)
                } else {
                    [(); 3].map(|()| ordinary(&mut source, f))
                };
                let sticky = Flags(source.below(32) as u8 | (round / 2 % 2) as u8);
                let rules = [RISCV, ARM64, X86][source.below(3) as usize];
                for rm in [NEAREST, Rounding::ALL[source.below(5) as usize]] {
                    let place = format!("{name} {f:?} {operands:x?} {rm:?} {}", source.seed);
                    let want = exact(f, operands, rm, rules);
                    let got = quick(f, operands, rm, rules, sticky);
                    assert_eq!(got.bits, want.bits, "{place}");
                    assert_eq!(got.flags | sticky, want.flags | sticky, "{place}");
                    let left_out = got.flags != want.flags;
                    assert!(
                        !left_out || (rm == NEAREST && sticky.contains(Flags::NX)),
                        "{place}"
                    );
                    by_host += u64::from(left_out);
                }
            }
            // The host computes no halves.
            let never = f == Format::F16;
            assert!(
                never || by_host > 1_000,
                "{name} {f:?}: {by_host} by the host"
            );
        }
    }
}
