//! The reset button.

use tests_boot::Guest;
use vm_runtime::Outcome;

/// Marks 0x8000_2000 and goes in circles; switches off if the mark is there already.
#[rustfmt::skip] // One instruction a line.
const ONCE: [u32; 11] = [
    0x4000_14b7, // lui s1, 0x40001
    0x0014_9493, // slli s1, s1, 1
    0x0004_b283, // ld t0, 0(s1)
    0x0002_9863, // bnez t0, again
    0x0010_0313, // li t1, 1
    0x0064_b023, // sd t1, 0(s1)
    0x0000_006f, // j .
    0x0010_02b7, // again: lui t0, 0x100
    0x0000_5337, // lui t1, 5
    0x5553_031b, // addiw t1, t1, 0x555
    0x0062_a023, // sw t1, 0(t0)
];

#[test]
fn a_reset_by_the_user_leaves_nothing_in_memory() {
    let mut machine = Guest::words(&ONCE).seed(1).machine();
    let first = machine.run_to(1000).expect("a run");
    assert_eq!((first.outcome, first.resets), (Outcome::Limit, 0));
    machine.vm.control().reset();
    let second = machine.run_to(2000).expect("a run");
    assert_eq!((second.outcome, second.resets), (Outcome::Limit, 1));
}
