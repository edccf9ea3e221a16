//! Zawrs: waiting for a change of reserved memory; manual, volume I, "Zawrs".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zawrs"
    WRS_NTO "000000001101 00000 000 00000 1110011"      "wrs.nto"                 |t| t.wait_reserved(0);
    WRS_STO "000000011101 00000 000 00000 1110011"      "wrs.sto"                 |t| t.wait_reserved(1);
}
