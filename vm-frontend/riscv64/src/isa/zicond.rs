//! Zicond: conditional zeroes; manual, volume I, "Zicond".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zicond"
    CZERO_EQZ "0000111 bbbbb aaaaa 101 ddddd 0110011"   "czero.eqz {d}, {a}, {b}" |t, d, a, b| t.set_x(d, t.select(t.x(b).eq(t.imm(0)), t.imm(0), t.x(a)));
    CZERO_NEZ "0000111 bbbbb aaaaa 111 ddddd 0110011"   "czero.nez {d}, {a}, {b}" |t, d, a, b| t.set_x(d, t.select(t.x(b).ne(t.imm(0)), t.imm(0), t.x(a)));
}
