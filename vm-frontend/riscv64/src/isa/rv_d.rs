//! D: double precision; manual, volume I, "D Extension".

use vm_ir::Op::{
    FAdd, FConvert, FDiv, FEq, FLe, FLt, FMax, FMin, FMul, FMulAdd, FSqrt, FSub, FToS, FToU, SToF,
    UToF,
};
use vm_ir::Type::{I32, I64};

use crate::lift::Sign;

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "D"
    FLD        "i[11:0] aaaaa 011 ddddd 0000111"                    "fld {d:f}, {i:s}({a})"                          |t, d, a, i| t.set_f(d, t.load(I64, a, i));
    FSD        "i[11:5] bbbbb aaaaa 011 i[4:0] 0100111"             "fsd {b:f}, {i:s}({a})"                          |t, a, b, i| t.store(a, i, t.f_raw(I64, b));

    FMADD_D    "ccccc 01 bbbbb aaaaa mmm ddddd 1000011"             "fmadd.d {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"       |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.f(I64, a), t.f(I64, b), t.f(I64, c)], m);
    FMSUB_D    "ccccc 01 bbbbb aaaaa mmm ddddd 1000111"             "fmsub.d {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"       |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.f(I64, a), t.f(I64, b), t.negate(t.f(I64, c))], m);
    FNMSUB_D   "ccccc 01 bbbbb aaaaa mmm ddddd 1001011"             "fnmsub.d {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"      |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.negate(t.f(I64, a)), t.f(I64, b), t.f(I64, c)], m);
    FNMADD_D   "ccccc 01 bbbbb aaaaa mmm ddddd 1001111"             "fnmadd.d {d:f}, {a:f}, {b:f}, {c:f}{m:rm}"      |t, d, a, b, c, m| t.float(FMulAdd, d, &[t.negate(t.f(I64, a)), t.f(I64, b), t.negate(t.f(I64, c))], m);
    FADD_D     "0000001 bbbbb aaaaa mmm ddddd 1010011"              "fadd.d {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FAdd, d, &[t.f(I64, a), t.f(I64, b)], m);
    FSUB_D     "0000101 bbbbb aaaaa mmm ddddd 1010011"              "fsub.d {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FSub, d, &[t.f(I64, a), t.f(I64, b)], m);
    FMUL_D     "0001001 bbbbb aaaaa mmm ddddd 1010011"              "fmul.d {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FMul, d, &[t.f(I64, a), t.f(I64, b)], m);
    FDIV_D     "0001101 bbbbb aaaaa mmm ddddd 1010011"              "fdiv.d {d:f}, {a:f}, {b:f}{m:rm}"               |t, d, a, b, m| t.float(FDiv, d, &[t.f(I64, a), t.f(I64, b)], m);
    FSQRT_D    "0101101 00000 aaaaa mmm ddddd 1010011"              "fsqrt.d {d:f}, {a:f}{m:rm}"                     |t, d, a, m| t.float(FSqrt, d, &[t.f(I64, a)], m);

    FSGNJ_D    "0010001 bbbbb aaaaa 000 ddddd 1010011"              "fsgnj.d {d:f}, {a:f}, {b:f}"                    |t, d, a, b| t.set_signed(I64, d, [a, b], Sign::Other);
    FSGNJN_D   "0010001 bbbbb aaaaa 001 ddddd 1010011"              "fsgnjn.d {d:f}, {a:f}, {b:f}"                   |t, d, a, b| t.set_signed(I64, d, [a, b], Sign::Not);
    FSGNJX_D   "0010001 bbbbb aaaaa 010 ddddd 1010011"              "fsgnjx.d {d:f}, {a:f}, {b:f}"                   |t, d, a, b| t.set_signed(I64, d, [a, b], Sign::Product);
    FMIN_D     "0010101 bbbbb aaaaa 000 ddddd 1010011"              "fmin.d {d:f}, {a:f}, {b:f}"                     |t, d, a, b| t.set_f(d, t.quiet(FMin, I64, &[t.f(I64, a), t.f(I64, b)]));
    FMAX_D     "0010101 bbbbb aaaaa 001 ddddd 1010011"              "fmax.d {d:f}, {a:f}, {b:f}"                     |t, d, a, b| t.set_f(d, t.quiet(FMax, I64, &[t.f(I64, a), t.f(I64, b)]));
    FEQ_D      "1010001 bbbbb aaaaa 010 ddddd 1010011"              "feq.d {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FEq, I64, &[t.f(I64, a), t.f(I64, b)]).zext(I64));
    FLT_D      "1010001 bbbbb aaaaa 001 ddddd 1010011"              "flt.d {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FLt, I64, &[t.f(I64, a), t.f(I64, b)]).zext(I64));
    FLE_D      "1010001 bbbbb aaaaa 000 ddddd 1010011"              "fle.d {d}, {a:f}, {b:f}"                        |t, d, a, b| t.set_x(d, t.quiet(FLe, I64, &[t.f(I64, a), t.f(I64, b)]).zext(I64));
    FCLASS_D   "1110001 00000 aaaaa 001 ddddd 1010011"              "fclass.d {d}, {a:f}"                            |t, d, a| t.set_x(d, t.class(t.f(I64, a)));

    FCVT_W_D   "1100001 00000 aaaaa mmm ddddd 1010011"              "fcvt.w.d {d}, {a:f}{m:rm}"                      |t, d, a, m| t.set_x(d, t.convert(FToS, I32, t.f(I64, a), m).sext(I64));
    FCVT_WU_D  "1100001 00001 aaaaa mmm ddddd 1010011"              "fcvt.wu.d {d}, {a:f}{m:rm}"                     |t, d, a, m| t.set_x(d, t.convert(FToU, I32, t.f(I64, a), m).sext(I64));
    FCVT_L_D   "1100001 00010 aaaaa mmm ddddd 1010011"              "fcvt.l.d {d}, {a:f}{m:rm}"                      |t, d, a, m| t.set_x(d, t.convert(FToS, I64, t.f(I64, a), m));
    FCVT_LU_D  "1100001 00011 aaaaa mmm ddddd 1010011"              "fcvt.lu.d {d}, {a:f}{m:rm}"                     |t, d, a, m| t.set_x(d, t.convert(FToU, I64, t.f(I64, a), m));
    FCVT_D_W   "1101001 00000 aaaaa mmm ddddd 1010011"              "fcvt.d.w {d:f}, {a}{m:rm}"                      |t, d, a, m| t.set_f(d, t.convert(SToF, I64, t.w(a), m));
    FCVT_D_WU  "1101001 00001 aaaaa mmm ddddd 1010011"              "fcvt.d.wu {d:f}, {a}{m:rm}"                     |t, d, a, m| t.set_f(d, t.convert(UToF, I64, t.w(a), m));
    FCVT_D_L   "1101001 00010 aaaaa mmm ddddd 1010011"              "fcvt.d.l {d:f}, {a}{m:rm}"                      |t, d, a, m| t.set_f(d, t.convert(SToF, I64, t.x(a), m));
    FCVT_D_LU  "1101001 00011 aaaaa mmm ddddd 1010011"              "fcvt.d.lu {d:f}, {a}{m:rm}"                     |t, d, a, m| t.set_f(d, t.convert(UToF, I64, t.x(a), m));
    FCVT_S_D   "0100000 00001 aaaaa mmm ddddd 1010011"              "fcvt.s.d {d:f}, {a:f}{m:rm}"                    |t, d, a, m| t.set_f(d, t.convert(FConvert, I32, t.f(I64, a), m));
    FCVT_D_S   "0100001 00000 aaaaa mmm ddddd 1010011"              "fcvt.d.s {d:f}, {a:f}{m:rm}"                    |t, d, a, m| t.set_f(d, t.convert(FConvert, I64, t.f(I32, a), m));
    FMV_X_D    "1110001 00000 aaaaa 000 ddddd 1010011"              "fmv.x.d {d}, {a:f}"                             |t, d, a| t.set_x(d, t.f_raw(I64, a));
    FMV_D_X    "1111001 00000 aaaaa 000 ddddd 1010011"              "fmv.d.x {d:f}, {a}"                             |t, d, a| t.set_f(d, t.x(a));
}
