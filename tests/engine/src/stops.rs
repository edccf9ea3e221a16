//! A debugger stops a CPU where it wants, and the guest never knows.

use vm_core::{Entropy, Exit, GuestVirt, Stopped, Vcpu, Watchpoint};

use crate::rig::{DEVICE, LINE, R, RAM, RW, RX, Rig};
use crate::slices::{PROGRAM, left, machine};

const INSNS: u64 = 20_000;

fn watch(addr: u64, bytes: u64, loads: bool, stores: bool) -> Watchpoint {
    Watchpoint {
        addr: GuestVirt(addr),
        bytes,
        loads,
        stores,
    }
}

/// Breakpoints and watchpoints that come and go change nothing that is left behind, and each one
/// is met as often as its instruction is executed.
#[test]
fn stopping_and_going_on_changes_nothing() {
    let mut whole = machine();
    whole.run_cut(INSNS, || u64::MAX);
    let wanted = left(&whole);
    let bytes = 2 * PROGRAM.lines().count() as u64;
    for seed in 0..12 {
        let mut random = Entropy::new(seed);
        let mut rig = machine();
        let mut left_over = INSNS;
        while left_over > 0 {
            let part = left_over.min(1 + random.next_u64() % 4000);
            // None, a few, or all; addresses between instructions are never met.
            let share = [u64::MAX, 40, 7, 1][(random.next_u64() % 4) as usize];
            let breaks: Vec<u64> = (0..bytes)
                .map(|at| RAM + 2 * at)
                .filter(|_| random.next_u64().is_multiple_of(share))
                .collect();
            let base = RAM + 0x4ff8 + random.next_u64() % 2048;
            let watches = [watch(base, 8, false, true), watch(DEVICE, 4, true, false)];
            let some = (random.next_u64() % 3) as usize;
            rig.stop_at(&breaks, &watches[..some]);
            rig.stopped.clear();
            let longest = [1, 30, 5000][(random.next_u64() % 3) as usize];
            rig.run_cut(part, || 1 + random.next_u64() % longest);
            for (pc, why) in &rig.stopped {
                let met = *why != Stopped::Breakpoint || breaks.contains(pc);
                assert!(met, "{why:?} at {pc:#x}");
            }
            left_over -= part;
        }
        assert!(left(&rig) == wanted, "seed {seed}: {:?}", left(&rig).0);
    }
}

#[test]
fn a_breakpoint_is_met_each_time_its_instruction_is_reached() {
    let mut rig = Rig::new(1);
    let labels = rig.put(
        RAM,
        "loop:
        addi s0, s0, 1
        c.addi s1, 3
        middle:
        xor s2, s2, s0
        jal zero, @loop",
    );
    // The code is translated and linked before anybody waits for it.
    assert_eq!(rig.run(0, 400), Exit::Budget);
    for name in ["loop", "middle"] {
        rig.stop_at(&[labels[name]], &[]);
        for _ in 0..5 {
            let before = rig.get(0, "s0");
            assert_eq!(
                rig.run(0, 1000),
                Exit::Stopped(Stopped::Breakpoint),
                "{name}"
            );
            assert_eq!(rig.get(0, "pc"), labels[name]);
            assert!(rig.get(0, "s0") - before <= 1);
        }
        rig.stop_at(&[], &[]);
        assert_eq!(rig.run(0, 400), Exit::Budget);
    }
    // Where it already stands it stops, until it has said so.
    rig.set(0, "pc", RAM);
    rig.stop_at(&[RAM], &[]);
    assert_eq!(rig.slice(0, 9), (Exit::Stopped(Stopped::Breakpoint), 0));
    assert_eq!(rig.slice(0, 9), (Exit::Stopped(Stopped::Breakpoint), 4));
    // A step passes over it.
    assert_eq!(rig.cpus[0].step(), Exit::Budget);
    assert_eq!(rig.get(0, "pc"), RAM + 4);
}

/// The same code at two virtual addresses; it jumps from one to the other.
#[test]
fn a_breakpoint_stands_at_a_virtual_address() {
    const ONE: u64 = 0x10000;
    const OTHER: u64 = 0x24000;
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(
        RAM + 0x4000,
        "addi s0, s0, 1
        jal zero, @middle
        middle:
        addi s1, s1, 1
        xor a2, a2, a3
        jalr zero, 0(a2)",
    );
    for virt in [ONE, OTHER] {
        rig.map(root, virt, RAM + 0x4000, RX, false);
    }
    rig.translate(0, root, 1);
    for (name, value) in [("pc", ONE), ("a2", ONE), ("a3", ONE ^ OTHER)] {
        rig.set(0, name, value);
    }
    assert_eq!(rig.run(0, 500), Exit::Budget);
    for at in [0, 4, 8, 16] {
        rig.stop_at(&[OTHER + at], &[]);
        for round in 0..4 {
            let before = rig.get(0, "s0");
            let stop = rig.run(0, 1000);
            assert_eq!(stop, Exit::Stopped(Stopped::Breakpoint), "{at} {round}");
            assert_eq!(rig.get(0, "pc"), OTHER + at);
            assert!(round == 0 || rig.get(0, "s0") - before == 2, "{at}");
        }
    }
}

/// Runs one instruction with `a0` at `addr`, and says whether it met what is watched.
fn meets(text: &str, addr: u64, what: Watchpoint) -> bool {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(RAM + 0x4000, &format!("{text}\nloop:\njal zero, @loop"));
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    for page in 0..4 {
        rig.map(
            root,
            0x20_0000 + 0x1000 * page,
            RAM + 0x8000 + 0x1000 * page,
            RW,
            false,
        );
    }
    rig.translate(0, root, 1);
    rig.store(RAM + 0x9000, 0x55);
    for (name, value) in [("pc", 0x10000), ("a0", addr), ("s1", 0x1122_3344_5566_7788)] {
        rig.set(0, name, value);
    }
    let untouched = |rig: &Rig| {
        (0..0x800)
            .map(|i| rig.load(RAM + 0x8000 + 8 * i))
            .sum::<u64>()
    };
    let before = untouched(&rig);
    rig.stop_at(&[], &[what]);
    let (exit, used) = rig.slice(0, 5);
    if exit != Exit::Stopped(Stopped::Watchpoint(what)) {
        assert_eq!((exit, used), (Exit::Budget, 5), "{text}");
        return false;
    }
    // Nothing of it has happened; going on makes it happen.
    assert_eq!(
        (rig.get(0, "pc"), used, untouched(&rig)),
        (0x10000, 0, before),
        "{text}"
    );
    assert_eq!(rig.slice(0, 5), (Exit::Budget, 5), "{text}");
    true
}

#[test]
fn accesses_to_watched_memory_are_met() {
    const AT: u64 = 0x20_1000;
    for (text, addr, bytes, (loads, stores), want) in [
        ("sd s1, 0(a0)", AT, 8, (false, true), true),
        ("sd s1, 0(a0)", AT - 8, 8, (false, true), false),
        ("sd s1, 0(a0)", AT - 4, 8, (false, true), true),
        ("sd s1, 0(a0)", AT - 7, 1, (false, true), true),
        ("sb s1, 7(a0)", AT, 8, (false, true), true),
        ("sb s1, 8(a0)", AT, 8, (false, true), false),
        ("ld s2, 0(a0)", AT, 8, (false, true), false),
        ("ld s2, 0(a0)", AT, 1, (true, false), true),
        ("sd s1, 0(a0)", AT, 8, (true, false), false),
        ("ld s2, 0(a0)", AT - 3, 8, (true, true), true),
        ("amoadd.d s2, s1, (a0)", AT, 8, (false, true), true),
        ("amoadd.d s2, s1, (a0)", AT, 8, (true, false), true),
        ("lr.d s2, (a0)", AT, 8, (true, false), true),
        ("lr.d s2, (a0)", AT, 8, (false, true), false),
        ("sd s1, 0(a0)", AT, 0x2000, (false, true), true),
        ("sd s1, 0(a0)", AT + 0x1ff8, 0x3000, (false, true), true),
    ] {
        let what = watch(AT, bytes, loads, stores);
        assert_eq!(
            meets(text, addr, what),
            want,
            "{text} at {addr:#x}: {what:?}"
        );
    }
}

#[test]
fn a_trap_comes_before_watched_memory() {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(RAM + 0x4000, "sd s1, 0(a0)");
    rig.put(RAM + 0x100, "loop:\njal zero, @loop");
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.map(root, 0x20_0000, RAM + 0x8000, R, false);
    rig.translate(0, root, 1);
    rig.set(0, "mtvec", RAM + 0x100);
    for addr in [0x20_0000, 0x30_0000] {
        rig.set(0, "priv", 1);
        rig.set(0, "pc", 0x10000);
        rig.set(0, "a0", addr);
        rig.stop_at(&[], &[watch(addr, 8, true, true)]);
        assert_eq!(rig.run(0, 3), Exit::Budget);
        assert_eq!(["mcause", "mtval"].map(|name| rig.get(0, name)), [15, addr]);
    }
}

#[test]
fn a_step_is_one_instruction_or_one_trap() {
    let mut rig = Rig::new(1);
    rig.put(RAM, "addi s0, s0, 1\necall\naddi s0, s0, 1");
    rig.put(RAM + 0x100, "addi s1, s1, 1\nmret");
    rig.set(0, "mtvec", RAM + 0x100);
    let step = |rig: &mut Rig| {
        let before = rig.cpus[0].retired();
        let exit = rig.cpus[0].step();
        (exit, rig.cpus[0].retired() - before, rig.get(0, "pc") - RAM)
    };
    let trapped = Exit::Stopped(Stopped::Step);
    assert_eq!(step(&mut rig), (Exit::Budget, 1, 4));
    assert_eq!(step(&mut rig), (trapped, 0, 0x100));
    assert_eq!(step(&mut rig), (Exit::Budget, 1, 0x104));
    rig.set(0, "mepc", RAM + 8);
    assert_eq!(step(&mut rig), (Exit::Budget, 1, 8));
    // An interrupt that waits is taken, and its handler's first instruction is not executed yet.
    rig.set(0, "mie", 1 << LINE);
    rig.set(0, "mstatus", rig.get(0, "mstatus") | 8);
    rig.cpus[0].set_line(LINE, true);
    assert_eq!(step(&mut rig), (trapped, 0, 0x100));
    assert_eq!(rig.get(0, "mepc"), RAM + 8);
    assert_eq!((rig.get(0, "s0"), rig.get(0, "s1")), (1, 1));
}
