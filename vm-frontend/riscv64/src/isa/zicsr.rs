//! Zicsr: control and status registers; manual, volume I, "Zicsr".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zicsr"
    CSRRW  "nnnnnnnnnnnn aaaaa 001 ddddd 1110011"       "csrrw {d}, {n:csr}, {a}"    |t, d, a, n| t.csr_write(d, n, t.x(a));
    CSRRS  "nnnnnnnnnnnn aaaaa 010 ddddd 1110011"       "csrrs {d}, {n:csr}, {a}"    |t, d, a, n| t.csr_set(d, n, t.given(a));
    CSRRC  "nnnnnnnnnnnn aaaaa 011 ddddd 1110011"       "csrrc {d}, {n:csr}, {a}"    |t, d, a, n| t.csr_clear(d, n, t.given(a));
    CSRRWI "nnnnnnnnnnnn iiiii 101 ddddd 1110011"       "csrrwi {d}, {n:csr}, {i:u}" |t, d, i, n| t.csr_write(d, n, t.imm(i));
    CSRRSI "nnnnnnnnnnnn iiiii 110 ddddd 1110011"       "csrrsi {d}, {n:csr}, {i:u}" |t, d, i, n| t.csr_set(d, n, t.given_imm(i));
    CSRRCI "nnnnnnnnnnnn iiiii 111 ddddd 1110011"       "csrrci {d}, {n:csr}, {i:u}" |t, d, i, n| t.csr_clear_imm(d, n, i);
}
