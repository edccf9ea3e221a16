//! From the blocks of some pages to native code for a region.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use vm_engine_interp::native::{HELPERS, Listing, NativeRegion, RegionCompiler, RegionWork};
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::{Block, Builder, Effect, End, Frontend, Inst, Lifted, MemArg, Op, Type};

use super::finish::finish;
use super::flow::Slots;
use super::former::{Node, Shape, form_whole};
use super::members::Region;
use super::spans::Spans;
use super::ways::{Ways, exits, place};
use super::writer::{Notes, Writer};
use crate::compiler::{JitError, furnish, host_isa, lock, places};
use crate::gates::signature;
use crate::lower::{self, Host, Lowering};
use crate::order::exchange;

/// How many bytes behind a block the lifter may look at.
const BEHIND: usize = 16;

/// The most guest instructions of a loop that has nothing but fixed exits on one page.
// LIMIT: compiling takes some 0.1 ms for each, and what is hot is smaller.
const PLAIN: u32 = 500;

/// How many instructions around the hot block are lifted, and then around those that jumps have
/// led to.
// LIMIT: some 0.4 µs each.
const LIFTED: [u32; 2] = [800, 1600];

/// The region compiler of one guest architecture.
pub struct RegionJit {
    frontend: Arc<dyn Frontend>,
    isa: OwnedTargetIsa,
    host: Host,
    /// What compilers that are not at work have left.
    idle: Mutex<Vec<Box<Bench>>>,
}

/// What one compilation works with; kept for its memory.
struct Bench {
    builder: Builder,
    scratch: Scratch,
    context: Context,
    functions: FunctionBuilderContext,
    lowering: lower::Scratch,
}

impl RegionJit {
    /// A compiler for guests of this architecture.
    pub fn new(frontend: Arc<dyn Frontend>) -> Result<Self, JitError> {
        let isa = host_isa(true)?;
        let host = Host::of(&*isa);
        Ok(Self {
            frontend,
            isa,
            host,
            idle: Mutex::default(),
        })
    }

    fn bench(&self) -> Box<Bench> {
        let idle = lock(&self.idle).pop();
        idle.unwrap_or_else(|| {
            Box::new(Bench {
                builder: Builder::new(),
                scratch: Scratch::new(self.frontend.layout(), self.frontend.helpers()),
                context: Context::new(),
                functions: FunctionBuilderContext::new(),
                lowering: lower::Scratch::default(),
            })
        })
    }

    /// A member's block, as the block compiler sees it.
    fn lift(&self, bench: &mut Bench, work: &RegionWork, member: usize) -> Option<Block> {
        let member = &work.members[member];
        bench.builder.clear();
        let from = member.page_offset as usize;
        let bytes = &work.pages[member.page].bytes;
        let to = (from + member.length as usize + BEHIND).min(bytes.len());
        let code = bytes.get(from..to)?;
        let lifted = self
            .frontend
            .lift(code, work.mode, member.insns, &mut bench.builder);
        let block = bench.builder.block();
        let same = (block.insns, block.bytes) == (member.insns, member.length);
        if lifted != Lifted::Done || !same {
            return None;
        }
        optimise(block, &mut bench.scratch, Passes::ALL);
        Some(bench.builder.block().clone())
    }

    /// Leaves those members in the work that are near the hot one, or near where jumps have led
    /// to: their numbers before, and their blocks.
    fn nearest(
        &self,
        bench: &mut Bench,
        work: &mut RegionWork,
    ) -> Option<(Vec<usize>, Vec<Block>)> {
        let at: HashMap<i64, usize> = (0..work.members.len())
            .map(|n| (place(work, n), n))
            .collect();
        let mut seen = HashSet::new();
        let (mut numbers, mut blocks, mut insns) = (Vec::new(), Vec::new(), 0);
        let went = work.went.iter().rev().flatten().copied();
        for (turn, first) in std::iter::once(work.hot).chain(went).enumerate() {
            let most = LIFTED[turn.min(1)];
            let mut open = VecDeque::from([first]);
            while let Some(member) = open.pop_front() {
                if insns >= most || !seen.insert(member) {
                    continue;
                }
                let Some(block) = self.lift(bench, work, member) else {
                    continue;
                };
                insns += block.insns;
                let exits = exits(&block).into_iter();
                let targets = exits.map(|distance| place(work, member).wrapping_add(distance));
                open.extend(targets.filter_map(|target| at.get(&target).copied()));
                numbers.push(member);
                blocks.push(block);
            }
        }
        let place: HashMap<usize, usize> =
            numbers.iter().enumerate().map(|(n, at)| (*at, n)).collect();
        work.hot = *place.get(&work.hot)?;
        work.members = numbers.iter().map(|at| work.members[*at]).collect();
        for went in &mut work.went {
            *went = went.and_then(|at| place.get(&at).copied());
        }
        Some((numbers, blocks))
    }

    fn compile_at(
        &self,
        bench: &mut Bench,
        work: &RegionWork,
        told: Option<&mut Listing>,
    ) -> Option<NativeRegion> {
        let mut near = work.clone();
        let (numbers, all) = self.nearest(bench, &mut near)?;
        let work = &near;
        let ways = Ways::of(work, &all);
        let shape = shape(work, &all, &ways)?;
        let region = Region::new(work, &numbers, &all, &ways, &shape);
        let layout = self.frontend.layout();
        let flags = u64::from(layout.fp_flags.0);
        let (blocks, entries) = (&region.blocks, &region.entries);
        let reservation = u64::from(layout.reservation.0);
        let in_memory = |slot| slot == flags || (reservation..reservation + 3).contains(&slot);
        let slots = Slots::of(blocks, &region.next, entries, in_memory)?;
        let spans = Spans::of(&region.blocks, &region.next, &slots);
        bench.context.clear();
        bench.context.func.signature = signature();
        let mut builder = FunctionBuilder::new(&mut bench.context.func, &mut bench.functions);
        let first = builder.create_block();
        builder.append_block_params_for_function_params(first);
        builder.switch_to_block(first);
        let params = builder.block_params(first);
        let (cpu, head, number) = (params[0], params[1], params[2]);
        let fuel = params.get(3).copied();
        let rules = self.frontend.float_rules();
        let scratch = &mut bench.lowering;
        let places = places(&*self.frontend);
        let cx = Lowering::new(&mut builder, cpu, &self.host, rules, places, scratch);
        let mut notes = Notes::default();
        notes.teller.begin(told.is_some());
        let places = (flags, layout.reservation.0);
        let mut writer = Writer::new(cx, &region, (&slots, &spans), &mut notes, places);
        writer.write(head, number, fuel);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        let plane = &mut ControlPlane::default();
        let compiled = bench.context.compile(&*self.isa, plane).ok()?;
        let native = finish(compiled, &region, &notes).ok()?;
        if let (Some(listing), Some(compiled)) = (told, bench.context.compiled_code()) {
            for (at, block) in region.blocks.iter().enumerate() {
                let member = &region.members[at];
                let from = member.page_offset as usize;
                let code = &work.pages[member.page].bytes[from..from + member.length as usize];
                listing.add(region.numbers[at], code, block, &*self.frontend);
            }
            let start = native.bytes.len() - compiled.code_buffer().len();
            let (func, code) = (&bench.context.func, (&native.bytes[..], start));
            notes.teller.tell(listing, func, compiled, code, layout);
        }
        Some(native)
    }
}

/// The blocks that the region is to have.
///
/// A loop on one page whose exits are fixed comes first, as it is small and soon made; what it
/// calls and what is around it is taken in when that has proved to be hot.
fn shape(work: &RegionWork, blocks: &[Block], ways: &Ways) -> Option<Shape> {
    let nodes = nodes(work, blocks, ways);
    let hot = work.hot;
    if nodes[hot].region.is_none() {
        let mut plain = nodes.clone();
        for (node, (block, member)) in plain.iter_mut().zip(blocks.iter().zip(&work.members)) {
            let jumps = matches!(block.end, End::Jump { .. });
            node.fit &= !jumps && member.page == work.members[hot].page;
        }
        if let Some(shape) = form_whole(plain, hot, PLAIN) {
            return Some(shape);
        }
    }
    form_whole(nodes, hot, work.most)
}

/// The members as the former sees them.
fn nodes(work: &RegionWork, blocks: &[Block], ways: &Ways) -> Vec<Node> {
    let node = |(n, block): (usize, &Block)| Node {
        at: place(work, n),
        insns: block.insns,
        next: ways.next[n].clone(),
        behind: ways.behind[n],
        fit: block.insts.iter().all(is_fit),
        region: work.members[n].region,
    };
    blocks.iter().enumerate().map(node).collect()
}

/// Whether regions may have an operation.
///
/// What calls the interpreter may change any slot, and a slot chosen at run time is not known.
fn is_fit(inst: &Inst) -> bool {
    let op = inst.op;
    match op.effect() {
        Effect::Pure | Effect::Float | Effect::Marker => true,
        Effect::Get | Effect::Set => matches!(op, Op::Get | Op::Set),
        Effect::Memory => {
            let little = !MemArg::unpack(inst.imm).big_endian;
            let exchanges = exchange(op).is_some() && little;
            let reserves = matches!(op, Op::LoadRes | Op::StoreCond) && little;
            exchanges
                || (reserves && inst.ty >= Type::I32)
                || matches!(op, Op::Load | Op::Store | Op::Fence)
        }
        Effect::Trap => op == Op::TrapIf,
        Effect::Helper => false,
    }
}

impl RegionCompiler for RegionJit {
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion> {
        let mut bench = self.bench();
        let native = self.compile_at(&mut bench, work, None);
        lock(&self.idle).push(bench);
        native
    }

    fn explain(&self, work: &RegionWork) -> Option<Listing> {
        let (mut bench, mut listing) = (self.bench(), Listing::default());
        let native = self.compile_at(&mut bench, work, Some(&mut listing));
        lock(&self.idle).push(bench);
        native.map(|_| listing)
    }

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        furnish(&*self.frontend, room);
    }
}
