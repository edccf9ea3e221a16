//! A, fences, and cache blocks.

use super::{MACHINE, check, check_in};

#[rustfmt::skip] // One line a case.
#[test]
fn atomics() {
    const M: &str = "a1=0x1000 [0x1000]=0x00000001fffffffe";
    check("lr.w.aq a0, (a1)", M, "a0=-2");
    check("lr.d a0, (a1)", M, "a0=0x1fffffffe");
    check("lr.d a0, (a1)", "a1=0x2000", "trap=13:0x2000");
    check("lr.w zero, (a1); sc.w a0, a2, (a1)", "a1=0x1000 a2=5 [0x1000]=0 a0=9", "a0=0 [0x1000]=5");
    check("lr.d zero, (a3); sc.d.rl a0, a2, (a1)", "a1=0x1000 a2=5 a3=0x1008 [0x1000]=0 [0x1008]=0", "a0=1");
    check("sc.d a0, a2, (a1)", "a1=0x1000 a2=5 [0x1000]=0", "a0=1");
    check("amoswap.w a0, a2, (a1)", "a1=0x1000 a2=-1 [0x1000]=0x80000000", "a0=0xffffffff80000000 [0x1000]=0xffffffff");
    check("amoadd.w.aqrl a0, a2, (a1)", "a1=0x1000 a2=4 [0x1000]=0x00000001fffffffe", "a0=-2 [0x1000]=0x100000002");
    check("amoadd.d a0, a2, (a1)", "a1=0x1000 a2=4 [0x1000]=0x00000001fffffffe", "a0=0x1fffffffe [0x1000]=0x200000002");
    check("amoxor.d a0, a2, (a1)", "a1=0x1000 a2=3 [0x1000]=1 a0=7", "a0=1 [0x1000]=2");
    check("amoand.d a0, a2, (a1)", "a1=0x1000 a2=6 [0x1000]=3", "a0=3 [0x1000]=2");
    check("amoor.d zero, a2, (a1)", "a1=0x1000 a2=6 [0x1000]=3", "[0x1000]=7");
    check("amomin.w a0, a2, (a1)", "a1=0x1000 a2=1 [0x1000]=0xffffffff", "a0=-1 [0x1000]=0xffffffff");
    check("amomax.w a0, a2, (a1)", "a1=0x1000 a2=1 [0x1000]=0xffffffff", "a0=-1 [0x1000]=1");
    check("amominu.w a0, a2, (a1)", "a1=0x1000 a2=1 [0x1000]=0xffffffff", "a0=-1 [0x1000]=1");
    check("amomaxu.d a0, a2, (a1)", "a1=0x1000 a2=-2 [0x1000]=1", "a0=1 [0x1000]=-2");
    check("lr.w a0, (a1); sc.w a2, a3, (a1)", "a1=0x1000 a3=7 a2=9 [0x1000]=0x80000000", "a0=0xffffffff80000000 a2=0 [0x1000]=7");
    check("amoswap.d a0, a2, (a1)", "a1=0x1000 a2=-1 [0x1000]=5", "a0=5 [0x1000]=-1");
    check("amoxor.w a0, a2, (a1)", "a1=0x1000 a2=-1 [0x1000]=0x180000000", "a0=0xffffffff80000000 [0x1000]=0x17fffffff");
    check("amoand.w a0, a2, (a1)", "a1=0x1000 a2=6 [0x1000]=0x100000003", "a0=3 [0x1000]=0x100000002");
    check("amoor.w a0, a2, (a1)", "a1=0x1000 a2=6 [0x1000]=0x100000003", "a0=3 [0x1000]=0x100000007");
    check("amomin.d a0, a2, (a1)", "a1=0x1000 a2=-5 [0x1000]=1", "a0=1 [0x1000]=-5");
    check("amomax.d a0, a2, (a1)", "a1=0x1000 a2=-5 [0x1000]=1", "a0=1");
    check("amominu.d a0, a2, (a1)", "a1=0x1000 a2=-5 [0x1000]=1", "a0=1");
    check("amomaxu.w a0, a2, (a1)", "a1=0x1000 a2=-5 [0x1000]=1", "a0=1 [0x1000]=0xfffffffb");
    check("amoadd.d a0, a2, (a1)", "a1=0x2000", "trap=15:0x2000");
}

#[rustfmt::skip] // One line a case.
#[test]
fn fences() {
    // Orderings by number: 3 acquire and release, 4 sequential.
    check("fence rw, rw", "", "fence=4");
    check("fence w, r", "", "fence=4");
    check("fence o, i", "", "fence=4");
    check("fence r, rw", "", "fence=3");
    check("fence rw, w", "", "fence=3");
    check("fence.tso", "", "fence=3");
    check("fence 0, rw", "", "");
    check("pause", "", "");
    check("fence.i", "", "fresh");
    // A reserved mode is an ordinary fence.
    check(".word 0xf330000f", "", "fence=4");
}

#[rustfmt::skip] // One line a case.
#[test]
fn cache_blocks() {
    let none = MACHINE & !(0b1111 << 7);
    check("prefetch.i 32(a0)", "a0=7", "");
    check("prefetch.r 32(a0)", "a0=7", "");
    check("prefetch.w -32(a0)", "a0=7", "");
    check("cbo.clean (a0)", "a0=0x1001", "call=12(0x1001)");
    check("cbo.flush (a0)", "a0=0x1001", "call=12(0x1001)");
    check("cbo.inval (a0)", "a0=0x1001", "call=12(0x1001)");
    check_in(none | 1 << 7, "cbo.inval (a0)", "", "call=12(0)");
    check_in(none | 1 << 7, "cbo.clean (a0)", "", "trap=2:0x15200f");
    check_in(none | 1 << 9, "cbo.clean (a0)", "", "call=12(0)");
    check_in(none | 1 << 9, "cbo.inval (a0)", "", "trap=2:0x5200f");
    check_in(none | 1 << 9, "cbo.zero (a0)", "", "trap=2:0x45200f");
    let ones = (0..8).map(|i| format!("[{}]=-1 ", 0x1000 + i * 8)).collect::<String>();
    let zeroes = ones.replace("-1", "0");
    check("cbo.zero (a0)", &format!("a0=0x103f {ones}"), &zeroes);
    check("cbo.zero (a0)", "a0=0x2005", "trap=15:0x2005");
}
