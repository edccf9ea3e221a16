//! Disks that are to be booted.

mod disk;
mod ext;
mod fat;
mod tree;
mod words;

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use vm_device_boot::Arch;
use vm_device_bootdisk::{BootDisk, Entry, ReadAt, command_line, look};

use self::disk::Disk;
use self::tree::Tree;
use crate::Feed;

/// What may be read for the search: less than usual, so that circles end soon.
const SEARCH_BYTES: u64 = 2 << 20;

/// The first byte chooses how the disk is divided; then come volumes with their files, and
/// changes of bytes in each volume and in the whole.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let disk = disk(&mut feed);
    search(disk, &mut feed);
}

/// A disk, as a feed describes it.
pub fn disk(feed: &mut Feed) -> Disk {
    match feed.u8() % 8 {
        0 => {
            let mut disk = Disk::default();
            disk.put(0, feed.rest());
            disk
        }
        1 => volume(feed),
        2 | 3 => {
            let volumes = [volume(feed), volume(feed)];
            disk::gpt(&volumes, feed)
        }
        4 => {
            let volumes = [volume(feed), volume(feed)];
            disk::mbr(&volumes, feed)
        }
        _ => {
            let only = volume(feed);
            disk::gpt(&[only], feed)
        }
    }
}

/// A file system with files; then some of its bytes are changed.
fn volume(feed: &mut Feed) -> Disk {
    let kind = feed.u8();
    let options = feed.u8();
    let tree = Tree::of(feed);
    let mut disk = match kind % 8 {
        0..=4 => ext::make(&tree, options, feed),
        kind => fat::make(&tree, u32::from(kind) - 5, options),
    };
    disk.change(feed);
    disk
}

/// A disk that counts what is read.
struct Counted {
    disk: Disk,
    read: Rc<Cell<u64>>,
}

impl ReadAt for Counted {
    fn bytes(&self) -> u64 {
        self.disk.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + into.len() as u64);
        self.disk.read_at(offset, into)
    }
}

/// Looks at a disk and reads all that it offers: a menu or an error comes of it, within bounds.
fn search(disk: Disk, feed: &mut Feed) {
    let bytes = disk.bytes;
    let read = Rc::new(Cell::new(0));
    let source = Counted {
        disk,
        read: read.clone(),
    };
    let _ = look(&source);
    let mut entries = 0;
    if let Ok(disk) = BootDisk::open_within(Box::new(source), SEARCH_BYTES) {
        match disk.menu(&[Arch::Riscv64]) {
            Ok(menu) => {
                entries = menu.entries.len() as u64;
                assert!(menu.default < menu.entries.len());
                let words = ["1", "a", "6.1", "vmlinuz", "x"];
                let _ = menu.choose(Some(feed.one(&words)));
                for entry in &menu.entries {
                    load(&disk, entry, bytes);
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let _ = (disk.notes(), disk.summary(), disk.arch());
    }
    let most = SEARCH_BYTES + entries * bytes * 16;
    assert!(read.get() <= most, "{} bytes were read", read.get());
}

fn load(disk: &BootDisk, entry: &Entry, bytes: u64) {
    match disk.load(entry) {
        Ok(loaded) => {
            let held = loaded.kernel.len() + loaded.initrd.map_or(0, |disk| disk.len());
            assert!(held as u64 <= bytes * 4, "{held} bytes of {bytes}");
            let (line, _) = command_line(&loaded.options, "quiet", "ttyS0");
            assert!(line.contains("console="));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
