//! Checks of privileged behaviour, in M-mode without firmware.

use tests_boot::{Boot, Guest};
use vm_runtime::Outcome;

fn check(cpus: u32) -> Boot {
    let boot = Guest::privileged().cpus(cpus).limit(200_000_000).run();
    assert!(!boot.text.contains("FAIL"), "{}", boot.text);
    boot.ends(Outcome::PowerOff)
}

#[test]
fn with_two_harts_nothing_is_skipped() {
    let boot = check(2).says(&[" ok, 0 failed, 0 skipped\n"]);
    assert!(boot.text.matches("ok ").count() > 1000, "{}", boot.text);
}

#[test]
fn with_one_hart_only_what_needs_two_is_skipped() {
    let boot = check(1).says(&["skip harts", " ok, 0 failed, 1 skipped\n"]);
    assert_eq!(boot.text.matches("skip ").count(), 1, "{}", boot.text);
}
