//! Devices are asked once for each access, and what they do shows right behind it.

use vm_core::{Access, AccessKind, Answer, Exit, Fault, GuestPhys, Space, Vcpu, Width};

use super::rig::{DEVICE, LINE, R, RAM, RW, RX, Rig};

fn access(addr: u64, width: Width, kind: AccessKind) -> Access {
    let (space, addr) = (Space::Memory, GuestPhys(addr));
    Access {
        space,
        addr,
        width,
        kind,
    }
}

fn machine(program: &str) -> Rig {
    let mut rig = Rig::new(1);
    rig.put(RAM, program);
    rig.put(RAM + 0x100, "addi s11, zero, 1\nloop:\njal zero, @loop");
    rig.set(0, "mtvec", RAM + 0x100);
    rig.set(0, "a0", DEVICE);
    rig.set(0, "a1", 0x1122_3344_5566_7788);
    rig
}

#[test]
fn loads_and_stores_of_every_width_are_asked_as_they_are() {
    for (text, width, store, wanted) in [
        ("lb s0, 8(a0)", Width::B1, None, 0xffff_ffff_ffff_ff88),
        ("lhu s0, 8(a0)", Width::B2, None, 0x7788),
        ("lw s0, 8(a0)", Width::B4, None, 0x5566_7788),
        ("ld s0, 8(a0)", Width::B8, None, 0x1122_3344_5566_7788),
        ("sb a1, 8(a0)", Width::B1, Some(0x88), 0),
        ("sd a1, 8(a0)", Width::B8, Some(0x1122_3344_5566_7788), 0),
    ] {
        let mut rig = machine(&format!("addi s1, s1, 1\n{text}\naddi s1, s1, 1"));
        let kind = store.map_or(AccessKind::Load, AccessKind::Store);
        let wants = Exit::Access(access(DEVICE + 8, width, kind));
        // Without an answer, or with one that comes later, the same is asked again.
        assert_eq!(rig.slice(0, 3), (wants, 1), "{text}");
        rig.cpus[0].answer(Answer::Later(1));
        assert_eq!(rig.slice(0, 3), (wants, 0), "{text}");
        let mask = u64::MAX >> (64 - 8 * width.bytes());
        rig.cpus[0].answer(Answer::Done(0x1122_3344_5566_7788 & mask));
        assert_eq!(rig.slice(0, 2), (Exit::Budget, 2), "{text}");
        assert_eq!((rig.get(0, "s0"), rig.get(0, "s1")), (wanted, 2), "{text}");
    }
}

#[test]
fn a_refused_access_traps_and_is_not_retired() {
    for (text, cause) in [
        ("ld s0, 8(a0)", 5),
        ("sd a1, 8(a0)", 7),
        ("amoadd.d s0, a1, (a0)", 7),
    ] {
        let mut rig = machine(text);
        if !text.starts_with("amo") {
            assert!(matches!(rig.run(0, 1), Exit::Access(_)), "{text}");
            rig.cpus[0].answer(Answer::Fault(Fault::NoRegister));
        }
        assert_eq!(rig.slice(0, 1), (Exit::Budget, 1), "{text}");
        let found = ["mcause", "mepc", "s0", "s11"].map(|name| rig.get(0, name));
        assert_eq!(found, [cause, RAM, 0, 1], "{text}");
    }
}

#[test]
fn an_access_over_two_device_pages_is_asked_byte_by_byte() {
    let mut rig = machine("ld s0, 0(a0)\nsw s0, 0(a0)");
    rig.set(0, "a0", DEVICE + 0xffe);
    rig.run_cut(2, || 100);
    let at = |access: &Access| (access.addr.0 - DEVICE, access.width, access.kind);
    let asked: Vec<_> = rig.asked.iter().map(at).collect();
    let loads = (0..8).map(|n| (0xffe + n, Width::B1, AccessKind::Load));
    let stores = (0..4).map(|n| (0xffe + n, Width::B1, AccessKind::Store(n + 1)));
    assert_eq!(asked, loads.chain(stores).collect::<Vec<_>>());
    assert_eq!(rig.get(0, "s0"), 0x0807_0605_0403_0201);
}

#[test]
fn a_line_that_an_access_raises_interrupts_right_behind_it() {
    // Long before the end of a block and of a slice.
    let mut rig = machine("addi s0, s0, 1\nsw a1, 8(a0)\naddi s0, s0, 1\naddi s0, s0, 1");
    rig.set(0, "a1", 1);
    rig.set(0, "mie", 1 << LINE);
    rig.set(0, "mstatus", 8);
    rig.run_cut(10, || 1000);
    let found = ["s0", "mepc", "mcause"].map(|name| rig.get(0, name));
    assert_eq!(found, [1, RAM + 8, 1 << 63 | u64::from(LINE)]);
}

#[test]
fn an_interrupt_waits_for_the_answer_of_an_access_on_its_way() {
    let mut rig = machine("lw s0, 0(a0)\naddi s1, s1, 1");
    rig.set(0, "mie", 1 << LINE);
    rig.set(0, "mstatus", 8);
    assert!(matches!(rig.run(0, 10), Exit::Access(_)));
    rig.cpus[0].answer(Answer::Done(5));
    rig.cpus[0].set_line(LINE, true);
    rig.run(0, 10);
    let found = ["s0", "s1", "mepc"].map(|name| rig.get(0, name));
    assert_eq!(
        found,
        [5, 0, RAM + 4],
        "the access is done, and not torn from its answer"
    );
}

#[test]
fn a_kick_gives_control_back_once() {
    let mut rig = machine("loop:\naddi s0, s0, 1\njal zero, @loop");
    let kick = rig.cpus[0].kick();
    kick.raise();
    assert_eq!(rig.slice(0, 100), (Exit::Kicked, 0));
    assert_eq!(rig.slice(0, 100), (Exit::Budget, 100));
}

#[test]
fn device_pages_are_found_behind_a_translation_and_never_run() {
    let mut rig = machine("");
    let root = rig.root();
    rig.put(RAM + 0x4000, "sw a1, 4(a0)\njalr zero, 0(a0)");
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.map(root, 0x30000, DEVICE, RW | R | 8, false);
    rig.translate(0, root, 1);
    rig.set(0, "a0", 0x30000);
    rig.set(0, "pc", 0x10000);
    rig.run_cut(4, || 1000);
    assert_eq!(rig.asked[0].addr, GuestPhys(DEVICE + 4));
    let found = ["mcause", "mepc", "s11"].map(|name| rig.get(0, name));
    assert_eq!(found, [1, 0x30000, 1]);
}
