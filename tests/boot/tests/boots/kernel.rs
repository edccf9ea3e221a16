//! The stock Debian kernel to user space and power-off.

use tests_boot::Guest;
use tests_xtask::images::need;
use vm_runtime::Outcome;

const READY: &str = "VM-READY\n";

/// `None` where the images have not been made.
fn check(cpus: u32, opensbi: bool, seed: Option<u64>) -> Option<()> {
    let mut guest = Guest::linux("smp")?.cpus(cpus);
    if let Some(seed) = seed {
        guest = guest.seed(seed);
    }
    if opensbi {
        guest = guest.firmware(need("riscv64/opensbi.bin")?);
    }
    let boot = guest.run().ends(Outcome::PowerOff);
    let count = format!("VM-SMP cpus {cpus}\n");
    let firmware = if opensbi {
        "SBI implementation ID=0x1"
    } else {
        "ID=0x766d"
    };
    let boot = boot.says(&[
        "Linux version",
        firmware,
        READY,
        &count,
        "VM-SMP ok\n",
        "VM-OFF\n",
    ]);
    assert_eq!(boot.text.contains("OpenSBI v1"), opensbi, "{}", boot.text);
    assert_eq!(boot.ending.resets, 0);
    Some(())
}

#[test]
fn one_hart_in_host_time() {
    check(1, false, None);
}

#[test]
fn four_harts_in_host_time() {
    check(4, false, None);
}

#[test]
fn a_shell_on_the_virtio_console_takes_what_is_typed() {
    let Some(guest) = Guest::linux("shell") else {
        return;
    };
    let guest = guest
        .virtio_console()
        .send("~ # ", "echo $((6 * 7))-typed\n");
    let guest = guest.send("42-typed", "poweroff -f\n");
    let boot = guest.run().ends(Outcome::PowerOff);
    let _ = boot.says(&[READY, "42-typed"]);
}

#[test]
fn one_hart_under_opensbi() {
    check(1, true, None);
}

#[test]
fn four_harts_under_opensbi_in_virtual_time() {
    check(4, true, Some(5));
}
