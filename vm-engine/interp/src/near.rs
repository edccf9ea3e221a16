//! What was found lately among a machine's blocks.
//!
//! A jump cache belongs to one address space, and each process has its own; the kernel's blocks
//! are looked for anew in each of them. The table of all blocks is large and cold.

use std::sync::atomic::{AtomicPtr, Ordering};

use crate::blocks::Key;
use crate::flat::Code;

/// How many blocks are remembered.
// LIMIT: half a MiB, which a host's second cache still holds.
const PLACES: usize = 16384;

struct Place {
    phys: u64,
    mode: u64,
    bytes: u64,
    code: AtomicPtr<Code>,
}

/// The blocks found lately, by address.
pub struct Near(Box<[Place]>);

impl Default for Near {
    fn default() -> Self {
        let empty = || Place {
            phys: u64::MAX,
            mode: 0,
            bytes: 0,
            code: AtomicPtr::default(),
        };
        Self((0..PLACES).map(|_| empty()).collect())
    }
}

impl Near {
    fn index(key: Key) -> usize {
        (key.phys >> 1 ^ key.phys >> 14 ^ key.mode) as usize & (PLACES - 1)
    }

    /// The block of a key and the length of its guest code, if it was found lately.
    pub fn find(&self, key: Key) -> Option<(*const Code, u64)> {
        let place = &self.0[Self::index(key)];
        let same = place.phys == key.phys && place.mode == key.mode && !key.single;
        same.then(|| {
            let code: *const Code = place.code.load(Ordering::Relaxed);
            (code, place.bytes)
        })
    }

    /// Remembers a block, unless it is one instruction alone.
    pub fn remember(&mut self, key: Key, code: *const Code, bytes: u64) {
        if !key.single {
            self.0[Self::index(key)] = Place {
                phys: key.phys,
                mode: key.mode,
                bytes,
                code: AtomicPtr::new(code.cast_mut()),
            };
        }
    }

    /// Forgets a block.
    pub fn forget(&mut self, key: Key) {
        let place = &mut self.0[Self::index(key)];
        if place.phys == key.phys {
            place.phys = u64::MAX;
        }
    }

    /// Forgets all blocks.
    pub fn clear(&mut self) {
        for place in &mut self.0 {
            place.phys = u64::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_not_found() {
        let key = |phys, single| Key {
            phys,
            mode: 3,
            single,
        };
        let mut near = Near::default();
        let code: *const Code = std::ptr::dangling();
        near.remember(key(0x8000_0000, false), code, 8);
        near.remember(key(0x8000_0100, true), code, 4);
        assert_eq!(near.find(key(0x8000_0000, false)), Some((code, 8)));
        assert_eq!(near.find(key(0x8000_0000, true)), None);
        assert_eq!(near.find(key(0x8000_0100, true)), None);
        near.forget(key(0x8000_0002, false));
        assert!(near.find(key(0x8000_0000, false)).is_some());
        near.forget(key(0x8000_0000, false));
        assert_eq!(near.find(key(0x8000_0000, false)), None);
        near.remember(key(0x8000_0000, false), code, 8);
        near.clear();
        assert_eq!(near.find(key(0x8000_0000, false)), None);
    }
}
