//! File systems give back what their own tools put there.

use std::fs;

use super::images::{ext, fat, run, tool, tree};
use crate::Fault;
use crate::fs::{FileSystem, NodeKind, recognise};
use crate::read::{Metered, Window};

fn open(disk: Vec<u8>) -> Box<dyn FileSystem> {
    let window = Window::whole(Metered::new(Box::new(disk)));
    let (_, open) = recognise(&window).expect("a file system");
    open(&window).expect("a sound file system")
}

fn content(fs: &dyn FileSystem, path: &str) -> Result<Vec<u8>, Fault> {
    let node = fs.find(path)?;
    fs.read(&node, 0, u64::MAX)
}

fn numbers(count: u32) -> Vec<u8> {
    (0..count).flat_map(u32::to_le_bytes).collect()
}

/// A tree of everything that an ext file system may hold, and that a boot may want.
fn everything() -> Vec<(String, Vec<u8>)> {
    let long = format!("/{}", "a/../".repeat(20)) + "boot/large";
    let mut files = vec![
        ("/boot/large".to_owned(), numbers(700_000)),
        ("/boot/empty".to_owned(), Vec::new()),
        ("/boot/small".to_owned(), b"small".to_vec()),
        ("/a/x".to_owned(), b"x".to_vec()),
        ("/short@".to_owned(), b"boot/small".to_vec()),
        ("/boot/up@".to_owned(), b"../a/x".to_vec()),
        ("/absolute@".to_owned(), b"/boot/up".to_vec()),
        ("/folder@".to_owned(), b"boot".to_vec()),
        ("/long@".to_owned(), long.into_bytes()),
        ("/outside@".to_owned(), b"../../../boot/small".to_vec()),
        ("/circle@".to_owned(), b"circle".to_vec()),
        ("/one@".to_owned(), b"two".to_vec()),
        ("/two@".to_owned(), b"/one".to_vec()),
        ("/nowhere@".to_owned(), b"nothing".to_vec()),
    ];
    files.extend((0..700).map(|n| (format!("/many/file number {n}"), vec![n as u8])));
    files
}

#[test]
fn ext_file_systems_of_all_kinds_give_their_files() {
    let all = everything();
    let all: Vec<(&str, &[u8])> = all
        .iter()
        .map(|(n, c)| (n.as_str(), c.as_slice()))
        .collect();
    let folder = tree(&all);
    for (options, name) in [
        ("-t ext2 -b 1024", "ext2"),
        ("-t ext2 -b 4096 -I 128", "ext2"),
        ("-t ext3 -b 1024", "ext3"),
        ("-t ext4 -b 1024", "ext4"),
        ("-t ext4 -b 4096", "ext4"),
        ("-t ext4 -b 2048 -O ^64bit,^metadata_csum", "ext4"),
        ("-t ext4 -b 1024 -O ^extent,^64bit", "ext4"),
        ("-t ext4 -b 4096 -O inline_data,encrypt,casefold", "ext4"),
        ("-t ext4 -b 4096 -O bigalloc -C 16384", "ext4"),
        ("-t ext4 -b 4096 -O ^flex_bg -N 4000", "ext4"),
    ] {
        let Some(disk) = ext(options, folder.path(), 24 << 20) else {
            return;
        };
        check_ext(&*open(disk.clone()), options, name);
        // Folders become hashed ones when the checker puts them in order.
        let hashed = in_file(&disk, |path| {
            let mut command = tool("e2fsck").expect("it comes with mke2fs");
            // It says by 1 that it has changed something.
            let done = command.args(["-fyD"]).arg(path).output().expect("it runs");
            assert!(done.status.code().is_some_and(|code| code < 2), "{done:?}");
        });
        check_ext(&*open(hashed), options, name);
    }
}

fn check_ext(fs: &dyn FileSystem, options: &str, name: &str) {
    assert_eq!(fs.name(), name, "{options}");
    assert_eq!(fs.uuid(), "0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7");
    let large = numbers(700_000);
    for (path, want) in [
        ("/boot/large", large.as_slice()),
        ("//boot//./large", &large),
        ("/long", &large),
        ("/boot/empty", b""),
        ("/short", b"small"),
        ("/absolute", b"x"),
        ("/boot/up", b"x"),
        ("/folder/small", b"small"),
        ("/outside", b"small"),
        ("/many/file number 699", &[699_u32 as u8]),
    ] {
        assert_eq!(content(fs, path).as_deref(), Ok(want), "{options}: {path}");
    }
    for path in ["/nothing", "/boot/small/x", "/nowhere", "/boot/Small"] {
        assert_eq!(content(fs, path), Err(Fault::Absent), "{options}: {path}");
    }
    for path in ["/circle", "/two"] {
        let fault = content(fs, path).expect_err("links in a circle");
        assert!(fault.to_string().contains("more than 40 links"), "{fault}");
    }
    let many = fs.find("/many").expect("a folder");
    assert_eq!(many.kind, NodeKind::Folder);
    assert_eq!(fs.list(&many).expect("names").len(), 700, "{options}");
    let node = fs.find("/boot/large").expect("a file");
    for (from, bytes) in [
        (0, 10),
        (1023, 2),
        (5000, 70_000),
        (2_799_990, 100),
        (3 << 20, 1),
    ] {
        let end = large.len().min((from + bytes) as usize);
        let want = large.get(from as usize..end).unwrap_or_default();
        assert_eq!(
            fs.read(&node, from, bytes).as_deref(),
            Ok(want),
            "{options}: {from}"
        );
    }
}

/// What a program makes of a disk in a file.
fn in_file(disk: &[u8], change: impl FnOnce(&std::path::Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk.img");
    fs::write(&path, disk).expect("a disk");
    change(&path);
    fs::read(&path).expect("the disk")
}

#[test]
fn a_journal_that_was_not_written_back_counts() {
    let folder = tree(&[("/f", &[b'o'; 3000]), ("/g", &[b'g'; 900])]);
    let mut magic = b"\xc0\x3b\x39\x98 and more".to_vec();
    magic.resize(1024, 0);
    let new = tree(&[("/new", &[b'n'; 1024]), ("/magic", &magic)]);
    let new = new.path();
    for options in [
        "-t ext4 -b 1024",
        "-t ext3 -b 1024",
        "-t ext4 -b 1024 -O ^64bit,^metadata_csum",
    ] {
        let Some(disk) = ext(options, folder.path(), 8 << 20) else {
            return;
        };
        let blocks = in_blocks(&disk);
        let (first, second) = (blocks[0], blocks[1]);
        let write = |block: u32| format!("jw -b {block} {}/new\n", new.display());
        for (script, old, name) in [
            (write(first), [false, true], "one block"),
            (
                write(first) + &write(second),
                [false, false],
                "two transactions",
            ),
            (
                format!("{}jw -r {first}\n", write(first)),
                [true, true],
                "revoked later",
            ),
            (
                format!("jw -r {first}\n{}", write(first)),
                [false, true],
                "revoked before",
            ),
        ] {
            let changed = in_file(&disk, |path| {
                let Some(mut command) = tool("debugfs") else {
                    return;
                };
                run(command.arg("-w").arg(path), &format!("jo\n{script}jc\n"));
            });
            let fs = open(changed.clone());
            assert_eq!(
                fs.remark().is_some(),
                old != [true, true],
                "{options}: {name}"
            );
            let found = content(&*fs, "/f").expect("the file");
            let seen = [found[0] == b'o', found[1024] == b'o'];
            assert_eq!(seen, old, "{options}: {name}");
            // The judge writes the journal back.
            let recovered = in_file(&changed, |path| {
                let mut command = tool("e2fsck").expect("it comes with debugfs");
                let _ = command.args(["-fy"]).arg(path).output().expect("it runs");
            });
            assert_eq!(
                content(&*open(recovered), "/f"),
                Ok(found),
                "{options}: {name}"
            );
        }
        let escaped = in_file(&disk, |path| {
            let Some(mut command) = tool("debugfs") else {
                return;
            };
            let magic = new.join("magic");
            let script = format!("jo\njw -b {first} {}\njc\n", magic.display());
            run(command.arg("-w").arg(path), &script);
        });
        let found = content(&*open(escaped), "/f").expect("the file");
        assert_eq!(&found[..6], b"\xc0\x3b\x39\x98 a", "{options}");
    }
}

/// The blocks of `/f`.
fn in_blocks(disk: &[u8]) -> Vec<u32> {
    let mut said = String::new();
    in_file(disk, |path| {
        let mut command = tool("debugfs").expect("it comes with mke2fs");
        said = run(command.args(["-R", "blocks /f"]).arg(path), "");
    });
    said.split_whitespace()
        .map(|word| word.parse().expect("a number"))
        .collect()
}

#[test]
fn fats_of_all_widths_give_their_files() {
    let large = numbers(200_000);
    let many: Vec<(String, Vec<u8>)> = (0..300)
        .map(|n| {
            (
                format!("/many/a long name with number {n}.conf"),
                vec![n as u8],
            )
        })
        .collect();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("/EFI/Linux/a-long-name-6.12.48+deb13.efi", &large),
        ("/loader/loader.conf", b"default x"),
        ("/Grün/ß", b"umlaut"),
        ("/EMPTY", b""),
    ];
    files.extend(
        many.iter()
            .map(|(name, content)| (name.as_str(), content.as_slice())),
    );
    let folder = tree(&files);
    for (bits, bytes, name) in [
        (12, 2 << 20, "FAT12"),
        (16, 16 << 20, "FAT16"),
        (32, 40 << 20, "FAT32"),
    ] {
        let Some(disk) = fat(bits, folder.path(), bytes) else {
            return;
        };
        let fs = open(disk);
        assert_eq!(
            (fs.name(), fs.uuid(), fs.label()),
            (name, "1234-ABCD".into(), "EFI".into())
        );
        for (path, want) in [
            ("/EFI/Linux/a-long-name-6.12.48+deb13.efi", large.as_slice()),
            ("/efi/LINUX/A-LONG-NAME-6.12.48+deb13.efi", &large),
            ("/loader/../loader/loader.conf", b"default x"),
            ("/empty", b""),
            ("/many/a long name with number 299.conf", &[299_u32 as u8]),
        ] {
            assert_eq!(content(&*fs, path).as_deref(), Ok(want), "{name}: {path}");
        }
        assert_eq!(content(&*fs, "/nothing"), Err(Fault::Absent));
        assert_eq!(content(&*fs, "/EMPTY/x"), Err(Fault::Absent));
        let many = fs.find("/many").expect("a folder");
        assert_eq!(fs.list(&many).expect("names").len(), 300);
        let node = fs
            .find("/EFI/Linux/a-long-name-6.12.48+deb13.efi")
            .expect("a file");
        for (from, bytes) in [
            (0, 10),
            (2047, 2),
            (5000, 70_000),
            (799_990, 100),
            (900_000, 1),
        ] {
            let end = large.len().min((from + bytes) as usize);
            let want = large.get(from as usize..end).unwrap_or_default();
            assert_eq!(
                fs.read(&node, from, bytes).as_deref(),
                Ok(want),
                "{name}: {from}"
            );
        }
    }
}
