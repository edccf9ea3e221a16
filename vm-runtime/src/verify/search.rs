//! Where a difference begins: shorter and shorter runs from the same state.

use vm_core::{GuestPhys, GuestVirt, PAGE_BYTES};
use vm_engine_interp::{Checkpoint, Maker};
use vm_ir::{Builder, Lifted, Op, SlotId, text};

use super::difference::{Found, Seen};
use super::{Attempt, Go, Ledger, Verified};

/// The most instructions of a block.
const BLOCK: u64 = 64;
/// How far back the beginning of what differs is looked for instruction by instruction; behind
/// that, in steps that double.
// LIMIT: each step repeats the run up to there.
const NEAR: u64 = 2 * BLOCK;
/// The most words of memory that are told.
// LIMIT: a run that went astray may differ in all of memory; the first words will do.
const WORDS: usize = 64;
/// What the count of instructions is called among registers.
const COUNT: &str = "instructions";

impl Verified {
    /// Finds where the difference of the last attempt begins, and stands both CPUs there.
    pub(super) fn search(&mut self, ledger: &mut Ledger, go: Go, attempt: Attempt) -> Found {
        let seen = self.seen(ledger, attempt);
        self.undo(ledger);
        let budget = match go {
            Go::Run(budget) => budget,
            Go::Step => 1,
        };
        if !self.differs(ledger, budget) {
            return self.found(ledger, budget, seen, false);
        }
        let hi = self.shortest(ledger, budget);
        let (insns, seen) = self.stand_before(ledger, hi, seen);
        self.found(ledger, insns, seen, true)
    }

    /// Whether a run of so many instructions from here differs; both stay here.
    fn differs(&mut self, ledger: &mut Ledger, budget: u64) -> bool {
        let same = self.attempt(ledger, Go::Run(budget)).same;
        self.undo(ledger);
        !same
    }

    /// The length of a run that differs, while the one that is shorter by one does not.
    fn shortest(&mut self, ledger: &mut Ledger, budget: u64) -> u64 {
        // One that differs is known.
        let ran = |state: &Checkpoint, from: &Checkpoint| state.retired.wrapping_sub(from.retired);
        let ran = ran(&self.after, &self.before).max(ran(&self.wanted, &self.before));
        let (mut same, mut hi) = (0, budget);
        if (1..budget).contains(&ran) {
            // Mostly the rest of the budget has nothing to do with it.
            if self.differs(ledger, ran) {
                hi = ran;
            } else {
                same = ran;
            }
        }
        while hi - same > 1 {
            let middle = same + (hi - same) / 2;
            if self.differs(ledger, middle) {
                hi = middle;
            } else {
                same = middle;
            }
        }
        hi
    }

    /// Stands both at the last place from which a run to `end`, counted from here, still differs;
    /// how many instructions that run has, and what differs behind it.
    fn stand_before(&mut self, ledger: &mut Ledger, end: u64, seen: Seen) -> (u64, Seen) {
        let mut end = end;
        let origin = self.before.clone();
        let start_ns = ledger.clock.now_ns();
        let mut back = 1;
        while back < end {
            let first = end - back;
            let attempt = self.attempt(ledger, Go::Run(first));
            let undo = ledger.rams.record();
            let there = self.after.retired.wrapping_sub(origin.retired) == first;
            if attempt.same && there {
                // Instructions see the time that they would have seen in one run.
                ledger.clock.restore(start_ns.wrapping_add(first));
                let attempt = self.attempt(ledger, Go::Run(back));
                let seen = (!attempt.same).then(|| self.seen(ledger, attempt));
                self.undo(ledger);
                ledger.clock.restore(start_ns);
                if let Some(seen) = seen {
                    return (back, seen);
                }
            }
            ledger.rams.go_back(&undo);
            self.subject.go_back(&origin);
            self.judge.go_back(&origin);
            if attempt.same {
                back += if back < NEAR { 1 } else { back };
            } else {
                // What was repeated so often has become hot, and is compiled by now.
                (end, back) = (self.shortest(ledger, first), 1);
            }
        }
        let attempt = self.attempt(ledger, Go::Run(end));
        let seen = if attempt.same {
            seen
        } else {
            self.seen(ledger, attempt)
        };
        self.undo(ledger);
        (end, seen)
    }

    /// What differs behind the last attempt.
    fn seen(&self, ledger: &Ledger, attempt: Attempt) -> Seen {
        let slots = &ledger.frontend.layout().slots;
        let pairs = self.after.slots.iter().zip(&self.wanted.slots);
        let mut differing: Vec<_> = pairs
            .zip(slots)
            .enumerate()
            .filter(|(_, ((one, other), _))| one != other)
            .map(|(at, ((one, other), _))| {
                let name = ledger.frontend.text_name(SlotId(at as u16));
                (at, name.to_owned(), *one, *other)
            })
            .collect();
        let (one, other) = (self.after.retired, self.wanted.retired);
        if one != other {
            differing.push((slots.len(), COUNT.to_owned(), one, other));
        }
        let mut words = ledger.rams.differing();
        words.truncate(WORDS);
        let exits = (attempt.exit, attempt.wanted);
        Seen {
            exits: (attempt.exit != attempt.wanted).then_some(exits),
            slots: differing,
            words,
        }
    }

    /// What is told; both stand where the block begins.
    fn found(&mut self, ledger: &mut Ledger, insns: u64, seen: Seen, repeats: bool) -> Found {
        let mut here = Checkpoint::default();
        self.subject.checkpoint(&mut here);
        let pc = usize::from(ledger.frontend.layout().pc.0);
        let pc = here.slots.get(pc).copied().unwrap_or_default();
        let maker = self.subject.maker();
        let length = insns.min(BLOCK);
        let (ir, steps) = if repeats {
            let ir = self.ir(ledger, pc, &here, length);
            (ir, self.steps(ledger, &here, length, &seen))
        } else {
            (String::new(), Steps::default())
        };
        Found {
            cpu: self.number,
            pc,
            retired: here.retired,
            // One instruction alone may be all that differs of what stands there.
            maker: if repeats { maker } else { Maker::Handlers },
            insns,
            culprit: steps.culprit(&seen),
            repeats,
            text: steps.text,
            ir,
            seen,
        }
    }

    /// The code at an address, up to the end of its page.
    fn code(&self, ledger: &Ledger, pc: u64, most: u64) -> Vec<u8> {
        let Some(phys) = self.judge.translate(GuestVirt(pc)).phys else {
            return Vec::new();
        };
        let length = most.min(PAGE_BYTES - phys.page_offset());
        let mut bytes = vec![0; length as usize];
        if !ledger.rams.read(phys, &mut bytes) {
            bytes.clear();
        }
        bytes
    }

    fn lift(&self, ledger: &Ledger, pc: u64, at: &Checkpoint, limit: u64) -> Option<Builder> {
        let frontend = &ledger.frontend;
        let most = frontend.max_insn_bytes() as u64 * limit.max(1);
        let code = self.code(ledger, pc, most);
        let mode = frontend.context(&at.slots).code;
        let mut builder = Builder::new();
        if code.is_empty() {
            return None;
        }
        let lifted = frontend.lift(&code, mode, limit.max(1) as u32, &mut builder);
        (lifted == Lifted::Done).then_some(builder)
    }

    fn ir(&self, ledger: &Ledger, pc: u64, at: &Checkpoint, limit: u64) -> String {
        let frontend = &ledger.frontend;
        let block = self.lift(ledger, pc, at, limit).map(Builder::finish);
        block.map_or_else(String::new, |block| {
            text::print(&block, frontend.layout(), frontend.helpers())
        })
    }

    /// Lets the judge execute one instruction after the other, and notes what each writes; both
    /// are here again behind it.
    fn steps(&mut self, ledger: &mut Ledger, from: &Checkpoint, insns: u64, seen: &Seen) -> Steps {
        let pc_slot = usize::from(ledger.frontend.layout().pc.0);
        let start_ns = ledger.clock.now_ns();
        let mut steps = Steps::default();
        let (mut before, mut after) = (from.clone(), Checkpoint::default());
        let words = |ledger: &Ledger| {
            let words = seen.words.iter();
            words
                .map(|(at, ..)| ledger.rams.judge_word(*at))
                .collect::<Vec<_>>()
        };
        let mut memory = words(ledger);
        for number in 0..insns {
            let pc = before.slots.get(pc_slot).copied().unwrap_or_default();
            let code = self.code(ledger, pc, ledger.frontend.max_insn_bytes() as u64);
            let text = ledger.frontend.disassemble(&code, pc).text;
            let block = self.lift(ledger, pc, &before, 1).map(Builder::finish);
            ledger.clock.restore(start_ns.wrapping_add(number));
            self.judge.run(1);
            self.judge.checkpoint(&mut after);
            let now = words(ledger);
            let sets = |slot: usize| {
                let mut insts = block.iter().flat_map(|block| &block.insts);
                let set = |inst: &vm_ir::Inst| inst.op == Op::Set && inst.imm == slot as u64;
                insts.any(set)
            };
            for (at, ..) in &seen.slots {
                if before.slots.get(*at) != after.slots.get(*at) || sets(*at) {
                    steps.wrote(Wrote::Slot(*at), pc);
                }
            }
            for ((at, ..), (old, new)) in seen.words.iter().zip(memory.iter().zip(&now)) {
                if old != new {
                    steps.wrote(Wrote::Word(*at), pc);
                }
            }
            steps.text.push((pc, text));
            memory = now;
            std::mem::swap(&mut before, &mut after);
        }
        ledger.clock.restore(start_ns);
        ledger.rams.follow_subject();
        self.judge.go_back(from);
        steps
    }
}

/// What an instruction may write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrote {
    Slot(usize),
    Word(GuestPhys),
}

/// The instructions of a block, and which of them wrote last what differs behind it.
#[derive(Default)]
struct Steps {
    text: Vec<(u64, String)>,
    last: Vec<(Wrote, usize, u64)>,
}

impl Steps {
    fn wrote(&mut self, what: Wrote, pc: u64) {
        let number = self.text.len();
        self.last.retain(|(other, ..)| *other != what);
        self.last.push((what, number, pc));
    }

    /// The first instruction whose result differs: of all that differs, what was written first.
    ///
    /// Where something differs that no instruction should have written, only the one that wrote
    /// it too much knows, unless there is but one.
    fn culprit(&self, seen: &Seen) -> Option<u64> {
        // The count of instructions is no slot, and nobody writes it.
        let slots = seen.slots.iter().filter(|(_, name, ..)| name != COUNT);
        let slots = slots.map(|(at, ..)| Wrote::Slot(*at));
        let words = seen.words.iter().map(|(at, ..)| Wrote::Word(*at));
        let written = |what: Wrote| self.last.iter().find(|(other, ..)| *other == what);
        let all: Option<Vec<_>> = slots.chain(words).map(written).collect();
        match (all.as_deref(), self.text.as_slice()) {
            (_, [(pc, _)]) => Some(*pc),
            (Some(all), _) => all.iter().min_by_key(|last| last.1).map(|last| last.2),
            (None, _) => None,
        }
    }
}
