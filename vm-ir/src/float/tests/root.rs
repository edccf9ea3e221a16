//! Square roots in all directions, by what a root is: no other judge has flags.

use super::super::*;
use super::patterns::{Source, rounds};

/// Compares the square of `root` with `a`, both positive and normal.
fn square_against(f: Format, root: u64, a: u64) -> std::cmp::Ordering {
    let format = f.layout();
    let (root, a) = (format.unpack(root), format.unpack(a));
    // Squares have 128 bits; the operand is brought to the same exponent.
    let square = u128::from(root.sig) * u128::from(root.sig);
    let shift = 63 + a.exp - 2 * root.exp;
    assert!((62..=65).contains(&shift), "the root has half the exponent");
    match u128::from(a.sig).checked_shl(shift as u32) {
        Some(wide) if wide >> shift == u128::from(a.sig) => square.cmp(&wide),
        _ => std::cmp::Ordering::Less,
    }
}

fn check(f: Format, a: u64, seed: u64) {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let place = format!("{f:?} {a:x}, seed {seed}");
    let root = |rm| sqrt(f, a, rm, RISCV);
    let down = root(Rounding::TowardZero);
    let exact = square_against(f, down.bits, a) == Equal;
    let want = Out {
        bits: down.bits,
        flags: Flags::NX.when(!exact),
    };
    assert_eq!(root(Rounding::Down), want, "{place}");
    assert_eq!(down, want, "{place}");
    if exact {
        assert!(Rounding::ALL.iter().all(|&rm| root(rm) == want), "{place}");
        return;
    }
    assert_eq!(square_against(f, down.bits, a), Less, "{place}");
    assert_eq!(square_against(f, down.bits + 1, a), Greater, "{place}");
    assert_eq!(
        root(Rounding::Up),
        Out {
            bits: down.bits + 1,
            ..want
        },
        "{place}"
    );
    // A root is never half way between two values, so both nearest directions agree; the nearer
    // one is told by the square of the number half way, which has one more bit.
    let nearest = root(Rounding::NearestEven);
    assert_eq!(root(Rounding::NearestAway), nearest, "{place}");
    let (low, operand) = (f.layout().unpack(down.bits), f.layout().unpack(a));
    let places = 63 - f.layout().frac_bits;
    let middle = u128::from(low.sig >> (places - 1)) + 1;
    let scaled = u128::from(operand.sig >> places)
        << (2 + f.layout().frac_bits as i32 + operand.exp - 2 * low.exp);
    let bits = if middle * middle < scaled {
        down.bits + 1
    } else {
        down.bits
    };
    assert_eq!(nearest, Out { bits, ..want }, "{place}");
}

#[test]
fn roots_of_positive_values() {
    let mut source = Source::new("roots");
    for _ in 0..rounds(30_000) {
        for f in [Format::F16, Format::F32, Format::F64] {
            let format = f.layout();
            let mut a = source.operand(f) & format.magnitude_mask();
            if source.below(3) == 0 {
                // Squares of short numbers and their neighbours.
                let root = a & !(format.min_normal() - 1) >> (format.frac_bits / 2);
                a = mul(f, root, root, Rounding::NearestEven, RISCV).bits;
                a = a.wrapping_add(source.below(3)).wrapping_sub(1) & format.magnitude_mask();
            }
            if a != 0 && a < format.infinity() {
                check(f, a, source.seed);
            }
        }
    }
}
