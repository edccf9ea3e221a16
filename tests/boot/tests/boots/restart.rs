//! The reset button.

use std::fs;
use std::path::Path;

use tests_boot::Guest;
use vm_runtime::{Outcome, VmError};

/// Marks 0x8000_2000 and goes in circles; switches off if the mark is there already.
#[rustfmt::skip] // One instruction a line.
const ONCE: [u32; 11] = [
    0x4000_14b7, // lui s1, 0x40001
    0x0014_9493, // slli s1, s1, 1
    0x0004_b283, // ld t0, 0(s1)
    0x0002_9863, // bnez t0, again
    0x0010_0313, // li t1, 1
    0x0064_b023, // sd t1, 0(s1)
    0x0000_006f, // j .
    0x0010_02b7, // again: lui t0, 0x100
    0x0000_5337, // lui t1, 5
    0x5553_031b, // addiw t1, t1, 0x555
    0x0062_a023, // sw t1, 0(t0)
];

#[test]
fn a_reset_by_the_user_leaves_nothing_in_memory() {
    let mut machine = Guest::words(&ONCE).seed(1).machine();
    let first = machine.run_to(1000).expect("a run");
    assert_eq!((first.outcome, first.resets), (Outcome::Limit, 0));
    machine.vm.control().reset();
    let second = machine.run_to(2000).expect("a run");
    assert_eq!((second.outcome, second.resets), (Outcome::Limit, 1));
}

/// Starts the program and a RAM disk from files, does something to them, and presses the button.
fn restart(change: impl Fn(&Path, &Path)) -> Result<u64, VmError> {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, initrd) = (folder.path().join("program"), folder.path().join("initrd"));
    let bytes: Vec<u8> = ONCE.iter().flat_map(|word| word.to_le_bytes()).collect();
    fs::write(&program, bytes).expect("a program");
    fs::write(&initrd, [7; 100_000]).expect("a RAM disk");
    let mut machine = Guest::files(&program, &initrd).seed(1).machine();
    machine.run_to(1000).expect("a run");
    change(&program, &initrd);
    let before = machine.vm.state_hash();
    if let Err(error) = machine.vm.reset() {
        // It stands as it stood, and goes on.
        assert_eq!(machine.vm.state_hash(), before);
        assert_eq!(machine.run_to(2000).expect("a run").resets, 0);
        return Err(error);
    }
    let second = machine.run_to(2000).expect("a run");
    assert_eq!((second.outcome, second.resets), (Outcome::Limit, 1));
    Ok(second.state_hash.expect("time is virtual"))
}

#[test]
fn a_restart_finds_the_files_that_the_machine_was_started_with() {
    let wanted = restart(|_, _| ()).expect("the files are there");
    let removed = restart(|program, initrd| {
        fs::remove_file(program).expect("a file");
        fs::remove_file(initrd).expect("a file");
    });
    assert_eq!(removed.expect("the files are open"), wanted);
    let replaced = restart(|program, initrd| {
        fs::write(program.with_extension("new"), b"another").expect("a file");
        fs::rename(program.with_extension("new"), program).expect("a name");
        fs::rename(initrd, initrd.with_extension("old")).expect("a name");
    });
    assert_eq!(replaced.expect("the files are open"), wanted);
}

#[test]
fn a_restart_with_other_files_is_refused_and_the_machine_goes_on() {
    let refused = |change: fn(&Path, &Path), name: &str| match restart(change) {
        Err(VmError::FileChanged { path }) => assert!(path.ends_with(name), "{path:?}"),
        other => panic!("{name}: {other:?}"),
    };
    refused(
        |program, _| fs::write(program, [0; 44]).expect("a file"),
        "program",
    );
    refused(
        |_, initrd| fs::write(initrd, [8; 100_000]).expect("a file"),
        "initrd",
    );
    // Whoever had the file in memory would end here, for what is cut off is in no file any more.
    refused(
        |_, initrd| fs::write(initrd, b"").expect("a file"),
        "initrd",
    );
}
