//! Zbc: carry-less multiplication; manual, volume I, "B Extension".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zbc"
    CLMUL  "0000101 bbbbb aaaaa 001 ddddd 0110011"      "clmul {d}, {a}, {b}"     |t, d, a, b| t.set_x(d, t.x(a).clmul(t.x(b)));
    CLMULH "0000101 bbbbb aaaaa 011 ddddd 0110011"      "clmulh {d}, {a}, {b}"    |t, d, a, b| t.set_x(d, t.x(a).clmulh(t.x(b)));
    CLMULR "0000101 bbbbb aaaaa 010 ddddd 0110011"      "clmulr {d}, {a}, {b}"    |t, d, a, b| t.set_x(d, t.x(a).clmulr(t.x(b)));
}
