//! Zbb: bits and bytes; manual, volume I, "B Extension".

use vm_ir::Type::{I8, I16, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zbb"
    ANDN   "0100000 bbbbb aaaaa 111 ddddd 0110011"      "andn {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).andnot(t.x(b)));
    ORN    "0100000 bbbbb aaaaa 110 ddddd 0110011"      "orn {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) | !t.x(b));
    XNOR   "0100000 bbbbb aaaaa 100 ddddd 0110011"      "xnor {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, !(t.x(a) ^ t.x(b)));
    CLZ    "0110000 00000 aaaaa 001 ddddd 0010011"      "clz {d}, {a}"            |t, d, a| t.set_x(d, t.x(a).clz());
    CTZ    "0110000 00001 aaaaa 001 ddddd 0010011"      "ctz {d}, {a}"            |t, d, a| t.set_x(d, t.x(a).ctz());
    CPOP   "0110000 00010 aaaaa 001 ddddd 0010011"      "cpop {d}, {a}"           |t, d, a| t.set_x(d, t.x(a).popcnt());
    CLZW   "0110000 00000 aaaaa 001 ddddd 0011011"      "clzw {d}, {a}"           |t, d, a| t.set_x(d, t.w(a).clz().zext(I64));
    CTZW   "0110000 00001 aaaaa 001 ddddd 0011011"      "ctzw {d}, {a}"           |t, d, a| t.set_x(d, t.w(a).ctz().zext(I64));
    CPOPW  "0110000 00010 aaaaa 001 ddddd 0011011"      "cpopw {d}, {a}"          |t, d, a| t.set_x(d, t.w(a).popcnt().zext(I64));
    MAX    "0000101 bbbbb aaaaa 110 ddddd 0110011"      "max {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).maxs(t.x(b)));
    MAXU   "0000101 bbbbb aaaaa 111 ddddd 0110011"      "maxu {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).maxu(t.x(b)));
    MIN    "0000101 bbbbb aaaaa 100 ddddd 0110011"      "min {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).mins(t.x(b)));
    MINU   "0000101 bbbbb aaaaa 101 ddddd 0110011"      "minu {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).minu(t.x(b)));
    SEXT_B "0110000 00100 aaaaa 001 ddddd 0010011"      "sext.b {d}, {a}"         |t, d, a| t.set_x(d, t.x_as(I8, a).sext(I64));
    SEXT_H "0110000 00101 aaaaa 001 ddddd 0010011"      "sext.h {d}, {a}"         |t, d, a| t.set_x(d, t.x_as(I16, a).sext(I64));
    ZEXT_H "0000100 00000 aaaaa 100 ddddd 0111011"      "zext.h {d}, {a}"         |t, d, a| t.set_x(d, t.x_as(I16, a).zext(I64));
    ROL    "0110000 bbbbb aaaaa 001 ddddd 0110011"      "rol {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).rotl(t.x(b)));
    ROLW   "0110000 bbbbb aaaaa 001 ddddd 0111011"      "rolw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a).rotl(t.w(b)));
    ROR    "0110000 bbbbb aaaaa 101 ddddd 0110011"      "ror {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).rotr(t.x(b)));
    RORI   "011000 iiiiii aaaaa 101 ddddd 0010011"      "rori {d}, {a}, {i:sh}"   |t, d, a, i| t.set_x(d, t.x(a).rotr(t.imm(i)));
    RORIW  "0110000 iiiii aaaaa 101 ddddd 0011011"      "roriw {d}, {a}, {i:sh}"  |t, d, a, i| t.set_w(d, t.w(a).rotr(t.imm_w(i)));
    RORW   "0110000 bbbbb aaaaa 101 ddddd 0111011"      "rorw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a).rotr(t.w(b)));
    ORC_B  "001010000111 aaaaa 101 ddddd 0010011"       "orc.b {d}, {a}"          |t, d, a| t.set_x(d, t.x(a).orbytes());
    REV8   "011010111000 aaaaa 101 ddddd 0010011"       "rev8 {d}, {a}"           |t, d, a| t.set_x(d, t.x(a).bswap());
}
