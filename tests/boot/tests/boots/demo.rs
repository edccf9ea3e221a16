//! The demo guest, which needs nothing but the tree.

use tests_boot::{Boot, Guest};
use vm_runtime::{OnReset, Outcome};

const PROMPT: &str = "vm> ";

/// Types each line at a prompt.
fn typed(guest: Guest, lines: &[&str]) -> Guest {
    let send = |guest: Guest, line: &&str| guest.send(PROMPT, &format!("{line}\n"));
    lines.iter().fold(guest.limit(2_000_000_000), send)
}

fn boot(guest: Guest, lines: &[&str]) -> Boot {
    typed(guest, lines).run()
}

#[test]
fn every_command_answers() {
    let lines = [
        "help", "cpu", "mem", "time", "irq", "bench", "dt", "nonsense", "off",
    ];
    let boot = boot(Guest::demo(), &lines).ends(Outcome::PowerOff);
    let boot = boot.says(&[
        "128 MiB of memory, 1 hart, ",
        "vm> help",
        "  off     power off",
        "vm> cpu",
        "harts      0 (started), this is 0",
        "isa        rv64imafdc",
        "sv39 in use",
        "timer by stimecmp",
        "sbi        2.0",
        "vm> mem",
        "vm> time",
        " s since reset, counted at 10000000 Hz",
        " UTC",
        "vm> irq",
        "serial ",
        "over 16 timers",
        "vm> bench",
        "vm> dt",
        "ns16550a",
        "vm> nonsense",
        "unknown command 'nonsense'",
        "vm> off",
        "Bye.",
    ]);
    assert_eq!(boot.ending.resets, 0);
}

#[test]
fn four_harts_are_there_and_three_of_them_wait() {
    let lines = ["cpu", "irq", "off"];
    let guest = Guest::demo().cpus(4).seed(3);
    let first = boot(guest.clone(), &lines).ends(Outcome::PowerOff);
    let first = first.says(&["4 harts", "0 (started) 1 (stopped) 2 (stopped) 3 (stopped)"]);
    let second = boot(guest, &lines);
    assert_eq!(
        (first.hash(), first.text.as_str()),
        (second.hash(), second.text.as_str())
    );
    let other = boot(Guest::demo().cpus(4).seed(4), &lines);
    assert_ne!(first.hash(), other.hash(), "the seed is in the device tree");
}

#[test]
fn a_crash_ends_the_run_even_if_restarts_do_not() {
    for on_reset in [OnReset::Restart, OnReset::End] {
        let boot = boot(Guest::demo().on_reset(on_reset), &["panic"]).ends(Outcome::Panicked);
        let boot = boot.says(&["Kernel panic - not syncing: demo asked for it"]);
        assert_eq!(boot.ending.resets, 0, "{on_reset:?}");
    }
}

#[test]
fn a_restart_is_counted_or_is_the_end() {
    let again = boot(Guest::demo(), &["reboot", "off"]).ends(Outcome::PowerOff);
    let again = again.says(&["since reset", "Starting again.", "since reset", "Bye."]);
    assert_eq!(again.ending.resets, 1);

    let crashed = Guest::demo().on_reset(OnReset::Always);
    let crashed = boot(crashed, &["panic", "off"]).ends(Outcome::PowerOff);
    assert_eq!(crashed.ending.resets, 1);

    let end = Guest::demo().on_reset(OnReset::End);
    assert_eq!(boot(end, &["reboot"]).ends(Outcome::Reset).ending.resets, 0);
}
