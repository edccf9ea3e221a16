//! I, M, Zba, Zbb, Zbc, Zbs, Zicond.

use super::check;

#[rustfmt::skip] // One line a case.
#[test]
fn sums_and_bits() {
    check("add a0, a1, a2", "a1=5 a2=7", "a0=12");
    check("add a0, a0, a0", "a0=-1", "a0=-2");
    check("add zero, a1, a2", "a1=5 a2=7", "");
    check("sub a0, a1, a2", "a1=5 a2=7", "a0=-2");
    check("addi a0, a1, -2048", "a1=1", "a0=-2047");
    check("addi a0, zero, 2047", "", "a0=2047");
    check("addi zero, a1, 1", "a1=7", "");
    check("addi a0, a1, 0", "a1=0x8000000000000000", "a0=0x8000000000000000");
    check("slti a0, a1, -1", "a1=-2", "a0=1");
    check("slti a0, a1, -1", "a1=1 a0=9", "a0=0");
    check("sltiu a0, a1, -1", "a1=1", "a0=1");
    check("sltiu a0, a1, 1", "a1=0", "a0=1");
    check("slt a0, a1, a2", "a1=-1 a2=1", "a0=1");
    check("sltu a0, a1, a2", "a1=-1 a2=1 a0=3", "a0=0");
    check("xori a0, a1, -1", "a1=0xf0", "a0=-241");
    check("ori a0, a1, 15", "a1=0xf0", "a0=0xff");
    check("andi a0, a1, -16", "a1=0xff", "a0=0xf0");
    check("xor a0, a1, a2", "a1=0xff a2=0x0f", "a0=0xf0");
    check("or a0, a1, a2", "a1=0xf0 a2=0x0f", "a0=0xff");
    check("and a0, a1, a2", "a1=0xff a2=0x0f", "a0=0x0f");
    check("lui a0, 0x80000", "", "a0=0xffffffff80000000");
    check("lui a0, 0x7ffff", "", "a0=0x7ffff000");
    check("auipc a0, 0x1", "", "a0=0x80001000");
    check("auipc a0, 0x80000", "", "a0=0x0");
}

#[rustfmt::skip] // One line a case.
#[test]
fn shifts() {
    check("slli a0, a1, 0x3f", "a1=3", "a0=0x8000000000000000");
    check("srli a0, a1, 0x3f", "a1=-1", "a0=1");
    check("srai a0, a1, 0x3f", "a1=-5", "a0=-1");
    check("sll a0, a1, a2", "a1=1 a2=65", "a0=2");
    check("srl a0, a1, a2", "a1=-1 a2=-1", "a0=1");
    check("sra a0, a1, a2", "a1=0x8000000000000000 a2=62", "a0=-2");
    check("slliw a0, a1, 0x1f", "a1=3", "a0=0xffffffff80000000");
    check("srliw a0, a1, 0x4", "a1=0xfffffffff0000000", "a0=0xf000000");
    check("srliw a0, a1, 0x0", "a1=0x80000000", "a0=0xffffffff80000000");
    check("sraiw a0, a1, 0x4", "a1=0x80000000", "a0=0xfffffffff8000000");
    check("sllw a0, a1, a2", "a1=1 a2=63", "a0=0xffffffff80000000");
    check("srlw a0, a1, a2", "a1=0xffffffff80000000 a2=32", "a0=0xffffffff80000000");
    check("sraw a0, a1, a2", "a1=0x80000000 a2=31", "a0=-1");
    check("rol a0, a1, a2", "a1=0x8000000000000001 a2=1", "a0=3");
    check("ror a0, a1, a2", "a1=1 a2=1", "a0=0x8000000000000000");
    check("rori a0, a1, 0x3f", "a1=1", "a0=2");
    check("rolw a0, a1, a2", "a1=0x40000000 a2=1", "a0=0xffffffff80000000");
    check("rorw a0, a1, a2", "a1=0xff00000001 a2=33", "a0=0xffffffff80000000");
    check("roriw a0, a1, 0x1f", "a1=0x40000000", "a0=0xffffffff80000000");
    check("roriw a0, a1, 0x0", "a1=0x140000000", "a0=0x40000000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn words() {
    check("addw a0, a1, a2", "a1=0x7fffffff a2=1", "a0=0xffffffff80000000");
    check("addw a0, a1, a2", "a1=0xffffffff a2=1 a0=4", "a0=0");
    check("subw a0, a1, a2", "a1=0 a2=1", "a0=-1");
    check("addiw a0, a1, -1", "a1=0x100000000", "a0=-1");
    check("addiw a0, a1, 0", "a1=0x180000000", "a0=0xffffffff80000000");
    check("mulw a0, a1, a2", "a1=0x10001 a2=0x10001", "a0=0x20001");
    check("divw a0, a1, a2", "a1=0x80000000 a2=-1", "a0=0xffffffff80000000");
    check("divw a0, a1, a2", "a1=7 a2=0x100000000", "a0=-1");
    check("divw a0, a1, a2", "a1=-7 a2=2", "a0=-3");
    check("divuw a0, a1, a2", "a1=0xffffffff a2=1", "a0=-1");
    check("divuw a0, a1, a2", "a1=9 a2=0", "a0=-1");
    check("remw a0, a1, a2", "a1=0x80000000 a2=-1 a0=1", "a0=0");
    check("remw a0, a1, a2", "a1=0x80000000 a2=0", "a0=0xffffffff80000000");
    check("remuw a0, a1, a2", "a1=0xfffffffe a2=0", "a0=-2");
    check("remuw a0, a1, a2", "a1=7 a2=4", "a0=3");
}

#[rustfmt::skip] // One line a case.
#[test]
fn products_and_quotients() {
    check("mul a0, a1, a2", "a1=-3 a2=5", "a0=-15");
    check("mulh a0, a1, a2", "a1=-1 a2=1", "a0=-1");
    check("mulh a0, a1, a2", "a1=0x8000000000000000 a2=0x8000000000000000", "a0=0x4000000000000000");
    check("mulhu a0, a1, a2", "a1=-1 a2=-1", "a0=-2");
    check("mulhsu a0, a1, a2", "a1=-1 a2=-1", "a0=-1");
    check("mulhsu a0, a1, a2", "a1=2 a2=-1", "a0=1");
    check("div a0, a1, a2", "a1=-7 a2=2", "a0=-3");
    check("div a0, a1, a2", "a1=7 a2=0", "a0=-1");
    check("div a0, a1, a2", "a1=0x8000000000000000 a2=-1", "a0=0x8000000000000000");
    check("divu a0, a1, a2", "a1=-1 a2=2", "a0=0x7fffffffffffffff");
    check("divu a0, a1, a2", "a1=1 a2=0", "a0=-1");
    check("rem a0, a1, a2", "a1=-7 a2=2", "a0=-1");
    check("rem a0, a1, a2", "a1=-7 a2=0", "a0=-7");
    check("rem a0, a1, a2", "a1=0x8000000000000000 a2=-1 a0=5", "a0=0");
    check("remu a0, a1, a2", "a1=-1 a2=16", "a0=15");
    check("remu a0, a1, a2", "a1=3 a2=0", "a0=3");
}

#[rustfmt::skip] // One line a case.
#[test]
fn bit_manipulation() {
    check("add.uw a0, a1, a2", "a1=-1 a2=1", "a0=0x100000000");
    check("sh1add a0, a1, a2", "a1=3 a2=1", "a0=7");
    check("sh2add a0, a1, a2", "a1=3 a2=1", "a0=13");
    check("sh3add a0, a1, a2", "a1=3 a2=1", "a0=25");
    check("sh1add.uw a0, a1, a2", "a1=-1 a2=1", "a0=0x1ffffffff");
    check("sh2add.uw a0, a1, a2", "a1=-1 a2=1", "a0=0x3fffffffd");
    check("sh3add.uw a0, a1, a2", "a1=-1 a2=1", "a0=0x7fffffff9");
    check("slli.uw a0, a1, 0x20", "a1=-1", "a0=0xffffffff00000000");
    check("andn a0, a1, a2", "a1=0xff a2=0x0f", "a0=0xf0");
    check("orn a0, a1, a2", "a1=1 a2=-16", "a0=15");
    check("xnor a0, a1, a2", "a1=0xff a2=0x0f", "a0=-241");
    check("clz a0, a1", "a1=0", "a0=64");
    check("clz a0, a1", "a1=1", "a0=63");
    check("clzw a0, a1", "a1=0xf00000000", "a0=32");
    check("ctz a0, a1", "a1=0", "a0=64");
    check("ctz a0, a1", "a1=8", "a0=3");
    check("ctzw a0, a1", "a1=0x100000000", "a0=32");
    check("cpop a0, a1", "a1=-1", "a0=64");
    check("cpopw a0, a1", "a1=-1", "a0=32");
    check("max a0, a1, a2", "a1=-1 a2=1", "a0=1");
    check("maxu a0, a1, a2", "a1=-1 a2=1", "a0=-1");
    check("min a0, a1, a2", "a1=-1 a2=1", "a0=-1");
    check("minu a0, a1, a2", "a1=-1 a2=1", "a0=1");
    check("sext.b a0, a1", "a1=0x180", "a0=-128");
    check("sext.h a0, a1", "a1=0x18000", "a0=-32768");
    check("zext.h a0, a1", "a1=-1", "a0=0xffff");
    check("orc.b a0, a1", "a1=0x0100008000000010", "a0=0xff0000ff000000ff");
    check("rev8 a0, a1", "a1=0x0102030405060708", "a0=0x0807060504030201");
    check("clmul a0, a1, a2", "a1=7 a2=5", "a0=27");
    check("clmulh a0, a1, a2", "a1=0x8000000000000000 a2=6", "a0=3");
    check("clmulr a0, a1, a2", "a1=0x8000000000000000 a2=3", "a0=3");
    check("bclr a0, a1, a2", "a1=-1 a2=64", "a0=-2");
    check("bclri a0, a1, 0x3f", "a1=-1", "a0=0x7fffffffffffffff");
    check("bext a0, a1, a2", "a1=4 a2=2", "a0=1");
    check("bexti a0, a1, 0x3f", "a1=-1", "a0=1");
    check("binv a0, a1, a2", "a1=0 a2=63", "a0=0x8000000000000000");
    check("binvi a0, a1, 0x0", "a1=3", "a0=2");
    check("bset a0, a1, a2", "a1=0 a2=65", "a0=2");
    check("bseti a0, a1, 0x3f", "a1=0", "a0=0x8000000000000000");
    check("czero.eqz a0, a1, a2", "a1=5 a2=0 a0=1", "a0=0");
    check("czero.eqz a0, a1, a2", "a1=5 a2=9", "a0=5");
    check("czero.nez a0, a1, a2", "a1=5 a2=0", "a0=5");
    check("czero.nez a0, a1, a2", "a1=5 a2=9 a0=1", "a0=0");
}

#[rustfmt::skip] // One line a case.
#[test]
fn loads_and_stores() {
    const M: &str = "a1=0x1000 [0x1000]=0x8182838485868788";
    check("lb a0, 0(a1)", M, "a0=-120");
    check("lbu a0, 1(a1)", M, "a0=0x87");
    check("lh a0, 2(a1)", M, "a0=0xffffffffffff8586");
    check("lhu a0, 2(a1)", M, "a0=0x8586");
    check("lw a0, 4(a1)", M, "a0=0xffffffff81828384");
    check("lwu a0, 4(a1)", M, "a0=0x81828384");
    check("ld a0, 0(a1)", M, "a0=0x8182838485868788");
    check("ld zero, 0(a1)", M, "");
    check("ld a1, -8(a1)", "a1=0x1008 [0x1000]=7", "a1=7");
    check("ld a0, 8(a1)", M, "trap=13:0x1008");
    check("ld zero, 8(a1)", M, "trap=13:0x1008");
    check("sb a2, 7(a1)", "a1=0x1000 a2=0x1ff [0x1000]=0", "[0x1000]=0xff00000000000000");
    check("sh a2, 2(a1)", "a1=0x1000 a2=-2 [0x1000]=0", "[0x1000]=0xfffe0000");
    check("sw a2, 4(a1)", "a1=0x1000 a2=-1 [0x1000]=5", "[0x1000]=0xffffffff00000005");
    check("sd a2, -16(a1)", "a1=0x1010 a2=-3 [0x1000]=0", "[0x1000]=-3");
    check("sd zero, 0(a1)", "a1=0x1000 [0x1000]=9", "[0x1000]=0");
    check("sd a1, 0(a1)", "a1=0x2000", "trap=15:0x2000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn jumps_and_branches() {
    check("jal ra, 0x80000800", "", "ra=0x80000004 pc=0x80000800");
    check("jal zero, 0x7ffffff0", "", "pc=0x7ffffff0");
    check("jalr ra, 3(a0)", "a0=0x100", "ra=0x80000004 pc=0x102");
    check("jalr a0, 0(a0)", "a0=0x201", "a0=0x80000004 pc=0x200");
    check("jalr zero, -4(zero)", "", "pc=-4");
    check("beq a0, a1, 0x80000010", "a0=1 a1=1", "pc=0x80000010");
    check("beq a0, a1, 0x80000010", "a0=1", "pc=0x80000004");
    check("bne a0, zero, 0x7ffff000", "a0=1", "pc=0x7ffff000");
    check("blt a0, a1, 0x80000010", "a0=-1", "pc=0x80000010");
    check("bge a0, a1, 0x80000010", "a0=-1", "pc=0x80000004");
    check("bge a0, a1, 0x80000010", "", "pc=0x80000010");
    check("bltu a0, a1, 0x80000010", "a0=-1", "pc=0x80000004");
    check("bgeu a0, a1, 0x80000ffe", "a0=-1", "pc=0x80000ffe");
}
