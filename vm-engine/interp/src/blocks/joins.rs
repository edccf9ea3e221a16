//! Exits of native code that are led to other code of their page.

use std::sync::atomic::Ordering::Relaxed;

use vm_core::GuestPhys;

use super::Blocks;
use crate::flat::Code;
use crate::native::Tier;

impl Blocks {
    /// Leads an exit by which a block was left to the block that was found behind it, if that may
    /// stay so: what makes the one invalid has to make the other invalid too.
    pub fn link(&mut self, from: &Code, exit: usize, to: &Code) {
        let page = GuestPhys(from.phys).page();
        let same = GuestPhys(to.phys).page() == page;
        if !same || to.crosses || to.toll.is_dead() || self.is_apart(page) {
            return;
        }
        if let (Some(tier), Some(own)) = (&mut self.tier, from.unit) {
            let joined = to.unit.is_some_and(|to| tier.arena.join(own, exit, to));
            if !joined && !from.untold && awaits_templates(tier, to) {
                return;
            }
        }
        from.exits[exit].lead_to(std::ptr::from_ref(to).cast_mut().cast());
    }
}

/// Whether a block will be joined to others soon, so that a link would be in the way.
fn awaits_templates(tier: &Tier, code: &Code) -> bool {
    let counts = code.heat.load(Relaxed) <= tier.first_threshold();
    tier.has_templates() && counts && !code.untold && code.unit.is_none()
}
