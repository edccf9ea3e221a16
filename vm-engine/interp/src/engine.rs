//! What the interpreted CPUs of one machine share, and how they are made.

use std::sync::{Arc, Mutex};

use vm_core::{Clock, Kick, TimeMode, Trace, TraceKinds, Vcpu};
use vm_ir::passes::Passes;
use vm_ir::{Context, Frontend};
use vm_mem::{GuestRam, Tlb};

use crate::blocks::{BlockStats, Blocks, Limits};
use crate::counts::RunStats;
use crate::cpu::{Cpu, Window};
use crate::interpreter::{Interpreter, lock};
use crate::jumps::Jumps;
use crate::modes::Modes;
use crate::native::{Tier, TierStats, Witness};
use crate::observe::steps;
use crate::slow::Slow;
use crate::stops::Stopping;
use crate::translate::Translator;
use crate::watch::Watch;

/// A trace that the CPUs of a machine share.
pub type SharedTrace = Arc<Mutex<dyn Trace>>;

/// What the interpreted CPUs of one machine share.
pub struct Engine {
    frontend: Arc<dyn Frontend>,
    ram: GuestRam,
    clock: Arc<Clock>,
    shared: Arc<Mutex<Shared>>,
    trace: Option<SharedTrace>,
}

/// The translated code, under one lock: CPUs run in turn.
pub struct Shared {
    pub blocks: Blocks,
    pub translator: Translator,
    pub counts: RunStats,
}

impl Engine {
    /// An engine for CPUs of this architecture.
    #[must_use]
    pub fn new(frontend: Arc<dyn Frontend>, ram: GuestRam, clock: Arc<Clock>) -> Self {
        let translator = Translator::new(&*frontend);
        let shared = Arc::new(Mutex::new(Shared {
            blocks: Blocks::default(),
            translator,
            counts: RunStats::default(),
        }));
        Self {
            frontend,
            ram,
            clock,
            shared,
            trace: None,
        }
    }

    /// Hands all events of the CPUs made from now on to a trace.
    pub fn set_trace(&mut self, trace: SharedTrace) {
        self.trace = Some(trace);
    }

    /// Lets CPUs made from now on run native code for blocks that are hot.
    pub fn set_tier(&mut self, tier: Tier) {
        lock(&self.shared).blocks.tier = Some(tier);
    }

    /// Has somebody told what code is made from now on, which changes nothing else.
    pub fn set_witness(&mut self, witness: Box<dyn Witness>) {
        lock(&self.shared).blocks.witness = Some(witness);
    }

    /// Counters of native code, if there is any.
    #[must_use]
    pub fn tier_stats(&self) -> Option<TierStats> {
        let shared = lock(&self.shared);
        shared.blocks.tier.as_ref().map(|tier| tier.stats)
    }

    /// What the memory for native code holds, if there is any.
    #[must_use]
    pub fn cache_stats(&self) -> Option<vm_engine_cache::Stats> {
        let shared = lock(&self.shared);
        shared.blocks.tier.as_ref().map(|tier| tier.arena.stats())
    }

    /// Counters of what CPUs did besides running code.
    #[must_use]
    pub fn run_stats(&self) -> RunStats {
        lock(&self.shared).counts
    }

    /// A new CPU, after reset.
    #[must_use]
    pub fn cpu(&self, number: u32) -> Interpreter {
        let frontend = self.frontend.clone();
        let slots = frontend.layout().slots.len();
        let stepped = match &self.trace {
            Some(trace) => steps(Some(&mut *lock(trace))),
            None => false,
        };
        let wants = |kind| {
            let trace = self.trace.as_ref();
            trace.is_some_and(|trace| lock(trace).kinds().any(kind))
        };
        let slow = Slow {
            rules: frontend.float_rules(),
            helpers: frontend.helpers(),
            slots,
            ram: self.ram.clone(),
            clock: self.clock.clone(),
            tlb: Tlb::new(),
            table: 0,
            context: Context::default(),
            traces_modes: false,
            jumps: Jumps::default(),
            reservation: usize::from(frontend.layout().reservation.0),
            linked: None,
            after: None,
            answers: (Vec::new(), 0),
            slice: (0, 0),
            walks: 0,
            blocks: std::ptr::null_mut(),
            watch: wants(TraceKinds::MEM).then(Watch::default),
            requests: Vec::new(),
            stops: Stopping::default(),
            frontend,
        };
        let mut cpu = Interpreter {
            cpu: Cpu::new(),
            slow: Box::new(slow),
            shared: self.shared.clone(),
            number,
            retired: 0,
            asked: None,
            kick: Kick::default(),
            seen: (0, 0, 0),
            sampled: u64::MAX,
            trace: self.trace.clone(),
            stepped,
            // Where a slice ends is of no account to time that passes anyway.
            exact: self.clock.mode() == TimeMode::Virtual,
            short: false,
            modes: wants(TraceKinds::MODE).then(Modes::default),
        };
        cpu.cpu.ram = Window::of(&self.ram);
        if let Some(tier) = &lock(&self.shared).blocks.tier {
            tier.compiler.furnish(&mut cpu.cpu.helpers);
            if let Some(regions) = &tier.regions {
                regions.compiler.furnish(&mut cpu.cpu.helpers);
            }
        }
        cpu.reset();
        cpu
    }

    /// Chooses the passes that blocks translated from now on go through.
    pub fn set_passes(&mut self, passes: Passes) {
        lock(&self.shared).translator.passes = passes;
    }

    /// Chooses how much translated code is kept.
    pub fn set_limits(&mut self, limits: Limits) {
        lock(&self.shared).blocks.limits = limits;
    }

    /// Counters of the translated code.
    #[must_use]
    pub fn stats(&self) -> BlockStats {
        lock(&self.shared).blocks.stats
    }
}
