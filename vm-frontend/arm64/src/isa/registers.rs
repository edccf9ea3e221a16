//! Data processing, register: logic, sums, selection, one to three sources.

use vm_ir::Type::{I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    AND_reg    "1 00 01010 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "and {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a) & t.shifted(I64, b, h));
    AND_reg_w  "0 00 01010 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "and {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a) & t.shifted(I32, b, h));
    BIC_reg    "1 00 01010 h[7:6] 1 bbbbb h[5:0] aaaaa ddddd"      "bic {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a).andnot(t.shifted(I64, b, h)));
    BIC_reg_w  "0 00 01010 h[7:6] 1 bbbbb 0 h[4:0] aaaaa ddddd"    "bic {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a).andnot(t.shifted(I32, b, h)));
    ORR_reg    "1 01 01010 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "orr {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a) | t.shifted(I64, b, h));
    ORR_reg_w  "0 01 01010 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "orr {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a) | t.shifted(I32, b, h));
    ORN_reg    "1 01 01010 h[7:6] 1 bbbbb h[5:0] aaaaa ddddd"      "orn {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a) | !t.shifted(I64, b, h));
    ORN_reg_w  "0 01 01010 h[7:6] 1 bbbbb 0 h[4:0] aaaaa ddddd"    "orn {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a) | !t.shifted(I32, b, h));
    EOR_reg    "1 10 01010 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "eor {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a) ^ t.shifted(I64, b, h));
    EOR_reg_w  "0 10 01010 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "eor {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a) ^ t.shifted(I32, b, h));
    EON_reg    "1 10 01010 h[7:6] 1 bbbbb h[5:0] aaaaa ddddd"      "eon {d}, {a}, {b}{h:shift}"          |t, d, a, b, h| t.set(d, t.x(a) ^ !t.shifted(I64, b, h));
    EON_reg_w  "0 10 01010 h[7:6] 1 bbbbb 0 h[4:0] aaaaa ddddd"    "eon {d:w}, {a:w}, {b:w}{h:shift}"    |t, d, a, b, h| t.set(d, t.w(a) ^ !t.shifted(I32, b, h));
    ANDS_reg   "1 11 01010 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "ands {d}, {a}, {b}{h:shift}"         |t, d, a, b, h| t.logic_flags(d, t.x(a) & t.shifted(I64, b, h));
    ANDS_reg_w "0 11 01010 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "ands {d:w}, {a:w}, {b:w}{h:shift}"   |t, d, a, b, h| t.logic_flags(d, t.w(a) & t.shifted(I32, b, h));
    BICS_reg   "1 11 01010 h[7:6] 1 bbbbb h[5:0] aaaaa ddddd"      "bics {d}, {a}, {b}{h:shift}"         |t, d, a, b, h| t.logic_flags(d, t.x(a).andnot(t.shifted(I64, b, h)));
    BICS_reg_w "0 11 01010 h[7:6] 1 bbbbb 0 h[4:0] aaaaa ddddd"    "bics {d:w}, {a:w}, {b:w}{h:shift}"   |t, d, a, b, h| t.logic_flags(d, t.w(a).andnot(t.shifted(I32, b, h)));
    ADD_reg    "1 00 01011 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "add {d}, {a}, {b}{h:shift3}"         |t, d, a, b, h| t.set(d, t.x(a) + t.shifted(I64, b, h));
    ADD_reg_w  "0 00 01011 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "add {d:w}, {a:w}, {b:w}{h:shift3}"   |t, d, a, b, h| t.set(d, t.w(a) + t.shifted(I32, b, h));
    ADDS_reg   "1 01 01011 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "adds {d}, {a}, {b}{h:shift3}"        |t, d, a, b, h| t.adds(d, t.x(a), t.shifted(I64, b, h));
    ADDS_reg_w "0 01 01011 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "adds {d:w}, {a:w}, {b:w}{h:shift3}"  |t, d, a, b, h| t.adds(d, t.w(a), t.shifted(I32, b, h));
    SUB_reg    "1 10 01011 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "sub {d}, {a}, {b}{h:shift3}"         |t, d, a, b, h| t.set(d, t.x(a) - t.shifted(I64, b, h));
    SUB_reg_w  "0 10 01011 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "sub {d:w}, {a:w}, {b:w}{h:shift3}"   |t, d, a, b, h| t.set(d, t.w(a) - t.shifted(I32, b, h));
    SUBS_reg   "1 11 01011 h[7:6] 0 bbbbb h[5:0] aaaaa ddddd"      "subs {d}, {a}, {b}{h:shift3}"        |t, d, a, b, h| t.subs(d, t.x(a), t.shifted(I64, b, h));
    SUBS_reg_w "0 11 01011 h[7:6] 0 bbbbb 0 h[4:0] aaaaa ddddd"    "subs {d:w}, {a:w}, {b:w}{h:shift3}"  |t, d, a, b, h| t.subs(d, t.w(a), t.shifted(I32, b, h));
    ADD_ext    "1 00 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "add {d:sp}, {a:sp}, {e:ext}"         |t, d, a, e| t.set_sp(d, t.sp(I64, a) + t.extended(I64, e));
    ADD_ext_w  "0 00 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "add {d:wsp}, {a:wsp}, {e:extw}"      |t, d, a, e| t.set_sp(d, t.sp(I32, a) + t.extended(I32, e));
    ADDS_ext   "1 01 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "adds {d}, {a:sp}, {e:ext}"           |t, d, a, e| t.adds(d, t.sp(I64, a), t.extended(I64, e));
    ADDS_ext_w "0 01 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "adds {d:w}, {a:wsp}, {e:extw}"       |t, d, a, e| t.adds(d, t.sp(I32, a), t.extended(I32, e));
    SUB_ext    "1 10 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "sub {d:sp}, {a:sp}, {e:ext}"         |t, d, a, e| t.set_sp(d, t.sp(I64, a) - t.extended(I64, e));
    SUB_ext_w  "0 10 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "sub {d:wsp}, {a:wsp}, {e:extw}"      |t, d, a, e| t.set_sp(d, t.sp(I32, a) - t.extended(I32, e));
    SUBS_ext   "1 11 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "subs {d}, {a:sp}, {e:ext}"           |t, d, a, e| t.subs(d, t.sp(I64, a), t.extended(I64, e));
    SUBS_ext_w "0 11 01011 00 1 e[4:0] e[7:5] e[10:8] aaaaa ddddd" "subs {d:w}, {a:wsp}, {e:extw}"       |t, d, a, e| t.subs(d, t.sp(I32, a), t.extended(I32, e));

    ADC        "1 00 11010000 bbbbb 000000 aaaaa ddddd"            "adc {d}, {a}, {b}"                   |t, d, a, b| t.adc(d, t.x(a), t.x(b));
    ADC_w      "0 00 11010000 bbbbb 000000 aaaaa ddddd"            "adc {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.adc(d, t.w(a), t.w(b));
    ADCS       "1 01 11010000 bbbbb 000000 aaaaa ddddd"            "adcs {d}, {a}, {b}"                  |t, d, a, b| t.adcs(d, t.x(a), t.x(b));
    ADCS_w     "0 01 11010000 bbbbb 000000 aaaaa ddddd"            "adcs {d:w}, {a:w}, {b:w}"            |t, d, a, b| t.adcs(d, t.w(a), t.w(b));
    SBC        "1 10 11010000 bbbbb 000000 aaaaa ddddd"            "sbc {d}, {a}, {b}"                   |t, d, a, b| t.sbc(d, t.x(a), t.x(b));
    SBC_w      "0 10 11010000 bbbbb 000000 aaaaa ddddd"            "sbc {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.sbc(d, t.w(a), t.w(b));
    SBCS       "1 11 11010000 bbbbb 000000 aaaaa ddddd"            "sbcs {d}, {a}, {b}"                  |t, d, a, b| t.sbcs(d, t.x(a), t.x(b));
    SBCS_w     "0 11 11010000 bbbbb 000000 aaaaa ddddd"            "sbcs {d:w}, {a:w}, {b:w}"            |t, d, a, b| t.sbcs(d, t.w(a), t.w(b));
    CCMN_reg   "1 01 11010010 bbbbb cccc 00 aaaaa 0 ffff"          "ccmn {a}, {b}, {f:u}, {c:cond}"      |t, a, b, f, c| t.ccmn(c, f, t.x(a), t.x(b));
    CCMN_reg_w "0 01 11010010 bbbbb cccc 00 aaaaa 0 ffff"          "ccmn {a:w}, {b:w}, {f:u}, {c:cond}"  |t, a, b, f, c| t.ccmn(c, f, t.w(a), t.w(b));
    CCMN_imm   "1 01 11010010 iiiii cccc 10 aaaaa 0 ffff"          "ccmn {a}, {i:u}, {f:u}, {c:cond}"    |t, a, i, f, c| t.ccmn(c, f, t.x(a), t.imm(I64, i.into()));
    CCMN_imm_w "0 01 11010010 iiiii cccc 10 aaaaa 0 ffff"          "ccmn {a:w}, {i:u}, {f:u}, {c:cond}"  |t, a, i, f, c| t.ccmn(c, f, t.w(a), t.imm(I32, i.into()));
    CCMP_reg   "1 11 11010010 bbbbb cccc 00 aaaaa 0 ffff"          "ccmp {a}, {b}, {f:u}, {c:cond}"      |t, a, b, f, c| t.ccmp(c, f, t.x(a), t.x(b));
    CCMP_reg_w "0 11 11010010 bbbbb cccc 00 aaaaa 0 ffff"          "ccmp {a:w}, {b:w}, {f:u}, {c:cond}"  |t, a, b, f, c| t.ccmp(c, f, t.w(a), t.w(b));
    CCMP_imm   "1 11 11010010 iiiii cccc 10 aaaaa 0 ffff"          "ccmp {a}, {i:u}, {f:u}, {c:cond}"    |t, a, i, f, c| t.ccmp(c, f, t.x(a), t.imm(I64, i.into()));
    CCMP_imm_w "0 11 11010010 iiiii cccc 10 aaaaa 0 ffff"          "ccmp {a:w}, {i:u}, {f:u}, {c:cond}"  |t, a, i, f, c| t.ccmp(c, f, t.w(a), t.imm(I32, i.into()));
    CSEL       "1 00 11010100 bbbbb cccc 00 aaaaa ddddd"           "csel {d}, {a}, {b}, {c:cond}"        |t, d, a, b, c| t.set(d, t.select(c, t.x(a), t.x(b)));
    CSEL_w     "0 00 11010100 bbbbb cccc 00 aaaaa ddddd"           "csel {d:w}, {a:w}, {b:w}, {c:cond}"  |t, d, a, b, c| t.set(d, t.select(c, t.w(a), t.w(b)));
    CSINC      "1 00 11010100 bbbbb cccc 01 aaaaa ddddd"           "csinc {d}, {a}, {b}, {c:cond}"       |t, d, a, b, c| t.set(d, t.select(c, t.x(a), t.x(b) + 1));
    CSINC_w    "0 00 11010100 bbbbb cccc 01 aaaaa ddddd"           "csinc {d:w}, {a:w}, {b:w}, {c:cond}" |t, d, a, b, c| t.set(d, t.select(c, t.w(a), t.w(b) + 1));
    CSINV      "1 10 11010100 bbbbb cccc 00 aaaaa ddddd"           "csinv {d}, {a}, {b}, {c:cond}"       |t, d, a, b, c| t.set(d, t.select(c, t.x(a), !t.x(b)));
    CSINV_w    "0 10 11010100 bbbbb cccc 00 aaaaa ddddd"           "csinv {d:w}, {a:w}, {b:w}, {c:cond}" |t, d, a, b, c| t.set(d, t.select(c, t.w(a), !t.w(b)));
    CSNEG      "1 10 11010100 bbbbb cccc 01 aaaaa ddddd"           "csneg {d}, {a}, {b}, {c:cond}"       |t, d, a, b, c| t.set(d, t.select(c, t.x(a), -t.x(b)));
    CSNEG_w    "0 10 11010100 bbbbb cccc 01 aaaaa ddddd"           "csneg {d:w}, {a:w}, {b:w}, {c:cond}" |t, d, a, b, c| t.set(d, t.select(c, t.w(a), -t.w(b)));

    UDIV       "1 0 0 11010110 bbbbb 00001 0 aaaaa ddddd"          "udiv {d}, {a}, {b}"                  |t, d, a, b| t.set(d, t.udiv(t.x(a), t.x(b)));
    UDIV_w     "0 0 0 11010110 bbbbb 00001 0 aaaaa ddddd"          "udiv {d:w}, {a:w}, {b:w}"            |t, d, a, b| t.set(d, t.udiv(t.w(a), t.w(b)));
    SDIV       "1 0 0 11010110 bbbbb 00001 1 aaaaa ddddd"          "sdiv {d}, {a}, {b}"                  |t, d, a, b| t.set(d, t.sdiv(t.x(a), t.x(b)));
    SDIV_w     "0 0 0 11010110 bbbbb 00001 1 aaaaa ddddd"          "sdiv {d:w}, {a:w}, {b:w}"            |t, d, a, b| t.set(d, t.sdiv(t.w(a), t.w(b)));
    LSLV       "1 0 0 11010110 bbbbb 0010 00 aaaaa ddddd"          "lsl {d}, {a}, {b}"                   |t, d, a, b| t.set(d, t.x(a) << t.x(b));
    LSLV_w     "0 0 0 11010110 bbbbb 0010 00 aaaaa ddddd"          "lsl {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.set(d, t.w(a) << t.w(b));
    LSRV       "1 0 0 11010110 bbbbb 0010 01 aaaaa ddddd"          "lsr {d}, {a}, {b}"                   |t, d, a, b| t.set(d, t.x(a) >> t.x(b));
    LSRV_w     "0 0 0 11010110 bbbbb 0010 01 aaaaa ddddd"          "lsr {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.set(d, t.w(a) >> t.w(b));
    ASRV       "1 0 0 11010110 bbbbb 0010 10 aaaaa ddddd"          "asr {d}, {a}, {b}"                   |t, d, a, b| t.set(d, t.x(a).shrs(t.x(b)));
    ASRV_w     "0 0 0 11010110 bbbbb 0010 10 aaaaa ddddd"          "asr {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.set(d, t.w(a).shrs(t.w(b)));
    RORV       "1 0 0 11010110 bbbbb 0010 11 aaaaa ddddd"          "ror {d}, {a}, {b}"                   |t, d, a, b| t.set(d, t.x(a).rotr(t.x(b)));
    RORV_w     "0 0 0 11010110 bbbbb 0010 11 aaaaa ddddd"          "ror {d:w}, {a:w}, {b:w}"             |t, d, a, b| t.set(d, t.w(a).rotr(t.w(b)));
    RBIT       "1 1 0 11010110 00000 000000 aaaaa ddddd"           "rbit {d}, {a}"                       |t, d, a| t.set(d, t.x(a).bitrev());
    RBIT_w     "0 1 0 11010110 00000 000000 aaaaa ddddd"           "rbit {d:w}, {a:w}"                   |t, d, a| t.set(d, t.w(a).bitrev());
    REV16      "1 1 0 11010110 00000 000001 aaaaa ddddd"           "rev16 {d}, {a}"                      |t, d, a| t.set(d, t.rev16(t.x(a)));
    REV16_w    "0 1 0 11010110 00000 000001 aaaaa ddddd"           "rev16 {d:w}, {a:w}"                  |t, d, a| t.set(d, t.rev16(t.w(a)));
    CLZ        "1 1 0 11010110 00000 000100 aaaaa ddddd"           "clz {d}, {a}"                        |t, d, a| t.set(d, t.x(a).clz());
    CLZ_w      "0 1 0 11010110 00000 000100 aaaaa ddddd"           "clz {d:w}, {a:w}"                    |t, d, a| t.set(d, t.w(a).clz());
    CLS        "1 1 0 11010110 00000 000101 aaaaa ddddd"           "cls {d}, {a}"                        |t, d, a| t.set(d, t.cls(t.x(a)));
    CLS_w      "0 1 0 11010110 00000 000101 aaaaa ddddd"           "cls {d:w}, {a:w}"                    |t, d, a| t.set(d, t.cls(t.w(a)));
    REV_w      "0 1 0 11010110 00000 000010 aaaaa ddddd"           "rev {d:w}, {a:w}"                    |t, d, a| t.set(d, t.w(a).bswap());
    REV32      "1 1 0 11010110 00000 000010 aaaaa ddddd"           "rev32 {d}, {a}"                      |t, d, a| t.set(d, t.rev32(t.x(a)));
    REV        "1 1 0 11010110 00000 000011 aaaaa ddddd"           "rev {d}, {a}"                        |t, d, a| t.set(d, t.x(a).bswap());

    MADD       "1 00 11011 000 bbbbb 0 ccccc aaaaa ddddd"          "madd {d}, {a}, {b}, {c}"             |t, d, a, b, c| t.set(d, t.x(c) + t.x(a) * t.x(b));
    MADD_w     "0 00 11011 000 bbbbb 0 ccccc aaaaa ddddd"          "madd {d:w}, {a:w}, {b:w}, {c:w}"     |t, d, a, b, c| t.set(d, t.w(c) + t.w(a) * t.w(b));
    MSUB       "1 00 11011 000 bbbbb 1 ccccc aaaaa ddddd"          "msub {d}, {a}, {b}, {c}"             |t, d, a, b, c| t.set(d, t.x(c) - t.x(a) * t.x(b));
    MSUB_w     "0 00 11011 000 bbbbb 1 ccccc aaaaa ddddd"          "msub {d:w}, {a:w}, {b:w}, {c:w}"     |t, d, a, b, c| t.set(d, t.w(c) - t.w(a) * t.w(b));
    SMADDL     "1 00 11011 001 bbbbb 0 ccccc aaaaa ddddd"          "smaddl {d}, {a:w}, {b:w}, {c}"       |t, d, a, b, c| t.set(d, t.x(c) + t.smull(a, b));
    SMSUBL     "1 00 11011 001 bbbbb 1 ccccc aaaaa ddddd"          "smsubl {d}, {a:w}, {b:w}, {c}"       |t, d, a, b, c| t.set(d, t.x(c) - t.smull(a, b));
    UMADDL     "1 00 11011 101 bbbbb 0 ccccc aaaaa ddddd"          "umaddl {d}, {a:w}, {b:w}, {c}"       |t, d, a, b, c| t.set(d, t.x(c) + t.umull(a, b));
    UMSUBL     "1 00 11011 101 bbbbb 1 ccccc aaaaa ddddd"          "umsubl {d}, {a:w}, {b:w}, {c}"       |t, d, a, b, c| t.set(d, t.x(c) - t.umull(a, b));
    SMULH      "1 00 11011 010 bbbbb 0 11111 aaaaa ddddd"          "smulh {d}, {a}, {b}"                 |t, d, a, b| t.set(d, t.x(a).mulhs(t.x(b)));
    UMULH      "1 00 11011 110 bbbbb 0 11111 aaaaa ddddd"          "umulh {d}, {a}, {b}"                 |t, d, a, b| t.set(d, t.x(a).mulhu(t.x(b)));
}
