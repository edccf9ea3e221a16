//! How the code at an address came about, one tier after the other.

use vm_engine_interp::Maker;
use vm_engine_interp::native::{Listing, Origin, Stage, Whence};
use vm_ir::Frontend;

use super::host::disassemble;
use super::watch::Kept;
use crate::Symbols;

/// What a tier has made of the code at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeDump {
    /// Which tier: `interpreter`, `template`, `block` or `region`.
    pub tier: &'static str,
    /// How often that was done; what is told here is the last time.
    pub times: u64,
    /// The tier could not do it.
    pub refused: bool,
    /// The blocks that it was made of.
    pub blocks: Vec<DumpedBlock>,
    /// What the code was before it became host code.
    pub stages: Vec<Stage>,
    /// Where the host code stood.
    pub host_at: Option<u64>,
    /// The host code.
    pub host: Vec<HostLine>,
}

/// A block of the guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedBlock {
    /// The virtual address at which it was first met.
    pub pc: u64,
    /// The place in the guest's program, if symbols are known.
    pub place: Option<String>,
    /// Its physical address.
    pub phys: u64,
    /// The mode bits it depends on.
    pub mode: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its instructions, if the tier could do it.
    pub insns: Vec<DumpedInsn>,
}

/// An instruction of the guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedInsn {
    /// Its address.
    pub pc: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its text.
    pub text: String,
}

/// An instruction of the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLine {
    /// Where in the code it begins.
    pub at: usize,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The guest's instruction that it was made of, if it is one.
    pub whence: Option<Whence>,
    /// What it is for, if not for what that does: `entry`, `no fuel`, `miss`, `alone`.
    pub what: Option<&'static str>,
    /// Its text.
    pub text: String,
    /// What it reads, writes or calls in the CPU's struct, if that is certain.
    pub note: Option<String>,
}

/// The name of a tier.
pub(super) const fn tier(maker: Maker) -> &'static str {
    match maker {
        Maker::Handlers => "interpreter",
        Maker::Template => "template",
        Maker::Block => "block",
        Maker::Region => "region",
    }
}

impl CodeDump {
    /// What was kept, as text.
    pub(super) fn of(kept: &Kept, frontend: &dyn Frontend, symbols: Option<&Symbols>) -> Self {
        let place = |pc| symbols.and_then(|symbols| symbols.lookup(pc));
        let listing = kept.listing.as_ref();
        let block = |(number, origin): (usize, &Origin)| DumpedBlock {
            pc: origin.pc,
            place: place(origin.pc).map(|place| place.to_string()),
            phys: origin.phys,
            mode: origin.mode,
            bytes: u64::from(origin.bytes),
            insns: listing.map_or_else(Vec::new, |listing| {
                insns(listing, number, origin.pc, frontend)
            }),
        };
        Self {
            tier: tier(kept.maker),
            times: kept.times,
            refused: listing.is_none(),
            blocks: kept.blocks.iter().enumerate().map(block).collect(),
            stages: listing.map_or_else(Vec::new, |listing| listing.stages.clone()),
            host_at: kept.host_at,
            host: listing.map_or_else(Vec::new, |listing| host(listing, kept.maker, frontend)),
        }
    }
}

/// The instructions of a block.
fn insns(listing: &Listing, number: usize, pc: u64, frontend: &dyn Frontend) -> Vec<DumpedInsn> {
    let Some(block) = listing.blocks.get(number) else {
        return Vec::new();
    };
    let ends = block.insns.iter().skip(1).copied();
    let ends = ends.chain([block.code.len()]);
    let insn = |(from, to): (&usize, usize)| {
        let pc = pc.wrapping_add(*from as u64);
        let bytes = block.code.get(*from..to).unwrap_or_default();
        DumpedInsn {
            pc,
            bytes: bytes.to_vec(),
            text: frontend.disassemble(bytes, pc).text,
        }
    };
    block.insns.iter().zip(ends).map(insn).collect()
}

fn host(listing: &Listing, maker: Maker, frontend: &dyn Frontend) -> Vec<HostLine> {
    // In front of the first mark stand the addresses of the guest's blocks.
    let from = listing.marks.first().map_or(0, |mark| mark.at);
    let insns = disassemble(&listing.host, from, maker, frontend.layout());
    // Between entries and what they lead to stands nothing.
    let insns = insns.into_iter().filter(|insn| {
        let bytes = &listing.host[insn.at..insn.at + insn.bytes];
        bytes.iter().any(|byte| *byte != 0)
    });
    let line = |insn: super::host::HostInsn| {
        let mark = listing.mark_at(insn.at);
        HostLine {
            at: insn.at,
            bytes: listing.host[insn.at..insn.at + insn.bytes].to_vec(),
            whence: mark.and_then(|mark| mark.whence),
            what: mark.and_then(|mark| mark.what),
            text: insn.text,
            note: insn.note,
        }
    };
    insns.map(line).collect()
}
