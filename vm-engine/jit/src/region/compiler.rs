//! From the blocks of a page to native code for a region.

use std::sync::{Arc, Mutex};

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use vm_engine_interp::native::{Member, NativeRegion, RegionCompiler, RegionWork};
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::{Block, Builder, Effect, End, Frontend, Inst, Lifted, MemArg, Op};

use super::finish::finish;
use super::flow::Slots;
use super::former::{Node, Shape, form};
use super::spans::Spans;
use super::writer::{Notes, Region, Writer};
use crate::body::signature;
use crate::compiler::{JitError, host_isa, lock, places};
use crate::lower::{self, Host, Lowering};
use crate::memory::exchange;

/// How many bytes behind a block the lifter may look at.
const BEHIND: usize = 16;

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

    /// The blocks of the members, as the block compiler sees them.
    fn lift(&self, bench: &mut Bench, work: &RegionWork) -> Option<Vec<Block>> {
        let lift = |member: &Member| {
            bench.builder.clear();
            let from = member.page_offset as usize;
            let to = (from + member.length as usize + BEHIND).min(work.bytes.len());
            let code = work.bytes.get(from..to)?;
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
        };
        work.members.iter().map(lift).collect()
    }

    fn compile_at(&self, bench: &mut Bench, work: &RegionWork) -> Option<NativeRegion> {
        let all = self.lift(bench, work)?;
        let shape = form(&nodes(work, &all), work.hot)?;
        let region = Region::new(work, &all, &shape);
        let layout = self.frontend.layout();
        let flags = u64::from(layout.fp_flags.0);
        let (blocks, entries) = (&region.blocks, &region.entries);
        let slots = Slots::of(blocks, &region.next, entries, |slot| slot == flags)?;
        let spans = Spans::of(&region.blocks, &region.next, &slots);
        bench.context.clear();
        bench.context.func.signature = signature();
        let mut builder = FunctionBuilder::new(&mut bench.context.func, &mut bench.functions);
        let first = builder.create_block();
        builder.append_block_params_for_function_params(first);
        builder.switch_to_block(first);
        let params = builder.block_params(first);
        let (cpu, number) = (params[0], params[2]);
        let rules = self.frontend.float_rules();
        let scratch = &mut bench.lowering;
        let places = places(&*self.frontend);
        let cx = Lowering::new(&mut builder, cpu, &self.host, rules, places, scratch);
        let mut notes = Notes::default();
        Writer::new(cx, &region, (&slots, &spans), &mut notes, flags).write(number);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        let plane = &mut ControlPlane::default();
        let compiled = bench.context.compile(&*self.isa, plane).ok()?;
        finish(compiled, &region, &notes).ok()
    }
}

/// The members as the former sees them.
fn nodes(work: &RegionWork, blocks: &[Block]) -> Vec<Node> {
    let find = |at: u64, distance: i64| {
        let target = at.wrapping_add_signed(distance);
        work.members.iter().position(|m| m.page_offset == target)
    };
    let node = |(block, member): (&Block, &Member)| {
        let at = member.page_offset;
        let next = match block.end {
            End::Goto(to) => vec![find(at, to)],
            End::Branch { taken, fall, .. } => vec![find(at, taken), find(at, fall)],
            _ => Vec::new(),
        };
        Node {
            at,
            insns: block.insns,
            next: next.into_iter().flatten().collect(),
            fit: block.insts.iter().all(is_fit),
        }
    };
    blocks.iter().zip(&work.members).map(node).collect()
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
            let exchanges = exchange(op).is_some() && !MemArg::unpack(inst.imm).big_endian;
            exchanges || matches!(op, Op::Load | Op::Store | Op::Fence)
        }
        Effect::Trap => op == Op::TrapIf,
        Effect::Helper => false,
    }
}

impl RegionCompiler for RegionJit {
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion> {
        let mut bench = self.bench();
        let native = self.compile_at(&mut bench, work);
        lock(&self.idle).push(bench);
        native
    }
}

/// The order of a region's blocks, by their numbers among the members, and their edges.
impl Region {
    fn new(work: &RegionWork, all: &[Block], shape: &Shape) -> Self {
        let blocks: Vec<Block> = shape.blocks.iter().map(|at| all[*at].clone()).collect();
        let members: Vec<_> = shape.blocks.iter().map(|at| work.members[*at]).collect();
        let place = |of: &usize| shape.blocks.iter().position(|at| at == of);
        let entries = shape.entries.iter().filter_map(place).collect();
        let mut region = Self {
            blocks,
            members,
            numbers: shape.blocks.clone(),
            entries,
            next: Vec::new(),
        };
        region.next = (0..region.blocks.len())
            .map(|at| match region.blocks[at].end {
                End::Goto(to) => vec![region.inside(at, to)],
                End::Branch { taken, fall, .. } => {
                    vec![region.inside(at, taken), region.inside(at, fall)]
                }
                _ => Vec::new(),
            })
            .map(|next| next.into_iter().flatten().collect())
            .collect();
        region
    }
}
