//! Saved states of released versions stay readable.
//!
//! `golden/NAME.state` was saved by the version it is named after and is never changed; today's
//! reader reads it and the guest goes on to its end. When a section gets a new version, save a
//! new file: `VM_BLESS=NAME cargo test -p tests-boot golden`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tests_boot::Guest;
use vm_core::{Image, Section};
use vm_runtime::{DiskAccess, Outcome, Snapshot};

/// Two harts count to 5000 at 0x8000_2000 and 0x8000_2008; when both are done the first one
/// switches off.
#[rustfmt::skip] // One instruction a line.
const COUNT: [u32; 19] = [
    0xf140_22f3, // csrr t0, mhartid
    0x4000_14b7, // lui s1, 0x40001
    0x0014_9493, // slli s1, s1, 1
    0x0032_9313, // slli t1, t0, 3
    0x0064_84b3, // add s1, s1, t1
    0x0000_13b7, // lui t2, 1
    0x3883_839b, // addiw t2, t2, 904
    0x001e_0e13, // more: addi t3, t3, 1
    0x01c4_b023, // sd t3, 0(s1)
    0xfe7e_1ce3, // bne t3, t2, more
    0x0002_9e63, // bnez t0, rest
    0x0084_be83, // other: ld t4, 8(s1)
    0xfe7e_9ee3, // bne t4, t2, other
    0x0000_5f37, // lui t5, 5
    0x555f_0f1b, // addiw t5, t5, 0x555
    0x0010_0fb7, // lui t6, 0x100
    0x01ef_a023, // sw t5, 0(t6)
    0x1050_0073, // rest: wfi
    0xffdf_f06f, // j rest
];

/// Where the golden states were cut: both harts count.
const CUT: u64 = 9_001;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn disk() -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    file.as_file().set_len(4096).expect("eight sectors");
    file
}

fn guest(disk: &NamedTempFile) -> Guest {
    let guest = Guest::words(&COUNT).cpus(2).seed(1).limit(1_000_000);
    guest.disk(disk.path(), DiskAccess::Keep)
}

fn saved_today() -> Snapshot {
    let disk = disk();
    let mut machine = guest(&disk).machine();
    assert_eq!(machine.run_to(CUT).expect("a run").outcome, Outcome::Limit);
    machine.vm.snapshot()
}

/// The golden files, oldest first.
fn golden() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).expect("the folder is committed");
    let files = files.map(|file| file.expect("a file of the folder").path());
    let is_state = |path: &PathBuf| path.extension().is_some_and(|end| end == "state");
    let mut files: Vec<PathBuf> = files.filter(is_state).collect();
    files.sort();
    assert!(!files.is_empty(), "there is a golden file");
    files
}

/// The sections of a file with their versions.
fn sections(file: &Path) -> BTreeMap<String, u32> {
    let image = Image::from_bytes(&fs::read(file).expect("the file")).expect("a state");
    let version = |name: &str| image.section(name).expect("a section of its own").version();
    image
        .names()
        .map(|name| (name.to_owned(), version(name)))
        .collect()
}

#[test]
fn golden_states_are_read_and_go_on() {
    if let Ok(name) = std::env::var("VM_BLESS") {
        let file = folder().join(name).with_extension("state");
        saved_today().write(&file).expect("the file is written");
    }
    for file in golden() {
        let state = Snapshot::read(&file).expect("a golden state");
        let disk = disk();
        let mut machine = guest(&disk).restored(&state);
        let count = |machine: &tests_boot::Machine, hart: u64| {
            let mut bytes = [0; 8];
            let read = machine.vm.read_memory(0x8000_2000 + 8 * hart, &mut bytes);
            read.expect("an address in RAM");
            u64::from_le_bytes(bytes)
        };
        let counts = count(&machine, 0) + count(&machine, 1);
        assert!(
            (2_900..3_010).contains(&counts),
            "{}: {counts}",
            file.display()
        );
        let ending = machine.vm.run().expect("the machine runs");
        assert_eq!(ending.outcome, Outcome::PowerOff, "{}", file.display());
        assert_eq!(
            (count(&machine, 0), count(&machine, 1)),
            (5000, 5000),
            "{}",
            file.display()
        );
        assert!(
            ending.instructions > 30_000,
            "{}: {ending:?}",
            file.display()
        );
    }
}

#[test]
fn the_newest_golden_state_has_the_sections_of_today() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("today.state");
    saved_today().write(&file).expect("the state is written");
    let newest = golden().pop().expect("there is a golden file");
    let name = newest.display();
    assert_eq!(
        sections(&file),
        sections(&newest),
        "{name} is old: save a new one"
    );
}

#[test]
fn a_newer_section_is_refused_by_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("newer.state");
    saved_today().write(&file).expect("the state is written");
    let names: Vec<String> = sections(&file).into_keys().collect();
    assert!(names.len() > 10, "{names:?}");
    let disk = disk();
    let mut machine = guest(&disk).machine();
    for newer in &names {
        let mut image = Image::new();
        for name in &names {
            image.push(Section::new(name, if name == newer { 2 } else { 1 }));
        }
        fs::write(&file, image.to_bytes()).expect("the file is written");
        let state = Snapshot::read(&file).expect("a state");
        let error = machine.vm.restore(&state, &file).expect_err("newer");
        let text = format!("{error:?}");
        let wanted = format!("NewerSection {{ section: \"{newer}\", found: 2, known: 1 }}");
        assert!(text.contains(&wanted), "{text}");
    }
}

#[test]
fn damage_is_refused_with_its_place() {
    let whole = fs::read(golden().pop().expect("a golden file")).expect("the file");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("damaged.state");
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).expect("the file is written");
        let error = Snapshot::read(&file).expect_err("damage");
        error.to_string()
    };
    for cut in [0, 7, 15, 40, whole.len() / 2, whole.len() - 1] {
        let text = refused(&whole[..cut]);
        assert!(
            text.contains("cut off") || text.contains("not a saved state"),
            "{cut}: {text}"
        );
    }
    for at in (100..whole.len()).step_by(whole.len() / 50) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        refused(&bytes);
    }
}
