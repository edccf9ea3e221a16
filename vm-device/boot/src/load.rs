//! Where kernel, firmware, initial RAM disk and device tree go, and putting them there.
//!
//! Linux's rules for RISC-V ("Boot image header in RISC-V Linux", "RISC-V Kernel Boot
//! Requirements and Constraints"): the Image starts at a 2 MiB boundary at its offset from the
//! start of RAM; the device tree may not cross two 2 MiB pages of the early mapping, and the
//! RAM disk lies in memory that the kernel maps.

use std::ops::Range;

use vm_core::GuestPhys;
use vm_mem::GuestRam;

use crate::{Addressing, Arch, BootError, Kernel, Kind};

/// The room that is kept for the device tree.
// LIMIT: eight harts and all devices take some 12 KiB, the longest command line 64 KiB less that.
pub const FDT_ROOM: u64 = 64 << 10;

const PAGE: u64 = 4096;
const BIG_PAGE: u64 = 2 << 20;

/// The ends of the memory that kernels reach, from the most to the least compatible: the first
/// GiB suits every kernel, three GiB those that map all memory below 4 GiB at once.
const REACH: [u64; 3] = [1 << 30, 3 << 30, u64::MAX];

/// How the guest is entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The kernel at once, in supervisor mode, with the built-in firmware behind it.
    Direct,
    /// A firmware from a file, in machine mode; it starts the kernel.
    Firmware,
    /// The given program, in machine mode, with nothing behind it.
    Bare,
}

/// RAM as the loader sees it: one region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The first address.
    pub ram: u64,
    /// The size.
    pub bytes: u64,
}

/// The files of a guest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Images<'a> {
    /// The kernel or bare-metal program.
    pub kernel: Option<&'a Kernel<'a>>,
    /// The firmware.
    pub firmware: Option<&'a Kernel<'a>>,
    /// The initial RAM disk, as the kernel wants it.
    pub initrd: Option<&'a [u8]>,
}

/// Which of the [`Images`] a piece comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The firmware.
    Firmware,
    /// The kernel.
    Kernel,
    /// The initial RAM disk.
    Initrd,
    /// The device tree.
    Tree,
}

impl Source {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Kernel => "kernel",
            Self::Initrd => "initial RAM disk",
            Self::Tree => "device tree",
        }
    }
}

/// One contiguous thing in guest memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Where its bytes come from.
    pub source: Source,
    /// Where it goes.
    pub addr: u64,
    /// Which bytes of the file.
    pub file: Range<usize>,
    /// Its size in memory; what the file does not fill is zeroes.
    pub bytes: u64,
}

impl Piece {
    fn end(&self) -> u64 {
        self.addr.saturating_add(self.bytes)
    }
}

/// Where everything goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// How the guest is entered.
    pub mode: Mode,
    /// The first instruction after the boot ROM.
    pub start: u64,
    /// Where a firmware goes on; zero if there is no kernel or no firmware.
    pub next: u64,
    /// The device tree.
    pub fdt: u64,
    /// The initial RAM disk.
    pub initrd: Option<Range<u64>>,
    /// All of it, in the order of addresses.
    pub pieces: Vec<Piece>,
}

/// A kernel's segments at their physical addresses, and its entry.
struct Fixed {
    pieces: Vec<Piece>,
    entry: u64,
}

impl Plan {
    /// The plan for a RISC-V guest.
    pub fn riscv64(layout: Layout, images: &Images, mode: Mode) -> Result<Self, BootError> {
        for kernel in images.kernel.iter().chain(&images.firmware) {
            kernel.require(Arch::Riscv64)?;
        }
        let (start, next, pieces) = match mode {
            Mode::Direct => {
                let kernel = images.kernel.ok_or(BootError::Missing("kernel"))?;
                if kernel.kind == Kind::Flat {
                    return Err(BootError::NotAKernel(kernel.first_bytes()));
                }
                let fixed = fix(kernel, Source::Kernel, layout, BIG_PAGE)?;
                (fixed.entry, 0, fixed.pieces)
            }
            Mode::Bare => {
                let kernel = images.kernel.ok_or(BootError::Missing("program"))?;
                let fixed = fix(kernel, Source::Kernel, layout, 0)?;
                (fixed.entry, 0, fixed.pieces)
            }
            Mode::Firmware => {
                let firmware = images.firmware.ok_or(BootError::Missing("firmware"))?;
                let mut all = fix(firmware, Source::Firmware, layout, 0)?;
                let mut next = 0;
                if let Some(kernel) = images.kernel {
                    let fixed = fix(kernel, Source::Kernel, layout, BIG_PAGE)?;
                    all.pieces.extend(fixed.pieces);
                    next = fixed.entry;
                }
                (all.entry, next, all.pieces)
            }
        };
        let mut plan = Self {
            mode,
            start,
            next,
            fdt: 0,
            initrd: None,
            pieces,
        };
        plan.check_fixed(layout)?;
        plan.place_movable(layout, images.initrd.map(<[u8]>::len))?;
        Ok(plan)
    }

    /// Writes everything to its place, the device tree included.
    pub fn load(&self, ram: &GuestRam, images: &Images, tree: &[u8]) -> Result<(), BootError> {
        if tree.len() as u64 > FDT_ROOM {
            return Err(BootError::TreeSize {
                bytes: tree.len() as u64,
                room: FDT_ROOM,
            });
        }
        for piece in &self.pieces {
            let file: &[u8] = match piece.source {
                Source::Firmware => images.firmware.map_or(&[], |firmware| &firmware.file),
                Source::Kernel => images.kernel.map_or(&[], |kernel| &kernel.file),
                Source::Initrd => images.initrd.unwrap_or_default(),
                Source::Tree => tree,
            };
            let range = match piece.source {
                Source::Tree => 0..tree.len(),
                _ => piece.file.clone(),
            };
            let bytes = file.get(range).unwrap_or_default();
            write(ram, piece, bytes)?;
        }
        Ok(())
    }

    /// Things with addresses of their own: in RAM, and apart from each other.
    fn check_fixed(&mut self, layout: Layout) -> Result<(), BootError> {
        let ram_end = layout.ram.saturating_add(layout.bytes);
        // Whatever begins below is a matter of size, and told as one.
        let near = layout.ram.saturating_add(2 * BIG_PAGE);
        self.pieces.sort_by_key(|piece| piece.addr);
        for piece in &self.pieces {
            if piece.addr < layout.ram || piece.addr >= ram_end.max(near) {
                return Err(BootError::OutsideRam {
                    what: piece.source.name(),
                    addr: piece.addr,
                    bytes: piece.bytes,
                    ram: layout.ram,
                    ram_end,
                });
            }
        }
        // The pieces of one file may lie on each other, so a neighbour is not all that counts:
        // of each file the piece that reaches furthest is kept.
        let mut furthest: Vec<&Piece> = Vec::new();
        for piece in &self.pieces {
            let reaches =
                |first: &&&Piece| first.source != piece.source && first.end() > piece.addr;
            if let Some(first) = furthest.iter().find(reaches) {
                return Err(BootError::Overlap {
                    first: first.source.name(),
                    second: piece.source.name(),
                    addr: first.addr,
                });
            }
            match furthest
                .iter_mut()
                .find(|other| other.source == piece.source)
            {
                Some(other) if other.end() < piece.end() => *other = piece,
                Some(_) => {}
                None => furthest.push(piece),
            }
        }
        Ok(())
    }

    /// The device tree goes high, the RAM disk right below it.
    fn place_movable(&mut self, layout: Layout, initrd: Option<usize>) -> Result<(), BootError> {
        let ends = self.pieces.iter().map(Piece::end);
        let taken = round_up(ends.max().unwrap_or(layout.ram), PAGE);
        let initrd_bytes = initrd.unwrap_or(0) as u64;
        let align = match self.mode {
            Mode::Bare => PAGE,
            Mode::Direct | Mode::Firmware => BIG_PAGE,
        };
        let places = |top: u64| {
            let fdt = round_down(top.checked_sub(FDT_ROOM)?, align);
            let initrd = round_down(fdt.checked_sub(initrd_bytes)?, PAGE);
            (initrd >= taken).then_some((fdt, initrd))
        };
        let found = REACH
            .iter()
            .find_map(|reach| places(layout.ram.saturating_add(layout.bytes.min(*reach))));
        let Some((fdt, disk)) = found else {
            let disk_end = taken.saturating_add(round_up(initrd_bytes, PAGE));
            let top = round_up(disk_end, align).saturating_add(FDT_ROOM);
            return Err(BootError::TooSmall {
                what: if initrd.is_some() {
                    "kernel, initial RAM disk and device tree"
                } else {
                    "kernel and device tree"
                },
                have: layout.bytes,
                need: round_up(top.saturating_sub(layout.ram), 1 << 20),
            });
        };
        if let Some(bytes) = initrd {
            self.initrd = Some(disk..disk + initrd_bytes);
            self.pieces.push(Piece {
                source: Source::Initrd,
                addr: disk,
                file: 0..bytes,
                bytes: initrd_bytes,
            });
        }
        self.fdt = fdt;
        self.pieces.push(Piece {
            source: Source::Tree,
            addr: fdt,
            file: 0..0,
            bytes: FDT_ROOM,
        });
        Ok(())
    }
}

/// A kernel's segments at their addresses; one without addresses goes at least `offset` behind
/// the start of RAM.
fn fix(kernel: &Kernel, source: Source, layout: Layout, offset: u64) -> Result<Fixed, BootError> {
    let base = match kernel.kind {
        Kind::Pe => return Err(BootError::NotDirect("an EFI program")),
        Kind::BzImage(_) => return Err(BootError::NotDirect("a bzImage")),
        // A Linux kernel as ELF is linked at zero and runs anywhere.
        Kind::Elf if offset > 0 && kernel.span().start == 0 => layout.ram.saturating_add(offset),
        Kind::Elf => 0,
        Kind::Flat => layout.ram.saturating_add(offset),
        Kind::RiscvImage | Kind::Arm64Image => {
            if !kernel.text_offset.is_multiple_of(BIG_PAGE) {
                return Err(BootError::Header {
                    kind: "Image",
                    reason: format!(
                        "offset {:#x} is not a multiple of 2 MiB",
                        kernel.text_offset
                    ),
                });
            }
            layout.ram.saturating_add(kernel.text_offset.max(offset))
        }
    };
    debug_assert!(base != 0 || kernel.addressing == Addressing::Physical);
    let pieces = kernel.segments.iter().map(|segment| Piece {
        source,
        addr: base.saturating_add(segment.addr),
        file: segment.file.clone(),
        bytes: segment.bytes,
    });
    Ok(Fixed {
        pieces: pieces.collect(),
        entry: base.saturating_add(kernel.entry),
    })
}

/// Writes the bytes, then zeroes up to the end of the piece.
fn write(ram: &GuestRam, piece: &Piece, bytes: &[u8]) -> Result<(), BootError> {
    const ZEROES: [u8; 4096] = [0; 4096];
    let outside = || {
        let (base, length) = ram.regions().last().unwrap_or_default();
        BootError::OutsideRam {
            what: piece.source.name(),
            addr: piece.addr,
            bytes: piece.bytes,
            ram: base.0,
            ram_end: base.0.saturating_add(length),
        }
    };
    if !ram.contains(GuestPhys(piece.addr), piece.bytes) {
        return Err(outside());
    }
    let bytes = bytes
        .get(..bytes.len().min(piece.bytes as usize))
        .unwrap_or_default();
    ram.write(GuestPhys(piece.addr), bytes)
        .map_err(|_| outside())?;
    let mut at = piece.addr + bytes.len() as u64;
    while at < piece.end() {
        let rest = (piece.end() - at).min(ZEROES.len() as u64) as usize;
        ram.write(GuestPhys(at), &ZEROES[..rest])
            .map_err(|_| outside())?;
        at += rest as u64;
    }
    Ok(())
}

fn round_down(value: u64, to: u64) -> u64 {
    value / to * to
}

fn round_up(value: u64, to: u64) -> u64 {
    round_down(value.saturating_add(to - 1), to)
}

#[cfg(test)]
mod tests;
