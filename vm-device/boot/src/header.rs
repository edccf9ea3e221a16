//! Headers of flat kernels: the Linux Images, bzImage, and the PE header they share with EFI.
//!
//! The layouts are those of the Linux documentation: "Boot image header in RISC-V Linux",
//! "Booting AArch64 Linux" and "The Linux/x86 Boot Protocol"; PE is Microsoft's "PE Format".

use crate::BootError;
use crate::bytes::{array, u16_at, u32_at, u64_at};
use crate::kernel::{Addressing, Arch, Found, Kind, LoadSegment};

/// Where the Images keep their second magic number.
const IMAGE_MAGIC: usize = 56;
const IMAGE_BYTES: usize = 64;

/// The signature and the fixed part of a PE header.
const PE_BYTES: usize = 24;

/// What the header says; a file without one is flat.
pub(crate) fn parse(file: &[u8]) -> Result<Found, BootError> {
    match array(file, IMAGE_MAGIC) {
        Some([b'R', b'S', b'C', 5]) => return image(file, Arch::Riscv64, Kind::RiscvImage),
        Some([b'A', b'R', b'M', 0x64]) => return image(file, Arch::Arm64, Kind::Arm64Image),
        _ => {}
    }
    if u16_at(file, 0x1fe) == Some(0xaa55) && array(file, 0x202) == Some(*b"HdrS") {
        return bz_image(file);
    }
    if let Some(pe) = Pe::find(file) {
        pe.check_sections(file)?;
        return Ok(recognised(pe.arch(), Kind::Pe));
    }
    Ok(Found {
        arch: None,
        kind: Kind::Flat,
        addressing: Addressing::Relative,
        segments: vec![whole(file, file.len() as u64)],
        entry: 0,
        text_offset: 0,
    })
}

/// The headers of both architectures have the same fields in the same places.
fn image(file: &[u8], arch: Arch, kind: Kind) -> Result<Found, BootError> {
    if file.len() < IMAGE_BYTES {
        return Err(BootError::Truncated {
            part: "Image header".to_owned(),
            have: file.len() as u64,
            need: IMAGE_BYTES as u64,
        });
    }
    let field = |at| u64_at(file, at).unwrap_or(0);
    let (text_offset, image_bytes, flags) = (field(8), field(16), field(24));
    if flags & 1 != 0 {
        let text = format!("a big-endian kernel for {}", arch.name());
        return Err(BootError::Unsupported(text));
    }
    if file.starts_with(b"MZ") {
        let pe_at = u32_at(file, 60).map_or(0, u64::from);
        if pe_at + PE_BYTES as u64 > file.len() as u64 {
            return Err(BootError::Truncated {
                part: "PE header".to_owned(),
                have: file.len() as u64,
                need: pe_at + PE_BYTES as u64,
            });
        }
        if let Some(pe) = Pe::find(file) {
            pe.check_sections(file)?;
        }
    }
    // LIMIT: an offset beyond this is not a place in RAM; sums with it can not overflow.
    if text_offset > 1 << 40 || image_bytes > 1 << 40 {
        return Err(BootError::Header {
            kind: "Image",
            reason: format!("offset {text_offset:#x}, size {image_bytes:#x}"),
        });
    }
    Ok(Found {
        arch: Some(arch),
        kind,
        addressing: Addressing::Relative,
        segments: vec![whole(file, image_bytes.max(file.len() as u64))],
        entry: 0,
        text_offset,
    })
}

fn bz_image(file: &[u8]) -> Result<Found, BootError> {
    let cut = |part: &str, need: u64| BootError::Truncated {
        part: part.to_owned(),
        have: file.len() as u64,
        need,
    };
    let version = u16_at(file, 0x206).ok_or_else(|| cut("bzImage header", 0x208))?;
    let sectors = array(file, 0x1f1).map_or(0, |[sectors]: [u8; 1]| sectors);
    // The protocol counts zero as four.
    let setup = (if sectors == 0 { 4 } else { u64::from(sectors) } + 1) * 512;
    let protected = u64::from(u32_at(file, 0x1f4).unwrap_or(0)) * 16;
    if setup + protected > file.len() as u64 {
        return Err(cut("kernel", setup + protected));
    }
    Ok(recognised(Some(Arch::X86_64), Kind::BzImage(version)))
}

fn recognised(arch: Option<Arch>, kind: Kind) -> Found {
    Found {
        arch,
        kind,
        addressing: Addressing::Relative,
        segments: Vec::new(),
        entry: 0,
        text_offset: 0,
    }
}

fn whole(file: &[u8], bytes: u64) -> LoadSegment {
    LoadSegment {
        addr: 0,
        file: 0..file.len(),
        bytes,
    }
}

/// A PE header, by its place in the file.
struct Pe {
    at: usize,
    machine: u16,
}

impl Pe {
    fn find(file: &[u8]) -> Option<Self> {
        if !file.starts_with(b"MZ") {
            return None;
        }
        let at = u32_at(file, 0x3c)? as usize;
        let signature: [u8; 4] = array(file, at)?;
        let machine = u16_at(file, at.checked_add(4)?)?;
        (signature == *b"PE\0\0").then_some(Self { at, machine })
    }

    fn arch(&self) -> Option<Arch> {
        match self.machine {
            0x5064 => Some(Arch::Riscv64),
            0xaa64 => Some(Arch::Arm64),
            0x8664 => Some(Arch::X86_64),
            _ => None,
        }
    }

    /// Every section must be in the file: this is how a half-copied kernel is noticed.
    fn check_sections(&self, file: &[u8]) -> Result<(), BootError> {
        let sections = u16_at(file, self.at + 6).unwrap_or(0);
        let optional = u16_at(file, self.at + 20).unwrap_or(0);
        let table = self.at + PE_BYTES + usize::from(optional);
        for index in 0..usize::from(sections) {
            let at = table + index * 40;
            let cut = |part: String, need: u64| BootError::Truncated {
                part,
                have: file.len() as u64,
                need,
            };
            let header: [u8; 40] = array(file, at)
                .ok_or_else(|| cut("PE section table".to_owned(), at as u64 + 40))?;
            let word = |at| u64::from(u32_at(&header, at).unwrap_or(0));
            let end = word(20) + word(16);
            if end > file.len() as u64 {
                let name = header.split(|byte| *byte == 0).next().unwrap_or_default();
                let name = name.get(..name.len().min(8)).unwrap_or_default();
                return Err(cut(format!("section `{}`", name.escape_ascii()), end));
            }
        }
        Ok(())
    }
}
