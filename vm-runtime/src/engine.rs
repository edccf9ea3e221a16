//! What runs guest code: the interpreter alone, or with the block compiler.

use std::mem::MaybeUninit;
use std::sync::Arc;

use thiserror::Error;
use vm_core::{Background, Inline, Vcpu};
use vm_engine_cache::{Arena, ArenaError, LeastRecentlyUsed};
use vm_engine_interp::Engine;
use vm_engine_interp::native::{Compiler, HELPERS, Native, Tier, Work};
use vm_engine_jit::{Jit, JitError, RegionJit};
use vm_engine_template::Templates;
use vm_ir::Frontend;

use crate::pool::Pool;
use crate::stats::{Timed, Timers};
use crate::verify::Verifier;
use crate::{Config, EngineMode, JitTier};

/// Whether there is a compiler for this host.
pub const COMPILES: bool = vm_engine_interp::native::AVAILABLE;

/// Bytes of native code, if nobody says how many.
// LIMIT: a Linux boot to a shell makes some 10 MiB; what is more goes and is made anew.
pub const CODE_BYTES: u64 = 64 << 20;
/// How often a block is entered before it is compiled in the background.
const THRESHOLD: u32 = 1000;
/// How many slices end in a block before the loop around it is compiled as a whole.
const REGION_THRESHOLD: u32 = 16;
/// How often a block is entered before it is written by templates, which is waited for.
const TEMPLATE_THRESHOLD: u32 = 20;

/// Why the block compiler can not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no compiler for this host.
    #[error(transparent)]
    Jit(#[from] JitError),
    /// There is no memory for native code.
    #[error(transparent)]
    Arena(#[from] ArenaError),
}

/// The CPUs of a machine, held to the interpreter if there is a verifier.
pub fn cpus(engine: &Engine, count: u32, verifier: Option<&Verifier>) -> Vec<Box<dyn Vcpu>> {
    let cpu = |number| -> Box<dyn Vcpu> {
        let cpu = Box::new(engine.cpu(number));
        match verifier {
            Some(verifier) => Box::new(verifier.verified(number, cpu)),
            None => cpu,
        }
    };
    (0..count).map(cpu).collect()
}

/// What native code a machine has.
#[derive(Default)]
pub struct Natives {
    /// What makes it, if anything does.
    pub tier: Option<Tier>,
    /// How long each compiler took so far.
    pub timers: Timers,
    /// Why there is none, if there usually would be.
    pub missing: Option<EngineError>,
}

/// Stands where the block compiler is, if there are to be regions alone.
struct NoBlocks;

impl Compiler for NoBlocks {
    fn compile(&self, _: &Work) -> Option<Native> {
        None
    }

    /// What regions want to find is written by their own compiler.
    fn furnish(&self, _: &mut [MaybeUninit<u64>; HELPERS]) {}
}

/// What makes native code, if anything is to do so.
pub fn natives(config: &Config, frontend: &Arc<dyn Frontend>) -> Result<Natives, EngineError> {
    let timers = Timers::default();
    let made = match config.engine {
        EngineMode::Interp => return Ok(Natives::default()),
        EngineMode::Usual if !COMPILES => return Ok(Natives::default()),
        EngineMode::Usual | EngineMode::Jit | EngineMode::Hybrid => tier(config, frontend, &timers),
    };
    match made {
        Ok(tier) => Ok(Natives {
            tier: Some(tier),
            timers,
            missing: None,
        }),
        Err(error) if config.engine == EngineMode::Usual => Ok(Natives {
            missing: Some(error),
            ..Natives::default()
        }),
        Err(error) => Err(error),
    }
}

fn tier(
    config: &Config,
    frontend: &Arc<dyn Frontend>,
    times: &Timers,
) -> Result<Tier, EngineError> {
    let (background, usual): (Arc<dyn Background>, _) = if config.engine == EngineMode::Jit {
        (Arc::new(Inline), [1, 1])
    } else {
        (Arc::new(Pool::new()), [TEMPLATE_THRESHOLD, THRESHOLD])
    };
    let tiers = config.jit_tiers.as_deref();
    let has = |tier| tiers.is_none_or(|tiers| tiers.contains(&tier));
    let [first, then] = config.jit_threshold.map_or(usual, |given| [given; 2]);
    let arena = if config.profiled {
        Arena::without_file
    } else {
        Arena::new
    };
    let arena = arena(config.code_bytes, Box::new(LeastRecentlyUsed))?;
    let templates = has(JitTier::Template).then(|| Templates::new(frontend.clone()));
    let templates = templates.flatten().map(|compiler| {
        let ns = times.templates.clone();
        Arc::new(Timed { compiler, ns })
    });
    let jit = || -> Result<_, JitError> {
        let (compiler, ns) = (Jit::new(frontend.clone())?, times.blocks.clone());
        Ok(Arc::new(Timed { compiler, ns }))
    };
    let tier = match templates {
        Some(templates) if !has(JitTier::Block) => {
            // What they can not do is asked of nobody else.
            let tier = Tier::new(templates.clone(), background, arena, u32::MAX);
            tier.with_templates(templates, first)
        }
        Some(templates) => {
            let tier = Tier::new(jit()?, background, arena, then);
            tier.with_templates(templates, first)
        }
        None if tiers == Some(&[JitTier::Region]) => {
            Tier::new(Arc::new(NoBlocks), background, arena, then)
        }
        None => Tier::new(jit()?, background, arena, then),
    };
    let tier = if has(JitTier::Region) {
        let (compiler, ns) = (RegionJit::new(frontend.clone())?, times.regions.clone());
        let regions = Arc::new(Timed { compiler, ns });
        let threshold = config.jit_region_threshold.unwrap_or(REGION_THRESHOLD);
        tier.with_regions(regions, threshold)
    } else {
        tier
    };
    Ok(tier)
}
