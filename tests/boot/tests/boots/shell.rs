//! One boot to a shell prompt in virtual time, saved there; each test goes on from it and types
//! its own commands.

use std::sync::OnceLock;

use tempfile::NamedTempFile;
use tests_boot::Guest;
use vm_runtime::{DiskAccess, OnReset, Outcome, Snapshot};

const PROMPT: &str = "~ # ";

/// A machine that stands at the prompt.
struct Prompt {
    /// A disk that may only be read; its first sector is full of the letter `r`.
    disk: NamedTempFile,
    state: Snapshot,
    instructions: u64,
}

fn guest(disk: &NamedTempFile) -> Option<Guest> {
    // The early console says soon after a restart that there was one.
    let guest = Guest::linux("shell modules=1 earlycon=sbi")?.seed(7);
    Some(guest.disk(disk.path(), DiskAccess::ReadOnly))
}

fn at_prompt() -> Option<&'static Prompt> {
    static PROMPTED: OnceLock<Result<Option<Prompt>, String>> = OnceLock::new();
    // A boot that fails is not tried again by the next test.
    let prompted = PROMPTED.get_or_init(|| {
        let mut disk = NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut disk, &[b'r'; 4096]).expect("a disk of eight sectors");
        let Some(guest) = guest(&disk) else {
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
            disk,
            instructions: ending.instructions,
        }))
    });
    let prompt = prompted.as_ref();
    prompt.unwrap_or_else(|why| panic!("{why}")).as_ref()
}

/// Types a line at the prompt; a `limit` counts from there.
fn check(line: &str, on_reset: OnReset, limit: u64, end: Outcome, says: &[&str], resets: u32) {
    let Some(prompt) = at_prompt() else { return };
    let guest = guest(&prompt.disk).expect("the images are still there");
    let guest = guest.on_reset(on_reset).limit(prompt.instructions + limit);
    let boot = guest.send("", &format!("{line}\n")).run_from(&prompt.state);
    let boot = boot.ends(end).says(says);
    assert_eq!(boot.ending.resets, resets, "{line}\n{}", boot.text);
}

#[test]
fn poweroff_is_the_end() {
    let says = ["reboot: Power down"];
    check(
        "poweroff -f",
        OnReset::Restart,
        500_000_000,
        Outcome::PowerOff,
        &says,
        0,
    );
}

#[test]
fn the_end_of_the_shell_is_not_the_end_of_init() {
    let says = ["VM-OFF", "reboot: Power down"];
    check(
        "exit",
        OnReset::Restart,
        500_000_000,
        Outcome::PowerOff,
        &says,
        0,
    );
}

#[test]
fn a_reboot_starts_the_kernel_again_or_ends_the_run() {
    let says = ["reboot: Restarting system", "Linux version"];
    check(
        "reboot -f",
        OnReset::Restart,
        150_000_000,
        Outcome::Limit,
        &says,
        1,
    );
    check(
        "reboot -f",
        OnReset::End,
        500_000_000,
        Outcome::Reset,
        &says[..1],
        0,
    );
}

#[test]
fn a_panic_is_the_end_unless_restarts_always_are_wanted() {
    let line = "echo c >/proc/sysrq-trigger";
    let says = [
        "Kernel panic - not syncing: sysrq triggered crash",
        "Linux version",
    ];
    check(
        line,
        OnReset::Restart,
        500_000_000,
        Outcome::Panicked,
        &says[..1],
        0,
    );
    check(
        line,
        OnReset::End,
        500_000_000,
        Outcome::Panicked,
        &says[..1],
        0,
    );
    check(line, OnReset::Always, 150_000_000, Outcome::Limit, &says, 1);
}

#[test]
fn a_disk_that_may_only_be_read_refuses_writes() {
    let Some(prompt) = at_prompt() else { return };
    let line = "cat /sys/block/vda/ro; head -c 4 /dev/vda; echo; \
                dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=fsync; echo dd=$?; poweroff -f";
    let says = ["\n1\n", "rrrr\n", "dd: ", "dd=1\n"];
    check(
        line,
        OnReset::Restart,
        500_000_000,
        Outcome::PowerOff,
        &says,
        0,
    );
    let content = std::fs::read(prompt.disk.path()).expect("the disk");
    assert_eq!(content, [b'r'; 4096]);
}

#[test]
fn the_random_device_gives_random_bytes() {
    let line = "cat /sys/class/misc/hw_random/rng_current; \
                dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum | cut -c 1-8; \
                dd if=/dev/hwrng bs=4096 count=1 2>/dev/null | gzip -c | wc -c; poweroff -f";
    // What can not be pressed is longer when it is packed.
    let says = ["virtio_rng.0\n", "\n41"];
    check(
        line,
        OnReset::Restart,
        500_000_000,
        Outcome::PowerOff,
        &says,
        0,
    );
}

#[test]
fn what_is_typed_reaches_a_program() {
    let says = ["typed: some words\n"];
    let line = "read line; echo typed: $line; poweroff -f\nsome words";
    check(
        line,
        OnReset::Restart,
        500_000_000,
        Outcome::PowerOff,
        &says,
        0,
    );
}
