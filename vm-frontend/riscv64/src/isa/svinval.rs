//! Svinval: invalidation of translations in three steps; manual, volume II, "Svinval".
//!
//! The middle step does all the work, so the other two do nothing.

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Svinval"
    SINVAL_VMA      "0001011 bbbbb aaaaa 000 00000 1110011" "sinval.vma {a}, {b}" |t, a, b| t.fence_translations(a, b);
    SFENCE_W_INVAL  "0001100 00000 00000 000 00000 1110011" "sfence.w.inval"      |t| t.only_if(t.mode.privilege() >= 1);
    SFENCE_INVAL_IR "0001100 00001 00000 000 00000 1110011" "sfence.inval.ir"     |t| t.only_if(t.mode.privilege() >= 1);
}
