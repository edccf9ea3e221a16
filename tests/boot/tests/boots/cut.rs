//! Same images, same seed: same run, however it is cut.

use std::fs::read;
use std::path::Path;
use std::process::Command;

use tempfile::NamedTempFile;
use tests_boot::{Boot, Guest, Machine};
use vm_runtime::{DiskAccess, Outcome, Snapshot};

/// What the init script writes to the disk, in its blocks of a kibibyte.
fn pattern() -> Vec<u8> {
    let lines: String = (1..=40000).map(|number| format!("{number}\n")).collect();
    lines.into_bytes()[..131_072].to_vec()
}

fn disk() -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(2 << 20).expect("two mebibytes");
    file
}

fn copy(from: &NamedTempFile) -> NamedTempFile {
    let to = NamedTempFile::new().expect("a temporary file");
    std::fs::copy(from.path(), to.path()).expect("a copy of the disk");
    to
}

fn with_disk(seed: u64, disk: &NamedTempFile) -> Option<Guest> {
    let guest = Guest::linux("blk")?.seed(seed);
    Some(guest.disk(disk.path(), DiskAccess::Keep))
}

fn hash_at(mut machine: Machine, insns: u64) -> u64 {
    let ending = machine.run_to(insns).expect("the machine runs");
    assert_eq!(
        (ending.outcome, ending.instructions),
        (Outcome::Limit, insns)
    );
    machine.vm.state_hash()
}

/// Where the boot is cut, and how much further forks of it run.
const CUT: u64 = 300_000_001;
const FURTHER: u64 = CUT + 20_000_000;

#[test]
fn a_boot_with_a_disk_goes_on_in_another_process() {
    let (whole_disk, cut_disk) = (disk(), disk());
    let Some(whole) = with_disk(1, &whole_disk) else {
        return;
    };
    let whole = whole.run().ends(Outcome::PowerOff);
    let whole = whole.says(&[
        "VM-BLK sectors 4096\n",
        "VM-BLK raw ok\n",
        "VM-BLK ext4 ok\n",
    ]);
    let content = read(whole_disk.path()).expect("the disk");
    let blocks = content
        .chunks(1024)
        .collect::<std::collections::HashSet<_>>();
    for block in pattern().chunks(1024) {
        assert!(blocks.contains(block), "the file's blocks are on the disk");
    }

    let guest = with_disk(1, &cut_disk).expect("the images are still there");
    let mut machine = guest.machine();
    let cut = machine.run_to(CUT).expect("the first part");
    assert_eq!((cut.outcome, cut.instructions), (Outcome::Limit, CUT));
    let state = machine.vm.snapshot();
    let printed = machine.text();
    drop(machine);
    forks_differ_by_a_bit(&state, &cut_disk);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cut.state");
    state.write(&file).expect("the state is written");
    let (rest, end) = go_on(&file, "blk", 1, 1, Some(&cut_disk));
    assert_eq!(printed + &rest, whole.text);
    assert_eq!(end, format!("PowerOff {:016x}", whole.hash()));
    assert!(
        read(cut_disk.path()).expect("the disk") == content,
        "the disks differ"
    );

    let other_disk = disk();
    let other = with_disk(2, &other_disk).expect("the images are still there");
    assert_ne!(
        hash_at(other.machine(), CUT),
        cut.state_hash.expect("virtual time")
    );
}

/// Forks of one state stay the same, unless a bit of one of them is turned.
fn forks_differ_by_a_bit(state: &Snapshot, disk: &NamedTempFile) {
    let fork = |flip: Option<u64>| {
        let disk = copy(disk);
        let guest = with_disk(1, &disk).expect("the images are still there");
        let mut machine = guest.restored(state);
        if let Some(addr) = flip {
            let mut byte = [0];
            machine
                .vm
                .read_memory(addr, &mut byte)
                .expect("an address in RAM");
            machine
                .vm
                .write_memory(addr, &[byte[0] ^ 0x10])
                .expect("an address in RAM");
        }
        hash_at(machine, FURTHER)
    };
    let straight = fork(None);
    assert_eq!(fork(None), straight);
    // The last byte of RAM, which nobody uses this early, and one inside the kernel.
    for addr in [0x8fff_ffff, 0x8030_0123] {
        assert_ne!(fork(Some(addr)), straight, "{addr:#x}");
    }
}

/// Goes on in a process of its own; what the guest printed, and how it ended.
fn go_on(
    state: &Path,
    vmtest: &str,
    cpus: u32,
    seed: u64,
    disk: Option<&NamedTempFile>,
) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_go_on"));
    command.arg(state).arg(vmtest);
    command.args([cpus.to_string(), seed.to_string(), "100000007".to_owned()]);
    command.args(disk.map(NamedTempFile::path));
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    let (printed, end) = text.rsplit_once("\nEND ").expect("its last line");
    (printed.to_owned(), end.trim_end().to_owned())
}

#[test]
fn four_harts_take_the_same_turns_however_they_are_cut() {
    let Some(guest) = Guest::linux("smp").map(|guest| guest.cpus(4).seed(9)) else {
        return;
    };
    let whole: Boot = guest.run().ends(Outcome::PowerOff);
    let whole = whole.says(&["VM-SMP cpus 4\n", "VM-SMP ok\n", "VM-OFF\n"]);
    // Where rounds are cut differs from part to part.
    let (mut machine, mut printed) = (guest.machine(), String::new());
    let ending = loop {
        let next = machine.vm.instructions() + 151_234_567;
        let ending = machine.run_to(next).expect("a part");
        printed += &machine.text();
        if ending.outcome != Outcome::Limit {
            break ending;
        }
        assert_eq!(ending.instructions, next);
        let state = machine.vm.snapshot();
        machine = guest.restored(&state);
    };
    assert_eq!(ending, whole.ending);
    assert_eq!(printed, whole.text);
}
