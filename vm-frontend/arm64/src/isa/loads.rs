//! Loads and stores of one register.

use vm_ir::Type::{I8, I16, I32, I64};

use crate::lift::Mode;
use crate::lift::Widen::{Sign32, Sign64, Zero};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    STRB_imm     "00 111 0 01 00 i[11:0] aaaaa ttttt"                 "strb {t:w}, [{a:sp}{i:off}]"       |l, t, a, i| l.store(I8, t, a, Mode::Offset(i));
    STURB_imm    "00 111 0 00 00 0 iiiiiiiii 00 aaaaa ttttt"          "sturb {t:w}, [{a:sp}{i:soff}]"     |l, t, a, i| l.store(I8, t, a, Mode::Offset(i));
    STRB_post    "00 111 0 00 00 0 iiiiiiiii 01 aaaaa ttttt"          "strb {t:w}, [{a:sp}], {i:s}"       |l, t, a, i| l.store(I8, t, a, Mode::Post(i));
    STRB_pre     "00 111 0 00 00 0 iiiiiiiii 11 aaaaa ttttt"          "strb {t:w}, [{a:sp}, {i:s}]!"      |l, t, a, i| l.store(I8, t, a, Mode::Pre(i));
    STRB_reg     "00 111 0 00 00 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "strb {t:w}, [{a:sp}, {b:index0}]"  |l, t, a, b| l.store_at(I8, t, a, b);

    LDRB_imm     "00 111 0 01 01 i[11:0] aaaaa ttttt"                 "ldrb {t:w}, [{a:sp}{i:off}]"       |l, t, a, i| l.load(I8, Zero, t, a, Mode::Offset(i));
    LDURB_imm    "00 111 0 00 01 0 iiiiiiiii 00 aaaaa ttttt"          "ldurb {t:w}, [{a:sp}{i:soff}]"     |l, t, a, i| l.load(I8, Zero, t, a, Mode::Offset(i));
    LDRB_post    "00 111 0 00 01 0 iiiiiiiii 01 aaaaa ttttt"          "ldrb {t:w}, [{a:sp}], {i:s}"       |l, t, a, i| l.load(I8, Zero, t, a, Mode::Post(i));
    LDRB_pre     "00 111 0 00 01 0 iiiiiiiii 11 aaaaa ttttt"          "ldrb {t:w}, [{a:sp}, {i:s}]!"      |l, t, a, i| l.load(I8, Zero, t, a, Mode::Pre(i));
    LDRB_reg     "00 111 0 00 01 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrb {t:w}, [{a:sp}, {b:index0}]"  |l, t, a, b| l.load_at(I8, Zero, t, a, b);

    LDRSB_imm    "00 111 0 01 10 i[11:0] aaaaa ttttt"                 "ldrsb {t}, [{a:sp}{i:off}]"        |l, t, a, i| l.load(I8, Sign64, t, a, Mode::Offset(i));
    LDURSB_imm   "00 111 0 00 10 0 iiiiiiiii 00 aaaaa ttttt"          "ldursb {t}, [{a:sp}{i:soff}]"      |l, t, a, i| l.load(I8, Sign64, t, a, Mode::Offset(i));
    LDRSB_post   "00 111 0 00 10 0 iiiiiiiii 01 aaaaa ttttt"          "ldrsb {t}, [{a:sp}], {i:s}"        |l, t, a, i| l.load(I8, Sign64, t, a, Mode::Post(i));
    LDRSB_pre    "00 111 0 00 10 0 iiiiiiiii 11 aaaaa ttttt"          "ldrsb {t}, [{a:sp}, {i:s}]!"       |l, t, a, i| l.load(I8, Sign64, t, a, Mode::Pre(i));
    LDRSB_reg    "00 111 0 00 10 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrsb {t}, [{a:sp}, {b:index0}]"   |l, t, a, b| l.load_at(I8, Sign64, t, a, b);

    LDRSB_imm_w  "00 111 0 01 11 i[11:0] aaaaa ttttt"                 "ldrsb {t:w}, [{a:sp}{i:off}]"      |l, t, a, i| l.load(I8, Sign32, t, a, Mode::Offset(i));
    LDURSB_imm_w "00 111 0 00 11 0 iiiiiiiii 00 aaaaa ttttt"          "ldursb {t:w}, [{a:sp}{i:soff}]"    |l, t, a, i| l.load(I8, Sign32, t, a, Mode::Offset(i));
    LDRSB_post_w "00 111 0 00 11 0 iiiiiiiii 01 aaaaa ttttt"          "ldrsb {t:w}, [{a:sp}], {i:s}"      |l, t, a, i| l.load(I8, Sign32, t, a, Mode::Post(i));
    LDRSB_pre_w  "00 111 0 00 11 0 iiiiiiiii 11 aaaaa ttttt"          "ldrsb {t:w}, [{a:sp}, {i:s}]!"     |l, t, a, i| l.load(I8, Sign32, t, a, Mode::Pre(i));
    LDRSB_reg_w  "00 111 0 00 11 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrsb {t:w}, [{a:sp}, {b:index0}]" |l, t, a, b| l.load_at(I8, Sign32, t, a, b);

    STRH_imm     "01 111 0 01 00 i[12:1] aaaaa ttttt"                 "strh {t:w}, [{a:sp}{i:off}]"       |l, t, a, i| l.store(I16, t, a, Mode::Offset(i));
    STURH_imm    "01 111 0 00 00 0 iiiiiiiii 00 aaaaa ttttt"          "sturh {t:w}, [{a:sp}{i:soff}]"     |l, t, a, i| l.store(I16, t, a, Mode::Offset(i));
    STRH_post    "01 111 0 00 00 0 iiiiiiiii 01 aaaaa ttttt"          "strh {t:w}, [{a:sp}], {i:s}"       |l, t, a, i| l.store(I16, t, a, Mode::Post(i));
    STRH_pre     "01 111 0 00 00 0 iiiiiiiii 11 aaaaa ttttt"          "strh {t:w}, [{a:sp}, {i:s}]!"      |l, t, a, i| l.store(I16, t, a, Mode::Pre(i));
    STRH_reg     "01 111 0 00 00 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "strh {t:w}, [{a:sp}, {b:index1}]"  |l, t, a, b| l.store_at(I16, t, a, b);

    LDRH_imm     "01 111 0 01 01 i[12:1] aaaaa ttttt"                 "ldrh {t:w}, [{a:sp}{i:off}]"       |l, t, a, i| l.load(I16, Zero, t, a, Mode::Offset(i));
    LDURH_imm    "01 111 0 00 01 0 iiiiiiiii 00 aaaaa ttttt"          "ldurh {t:w}, [{a:sp}{i:soff}]"     |l, t, a, i| l.load(I16, Zero, t, a, Mode::Offset(i));
    LDRH_post    "01 111 0 00 01 0 iiiiiiiii 01 aaaaa ttttt"          "ldrh {t:w}, [{a:sp}], {i:s}"       |l, t, a, i| l.load(I16, Zero, t, a, Mode::Post(i));
    LDRH_pre     "01 111 0 00 01 0 iiiiiiiii 11 aaaaa ttttt"          "ldrh {t:w}, [{a:sp}, {i:s}]!"      |l, t, a, i| l.load(I16, Zero, t, a, Mode::Pre(i));
    LDRH_reg     "01 111 0 00 01 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrh {t:w}, [{a:sp}, {b:index1}]"  |l, t, a, b| l.load_at(I16, Zero, t, a, b);

    LDRSH_imm    "01 111 0 01 10 i[12:1] aaaaa ttttt"                 "ldrsh {t}, [{a:sp}{i:off}]"        |l, t, a, i| l.load(I16, Sign64, t, a, Mode::Offset(i));
    LDURSH_imm   "01 111 0 00 10 0 iiiiiiiii 00 aaaaa ttttt"          "ldursh {t}, [{a:sp}{i:soff}]"      |l, t, a, i| l.load(I16, Sign64, t, a, Mode::Offset(i));
    LDRSH_post   "01 111 0 00 10 0 iiiiiiiii 01 aaaaa ttttt"          "ldrsh {t}, [{a:sp}], {i:s}"        |l, t, a, i| l.load(I16, Sign64, t, a, Mode::Post(i));
    LDRSH_pre    "01 111 0 00 10 0 iiiiiiiii 11 aaaaa ttttt"          "ldrsh {t}, [{a:sp}, {i:s}]!"       |l, t, a, i| l.load(I16, Sign64, t, a, Mode::Pre(i));
    LDRSH_reg    "01 111 0 00 10 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrsh {t}, [{a:sp}, {b:index1}]"   |l, t, a, b| l.load_at(I16, Sign64, t, a, b);

    LDRSH_imm_w  "01 111 0 01 11 i[12:1] aaaaa ttttt"                 "ldrsh {t:w}, [{a:sp}{i:off}]"      |l, t, a, i| l.load(I16, Sign32, t, a, Mode::Offset(i));
    LDURSH_imm_w "01 111 0 00 11 0 iiiiiiiii 00 aaaaa ttttt"          "ldursh {t:w}, [{a:sp}{i:soff}]"    |l, t, a, i| l.load(I16, Sign32, t, a, Mode::Offset(i));
    LDRSH_post_w "01 111 0 00 11 0 iiiiiiiii 01 aaaaa ttttt"          "ldrsh {t:w}, [{a:sp}], {i:s}"      |l, t, a, i| l.load(I16, Sign32, t, a, Mode::Post(i));
    LDRSH_pre_w  "01 111 0 00 11 0 iiiiiiiii 11 aaaaa ttttt"          "ldrsh {t:w}, [{a:sp}, {i:s}]!"     |l, t, a, i| l.load(I16, Sign32, t, a, Mode::Pre(i));
    LDRSH_reg_w  "01 111 0 00 11 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrsh {t:w}, [{a:sp}, {b:index1}]" |l, t, a, b| l.load_at(I16, Sign32, t, a, b);

    STR_imm_w    "10 111 0 01 00 i[13:2] aaaaa ttttt"                 "str {t:w}, [{a:sp}{i:off}]"        |l, t, a, i| l.store(I32, t, a, Mode::Offset(i));
    STUR_imm_w   "10 111 0 00 00 0 iiiiiiiii 00 aaaaa ttttt"          "stur {t:w}, [{a:sp}{i:soff}]"      |l, t, a, i| l.store(I32, t, a, Mode::Offset(i));
    STR_post_w   "10 111 0 00 00 0 iiiiiiiii 01 aaaaa ttttt"          "str {t:w}, [{a:sp}], {i:s}"        |l, t, a, i| l.store(I32, t, a, Mode::Post(i));
    STR_pre_w    "10 111 0 00 00 0 iiiiiiiii 11 aaaaa ttttt"          "str {t:w}, [{a:sp}, {i:s}]!"       |l, t, a, i| l.store(I32, t, a, Mode::Pre(i));
    STR_reg_w    "10 111 0 00 00 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "str {t:w}, [{a:sp}, {b:index2}]"   |l, t, a, b| l.store_at(I32, t, a, b);

    LDR_imm_w    "10 111 0 01 01 i[13:2] aaaaa ttttt"                 "ldr {t:w}, [{a:sp}{i:off}]"        |l, t, a, i| l.load(I32, Zero, t, a, Mode::Offset(i));
    LDUR_imm_w   "10 111 0 00 01 0 iiiiiiiii 00 aaaaa ttttt"          "ldur {t:w}, [{a:sp}{i:soff}]"      |l, t, a, i| l.load(I32, Zero, t, a, Mode::Offset(i));
    LDR_post_w   "10 111 0 00 01 0 iiiiiiiii 01 aaaaa ttttt"          "ldr {t:w}, [{a:sp}], {i:s}"        |l, t, a, i| l.load(I32, Zero, t, a, Mode::Post(i));
    LDR_pre_w    "10 111 0 00 01 0 iiiiiiiii 11 aaaaa ttttt"          "ldr {t:w}, [{a:sp}, {i:s}]!"       |l, t, a, i| l.load(I32, Zero, t, a, Mode::Pre(i));
    LDR_reg_w    "10 111 0 00 01 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldr {t:w}, [{a:sp}, {b:index2}]"   |l, t, a, b| l.load_at(I32, Zero, t, a, b);

    LDRSW_imm    "10 111 0 01 10 i[13:2] aaaaa ttttt"                 "ldrsw {t}, [{a:sp}{i:off}]"        |l, t, a, i| l.load(I32, Sign64, t, a, Mode::Offset(i));
    LDURSW_imm   "10 111 0 00 10 0 iiiiiiiii 00 aaaaa ttttt"          "ldursw {t}, [{a:sp}{i:soff}]"      |l, t, a, i| l.load(I32, Sign64, t, a, Mode::Offset(i));
    LDRSW_post   "10 111 0 00 10 0 iiiiiiiii 01 aaaaa ttttt"          "ldrsw {t}, [{a:sp}], {i:s}"        |l, t, a, i| l.load(I32, Sign64, t, a, Mode::Post(i));
    LDRSW_pre    "10 111 0 00 10 0 iiiiiiiii 11 aaaaa ttttt"          "ldrsw {t}, [{a:sp}, {i:s}]!"       |l, t, a, i| l.load(I32, Sign64, t, a, Mode::Pre(i));
    LDRSW_reg    "10 111 0 00 10 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldrsw {t}, [{a:sp}, {b:index2}]"   |l, t, a, b| l.load_at(I32, Sign64, t, a, b);

    STR_imm      "11 111 0 01 00 i[14:3] aaaaa ttttt"                 "str {t}, [{a:sp}{i:off}]"          |l, t, a, i| l.store(I64, t, a, Mode::Offset(i));
    STUR_imm     "11 111 0 00 00 0 iiiiiiiii 00 aaaaa ttttt"          "stur {t}, [{a:sp}{i:soff}]"        |l, t, a, i| l.store(I64, t, a, Mode::Offset(i));
    STR_post     "11 111 0 00 00 0 iiiiiiiii 01 aaaaa ttttt"          "str {t}, [{a:sp}], {i:s}"          |l, t, a, i| l.store(I64, t, a, Mode::Post(i));
    STR_pre      "11 111 0 00 00 0 iiiiiiiii 11 aaaaa ttttt"          "str {t}, [{a:sp}, {i:s}]!"         |l, t, a, i| l.store(I64, t, a, Mode::Pre(i));
    STR_reg      "11 111 0 00 00 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "str {t}, [{a:sp}, {b:index3}]"     |l, t, a, b| l.store_at(I64, t, a, b);

    LDR_imm      "11 111 0 01 01 i[14:3] aaaaa ttttt"                 "ldr {t}, [{a:sp}{i:off}]"          |l, t, a, i| l.load(I64, Zero, t, a, Mode::Offset(i));
    LDUR_imm     "11 111 0 00 01 0 iiiiiiiii 00 aaaaa ttttt"          "ldur {t}, [{a:sp}{i:soff}]"        |l, t, a, i| l.load(I64, Zero, t, a, Mode::Offset(i));
    LDR_post     "11 111 0 00 01 0 iiiiiiiii 01 aaaaa ttttt"          "ldr {t}, [{a:sp}], {i:s}"          |l, t, a, i| l.load(I64, Zero, t, a, Mode::Post(i));
    LDR_pre      "11 111 0 00 01 0 iiiiiiiii 11 aaaaa ttttt"          "ldr {t}, [{a:sp}, {i:s}]!"         |l, t, a, i| l.load(I64, Zero, t, a, Mode::Pre(i));
    LDR_reg      "11 111 0 00 01 1 b[4:0] b[7:5] b[8] 10 aaaaa ttttt" "ldr {t}, [{a:sp}, {b:index3}]"     |l, t, a, b| l.load_at(I64, Zero, t, a, b);

    LDR_lit_w    "00 011 0 00 i[20:2] ttttt"                          "ldr {t:w}, {i:to}"                 |l, t, i| l.load_near(I32, Zero, t, i);
    LDR_lit      "01 011 0 00 i[20:2] ttttt"                          "ldr {t}, {i:to}"                   |l, t, i| l.load_near(I64, Zero, t, i);
    LDRSW_lit    "10 011 0 00 i[20:2] ttttt"                          "ldrsw {t}, {i:to}"                 |l, t, i| l.load_near(I32, Sign64, t, i);
}
