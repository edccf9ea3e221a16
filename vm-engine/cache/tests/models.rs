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

    pub use loom::sync::atomic::{AtomicU64, Ordering, fence};
}

use entry::Entry;
use epochs::{Epochs, Stamp};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// Where unlinked cells lead.
const EXIT: u64 = 0;

/// Host code in two places. Running it is reading, so loom reports a place that is written while
/// a CPU runs it, or that a CPU runs before it has been written.
struct Machine {
    epochs: Epochs,
    link: Entry,
    second: Entry,
    code: [UnsafeCell<u32>; 2],
}

const STALE: u32 = 0xcc;

impl Machine {
    fn new(cpus: usize, link: u64) -> Arc<Self> {
        Arc::new(Self {
            epochs: Epochs::new(cpus),
            link: Entry::new(link),
            second: Entry::new(EXIT),
            code: [UnsafeCell::new(7), UnsafeCell::new(STALE)],
        })
    }

    /// Follows a cell; what the code there does. Places are numbered from one.
    fn run(&self, entry: u64) -> Option<u32> {
        let at = (entry as usize).checked_sub(1)?;
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
        self.link.lead_to(EXIT);
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
                let ran = machine.run(machine.link.host());
                assert!(matches!(ran, None | Some(11)));
            })
        };
        machine.write(1, 11);
        machine.link.lead_to(2);
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
                    let ran = machine.run(machine.link.host());
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
                let mut kept = machine.link.host();
                let ran = machine.run(kept);
                assert!(matches!(ran, None | Some(7)));
                for _ in 0..2 {
                    if inside.pass() {
                        kept = machine.link.host();
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
                    let ran = machine.run(machine.link.host());
                    assert!(matches!(ran, None | Some(7)));
                    let _ = inside.pass();
                    let ran = machine.run(machine.link.host());
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
                let first = machine.run(machine.link.host());
                assert!(matches!(first, None | Some(7)));
                let _ = inside.pass();
                let second = machine.run(machine.second.host());
                assert!(matches!(second, None | Some(13)));
            })
        };
        let stamp = machine.evict();
        if machine.epochs.passed(stamp) {
            machine.write(0, 13);
            machine.second.lead_to(1);
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
                let kept = machine.link.host();
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
                machine.run(machine.link.host());
            })
        };
        let stamp = machine.epochs.retire();
        machine.reclaim(stamp);
        cpu.join().unwrap();
    });
}
