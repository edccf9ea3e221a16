//! Loads and stores of two registers.

use vm_ir::Type::{I32, I64};

use crate::lift::Mode;
use crate::lift::Widen::{Sign64, Zero};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    STP_w      "00 101 0 010 0 i[8:2] uuuuu aaaaa ttttt" "stp {t:w}, {u:w}, [{a:sp}{i:soff}]" |l, t, u, a, i| l.store_pair(I32, [t, u], a, Mode::Offset(i));
    STP_post_w "00 101 0 001 0 i[8:2] uuuuu aaaaa ttttt" "stp {t:w}, {u:w}, [{a:sp}], {i:s}"  |l, t, u, a, i| l.store_pair(I32, [t, u], a, Mode::Post(i));
    STP_pre_w  "00 101 0 011 0 i[8:2] uuuuu aaaaa ttttt" "stp {t:w}, {u:w}, [{a:sp}, {i:s}]!" |l, t, u, a, i| l.store_pair(I32, [t, u], a, Mode::Pre(i));

    LDP_w      "00 101 0 010 1 i[8:2] uuuuu aaaaa ttttt" "ldp {t:w}, {u:w}, [{a:sp}{i:soff}]" |l, t, u, a, i| l.load_pair(I32, Zero, [t, u], a, Mode::Offset(i));
    LDP_post_w "00 101 0 001 1 i[8:2] uuuuu aaaaa ttttt" "ldp {t:w}, {u:w}, [{a:sp}], {i:s}"  |l, t, u, a, i| l.load_pair(I32, Zero, [t, u], a, Mode::Post(i));
    LDP_pre_w  "00 101 0 011 1 i[8:2] uuuuu aaaaa ttttt" "ldp {t:w}, {u:w}, [{a:sp}, {i:s}]!" |l, t, u, a, i| l.load_pair(I32, Zero, [t, u], a, Mode::Pre(i));

    LDPSW      "01 101 0 010 1 i[8:2] uuuuu aaaaa ttttt" "ldpsw {t}, {u}, [{a:sp}{i:soff}]"   |l, t, u, a, i| l.load_pair(I32, Sign64, [t, u], a, Mode::Offset(i));
    LDPSW_post "01 101 0 001 1 i[8:2] uuuuu aaaaa ttttt" "ldpsw {t}, {u}, [{a:sp}], {i:s}"    |l, t, u, a, i| l.load_pair(I32, Sign64, [t, u], a, Mode::Post(i));
    LDPSW_pre  "01 101 0 011 1 i[8:2] uuuuu aaaaa ttttt" "ldpsw {t}, {u}, [{a:sp}, {i:s}]!"   |l, t, u, a, i| l.load_pair(I32, Sign64, [t, u], a, Mode::Pre(i));

    STP        "10 101 0 010 0 i[9:3] uuuuu aaaaa ttttt" "stp {t}, {u}, [{a:sp}{i:soff}]"     |l, t, u, a, i| l.store_pair(I64, [t, u], a, Mode::Offset(i));
    STP_post   "10 101 0 001 0 i[9:3] uuuuu aaaaa ttttt" "stp {t}, {u}, [{a:sp}], {i:s}"      |l, t, u, a, i| l.store_pair(I64, [t, u], a, Mode::Post(i));
    STP_pre    "10 101 0 011 0 i[9:3] uuuuu aaaaa ttttt" "stp {t}, {u}, [{a:sp}, {i:s}]!"     |l, t, u, a, i| l.store_pair(I64, [t, u], a, Mode::Pre(i));

    LDP        "10 101 0 010 1 i[9:3] uuuuu aaaaa ttttt" "ldp {t}, {u}, [{a:sp}{i:soff}]"     |l, t, u, a, i| l.load_pair(I64, Zero, [t, u], a, Mode::Offset(i));
    LDP_post   "10 101 0 001 1 i[9:3] uuuuu aaaaa ttttt" "ldp {t}, {u}, [{a:sp}], {i:s}"      |l, t, u, a, i| l.load_pair(I64, Zero, [t, u], a, Mode::Post(i));
    LDP_pre    "10 101 0 011 1 i[9:3] uuuuu aaaaa ttttt" "ldp {t}, {u}, [{a:sp}, {i:s}]!"     |l, t, u, a, i| l.load_pair(I64, Zero, [t, u], a, Mode::Pre(i));
}
