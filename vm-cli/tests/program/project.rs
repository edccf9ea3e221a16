//! A folder with settings of its own, from outside.

use std::fs;

use crate::vm::output_in;

#[test]
fn settings_decide_a_run_unless_flags_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[vm]\ntime = \"virtual\"\nlimit-insns = 1000\nlog = \"none\"\n\
        [profile.short]\nlimit-insns = 10\n";
    fs::write(folder.path().join("vm.toml"), text).expect("a file");
    for (line, insns) in [
        ("run --json", 1000),
        ("run --json --profile short", 10),
        ("run --json --profile short --limit-insns 20", 20),
        ("run --json --no-config --time virtual --limit-insns 30", 30),
    ] {
        let output = output_in(folder.path(), line);
        assert_eq!(output.status.code(), Some(124), "{line}");
        let ending: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(ending["instructions"], insns, "{line}");
    }
    let shown = output_in(folder.path(), "config show --json --cpus 2");
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown["values"]["cpus"]["from"], "command line");
    assert_eq!(shown["values"]["limit-insns"]["from"], "vm.toml:3");
    assert_eq!(shown["values"]["machine"]["from"], "default");
}

#[test]
fn what_the_guest_prints_is_kept_in_the_log_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "run --time virtual --limit-insns 2000000 --log out.log";
    let output = output_in(folder.path(), line);
    assert_eq!(output.status.code(), Some(124));
    let log = fs::read(folder.path().join("out.log")).expect("the log");
    assert!(!log.is_empty() && log == output.stdout);
    let output = output_in(folder.path(), "run --log missing/out.log");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_command_has_a_manual_page_and_every_flag_is_completed() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = output_in(folder.path(), "man .");
    assert!(written.status.success());
    let page = fs::read_to_string(folder.path().join("vm-run.1")).expect("a page");
    assert!(page.contains("limit\\-insns"), "{page}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = output_in(folder.path(), &format!("completions {shell}"));
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains("limit-insns"), "{shell}");
    }
}
