//! A: Zalrsc and Zaamo; manual, volume I, "A Extension".

use vm_ir::Op::{AmoAdd, AmoAnd, AmoMaxS, AmoMaxU, AmoMinS, AmoMinU, AmoOr, AmoSwap, AmoXor};
use vm_ir::Type::{I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A"
    LR_W       "00010 oo 00000 aaaaa 010 ddddd 0101111"   "lr.w{o:order} {d}, ({a})"                |t, d, a, o| t.set_x(d, t.load_reserved(I32, a, o).sext(I64));
    LR_D       "00010 oo 00000 aaaaa 011 ddddd 0101111"   "lr.d{o:order} {d}, ({a})"                |t, d, a, o| t.set_x(d, t.load_reserved(I64, a, o));
    SC_W       "00011 oo bbbbb aaaaa 010 ddddd 0101111"   "sc.w{o:order} {d}, {b}, ({a})"           |t, d, a, b, o| t.set_x(d, (!t.store_conditional(a, t.w(b), o)).zext(I64));
    SC_D       "00011 oo bbbbb aaaaa 011 ddddd 0101111"   "sc.d{o:order} {d}, {b}, ({a})"           |t, d, a, b, o| t.set_x(d, (!t.store_conditional(a, t.x(b), o)).zext(I64));
    AMOSWAP_W  "00001 oo bbbbb aaaaa 010 ddddd 0101111"   "amoswap.w{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoSwap, a, t.w(b), o).sext(I64));
    AMOSWAP_D  "00001 oo bbbbb aaaaa 011 ddddd 0101111"   "amoswap.d{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoSwap, a, t.x(b), o));
    AMOADD_W   "00000 oo bbbbb aaaaa 010 ddddd 0101111"   "amoadd.w{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoAdd, a, t.w(b), o).sext(I64));
    AMOADD_D   "00000 oo bbbbb aaaaa 011 ddddd 0101111"   "amoadd.d{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoAdd, a, t.x(b), o));
    AMOXOR_W   "00100 oo bbbbb aaaaa 010 ddddd 0101111"   "amoxor.w{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoXor, a, t.w(b), o).sext(I64));
    AMOXOR_D   "00100 oo bbbbb aaaaa 011 ddddd 0101111"   "amoxor.d{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoXor, a, t.x(b), o));
    AMOAND_W   "01100 oo bbbbb aaaaa 010 ddddd 0101111"   "amoand.w{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoAnd, a, t.w(b), o).sext(I64));
    AMOAND_D   "01100 oo bbbbb aaaaa 011 ddddd 0101111"   "amoand.d{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoAnd, a, t.x(b), o));
    AMOOR_W    "01000 oo bbbbb aaaaa 010 ddddd 0101111"   "amoor.w{o:order} {d}, {b}, ({a})"                  |t, d, a, b, o| t.set_x(d, t.amo(AmoOr, a, t.w(b), o).sext(I64));
    AMOOR_D    "01000 oo bbbbb aaaaa 011 ddddd 0101111"   "amoor.d{o:order} {d}, {b}, ({a})"                  |t, d, a, b, o| t.set_x(d, t.amo(AmoOr, a, t.x(b), o));
    AMOMIN_W   "10000 oo bbbbb aaaaa 010 ddddd 0101111"   "amomin.w{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoMinS, a, t.w(b), o).sext(I64));
    AMOMIN_D   "10000 oo bbbbb aaaaa 011 ddddd 0101111"   "amomin.d{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoMinS, a, t.x(b), o));
    AMOMAX_W   "10100 oo bbbbb aaaaa 010 ddddd 0101111"   "amomax.w{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoMaxS, a, t.w(b), o).sext(I64));
    AMOMAX_D   "10100 oo bbbbb aaaaa 011 ddddd 0101111"   "amomax.d{o:order} {d}, {b}, ({a})"                 |t, d, a, b, o| t.set_x(d, t.amo(AmoMaxS, a, t.x(b), o));
    AMOMINU_W  "11000 oo bbbbb aaaaa 010 ddddd 0101111"   "amominu.w{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoMinU, a, t.w(b), o).sext(I64));
    AMOMINU_D  "11000 oo bbbbb aaaaa 011 ddddd 0101111"   "amominu.d{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoMinU, a, t.x(b), o));
    AMOMAXU_W  "11100 oo bbbbb aaaaa 010 ddddd 0101111"   "amomaxu.w{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoMaxU, a, t.w(b), o).sext(I64));
    AMOMAXU_D  "11100 oo bbbbb aaaaa 011 ddddd 0101111"   "amomaxu.d{o:order} {d}, {b}, ({a})"                |t, d, a, b, o| t.set_x(d, t.amo(AmoMaxU, a, t.x(b), o));
}
