//! ELF files: System V ABI, chapters 4 and 5, of 64-bit little-endian machines.

use crate::BootError;
use crate::bytes::{array, u16_at, u32_at, u64_at};
use crate::kernel::{Addressing, Arch, Found, Kind, LoadSegment};

const HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;
const PT_LOAD: u32 = 1;

// LIMIT: linkers make a handful of segments; every one is looked at several times.
const MAX_SEGMENTS: usize = 256;

/// A loadable segment with both its addresses.
struct Segment {
    load: LoadSegment,
    virt: u64,
}

/// What the header says, or `None` if this is not ELF.
pub(crate) fn parse(file: &[u8]) -> Result<Option<Found>, BootError> {
    if !file.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let short = || cut(file, "ELF header", HEADER_BYTES as u64);
    let [class, data] = array(file, 4).ok_or_else(short)?;
    let machine = u16_at(file, 18).ok_or_else(short)?;
    if class != 2 || data != 1 {
        let bits = if class == 1 { "32-bit" } else { "64-bit" };
        let order = if data == 2 {
            "big-endian"
        } else {
            "little-endian"
        };
        let text = format!("a {bits} {order} ELF file for {}", machine_name(machine));
        return Err(BootError::Unsupported(text));
    }
    let arch = match machine {
        243 => Arch::Riscv64,
        183 => Arch::Arm64,
        62 => Arch::X86_64,
        _ => {
            let text = format!("an ELF file for {}", machine_name(machine));
            return Err(BootError::Unsupported(text));
        }
    };
    let kind = u16_at(file, 16).ok_or_else(short)?;
    if kind != 2 && kind != 3 {
        let reason = format!("its type is {kind}, not a program (2 or 3)");
        return Err(BootError::Elf(reason));
    }
    let segments = segments(file)?;
    let entry = u64_at(file, 24).ok_or_else(short)?;
    let entry = physical_entry(entry, &segments)?;
    Ok(Some(Found {
        arch: Some(arch),
        kind: Kind::Elf,
        addressing: Addressing::Physical,
        segments: segments.into_iter().map(|segment| segment.load).collect(),
        entry,
        text_offset: 0,
    }))
}

fn segments(file: &[u8]) -> Result<Vec<Segment>, BootError> {
    let short = || cut(file, "ELF header", HEADER_BYTES as u64);
    let table = u64_at(file, 32).ok_or_else(short)?;
    let entry_bytes = u16_at(file, 54).ok_or_else(short)?;
    let count = u16_at(file, 56).ok_or_else(short)?;
    if count > 0 && usize::from(entry_bytes) != PROGRAM_HEADER_BYTES {
        let reason = format!("a program header has {entry_bytes} bytes, not 56");
        return Err(BootError::Elf(reason));
    }
    let mut found = Vec::new();
    for index in 0..u64::from(count) {
        let at = table.saturating_add(index * PROGRAM_HEADER_BYTES as u64);
        let end = at.saturating_add(PROGRAM_HEADER_BYTES as u64);
        let header = usize::try_from(at)
            .ok()
            .and_then(|at| array::<PROGRAM_HEADER_BYTES>(file, at))
            .ok_or_else(|| cut(file, "program header table", end))?;
        if let Some(segment) = segment(file, index, &header)? {
            if found.len() == MAX_SEGMENTS {
                let reason = format!("it has more than {MAX_SEGMENTS} segments to load");
                return Err(BootError::Elf(reason));
            }
            found.push(segment);
        }
    }
    if found.is_empty() {
        return Err(BootError::Elf("it has no segment to load".to_owned()));
    }
    Ok(found)
}

fn segment(
    file: &[u8],
    index: u64,
    header: &[u8; PROGRAM_HEADER_BYTES],
) -> Result<Option<Segment>, BootError> {
    let word = |at| u64_at(header, at).unwrap_or(0);
    let (offset, virt, phys) = (word(8), word(16), word(24));
    let (in_file, in_memory) = (word(32), word(40));
    if u32_at(header, 0) != Some(PT_LOAD) || in_memory == 0 {
        return Ok(None);
    }
    if in_file > in_memory {
        let reason = format!("segment {index} has {in_file} bytes in {in_memory} bytes of memory");
        return Err(BootError::Elf(reason));
    }
    if phys.checked_add(in_memory).is_none() || virt.checked_add(in_memory - 1).is_none() {
        let reason = format!("segment {index} at {phys:#x} reaches past the last address");
        return Err(BootError::Elf(reason));
    }
    let end = offset.saturating_add(in_file);
    if end > file.len() as u64 {
        return Err(cut(file, &format!("segment {index}"), end));
    }
    Ok(Some(Segment {
        load: LoadSegment {
            addr: phys,
            file: offset as usize..end as usize,
            bytes: in_memory,
        },
        virt,
    }))
}

/// The entry is a virtual address: the same distance into its segment, at the physical one.
fn physical_entry(entry: u64, segments: &[Segment]) -> Result<u64, BootError> {
    let inside = |start: u64, bytes: u64| entry.checked_sub(start).filter(|at| *at < bytes);
    let by_virtual = segments
        .iter()
        .find_map(|s| Some(s.load.addr + inside(s.virt, s.load.bytes)?));
    let by_physical = || {
        let mut all = segments.iter();
        all.find_map(|s| inside(s.load.addr, s.load.bytes))
            .map(|_| entry)
    };
    by_virtual
        .or_else(by_physical)
        .ok_or_else(|| BootError::Elf(format!("its entry {entry:#x} lies in none of its segments")))
}

fn cut(file: &[u8], part: &str, need: u64) -> BootError {
    BootError::Truncated {
        part: part.to_owned(),
        have: file.len() as u64,
        need,
    }
}

/// The names of the machines that people mix up with ours.
fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "32-bit x86",
        8 => "MIPS",
        20 | 21 => "PowerPC",
        22 => "S/390",
        40 => "32-bit ARM",
        62 => "x86_64",
        183 => "arm64",
        243 => "RISC-V",
        258 => "LoongArch",
        other => return format!("machine number {other}"),
    };
    name.to_owned()
}
