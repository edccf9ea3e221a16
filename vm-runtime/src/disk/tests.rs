//! What a disk does with requests, with files that are none, and with a host that refuses.

use std::fs;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

use vm_core::GuestPhys;

use super::*;
use crate::ConsoleIo;

const RAM: u64 = 0x8000_0000;

/// What the user was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Notice>>>);

impl ConsoleIo for Told {
    fn print(&mut self, _bytes: &[u8]) {}

    fn notice(&mut self, notice: &Notice) {
        self.0.lock().expect("a lock").push(notice.clone());
    }
}

impl Told {
    fn troubles(&self) -> Vec<DiskTrouble> {
        let told = self.0.lock().expect("a lock");
        let trouble = |Notice::Disk { trouble, .. }: &Notice| *trouble;
        told.iter().map(trouble).collect()
    }
}

struct Rig {
    ram: GuestRam,
    disk: RawFile,
    told: Told,
}

impl Rig {
    fn new(path: &Path, access: DiskAccess) -> Self {
        let told = Told::default();
        let hub = ConsoleHub::new(Box::new(told.clone()));
        let disk = RawFile::open(&DiskConfig::new(path).access(access), 0, hub);
        Self {
            ram: GuestRam::new(&[(GuestPhys(RAM), 1 << 20)]).expect("memory"),
            disk: disk.expect("a disk"),
            told,
        }
    }

    /// Asks for something with one segment, which holds `byte` before.
    fn ask(&mut self, op: DiskOp, offset: u64, bytes: u32, byte: u8) -> Result<(), DiskError> {
        let data = vec![byte; bytes as usize];
        self.ram.write(GuestPhys(RAM), &data).expect("memory");
        let segments = match op {
            DiskOp::Read | DiskOp::Write => vec![Segment {
                addr: GuestPhys(RAM),
                bytes,
            }],
            _ => Vec::new(),
        };
        let request = DiskRequest {
            token: 1,
            op,
            offset,
            segments,
        };
        self.disk.submit(&self.ram, request);
        self.disk.finished().expect("an answer").result
    }

    fn read(&mut self, offset: u64, bytes: u32) -> Vec<u8> {
        self.ask(DiskOp::Read, offset, bytes, 0xee).expect("a read");
        let mut data = vec![0; bytes as usize];
        self.ram.read(GuestPhys(RAM), &mut data).expect("memory");
        data
    }
}

fn disk_of(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk.img");
    fs::write(&path, bytes).expect("a file");
    (folder, path)
}

#[test]
fn writes_are_kept_refused_or_forgotten() {
    for (access, write, seen, kept) in [
        (DiskAccess::Keep, Ok(()), 9, 9),
        (DiskAccess::ReadOnly, Err(DiskError::ReadOnly), 1, 1),
        (DiskAccess::Ephemeral, Ok(()), 9, 1),
    ] {
        let (_folder, path) = disk_of(&[1; 8192]);
        let mut rig = Rig::new(&path, access);
        assert_eq!(rig.ask(DiskOp::Write, 512, 512, 9), write, "{access:?}");
        assert_eq!(rig.ask(DiskOp::Flush, 0, 0, 0), Ok(()));
        let zero = rig.ask(DiskOp::WriteZeroes(512), 4096, 0, 0);
        assert_eq!(zero, write, "{access:?}");
        let mut want = vec![1; 8192];
        want[512..1024].fill(seen);
        want[4096..4608].fill(if seen == 9 { 0 } else { 1 });
        assert_eq!(rig.read(0, 8192), want, "{access:?}");
        assert_eq!(
            rig.ask(DiskOp::Read, 8192, 512, 0),
            Err(DiskError::OutOfRange)
        );
        let mut file = vec![1; 8192];
        file[512..1024].fill(kept);
        file[4096..4608].fill(if kept == 9 { 0 } else { 1 });
        assert_eq!(fs::read(&path).expect("the file"), file, "{access:?}");
        assert_eq!(rig.told.troubles(), []);
    }
}

#[test]
fn what_is_no_raw_disk_is_refused_with_the_fact() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str| {
        let hub = ConsoleHub::new(Box::new(Told::default()));
        let config = DiskConfig::new(folder.path().join(name));
        RawFile::open(&config, 0, hub).map(|disk| disk.bytes)
    };
    for (name, bytes) in [("empty", &[][..]), ("odd", &[0; 700])] {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    for (name, want) in [
        ("", "opened as a disk"),
        ("missing", "opened as a disk"),
        ("empty", "0 bytes"),
        ("odd", "700 bytes"),
        ("/dev/null", "no file"),
    ] {
        let said = open(name).expect_err(name).to_string();
        assert!(said.contains(want), "{name:?}: {said}");
    }
}

#[test]
fn a_full_host_is_told_once_and_costs_only_what_was_refused() {
    let (_folder, path) = disk_of(&[1; 4096]);
    let mut rig = Rig::new(&path, DiskAccess::Keep);
    assert_eq!(rig.ask(DiskOp::Write, 0, 512, 9), Ok(()));
    // Linux has a file that is always full.
    let full = File::options().read(true).write(true).open("/dev/full");
    let good = mem::replace(&mut rig.disk.file, full.expect("the full device"));
    assert_eq!(rig.ask(DiskOp::Write, 512, 512, 8), Err(DiskError::Io));
    assert_eq!(
        rig.ask(DiskOp::WriteZeroes(512), 0, 0, 0),
        Err(DiskError::Io)
    );
    assert_eq!(rig.told.troubles(), [DiskTrouble::Write]);
    rig.disk.file = good;
    assert_eq!(rig.ask(DiskOp::Write, 1024, 512, 7), Ok(()));
    assert_eq!(rig.ask(DiskOp::Flush, 0, 0, 0), Ok(()));
    let mut want = vec![1; 4096];
    want[..512].fill(9);
    want[1024..1536].fill(7);
    assert_eq!(fs::read(&path).expect("the file"), want);
    let told = rig.told.0.lock().expect("a lock").clone();
    let [
        Notice::Disk {
            path: named, error, ..
        },
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(*named, path);
    assert!(error.contains("No space left"), "{error}");
}

#[test]
fn after_a_flush_that_failed_nothing_is_promised() {
    let (_folder, path) = disk_of(&[1; 4096]);
    let mut rig = Rig::new(&path, DiskAccess::Keep);
    // A pipe can not be made durable.
    let (pipe, _other) = io::pipe().expect("a pipe");
    let pipe = File::from(OwnedFd::from(pipe));
    let good = mem::replace(&mut rig.disk.file, pipe);
    assert_eq!(rig.ask(DiskOp::Flush, 0, 0, 0), Err(DiskError::Io));
    rig.disk.file = good;
    for op in [DiskOp::Read, DiskOp::Write, DiskOp::Flush] {
        assert_eq!(rig.ask(op, 0, 512, 0), Err(DiskError::Io), "{op:?}");
    }
    assert_eq!(rig.told.troubles(), [DiskTrouble::Flush]);
}

#[test]
fn a_file_that_was_cut_off_can_not_be_read_and_the_user_is_told() {
    for access in [DiskAccess::ReadOnly, DiskAccess::Ephemeral] {
        let (_folder, path) = disk_of(&[1; 8192]);
        let mut rig = Rig::new(&path, access);
        fs::write(&path, [2; 4096]).expect("a shorter file");
        assert_eq!(rig.ask(DiskOp::Read, 4096, 512, 0), Err(DiskError::Io));
        assert_eq!(rig.ask(DiskOp::Read, 0, 8192, 0), Err(DiskError::Io));
        assert_eq!(rig.read(0, 512), [2; 512]);
        assert_eq!(rig.told.troubles(), [DiskTrouble::Read], "{access:?}");
    }
}

#[test]
fn a_disk_has_one_writer_or_many_readers() {
    use DiskAccess::{Ephemeral, Keep, ReadOnly};
    let (_folder, path) = disk_of(&[1; 512]);
    let open = |access| {
        let hub = ConsoleHub::new(Box::new(Told::default()));
        RawFile::open(&DiskConfig::new(&path).access(access), 0, hub)
    };
    for (first, second, together) in [
        (Keep, Keep, false),
        (Keep, ReadOnly, false),
        (Keep, Ephemeral, false),
        (ReadOnly, Keep, false),
        (Ephemeral, Keep, false),
        (ReadOnly, ReadOnly, true),
        (Ephemeral, Ephemeral, true),
        (ReadOnly, Ephemeral, true),
    ] {
        let held = open(first).expect("the first");
        let other = open(second);
        assert_eq!(other.is_ok(), together, "{first:?} {second:?}");
        if let Err(error) = other {
            // The holder is this process, which is no other program.
            let is_in_use = matches!(&error, VmError::DiskInUse { holder: None, .. });
            assert!(is_in_use, "{error}");
        }
        drop(held);
    }
    assert!(open(Keep).is_ok());
}
