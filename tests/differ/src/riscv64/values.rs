//! Values to begin with: half of them at the edges, where instructions go wrong.

use crate::random::Random;

/// For an integer register.
pub fn integer(random: &mut Random) -> u64 {
    const EDGES: &[u64] = &[
        0,
        1,
        2,
        3,
        7,
        31,
        32,
        63,
        64,
        127,
        128,
        255,
        256,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        0x5555_5555_5555_5555,
        0x00ff_00ff_00ff_00ff,
    ];
    match random.below(8) {
        0..3 => random.one_of(EDGES),
        3 => !random.one_of(EDGES),
        4 => random.bits() >> random.below(64),
        5 => (random.bits() as i64 >> random.below(64)) as u64,
        6 => 1 << random.below(64),
        _ => random.bits(),
    }
}

/// For a floating-point register: a number of one of the formats, boxed or wrongly boxed.
pub fn float(random: &mut Random) -> u64 {
    match random.below(8) {
        0..3 => pattern(random, 11, 52),
        3..6 => 0xffff_ffff_0000_0000 | pattern(random, 8, 23),
        6 => 0xffff_ffff_ffff_0000 | pattern(random, 5, 10),
        _ => random.bits() >> random.below(2),
    }
}

/// The bits of a number with that many bits of exponent and fraction.
fn pattern(random: &mut Random, exponent: u32, fraction: u32) -> u64 {
    let most = (1u64 << exponent) - 1;
    let bias = most >> 1;
    let e = match random.below(8) {
        0 => 0,
        1 => most,
        2 => random.one_of(&[1, 2, most - 1]),
        3 => bias + random.below(4),
        4 => bias.wrapping_add(random.below(2 * u64::from(fraction))) & most,
        5 => (bias + 28 + random.below(8)) & most,
        _ => random.below(most),
    };
    let ones = (1u64 << fraction) - 1;
    let f = match random.below(8) {
        0 | 1 => 0,
        2 => 1,
        3 => ones,
        4 => 1 << (fraction - 1),
        5 => random.bits() & ones & !(ones >> random.below(u64::from(fraction))),
        _ => random.bits() & ones,
    };
    random.below(2) << (exponent + fraction) | e << fraction | f
}
