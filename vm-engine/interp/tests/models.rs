//! Every order in which CPUs can meet over what they share besides host code: atomic operations
//! and reservations, the pages that a region has seen, and the right to write a page unnoticed.
//! The files that hold the rules are compiled here once more, with loom's atomics.
#![expect(
    unsafe_code,
    reason = "reads and writes cells that loom watches; see UNSAFETY"
)]
// UNSAFETY: what a guest's lock guards is a loom cell; loom reports every pair of accesses that
// nothing keeps apart, which is what these models are for.

#[path = "../../cache/src/epochs.rs"]
#[expect(dead_code, reason = "models use part of it")]
mod epochs;
#[path = "../../../vm-mem/src/marks.rs"]
#[expect(dead_code, reason = "models use part of it")]
mod marks;
#[path = "../src/reservation.rs"]
mod reservation;
#[path = "../src/native/seen.rs"]
mod seen;

mod sync {
    //! Atomics that loom watches.

    pub use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
}

use epochs::Epochs;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use marks::Marks;
use seen::Seen;
use sync::{AtomicU64, Ordering};
use vm_mem::Exchange;

/// A word of guest memory.
#[derive(Clone, Copy)]
struct Word<'a>(&'a AtomicU64);

impl Exchange for Word<'_> {
    fn now(self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn try_exchange(self, old: u64, new: u64, order: Ordering) -> Result<(), u64> {
        let done = self.0.compare_exchange(old, new, order, Ordering::Relaxed);
        done.map(|_| ())
    }
}

impl Word<'_> {
    /// A load that reserves.
    fn load_reserved(self, words: &mut reservation::Words) -> u64 {
        let (old, _) = self.update(|_| None);
        *words = reservation::of(PLACE, old, 8);
        old
    }

    /// A store that depends on it.
    fn store_conditional(self, words: &mut reservation::Words, new: u64) -> bool {
        reservation::store(words, PLACE, 8, |old| {
            self.compare_exchange(old, new).is_ok()
        })
    }
}

const PLACE: u64 = 0x8000_0000;
const PAGE: usize = 0;

/// What two CPUs meet over.
struct Shared {
    word: AtomicU64,
    guarded: UnsafeCell<u64>,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            word: AtomicU64::new(0),
            guarded: UnsafeCell::new(0),
        })
    }

    /// Adds to what a guest's lock guards, and opens the lock by a plain store, which releases.
    fn add_and_open(&self) {
        self.guarded.with_mut(
            // SAFETY: loom reports an access that races.
            |guarded| unsafe { *guarded += 1 },
        );
        self.word.store(0, Ordering::Release);
    }
}

/// Two CPUs do this; what it gave them.
fn both(shared: &Arc<Shared>, run: fn(&Shared) -> u64) -> [u64; 2] {
    let other = {
        let shared = shared.clone();
        thread::spawn(move || run(&shared))
    };
    let mine = run(shared);
    [mine, other.join().unwrap()]
}

#[test]
fn of_two_exchanges_neither_is_lost() {
    loom::model(|| {
        let shared = Shared::new();
        let mut olds = both(&shared, |shared| {
            Word(&shared.word).update(|old| Some(old + 1)).0
        });
        olds.sort_unstable();
        assert_eq!((olds, shared.word.load(Ordering::Relaxed)), ([0, 1], 2));
    });
}

#[test]
fn what_a_lock_of_exchanges_guards_has_one_writer() {
    loom::model(|| {
        both(&Shared::new(), |shared| {
            let taken = Word(&shared.word).update(|old| (old == 0).then_some(1));
            if taken.1.is_some() {
                shared.add_and_open();
            }
            0
        });
    });
}

#[test]
fn what_a_lock_of_reservations_guards_has_one_writer() {
    loom::model(|| {
        both(&Shared::new(), |shared| {
            let (mut words, lock) = (reservation::NONE, Word(&shared.word));
            if lock.load_reserved(&mut words) == 0 && lock.store_conditional(&mut words, 1) {
                shared.add_and_open();
            }
            0
        });
    });
}

#[test]
fn as_many_reserved_stores_count_as_have_succeeded() {
    loom::model(|| {
        let shared = Shared::new();
        let stored = both(&shared, |shared| {
            let (mut words, cell) = (reservation::NONE, Word(&shared.word));
            let mut stored = 0;
            for _ in 0..2 {
                let old = cell.load_reserved(&mut words);
                stored += u64::from(cell.store_conditional(&mut words, old + 1));
                // A reservation is good for one store.
                assert!(!cell.store_conditional(&mut words, 100));
            }
            stored
        });
        let count = shared.word.load(Ordering::Relaxed);
        assert_eq!(count, stored[0] + stored[1]);
        assert!(
            count >= 2,
            "one that fails was overtaken by one that does not"
        );
    });
}

/// The models can fail: a lock that is taken without an exchange has two owners.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_lock_without_an_exchange_is_caught() {
    loom::model(|| {
        both(&Shared::new(), |shared| {
            if shared.word.load(Ordering::Acquire) == 0 {
                shared.word.store(1, Ordering::Release);
                shared.add_and_open();
            }
            0
        });
    });
}

#[test]
fn who_finds_its_own_state_has_the_place_that_belongs_to_it() {
    // Two CPUs with two states each take turns to note what they have seen, as the lock on the
    // machine's blocks has it; both look at any time.
    loom::model(|| {
        let (seen, lock) = (
            Arc::new(Seen::default()),
            Arc::new(loom::sync::Mutex::new(())),
        );
        let other = {
            let (seen, lock) = (seen.clone(), lock.clone());
            thread::spawn(move || {
                {
                    let _blocks = lock.lock().unwrap();
                    seen.note(2, 0x2000);
                }
                assert!(
                    !seen.holds(2, 0x1000),
                    "the other's place with one's own state"
                );
            })
        };
        {
            let _blocks = lock.lock().unwrap();
            seen.note(1, 0x1000);
        }
        assert!(
            !seen.holds(1, 0x2000),
            "the other's place with one's own state"
        );
        other.join().unwrap();
        assert!(seen.holds(1, 0x1000) || seen.holds(2, 0x2000));
    });
}

/// A page whose bytes are one relaxed number, a translator, and a CPU that has a TLB.
struct Machine {
    marks: Marks,
    bytes: AtomicU64,
    epochs: Epochs,
}

impl Machine {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            marks: Marks::new(1),
            bytes: AtomicU64::new(0),
            epochs: Epochs::new(1),
        })
    }

    /// A CPU goes in, finds out whether it may write the page without asking, and writes it.
    fn write(&self, value: u64) {
        let _inside = self.epochs.enter(0);
        let unnoticed = !self.marks.is_watched(PAGE);
        self.bytes.store(value, Ordering::Relaxed);
        if !unnoticed {
            self.marks.wrote(PAGE, PAGE);
        }
    }

    /// The bytes that code is made from, or nothing if a CPU may still have the right to write
    /// them unnoticed.
    fn translate(&self, waits: bool) -> Option<u64> {
        self.marks.watch(PAGE);
        let stamp = self.epochs.retire();
        let may = !waits || self.epochs.passed(stamp);
        may.then(|| self.bytes.load(Ordering::Relaxed))
    }

    fn check(waits: bool) {
        loom::model(move || {
            let machine = Self::new();
            let cpu = {
                let machine = machine.clone();
                thread::spawn(move || machine.write(1))
            };
            let made = machine.translate(waits);
            cpu.join().unwrap();
            let noticed = made != Some(0) || machine.marks.take_stale() == [PAGE];
            assert!(noticed, "the store was lost");
        });
    }
}

#[test]
fn a_translator_that_waits_for_rights_to_end_loses_no_store() {
    Machine::check(true);
}

/// The models can fail: one that does not wait loses the store of a CPU that has the right.
#[test]
#[should_panic(expected = "the store was lost")]
fn a_translator_that_does_not_wait_is_caught() {
    Machine::check(false);
}
