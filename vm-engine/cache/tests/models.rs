//! Every order in which CPUs and the owner of an arena can meet, for the two files that the
//! grace period rests on: they are compiled here once more, with loom's atomics.
#![expect(
    unsafe_code,
    reason = "reads and writes cells that loom watches; see UNSAFETY"
)]
// UNSAFETY: running code is reading a loom cell, and placing code is writing one; loom reports
// every pair of accesses that nothing keeps apart, which is what these models are for.

#[path = "../src/entry.rs"]
mod entry;
#[path = "../src/epochs.rs"]
#[expect(dead_code, reason = "models use part of it")]
mod epochs;

mod sync {
    //! Atomics that loom watches.

    pub use loom::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, Ordering, fence};
}

use entry::{Entry, Toll, heed};
use epochs::{Epochs, Stamp};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use sync::{AtomicU64, Ordering};

/// Where unlinked cells lead.
const EXIT: usize = 0;

/// The address that stands for a place in a cell.
fn place(number: usize) -> *mut u8 {
    std::ptr::without_provenance_mut(number)
}

/// Host code in two places. Running it is reading, so loom reports a place that is written while
/// a CPU runs it, or that a CPU runs before it has been written.
struct Machine {
    epochs: Epochs,
    link: Entry<u8>,
    second: Entry<u8>,
    code: [UnsafeCell<u32>; 2],
}

const STALE: u32 = 0xcc;

impl Machine {
    fn new(cpus: usize, link: usize) -> Arc<Self> {
        Arc::new(Self {
            epochs: Epochs::new(cpus),
            link: Entry::new(place(link)),
            second: Entry::new(place(EXIT)),
            code: [UnsafeCell::new(7), UnsafeCell::new(STALE)],
        })
    }

    /// Follows a cell; what the code there does. Places are numbered from one.
    fn run(&self, entry: *mut u8) -> Option<u32> {
        let at = entry.addr().checked_sub(1)?;
        Some(self.code[at].with(
            // SAFETY: loom reports an access that races.
            |code| unsafe { *code },
        ))
    }

    fn write(&self, at: usize, to: u32) {
        self.code[at].with_mut(
            // SAFETY: loom reports an access that races.
            |code| unsafe { *code = to },
        );
    }

    /// Undoes the link to the first place and begins the grace period.
    fn evict(&self) -> Stamp {
        self.link.lead_to(place(EXIT));
        self.epochs.retire()
    }

    /// Uses the first place again, if that is allowed.
    fn reclaim(&self, stamp: Stamp) -> bool {
        let passed = self.epochs.passed(stamp);
        if passed {
            self.write(0, STALE);
        }
        passed
    }
}

#[test]
fn code_is_complete_before_a_cell_leads_to_it() {
    loom::model(|| {
        let machine = Machine::new(1, EXIT);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                let _inside = machine.epochs.enter(0);
                let ran = machine.run(machine.link.leads_to());
                assert!(matches!(ran, None | Some(11)));
            })
        };
        machine.write(1, 11);
        machine.link.lead_to(place(2));
        cpu.join().unwrap();
    });
}

#[test]
fn a_cpu_that_goes_in_while_code_leaves_never_runs_what_comes_after() {
    loom::model(|| {
        let machine = Machine::new(1, 1);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let inside = machine.epochs.enter(0);
                    let ran = machine.run(machine.link.leads_to());
                    assert!(matches!(ran, None | Some(7)));
                    drop(inside);
                }
            })
        };
        let stamp = machine.evict();
        machine.reclaim(stamp);
        cpu.join().unwrap();
        let late = machine.reclaim(stamp);
        assert!(late, "nobody is inside any more");
    });
}

#[test]
fn a_cpu_that_stays_inside_is_waited_for_until_it_passes() {
    loom::model(|| {
        let machine = Machine::new(1, 1);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                let mut inside = machine.epochs.enter(0);
                // A jump cache: good for one epoch.
                let mut kept = machine.link.leads_to();
                let ran = machine.run(kept);
                assert!(matches!(ran, None | Some(7)));
                for _ in 0..2 {
                    if inside.pass() {
                        kept = machine.link.leads_to();
                    }
                    let ran = machine.run(kept);
                    assert!(matches!(ran, None | Some(7)));
                }
            })
        };
        let stamp = machine.evict();
        machine.reclaim(stamp);
        cpu.join().unwrap();
    });
}

#[test]
fn two_cpus_are_both_waited_for() {
    let mut builder = loom::model::Builder::new();
    // Three threads that meet in every order take minutes; three preemptions show all pairs.
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let machine = Machine::new(2, 1);
        let cpus: Vec<_> = (0..2)
            .map(|number| {
                let machine = machine.clone();
                thread::spawn(move || {
                    let mut inside = machine.epochs.enter(number);
                    let ran = machine.run(machine.link.leads_to());
                    assert!(matches!(ran, None | Some(7)));
                    let _ = inside.pass();
                    let ran = machine.run(machine.link.leads_to());
                    assert!(matches!(ran, None | Some(7)));
                })
            })
            .collect();
        let stamp = machine.evict();
        machine.reclaim(stamp);
        for cpu in cpus {
            cpu.join().unwrap();
        }
    });
}

#[test]
fn a_place_that_was_reclaimed_is_linked_anew_for_a_running_cpu() {
    loom::model(|| {
        let machine = Machine::new(1, 1);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                let mut inside = machine.epochs.enter(0);
                let first = machine.run(machine.link.leads_to());
                assert!(matches!(first, None | Some(7)));
                let _ = inside.pass();
                let second = machine.run(machine.second.leads_to());
                assert!(matches!(second, None | Some(13)));
            })
        };
        let stamp = machine.evict();
        if machine.epochs.passed(stamp) {
            machine.write(0, 13);
            machine.second.lead_to(place(1));
        }
        cpu.join().unwrap();
    });
}

/// A piece of flat code: what it was made from, what it costs, and what leads to it.
struct Piece {
    toll: Toll,
    made_from: UnsafeCell<u32>,
}

/// Guest memory that a CPU tells another one something by.
fn cell() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(0))
}

#[test]
fn who_hears_of_changed_code_and_asks_for_new_does_not_enter_the_old() {
    loom::model(|| {
        let toll = Arc::new(Toll::new(3));
        let (bytes, told) = (cell(), cell());
        let cpu = {
            let (toll, bytes, told) = (toll.clone(), bytes.clone(), told.clone());
            thread::spawn(move || {
                // The guest: has the other one said that it is done?
                let heard = told.load(Ordering::Relaxed) == 1;
                // Its fence for fetches; then the link is followed again, or the bytes are read.
                heed();
                if toll.is_dead() {
                    assert!(!heard || bytes.load(Ordering::Relaxed) == 1);
                } else {
                    assert!(!heard, "old code was entered");
                }
            })
        };
        bytes.store(1, Ordering::Relaxed);
        toll.bury();
        told.store(1, Ordering::Relaxed);
        cpu.join().unwrap();
    });
}

#[test]
fn what_a_link_leads_to_is_whole_and_is_freed_behind_everybody() {
    loom::model(|| {
        let epochs = Arc::new(Epochs::new(1));
        let piece = Arc::new(Piece {
            toll: Toll::new(3),
            made_from: UnsafeCell::new(0),
        });
        let link = Arc::new(Entry::new(place(EXIT)));
        let cpu = {
            let (epochs, piece, link) = (epochs.clone(), piece.clone(), link.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    let _inside = epochs.enter(0);
                    let linked = link.leads_to() != place(EXIT);
                    if linked && !piece.toll.is_dead() {
                        let made = piece.made_from.with(
                            // SAFETY: loom reports an access that races.
                            |made| unsafe { *made },
                        );
                        assert_eq!(made, 7);
                    }
                }
            })
        };
        let write = |to| {
            piece.made_from.with_mut(
                // SAFETY: loom reports an access that races.
                |made| unsafe { *made = to },
            );
        };
        write(7);
        link.lead_to(place(1));
        // The page is written, and its code goes: links to it stay, and are not followed.
        piece.toll.bury();
        link.lead_to(place(EXIT));
        let stamp = epochs.retire();
        if epochs.passed(stamp) {
            write(0);
        }
        cpu.join().unwrap();
    });
}

/// The models can fail: without the rule for kept pointers, loom finds the order in which a CPU
/// runs what came after.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_pointer_kept_across_an_epoch_is_caught() {
    loom::model(|| {
        let machine = Machine::new(1, 1);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                let mut inside = machine.epochs.enter(0);
                let kept = machine.link.leads_to();
                let _ = inside.pass();
                machine.run(kept);
            })
        };
        let stamp = machine.evict();
        machine.reclaim(stamp);
        cpu.join().unwrap();
    });
}

/// And without the unlinking.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_cell_that_still_leads_there_is_caught() {
    loom::model(|| {
        let machine = Machine::new(1, 1);
        let cpu = {
            let machine = machine.clone();
            thread::spawn(move || {
                let _inside = machine.epochs.enter(0);
                machine.run(machine.link.leads_to());
            })
        };
        let stamp = machine.epochs.retire();
        machine.reclaim(stamp);
        cpu.join().unwrap();
    });
}
