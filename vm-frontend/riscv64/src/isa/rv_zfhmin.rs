//! Zfhmin: half precision in memory and in conversions; manual, volume I, "Zfhmin".

use vm_ir::Op::FConvert;
use vm_ir::Type::{I16, I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zfhmin"
    FLH      "i[11:0] aaaaa 001 ddddd 0000111"          "flh {d:f}, {i:s}({a})"         |t, d, a, i| t.set_f(d, t.load(I16, a, i));
    FSH      "i[11:5] bbbbb aaaaa 001 i[4:0] 0100111"   "fsh {b:f}, {i:s}({a})"         |t, a, b, i| t.store(a, i, t.f_raw(I16, b));
    FMV_X_H  "1110010 00000 aaaaa 000 ddddd 1010011"    "fmv.x.h {d}, {a:f}"            |t, d, a| t.set_x(d, t.f_raw(I16, a).sext(I64));
    FMV_H_X  "1111010 00000 aaaaa 000 ddddd 1010011"    "fmv.h.x {d:f}, {a}"            |t, d, a| t.set_f(d, t.x_as(I16, a));
    FCVT_S_H "0100000 00010 aaaaa mmm ddddd 1010011"    "fcvt.s.h {d:f}, {a:f}{m:rm}"   |t, d, a, m| t.set_f(d, t.convert(FConvert, I32, t.f(I16, a), m));
    FCVT_H_S "0100010 00000 aaaaa mmm ddddd 1010011"    "fcvt.h.s {d:f}, {a:f}{m:rm}"   |t, d, a, m| t.set_f(d, t.convert(FConvert, I16, t.f(I32, a), m));
    FCVT_D_H "0100001 00010 aaaaa mmm ddddd 1010011"    "fcvt.d.h {d:f}, {a:f}{m:rm}"   |t, d, a, m| t.set_f(d, t.convert(FConvert, I64, t.f(I16, a), m));
    FCVT_H_D "0100010 00001 aaaaa mmm ddddd 1010011"    "fcvt.h.d {d:f}, {a:f}{m:rm}"   |t, d, a, m| t.set_f(d, t.convert(FConvert, I16, t.f(I64, a), m));
}
