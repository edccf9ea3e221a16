//! An installed Debian from its disk to a login prompt and back to power-off.

use tests_boot::Guest;
use vm_runtime::Outcome;

const LOGIN: &str = "debian login: ";
const PROMPT: &str = "root@debian:~# ";

/// Boots to the prompt of a terminal, logs in, types lines there, and switches it off.
fn check(guest: Guest, typed: &[&str], says: &[&str]) {
    let mut guest = guest.send(LOGIN, "root\n");
    for line in typed {
        guest = guest.send(PROMPT, &format!("{line}\n"));
    }
    let boot = guest.send(PROMPT, "systemctl poweroff\n").run();
    let boot = boot.ends(Outcome::PowerOff);
    let boot = boot.says(&["Debian GNU/Linux 13 debian", LOGIN]).says(says);
    let _ = boot.says(&[LOGIN, "reboot: Power down"]);
}

#[test]
fn root_logs_in_on_the_serial_line_and_nothing_has_failed() {
    let Some(guest) = Guest::debian() else { return };
    let typed = [
        "echo \"machine=$(uname -m) $(tty)\"",
        "echo \"state=$(systemctl is-system-running --wait)\"",
        "echo \"failed=$(systemctl --failed --no-legend | wc -l)\"",
        "echo \"errors=$(dmesg --level emerg,alert,crit,err | wc -l)\"",
        "echo \"root=$(findmnt -no SOURCE,FSTYPE /)\"",
    ];
    let says = [
        "machine=riscv64 /dev/ttyS0\n",
        "state=running\n",
        "failed=0\n",
        "errors=0\n",
        "root=/dev/vda1 ext4\n",
    ];
    check(guest.seed(3), &typed, &says);
}

#[test]
fn root_logs_in_on_the_virtio_console() {
    let Some(guest) = Guest::debian_on_virtio() else {
        return;
    };
    check(
        guest.seed(4),
        &["echo \"here=$(tty)\""],
        &["here=/dev/hvc0\n"],
    );
}
