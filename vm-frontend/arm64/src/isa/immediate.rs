//! Data processing, immediate: addresses, sums, logic, moves, bit fields.

use vm_ir::Type::{I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    ADR        "0 i[1:0] 10000 i[20:2] ddddd"              "adr {d}, {i:to}"                 |t, d, i| t.set(d, t.pc(i));
    ADRP       "1 i[13:12] 10000 i[32:14] ddddd"           "adrp {d}, {i:page}"              |t, d, i| t.set(d, t.page(i));
    ADD_imm    "1 00 100010 iiiiiiiiiiiii aaaaa ddddd"     "add {d:sp}, {a:sp}, {i:add}"     |t, d, a, i| t.set_sp(d, t.sp(I64, a) + i);
    ADD_imm_w  "0 00 100010 iiiiiiiiiiiii aaaaa ddddd"     "add {d:wsp}, {a:wsp}, {i:add}"   |t, d, a, i| t.set_sp(d, t.sp(I32, a) + i);
    ADDS_imm   "1 01 100010 iiiiiiiiiiiii aaaaa ddddd"     "adds {d}, {a:sp}, {i:add}"       |t, d, a, i| t.adds(d, t.sp(I64, a), t.imm(I64, i as u64));
    ADDS_imm_w "0 01 100010 iiiiiiiiiiiii aaaaa ddddd"     "adds {d:w}, {a:wsp}, {i:add}"    |t, d, a, i| t.adds(d, t.sp(I32, a), t.imm(I32, i as u64));
    SUB_imm    "1 10 100010 iiiiiiiiiiiii aaaaa ddddd"     "sub {d:sp}, {a:sp}, {i:add}"     |t, d, a, i| t.set_sp(d, t.sp(I64, a) - i);
    SUB_imm_w  "0 10 100010 iiiiiiiiiiiii aaaaa ddddd"     "sub {d:wsp}, {a:wsp}, {i:add}"   |t, d, a, i| t.set_sp(d, t.sp(I32, a) - i);
    SUBS_imm   "1 11 100010 iiiiiiiiiiiii aaaaa ddddd"     "subs {d}, {a:sp}, {i:add}"       |t, d, a, i| t.subs(d, t.sp(I64, a), t.imm(I64, i as u64));
    SUBS_imm_w "0 11 100010 iiiiiiiiiiiii aaaaa ddddd"     "subs {d:w}, {a:wsp}, {i:add}"    |t, d, a, i| t.subs(d, t.sp(I32, a), t.imm(I32, i as u64));
    AND_imm    "1 00 100100 iiiiiiiiiiiii aaaaa ddddd"     "and {d:sp}, {a}, {i:mask}"       |t, d, a, i| t.set_sp(d, t.x(a) & t.imm(I64, i));
    AND_imm_w  "0 00 100100 0 iiiiiiiiiiii aaaaa ddddd"    "and {d:wsp}, {a:w}, {i:maskw}"   |t, d, a, i| t.set_sp(d, t.w(a) & t.imm(I32, i));
    ORR_imm    "1 01 100100 iiiiiiiiiiiii aaaaa ddddd"     "orr {d:sp}, {a}, {i:mask}"       |t, d, a, i| t.set_sp(d, t.x(a) | t.imm(I64, i));
    ORR_imm_w  "0 01 100100 0 iiiiiiiiiiii aaaaa ddddd"    "orr {d:wsp}, {a:w}, {i:maskw}"   |t, d, a, i| t.set_sp(d, t.w(a) | t.imm(I32, i));
    EOR_imm    "1 10 100100 iiiiiiiiiiiii aaaaa ddddd"     "eor {d:sp}, {a}, {i:mask}"       |t, d, a, i| t.set_sp(d, t.x(a) ^ t.imm(I64, i));
    EOR_imm_w  "0 10 100100 0 iiiiiiiiiiii aaaaa ddddd"    "eor {d:wsp}, {a:w}, {i:maskw}"   |t, d, a, i| t.set_sp(d, t.w(a) ^ t.imm(I32, i));
    ANDS_imm   "1 11 100100 iiiiiiiiiiiii aaaaa ddddd"     "ands {d}, {a}, {i:mask}"         |t, d, a, i| t.logic_flags(d, t.x(a) & t.imm(I64, i));
    ANDS_imm_w "0 11 100100 0 iiiiiiiiiiii aaaaa ddddd"    "ands {d:w}, {a:w}, {i:maskw}"    |t, d, a, i| t.logic_flags(d, t.w(a) & t.imm(I32, i));
    MOVN       "1 00 100101 iiiiiiiiiiiiiiiiii ddddd"      "movn {d}, {i:wide}"              |t, d, i| t.set(d, t.imm(I64, !(i.1 << i.0)));
    MOVN_w     "0 00 100101 0 iiiiiiiiiiiiiiiii ddddd"     "movn {d:w}, {i:wide}"            |t, d, i| t.set(d, t.imm(I32, !(i.1 << i.0)));
    MOVZ       "1 10 100101 iiiiiiiiiiiiiiiiii ddddd"      "movz {d}, {i:wide}"              |t, d, i| t.set(d, t.imm(I64, i.1 << i.0));
    MOVZ_w     "0 10 100101 0 iiiiiiiiiiiiiiiii ddddd"     "movz {d:w}, {i:wide}"            |t, d, i| t.set(d, t.imm(I32, i.1 << i.0));
    MOVK       "1 11 100101 iiiiiiiiiiiiiiiiii ddddd"      "movk {d}, {i:wide}"              |t, d, i| t.set(d, t.keep(I64, d, i));
    MOVK_w     "0 11 100101 0 iiiiiiiiiiiiiiiii ddddd"     "movk {d:w}, {i:wide}"            |t, d, i| t.set(d, t.keep(I32, d, i));
    SBFM       "1 00 100110 1 rrrrrr ssssss aaaaa ddddd"   "sbfm {d}, {a}, {r:u}, {s:u}"     |t, d, a, r, s| t.set(d, t.sbfm(I64, a, r, s));
    SBFM_w     "0 00 100110 0 0 rrrrr 0 sssss aaaaa ddddd" "sbfm {d:w}, {a:w}, {r:u}, {s:u}" |t, d, a, r, s| t.set(d, t.sbfm(I32, a, r, s));
    BFM        "1 01 100110 1 rrrrrr ssssss aaaaa ddddd"   "bfm {d}, {a}, {r:u}, {s:u}"      |t, d, a, r, s| t.set(d, t.bfm(I64, d, a, r, s));
    BFM_w      "0 01 100110 0 0 rrrrr 0 sssss aaaaa ddddd" "bfm {d:w}, {a:w}, {r:u}, {s:u}"  |t, d, a, r, s| t.set(d, t.bfm(I32, d, a, r, s));
    UBFM       "1 10 100110 1 rrrrrr ssssss aaaaa ddddd"   "ubfm {d}, {a}, {r:u}, {s:u}"     |t, d, a, r, s| t.set(d, t.ubfm(I64, a, r, s));
    UBFM_w     "0 10 100110 0 0 rrrrr 0 sssss aaaaa ddddd" "ubfm {d:w}, {a:w}, {r:u}, {s:u}" |t, d, a, r, s| t.set(d, t.ubfm(I32, a, r, s));
    EXTR       "1 00 100111 1 0 bbbbb ssssss aaaaa ddddd"  "extr {d}, {a}, {b}, {s:u}"       |t, d, a, b, s| t.set(d, t.extr(I64, a, b, s));
    EXTR_w     "0 00 100111 0 0 bbbbb 0 sssss aaaaa ddddd" "extr {d:w}, {a:w}, {b:w}, {s:u}" |t, d, a, b, s| t.set(d, t.extr(I32, a, b, s));
}
