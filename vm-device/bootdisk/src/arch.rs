//! For which architecture something is.

use vm_device_boot::Arch;

use crate::bytes::{array, u8_at, u16_at, u32_at};
use crate::volume::{Place, Volume};

/// The programs that a firmware starts if nobody told it otherwise.
const PROGRAMS: [(&str, Arch); 3] = [
    ("BOOTRISCV64.EFI", Arch::Riscv64),
    ("BOOTAA64.EFI", Arch::Arm64),
    ("BOOTX64.EFI", Arch::X86_64),
];

/// Programs that every system has.
const ELVES: [&str; 5] = [
    "/usr/lib/systemd/systemd",
    "/sbin/init",
    "/bin/sh",
    "/usr/bin/sh",
    "/bin/busybox",
];

/// The architecture that a configuration file names, in its or in EFI's spelling.
pub(crate) fn named(name: &str) -> Option<Arch> {
    match name.to_ascii_lowercase().as_str() {
        "riscv64" => Some(Arch::Riscv64),
        "aa64" | "arm64" | "aarch64" => Some(Arch::Arm64),
        "x64" | "x86-64" | "x86_64" | "amd64" => Some(Arch::X86_64),
        _ => None,
    }
}

/// The architecture by the first bytes of a kernel or program.
#[must_use]
pub(crate) fn of_head(head: &[u8]) -> Option<Arch> {
    let by_machine = |machine: u16| match machine {
        243 | 0x5064 => Some(Arch::Riscv64),
        183 | 0xaa64 => Some(Arch::Arm64),
        62 | 0x8664 => Some(Arch::X86_64),
        _ => None,
    };
    if head.starts_with(b"\x7fELF") {
        return by_machine(u16_at(head, 18)).filter(|_| u8_at(head, 4) == 2);
    }
    match array(head, 56) {
        Some([b'R', b'S', b'C', 5]) => return Some(Arch::Riscv64),
        Some([b'A', b'R', b'M', 0x64]) => return Some(Arch::Arm64),
        _ => {}
    }
    if array(head, 0x202) == Some(*b"HdrS") {
        return Some(Arch::X86_64);
    }
    let pe = u32_at(head, 0x3c) as usize;
    if head.starts_with(b"MZ") && array(head, pe) == Some(*b"PE\0\0") {
        return by_machine(u16_at(head, pe.saturating_add(4)));
    }
    None
}

/// The EFI programs in the place where a firmware looks by itself.
pub(crate) fn programs(volumes: &[Volume]) -> Vec<(Place, Arch)> {
    let mut found = Vec::new();
    for volume in volumes {
        for (name, arch) in PROGRAMS {
            let path = format!("/EFI/BOOT/{name}");
            if volume.is_file(&path) {
                found.push((volume.place(&path), arch));
            }
        }
    }
    found
}

/// The architecture of the programs on a disk, and the file that says so.
pub(crate) fn of_programs(volumes: &[Volume]) -> Option<(Arch, Place)> {
    volumes.iter().find_map(|volume| {
        ELVES.iter().find_map(|path| {
            let head = volume.head(path, 64).ok()?;
            Some((of_head(&head)?, volume.place(path)))
        })
    })
}
