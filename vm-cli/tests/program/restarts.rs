//! A guest that restarts, and what became of its files meanwhile.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use tempfile::TempDir;

use crate::vm::{hear, start, text, vm};

/// Starts the demo from a file, does something to the file when it asks, and lets it restart:
/// exit code, standard output, standard error.
fn restart(folder: &TempDir, flags: &str, change: fn(&Path)) -> (Option<i32>, String, String) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests/demo/demo.bin");
    let kernel = folder.path().join("kernel");
    fs::copy(demo, &kernel).expect("the demo");
    let line = format!("run -k kernel -m 128M {flags}");
    let mut child = start(vm(&line).current_dir(folder.path()));
    let mut keyboard = child.stdin.take().expect("a pipe");
    let mut out = child.stdout.take().expect("a pipe");
    let mut said = Vec::new();
    hear(&mut out, &mut said, "vm> ");
    change(&kernel);
    let typed = keyboard.write_all(b"reboot\r");
    typed.expect("the input is taken");
    hear(&mut out, &mut said, "vm> ");
    // A guest that has ended reads nothing.
    let _ = keyboard.write_all(b"off\r");
    drop(keyboard);
    out.read_to_end(&mut said).expect("the rest");
    child.stdout = Some(out);
    let output = child.wait_with_output().expect("the program ends");
    (output.status.code(), text(&said), text(&output.stderr))
}

#[test]
fn a_guest_restarts_from_a_file_that_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let remove = |path: &Path| fs::remove_file(path).expect("a file");
    let (code, said, messages) = restart(&folder, "", remove);
    assert_eq!(code, Some(0), "{said}\n{messages}");
    assert_eq!(said.matches("since reset").count(), 2, "{said}");
    assert!(said.contains("Bye."), "{said}");
}

#[test]
fn a_guest_whose_file_was_cut_off_ends_with_what_it_has_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = |path: &Path| fs::write(path, b"new").expect("a file");
    let flags = "--trace dev:trace --log log";
    let (code, said, messages) = restart(&folder, flags, cut);
    assert_eq!(code, Some(75), "{said}\n{messages}");
    for part in ["error[VM0027]: ", "--> kernel: ", "  help: start "] {
        assert!(messages.contains(part), "{part} in {messages}");
    }
    assert_eq!(said.matches("since reset").count(), 1, "{said}");
    let log = fs::read_to_string(folder.path().join("log")).expect("the log");
    assert_eq!(log, said);
    let trace = fs::read_to_string(folder.path().join("trace")).expect("the trace");
    assert!(
        trace.lines().count() > 100 && trace.ends_with('\n'),
        "{trace}"
    );
}
