//! What stands in a file system.

use std::collections::BTreeMap;

use super::words::{BLS, EXTLINUX, GRUB, RELEASE};
use crate::{Feed, text};

/// Something with a name.
pub enum Node {
    /// A file with this content, behind so many blocks of nothing.
    File(Vec<u8>, u8),
    /// A link to there.
    Link(String),
    /// A folder.
    Folder(Tree),
}

/// The names in a folder.
#[derive(Default)]
pub struct Tree(pub BTreeMap<String, Node>);

/// Where files may stand, and in which language.
#[rustfmt::skip] // A table.
const PATHS: &[(&str, &[&str])] = &[
    ("boot/grub/grub.cfg",            GRUB),
    ("boot/grub/grubenv",             GRUB),
    ("grub/other.cfg",                GRUB),
    ("loader/loader.conf",            BLS),
    ("loader/entries/a.conf",         BLS),
    ("boot/loader/entries/b+3-1.conf", BLS),
    ("boot/extlinux/extlinux.conf",   EXTLINUX),
    ("EFI/Linux/a long name.efi",     RELEASE),
    ("EFI/Linux/b+0-3.efi",           RELEASE),
    ("EFI/BOOT/BOOTRISCV64.EFI",      &[]),
    ("vmlinuz",                       &[]),
    ("initrd.img",                    &[]),
    ("boot/vmlinuz-6.1",              &[]),
    ("boot/initrd.img-6.1",           &[]),
    ("boot/vmlinuz-6.12~rc1",         &[]),
    ("sbin/init",                     &[]),
    ("boot/Image",                    &[]),
    ("k",                             &[]),
];

/// Where links lead.
const TARGETS: &[&str] = &[
    "k",
    "/k",
    "boot/Image",
    "../k",
    "vmlinuz",
    "/boot",
    "nowhere",
    "initrd.img",
    "boot/../boot/./vmlinuz-6.1/../../boot/vmlinuz-6.1/../vmlinuz-6.1/../../../vmlinuz",
];

impl Tree {
    /// A tree of files, each a place, a kind and a content.
    pub fn of(feed: &mut Feed) -> Self {
        let mut tree = Self::default();
        for _ in 0..1 + feed.u8() % 6 {
            let (path, words) = PATHS[usize::from(feed.u8()) % PATHS.len()];
            tree.put(path, node(feed, words));
        }
        // A folder of more than one block.
        if feed.u8() >= 0xf0 {
            for number in 0..30 {
                tree.put(
                    &format!("boot/vmlinuz-6.{number}"),
                    Node::File(Vec::new(), 0),
                );
            }
        }
        tree
    }

    fn put(&mut self, path: &str, node: Node) {
        match path.split_once('/') {
            None => drop(self.0.insert(path.to_owned(), node)),
            Some((first, rest)) => {
                let made = || Node::Folder(Self::default());
                let below = self.0.entry(first.to_owned()).or_insert_with(made);
                if !matches!(below, Node::Folder(_)) {
                    *below = made();
                }
                if let Node::Folder(tree) = below {
                    tree.put(rest, node);
                }
            }
        }
    }
}

fn node(feed: &mut Feed, words: &[&str]) -> Node {
    let kind = feed.u8();
    if kind >= 0xf0 {
        return Node::Link(feed.one(TARGETS).to_owned());
    }
    let content = match kind % 8 {
        0..=2 if words.is_empty() => kernel(feed.u8()),
        0..=3 if std::ptr::eq(words, RELEASE) => unified(feed),
        0..=4 => text::of(feed, words),
        5 => kernel(feed.u8()),
        6 => vec![b'x'; usize::from(feed.u8()) * 128],
        _ => {
            let most = usize::from(feed.u8());
            feed.bytes(most).to_vec()
        }
    };
    let holes = if kind & 0xe0 == 0x80 { feed.u8() } else { 0 };
    Node::File(content, holes)
}

/// The first bytes of a kernel or program, in each of the forms that are known.
fn kernel(which: u8) -> Vec<u8> {
    let mut head = vec![0; 520];
    match which % 6 {
        0 => head[56..60].copy_from_slice(b"RSC\x05"),
        1 => head[56..60].copy_from_slice(b"ARMd"),
        2 => head[0x202..0x206].copy_from_slice(b"HdrS"),
        3 => {
            head[..5].copy_from_slice(b"\x7fELF\x02");
            head[18] = [243, 183, 62][usize::from(which / 6) % 3];
        }
        4 => {
            head[..2].copy_from_slice(b"MZ");
            head[0x3c] = 0x40;
            let machine = [b"\x64\x50", b"\x64\xaa", b"\x64\x86"][usize::from(which / 6) % 3];
            head[0x40..0x44].copy_from_slice(b"PE\0\0");
            head[0x44..0x46].copy_from_slice(machine);
        }
        _ => {}
    }
    head
}

/// An EFI program with sections.
fn unified(feed: &mut Feed) -> Vec<u8> {
    const NAMES: [&[u8]; 8] = [
        b".linux",
        b".initrd",
        b".cmdline",
        b".osrel",
        b".uname",
        b".ucode",
        b".linux",
        b".text",
    ];
    let mut file = kernel(4);
    let count = feed.u8() % 6;
    file[0x46] = count;
    for index in 0..usize::from(count) {
        let name = feed.one(&NAMES);
        let content = match feed.u8() % 4 {
            0 => kernel(0),
            _ => text::of(feed, RELEASE),
        };
        let at = 0x58 + index * 40;
        let (start, length) = (file.len() as u32, content.len() as u32);
        // Now and then a section that lies elsewhere, or is longer than the file.
        let length = if feed.u8() >= 0xf8 {
            feed.odd() as u32
        } else {
            length
        };
        let start = if feed.u8() >= 0xf8 {
            feed.odd() as u32
        } else {
            start
        };
        file[at..at + name.len()].copy_from_slice(name);
        file[at + 8..at + 12].copy_from_slice(&length.to_le_bytes());
        file[at + 16..at + 20].copy_from_slice(&(length | 15).to_le_bytes());
        file[at + 20..at + 24].copy_from_slice(&start.to_le_bytes());
        file.extend_from_slice(&content);
    }
    file
}
