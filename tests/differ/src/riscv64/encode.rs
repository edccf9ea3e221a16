//! The few instructions that the code around the sequences is made of; manual, volume I,
//! chapter 2. They are written out here, so that the rows under test do not test themselves.

/// `lui d, high; addi d, d, low`: an address below 2 GiB.
pub fn address(d: u32, value: u64) -> [u32; 2] {
    assert!(value < 0x7fff_f800, "addresses fit two instructions");
    let high = (value as u32).wrapping_add(0x800) >> 12;
    let low = (value as u32).wrapping_sub(high << 12) as i32;
    [high << 12 | d << 7 | 0x37, addi(d, d, low)]
}

/// `addi d, a, i`.
pub fn addi(d: u32, a: u32, i: i32) -> u32 {
    low12(i) << 20 | a << 15 | d << 7 | 0x13
}

/// `add d, a, b`.
pub fn add(d: u32, a: u32, b: u32) -> u32 {
    b << 20 | a << 15 | d << 7 | 0x33
}

/// `sub d, a, b`.
pub fn sub(d: u32, a: u32, b: u32) -> u32 {
    add(d, a, b) | 0x4000_0000
}

/// `ld d, i(a)`.
pub fn ld(d: u32, a: u32, i: i32) -> u32 {
    low12(i) << 20 | a << 15 | 3 << 12 | d << 7 | 0x03
}

/// `fld d, i(a)`.
pub fn fld(d: u32, a: u32, i: i32) -> u32 {
    ld(d, a, i) | 0x04
}

/// `sd b, i(a)`.
pub fn sd(b: u32, a: u32, i: i32) -> u32 {
    let i = low12(i);
    (i >> 5) << 25 | b << 20 | a << 15 | 3 << 12 | (i & 31) << 7 | 0x23
}

/// `fsd b, i(a)`.
pub fn fsd(b: u32, a: u32, i: i32) -> u32 {
    sd(b, a, i) | 0x04
}

/// `jal x0, distance`.
pub fn jump(distance: i64) -> u32 {
    assert!(
        (-(1 << 20)..1 << 20).contains(&distance),
        "the image is smaller than the reach of a jump"
    );
    let i = distance as u32;
    let field = |from: u32, bits: u32, to: u32| (i >> from & ((1 << bits) - 1)) << to;
    field(20, 1, 31) | field(1, 10, 21) | field(11, 1, 20) | field(12, 8, 12) | 0x6f
}

/// `bne a, x0, distance`, or `beq` if `equal`.
pub fn branch_zero(a: u32, equal: bool, distance: i64) -> u32 {
    assert!((-4096..4096).contains(&distance), "branches are short");
    let i = distance as u32;
    let field = |from: u32, bits: u32, to: u32| (i >> from & ((1 << bits) - 1)) << to;
    let kind = u32::from(!equal) << 12;
    field(12, 1, 31) | field(5, 6, 25) | a << 15 | kind | field(1, 4, 8) | field(11, 1, 7) | 0x63
}

/// `jalr x0, 0(a)`.
pub fn jump_to(a: u32) -> u32 {
    a << 15 | 0x67
}

/// `csrrw d, fcsr, a`.
pub fn write_fcsr(d: u32, a: u32) -> u32 {
    3 << 20 | a << 15 | 1 << 12 | d << 7 | 0x73
}

/// `csrrwi d, frm, i`.
pub fn write_frm(d: u32, i: u32) -> u32 {
    2 << 20 | i << 15 | 5 << 12 | d << 7 | 0x73
}

/// `sc.w x0, x0, (a)`: fails or not, behind it nothing is reserved.
pub fn release(a: u32) -> u32 {
    3 << 27 | a << 15 | 2 << 12 | 0x2f
}

/// `ecall`.
pub const ECALL: u32 = 0x73;

fn low12(i: i32) -> u32 {
    assert!((-2048..2048).contains(&i), "a 12-bit immediate");
    i as u32 & 0xfff
}

#[cfg(test)]
mod tests {
    use vm_frontend_riscv64::disassemble;

    use super::*;

    fn check(encoding: u32, text: &str) {
        let shown = disassemble(&encoding.to_le_bytes(), 0x1000);
        assert_eq!(shown.text, text);
    }

    #[test]
    fn encodings_mean_what_their_names_say() {
        let [high, low] = address(5, 0x1000_0ffc);
        check(high, "lui t0, 0x10001");
        check(low, "addi t0, t0, -4");
        check(add(1, 2, 3), "add ra, sp, gp");
        check(sub(1, 2, 3), "sub ra, sp, gp");
        check(ld(6, 5, -8), "ld t1, -8(t0)");
        check(fld(6, 5, 16), "fld ft6, 16(t0)");
        check(sd(6, 5, 1016), "sd t1, 1016(t0)");
        check(fsd(6, 5, -1), "fsd ft6, -1(t0)");
        check(jump(-4), "jal zero, 0xffc");
        check(jump(0xf_fffe), "jal zero, 0x100ffe");
        check(branch_zero(10, true, 8), "beq a0, zero, 0x1008");
        check(branch_zero(10, false, -8), "bne a0, zero, 0xff8");
        check(jump_to(7), "jalr zero, 0(t2)");
        check(write_fcsr(0, 1), "csrrw zero, fcsr, ra");
        check(write_frm(3, 4), "csrrwi gp, frm, 4");
        check(release(6), "sc.w zero, zero, (t1)");
        check(ECALL, "ecall");
    }
}
