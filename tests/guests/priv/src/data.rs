//! Loads, stores and atomics where the rules are about memory: misaligned ones, ones across two
//! pages, reservations, and code that changes itself.

use crate::csr::cause;
use crate::hart::{self, End, Mode, Run, run};
use crate::insn::{
    A0, A1, A2, A3, FENCE_I, RA, ZERO, add, addi, amo, bne, jalr, ld, load, lr, sc, sd, store,
};
use crate::memory::{self, CODE, DATA};
use crate::pages::Access;
use crate::paging::{Place, SCHEMES, point, pte};
use crate::report::{check, check_newer};

/// `amoadd`.
const AMOADD: u32 = 0;

pub fn checks() {
    misaligned();
    reservations();
    atomics_misaligned();
    let [sv39, ..] = SCHEMES;
    sv39.start();
    across_pages(sv39.place(0));
    fetch_across(sv39.place(0));
    atomics_faults(sv39.place(0));
    sv39.stop();
    hart::reset();
    self_modifying();
}

fn fill(start: u64) {
    for index in 0..32 {
        memory::write8(start + index, 0x80 + index as u8);
    }
}

/// The bytes that `fill` left, as a number.
fn filled(offset: u64, bytes: u64) -> u64 {
    (0..bytes).fold(0, |value, index| {
        value | (0x80 + offset + index) << (8 * index)
    })
}

fn misaligned() {
    for size in 1..4 {
        let bytes = 1 << size;
        let mut wrong = None;
        for offset in 1..bytes {
            fill(DATA);
            // The unsigned variant; there is none for doublewords.
            let unsigned = if size == 3 { 3 } else { size + 4 };
            let got = run(Mode::S, &[load(unsigned, A0, A0, 0)], &[DATA + offset]);
            let stored = run(
                Mode::S,
                &[store(size, A1, A0, 0)],
                &[DATA + 8 + offset, filled(16, bytes)],
            );
            let back = run(Mode::S, &[load(unsigned, A0, A0, 0)], &[DATA + 8 + offset]);
            let good = got == End::Done(filled(offset, bytes))
                && matches!(stored, End::Done(_))
                && back == End::Done(filled(16, bytes))
                && memory::read8(DATA + 7 + offset) == 0x87 + offset as u8;
            if !good {
                wrong = Some((offset, got));
            }
        }
        check(format_args!("misaligned.{bytes}"), wrong, None);
    }
}

/// Two neighbouring pages that are far apart in physical memory.
fn across_pages(first: Place) {
    const FAR: u64 = DATA + 0x8000;
    let second = Place {
        entry: first.entry + 8,
        address: first.address + 0x1000,
        page: FAR,
    };
    let address = second.address - 4;
    let set = || {
        memory::write64(DATA + 0xff8, 0x1111_1111_2222_2222);
        memory::write64(FAR, 0x3333_3333_4444_4444);
    };
    set();
    first.leaf(pte::ALL);
    second.leaf(pte::ALL);
    let got = run(Mode::S, &[ld(A0, A0, 0)], &[address]);
    check(
        format_args!("across.load"),
        got,
        End::Done(0x4444_4444_1111_1111),
    );
    let got = run(Mode::S, &[sd(A1, A0, 0)], &[address, 0x5555_5555_6666_6666]);
    check(format_args!("across.store"), got, End::Done(address));
    let got = (memory::read64(DATA + 0xff8), memory::read64(FAR));
    check(
        format_args!("across.store.data"),
        got,
        (0x6666_6666_2222_2222, 0x3333_3333_5555_5555),
    );

    let load_at = |value| End::Trap(Mode::M, cause::LOAD_PAGE, 0, value);
    let store_at = |value| End::Trap(Mode::M, cause::STORE_PAGE, 0, value);
    let untouched = |name: &str| {
        let got = (memory::read64(DATA + 0xff8), memory::read64(FAR));
        check(
            format_args!("across.{name}.untouched"),
            got,
            (0x1111_1111_2222_2222, 0x3333_3333_4444_4444),
        );
    };
    set();
    // The value is the part that faulted: for the second page, its first address, as QEMU has it.
    second.put(0);
    check(
        format_args!("across.second.load"),
        run(Mode::S, &[ld(A0, A0, 0)], &[address]),
        load_at(second.address),
    );
    let got = run(Mode::S, &[sd(A1, A0, 0)], &[address, 0]);
    check(
        format_args!("across.second.store"),
        got,
        store_at(second.address),
    );
    untouched("second");
    second.leaf(pte::ALL & !(pte::W | pte::D));
    let got = run(Mode::S, &[sd(A1, A0, 0)], &[address, 0]);
    check(
        format_args!("across.second.read-only"),
        got,
        store_at(second.address),
    );
    untouched("read-only");
    second.leaf(pte::ALL);
    first.put(0);
    check(
        format_args!("across.first.load"),
        run(Mode::S, &[ld(A0, A0, 0)], &[address]),
        load_at(address),
    );
    let got = run(Mode::S, &[sd(A1, A0, 0)], &[address, 0]);
    check(format_args!("across.first.store"), got, store_at(address));
    untouched("first");
    second.put(0);
    check(
        format_args!("across.both.load"),
        run(Mode::S, &[ld(A0, A0, 0)], &[address]),
        load_at(address),
    );
}

/// A four-byte instruction whose second half is on the next page.
fn fetch_across(first: Place) {
    const FAR: u64 = DATA + 0x8000;
    let second = Place {
        entry: first.entry + 8,
        address: first.address + 0x1000,
        page: FAR,
    };
    let address = second.address - 2;
    first.leaf(pte::ALL);
    second.leaf(pte::ALL);
    // addi a0, zero, 77 in two halves, then an ecall.
    let instruction = addi(A0, ZERO, 77);
    memory::write8(DATA + 0xffe, instruction as u8);
    memory::write8(DATA + 0xfff, (instruction >> 8) as u8);
    memory::write8(FAR, (instruction >> 16) as u8);
    memory::write8(FAR + 1, (instruction >> 24) as u8);
    for (index, byte) in crate::insn::ECALL.to_le_bytes().into_iter().enumerate() {
        memory::write8(FAR + 2 + index as u64, byte);
    }
    let outcome = Run::new(Mode::S, &[jalr(RA, A0, 0)]).go(&[address]);
    let got = (outcome.frame.cause, outcome.frame.epc, outcome.register(A0));
    check(
        format_args!("across.fetch"),
        got,
        (cause::ECALL_S, address + 4, 77),
    );
    second.put(0);
    let outcome = Run::new(Mode::S, &[jalr(RA, A0, 0)]).go(&[address]);
    let got = (outcome.frame.cause, outcome.frame.epc, outcome.frame.tval);
    check(
        format_args!("across.fetch.second"),
        got,
        (cause::FETCH_PAGE, address, second.address),
    );
    // A two-byte instruction at the same place does not need the second page.
    memory::write8(DATA + 0xffe, 0x01);
    memory::write8(DATA + 0xfff, 0);
    let outcome = Run::new(Mode::S, &[jalr(RA, A0, 0)]).go(&[address]);
    let got = (outcome.frame.cause, outcome.frame.epc, outcome.frame.tval);
    let want = (cause::FETCH_PAGE, second.address, second.address);
    check(format_args!("across.fetch.compressed"), got, want);
}

fn reservations() {
    for size in [2, 3] {
        let name = if size == 2 { "w" } else { "d" };
        memory::write64(DATA, 1);
        memory::write64(DATA + 0x800, 1);
        let code = [lr(size, A2, A0), sc(size, A3, A0, A1), add(A0, A3, ZERO)];
        let got = run(Mode::S, &code, &[DATA, 5]);
        check(
            format_args!("sc.{name}.after-lr"),
            (got, memory::read64(DATA)),
            (End::Done(0), 5),
        );
        let code = [sc(size, A3, A0, A1), add(A0, A3, ZERO)];
        let got = run(Mode::S, &code, &[DATA, 6]);
        let failed = matches!(got, End::Done(value) if value != 0);
        check(
            format_args!("sc.{name}.alone"),
            (failed, memory::read64(DATA)),
            (true, 5),
        );
        let code = [lr(size, A3, A0), sc(size, A3, A2, A1), add(A0, A3, ZERO)];
        let got = run(Mode::S, &code, &[DATA, 6, DATA + 0x800]);
        let failed = matches!(got, End::Done(value) if value != 0);
        let data = (memory::read64(DATA), memory::read64(DATA + 0x800));
        check(
            format_args!("sc.{name}.elsewhere"),
            (failed, data),
            (true, (5, 1)),
        );
        let code = [
            lr(size, A3, A0),
            sc(size, A3, A0, A1),
            sc(size, A3, A0, A2),
            add(A0, A3, ZERO),
        ];
        let got = run(Mode::S, &code, &[DATA, 6, 7]);
        let failed = matches!(got, End::Done(value) if value != 0);
        check(
            format_args!("sc.{name}.twice"),
            (failed, memory::read64(DATA)),
            (true, 6),
        );
        let code = [
            lr(size, A3, A0),
            sc(size, A3, A2, A1),
            sc(size, A3, A0, A1),
            add(A0, A3, ZERO),
        ];
        let got = run(Mode::S, &code, &[DATA, 8, DATA + 0x800]);
        let failed = matches!(got, End::Done(value) if value != 0);
        check(format_args!("sc.{name}.failure-ends-it"), failed, true);
    }
    memory::write64(DATA, 0xffff_ffff_8000_0000);
    let got = run(Mode::S, &[lr(2, A0, A0)], &[DATA]);
    check(
        format_args!("lr.w.sign"),
        got,
        End::Done(0xffff_ffff_8000_0000),
    );
}

/// Atomics must be aligned. The manual allows either cause; QEMU and we take "misaligned".
fn atomics_misaligned() {
    for (size, offset) in [(2, 1), (2, 2), (3, 4), (3, 1)] {
        let address = DATA + offset;
        let got = run(Mode::S, &[amo(AMOADD, size, A2, A0, A1)], &[address, 1]);
        let want = End::Trap(Mode::M, cause::STORE_MISALIGNED, 0, address);
        check_newer(format_args!("amo.misaligned.{size}.{offset}"), got, want);
        let got = run(Mode::S, &[lr(size, A2, A0)], &[address]);
        let want = End::Trap(Mode::M, cause::LOAD_MISALIGNED, 0, address);
        check_newer(format_args!("lr.misaligned.{size}.{offset}"), got, want);
    }
}

/// An atomic is a store for the translation, even where it could not read.
fn atomics_faults(place: Place) {
    let atomic = amo(AMOADD, 3, A2, A0, A1);
    for (name, flags) in [
        ("invalid", 0),
        ("read-only", pte::V | pte::R | pte::A | pte::D),
        ("execute-only", pte::V | pte::X | pte::A | pte::D),
        ("user", pte::ALL | pte::U),
    ] {
        place.leaf(flags);
        let got = run(Mode::S, &[atomic], &[place.address, 1]);
        let want = End::Trap(Mode::M, cause::STORE_PAGE, 0, place.address);
        check_newer(format_args!("amo.fault.{name}"), got, want);
    }
    place.put(0);
    let got = run(Mode::S, &[lr(3, A2, A0)], &[place.address]);
    let want = End::Trap(Mode::M, cause::LOAD_PAGE, 0, place.address);
    check(format_args!("lr.fault.invalid"), got, want);
    place.leaf(pte::V | pte::R | pte::A | pte::D);
    let code = [lr(3, A2, A0), sc(3, A2, A0, A1)];
    let got = run(Mode::S, &code, &[place.address, 1]);
    let want = End::Trap(Mode::M, cause::STORE_PAGE, 4, place.address);
    check(format_args!("sc.fault.read-only"), got, want);
    place.put(point(place.page, pte::ALL));
    let got = Access::Load.attempt(Mode::S, 0, place.address);
    check(format_args!("amo.fault.repaired"), got, Ok(()));
}

/// Runs an instruction, replaces it, fences, and runs the new one.
fn self_modifying() {
    const BACK: u32 = 0xfedf_f06f;
    let code = [
        addi(A2, ZERO, 1),
        bne(A3, ZERO, 20),
        store(2, A1, A0, 0),
        FENCE_I,
        addi(A3, ZERO, 1),
        BACK,
        add(A0, A2, ZERO),
    ];
    for mode in [Mode::M, Mode::S, Mode::U] {
        let got = run(mode, &code, &[CODE, u64::from(addi(A2, ZERO, 2)), 0, 0]);
        check(format_args!("fence.i.{mode:?}"), got, End::Done(2));
    }
}
