//! What the demo's ends come to under each setting; what it says is in `suite/demo.boot.toml`.

use tests_boot::{Boot, Guest};
use vm_runtime::{OnReset, Outcome};

const PROMPT: &str = "vm> ";

/// Types each line at a prompt.
fn boot(guest: Guest, lines: &[&str]) -> Boot {
    let send = |guest: Guest, line: &&str| guest.send(PROMPT, &format!("{line}\n"));
    let typed = lines.iter().fold(guest.limit(2_000_000_000), send);
    typed.run()
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
