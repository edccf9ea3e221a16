//! One boot to a shell prompt in virtual time, saved there; each test goes on from it with a
//! setting of its own. What is typed and read at a shell is in `suite/shell.boot.toml`.

use std::sync::OnceLock;

use tests_boot::{Guest, Machine};
use vm_runtime::{OnReset, Outcome, Snapshot};

const PROMPT: &str = "~ # ";

/// A machine that stands at the prompt.
struct Prompt {
    state: Snapshot,
    instructions: u64,
}

fn guest() -> Option<Guest> {
    // The early console says soon after a restart that there was one.
    Some(Guest::linux("shell earlycon=sbi")?.seed(7))
}

fn at_prompt() -> Option<&'static Prompt> {
    static PROMPTED: OnceLock<Result<Option<Prompt>, String>> = OnceLock::new();
    // A boot that fails is not tried again by the next test.
    let prompted = PROMPTED.get_or_init(|| {
        let Some(guest) = guest() else {
            return Ok(None);
        };
        let mut machine = guest.stop_at(PROMPT).machine();
        let ending = machine.vm.run().map_err(|error| error.to_string())?;
        let text = machine.text();
        if ending.outcome != Outcome::Interrupted || text.contains("VM-FAIL") {
            return Err(format!("{ending:?}\n{text}"));
        }
        Ok(Some(Prompt {
            state: machine.vm.snapshot(),
            instructions: ending.instructions,
        }))
    });
    let prompt = prompted.as_ref();
    prompt.unwrap_or_else(|why| panic!("{why}")).as_ref()
}

/// Types a line at the prompt, and gives the machine when it has ended, with what it printed.
pub(super) fn typed(line: &str, limit: u64) -> Option<Machine> {
    let prompt = at_prompt()?;
    let guest = guest().expect("the images are still there");
    let guest = guest.limit(prompt.instructions + limit);
    let mut machine = guest.send("", &format!("{line}\n")).restored(&prompt.state);
    let ending = machine.vm.run().expect("the machine goes on");
    assert_eq!(ending.outcome, Outcome::PowerOff, "{}", machine.text());
    Some(machine)
}

/// Types a line at the prompt; a `limit` counts from there.
fn check(line: &str, on_reset: OnReset, limit: u64, end: Outcome, says: &[&str], resets: u32) {
    let Some(prompt) = at_prompt() else { return };
    let guest = guest().expect("the images are still there");
    let guest = guest.on_reset(on_reset).limit(prompt.instructions + limit);
    let boot = guest.send("", &format!("{line}\n")).run_from(&prompt.state);
    let boot = boot.ends(end).says(says);
    assert_eq!(boot.ending.resets, resets, "{line}\n{}", boot.text);
}

#[test]
fn a_reboot_starts_the_kernel_again_or_ends_the_run() {
    let says = ["reboot: Restarting system", "Linux version"];
    for (on_reset, limit, end, says, resets) in [
        (OnReset::Restart, 150_000_000, Outcome::Limit, &says[..], 1),
        (OnReset::End, 500_000_000, Outcome::Reset, &says[..1], 0),
    ] {
        check("reboot -f", on_reset, limit, end, says, resets);
    }
}

#[test]
fn a_panic_is_the_end_unless_restarts_always_are_wanted() {
    let line = "echo c >/proc/sysrq-trigger";
    let says = [
        "Kernel panic - not syncing: sysrq triggered crash",
        "Linux version",
    ];
    let panicked = Outcome::Panicked;
    for (on_reset, limit, end, says, resets) in [
        (OnReset::Restart, 500_000_000, panicked, &says[..1], 0),
        (OnReset::End, 500_000_000, panicked, &says[..1], 0),
        (OnReset::Always, 150_000_000, Outcome::Limit, &says[..], 1),
    ] {
        check(line, on_reset, limit, end, says, resets);
    }
}
