//! Headers built by hand, whole, cut at every byte, and contradicting themselves.

use super::*;

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn image(magic: &[u8; 4]) -> Vec<u8> {
    let mut file = vec![0x13; 4096];
    put(&mut file, 0, b"MZ");
    put(&mut file, 8, &0x20_0000u64.to_le_bytes());
    put(&mut file, 16, &0x5000u64.to_le_bytes());
    put(&mut file, 24, &0u64.to_le_bytes());
    put(&mut file, 56, magic);
    put(&mut file, 60, &64u32.to_le_bytes());
    put(&mut file, 64, b"PE\0\0\x64\x50\x01\0");
    put(&mut file, 64 + 20, &16u16.to_le_bytes());
    let section = 64 + 24 + 16;
    put(&mut file, section, b".text\0\0\0");
    put(&mut file, section + 16, &3072u32.to_le_bytes());
    put(&mut file, section + 20, &1024u32.to_le_bytes());
    file
}

/// An ELF file of one segment: 16 bytes at virtual `virt`, physical `phys`.
fn elf(machine: u16, virt: u64, phys: u64, entry: u64) -> Vec<u8> {
    let mut file = vec![0; 64 + 56 + 16];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 16, &2u16.to_le_bytes());
    put(&mut file, 18, &machine.to_le_bytes());
    put(&mut file, 24, &entry.to_le_bytes());
    put(&mut file, 32, &64u64.to_le_bytes());
    put(&mut file, 54, &56u16.to_le_bytes());
    put(&mut file, 56, &1u16.to_le_bytes());
    put(&mut file, 64, &1u32.to_le_bytes());
    for (at, word) in [(8, 120), (16, virt), (24, phys), (32, 16), (40, 4096)] {
        put(&mut file, 64 + at, &u64::to_le_bytes(word));
    }
    file
}

fn bz_image() -> Vec<u8> {
    let mut file = vec![0; 2048];
    put(&mut file, 0x1f1, &[1]);
    put(&mut file, 0x1f4, &64u32.to_le_bytes());
    put(&mut file, 0x1fe, &[0x55, 0xaa]);
    put(&mut file, 0x202, b"HdrS\x0f\x02");
    file
}

fn parse(file: &[u8]) -> Result<Kernel<'_>, BootError> {
    Kernel::parse(Cow::Borrowed(file))
}

#[test]
fn headers_are_told_apart() {
    let riscv = elf(
        243,
        0xffff_ffff_8000_0000,
        0x8020_0000,
        0xffff_ffff_8000_0008,
    );
    for (file, arch, kind, entry, memory) in [
        (
            image(b"RSC\x05"),
            Some(Arch::Riscv64),
            Kind::RiscvImage,
            0,
            0x5000,
        ),
        (
            image(b"ARM\x64"),
            Some(Arch::Arm64),
            Kind::Arm64Image,
            0,
            0x5000,
        ),
        (bz_image(), Some(Arch::X86_64), Kind::BzImage(0x20f), 0, 0),
        (riscv, Some(Arch::Riscv64), Kind::Elf, 0x8020_0008, 4096),
        (
            elf(183, 0, 0x4000_0000, 4),
            Some(Arch::Arm64),
            Kind::Elf,
            0x4000_0004,
            4096,
        ),
        (
            elf(62, 0, 0x10_0000, 0x10_0004),
            Some(Arch::X86_64),
            Kind::Elf,
            0x10_0004,
            4096,
        ),
        (image(b"none"), Some(Arch::Riscv64), Kind::Pe, 0, 0),
        (b"text".to_vec(), None, Kind::Flat, 0, 4),
    ] {
        let kernel = parse(&file).unwrap();
        assert_eq!((kernel.arch, kernel.kind), (arch, kind));
        assert_eq!(
            (kernel.entry, kernel.memory_bytes()),
            (entry, memory),
            "{kind:?}"
        );
    }
    let file = image(b"RSC\x05");
    assert_eq!(parse(&file).unwrap().text_offset, 0x20_0000);
}

#[test]
fn every_prefix_is_refused_or_smaller_but_never_a_panic() {
    for whole in [
        image(b"RSC\x05"),
        image(b"ARM\x64"),
        bz_image(),
        elf(243, 0, 0x8000_0000, 0),
    ] {
        for end in 0..whole.len() {
            match parse(&whole[..end]) {
                Ok(kernel) => assert!(kernel.kind == Kind::Flat, "{end} bytes"),
                Err(error) => {
                    let cut = matches!(error, BootError::Truncated { .. } | BootError::Empty);
                    assert!(cut, "{end} bytes: {error}");
                }
            }
        }
    }
}

#[test]
fn every_changed_byte_is_survived() {
    for whole in [image(b"RSC\x05"), bz_image(), elf(243, 0, 0x8000_0000, 0)] {
        for at in 0..whole.len().min(0x210) {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = whole.clone();
                file[at] = value;
                if let Ok(kernel) = parse(&file) {
                    for segment in &kernel.segments {
                        assert!(kernel.file.get(segment.file.clone()).is_some());
                        assert!(segment.addr.checked_add(segment.bytes).is_some());
                    }
                }
            }
        }
    }
}

#[test]
fn refusals_name_the_fact() {
    let refuse = |file: &[u8], message: &str| {
        assert_eq!(parse(file).unwrap_err().to_string(), message);
    };
    refuse(b"", "the file is empty");
    let cut = "the file is cut off: it has 4000 bytes, its section `.text` reaches to byte 4096";
    refuse(&image(b"RSC\x05")[..4000], cut);
    let mut file = elf(243, 0, 0x8000_0000, 0);
    put(&mut file, 4, &[1]);
    let only = "only 64-bit little-endian guests can be started";
    refuse(
        &file,
        &format!("this is a 32-bit little-endian ELF file for RISC-V, {only}"),
    );
    refuse(
        &elf(40, 0, 0, 0),
        &format!("this is an ELF file for 32-bit ARM, {only}"),
    );
    refuse(
        &elf(243, 0, 0x8000_0000, 0x9000),
        "the ELF header is damaged: its entry 0x9000 lies in none of its segments",
    );
    refuse(
        &elf(243, 0, u64::MAX - 4, 0),
        "the ELF header is damaged: segment 0 at 0xfffffffffffffffb reaches past the last address",
    );
    let file = image(b"ARM\x64");
    let error = parse(&file).unwrap().require(Arch::Riscv64).unwrap_err();
    let text = "the file is for arm64: it has the ARM64 Image header; the machine is riscv64";
    assert_eq!(error.to_string(), text);
}
