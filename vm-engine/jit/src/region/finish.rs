//! What is done to a region's code that Cranelift has made: the frame goes, as in the block
//! compiler, and in front stand the entries, which say their number.

use cranelift_codegen::CompiledCode;
use vm_engine_interp::native::{Entrance, NativeRegion};

use super::writer::{Notes, Region};
use crate::finish::{Refused, leave_frame_out};
use crate::x64::{self, Writer};

/// What constants in the function may want to be aligned to.
const ALIGNMENT: usize = 16;

/// Makes what the compiler wrote into native code.
pub fn finish(
    compiled: &CompiledCode,
    region: &Region,
    notes: &Notes,
) -> Result<NativeRegion, Refused> {
    let buffer = &compiled.buffer;
    if !buffer.relocs().is_empty() {
        return Err(Refused::Relocation);
    }
    if buffer.alignment > ALIGNMENT as u32 {
        return Err(Refused::Alignment);
    }
    let body = compiled.code_buffer();
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
    let mut exits = 0;
    for place in buffer.get_srclocs_sorted() {
        if !place.loc.is_default() {
            leave_frame_out(
                &mut out,
                start + place.start as usize,
                start + place.end as usize,
            )?;
            exits += 1;
        }
    }
    if exits != notes.exits {
        return Err(Refused::Count);
    }
    let blocks = (0..region.blocks.len()).map(|at| {
        let entry = region.entries.iter().position(|entry| *entry == at);
        Entrance {
            member: region.numbers[at],
            entry: entry.map(|number| number * Writer::ENTRY_BYTES),
            distances: region.distances(at),
        }
    });
    Ok(NativeRegion {
        bytes: out.bytes,
        insns: region.blocks.iter().map(|block| block.insns).sum(),
        blocks: blocks.collect(),
    })
}
