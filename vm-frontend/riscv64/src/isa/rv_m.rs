//! M: multiplication and division; manual, volume I, "M Extension".
//!
//! The operations' results for division by zero and for overflow are the manual's.

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "M"
    MUL    "0000001 bbbbb aaaaa 000 ddddd 0110011"      "mul {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) * t.x(b));
    MULH   "0000001 bbbbb aaaaa 001 ddddd 0110011"      "mulh {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).mulhs(t.x(b)));
    MULHSU "0000001 bbbbb aaaaa 010 ddddd 0110011"      "mulhsu {d}, {a}, {b}"    |t, d, a, b| t.set_x(d, t.x(a).mulhsu(t.x(b)));
    MULHU  "0000001 bbbbb aaaaa 011 ddddd 0110011"      "mulhu {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, t.x(a).mulhu(t.x(b)));
    DIV    "0000001 bbbbb aaaaa 100 ddddd 0110011"      "div {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).divs(t.x(b)));
    DIVU   "0000001 bbbbb aaaaa 101 ddddd 0110011"      "divu {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).divu(t.x(b)));
    REM    "0000001 bbbbb aaaaa 110 ddddd 0110011"      "rem {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).rems(t.x(b)));
    REMU   "0000001 bbbbb aaaaa 111 ddddd 0110011"      "remu {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).remu(t.x(b)));
    MULW   "0000001 bbbbb aaaaa 000 ddddd 0111011"      "mulw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a) * t.w(b));
    DIVW   "0000001 bbbbb aaaaa 100 ddddd 0111011"      "divw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a).divs(t.w(b)));
    DIVUW  "0000001 bbbbb aaaaa 101 ddddd 0111011"      "divuw {d}, {a}, {b}"     |t, d, a, b| t.set_w(d, t.w(a).divu(t.w(b)));
    REMW   "0000001 bbbbb aaaaa 110 ddddd 0111011"      "remw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a).rems(t.w(b)));
    REMUW  "0000001 bbbbb aaaaa 111 ddddd 0111011"      "remuw {d}, {a}, {b}"     |t, d, a, b| t.set_w(d, t.w(a).remu(t.w(b)));
}
