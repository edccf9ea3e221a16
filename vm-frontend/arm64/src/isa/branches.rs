//! Branches.

use vm_ir::Hint;

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    B      "000101 i[27:2]"                        "b {i:to}"                    |t, i| t.goto(i);
    BL     "100101 i[27:2]"                        "bl {i:to}"                   |t, i| t.call(i);
    B_cond "01010100 i[20:2] 0 cccc"               "b.{c:cond} {i:to}"           |t, c, i| t.branch(t.holds(c), i);
    CBZ    "1 0110100 i[20:2] ttttt"               "cbz {t}, {i:to}"             |l, t, i| l.branch(l.is_zero(l.x(t)), i);
    CBZ_w  "0 0110100 i[20:2] ttttt"               "cbz {t:w}, {i:to}"           |l, t, i| l.branch(l.is_zero(l.w(t)), i);
    CBNZ   "1 0110101 i[20:2] ttttt"               "cbnz {t}, {i:to}"            |l, t, i| l.branch(!l.is_zero(l.x(t)), i);
    CBNZ_w "0 0110101 i[20:2] ttttt"               "cbnz {t:w}, {i:to}"          |l, t, i| l.branch(!l.is_zero(l.w(t)), i);
    TBZ    "1 011011 0 bbbbb i[15:2] ttttt"        "tbz {t}, {b:high}, {i:to}"   |l, t, b, i| l.branch(!l.bit(l.x(t), b), i);
    TBZ_w  "0 011011 0 bbbbb i[15:2] ttttt"        "tbz {t:w}, {b:bit}, {i:to}"  |l, t, b, i| l.branch(!l.bit(l.x(t), b), i);
    TBNZ   "1 011011 1 bbbbb i[15:2] ttttt"        "tbnz {t}, {b:high}, {i:to}"  |l, t, b, i| l.branch(l.bit(l.x(t), b), i);
    TBNZ_w "0 011011 1 bbbbb i[15:2] ttttt"        "tbnz {t:w}, {b:bit}, {i:to}" |l, t, b, i| l.branch(l.bit(l.x(t), b), i);
    BR     "1101011 0000 11111 000000 aaaaa 00000" "br {a}"                      |t, a| t.jump(a, Hint::Plain);
    BLR    "1101011 0001 11111 000000 aaaaa 00000" "blr {a}"                     |t, a| t.jump_and_link(a);
    RET    "1101011 0010 11111 000000 aaaaa 00000" "ret {a}"                     |t, a| t.jump(a, Hint::Return);
}
