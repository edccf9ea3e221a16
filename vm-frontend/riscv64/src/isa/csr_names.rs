//! The names of control and status registers, for texts; manual, volume II, chapter 2.

macro_rules! names {
    ($($number:literal $name:literal)+) => {
        const NAMES: &[(u32, &str)] = &[$(($number, $name)),+];
    };
}

#[rustfmt::skip] // As the manual's tables.
names! {
    0x001 "fflags"      0x002 "frm"         0x003 "fcsr"
    0xc00 "cycle"       0xc01 "time"        0xc02 "instret"
    0x100 "sstatus"     0x104 "sie"         0x105 "stvec"       0x106 "scounteren"
    0x10a "senvcfg"     0x140 "sscratch"    0x141 "sepc"        0x142 "scause"
    0x143 "stval"       0x144 "sip"         0x14d "stimecmp"    0x180 "satp"
    0xda0 "scountovf"
    0xf11 "mvendorid"   0xf12 "marchid"     0xf13 "mimpid"      0xf14 "mhartid"
    0xf15 "mconfigptr"
    0x300 "mstatus"     0x301 "misa"        0x302 "medeleg"     0x303 "mideleg"
    0x304 "mie"         0x305 "mtvec"       0x306 "mcounteren"  0x30a "menvcfg"
    0x320 "mcountinhibit"
    0x340 "mscratch"    0x341 "mepc"        0x342 "mcause"      0x343 "mtval"
    0x344 "mip"
    0x3a0 "pmpcfg0"     0x3a2 "pmpcfg2"
    0x3b0 "pmpaddr0"    0x3b1 "pmpaddr1"    0x3b2 "pmpaddr2"    0x3b3 "pmpaddr3"
    0x3b4 "pmpaddr4"    0x3b5 "pmpaddr5"    0x3b6 "pmpaddr6"    0x3b7 "pmpaddr7"
    0x3b8 "pmpaddr8"    0x3b9 "pmpaddr9"    0x3ba "pmpaddr10"   0x3bb "pmpaddr11"
    0x3bc "pmpaddr12"   0x3bd "pmpaddr13"   0x3be "pmpaddr14"   0x3bf "pmpaddr15"
    0xb00 "mcycle"      0xb02 "minstret"
}

/// The name of a register, if it has one.
pub(super) fn name(number: u32) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(n, _)| *n == number)
        .map(|(_, name)| *name)
}

/// The register of a name.
pub(crate) fn number(name: &str) -> Option<u32> {
    NAMES
        .iter()
        .find(|(_, n)| *n == name)
        .map(|(number, _)| *number)
}

/// The slot of a register that instructions may read, or read and write, like any slot.
pub(crate) const fn plain_csr(number: u32, writes: bool) -> Option<vm_ir::SlotId> {
    use crate::slots;
    let _ = writes;
    match number {
        0x140 => Some(slots::SSCRATCH),
        0x340 => Some(slots::MSCRATCH),
        _ => None,
    }
}
