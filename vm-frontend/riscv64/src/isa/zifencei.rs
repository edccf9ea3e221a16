//! Zifencei: stores become visible to fetches; manual, volume I, "Zifencei".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zifencei"
    FENCE_I "------------ ----- 001 ----- 0001111"      "fence.i"                 |t| t.next();
}
