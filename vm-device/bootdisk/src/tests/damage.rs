//! Damaged disks: bytes changed, pieces moved, ends cut off.
//!
//! Whatever comes of them comes soon and within bounds of memory: a menu, or an error.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use vm_device_boot::Arch;

use super::images::{divided, ext, fat, kernel, tree, usual};
use super::menus::unified;
use crate::read::SEARCH_BYTES;
use crate::{BootDisk, ReadAt, look};

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A disk that counts what is read.
struct Counted {
    bytes: Rc<Vec<u8>>,
    read: Rc<Cell<u64>>,
}

impl ReadAt for Counted {
    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + into.len() as u64);
        self.bytes.read_at(offset, into)
    }
}

/// Small disks of each kind, and how often each is damaged.
fn disks() -> Option<Vec<(&'static str, Vec<u8>)>> {
    let k = kernel("k");
    let program = unified(&[
        (".cmdline", b"root=/dev/vda2"),
        (".linux", &k),
        (".initrd", b"d"),
    ]);
    let grub: &[u8] = b"if [ -s $prefix/grubenv ]; then load_env; fi\nset default=0\n\
        menuentry 'a' { search --fs-uuid --set=root 0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7\n\
        linux /boot/vmlinuz-6.12.48 root=UUID=1 ro quiet\ninitrd /boot/initrd.img-6.12.48 }\n";
    let many: Vec<String> = (0..200)
        .map(|n| format!("/many/file with the number {n}"))
        .collect();
    let mut root: Vec<(&str, &[u8])> = vec![
        ("/vmlinuz@", b"boot/vmlinuz-6.12.48"),
        ("/initrd.img@", b"/boot/initrd.img-6.12.48"),
        ("/boot/vmlinuz-6.12.48", &k),
        ("/boot/initrd.img-6.12.48", &[b'd'; 60_000]),
        ("/boot/grub/grub.cfg", grub),
        ("/sbin/init", b"x"),
    ];
    root.extend(many.iter().map(|name| (name.as_str(), &b"x"[..])));
    let esp: [(&str, &[u8]); 4] = [
        ("/EFI/Linux/debian-6.12.efi", &program),
        (
            "/loader/entries/long name of an entry.conf",
            b"title E\nlinux /k\ninitrd /d\n",
        ),
        ("/k", &k),
        ("/d", &[b'd'; 9000]),
    ];
    let (root_tree, esp_tree) = (tree(&root), tree(&esp));
    let logical = ext("-t ext3 -b 1024", root_tree.path(), 3 << 20)?;
    let script = "label: dos\nstart=2048, size=8192, type=5\nstart=3072, size=6144, type=83\n";
    Some(vec![
        ("GPT", usual(&esp, &root)?),
        ("ext4", ext("-t ext4 -b 4096", root_tree.path(), 4 << 20)?),
        (
            "ext4 unchecked",
            ext(
                "-t ext4 -b 1024 -O ^metadata_csum",
                root_tree.path(),
                4 << 20,
            )?,
        ),
        ("ext2", ext("-t ext2 -b 1024", root_tree.path(), 3 << 20)?),
        ("FAT16", fat(16, esp_tree.path(), 8 << 20)?),
        ("FAT12", fat(12, esp_tree.path(), 2 << 20)?),
        ("MBR", divided(script, 6 << 20, &[(3072, &logical)])?),
    ])
}

/// Damages a disk where it is not empty: there its structures are.
fn damaged(whole: &[u8], places: &[usize], dice: &mut Dice) -> Vec<u8> {
    let mut disk = whole.to_vec();
    match dice.below(8) {
        0 => disk.truncate(dice.below(whole.len())),
        1 => {
            // A block where another one belongs.
            let (from, to) = (
                places[dice.below(places.len())],
                places[dice.below(places.len())],
            );
            let (from, to) = (from & !1023, to & !1023);
            let end = whole.len().min(from.max(to) + 1024) - from.max(to);
            disk[to..to + end].copy_from_slice(&whole[from..from + end]);
        }
        _ => {}
    }
    for _ in 0..dice.below(24) {
        let at = places[dice.below(places.len())];
        let value = match dice.below(4) {
            0 => 0xff,
            1 => 0,
            2 => 1 << dice.below(8),
            _ => dice.below(256) as u8,
        };
        if let Some(byte) = disk.get_mut(at) {
            *byte = value;
        }
    }
    disk
}

/// Looks at a disk and reads all that it offers; gives whether it offered anything.
fn search(disk: Vec<u8>, what: &str) -> bool {
    let bytes = disk.len() as u64;
    let read = Rc::new(Cell::new(0));
    let source = Counted {
        bytes: Rc::new(disk),
        read: read.clone(),
    };
    let _ = look(&source);
    let mut entries = 0;
    let mut offered = false;
    if let Ok(disk) = BootDisk::open(Box::new(source)) {
        if let Ok(menu) = disk.menu(&[Arch::Riscv64]) {
            offered = true;
            entries = menu.entries.len() as u64;
            assert!(menu.default < menu.entries.len(), "{what}");
            for entry in &menu.entries {
                if let Ok(loaded) = disk.load(entry) {
                    let held = loaded.kernel.len() + loaded.initrd.map_or(0, |disk| disk.len());
                    assert!(held as u64 <= bytes * 4, "{what}: {held} bytes of {bytes}");
                }
            }
        }
        let _ = (disk.notes(), disk.summary(), disk.arch());
    }
    let most = SEARCH_BYTES + entries * bytes * 16;
    assert!(read.get() <= most, "{what}: {} bytes were read", read.get());
    offered
}

/// Damages each disk so many times.
fn storm(times: usize, seed: u64) {
    let Some(disks) = disks() else { return };
    let mut offered = 0;
    for (name, whole) in &disks {
        assert!(
            search(whole.clone(), name),
            "{name} offers nothing when it is whole"
        );
        // One part in sixteen of the bytes with something in them is looked at, in any case all of
        // the tables.
        let places: Vec<usize> = (0..whole.len())
            .filter(|at| whole[*at] != 0 || *at % 64 == 0 && *at < 8192)
            .collect();
        for time in 0..times {
            let mut dice = Dice(seed ^ (time as u64) << 20 ^ name.len() as u64);
            let disk = damaged(whole, &places, &mut dice);
            offered += usize::from(search(disk, &format!("{name}, seed {seed}, time {time}")));
        }
    }
    // Damage that is never noticed, or always, is no test.
    assert!((1..times * disks.len()).contains(&offered), "{offered}");
}

#[test]
fn no_damage_leads_to_a_panic_or_without_end() {
    // `VM_STORM` says how many of each kind of disk.
    let times = std::env::var("VM_STORM")
        .ok()
        .and_then(|text| text.parse().ok());
    storm(times.unwrap_or(80), 1);
}
