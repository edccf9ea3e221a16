//! Kernels, firmwares and RAM disks.

use vm_core::GuestPhys;
use vm_device_boot::{Images, Kernel, Layout, Mode, Plan};
use vm_mem::GuestRam;

use crate::Feed;
use crate::sums::crc32;

/// The most that a file may unpack to.
const LIMIT: u64 = 1 << 20;
/// Where RAM begins.
const RAM: u64 = 0x8000_0000;

/// The first bytes choose the machine and the mode; then comes a RAM disk and a kernel, in
/// containers, with some of its bytes changed.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let mode = feed.one(&[Mode::Direct, Mode::Bare, Mode::Firmware]);
    let ram_bytes = 1 << (20 + feed.u8() % 6);
    let initrd = match feed.u8() % 4 {
        0 => None,
        _ => Some(vec![0x5a; usize::from(feed.u16()) << (feed.u8() % 8)]),
    };
    let file = file(&mut feed);
    let kernel = match Kernel::open(&file, LIMIT) {
        Ok(kernel) => kernel,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let _ = (kernel.span(), kernel.first_bytes());
    assert!(kernel.file.len() as u64 <= LIMIT.max(file.len() as u64));
    let images = Images {
        firmware: (mode == Mode::Firmware).then_some(&kernel),
        kernel: (mode != Mode::Firmware || ram_bytes > 1 << 22).then_some(&kernel),
        initrd: initrd.as_deref(),
    };
    let layout = Layout {
        ram: RAM,
        bytes: ram_bytes,
    };
    let Ok(plan) = Plan::riscv64(layout, &images, mode) else {
        return;
    };
    for (index, piece) in plan.pieces.iter().enumerate() {
        let end = piece.addr + piece.bytes;
        assert!(
            piece.addr >= RAM && end <= RAM + ram_bytes,
            "{piece:?} lies outside RAM"
        );
        // The pieces of one file may lie on each other.
        let mut before = plan.pieces[..index].iter();
        let on = before.find(|other| {
            other.source != piece.source
                && other.addr < end
                && piece.addr < other.addr + other.bytes
        });
        assert!(on.is_none(), "{piece:?} lies on {on:?}");
    }
    let Ok(ram) = GuestRam::new(&[(GuestPhys(RAM), ram_bytes)]) else {
        return;
    };
    assert!(plan.load(&ram, &images, &[0; 4096]).is_ok());
}

/// A file with a kernel in it, in each of the forms that there are.
fn file(feed: &mut Feed) -> Vec<u8> {
    let mut file = match feed.u8() % 8 {
        0 => return feed.rest().to_vec(),
        1 | 2 => elf(feed),
        3 | 4 => image(feed),
        5 => {
            let mut file = vec![0; 2048];
            file[0x1f1] = feed.u8() % 4;
            file[0x1f4] = feed.u8();
            file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
            file[0x202..0x206].copy_from_slice(b"HdrS");
            file[0x206..0x208].copy_from_slice(&[15, 2]);
            file
        }
        6 => pe(vec![0; 256], feed),
        _ => feed
            .one(&[&b"\xfd7zXZ\0"[..], b"BZh", b"\x89LZO\0", b"flat"])
            .to_vec(),
    };
    for _ in 0..feed.u8() % 4 {
        let at = feed.below(file.len() as u64) as usize;
        file[at] = feed.u8();
    }
    if feed.u8() >= 0xe0 {
        file.truncate(feed.below(file.len() as u64) as usize);
    }
    for _ in 0..feed.u8() % 5 {
        file = wrapped(&file, feed);
    }
    file
}

fn elf(feed: &mut Feed) -> Vec<u8> {
    let count = feed.u8() % 4;
    let mut file = vec![0; 64 + 56 * usize::from(count) + 256];
    file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    let machine: u16 = feed.one(&[243, 243, 243, 183, 62, 8]);
    file[16] = feed.one(&[2, 2, 3, 1]);
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    file[24..32].copy_from_slice(&(RAM + u64::from(feed.u8())).to_le_bytes());
    (file[32], file[54], file[56]) = (64, 56, count);
    for index in 0..usize::from(count) {
        let header = &mut file[64 + 56 * index..][..56];
        header[0] = feed.one(&[1, 1, 1, 2]);
        // Offset, virtual and physical address, size in the file and in memory.
        let addr = RAM + feed.below(64) * 4096;
        let addr = if feed.u8() >= 0xf0 { feed.odd() } else { addr };
        let virt = if feed.once_in(2) {
            addr
        } else {
            addr ^ 1 << 63
        };
        let bytes = feed.below(300);
        for (at, value) in [(8, 64), (16, virt), (24, addr), (32, bytes)] {
            header[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let more = if feed.u8() >= 0xf0 {
            feed.odd()
        } else {
            bytes + feed.below(9000)
        };
        header[40..48].copy_from_slice(&more.to_le_bytes());
    }
    file
}

/// An Image of RISC-V or ARM64, perhaps with the header of an EFI program.
fn image(feed: &mut Feed) -> Vec<u8> {
    let mut file = vec![0; 512];
    for at in [8, 16] {
        let value = if feed.u8() >= 0xf0 {
            feed.odd()
        } else {
            feed.below(64) << 16
        };
        file[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    file[24] = u8::from(feed.u8() >= 0xf0);
    if feed.once_in(2) {
        file = pe(file, feed);
    }
    file[56..60].copy_from_slice(feed.one(&[b"RSC\x05", b"RSC\x05", b"ARM\x64"]));
    file
}

/// Writes the header of an EFI program with sections.
fn pe(mut file: Vec<u8>, feed: &mut Feed) -> Vec<u8> {
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file[0x44..0x46].copy_from_slice(feed.one(&[b"\x64\x50", b"\x64\xaa", b"\x64\x86"]));
    file[0x46] = feed.u8() % 4;
    for index in 0..2 {
        let at = 0x58 + 40 * index;
        file[at..at + 5].copy_from_slice(b".text");
        file[at + 16] = feed.u8();
        file[at + 20] = feed.u8();
    }
    file
}

/// The file in a container, with the right checksums.
fn wrapped(content: &[u8], feed: &mut Feed) -> Vec<u8> {
    let length = content.len() as u32;
    match feed.u8() % 3 {
        // One block that is stored; longer content is cut off.
        0 => {
            let part = &content[..content.len().min(0xffff)];
            let short = part.len() as u16;
            let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
            out.extend(short.to_le_bytes());
            out.extend((!short).to_le_bytes());
            out.extend_from_slice(part);
            out.extend(crc32(part).to_le_bytes());
            out.extend(u32::from(short).to_le_bytes());
            out
        }
        // A frame of one segment whose block is raw.
        1 => {
            let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
            out.extend(length.to_le_bytes());
            out.extend(&(1 | length << 3).to_le_bytes()[..3]);
            out.extend_from_slice(content);
            out
        }
        _ => {
            let mut out = vec![0; 64];
            out[..8].copy_from_slice(b"MZ\0\0zimg");
            out[8] = 64;
            out[12..16].copy_from_slice(&length.to_le_bytes());
            out[24..28].copy_from_slice(feed.one(&[b"gzip", b"zstd", b"xz\0\0"]));
            out.extend_from_slice(content);
            out
        }
    }
}
