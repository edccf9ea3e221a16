//! Zicbom, Zicboz and Zicbop: cache blocks of 64 bytes; manual, volume I, "CMO Extensions".
//!
//! There is no cache to manage, so what is left of the first three is who may use them and where.
//! Prefetches are hints among the encodings of `ori` to `x0`.

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "Zicbom"
    CBO_INVAL  "000000000000 aaaaa 010 00000 0001111"     "cbo.inval ({a})"         |t, a| t.cache_block(a, t.mode.cache_blocks() & 3 != 0);
    CBO_CLEAN  "000000000001 aaaaa 010 00000 0001111"     "cbo.clean ({a})"         |t, a| t.cache_block(a, t.mode.cache_blocks() & 4 != 0);
    CBO_FLUSH  "000000000010 aaaaa 010 00000 0001111"     "cbo.flush ({a})"         |t, a| t.cache_block(a, t.mode.cache_blocks() & 4 != 0);
    CBO_ZERO   "000000000100 aaaaa 010 00000 0001111"     "cbo.zero ({a})"          |t, a| t.zero_block(a, t.mode.cache_blocks() & 8 != 0);
    PREFETCH_I "i[11:5] 00000 aaaaa 110 00000 0010011"    "prefetch.i {i:s}({a})"   |t| t.nothing();
    PREFETCH_R "i[11:5] 00001 aaaaa 110 00000 0010011"    "prefetch.r {i:s}({a})"   |t| t.nothing();
    PREFETCH_W "i[11:5] 00011 aaaaa 110 00000 0010011"    "prefetch.w {i:s}({a})"   |t| t.nothing();
}
