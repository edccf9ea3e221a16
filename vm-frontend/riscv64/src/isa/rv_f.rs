//! F: single precision; manual, volume I, "F Extension".

use vm_ir::Op::{
    FAdd, FDiv, FEq, FLe, FLt, FMax, FMin, FMul, FMulAdd, FSqrt, FSub, FToS, FToU, SToF, UToF,
};
use vm_ir::Type::{I32, I64};

use crate::lift::Sign;

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "F"
    FLW        "i[11:0] aaaaa 010 ddddd 0000111"                    "flw {d:f}, {i:s}({a})"                          |t, d, a, i| t.set_f(d, t.load(I32, a, i));
    FSW        "i[11:5] bbbbb aaaaa 010 i[4:0] 0100111"             "fsw {b:f}, {i:s}({a})"                          |t, a, b, i| t.store(a, i, t.f_raw(I32, b));

    FMADD_S    "ccccc 00 bbbbb aaaaa mmm ddddd 1000011"             "fmadd.s {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"       |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.f(I32, a), t.f(I32, b), t.f(I32, c)], m);
    FMSUB_S    "ccccc 00 bbbbb aaaaa mmm ddddd 1000111"             "fmsub.s {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"       |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.f(I32, a), t.f(I32, b), t.negate(t.f(I32, c))], m);
    FNMSUB_S   "ccccc 00 bbbbb aaaaa mmm ddddd 1001011"             "fnmsub.s {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"      |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.negate(t.f(I32, a)), t.f(I32, b), t.f(I32, c)], m);
    FNMADD_S   "ccccc 00 bbbbb aaaaa mmm ddddd 1001111"             "fnmadd.s {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"      |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.negate(t.f(I32, a)), t.f(I32, b), t.negate(t.f(I32, c))], m);
    FADD_S     "0000000 bbbbb aaaaa mmm ddddd 1010011"              "fadd.s {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FAdd, d, &[t.f(I32, a), t.f(I32, b)], m);
    FSUB_S     "0000100 bbbbb aaaaa mmm ddddd 1010011"              "fsub.s {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FSub, d, &[t.f(I32, a), t.f(I32, b)], m);
    FMUL_S     "0001000 bbbbb aaaaa mmm ddddd 1010011"              "fmul.s {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FMul, d, &[t.f(I32, a), t.f(I32, b)], m);
    FDIV_S     "0001100 bbbbb aaaaa mmm ddddd 1010011"              "fdiv.s {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FDiv, d, &[t.f(I32, a), t.f(I32, b)], m);
    FSQRT_S    "0101100 00000 aaaaa mmm ddddd 1010011"              "fsqrt.s {d:f}, {a:f}{m:rm}"                     |t, d, a, m| t.float(FSqrt, d, &[t.f(I32, a)], m);

    FSGNJ_S    "0010000 bbbbb aaaaa 000 ddddd 1010011"              "fsgnj.s {d:f}, {a:f}, {b:f}"                    |t, d, a, b| t.set_signed(I32, d, [a, b], Sign::Other);
    FSGNJN_S   "0010000 bbbbb aaaaa 001 ddddd 1010011"              "fsgnjn.s {d:f}, {a:f}, {b:f}"                   |t, d, a, b| t.set_signed(I32, d, [a, b], Sign::Not);
    FSGNJX_S   "0010000 bbbbb aaaaa 010 ddddd 1010011"              "fsgnjx.s {d:f}, {a:f}, {b:f}"                   |t, d, a, b| t.set_signed(I32, d, [a, b], Sign::Product);
    FMIN_S     "0010100 bbbbb aaaaa 000 ddddd 1010011"              "fmin.s {d:f}, {a:f}, {b:f}"                     |t, d, a, b| t.set_f(d, t.quiet(FMin, I32, &[t.f(I32, a), t.f(I32, b)]));
    FMAX_S     "0010100 bbbbb aaaaa 001 ddddd 1010011"              "fmax.s {d:f}, {a:f}, {b:f}"                     |t, d, a, b| t.set_f(d, t.quiet(FMax, I32, &[t.f(I32, a), t.f(I32, b)]));
    FEQ_S      "1010000 bbbbb aaaaa 010 ddddd 1010011"              "feq.s {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FEq, I32, &[t.f(I32, a), t.f(I32, b)]).zext(I64));
    FLT_S      "1010000 bbbbb aaaaa 001 ddddd 1010011"              "flt.s {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FLt, I32, &[t.f(I32, a), t.f(I32, b)]).zext(I64));
    FLE_S      "1010000 bbbbb aaaaa 000 ddddd 1010011"              "fle.s {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FLe, I32, &[t.f(I32, a), t.f(I32, b)]).zext(I64));
    FCLASS_S   "1110000 00000 aaaaa 001 ddddd 1010011"              "fclass.s {d}, {a:f}"                            |t, d, a| t.set_x(d, t.class(t.f(I32, a)));

    FCVT_W_S   "1100000 00000 aaaaa mmm ddddd 1010011"              "fcvt.w.s {d}, {a:f}{m:rm}"                      |t, d, a, m| t.set_x(d, t.convert(FToS, I32, t.f(I32, a), m).sext(I64));
    FCVT_WU_S  "1100000 00001 aaaaa mmm ddddd 1010011"              "fcvt.wu.s {d}, {a:f}{m:rm}"                     |t, d, a, m| t.set_x(d, t.convert(FToU, I32, t.f(I32, a), m).sext(I64));
    FCVT_L_S   "1100000 00010 aaaaa mmm ddddd 1010011"              "fcvt.l.s {d}, {a:f}{m:rm}"                      |t, d, a, m| t.set_x(d, t.convert(FToS, I64, t.f(I32, a), m));
    FCVT_LU_S  "1100000 00011 aaaaa mmm ddddd 1010011"              "fcvt.lu.s {d}, {a:f}{m:rm}"                     |t, d, a, m| t.set_x(d, t.convert(FToU, I64, t.f(I32, a), m));
    FCVT_S_W   "1101000 00000 aaaaa mmm ddddd 1010011"              "fcvt.s.w {d:f}, {a}{m:rm}"                      |t, d, a, m| t.set_f(d, t.convert(SToF, I32, t.w(a), m));
    FCVT_S_WU  "1101000 00001 aaaaa mmm ddddd 1010011"              "fcvt.s.wu {d:f}, {a}{m:rm}"                     |t, d, a, m| t.set_f(d, t.convert(UToF, I32, t.w(a), m));
    FCVT_S_L   "1101000 00010 aaaaa mmm ddddd 1010011"              "fcvt.s.l {d:f}, {a}{m:rm}"                      |t, d, a, m| t.set_f(d, t.convert(SToF, I32, t.x(a), m));
    FCVT_S_LU  "1101000 00011 aaaaa mmm ddddd 1010011"              "fcvt.s.lu {d:f}, {a}{m:rm}"                     |t, d, a, m| t.set_f(d, t.convert(UToF, I32, t.x(a), m));
    FMV_X_W    "1110000 00000 aaaaa 000 ddddd 1010011"              "fmv.x.w {d}, {a:f}"                             |t, d, a| t.set_x(d, t.f_raw(I32, a).sext(I64));
    FMV_W_X    "1111000 00000 aaaaa 000 ddddd 1010011"              "fmv.w.x {d:f}, {a}"                             |t, d, a| t.set_f(d, t.w(a));
}
