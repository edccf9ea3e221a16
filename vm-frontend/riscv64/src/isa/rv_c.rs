//! C and Zcb: the 16-bit encodings; manual, volume I, "C Extension" and "Zc*".
//!
//! Each has the meaning of a 32-bit instruction, but is a row of its own.
//! Hints (results to `x0`, shifts by zero) need no rows: they do what they say, which is nothing.

use vm_ir::Type::{I8, I16, I32, I64};

use crate::lift::{RA, SP, ZERO};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "C"
    // Quadrant 0.
    C_ADDI4SPN "000 i[5:4|9:6|2|3] ddd 00"              "c.addi4spn {d:c}, sp, {i:u}" |t, d, i| t.set_x(d, t.x(SP) + i);
    C_FLD      "001 i[5:3] aaa i[7:6] ddd 00"           "c.fld {d:cf}, {i:u}({a:c})"  |t, d, a, i| t.set_f(d, t.load(I64, a, i));
    C_LW       "010 i[5:3] aaa i[2|6] ddd 00"           "c.lw {d:c}, {i:u}({a:c})"    |t, d, a, i| t.set_x(d, t.load(I32, a, i).sext(I64));
    C_LD       "011 i[5:3] aaa i[7:6] ddd 00"           "c.ld {d:c}, {i:u}({a:c})"    |t, d, a, i| t.set_x(d, t.load(I64, a, i));
    C_FSD      "101 i[5:3] aaa i[7:6] bbb 00"           "c.fsd {b:cf}, {i:u}({a:c})"  |t, a, b, i| t.store(a, i, t.f_raw(I64, b));
    C_SW       "110 i[5:3] aaa i[2|6] bbb 00"           "c.sw {b:c}, {i:u}({a:c})"    |t, a, b, i| t.store(a, i, t.w(b));
    C_SD       "111 i[5:3] aaa i[7:6] bbb 00"           "c.sd {b:c}, {i:u}({a:c})"    |t, a, b, i| t.store(a, i, t.x(b));
    C_ADDI4SPN_ZERO "000 00000000 --- 00"               "" reserved;

    // Quadrant 1.
    C_NOP      "000 i[5] 00000 i[4:0] 01"               "c.nop {i:s}"                 |t| t.nothing();
    C_ADDI     "000 i[5] ddddd i[4:0] 01"               "c.addi {d}, {i:s}"           |t, d, i| t.set_x(d, t.x_plus(d, i));
    C_ADDIW    "001 i[5] ddddd i[4:0] 01"               "c.addiw {d}, {i:s}"          |t, d, i| t.set_w(d, t.w_plus(d, i));
    C_ADDIW_ZERO "001 - 00000 ----- 01"                 "" reserved;
    C_LI       "010 i[5] ddddd i[4:0] 01"               "c.li {d}, {i:s}"             |t, d, i| t.set_x(d, t.imm(i));
    C_ADDI16SP "011 i[9] 00010 i[4|6|8:7|5] 01"         "c.addi16sp sp, {i:s}"        |t, i| t.set_x(SP, t.x(SP) + i);
    C_LUI      "011 i[17] ddddd i[16:12] 01"            "c.lui {d}, {i:upper}"        |t, d, i| t.set_x(d, t.imm(i));
    C_LUI_ZERO "011 0 ----- 00000 01"                   "" reserved;
    C_ADDI16SP_ZERO "011 0 00010 00000 01"              "" reserved;
    C_SRLI     "100 i[5] 00 ddd i[4:0] 01"              "c.srli {d:c}, {i:sh}"        |t, d, i| t.set_x(d, t.x(d) >> i);
    C_SRAI     "100 i[5] 01 ddd i[4:0] 01"              "c.srai {d:c}, {i:sh}"        |t, d, i| t.set_x(d, t.x(d).shrs(t.imm(i)));
    C_ANDI     "100 i[5] 10 ddd i[4:0] 01"              "c.andi {d:c}, {i:s}"         |t, d, i| t.set_x(d, t.x(d) & i);
    C_SUB      "100 0 11 ddd 00 bbb 01"                 "c.sub {d:c}, {b:c}"          |t, d, b| t.set_x(d, t.x(d) - t.x(b));
    C_XOR      "100 0 11 ddd 01 bbb 01"                 "c.xor {d:c}, {b:c}"          |t, d, b| t.set_x(d, t.x(d) ^ t.x(b));
    C_OR       "100 0 11 ddd 10 bbb 01"                 "c.or {d:c}, {b:c}"           |t, d, b| t.set_x(d, t.x(d) | t.x(b));
    C_AND      "100 0 11 ddd 11 bbb 01"                 "c.and {d:c}, {b:c}"          |t, d, b| t.set_x(d, t.x(d) & t.x(b));
    C_SUBW     "100 1 11 ddd 00 bbb 01"                 "c.subw {d:c}, {b:c}"         |t, d, b| t.set_w(d, t.w(d) - t.w(b));
    C_ADDW     "100 1 11 ddd 01 bbb 01"                 "c.addw {d:c}, {b:c}"         |t, d, b| t.set_w(d, t.w(d) + t.w(b));
    C_J        "101 i[11|4|9:8|10|6|7|3:1|5] 01"        "c.j {i:to}"                  |t, i| t.goto(i);
    C_BEQZ     "110 i[8|4:3] aaa i[7:6|2:1|5] 01"       "c.beqz {a:c}, {i:to}"        |t, a, i| t.branch(t.x(a).eq(t.imm(0)), i);
    C_BNEZ     "111 i[8|4:3] aaa i[7:6|2:1|5] 01"       "c.bnez {a:c}, {i:to}"        |t, a, i| t.branch(t.x(a).ne(t.imm(0)), i);

    // Quadrant 2.
    C_SLLI     "000 i[5] ddddd i[4:0] 10"               "c.slli {d}, {i:sh}"          |t, d, i| t.set_x(d, t.x(d) << i);
    C_FLDSP    "001 i[5] ddddd i[4:3|8:6] 10"           "c.fldsp {d:f}, {i:u}(sp)"    |t, d, i| t.set_f(d, t.load(I64, SP, i));
    C_LWSP     "010 i[5] ddddd i[4:2|7:6] 10"           "c.lwsp {d}, {i:u}(sp)"       |t, d, i| t.set_x(d, t.load(I32, SP, i).sext(I64));
    C_LWSP_ZERO "010 - 00000 ----- 10"                  "" reserved;
    C_LDSP     "011 i[5] ddddd i[4:3|8:6] 10"           "c.ldsp {d}, {i:u}(sp)"       |t, d, i| t.set_x(d, t.load(I64, SP, i));
    C_LDSP_ZERO "011 - 00000 ----- 10"                  "" reserved;
    C_JR       "100 0 aaaaa 00000 10"                   "c.jr {a}"                    |t, a| t.jump(ZERO, a, 0);
    C_JR_ZERO  "100 0 00000 00000 10"                   "" reserved;
    C_MV       "100 0 ddddd bbbbb 10"                   "c.mv {d}, {b}"               |t, d, b| t.set_x(d, t.x(b));
    C_EBREAK   "100 1 00000 00000 10"                   "c.ebreak"                    |t| t.breakpoint();
    C_JALR     "100 1 aaaaa 00000 10"                   "c.jalr {a}"                  |t, a| t.jump(RA, a, 0);
    C_ADD      "100 1 ddddd bbbbb 10"                   "c.add {d}, {b}"              |t, d, b| t.set_x(d, t.x(d) + t.x(b));
    C_FSDSP    "101 i[5:3|8:6] bbbbb 10"                "c.fsdsp {b:f}, {i:u}(sp)"    |t, b, i| t.store(SP, i, t.f_raw(I64, b));
    C_SWSP     "110 i[5:2|7:6] bbbbb 10"                "c.swsp {b}, {i:u}(sp)"       |t, b, i| t.store(SP, i, t.w(b));
    C_SDSP     "111 i[5:3|8:6] bbbbb 10"                "c.sdsp {b}, {i:u}(sp)"       |t, b, i| t.store(SP, i, t.x(b));

    // Zcb.
    C_LBU      "100 000 aaa i[0|1] ddd 00"              "c.lbu {d:c}, {i:u}({a:c})"   |t, d, a, i| t.set_x(d, t.load(I8, a, i).zext(I64));
    C_LHU      "100 001 aaa 0 i[1] ddd 00"              "c.lhu {d:c}, {i:u}({a:c})"   |t, d, a, i| t.set_x(d, t.load(I16, a, i).zext(I64));
    C_LH       "100 001 aaa 1 i[1] ddd 00"              "c.lh {d:c}, {i:u}({a:c})"    |t, d, a, i| t.set_x(d, t.load(I16, a, i).sext(I64));
    C_SB       "100 010 aaa i[0|1] bbb 00"              "c.sb {b:c}, {i:u}({a:c})"    |t, a, b, i| t.store(a, i, t.x_as(I8, b));
    C_SH       "100 011 aaa 0 i[1] bbb 00"              "c.sh {b:c}, {i:u}({a:c})"    |t, a, b, i| t.store(a, i, t.x_as(I16, b));
    C_ZEXT_B   "100 1 11 ddd 11 000 01"                 "c.zext.b {d:c}"              |t, d| t.set_x(d, t.x_as(I8, d).zext(I64));
    C_SEXT_B   "100 1 11 ddd 11 001 01"                 "c.sext.b {d:c}"              |t, d| t.set_x(d, t.x_as(I8, d).sext(I64));
    C_ZEXT_H   "100 1 11 ddd 11 010 01"                 "c.zext.h {d:c}"              |t, d| t.set_x(d, t.x_as(I16, d).zext(I64));
    C_SEXT_H   "100 1 11 ddd 11 011 01"                 "c.sext.h {d:c}"              |t, d| t.set_x(d, t.x_as(I16, d).sext(I64));
    C_ZEXT_W   "100 1 11 ddd 11 100 01"                 "c.zext.w {d:c}"              |t, d| t.set_x(d, t.w(d).zext(I64));
    C_NOT      "100 1 11 ddd 11 101 01"                 "c.not {d:c}"                 |t, d| t.set_x(d, !t.x(d));
    C_MUL      "100 1 11 ddd 10 bbb 01"                 "c.mul {d:c}, {b:c}"          |t, d, b| t.set_x(d, t.x(d) * t.x(b));
}
