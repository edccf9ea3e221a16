//! F, D, Zfhmin: boxes, rounding modes, dirt. The arithmetic itself is tested where it is.

use super::{MACHINE, check, check_in};

#[rustfmt::skip] // One line a case.
#[test]
fn singles_are_boxed() {
    const ONE: &str = "0xffffffff3f800000";
    check("flw fa0, 0(a1)", "a1=0x1000 [0x1000]=0x3f800000", &format!("fa0={ONE}"));
    check("fsw fa0, 0(a1)", "a1=0x1000 fa0=0x123456789 [0x1000]=0", "[0x1000]=0x23456789");
    check("fadd.s fa0, fa1, fa1", &format!("fa1={ONE}"), "fa0=0xffffffff40000000");
    // A number without its box is a NaN.
    check("fadd.s fa0, fa1, fa1", "fa1=0x3f800000", "fa0=0xffffffff7fc00000");
    check("fadd.s fa0, fa1, fa1", "fa1=0xfffffffe3f800000", "fa0=0xffffffff7fc00000");
    check("fsgnj.s fa0, fa1, fa1", "fa1=0x3f800000", "fa0=0xffffffff7fc00000");
    check("fclass.s a0, fa1", "fa1=0x3f800000", "a0=0x200");
    check("fclass.s a0, fa1", &format!("fa1={ONE}"), "a0=0x40");
    check("fmv.x.w a0, fa1", "fa1=0x80000000", "a0=0xffffffff80000000");
    check("fmv.w.x fa0, a1", "a1=0x13f800000", &format!("fa0={ONE}"));
    check("fmv.x.d a0, fa1", "fa1=-7", "a0=-7");
    check("fmv.d.x fa0, a1", "a1=-7", "fa0=-7");
    // Known to be boxed within the block, and not so any more.
    check("flw fa1, 0(a1); fadd.s fa0, fa1, fa1", "a1=0x1000 [0x1000]=0x3f800000", &format!("fa1={ONE} fa0=0xffffffff40000000"));
    check("fmv.w.x fa1, a0; fmv.d.x fa1, a1; fadd.s fa0, fa1, fa1", "a1=0x3f800000", "fa1=0x3f800000 fa0=0xffffffff7fc00000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn halves_are_boxed() {
    check("flh fa0, 0(a1)", "a1=0x1000 [0x1000]=0x3c00", "fa0=0xffffffffffff3c00");
    check("fsh fa0, 0(a1)", "a1=0x1000 fa0=0x13c00 [0x1000]=0", "[0x1000]=0x3c00");
    check("fcvt.s.h fa0, fa1, rne", "fa1=0xffffffffffff3c00", "fa0=0xffffffff3f800000");
    check("fcvt.d.h fa0, fa1, rne", "fa1=0xffffffffffff3c00", "fa0=0x3ff0000000000000");
    check("fcvt.s.h fa0, fa1, rne", "fa1=0xffffffff00003c00", "fa0=0xffffffff7fc00000");
    check("fcvt.h.s fa0, fa1", "fa1=0xffffffff3f800000", "fa0=0xffffffffffff3c00");
    check("fcvt.h.d fa0, fa1", "fa1=0x3ff0000000000000", "fa0=0xffffffffffff3c00");
    check("fmv.x.h a0, fa1", "fa1=0x8000", "a0=-32768");
    check("fmv.h.x fa0, a1", "a1=0x13c00", "fa0=0xffffffffffff3c00");
    // A half in its box is a single in its box, which is a NaN, but a single is no half.
    check("fmv.h.x fa1, a1; fclass.s a0, fa1", "a1=0x3c00", "fa1=0xffffffffffff3c00 a0=0x200");
    check("fmv.w.x fa1, a1; fcvt.s.h fa0, fa1", "a1=0x3c00", "fa1=0xffffffff00003c00 fa0=0xffffffff7fc00000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn doubles() {
    const F: &str = "fa1=0x4000000000000000 fa2=0x4008000000000000 fa3=0x3ff0000000000000";
    check("fadd.d fa0, fa1, fa2", F, "fa0=0x4014000000000000");
    check("fsub.d fa0, fa1, fa2", F, "fa0=0xbff0000000000000");
    check("fmul.d fa0, fa1, fa2", F, "fa0=0x4018000000000000");
    check("fdiv.d fa0, fa2, fa1", F, "fa0=0x3ff8000000000000");
    check("fdiv.d fa0, fa1, fa4", F, "fa0=0x7ff0000000000000 fflags=8");
    check("fsqrt.d fa0, fa3", F, "fa0=0x3ff0000000000000");
    check("fmadd.d fa0, fa1, fa2, fa3", F, "fa0=0x401c000000000000");
    check("fmsub.d fa0, fa1, fa2, fa3", F, "fa0=0x4014000000000000");
    check("fnmsub.d fa0, fa1, fa2, fa3", F, "fa0=0xc014000000000000");
    check("fnmadd.d fa0, fa1, fa2, fa3", F, "fa0=0xc01c000000000000");
    check("fsgnj.d fa0, fa1, fa2", "fa1=0x8000000000000001 fa2=2", "fa0=1");
    check("fsgnjn.d fa0, fa1, fa1", "fa1=1", "fa0=0x8000000000000001");
    check("fsgnjx.d fa0, fa1, fa1", "fa1=0x8000000000000001", "fa0=1");
    check("fsgnjx.s fa0, fa1, fa2", "fa1=0xffffffff80000001 fa2=0xffffffff00000000", "fa0=0xffffffff80000001");
    check("fmin.d fa0, fa1, fa2", F, "fa0=0x4000000000000000");
    check("fmax.d fa0, fa1, fa2", F, "fa0=0x4008000000000000");
    check("feq.d a0, fa1, fa1", F, "a0=1");
    check("flt.d a0, fa1, fa2", F, "a0=1");
    check("fle.d a0, fa2, fa1", &format!("{F} a0=1"), "a0=0");
    check("flt.d a0, fa1, fa2", "fa1=0x7ff8000000000000", "a0=0 fflags=16");
    check("feq.d a0, fa1, fa2", "fa1=0x7ff8000000000000", "a0=0");
    check("fcvt.s.d fa0, fa1", F, "fa0=0xffffffff40000000");
    check("fcvt.d.s fa0, fa1, rne", "fa1=0xffffffff40000000", "fa0=0x4000000000000000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn conversions() {
    check("fcvt.w.d a0, fa1, rtz", "fa1=0xc004000000000000", "a0=-2 fflags=1");
    check("fcvt.w.d a0, fa1, rdn", "fa1=0xc004000000000000", "a0=-3 fflags=1");
    check("fcvt.wu.d a0, fa1, rtz", "fa1=0x41e0000000000000", "a0=0xffffffff80000000");
    check("fcvt.wu.d a0, fa1, rtz", "fa1=0xc004000000000000 a0=1", "a0=0 fflags=16");
    check("fcvt.w.s a0, fa1", "fa1=0", "a0=0x7fffffff fflags=16");
    check("fcvt.l.d a0, fa1", "fa1=0xfff0000000000000", "a0=0x8000000000000000 fflags=16");
    check("fcvt.lu.d a0, fa1", "fa1=0x43e0000000000000", "a0=0x8000000000000000");
    check("fcvt.d.w fa0, a1, rne", "a1=0xffffffff", "fa0=0xbff0000000000000");
    check("fcvt.d.wu fa0, a1, rne", "a1=-1", "fa0=0x41efffffffe00000");
    check("fcvt.d.l fa0, a1", "a1=-1", "fa0=0xbff0000000000000");
    check("fcvt.d.lu fa0, a1", "a1=0x8000000000000000", "fa0=0x43e0000000000000");
    check("fcvt.s.w fa0, a1", "a1=-1", "fa0=0xffffffffbf800000");
    check("fcvt.s.l fa0, a1, rup", "a1=0x1000001", "fa0=0xffffffff4b800001 fflags=1");
}

#[rustfmt::skip] // One line a case.
#[test]
fn rounding_modes() {
    // 1 + 2^-53: to nearest it is 1, upwards the next number.
    const F: &str = "fa1=0x3ff0000000000000 fa2=0x3ca0000000000000";
    check("fadd.d fa0, fa1, fa2", F, "fa0=0x3ff0000000000000 fflags=1");
    check("fadd.d fa0, fa1, fa2", &format!("{F} frm=3"), "fa0=0x3ff0000000000001 fflags=1");
    check("fadd.d fa0, fa1, fa2, rup", F, "fa0=0x3ff0000000000001 fflags=1");
    check("fadd.d fa0, fa1, fa2, rne", &format!("{F} frm=7"), "fa0=0x3ff0000000000000 fflags=1");
    for bad in ["frm=5", "frm=6", "frm=7"] {
        check("fadd.d fa0, fa1, fa2", &format!("{F} {bad}"), "trap=2:0x2c5f553");
        check("fcvt.d.w fa0, a1, rne; fcvt.d.w fa0, a1", bad, "trap=2:0xd205f553");
    }
    // The reserved modes in the instruction itself.
    check(".word 0x02c5d553", F, "trap=2:0x2c5d553");
    check(".word 0x02c5e553", F, "trap=2:0x2c5e553");
    // Written within the block: looked at again.
    check("fadd.d fa0, fa1, fa2; csrrwi zero, frm, 6; fadd.d fa0, fa1, fa2", F, "fa0=0x3ff0000000000000 fflags=1 frm=6 trap=2:0x2c5f553");
}

#[rustfmt::skip] // One line a case.
#[test]
fn off_and_dirty() {
    let clean = MACHINE & !(1 << 3);
    let off = clean | 1 << 2;
    check_in(off, "fadd.d fa0, fa1, fa2", "", "trap=2:0x2c5f553");
    check_in(off, "flw fa0, 0(a1)", "", "trap=2:0x5a507");
    check_in(off, "fsd fa0, 0(a1)", "", "trap=2:0xa5b027");
    check_in(off, "fmv.x.w a0, fa1", "", "trap=2:0xe0058553");
    check_in(off, "c.fld fa0, 0(a1)", "", "trap=2:0x2188");
    check_in(off, "c.fsdsp fa0, 0(sp)", "", "trap=2:0xa02a");
    check_in(clean, "fmv.w.x fa0, a1", "", "fa0=0xffffffff00000000 call=0() fresh");
    check_in(clean, "fadd.d fa0, fa1, fa2", "", "call=0() fresh");
    check_in(clean, "feq.d a0, fa1, fa1", "", "a0=1 call=0() fresh");
    check_in(clean, "fcvt.w.d a0, fa1", "a0=7", "a0=0 call=0() fresh");
    check_in(clean, "flw fa0, 0(a1)", "a1=0x1000 [0x1000]=0", "fa0=0xffffffff00000000 call=0() fresh");
    check_in(clean, "flw fa0, 0(a1)", "a1=0x1000", "trap=13:0x1000");
    check_in(clean, "fadd.d fa0, fa1, fa2", "frm=5", "trap=2:0x2c5f553");
    // What only reads leaves it clean.
    check_in(clean, "fmv.x.d a0, fa1; fclass.d a1, fa1", "fa1=1", "a0=1 a1=0x20");
    check_in(clean, "fsd fa0, 0(a1)", "a1=0x1000 fa0=1 [0x1000]=0", "[0x1000]=1");
}

#[rustfmt::skip] // One line a case.
#[test]
fn off_and_dirty_as_supervisor() {
    let asks = 1 | 3 << 2;
    const FIVE: &str = "mstatus=0x2000 fa0=5";
    check_in(asks, "addi a0, a0, 1; fadd.d fa0, fa1, fa2", "", "a0=1 trap=2:0x2c5f553");
    check_in(asks, "flw fa0, 0(a1)", "", "trap=2:0x5a507");
    check_in(asks, "fmv.x.w a0, fa1", "", "trap=2:0xe0058553");
    check_in(asks, "c.fsdsp fa0, 0(sp)", "", "trap=2:0xa02a");
    check_in(asks, "csrrs a0, fflags, zero", "", "trap=2:0x102573");
    // The block goes on behind what makes it dirty, and asks once.
    check_in(asks, "fmv.d.x fa0, zero; fmv.d.x fa1, zero; addi a0, a0, 1", FIVE, "mstatus=0x6000 fa0=0 a0=1");
    check_in(asks, "fmv.x.d a0, fa0; fclass.d a1, fa0", FIVE, "a0=5 a1=0x20");
    check_in(asks, "fmv.x.d a0, fa0; fmv.d.x fa0, zero", FIVE, "a0=5 mstatus=0x6000 fa0=0");
    check_in(asks, "flw fa0, 0(a1)", "mstatus=0x2000 a1=0x1000", "trap=13:0x1000");
    check_in(asks, "csrrw zero, fflags, a0; csrrs a1, fflags, zero", "mstatus=0x4000 a0=3", "fflags=3 a1=3 mstatus=0x6000");
    check_in(asks, "fadd.d fa0, fa1, fa2", "mstatus=0x2000 frm=5", "trap=2:0x2c5f553");
}

#[rustfmt::skip] // One line a case.
#[test]
fn singles() {
    const F: &str = "fa1=0xffffffff40000000 fa2=0xffffffff40400000 fa3=0xffffffff3f800000";
    check("fsub.s fa0, fa1, fa2", F, "fa0=0xffffffffbf800000");
    check("fmul.s fa0, fa1, fa2", F, "fa0=0xffffffff40c00000");
    check("fdiv.s fa0, fa2, fa1", F, "fa0=0xffffffff3fc00000");
    check("fsqrt.s fa0, fa3", F, "fa0=0xffffffff3f800000");
    check("fmadd.s fa0, fa1, fa2, fa3", F, "fa0=0xffffffff40e00000");
    check("fmsub.s fa0, fa1, fa2, fa3", F, "fa0=0xffffffff40a00000");
    check("fnmsub.s fa0, fa1, fa2, fa3", F, "fa0=0xffffffffc0a00000");
    check("fnmadd.s fa0, fa1, fa2, fa3", F, "fa0=0xffffffffc0e00000");
    check("fsgnjn.s fa0, fa1, fa1", F, "fa0=0xffffffffc0000000");
    check("fmin.s fa0, fa1, fa2", F, "fa0=0xffffffff40000000");
    check("fmax.s fa0, fa1, fa2", F, "fa0=0xffffffff40400000");
    check("fmin.s fa0, fa1, fa4", F, "fa0=0xffffffff40000000");
    check("feq.s a0, fa1, fa1", F, "a0=1");
    check("flt.s a0, fa1, fa2", F, "a0=1");
    check("fle.s a0, fa2, fa1", &format!("{F} a0=1"), "a0=0");
    check("fcvt.wu.s a0, fa1", F, "a0=2");
    check("fcvt.wu.s a0, fa1", "fa1=0xffffffff4f000000", "a0=0xffffffff80000000");
    check("fcvt.l.s a0, fa1", "fa1=0xffffffffc0000000", "a0=-2");
    check("fcvt.lu.s a0, fa1", "fa1=0xffffffff5f000000", "a0=0x8000000000000000");
    check("fcvt.s.wu fa0, a1", "a1=-1", "fa0=0xffffffff4f800000 fflags=1");
    check("fcvt.s.lu fa0, a1", "a1=-1", "fa0=0xffffffff5f800000 fflags=1");
    check("fld fa0, -8(a1)", "a1=0x1008 [0x1000]=7", "fa0=7");
}
