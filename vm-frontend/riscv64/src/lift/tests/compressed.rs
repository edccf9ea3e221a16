//! C and Zcb.

use super::check;

#[rustfmt::skip] // One line a case.
#[test]
fn register_forms() {
    check("c.addi4spn s0, sp, 1020", "sp=0x1000", "s0=0x13fc");
    check("c.addi16sp sp, -512", "sp=0x1000", "sp=0xe00");
    check("c.nop 0", "", "");
    check("c.addi t0, -1", "", "t0=-1");
    check("c.addiw a0, 31", "a0=0x7fffffff", "a0=0xffffffff8000001e");
    check("c.li a7, -32", "a7=3", "a7=-32");
    check("c.lui a0, 0xfffe0", "", "a0=0xfffffffffffe0000");
    check("c.srli s0, 0x21", "s0=-1", "s0=0x7fffffff");
    check("c.srai s0, 0x1", "s0=-4", "s0=-2");
    check("c.andi a0, -2", "a0=7", "a0=6");
    check("c.slli t0, 0x3f", "t0=1", "t0=0x8000000000000000");
    check("c.sub a0, a1", "a0=1 a1=3", "a0=-2");
    check("c.xor a0, a1", "a0=1 a1=3", "a0=2");
    check("c.or a0, a1", "a0=1 a1=2", "a0=3");
    check("c.and a0, a1", "a0=3 a1=2", "a0=2");
    check("c.subw a0, a1", "a0=0x100000000 a1=1", "a0=-1");
    check("c.addw a0, a1", "a0=0x7fffffff a1=1", "a0=0xffffffff80000000");
    check("c.mul a0, a1", "a0=-3 a1=3", "a0=-9");
    check("c.mv a0, t6", "t6=7", "a0=7");
    check("c.add s0, s11", "s0=1 s11=2", "s0=3");
    check("c.zext.b a0", "a0=-1", "a0=0xff");
    check("c.sext.b a0", "a0=0x80", "a0=-128");
    check("c.zext.h a0", "a0=-1", "a0=0xffff");
    check("c.sext.h a0", "a0=0x8000", "a0=-32768");
    check("c.zext.w a0", "a0=-1", "a0=0xffffffff");
    check("c.not a0", "a0=5", "a0=-6");
}

#[rustfmt::skip] // One line a case.
#[test]
fn memory_forms() {
    const M: &str = "a1=0x1000 sp=0x1000 [0x1000]=0x8182838485868788";
    check("c.lw a0, 4(a1)", M, "a0=0xffffffff81828384");
    check("c.ld a0, 0(a1)", M, "a0=0x8182838485868788");
    check("c.lwsp ra, 4(sp)", M, "ra=0xffffffff81828384");
    check("c.ldsp ra, 0(sp)", M, "ra=0x8182838485868788");
    check("c.fld fa0, 0(a1)", M, "fa0=0x8182838485868788");
    check("c.fldsp ft0, 0(sp)", M, "ft0=0x8182838485868788");
    check("c.lbu a0, 3(a1)", M, "a0=0x85");
    check("c.lhu a0, 2(a1)", M, "a0=0x8586");
    check("c.lh a0, 2(a1)", M, "a0=0xffffffffffff8586");
    check("c.sw a0, 4(a1)", "a1=0x1000 a0=-1 [0x1000]=0", "[0x1000]=0xffffffff00000000");
    check("c.sd a0, 248(a1)", "a1=0x1000 a0=-1 [0x10f8]=0", "[0x10f8]=-1");
    check("c.fsd fa0, 8(a1)", "a1=0x1000 fa0=-1 [0x1008]=0", "[0x1008]=-1");
    check("c.swsp a0, 0(sp)", "sp=0x1000 a0=-1 [0x1000]=0", "[0x1000]=0xffffffff");
    check("c.sdsp a0, 504(sp)", "sp=0x1000 a0=-1 [0x11f8]=0", "[0x11f8]=-1");
    check("c.fsdsp fa0, 0(sp)", "sp=0x1000 fa0=5 [0x1000]=0", "[0x1000]=5");
    check("c.sb a0, 3(a1)", "a1=0x1000 a0=-1 [0x1000]=0", "[0x1000]=0xff000000");
    check("c.sh a0, 2(a1)", "a1=0x1000 a0=-1 [0x1000]=0", "[0x1000]=0xffff0000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn jump_forms() {
    check("c.j 0x800007fe", "", "pc=0x800007fe");
    check("c.j 0x7ffff800", "", "pc=0x7ffff800");
    check("c.beqz a0, 0x800000fe", "", "pc=0x800000fe");
    check("c.beqz a0, 0x800000fe", "a0=1", "pc=0x80000002");
    check("c.bnez s1, 0x7fffff00", "s1=1", "pc=0x7fffff00");
    check("c.jr t0", "t0=0x101", "pc=0x100");
    check("c.jalr t0", "t0=0x101", "ra=0x80000002 pc=0x100");
    check("c.jalr ra", "ra=0x101", "ra=0x80000002 pc=0x100");
    check("c.ebreak", "", "trap=3:0x80000000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn hints_and_reserved_encodings() {
    // c.li x0, c.lui x0, c.slli x0, c.mv x0, c.add x0, c.addi a0 by zero.
    for hint in [".half 0x4005", ".half 0x6005", ".half 0x0006", ".half 0x802a", ".half 0x902a", ".half 0x0501"] {
        check(hint, "a0=7", "");
    }
    check(".half 0x0000", "", "trap=2:0");
    check(".half 0x6101", "", "trap=2:0x6101");
    check(".half 0x8002", "", "trap=2:0x8002");
}
