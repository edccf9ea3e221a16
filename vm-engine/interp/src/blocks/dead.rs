//! Blocks that may no longer be entered, until nobody can be in them.

use std::sync::Arc;

use vm_engine_cache::{Epochs, Stamp};

use crate::store::Piece;

/// How many CPUs a machine may have.
// LIMIT: boards have eight; each costs a line of the host's caches, and all are asked when code
// is freed.
const CPUS: usize = 64;

/// The dead blocks of a machine.
pub struct Dead {
    blocks: Vec<Piece>,
    /// Those to which no jump cache will lead any more, and from when on nobody is in them.
    leaving: Vec<(Stamp, Vec<Piece>)>,
    /// Which CPUs run code.
    pub cpus: Arc<Epochs>,
}

impl Default for Dead {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            leaving: Vec::new(),
            cpus: Arc::new(Epochs::new(CPUS)),
        }
    }
}

impl Dead {
    /// Keeps everybody from entering a block.
    pub fn bury(&mut self, code: Piece) {
        code.head.bury();
        code.toll.bury();
        self.blocks.push(code);
    }

    /// How many wait for their jump caches to be emptied.
    pub fn count(&self) -> usize {
        self.blocks.len()
    }

    /// Whoever goes in from now on has emptied his jump caches before.
    pub fn retire(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        self.leaving.push((self.cpus.retire(), blocks));
    }

    /// Frees what nobody can be in.
    pub fn free(&mut self) {
        let cpus = &self.cpus;
        self.leaving.retain(|(stamp, _)| !cpus.passed(*stamp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dead_is_freed_when_everybody_has_gone_out() {
        let mut dead = Dead::default();
        let (cpus, store) = (dead.cpus.clone(), crate::store::Store::default());
        let bury = |dead: &mut Dead| {
            dead.bury(store.keep(std::iter::empty(), &[], (0, 0), 0));
            dead.retire();
            dead.free();
            dead.leaving.len()
        };
        let first = cpus.enter(0);
        let second = cpus.enter(63);
        assert_eq!(bury(&mut dead), 1);
        drop(first);
        assert_eq!(bury(&mut dead), 2);
        // Who goes in now can not come to the first two.
        let third = cpus.enter(1);
        drop(second);
        assert_eq!(bury(&mut dead), 1);
        drop(third);
        dead.free();
        assert_eq!((dead.leaving.len(), dead.count()), (0, 0));
    }
}
