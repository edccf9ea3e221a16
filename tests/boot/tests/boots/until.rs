//! Runs in parts, and guests that come to nothing.

use tests_boot::{Deed, Guest, Machine};
use vm_runtime::{Outcome, Stop, Until};

/// `j .`
const HERE: u32 = 0x0000_006f;
/// `wfi`
const WFI: u32 = 0x1050_0073;
/// `j` to the instruction before
const BACK: u32 = 0xffdf_f06f;
/// Instructions of the boot ROM, which every hart begins with.
const ROM: u64 = 6;

/// Prints the letters from `a` on, three instructions each.
#[rustfmt::skip] // One instruction a line.
const LETTERS: [u32; 5] = [
    0x1000_02b7, // lui t0, 0x10000
    0x0610_0313, // li t1, 'a'
    0x0062_8023, // sb t1, 0(t0)
    0x0013_0313, // addi t1, t1, 1
    0xff9f_f06f, // j to the store
];

const END: u64 = 200_000;

fn letters(pauses: &[&str]) -> Machine {
    let guest = Guest::words(&LETTERS).cpus(2).seed(1).limit(END);
    let pause = |guest: Guest, mark: &&str| guest.on(mark, Deed::Pause);
    pauses.iter().fold(guest, pause).machine()
}

#[test]
fn a_pause_comes_right_behind_the_instruction_that_prints() {
    let mut whole = letters(&[]);
    let whole = whole.vm.run().expect("a run");
    assert_eq!(whole.outcome, Outcome::Limit);

    let mut cut = letters(&["c", "d", "z"]);
    // The first hart prints all of these in its first turn.
    for (number, last) in [(2, 'c'), (3, 'd'), (25, 'z')] {
        let stop = cut.vm.run_until(Until::default()).expect("a part");
        assert_eq!(stop, Stop::Paused);
        let text = cut.text();
        assert!(text.ends_with(last), "{text}");
        assert_eq!(cut.vm.instructions(), ROM + 2 + 3 * number + 1);
    }
    let stop = cut.vm.run_until(Until::default()).expect("the rest");
    assert_eq!(stop, Stop::Ended(whole));
}

#[test]
fn a_part_ends_at_its_time_or_its_instructions() {
    let mut whole = letters(&[]);
    let whole = whole.vm.run().expect("a run");
    let mut cut = letters(&[]);
    for at in [1, 10, 1000, 49_990, 50_000, 60_001, 123_456] {
        let until = Until {
            guest_ns: Some(at),
            ..Until::default()
        };
        assert_eq!(cut.vm.run_until(until).expect("a part"), Stop::Time);
        assert_eq!((cut.vm.guest_ns(), cut.vm.instructions()), (at, at));
        let until = Until {
            insns: Some(at + 3),
            ..Until::default()
        };
        assert_eq!(cut.vm.run_until(until).expect("a part"), Stop::Instructions);
        assert_eq!((cut.vm.guest_ns(), cut.vm.instructions()), (at + 3, at + 3));
    }
    let stop = cut.vm.run_until(Until::default()).expect("the rest");
    assert_eq!(stop, Stop::Ended(whole));
}

/// Sets the timer of hart 0 to 10 ms, waits for it, and goes in circles.
#[rustfmt::skip] // One instruction a line.
const SLEEPER: [u32; 9] = [
    0x0200_42b7, // lui t0, 0x2004
    0x0001_8337, // lui t1, 0x18
    0x6a03_0313, // addi t1, t1, 0x6a0: 100 000 ticks of 100 ns
    0x0062_b023, // sd t1, 0(t0)
    0x0800_0393, // li t2, 0x80
    0x3043_a073, // csrs mie, t2
    WFI,
    0x0000_0013, // nop
    HERE,
];

#[test]
fn idle_time_is_skipped_no_further_than_the_part_goes() {
    let mut machine = Guest::words(&SLEEPER).seed(1).limit(11_000_000).machine();
    for at in [1_000_000, 9_999_999] {
        let until = Until {
            guest_ns: Some(at),
            ..Until::default()
        };
        assert_eq!(machine.vm.run_until(until).expect("a part"), Stop::Time);
        assert_eq!(machine.vm.guest_ns(), at);
        assert_eq!(machine.vm.instructions(), ROM + 7, "it still waits");
    }
    let until = Until {
        guest_ns: Some(10_000_100),
        ..Until::default()
    };
    assert_eq!(machine.vm.run_until(until).expect("a part"), Stop::Time);
    assert_eq!(machine.vm.instructions(), ROM + 7 + 100, "it goes on");
}

#[test]
fn the_watchdog_sees_that_nothing_happens() {
    for cpus in [1, 3] {
        let guest = Guest::words(&[HERE]).cpus(cpus).limit(10_000_000).seed(1);
        let boot = guest
            .clone()
            .watchdog(1_000_000)
            .run()
            .ends(Outcome::Silent);
        let late = boot.ending.guest_ns - 1_000_000;
        assert!(late <= 50_000, "{late} ns behind the limit");
        let _ = guest.watchdog(20_000_000).run().ends(Outcome::Limit);
    }
    let guest = Guest::words(&LETTERS).limit(3_000_000).seed(1);
    let _ = guest.watchdog(1_000_000).run().ends(Outcome::Limit);
    // In the host's time too.
    let guest = Guest::words(&[HERE]).limit(u64::MAX);
    let _ = guest.watchdog(1_000_000).run().ends(Outcome::Silent);
}

#[test]
fn input_that_nobody_reads_keeps_no_guest_alive() {
    let guest = Guest::words(&[WFI, BACK]).limit(100_000).send("", "x\n");
    let _ = guest.clone().run().ends(Outcome::Hung);
    let _ = guest.seed(1).run().ends(Outcome::Hung);
}
