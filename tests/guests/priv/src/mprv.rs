//! `mstatus.MPRV`: M-mode loads and stores with the rights and the translation of another mode.

use crate::csr::{self, cause, status};
use crate::hart::{self, End, Mode, run};
use crate::insn::{A0, A1, A2, ZERO, add, csrrw, ld, sd};
use crate::memory::{self, DATA};
use crate::paging::{SCHEMES, pte};
use crate::report::check;

/// With `mstatus` from a2 for the one access only.
fn load_as(bits: u64, address: u64) -> End {
    let code = [
        csrrw(ZERO, csr::MSTATUS, A2),
        ld(A1, A0, 0),
        csrrw(ZERO, csr::MSTATUS, ZERO),
        add(A0, A1, ZERO),
    ];
    run(Mode::M, &code, &[address, 0, bits])
}

fn store_as(bits: u64, address: u64, value: u64) -> End {
    let code = [
        csrrw(ZERO, csr::MSTATUS, A2),
        sd(A1, A0, 0),
        csrrw(ZERO, csr::MSTATUS, ZERO),
    ];
    run(Mode::M, &code, &[address, value, bits])
}

pub fn checks() {
    const VALUE: u64 = 0x1122_3344;
    let [sv39, ..] = SCHEMES;
    sv39.start();
    let place = sv39.place(0);
    memory::write64(DATA, VALUE);
    let supervisor = status::MPRV | 1 << status::MPP_SHIFT;
    let user = status::MPRV;
    let load_fault = End::Trap(Mode::M, cause::LOAD_PAGE, 4, place.address);
    let store_fault = End::Trap(Mode::M, cause::STORE_PAGE, 4, place.address);
    let good = End::Done(VALUE);
    let read_only = pte::V | pte::R | pte::A | pte::D;
    let execute_only = pte::V | pte::X | pte::A | pte::D;

    let cases = [
        ("S", pte::ALL, supervisor, good),
        ("S-on-user-page", pte::ALL | pte::U, supervisor, load_fault),
        (
            "S-on-user-page-sum",
            pte::ALL | pte::U,
            supervisor | status::SUM,
            good,
        ),
        ("U", pte::ALL | pte::U, user, good),
        ("U-on-supervisor-page", pte::ALL, user, load_fault),
        ("S-execute-only", execute_only, supervisor, load_fault),
        (
            "S-execute-only-mxr",
            execute_only,
            supervisor | status::MXR,
            good,
        ),
        ("S-invalid", 0, supervisor, load_fault),
    ];
    for (name, flags, bits, want) in cases {
        place.leaf(flags);
        check(
            format_args!("mprv.load.{name}"),
            load_as(bits, place.address),
            want,
        );
    }
    place.leaf(pte::ALL);
    check(
        format_args!("mprv.store.S"),
        store_as(supervisor, place.address, 5),
        End::Done(place.address),
    );
    check(format_args!("mprv.store.S.data"), memory::read64(DATA), 5);
    place.leaf(read_only);
    check(
        format_args!("mprv.store.read-only"),
        store_as(supervisor, place.address, 6),
        store_fault,
    );
    check(
        format_args!("mprv.store.read-only.data"),
        memory::read64(DATA),
        5,
    );
    // With MPP = M nothing changes: the address is physical.
    let machine = status::MPRV | status::MPP;
    check(
        format_args!("mprv.load.M"),
        load_as(machine, DATA),
        End::Done(5),
    );
    // Without MPRV neither MPP nor satp matters.
    check(
        format_args!("mprv.off"),
        load_as(1 << status::MPP_SHIFT, DATA),
        End::Done(5),
    );
    sv39.stop();
    // Without translation the mode still counts for PMP.
    hart::write(csr::PMPADDR0, DATA >> 2 | 0x1ff);
    hart::write(csr::PMPCFG0, 0x18);
    let denied = End::Trap(Mode::M, cause::LOAD_ACCESS, 4, DATA);
    check(
        format_args!("mprv.pmp.S"),
        load_as(supervisor, DATA),
        denied,
    );
    check(
        format_args!("mprv.pmp.M"),
        load_as(machine, DATA),
        End::Done(5),
    );
}
