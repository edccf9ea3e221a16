//! What a run has cost, as counters for people.

use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vm_engine_cache::Stats as CacheStats;
use vm_engine_interp::native::{
    Compiler, HELPERS, Listing, Native, NativeRegion, RegionCompiler, RegionWork, TierStats, Work,
};
use vm_engine_interp::{BlockStats, RunStats};

use crate::{EngineError, VerifyStats, Vm};

/// Counters of a run.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Code that was translated.
    pub blocks: BlockStats,
    /// What CPUs did besides running code.
    pub runs: RunStats,
    /// Native code, if there is any.
    pub native: Option<NativeStats>,
    /// What was verified, if anything was.
    pub verified: Option<VerifyStats>,
}

/// Counters of native code.
#[derive(Clone, Copy, Debug)]
pub struct NativeStats {
    /// What was made.
    pub made: TierStats,
    /// The memory that it is in.
    pub cache: CacheStats,
    /// The host's time that each compiler took.
    pub time: CompileTime,
}

/// The host's time that compilers took; of templates a guest has waited for all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileTime {
    /// Templates.
    pub templates: Duration,
    /// The block compiler.
    pub blocks: Duration,
    /// The region compiler.
    pub regions: Duration,
}

/// Times that grow while compilers work, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    pub templates: Arc<AtomicU64>,
    pub blocks: Arc<AtomicU64>,
    pub regions: Arc<AtomicU64>,
}

impl Timers {
    fn read(&self) -> CompileTime {
        let time = |ns: &AtomicU64| Duration::from_nanos(ns.load(Ordering::Relaxed));
        CompileTime {
            templates: time(&self.templates),
            blocks: time(&self.blocks),
            regions: time(&self.regions),
        }
    }
}

/// A compiler that measures how long it takes.
pub(crate) struct Timed<C> {
    pub compiler: C,
    pub ns: Arc<AtomicU64>,
}

impl<C> Timed<C> {
    fn timed<R>(&self, body: impl FnOnce(&C) -> R) -> R {
        let start = Instant::now();
        let made = body(&self.compiler);
        let taken = start.elapsed().as_nanos() as u64;
        self.ns.fetch_add(taken, Ordering::Relaxed);
        made
    }
}

impl<C: Compiler> Compiler for Timed<C> {
    fn compile(&self, work: &Work) -> Option<Native> {
        self.timed(|compiler| compiler.compile(work))
    }

    fn explain(&self, work: &Work) -> Option<Listing> {
        self.compiler.explain(work)
    }

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        self.compiler.furnish(room);
    }
}

impl<C: RegionCompiler> RegionCompiler for Timed<C> {
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion> {
        self.timed(|compiler| compiler.compile(work))
    }

    fn explain(&self, work: &RegionWork) -> Option<Listing> {
        self.compiler.explain(work)
    }

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        self.compiler.furnish(room);
    }
}

impl Vm {
    /// Why everything is interpreted, if the host did not give what native code takes.
    #[must_use]
    pub fn missing_native(&self) -> Option<&EngineError> {
        self.missing.as_ref()
    }

    /// Counters of native code, if there is any.
    #[must_use]
    pub fn tier_stats(&self) -> Option<TierStats> {
        self.engine.tier_stats()
    }

    /// What the run has cost so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let native = self.engine.tier_stats().zip(self.engine.cache_stats());
        Stats {
            blocks: self.engine.stats(),
            runs: self.engine.run_stats(),
            native: native.map(|(made, cache)| NativeStats {
                made,
                cache,
                time: self.timers.read(),
            }),
            verified: self.verify_stats(),
        }
    }
}
