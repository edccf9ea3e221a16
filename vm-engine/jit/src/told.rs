//! What is told of a compilation, if somebody wants a listing: which of Cranelift's instructions,
//! and which host code, was made of which of the guest's.
//!
//! Instructions carry a number, by which `finish` finds the places that it changes; with a
//! listing wanted, all others carry the number of the guest's instruction that they are for.
//! The numbers have no influence on the code.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::{Function, Inst, InstructionData, SourceLoc, Value};
use cranelift_frontend::FunctionBuilder;
use vm_engine_interp::native::{Line, Listing, Mark, Whence, place_name};
use vm_ir::Layout;

use crate::body::TO_STUB;
use crate::x64;

/// The bit that numbers of the guest's instructions have, and the lower ones have not.
const GUEST: u32 = 1 << 30;
/// How far the block's number is from that of the instruction, of which a block has fewer.
const BLOCK: u32 = 8;

/// Where the guest is while something is written; knows it only if a listing is wanted.
#[derive(Default)]
pub struct Teller {
    tells: bool,
    here: SourceLoc,
    /// Where the places were written that `finish` looks for, by their numbers.
    places: Vec<(u32, SourceLoc)>,
}

impl Teller {
    /// Forgets everything; whether a listing is wanted from now on.
    pub fn begin(&mut self, tells: bool) {
        self.tells = tells;
        self.here = SourceLoc::default();
        self.places.clear();
    }

    /// What is written from now on is for an instruction of the guest.
    pub fn turn_to(&mut self, builder: &mut FunctionBuilder, block: usize, insn: u8) {
        if self.tells {
            let number = GUEST | (block as u32) << BLOCK | u32::from(insn);
            self.here = SourceLoc::new(number);
            builder.set_srcloc(self.here);
        }
    }

    /// What is written from now on is a place that `finish` looks for.
    pub fn begin_place(&mut self, builder: &mut FunctionBuilder, number: u32) {
        if self.tells {
            self.places.push((number, self.here));
        }
        builder.set_srcloc(SourceLoc::new(number));
    }

    /// The place is over.
    pub fn end_place(&self, builder: &mut FunctionBuilder) {
        builder.set_srcloc(self.here);
    }

    /// The instruction of the guest that a number stands for.
    fn whence(&self, number: SourceLoc) -> Option<Whence> {
        let places = || self.places.iter().find(|place| place.0 == number.bits());
        let number = match is_guest(number) {
            true => number,
            false => places()?.1,
        };
        let bits = number.bits();
        is_guest(number).then_some(Whence {
            block: (bits & !GUEST) as usize >> BLOCK,
            insn: bits as usize & ((1 << BLOCK) - 1),
        })
    }

    /// Adds to a listing what a function has become, and the code that was made of it, in which
    /// the function begins at `start`.
    pub fn tell(
        &self,
        listing: &mut Listing,
        func: &Function,
        compiled: &CompiledCode,
        (code, start): (&[u8], usize),
        layout: &Layout,
    ) {
        listing.stage("clif").lines = self.clif(func, layout);
        listing.host = code.to_vec();
        let mark = |at, whence, what| Mark { at, whence, what };
        listing.marks.push(mark(0, None, Some("entry")));
        for place in compiled.buffer.get_srclocs_sorted() {
            let at = start + place.start as usize;
            listing.marks.push(mark(at, self.whence(place.loc), None));
        }
        // Behind the function stands what `finish` has added; its checks no longer trap.
        let behind = start + compiled.code_buffer().len();
        if behind < code.len() {
            listing.marks.push(mark(behind, None, Some("no fuel")));
            for trap in compiled.buffer.traps() {
                let unused = (trap.code == TO_STUB).then_some("unused");
                let at = start + trap.offset as usize;
                let whence = listing.mark_at(at).and_then(|mark| mark.whence);
                listing
                    .marks
                    .extend(unused.map(|_| mark(at, whence, unused)));
            }
            let places = compiled.buffer.get_srclocs_sorted().iter();
            let places = places.filter(|place| !(place.loc.is_default() || is_guest(place.loc)));
            for place in places {
                let range = start + place.start as usize..start + place.end as usize;
                let stub = stub(code, range, behind..code.len());
                let whence = self.whence(place.loc);
                listing
                    .marks
                    .extend(stub.map(|at| mark(at, whence, Some("miss"))));
            }
        }
        listing.sort();
    }

    fn clif(&self, func: &Function, layout: &Layout) -> Vec<Line> {
        let pointers = pointers(func);
        let mut lines = Vec::new();
        let mut add = |whence, text| lines.push(Line { whence, text });
        for block in func.layout.blocks() {
            let mut head = block.to_string();
            let params = func.dfg.block_params(block).iter();
            let params: Vec<String> = params
                .map(|value| format!("{value}: {}", func.dfg.value_type(*value)))
                .collect();
            if !params.is_empty() {
                let _ = write!(head, "({})", params.join(", "));
            }
            let cold = if func.layout.is_cold(block) {
                " cold"
            } else {
                ""
            };
            add(None, format!("{head}{cold}:"));
            for inst in func.layout.block_insts(block) {
                let text = func.dfg.display_inst(inst).to_string();
                let name = place(func, inst, &pointers).and_then(|at| place_name(at, layout));
                let name = name.map_or_else(String::new, |name| format!("  ; {name}"));
                add(self.whence(func.srcloc(inst)), format!("  {text}{name}"));
            }
        }
        lines
    }
}

/// Where among the stubs a check in a range of the code jumps to.
fn stub(code: &[u8], mut range: Range<usize>, stubs: Range<usize>) -> Option<usize> {
    range.find_map(|at| {
        let distance = x64::jump_if(code.get(at..)?)?;
        let behind = at + x64::JUMP_IF_BYTES;
        let stub = behind.checked_add_signed(distance as isize)?;
        stubs.contains(&stub).then_some(stub)
    })
}

/// The values that are native code's CPU pointer: the first argument, and what is loaded from
/// where it is kept.
fn pointers(func: &Function) -> HashSet<Value> {
    let first = func.layout.entry_block();
    let first = first.and_then(|block| func.dfg.block_params(block).first().copied());
    let mut pointers: HashSet<Value> = first.into_iter().collect();
    let insts = || {
        let blocks = func.layout.blocks();
        blocks.flat_map(|block| func.layout.block_insts(block))
    };
    let kept = insts().find_map(|inst| match func.dfg.insts[inst] {
        InstructionData::Store { args, offset, .. } => {
            let value = func.dfg.resolve_aliases(args[0]);
            let apart = !pointers.contains(&args[1]);
            (pointers.contains(&value) && apart).then_some((args[1], offset))
        }
        _ => None,
    });
    for inst in insts() {
        if let (InstructionData::Load { arg, offset, .. }, Some(kept)) =
            (func.dfg.insts[inst], kept)
            && (arg, offset) == kept
        {
            pointers.insert(func.dfg.first_result(inst));
        }
    }
    pointers
}

/// Where behind the CPU pointer an instruction accesses memory.
fn place(func: &Function, inst: Inst, pointers: &HashSet<Value>) -> Option<i32> {
    let (base, offset) = match func.dfg.insts[inst] {
        InstructionData::Load { arg, offset, .. } => (arg, offset),
        InstructionData::Store { args, offset, .. } => (args[1], offset),
        _ => return None,
    };
    let base = func.dfg.resolve_aliases(base);
    pointers.contains(&base).then(|| offset.into())
}

/// Whether a number is that of an instruction of the guest's, which `finish` passes over.
pub fn is_guest(number: SourceLoc) -> bool {
    number.bits() >> 30 == GUEST >> 30
}
