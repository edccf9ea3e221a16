//! Ordered and exclusive accesses, and the atomic operations of FEAT_LSE.

use vm_ir::Op::{AmoAdd, AmoAnd, AmoMaxS, AmoMaxU, AmoMinS, AmoMinU, AmoOr, AmoSwap, AmoXor};
use vm_ir::Type::{I8, I16, I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    STLRB    "00 001000 1 0 0 11111 1 11111 aaaaa ttttt"          "stlrb {t:w}, [{a:sp}]"                  |l, t, a| l.store_release(I8, t, a);
    LDARB    "00 001000 1 1 0 11111 1 11111 aaaaa ttttt"          "ldarb {t:w}, [{a:sp}]"                  |l, t, a| l.load_acquire(I8, t, a);
    STXRB    "00 001000 0 0 0 sssss 0 11111 aaaaa ttttt"          "stxrb {s:w}, {t:w}, [{a:sp}]"           |l, s, t, a| l.store_exclusive(I8, s, t, a, 0);
    LDXRB    "00 001000 0 1 0 11111 0 11111 aaaaa ttttt"          "ldxrb {t:w}, [{a:sp}]"                  |l, t, a| l.load_exclusive(I8, t, a, 0);
    STLXRB   "00 001000 0 0 0 sssss 1 11111 aaaaa ttttt"          "stlxrb {s:w}, {t:w}, [{a:sp}]"          |l, s, t, a| l.store_exclusive(I8, s, t, a, 1);
    LDAXRB   "00 001000 0 1 0 11111 1 11111 aaaaa ttttt"          "ldaxrb {t:w}, [{a:sp}]"                 |l, t, a| l.load_exclusive(I8, t, a, 2);
    STLRH    "01 001000 1 0 0 11111 1 11111 aaaaa ttttt"          "stlrh {t:w}, [{a:sp}]"                  |l, t, a| l.store_release(I16, t, a);
    LDARH    "01 001000 1 1 0 11111 1 11111 aaaaa ttttt"          "ldarh {t:w}, [{a:sp}]"                  |l, t, a| l.load_acquire(I16, t, a);
    STXRH    "01 001000 0 0 0 sssss 0 11111 aaaaa ttttt"          "stxrh {s:w}, {t:w}, [{a:sp}]"           |l, s, t, a| l.store_exclusive(I16, s, t, a, 0);
    LDXRH    "01 001000 0 1 0 11111 0 11111 aaaaa ttttt"          "ldxrh {t:w}, [{a:sp}]"                  |l, t, a| l.load_exclusive(I16, t, a, 0);
    STLXRH   "01 001000 0 0 0 sssss 1 11111 aaaaa ttttt"          "stlxrh {s:w}, {t:w}, [{a:sp}]"          |l, s, t, a| l.store_exclusive(I16, s, t, a, 1);
    LDAXRH   "01 001000 0 1 0 11111 1 11111 aaaaa ttttt"          "ldaxrh {t:w}, [{a:sp}]"                 |l, t, a| l.load_exclusive(I16, t, a, 2);
    STLR_w   "10 001000 1 0 0 11111 1 11111 aaaaa ttttt"          "stlr {t:w}, [{a:sp}]"                   |l, t, a| l.store_release(I32, t, a);
    LDAR_w   "10 001000 1 1 0 11111 1 11111 aaaaa ttttt"          "ldar {t:w}, [{a:sp}]"                   |l, t, a| l.load_acquire(I32, t, a);
    STXR_w   "10 001000 0 0 0 sssss 0 11111 aaaaa ttttt"          "stxr {s:w}, {t:w}, [{a:sp}]"            |l, s, t, a| l.store_exclusive(I32, s, t, a, 0);
    LDXR_w   "10 001000 0 1 0 11111 0 11111 aaaaa ttttt"          "ldxr {t:w}, [{a:sp}]"                   |l, t, a| l.load_exclusive(I32, t, a, 0);
    STLXR_w  "10 001000 0 0 0 sssss 1 11111 aaaaa ttttt"          "stlxr {s:w}, {t:w}, [{a:sp}]"           |l, s, t, a| l.store_exclusive(I32, s, t, a, 1);
    LDAXR_w  "10 001000 0 1 0 11111 1 11111 aaaaa ttttt"          "ldaxr {t:w}, [{a:sp}]"                  |l, t, a| l.load_exclusive(I32, t, a, 2);
    STLR     "11 001000 1 0 0 11111 1 11111 aaaaa ttttt"          "stlr {t}, [{a:sp}]"                     |l, t, a| l.store_release(I64, t, a);
    LDAR     "11 001000 1 1 0 11111 1 11111 aaaaa ttttt"          "ldar {t}, [{a:sp}]"                     |l, t, a| l.load_acquire(I64, t, a);
    STXR     "11 001000 0 0 0 sssss 0 11111 aaaaa ttttt"          "stxr {s:w}, {t}, [{a:sp}]"              |l, s, t, a| l.store_exclusive(I64, s, t, a, 0);
    LDXR     "11 001000 0 1 0 11111 0 11111 aaaaa ttttt"          "ldxr {t}, [{a:sp}]"                     |l, t, a| l.load_exclusive(I64, t, a, 0);
    STLXR    "11 001000 0 0 0 sssss 1 11111 aaaaa ttttt"          "stlxr {s:w}, {t}, [{a:sp}]"             |l, s, t, a| l.store_exclusive(I64, s, t, a, 1);
    LDAXR    "11 001000 0 1 0 11111 1 11111 aaaaa ttttt"          "ldaxr {t}, [{a:sp}]"                    |l, t, a| l.load_exclusive(I64, t, a, 2);

    CAS_w    "10 001000 1 o[1] 1 sssss o[0] 11111 aaaaa ttttt"    "cas{o:order} {s:w}, {t:w}, [{a:sp}]"    |l, s, t, a, o| l.compare_and_swap(I32, s, t, a, o);
    LDADD_w  "10 111 0 00 o[1] o[0] 1 sssss 0 000 00 aaaaa ttttt" "ldadd{o:order} {s:w}, {t:w}, [{a:sp}]"  |l, s, t, a, o| l.atomic(AmoAdd, t, a, l.w(s), o);
    LDCLR_w  "10 111 0 00 o[1] o[0] 1 sssss 0 001 00 aaaaa ttttt" "ldclr{o:order} {s:w}, {t:w}, [{a:sp}]"  |l, s, t, a, o| l.atomic(AmoAnd, t, a, !l.w(s), o);
    LDEOR_w  "10 111 0 00 o[1] o[0] 1 sssss 0 010 00 aaaaa ttttt" "ldeor{o:order} {s:w}, {t:w}, [{a:sp}]"  |l, s, t, a, o| l.atomic(AmoXor, t, a, l.w(s), o);
    LDSET_w  "10 111 0 00 o[1] o[0] 1 sssss 0 011 00 aaaaa ttttt" "ldset{o:order} {s:w}, {t:w}, [{a:sp}]"  |l, s, t, a, o| l.atomic(AmoOr, t, a, l.w(s), o);
    LDSMAX_w "10 111 0 00 o[1] o[0] 1 sssss 0 100 00 aaaaa ttttt" "ldsmax{o:order} {s:w}, {t:w}, [{a:sp}]" |l, s, t, a, o| l.atomic(AmoMaxS, t, a, l.w(s), o);
    LDSMIN_w "10 111 0 00 o[1] o[0] 1 sssss 0 101 00 aaaaa ttttt" "ldsmin{o:order} {s:w}, {t:w}, [{a:sp}]" |l, s, t, a, o| l.atomic(AmoMinS, t, a, l.w(s), o);
    LDUMAX_w "10 111 0 00 o[1] o[0] 1 sssss 0 110 00 aaaaa ttttt" "ldumax{o:order} {s:w}, {t:w}, [{a:sp}]" |l, s, t, a, o| l.atomic(AmoMaxU, t, a, l.w(s), o);
    LDUMIN_w "10 111 0 00 o[1] o[0] 1 sssss 0 111 00 aaaaa ttttt" "ldumin{o:order} {s:w}, {t:w}, [{a:sp}]" |l, s, t, a, o| l.atomic(AmoMinU, t, a, l.w(s), o);
    SWP_w    "10 111 0 00 o[1] o[0] 1 sssss 1 000 00 aaaaa ttttt" "swp{o:order} {s:w}, {t:w}, [{a:sp}]"    |l, s, t, a, o| l.atomic(AmoSwap, t, a, l.w(s), o);
    CAS      "11 001000 1 o[1] 1 sssss o[0] 11111 aaaaa ttttt"    "cas{o:order} {s}, {t}, [{a:sp}]"        |l, s, t, a, o| l.compare_and_swap(I64, s, t, a, o);
    LDADD    "11 111 0 00 o[1] o[0] 1 sssss 0 000 00 aaaaa ttttt" "ldadd{o:order} {s}, {t}, [{a:sp}]"      |l, s, t, a, o| l.atomic(AmoAdd, t, a, l.x(s), o);
    LDCLR    "11 111 0 00 o[1] o[0] 1 sssss 0 001 00 aaaaa ttttt" "ldclr{o:order} {s}, {t}, [{a:sp}]"      |l, s, t, a, o| l.atomic(AmoAnd, t, a, !l.x(s), o);
    LDEOR    "11 111 0 00 o[1] o[0] 1 sssss 0 010 00 aaaaa ttttt" "ldeor{o:order} {s}, {t}, [{a:sp}]"      |l, s, t, a, o| l.atomic(AmoXor, t, a, l.x(s), o);
    LDSET    "11 111 0 00 o[1] o[0] 1 sssss 0 011 00 aaaaa ttttt" "ldset{o:order} {s}, {t}, [{a:sp}]"      |l, s, t, a, o| l.atomic(AmoOr, t, a, l.x(s), o);
    LDSMAX   "11 111 0 00 o[1] o[0] 1 sssss 0 100 00 aaaaa ttttt" "ldsmax{o:order} {s}, {t}, [{a:sp}]"     |l, s, t, a, o| l.atomic(AmoMaxS, t, a, l.x(s), o);
    LDSMIN   "11 111 0 00 o[1] o[0] 1 sssss 0 101 00 aaaaa ttttt" "ldsmin{o:order} {s}, {t}, [{a:sp}]"     |l, s, t, a, o| l.atomic(AmoMinS, t, a, l.x(s), o);
    LDUMAX   "11 111 0 00 o[1] o[0] 1 sssss 0 110 00 aaaaa ttttt" "ldumax{o:order} {s}, {t}, [{a:sp}]"     |l, s, t, a, o| l.atomic(AmoMaxU, t, a, l.x(s), o);
    LDUMIN   "11 111 0 00 o[1] o[0] 1 sssss 0 111 00 aaaaa ttttt" "ldumin{o:order} {s}, {t}, [{a:sp}]"     |l, s, t, a, o| l.atomic(AmoMinU, t, a, l.x(s), o);
    SWP      "11 111 0 00 o[1] o[0] 1 sssss 1 000 00 aaaaa ttttt" "swp{o:order} {s}, {t}, [{a:sp}]"        |l, s, t, a, o| l.atomic(AmoSwap, t, a, l.x(s), o);
}
