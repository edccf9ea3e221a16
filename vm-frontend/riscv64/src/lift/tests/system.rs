//! Calls, returns, CSRs, waiting, fences of translations.

use super::{MACHINE, check, check_in};

const USER: u64 = 1 << 3;
const SUPERVISOR: u64 = 1 | 1 << 3;
const FIRMWARE: u64 = 1 << 11;
const TVM: u64 = 1 << 4;
const TW: u64 = 1 << 5;
const TSR: u64 = 1 << 6;

#[rustfmt::skip] // One line a case.
#[test]
fn calls_and_returns() {
    check("ecall", "", "trap=11:0");
    check_in(SUPERVISOR, "ecall", "", "trap=9:0");
    check_in(USER | FIRMWARE, "ecall", "", "trap=8:0");
    check_in(MACHINE | FIRMWARE, "ecall", "", "trap=11:0");
    check_in(SUPERVISOR | FIRMWARE, "ecall", "", "call=10() fresh");
    check("ebreak", "", "trap=3:0x80000000");
    check("mret", "", "call=6() leave");
    check_in(SUPERVISOR, "mret", "", "trap=2:0x30200073");
    check("sret", "", "call=7() leave");
    check_in(SUPERVISOR, "sret", "", "call=7() leave");
    check_in(SUPERVISOR | TSR, "sret", "", "trap=2:0x10200073");
    check_in(MACHINE | TSR, "sret", "", "call=7() leave");
    check_in(USER, "sret", "", "trap=2:0x10200073");
}

#[rustfmt::skip] // One line a case.
#[test]
fn waiting_and_fences_of_translations() {
    check("wfi", "", "call=8() fresh");
    check_in(SUPERVISOR, "wfi", "", "call=8() fresh");
    check_in(SUPERVISOR | TW, "wfi", "", "trap=2:0x10500073");
    check_in(MACHINE | TW, "wfi", "", "call=8() fresh");
    check_in(USER, "wfi", "", "trap=2:0x10500073");
    check_in(USER, "wrs.nto", "", "call=11(0) fresh");
    check("wrs.sto", "", "call=11(1) fresh");
    check("sfence.vma zero, zero", "", "call=9(0,0,0) fresh");
    check("sfence.vma a0, zero", "a0=5", "call=9(5,0,1) fresh");
    check("sfence.vma a0, a1", "a0=5 a1=6", "call=9(5,6,3) fresh");
    check("sinval.vma zero, a1", "a1=6", "call=9(0,6,2) fresh");
    check_in(SUPERVISOR | TVM, "sfence.vma zero, zero", "", "trap=2:0x12000073");
    check_in(MACHINE | TVM, "sfence.vma zero, zero", "", "call=9(0,0,0) fresh");
    check_in(USER, "sinval.vma zero, zero", "", "trap=2:0x16000073");
    check_in(SUPERVISOR | TVM, "sfence.w.inval", "", "");
    check_in(USER, "sfence.inval.ir", "", "trap=2:0x18100073");
    // Rows that are to do.
    check("hfence.vvma zero, zero", "", "trap=2:0x22000073");
    check("vsetvli zero, zero, 0", "", "trap=2:0x7057");
}

#[rustfmt::skip] // One line a case.
#[test]
fn registers_by_helper() {
    check("csrrs a0, time, zero", "", "a0=0x1234 call=1(0xc01,0xc0102573)");
    check("csrrw zero, mtvec, a1", "a1=5", "call=2(0x305,5,0x30559073) fresh");
    check("csrrw a0, mtvec, a1", "a1=5", "a0=0x1234 call=3(0x305,5,0x30559573) fresh");
    check("csrrs a0, mie, a1", "a1=5", "a0=0x1234 call=4(0x304,5,0x3045a573) fresh");
    check("csrrc zero, mie, a1", "a1=5", "call=5(0x304,5,0x3045b073) fresh");
    check("csrrwi zero, satp, 0", "", "call=2(0x180,0,0x18005073) fresh");
    check("csrrsi a0, mip, 2", "", "a0=0x1234 call=4(0x344,2,0x34416573) fresh");
    check("csrrci a0, mip, 0", "", "a0=0x1234 call=1(0x344,0x34407573)");
    // Too little privilege, and a register that is only read.
    check_in(SUPERVISOR, "csrrs a0, mie, zero", "", "trap=2:0x30402573");
    check_in(USER, "csrrs a0, sie, zero", "", "trap=2:0x10402573");
    check("csrrwi zero, cycle, 0", "", "trap=2:0xc0005073");
    check("csrrs zero, mhartid, a0", "", "trap=2:0xf1452073");
}

#[rustfmt::skip] // One line a case.
#[test]
fn plain_registers() {
    check("csrrw sp, sscratch, sp", "sp=1 sscratch=2", "sp=2 sscratch=1");
    check("csrrw zero, mscratch, a0", "a0=7", "mscratch=7");
    check("csrrs a0, sscratch, a1", "sscratch=1 a1=2", "a0=1 sscratch=3");
    check("csrrci a0, sscratch, 1", "sscratch=3", "a0=3 sscratch=2");
    check("csrrs a0, sscratch, zero", "sscratch=3", "a0=3");
    check("csrrs a0, sepc, zero", "sepc=6", "a0=6");
    check("csrrw zero, sepc, a1", "a1=7", "sepc=6");
    check("csrrs a0, mepc, a1", "mepc=4 a1=3", "a0=4 mepc=6");
    check("csrrw a0, scounteren, a1", "scounteren=1 a1=-1", "a0=1 scounteren=0xffffffff");
    check("csrrwi a0, scause, 9", "scause=1", "a0=1 scause=9");
    check_in(SUPERVISOR, "csrrw zero, mscratch, a0", "", "trap=2:0x34051073");
}

/// Only what may permit an interrupt or change the mode ends the block.
#[rustfmt::skip] // One line a case.
#[test]
fn the_status_is_a_part_of_the_machines() {
    check("csrrs a0, sstatus, zero", "mstatus=0xa00001888", "a0=0x200000000");
    check("csrrs a0, sstatus, zero", "mstatus=0xa000c7922", "a0=0x80000002000c6122");
    check("csrrw zero, sstatus, a1", "mstatus=0xa00001888 a1=-1", "mstatus=0xa000c79aa fresh");
    check("csrrw zero, sstatus, a1", "mstatus=0xa000c79aa a1=0", "mstatus=0xa00001888 fresh");
    check("csrrs a0, sstatus, a1", "mstatus=2 a1=0x40008", "a0=2 mstatus=0x40002 fresh");
    check("csrrc a0, sstatus, a1", "mstatus=0x4000a a1=0x40008", "a0=0x40002 mstatus=10 fresh");
    check("csrrsi a0, sstatus, 2", "mstatus=0x20", "a0=0x20 mstatus=0x22 fresh");
    check("csrrsi a0, sstatus, 0", "mstatus=0x20", "a0=0x20");
    check("csrrci a0, sstatus, 2", "mstatus=0x602a", "a0=0x8000000000006022 mstatus=0x6028");
    check("csrrci zero, sstatus, 2", "mstatus=2", "mstatus=0");
    check("csrrci a0, sstatus, 3", "mstatus=2", "a0=2 mstatus=0 fresh");
    check_in(USER, "csrrci a0, sstatus, 2", "", "trap=2:0x10017573");
    check_in(USER, "csrrs a0, sstatus, zero", "", "trap=2:0x10002573");
}

#[rustfmt::skip] // One line a case.
#[test]
fn float_registers() {
    let clean = MACHINE & !(1 << 3);
    let off = clean | 1 << 2;
    check("csrrs a0, fcsr, zero", "frm=3 fflags=17", "a0=0x71");
    check("csrrw a0, fcsr, a1", "frm=3 fflags=17 a1=-1", "a0=0x71 frm=7 fflags=31");
    check("csrrw a0, frm, a1", "frm=3 a1=0x1c", "a0=3 frm=4");
    check("csrrwi zero, fflags, 31", "frm=3", "fflags=31");
    check("csrrc a0, fflags, a1", "fflags=31 a1=16", "a0=31 fflags=15");
    check_in(clean, "csrrs a0, fflags, zero", "fflags=1", "a0=1");
    check_in(clean, "csrrwi zero, fflags, 0", "fflags=1", "fflags=0 call=0() fresh");
    check_in(off, "csrrs a0, fflags, zero", "", "trap=2:0x102573");
}
