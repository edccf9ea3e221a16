//! The table of all blocks, by what they are found by.
//!
//! It is large, and most of it is cold. So an entry is two words, blocks that are near each other
//! have entries that are near each other, and all of it stands on large pages.

use vm_mem::prefer_large_pages;

use super::Key;
use crate::store::Piece;

/// How many entries share a line of the host's caches.
const LINE: usize = 4;

/// As many entries as a table begins with.
const LEAST: usize = 1024;

#[derive(Default)]
struct Entry {
    /// See [`tag`].
    tag: u64,
    code: Option<Piece>,
}

const _: () = assert!(size_of::<Entry>() * LINE == 64, "entries fill their line");

/// The blocks: each stands in the first free entry from its home on.
#[derive(Default)]
pub struct Table {
    entries: Vec<Entry>,
    count: usize,
}

/// What tells keys apart, nearly: physical addresses have 56 bits, and modes are few.
fn tag(key: Key) -> u64 {
    let mode = (key.mode ^ u64::from(key.single) << 63).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    key.phys ^ (mode >> 56) << 56
}

impl Table {
    /// The block of a key.
    pub fn get(&self, key: Key) -> Option<&Piece> {
        self.entries[self.position(key)?].code.as_ref()
    }

    /// The block of a key, to be changed.
    pub fn find_mut(&mut self, key: Key) -> Option<&mut Piece> {
        let at = self.position(key)?;
        self.entries[at].code.as_mut()
    }

    /// Whether there is a block of this key.
    pub fn has(&self, key: Key) -> bool {
        self.position(key).is_some()
    }

    /// All blocks.
    pub fn values(&self) -> impl Iterator<Item = &Piece> {
        self.entries.iter().filter_map(|entry| entry.code.as_ref())
    }

    /// Adds a block; there is none of this key.
    pub fn insert(&mut self, key: Key, code: Piece) {
        if self.count + 1 > self.entries.len() / 8 * 5 {
            let more = (2 * self.entries.len()).max(LEAST);
            let old = std::mem::replace(&mut self.entries, empty(more));
            for entry in old.into_iter().filter(|entry| entry.code.is_some()) {
                self.put(entry);
            }
        }
        self.count += 1;
        self.put(Entry {
            tag: tag(key),
            code: Some(code),
        });
    }

    /// Takes a block out.
    pub fn remove(&mut self, key: Key) -> Option<Piece> {
        let mut hole = self.position(key)?;
        let code = self.entries[hole].code.take();
        self.count -= 1;
        // What stands behind it comes nearer, if it has its home in front.
        let mut at = self.behind(hole);
        while self.entries[at].code.is_some() {
            let from = |first: usize| at.wrapping_sub(first) & (self.entries.len() - 1);
            if from(self.home(self.entries[at].tag)) >= from(hole) {
                self.entries.swap(hole, at);
                hole = at;
            }
            at = self.behind(at);
        }
        code
    }

    /// Takes out what goes.
    pub fn take(&mut self, goes: impl Fn(&Piece) -> bool) -> Vec<Piece> {
        let fresh = empty(self.entries.len());
        let old = std::mem::replace(&mut self.entries, fresh);
        let mut gone = Vec::new();
        for mut entry in old {
            if let Some(code) = entry.code.take_if(|code| goes(code)) {
                gone.push(code);
            } else if entry.code.is_some() {
                self.put(entry);
            }
        }
        self.count -= gone.len();
        gone
    }

    /// Takes out everything.
    pub fn drain(&mut self) -> impl Iterator<Item = Piece> {
        self.count = 0;
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().filter_map(|entry| entry.code)
    }

    fn put(&mut self, entry: Entry) {
        let mut at = self.home(entry.tag);
        while self.entries[at].code.is_some() {
            at = self.behind(at);
        }
        self.entries[at] = entry;
    }

    fn position(&self, key: Key) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        let tag = tag(key);
        let mut at = self.home(tag);
        loop {
            let entry = &self.entries[at];
            let code = entry.code.as_ref()?;
            if entry.tag == tag && code.is(key) {
                return Some(at);
            }
            at = self.behind(at);
        }
    }

    /// The first entry of a line, the same for all code of the mode in 64 bytes.
    fn home(&self, tag: u64) -> usize {
        let lines = self.entries.len() / LINE;
        let hash = (tag >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash >> 32) as usize & (lines - 1)) * LINE
    }

    fn behind(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }
}

fn empty(count: usize) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(count);
    prefer_large_pages(entries.spare_capacity_mut());
    entries.resize_with(count, Entry::default);
    entries
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::store::Store;

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % bound
        }
    }

    fn code(store: &Store, key: Key) -> Piece {
        let mut piece = store.keep(std::iter::empty(), &[], (key.phys, key.mode), 4);
        piece.single = key.single;
        piece
    }

    /// Keys of a few pages, many of which have one home, and keys with equal tags.
    fn any(dice: &mut Dice) -> Key {
        let modes = [0, 1, 2, 3, 1 << 40, 1 << 41, u64::MAX];
        Key {
            phys: 0x8000_0000 + (dice.below(4) << 20) + 2 * dice.below(300),
            mode: modes[dice.below(modes.len() as u64) as usize],
            single: dice.below(4) == 0,
        }
    }

    #[test]
    fn a_table_is_what_a_map_would_be() {
        let (store, mut dice) = (Store::default(), Dice(1));
        let (mut table, mut map) = (Table::default(), HashMap::new());
        for round in 0..60_000_u64 {
            let key = any(&mut dice);
            let known = table.get(key).map(|piece| piece.serial);
            assert_eq!(known, map.get(&key).copied());
            assert_eq!(table.has(key), known.is_some());
            if known.is_some() && dice.below(3) != 0 {
                assert_eq!(
                    table.remove(key).map(|piece| piece.serial),
                    map.remove(&key)
                );
            } else if known.is_none() {
                table.insert(key, code(&store, key));
                if let Some(piece) = table.find_mut(key) {
                    piece.serial = round;
                }
                map.insert(key, round);
            }
            if round % 10_000 == 9_999 {
                let gone = table.take(|piece| piece.serial % 3 == 0);
                assert!(gone.iter().all(|piece| piece.serial % 3 == 0));
                let before = map.len();
                map.retain(|_, serial| *serial % 3 != 0);
                assert_eq!(before - gone.len(), map.len());
            }
            assert_eq!(table.count, map.len());
        }
        let mut left: Vec<u64> = table.values().map(|piece| piece.serial).collect();
        let mut want: Vec<u64> = map.values().copied().collect();
        left.sort_unstable();
        want.sort_unstable();
        assert!(left == want && left.len() > 1000);
        assert_eq!(table.drain().count(), want.len());
        assert!(table.count == 0 && table.values().next().is_none());
        assert_eq!(store.bytes(), 0);
    }

    #[test]
    fn blocks_that_are_near_each_other_are_found_in_one_line() {
        let (store, mut table) = (Store::default(), Table::default());
        let key = |phys| Key {
            phys,
            mode: 3,
            single: false,
        };
        for page in 0..100 {
            table.insert(key(page << 12), code(&store, key(page << 12)));
        }
        let near: Vec<usize> = (0..3)
            .map(|n| table.home(tag(key(0x5000 + 20 * n))))
            .collect();
        assert!(near.iter().all(|home| *home == near[0] && home % LINE == 0));
        assert_ne!(near[0], table.home(tag(key(0x5040))));
    }
}
