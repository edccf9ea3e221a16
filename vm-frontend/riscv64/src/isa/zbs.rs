//! Zbs: single bits; manual, volume I, "B Extension".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zbs"
    BCLR   "0100100 bbbbb aaaaa 001 ddddd 0110011"      "bclr {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).andnot(t.imm(1) << t.x(b)));
    BCLRI  "010010 iiiiii aaaaa 001 ddddd 0010011"      "bclri {d}, {a}, {i:sh}"  |t, d, a, i| t.set_x(d, t.x(a) & !(1 << i));
    BEXT   "0100100 bbbbb aaaaa 101 ddddd 0110011"      "bext {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, (t.x(a) >> t.x(b)) & 1);
    BEXTI  "010010 iiiiii aaaaa 101 ddddd 0010011"      "bexti {d}, {a}, {i:sh}"  |t, d, a, i| t.set_x(d, t.x(a).extract(i as u32, 1));
    BINV   "0110100 bbbbb aaaaa 001 ddddd 0110011"      "binv {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a) ^ (t.imm(1) << t.x(b)));
    BINVI  "011010 iiiiii aaaaa 001 ddddd 0010011"      "binvi {d}, {a}, {i:sh}"  |t, d, a, i| t.set_x(d, t.x(a) ^ 1 << i);
    BSET   "0010100 bbbbb aaaaa 001 ddddd 0110011"      "bset {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a) | (t.imm(1) << t.x(b)));
    BSETI  "001010 iiiiii aaaaa 001 ddddd 0010011"      "bseti {d}, {a}, {i:sh}"  |t, d, a, i| t.set_x(d, t.x(a) | 1 << i);
}
