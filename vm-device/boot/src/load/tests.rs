//! Places for kernels of every kind, and refusals of memory that is too small.

use std::borrow::Cow;

use super::*;
use crate::LoadSegment;

const RAM: u64 = 0x8000_0000;
const MIB: u64 = 1 << 20;

fn kernel(kind: Kind, addr: u64, bytes: u64) -> Kernel<'static> {
    let flat = matches!(kind, Kind::Flat);
    Kernel {
        arch: (!flat).then_some(Arch::Riscv64),
        kind,
        addressing: if kind == Kind::Elf {
            Addressing::Physical
        } else {
            Addressing::Relative
        },
        segments: vec![LoadSegment {
            addr,
            file: 0..4,
            bytes,
        }],
        entry: addr,
        text_offset: if kind == Kind::RiscvImage { 2 * MIB } else { 0 },
        file: Cow::Borrowed(b"KERN"),
    }
}

fn plan(mode: Mode, mib: u64, images: &Images) -> Result<Plan, BootError> {
    let layout = Layout {
        ram: RAM,
        bytes: mib * MIB,
    };
    Plan::riscv64(layout, images, mode)
}

#[test]
fn each_mode_has_its_places() {
    let image = kernel(Kind::RiscvImage, 0, 30 * MIB);
    let elf = kernel(Kind::Elf, RAM, MIB);
    let vmlinux = kernel(Kind::Elf, 0, MIB);
    let flat = kernel(Kind::Flat, 0, MIB);
    let disk = vec![1; 5 * MIB as usize + 1];
    // Mode, kernel, firmware, MiB of RAM; start, next, device tree, RAM disk, from RAM's begin.
    for (mode, kernel, firmware, mib, start, next, fdt, initrd) in [
        (
            Mode::Direct,
            &image,
            None,
            128,
            2 * MIB,
            None,
            126 * MIB,
            121 * MIB - 4096,
        ),
        (
            Mode::Direct,
            &image,
            None,
            4096,
            2 * MIB,
            None,
            1022 * MIB,
            1017 * MIB - 4096,
        ),
        (
            Mode::Direct,
            &vmlinux,
            None,
            128,
            2 * MIB,
            None,
            126 * MIB,
            121 * MIB - 4096,
        ),
        (
            Mode::Bare,
            &elf,
            None,
            16,
            0,
            None,
            16 * MIB - FDT_ROOM,
            11 * MIB - FDT_ROOM - 4096,
        ),
        (
            Mode::Bare,
            &flat,
            None,
            16,
            0,
            None,
            16 * MIB - FDT_ROOM,
            11 * MIB - FDT_ROOM - 4096,
        ),
        (
            Mode::Firmware,
            &image,
            Some(&flat),
            128,
            0,
            Some(2 * MIB),
            126 * MIB,
            121 * MIB - 4096,
        ),
        (
            Mode::Firmware,
            &flat,
            Some(&elf),
            128,
            0,
            Some(2 * MIB),
            126 * MIB,
            121 * MIB - 4096,
        ),
    ] {
        let images = Images {
            kernel: Some(kernel),
            firmware,
            initrd: Some(&disk),
        };
        let plan = plan(mode, mib, &images).unwrap();
        let next = next.map_or(0, |next| RAM + next);
        assert_eq!((plan.start, plan.next), (RAM + start, next), "{mode:?}");
        let disk_start = plan.initrd.clone().unwrap().start;
        assert_eq!(
            (plan.fdt, disk_start),
            (RAM + fdt, RAM + initrd),
            "{mode:?} {mib}"
        );
        for pair in plan.pieces.windows(2) {
            assert!(pair[0].end() <= pair[1].addr, "{pair:x?}");
        }
    }
}

#[test]
fn the_size_that_a_refusal_demands_is_enough_and_no_less_is() {
    let image = kernel(Kind::RiscvImage, 0, 30 * MIB);
    let elf = kernel(Kind::Elf, RAM, 20 * MIB + 5);
    for (mode, kernel, disk_bytes) in [
        (Mode::Direct, &image, None),
        (Mode::Direct, &image, Some(7 * MIB + 3)),
        (Mode::Bare, &elf, Some(1)),
    ] {
        let disk = disk_bytes.map(|bytes| vec![0; bytes as usize]);
        let images = Images {
            kernel: Some(kernel),
            firmware: None,
            initrd: disk.as_deref(),
        };
        let Err(BootError::TooSmall { need, have, .. }) = plan(mode, 4, &images) else {
            panic!("4 MiB are enough");
        };
        assert_eq!(have, 4 * MIB);
        assert!(plan(mode, need / MIB, &images).is_ok(), "{need:#x}");
        assert!(plan(mode, need / MIB - 1, &images).is_err(), "{need:#x}");
    }
}

#[test]
fn what_can_not_be_placed_is_named() {
    let check = |mode, kernel: Option<&Kernel>, firmware: Option<&Kernel>, message: &str| {
        let images = Images {
            kernel,
            firmware,
            initrd: None,
        };
        assert_eq!(plan(mode, 16, &images).unwrap_err().to_string(), message);
    };
    let image = kernel(Kind::RiscvImage, 0, 30 * MIB);
    let flat = kernel(Kind::Flat, 0, 3 * MIB);
    let low = kernel(Kind::Elf, 0x1000, MIB);
    let mut arm = kernel(Kind::Arm64Image, 0, MIB);
    arm.arch = Some(Arch::Arm64);
    check(
        Mode::Direct,
        Some(&image),
        None,
        "16 MiB of guest memory are too few: kernel and device tree need at least 33 MiB",
    );
    check(
        Mode::Direct,
        Some(&flat),
        None,
        "this is not a kernel: no ELF, Image or PE header, it begins with 4b 45 52 4e",
    );
    check(
        Mode::Bare,
        Some(&low),
        None,
        "the kernel goes to 0x1000 with 0x100000 bytes, RAM is 0x80000000 to 0x81000000",
    );
    check(
        Mode::Firmware,
        Some(&image),
        Some(&flat),
        "the firmware at 0x80000000 overlaps the kernel",
    );
    // Of two pieces on each other the one that begins first may reach further.
    let small = kernel(Kind::RiscvImage, 0, MIB);
    let mut nested = kernel(Kind::Elf, RAM, 3 * MIB);
    nested.segments.push(LoadSegment {
        addr: RAM + MIB,
        file: 0..4,
        bytes: 4096,
    });
    check(
        Mode::Firmware,
        Some(&small),
        Some(&nested),
        "the firmware at 0x80000000 overlaps the kernel",
    );
    check(
        Mode::Direct,
        Some(&arm),
        None,
        "the file is for arm64: it has the ARM64 Image header; the machine is riscv64",
    );
    check(Mode::Direct, None, None, "there is no kernel to start");
}

#[test]
fn loading_writes_the_file_and_clears_the_rest() {
    let elf = kernel(Kind::Elf, RAM + 0x1000, 0x3000);
    let images = Images {
        kernel: Some(&elf),
        firmware: None,
        initrd: Some(b"disk"),
    };
    let plan = plan(Mode::Bare, 1, &images).unwrap();
    let ram = GuestRam::new(&[(GuestPhys(RAM), MIB)]).unwrap();
    ram.write(GuestPhys(RAM), &[0xff; 0x5000]).unwrap();
    plan.load(&ram, &images, b"tree").unwrap();
    let read = |addr: u64, bytes: usize| {
        let mut out = vec![0; bytes];
        ram.read(GuestPhys(addr), &mut out).unwrap();
        out
    };
    assert_eq!(read(RAM + 0xfff, 7), b"\xffKERN\0\0");
    assert_eq!(read(RAM + 0x3ffe, 4), [0, 0, 0xff, 0xff]);
    assert_eq!(read(plan.fdt, 5), b"tree\0");
    assert_eq!(read(plan.initrd.clone().unwrap().start, 4), b"disk");
    let large = vec![0; FDT_ROOM as usize + 1];
    assert!(matches!(
        plan.load(&ram, &images, &large),
        Err(BootError::TreeSize { .. })
    ));
    let small = GuestRam::new(&[(GuestPhys(RAM), 0x1000)]).unwrap();
    let outside = plan.load(&small, &images, b"tree");
    assert!(matches!(outside, Err(BootError::OutsideRam { .. })));
}
