//! GDB itself debugs the stock kernel.

use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tests_boot::Guest;
use tests_xtask::images::need;
use vm_runtime::gdb::{Address, Gdb, Server};
use vm_runtime::{Outcome, read_symbols};

const GDB: &str = "gdb-multiarch";

/// What GDB is to do; `echo` lines say which answers belong to which question.
const SCRIPT: &str = r#"
set pagination off
set confirm off
set architecture riscv:rv64
symbol-file SYMBOLS
target remote SOCKET
echo @reset\n
info threads
p/x $pc
hbreak start_kernel
continue
echo @start_kernel\n
p/x $pc
p $priv
p/x $satp != 0
monitor info cpus
stepi
x/i $pc
monitor walk linux_banner
x/s (char *)&linux_banner
delete
echo @secondary\n
break smp_callin
continue
info threads
thread
delete
echo @watch\n
watch *(long *)&jiffies_64
continue
delete
rwatch *(long *)&jiffies_64
continue
delete
echo @write\n
set $saved = $a7
set $a7 = 42
p $a7
set $a7 = $saved
set var *(long *)&jiffies_64 = *(long *)&jiffies_64
monitor break kernel_power_off
continue
p $pc == (long)&kernel_power_off
monitor delete
echo @end\n
continue
"#;

/// Whether there is a GDB; in CI there must be one.
fn have_gdb() -> bool {
    let version = Command::new(GDB).arg("--version").output();
    let there = version.is_ok_and(|output| output.status.success());
    if !there {
        let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!in_ci, "there is no {GDB}");
        // Not `eprintln!`: the test runner would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIP gdb: there is no {GDB}");
    }
    there
}

/// What GDB printed between a mark and the next one.
fn part<'a>(text: &'a str, mark: &str) -> &'a str {
    let (_, behind) = text
        .split_once(&format!("@{mark}\n"))
        .unwrap_or_else(|| panic!("no @{mark} in\n{text}"));
    behind.split_once("\n@").map_or(behind, |(part, _)| part)
}

fn check(text: &str, mark: &str, wanted: &[&str]) {
    let mut rest = part(text, mark);
    for want in wanted {
        match rest.split_once(want) {
            Some((_, behind)) => rest = behind,
            None => panic!("no {want:?} where it should be in @{mark}\n{text}"),
        }
    }
}

#[test]
fn gdb_debugs_a_booting_kernel_and_the_guest_does_not_know() {
    let Some(guest) = Guest::linux("off") else {
        return;
    };
    if !have_gdb() {
        return;
    }
    let guest = guest.cpus(2).seed(5);
    let undisturbed = guest.run().ends(Outcome::PowerOff);

    let folder = TempDir::new().expect("a temporary folder");
    let kernel = need("riscv64/kernel").expect("the kernel was booted");
    let symbols = read_symbols(&kernel).expect("the kernel has a table of symbols");
    let elf = folder.path().join("kernel.elf");
    std::fs::write(&elf, symbols.to_elf(243)).expect("the symbols are written");
    let socket = folder.path().join("gdb.sock");
    let script = SCRIPT
        .replace("SYMBOLS", &elf.display().to_string())
        .replace("SOCKET", &socket.display().to_string());
    let commands = folder.path().join("commands");
    std::fs::write(&commands, script).expect("the script is written");

    let mut machine = guest.machine();
    let server = Server::listen(&Address::File(socket), machine.waker()).expect("a socket");
    machine.vm.set_debugger(Box::new(Gdb::new(server, true)));
    let gdb = Command::new(GDB)
        .args(["-q", "-nx", "-batch", "-x"])
        .arg(&commands)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("GDB starts");
    let ending = machine.vm.run().expect("the machine runs");
    let output = gdb.wait_with_output().expect("GDB ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(ending.outcome, Outcome::PowerOff, "{text}\n{errors}");

    check(
        &text,
        "reset",
        &[
            "Thread 1 (cpu0 running",
            "Thread 2 (cpu1 stopped",
            "= 0x80200000",
        ],
    );
    check(
        &text,
        "start_kernel",
        &[
            "in start_kernel ()",
            "<start_kernel+2>:",
            "\"Linux version 6.",
        ],
    );
    check(
        &text,
        "secondary",
        &["in smp_callin ()", "* 2    Thread 2", "Current thread is 2"],
    );
    check(
        &text,
        "watch",
        &[
            "Hardware watchpoint",
            "Old value = ",
            "New value = ",
            "Hardware read watchpoint",
            "Value = ",
        ],
    );
    check(&text, "write", &["= 42", "= 1"]);
    check(&text, "end", &["exited normally"]);
    // What the monitor says comes by another way.
    for said in [
        "cpu0 running, privilege 1, at start_kernel\n",
        ": a page of 2048 KiB\n",
        " is at physical 0x8",
        "kernel_power_off\n",
    ] {
        assert!(errors.contains(said), "{said}\n{errors}");
    }
    // Whoever stops a guest and lets it go on changes nothing.
    assert_eq!(machine.text(), undisturbed.text);
    assert_eq!(ending, undisturbed.ending, "{text}");
}
