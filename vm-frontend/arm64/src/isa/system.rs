//! Exceptions, hints, barriers and the system registers of user mode.

use crate::cause;

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "A64"
    SVC           "11010100 000 iiiiiiiiiiiiiiii 00001"     "svc {i:u}"          |t, i| t.exception(cause::SVC, i);
    BRK           "11010100 001 iiiiiiiiiiiiiiii 00000"     "brk {i:u}"          |t, i| t.exception(cause::BREAKPOINT, i);
    NOP           "1101010100 0 00 011 0010 0000 000 11111" "nop"                |t| t.nothing();
    HINT          "1101010100 0 00 011 0010 hhhhhhh 11111"  "hint {h:u}"         |t, h| { let _ = h; t.nothing() };
    CLREX         "1101010100 0 00 011 0011 iiii 010 11111" "clrex {i:barrier}"  |t, i| { let _ = i; t.clear_reservation() };
    DSB           "1101010100 0 00 011 0011 iiii 100 11111" "dsb {i:barrier}"    |t, i| t.barrier(i);
    DMB           "1101010100 0 00 011 0011 iiii 101 11111" "dmb {i:barrier}"    |t, i| t.barrier(i);
    ISB           "1101010100 0 00 011 0011 iiii 110 11111" "isb {i:barrier}"    |t, i| t.synchronize(i);
    MRS_nzcv      "1101010100 1 11 011 0100 0010 000 ttttt" "mrs {t}, nzcv"      |l, t| l.set(t, l.nzcv());
    MSR_nzcv      "1101010100 0 11 011 0100 0010 000 ttttt" "msr nzcv, {t}"      |l, t| l.set_nzcv(t);
    MRS_tpidr_el0 "1101010100 1 11 011 1101 0000 010 ttttt" "mrs {t}, tpidr_el0" |l, t| l.read_tpidr(t);
    MSR_tpidr_el0 "1101010100 0 11 011 1101 0000 010 ttttt" "msr tpidr_el0, {t}" |l, t| l.write_tpidr(t);
}
