//! Loops of floating point give the same result however they are cut, whatever numbers they meet,
//! and whatever their registers, flags and rounding mode are where they begin.

use vm_core::Entropy;

use super::REGIONS;
use super::rig::{RAM, Rig};
use super::slices::left;

/// Where the numbers are: singles, doubles, and where results go.
const DATA: u64 = RAM + 0x8000;
/// How many bytes one turn of the loop takes.
const TURN: u64 = 48;
const TURNS: u64 = 40;

/// A loop over numbers of both formats. Its other part is reached and left by jumps to registers,
/// so that it is in no region; there registers of singles get doubles, and flags and rounding
/// mode change, to one that does not exist at last.
const NUMBERS: &str = "
outer:
    addi s0, a0, 0
    fmv.w.x fs0, zero
inner:
    flw fa0, 0(s0)
    flw fa1, 4(s0)
    fmul.s fa2, fa0, fa1
    fadd.s fs0, fs0, fa2
    fld fa3, 8(s0)
    fld fa4, 16(s0)
    fmul.d fa5, fa3, fa4
    fsub.d fa5, fa5, fa3
    fsgnjn.d fa6, fa5, fa5
    fsgnjx.s fa7, fa2, fa2
    fsgnjn.s fa7, fa7, fa0
    fdiv.d ft0, fa6, fa4
    fsqrt.d ft1, fa3
    fmadd.s ft2, fa0, fa1, fs0
    fsd ft0, 24(s0)
    flt.d t1, fa3, fa4
    fle.s t2, fs0, ft2
    fcvt.s.d ft3, fa5
    fcvt.w.s t3, ft3, rtz
    fcvt.d.l ft6, t3
    fmax.d ft6, ft6, fa3
    add s1, s1, t3
    and t1, t1, s7
    beq t1, zero, @skip
    fadd.s ft4, fs1, fa0
    fsub.s ft5, ft4, ft2
    add s1, s1, t2
skip:
    fsw fs0, 32(s0)
    fsw fa7, 36(s0)
    fsd fa5, 40(s0)
    addi s0, s0, 48
    blt s0, a1, @inner
    addi s5, s5, 1
    andi t5, s5, 3
    bne t5, zero, @outer
    jalr zero, 0(a2)
other:
    srli s7, s5, 3
    fcvt.d.l ft5, s5
    fmv.d.x ft2, s5
    fmv.d.x fa2, s1
    fmv.w.x fs1, s1
    andi t5, s5, 15
    beq t5, zero, @bad
    andi t5, s5, 4
    beq t5, zero, @clear
    fsgnjx.d fs1, fa5, fa5
    csrrw zero, frm, s5
    jalr zero, 0(a3)
clear:
    csrrw zero, fcsr, zero
    jalr zero, 0(a3)
bad:
    csrrwi zero, frm, 6
    jalr zero, 0(a3)
handler:
    addi s6, s6, 1
    csrrwi zero, frm, 0
    mret
";

/// Any number of a format with so many bits of exponent and fraction.
fn number(random: &mut Entropy, exponent: u32, fraction: u32) -> u64 {
    let bits = random.next_u64();
    let sign = (bits & 1) << (exponent + fraction);
    let top = (1 << exponent) - 1;
    let digits = random.next_u64() & ((1 << fraction) - 1);
    let biased = match bits >> 8 & 15 {
        0 => return sign,
        1 => bits >> 16 & 1,
        2 => top - (bits >> 16 & 1),
        // Whole numbers, of which nothing is inexact.
        3..=7 => {
            let few = digits >> (fraction - 3) << (fraction - 3);
            return sign | ((top >> 1) + (bits >> 16 & 3)) << fraction | few;
        }
        _ => (top >> 1) + (bits >> 16 & 7) - 4,
    };
    sign | biased << fraction | digits
}

fn numbers(seed: u64) -> Rig {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, NUMBERS);
    let mut random = Entropy::new(seed);
    for turn in 0..TURNS {
        let at = DATA + TURN * turn;
        let [a, b] = [(); 2].map(|()| number(&mut random, 8, 23));
        rig.store(at, a | b << 32);
        for place in [8, 16] {
            rig.store(at + place, number(&mut random, 11, 52));
        }
    }
    let mstatus = rig.get(0, "mstatus");
    for (name, value) in [
        // Floating-point registers are on, and have been written.
        ("mstatus", mstatus | 3 << 13),
        ("mtvec", labels["handler"]),
        ("a0", DATA),
        ("a1", DATA + TURN * TURNS),
        ("a2", labels["other"]),
        ("a3", labels["outer"]),
        ("f9", 0xffff_ffff_3fc0_0000),
        ("s7", 1),
    ] {
        rig.set(0, name, value);
    }
    rig
}

#[test]
fn numbers_give_the_same_result_however_they_are_cut() {
    const INSNS: u64 = 60_000;
    for seed in 1..4 {
        // Each instruction alone is interpreted.
        let mut wanted = numbers(seed);
        wanted.run_cut(INSNS, || 1);
        assert!(wanted.get(0, "s6") > 0, "a rounding mode did not exist");
        for longest in [3, 40, 150, 1000, 7000] {
            let mut random = Entropy::new(longest);
            let mut cut = numbers(seed);
            cut.run_cut(INSNS, || 1 + random.next_u64() % longest);
            assert!(
                left(&cut) == left(&wanted),
                "seed {seed}, slices of up to {longest}"
            );
            let stats = cut.engine.tier_stats();
            let made = stats.map_or(0, |stats| stats.regions);
            // In shorter slices no block of the loop is entered as a whole.
            let some = REGIONS && stats.is_some() && longest > 100;
            assert!(made > 0 || !some, "{made} regions");
        }
    }
}
