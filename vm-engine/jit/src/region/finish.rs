//! What is done to a region's code that Cranelift has made, on x86-64 hosts: the frame goes, as in
//! the block compiler; where the fuel is compared with what a block takes, it is taken; and in
//! front stand the entries, which say their number.

use std::ops::Range;

use cranelift_codegen::CompiledCode;
use vm_engine_interp::native::{Entrance, KEEPS_FRAMES, NativeRegion};

use super::members::Region;
use super::writer::{FUEL, Notes};
use crate::finish::{Refused, leave_frame_out, movable};
use crate::told::is_guest;
use crate::x64::{self, Writer};

/// What constants in the function may want to be aligned to.
const ALIGNMENT: usize = 16;

/// Makes what the compiler wrote into native code.
pub fn finish(
    compiled: &CompiledCode,
    region: &Region,
    notes: &Notes,
) -> Result<NativeRegion, Refused> {
    let body = movable(compiled)?;
    if KEEPS_FRAMES {
        return Ok(native(region, body.to_vec(), |_| 0));
    }
    if !body.starts_with(&x64::FRAME) {
        return Err(Refused::NoFrame);
    }
    let start = (region.entries.len() * Writer::ENTRY_BYTES).next_multiple_of(ALIGNMENT);
    let mut out = Writer::default();
    for number in 0..region.entries.len() {
        out.enter(number as u32, start + x64::FRAME.len());
    }
    out.bytes.resize(start, 0);
    out.bytes.extend_from_slice(body);
    let saves = saves(body);
    let mut leaves = Vec::new();
    let (mut exits, mut fuel) = (0, 0);
    for place in compiled.buffer.get_srclocs_sorted() {
        let (from, to) = (start + place.start as usize, start + place.end as usize);
        if place.loc.is_default() || is_guest(place.loc) {
            continue;
        }
        if place.loc.bits() >= FUEL {
            let taken = x64::take_instead(&mut out.bytes[from..to]);
            taken.ok_or(Refused::Fuel)?;
            fuel += 1;
        } else {
            leave_frame_out(&mut out, from, to)?;
            leaves.push(from..to);
            exits += 1;
        }
    }
    if (exits, fuel) != (notes.exits, notes.fuel) {
        return Err(Refused::Count);
    }
    let saves = start + saves.start..start + saves.end;
    keep_nothing(&mut out.bytes, saves, &leaves);
    let at = |number| number * Writer::ENTRY_BYTES;
    Ok(native(region, out.bytes, at))
}

/// Native code for a region; `at` says where each of its entries is.
fn native(region: &Region, bytes: Vec<u8>, at: impl Fn(usize) -> usize) -> NativeRegion {
    let blocks = (0..region.blocks.len()).map(|block| {
        let entry = region.entries.iter().position(|entry| *entry == block);
        Entrance {
            member: region.numbers[block],
            entry: entry.map(&at),
            distances: region.distances(block),
        }
    });
    NativeRegion {
        insns: region.blocks.iter().map(|block| block.insns).sum(),
        blocks: blocks.collect(),
        bytes,
    }
}

/// The instructions behind the frame that save the caller's registers.
fn saves(body: &[u8]) -> Range<usize> {
    let behind = x64::FRAME.len();
    // `sub rsp, number`
    let begin = match body.get(behind..) {
        Some([0x48, 0x83, 0xec, ..]) => behind + 4,
        Some([0x48, 0x81, 0xec, ..]) => behind + 7,
        _ => return 0..0,
    };
    begin..begin + x64::saves(&body[begin..]).len()
}

/// Leaves out what saves registers and loads them again, since nobody keeps anything in them.
fn keep_nothing(code: &mut [u8], saves: Range<usize>, leaves: &[Range<usize>]) {
    let loads = x64::loads(&code[saves.clone()]);
    let all: Option<Vec<usize>> = leaves
        .iter()
        .map(|leave| {
            let mut windows = code[leave.clone()].windows(loads.len().max(1));
            Some(leave.start + windows.rposition(|window| window == loads)?)
        })
        .collect();
    if let (Some(all), false) = (all, loads.is_empty()) {
        x64::leave_out(&mut code[saves]);
        for at in all {
            x64::leave_out(&mut code[at..at + loads.len()]);
        }
    }
}
