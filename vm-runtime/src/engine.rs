//! What runs guest code: the interpreter alone, or with the block compiler.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use thiserror::Error;
use vm_core::Background;
use vm_engine_cache::{Arena, ArenaError, LeastRecentlyUsed};
use vm_engine_interp::native::Tier;
use vm_engine_jit::{Jit, JitError, RegionJit};
use vm_engine_template::Templates;
use vm_ir::Frontend;

use crate::pool::{AtOnce, Pool};
use crate::{Config, EngineMode, JitTier};

/// Whether there is a compiler for this host.
pub const COMPILES: bool = vm_engine_interp::native::AVAILABLE;

/// Bytes of native code.
// LIMIT: a Linux boot to a shell makes some 10 MiB; what is more goes and is made anew.
const CODE_BYTES: u64 = 64 << 20;
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

/// What makes native code, if anything is to do so, and how long it took so far.
pub fn tier(
    config: &Config,
    frontend: &Arc<dyn Frontend>,
) -> Result<(Option<Tier>, Arc<AtomicU64>), EngineError> {
    let time = Arc::new(AtomicU64::new(0));
    let (background, usual): (Arc<dyn Background>, _) = match config.engine {
        EngineMode::Interp => return Ok((None, time)),
        EngineMode::Jit => (Arc::new(AtOnce::new(time.clone())), [1, 1]),
        EngineMode::Hybrid => (
            Arc::new(Pool::new(time.clone())),
            [TEMPLATE_THRESHOLD, THRESHOLD],
        ),
    };
    let tiers = config.jit_tiers.as_deref();
    let has = |tier| tiers.is_none_or(|tiers| tiers.contains(&tier));
    let [first, then] = config.jit_threshold.map_or(usual, |given| [given; 2]);
    let arena = Arena::new(CODE_BYTES, Box::new(LeastRecentlyUsed))?;
    let templates = if has(JitTier::Template) {
        Templates::new(frontend.clone())
    } else {
        None
    };
    let tier = match templates {
        Some(templates) if !has(JitTier::Block) => {
            // What they can not do is asked of nobody else.
            let templates = Arc::new(templates);
            let tier = Tier::new(templates.clone(), background, arena, u32::MAX);
            tier.with_templates(templates, first)
        }
        Some(templates) => {
            let jit = Arc::new(Jit::new(frontend.clone())?);
            let tier = Tier::new(jit, background, arena, then);
            tier.with_templates(Arc::new(templates), first)
        }
        None => {
            let jit = Arc::new(Jit::new(frontend.clone())?);
            Tier::new(jit, background, arena, then)
        }
    };
    let tier = if has(JitTier::Region) {
        let regions = Arc::new(RegionJit::new(frontend.clone())?);
        let threshold = config.jit_region_threshold.unwrap_or(REGION_THRESHOLD);
        tier.with_regions(regions, threshold)
    } else {
        tier
    };
    Ok((Some(tier), time))
}
