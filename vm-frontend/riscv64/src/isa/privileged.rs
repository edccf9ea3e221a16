//! Instructions of the privileged architecture, with those of the hypervisor extension as `todo`;
//! manual, volume II, "Machine-Level ISA", "Supervisor-Level ISA" and "H Extension".

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Privileged"
    MRET        "0011000 00010 00000 000 00000 1110011" "mret"                    |t| t.machine_return();
    SRET        "0001000 00010 00000 000 00000 1110011" "sret"                    |t| t.supervisor_return();
    WFI         "0001000 00101 00000 000 00000 1110011" "wfi"                     |t| t.wait_interrupt();
    SFENCE_VMA  "0001001 bbbbb aaaaa 000 00000 1110011" "sfence.vma {a}, {b}"     |t, a, b| t.fence_translations(a, b);

    HFENCE_VVMA "0010001 bbbbb aaaaa 000 00000 1110011" "hfence.vvma {a}, {b}"    todo;
    HFENCE_GVMA "0110001 bbbbb aaaaa 000 00000 1110011" "hfence.gvma {a}, {b}"    todo;
    HINVAL_VVMA "0010011 bbbbb aaaaa 000 00000 1110011" "hinval.vvma {a}, {b}"    todo;
    HINVAL_GVMA "0110011 bbbbb aaaaa 000 00000 1110011" "hinval.gvma {a}, {b}"    todo;
    HLV_B       "0110000 00000 aaaaa 100 ddddd 1110011" "hlv.b {d}, ({a})"        todo;
    HLV_BU      "0110000 00001 aaaaa 100 ddddd 1110011" "hlv.bu {d}, ({a})"       todo;
    HLV_H       "0110010 00000 aaaaa 100 ddddd 1110011" "hlv.h {d}, ({a})"        todo;
    HLV_HU      "0110010 00001 aaaaa 100 ddddd 1110011" "hlv.hu {d}, ({a})"       todo;
    HLVX_HU     "0110010 00011 aaaaa 100 ddddd 1110011" "hlvx.hu {d}, ({a})"      todo;
    HLV_W       "0110100 00000 aaaaa 100 ddddd 1110011" "hlv.w {d}, ({a})"        todo;
    HLV_WU      "0110100 00001 aaaaa 100 ddddd 1110011" "hlv.wu {d}, ({a})"       todo;
    HLVX_WU     "0110100 00011 aaaaa 100 ddddd 1110011" "hlvx.wu {d}, ({a})"      todo;
    HLV_D       "0110110 00000 aaaaa 100 ddddd 1110011" "hlv.d {d}, ({a})"        todo;
    HSV_B       "0110001 bbbbb aaaaa 100 00000 1110011" "hsv.b {b}, ({a})"        todo;
    HSV_H       "0110011 bbbbb aaaaa 100 00000 1110011" "hsv.h {b}, ({a})"        todo;
    HSV_W       "0110101 bbbbb aaaaa 100 00000 1110011" "hsv.w {b}, ({a})"        todo;
    HSV_D       "0110111 bbbbb aaaaa 100 00000 1110011" "hsv.d {b}, ({a})"        todo;
}
