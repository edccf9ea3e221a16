//! Zba: addresses; manual, volume I, "B Extension".

use vm_ir::Type::I64;

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zba"
    ADD_UW    "0000100 bbbbb aaaaa 000 ddddd 0111011"   "add.uw {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, t.w(a).zext(I64) + t.x(b));
    SH1ADD    "0010000 bbbbb aaaaa 010 ddddd 0110011"   "sh1add {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, (t.x(a) << 1) + t.x(b));
    SH2ADD    "0010000 bbbbb aaaaa 100 ddddd 0110011"   "sh2add {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, (t.x(a) << 2) + t.x(b));
    SH3ADD    "0010000 bbbbb aaaaa 110 ddddd 0110011"   "sh3add {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, (t.x(a) << 3) + t.x(b));
    SH1ADD_UW "0010000 bbbbb aaaaa 010 ddddd 0111011"   "sh1add.uw {d}, {a}, {b}"  |t, d, a, b| t.set_x(d, (t.w(a).zext(I64) << 1) + t.x(b));
    SH2ADD_UW "0010000 bbbbb aaaaa 100 ddddd 0111011"   "sh2add.uw {d}, {a}, {b}"  |t, d, a, b| t.set_x(d, (t.w(a).zext(I64) << 2) + t.x(b));
    SH3ADD_UW "0010000 bbbbb aaaaa 110 ddddd 0111011"   "sh3add.uw {d}, {a}, {b}"  |t, d, a, b| t.set_x(d, (t.w(a).zext(I64) << 3) + t.x(b));
    SLLI_UW   "000010 iiiiii aaaaa 001 ddddd 0011011"   "slli.uw {d}, {a}, {i:sh}" |t, d, a, i| t.set_x(d, t.w(a).zext(I64) << i);
}
