//! What the engine under test has beside the interpreter.

use std::sync::Arc;

use vm_core::Inline;
use vm_engine_cache::{Arena, LeastRecentlyUsed};
use vm_engine_interp::Engine;
use vm_engine_interp::native::{AVAILABLE, Tier};
use vm_engine_jit::Jit;
use vm_engine_template::Templates;
use vm_ir::Frontend;

/// Nothing.
pub fn none(_: &mut Engine, _: Arc<dyn Frontend>) {}

/// A compiler that is asked when a block is entered, and waited for.
pub fn at_once(engine: &mut Engine, frontend: Arc<dyn Frontend>) {
    if AVAILABLE {
        let jit = Jit::new(frontend).expect("the host can run native code");
        let arena = Arena::new(16 << 20, Box::new(LeastRecentlyUsed)).expect("the host has 16 MiB");
        engine.set_tier(Tier::new(Arc::new(jit), Arc::new(Inline), arena, 1));
    }
}

/// Templates for whatever is entered, and the block compiler for what they can not do.
pub fn templates(engine: &mut Engine, frontend: Arc<dyn Frontend>) {
    if let Some(templates) = Templates::new(frontend.clone()) {
        let jit = Jit::new(frontend).expect("the host can run native code");
        let arena = Arena::new(16 << 20, Box::new(LeastRecentlyUsed)).expect("the host has 16 MiB");
        let tier = Tier::new(Arc::new(jit), Arc::new(Inline), arena, 1);
        engine.set_tier(tier.with_templates(Arc::new(templates), 1));
    }
}
