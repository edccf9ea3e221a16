//! What a disk would boot, by each kind of configuration.

use vm_device_boot::Arch;

use super::images::{divided, ext, kernel, tree, usual};
use crate::{BootDisk, DiskError, Loaded, Menu, Method};

fn open(disk: &[u8]) -> (BootDisk, Result<Menu, DiskError>) {
    let disk = BootDisk::open(Box::new(disk.to_vec())).expect("a disk");
    let menu = disk.menu(&[Arch::Riscv64]);
    (disk, menu)
}

/// The default entry's method, title and content.
fn default_of(disk: &[u8]) -> (Method, String, Loaded) {
    let (disk, menu) = open(disk);
    let menu = menu.unwrap_or_else(|error| panic!("{error}"));
    let entry = &menu.entries[menu.default];
    let loaded = disk.load(entry).unwrap_or_else(|error| panic!("{error}"));
    (entry.method, entry.title.clone(), loaded)
}

fn mark(kernel: &[u8]) -> String {
    let text = kernel[64..]
        .split(|byte| *byte == 0)
        .next()
        .expect("a mark");
    String::from_utf8_lossy(text).into_owned()
}

const GRUB: &[u8] =
    b"set default=0\nsearch --fs-uuid --set=root 0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7\n\
    menuentry 'From GRUB' { linux /boot/vmlinuz-6.12.48 root=UUID=0b1c2d3e ro quiet\n\
    initrd /boot/initrd.img-6.12.48 }\n";
const EXTLINUX: &[u8] = b"default l1\nlabel l0\nlinux /boot/nothing\nlabel l1\n\
    menu label From extlinux\nlinux /boot/vmlinuz-6.12.48\ninitrd /boot/initrd.img-6.12.48\n\
    append root=/dev/vda2\n";
const LOADER: &[u8] = b"title From an entry\nversion 6.12.48\nlinux /vmlinuz-6.12.48\n\
    initrd /initrd.img-6.12.48\ninitrd /initrd.img-6.12.41\n\
    options root=/dev/vda2 ro\noptions quiet\n";

#[test]
fn configurations_are_believed_in_their_order() {
    let (new, old) = (kernel("new"), kernel("old"));
    let root: Vec<(&str, &[u8])> = vec![
        ("/vmlinuz@", b"boot/vmlinuz-6.12.48"),
        ("/initrd.img@", b"boot/initrd.img-6.12.48"),
        ("/boot/vmlinuz-6.12.41", &old),
        ("/boot/vmlinuz-6.12.48", &new),
        ("/boot/initrd.img-6.12.41", b"old disk"),
        ("/boot/initrd.img-6.12.48", b"new disk."),
        ("/etc/fstab", b""),
    ];
    let more = [
        (
            "",
            &b""[..],
            Method::Links,
            "/vmlinuz",
            "root=UUID=0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7 ro",
        ),
        (
            "/boot/grub/grub.cfg",
            GRUB,
            Method::Grub,
            "From GRUB",
            "root=UUID=0b1c2d3e ro quiet",
        ),
        (
            "/boot/extlinux/extlinux.conf",
            EXTLINUX,
            Method::Extlinux,
            "From extlinux",
            "root=/dev/vda2",
        ),
        (
            "/boot/loader/entries/a.conf",
            LOADER,
            Method::LoaderEntry,
            "From an entry",
            "root=/dev/vda2 ro quiet",
        ),
    ];
    let mut files = root;
    for (path, text, method, title, options) in more {
        if !path.is_empty() {
            files.push((path, text));
        }
        let Some(disk) = usual(&[("/EFI/x", b"")], &files) else {
            return;
        };
        let (found, name, loaded) = default_of(&disk);
        assert_eq!(
            (found, name.as_str(), loaded.options.as_str()),
            (method, title, options)
        );
        assert_eq!(mark(&loaded.kernel), "new");
        let initrd = loaded.initrd.expect("a RAM disk");
        let want: &[u8] = match method {
            Method::LoaderEntry => b"new disk.\0\0\0old disk",
            _ => b"new disk.",
        };
        assert_eq!(initrd, want, "{title}");
        let (disk, menu) = open(&disk);
        let menu = menu.expect("a menu");
        let entry = &menu.entries[menu.default];
        assert_eq!((entry.arch, &entry.problem), (Some(Arch::Riscv64), &None));
        assert_eq!(disk.summary(), "GPT: 1 ESP FAT12, 2 Linux ext4");
        assert!(disk.notes().is_empty(), "{:?}", disk.notes());
    }
}

#[test]
fn entries_are_sorted_and_chosen_as_the_specification_says() {
    let k = kernel("k");
    let entry = |version: &str, sort: &str| {
        format!("title T {version}\nversion {version}\n{sort}linux /k\narchitecture riscv64\n")
            .into_bytes()
    };
    let (a, b, c) = (
        entry("6.9", ""),
        entry("6.12", ""),
        entry("1.0", "sort-key z\n"),
    );
    let bad = entry("7.0", "");
    let other = b"title Other\narchitecture x64\nsort-key a\nlinux /pc\n";
    let mut pc = vec![0; 4096];
    pc[0x202..0x206].copy_from_slice(b"HdrS");
    let files: Vec<(&str, &[u8])> = vec![
        ("/k", &k),
        ("/pc", &pc),
        ("/loader/entries/t-6.9.conf", &a),
        ("/loader/entries/t-6.12+3-0.conf", &b),
        ("/loader/entries/t-7.0+0-3.conf", &bad),
        ("/loader/entries/z.conf", &c),
        ("/loader/entries/other.conf", other),
        ("/loader/entries/none.conf", b"title None\noptions x\n"),
    ];
    let Some(disk) = usual(&files, &[("/x", b"")]) else {
        return;
    };
    let (disk, menu) = open(&disk);
    let menu = menu.expect("a menu");
    let titles: Vec<&str> = menu
        .entries
        .iter()
        .map(|entry| entry.title.as_str())
        .collect();
    assert_eq!(titles, ["Other", "T 1.0", "T 6.12", "T 6.9", "T 7.0"]);
    // The first one is for another architecture.
    assert_eq!(menu.default, 1);
    assert!(
        disk.notes().iter().any(|note| note.contains("none.conf")),
        "{:?}",
        disk.notes()
    );
    for (wanted, index) in [
        ("1", Ok(0)),
        ("5", Ok(4)),
        ("t 6.9", Ok(3)),
        ("t-6.12", Ok(2)),
        ("T 6", Err(2)),
    ] {
        match (menu.choose(Some(wanted)), index) {
            (Ok(found), Ok(index)) => assert_eq!(found, index, "{wanted}"),
            (Err(DiskError::ManyEntries { titles, .. }), Err(count)) => {
                assert_eq!(titles.len(), count);
            }
            (found, _) => panic!("{wanted}: {found:?}"),
        }
    }
    for wanted in ["66", "0x", "nothing"] {
        let found = menu.choose(Some(wanted));
        assert!(
            matches!(found, Err(DiskError::NoEntry { .. })),
            "{wanted}: {found:?}"
        );
    }
    let mut preferred = files.clone();
    preferred.push(("/loader/loader.conf", b"# x\ntimeout 3\ndefault t-6.9*\n"));
    let Some(disk) = usual(&preferred, &[("/x", b"")]) else {
        return;
    };
    assert_eq!(default_of(&disk).1, "T 6.9");
}

/// A program with sections, as `ukify` makes them.
pub fn unified(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 1024];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file[0x44..0x46].copy_from_slice(&0x5064_u16.to_le_bytes());
    file[0x46..0x48].copy_from_slice(&(sections.len() as u16).to_le_bytes());
    for (index, (name, content)) in sections.iter().enumerate() {
        let at = 0x58 + index * 40;
        let (start, length) = (file.len() as u32, content.len() as u32);
        let raw = length.next_multiple_of(512);
        file[at..at + name.len()].copy_from_slice(name.as_bytes());
        file[at + 8..at + 12].copy_from_slice(&length.to_le_bytes());
        file[at + 16..at + 20].copy_from_slice(&raw.to_le_bytes());
        file[at + 20..at + 24].copy_from_slice(&start.to_le_bytes());
        file.extend_from_slice(content);
        file.resize((start + raw) as usize, 0);
    }
    file
}

#[test]
fn unified_kernels_bring_everything_along() {
    let (k, old) = (kernel("unified"), kernel("old"));
    let program = unified(&[
        (
            ".osrel",
            b"ID=debian\nPRETTY_NAME=\"Debian 13\"\nVERSION_ID=\"13\"\n",
        ),
        (".cmdline", b"root=/dev/vda2 quiet\n\0"),
        (".uname", b"6.12.48"),
        (".linux", &k),
        (".initrd", b"the disk"),
    ]);
    let before = unified(&[
        (".uname", b"6.9.1"),
        (".linux", &old),
        (".osrel", b"ID=debian\n"),
    ]);
    let files: [(&str, &[u8]); 3] = [
        ("/EFI/Linux/debian-6.12.efi", &program),
        ("/EFI/Linux/debian-6.9.efi", &before),
        ("/EFI/Linux/shell.efi", &unified(&[(".text", b"x")])),
    ];
    let Some(disk) = usual(&files, &[("/x", b"")]) else {
        return;
    };
    let (method, title, loaded) = default_of(&disk);
    assert_eq!((method, title.as_str()), (Method::Unified, "Debian 13"));
    assert_eq!(loaded.kernel, k);
    assert_eq!(loaded.initrd.as_deref(), Some(&b"the disk"[..]));
    assert_eq!(loaded.options, "root=/dev/vda2 quiet");
    assert_eq!(open(&disk).1.expect("a menu").entries.len(), 2);
}

#[test]
fn a_boot_partition_of_its_own_and_logical_partitions_are_looked_at() {
    let (new, old) = (kernel("new"), kernel("old"));
    let boot = tree(&[
        ("/vmlinuz-6.12.48", &new),
        ("/vmlinuz-6.12.9", &old),
        ("/initramfs-6.12.48.img", b"disk"),
    ]);
    let root = tree(&[("/sbin/init", b"x"), ("/etc/fstab", b"")]);
    let Some(boot) = ext(
        "-t ext2 -b 1024 -U 00000000-0000-0000-0000-0000000000b0",
        boot.path(),
        2 << 20,
    ) else {
        return;
    };
    let Some(root) = ext("-t ext4 -b 1024", root.path(), 4 << 20) else {
        return;
    };
    let script = "label: dos\nlabel-id: 0x12345678\nstart=2048, size=4096, type=83\n\
        start=6144, size=14336, type=5\nstart=8192, size=8192, type=83\n";
    let Some(disk) = divided(script, 11 << 20, &[(2048, &boot), (8192, &root)]) else {
        return;
    };
    let (method, title, loaded) = default_of(&disk);
    assert_eq!(
        (method, title.as_str()),
        (Method::Links, "/vmlinuz-6.12.48")
    );
    assert_eq!(mark(&loaded.kernel), "new");
    assert_eq!(
        loaded.options,
        "root=UUID=0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7 ro"
    );
    let (disk, menu) = open(&disk);
    assert_eq!(disk.summary(), "MBR: 1 Linux ext2, 5 Linux ext4");
    // Without a RAM disk the kernel has to find its root itself.
    let older = &menu.expect("a menu").entries[1];
    assert_eq!(older.options, "root=PARTUUID=12345678-05 ro");
}

#[test]
fn a_damaged_first_header_is_replaced_by_the_backup() {
    let k = kernel("k");
    let Some(disk) = usual(&[("/EFI/x", b"")], &[("/vmlinuz", &k)]) else {
        return;
    };
    for (at, note) in [
        (512, "is gone"),
        (512 + 56, "is damaged"),
        (1024 + 32, "is damaged"),
    ] {
        let mut disk = disk.clone();
        disk[at] ^= 0xff;
        let (found, menu) = open(&disk);
        assert_eq!(menu.expect("a menu").entries.len(), 1);
        assert!(found.notes()[0].contains(note), "{:?}", found.notes());
    }
    let mut both = disk.clone();
    let last = both.len() - 512 + 16;
    (both[512 + 16], both[last]) = (0, 0);
    let found = BootDisk::open(Box::new(both))
        .err()
        .map(|error| error.to_string());
    assert!(
        found
            .as_deref()
            .is_some_and(|text| text.contains("checksum")),
        "{found:?}"
    );
}

#[test]
fn a_disk_without_a_kernel_says_what_it_has() {
    let mut arm = vec![0; 512];
    arm[..2].copy_from_slice(b"MZ");
    let Some(disk) = usual(&[("/EFI/BOOT/BOOTAA64.EFI", &arm)], &[("/etc/fstab", b"")]) else {
        return;
    };
    let (disk, menu) = open(&disk);
    let error = menu.expect_err("nothing to boot").to_string();
    assert_eq!(
        error,
        "GPT: 1 ESP FAT12, 2 Linux ext4; \
         only an EFI program for arm64: partition 1, /EFI/BOOT/BOOTAA64.EFI"
    );
    assert_eq!(disk.arch().map(|(arch, _)| arch), Some(Arch::Arm64));
    for (bytes, want) in [
        (&[][..], "no partitions: it is empty"),
        (&[0; 8192], "no partitions: it begins with zeros only"),
        (&[7; 8192], "no partitions: nothing that is known"),
    ] {
        let error = open(bytes).1.expect_err("nothing at all").to_string();
        assert_eq!(error, want);
    }
}

#[test]
fn an_entry_whose_kernel_is_gone_is_passed_over() {
    let k = kernel("k");
    let text = b"menuentry a { linux /gone }\nmenuentry b { linux /k\n initrd /gone }\n\
        menuentry c { linux /k x }";
    let Some(disk) = usual(&[("/x", b"")], &[("/k", &k), ("/boot/grub/grub.cfg", text)]) else {
        return;
    };
    assert_eq!(default_of(&disk).1, "c");
    let (disk, menu) = open(&disk);
    let menu = menu.expect("a menu");
    let error = disk
        .load(&menu.entries[0])
        .expect_err("no kernel")
        .to_string();
    assert_eq!(error, "partition 2, /gone: there is no such file");
    assert!(menu.entries[1].problem.is_some());
}

#[test]
fn a_disk_with_sixty_damaged_partitions_is_complained_about_in_a_few_lines() {
    // Each volume's root folder is broken; the chain of logical partitions goes in a circle.
    let Some(mut part) = ext("-t ext2 -b 1024", tree(&[("/x", b"")]).path(), 1 << 20) else {
        return;
    };
    let dot = part
        .windows(9)
        .position(|bytes| bytes == b"\x0c\0\x01\x02.\0\0\0\x02");
    let at = dot.expect("the first entry of the root");
    part[at] = 3;
    let script = "label: dos\nstart=2048, size=4096, type=5\nstart=3072, size=2048, type=83\n";
    let Some(mut disk) = divided(script, 4 << 20, &[(3072, &part)]) else {
        return;
    };
    // The next table of the chain is the first one.
    disk[2048 * 512 + 0x1ce..][..16].copy_from_slice(b"\0\0\0\0\x05\0\0\0\0\0\0\0\x01\0\0\0");
    let (disk, menu) = open(&disk);
    let said = menu.expect_err("nothing to boot").to_string();
    assert!(said.contains("more complaints"), "{said}");
    assert!(said.len() < 8000, "{} bytes", said.len());
    assert_eq!(disk.notes().len(), 13);
}
