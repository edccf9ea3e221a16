//! Native code held to the interpreter while a guest runs.
//!
//! A [`Verified`] CPU is two: the *subject*, which is the engine that was chosen and works on the
//! machine's RAM, and the *judge*, an interpreter on a RAM of its own.
//! Each run of the subject is repeated by the judge with the same budget; then the reasons for
//! which they stopped, all their state, and every page that one of them may have written have to
//! be the same.
//! Whatever comes from outside (answers, interrupts, registers that are set) is given to both, and
//! what devices have written to RAM is copied to the judge's before its next run.
//!
//! The judge stands at the beginning of a run while the subject is at its end, so the pages that
//! a run changes can be kept as they were: where a difference shows, both go back, and shorter
//! runs find where it begins ([`search`]).
//!
//! **Invariant**: the guest can not tell whether it is verified; nor do translations of
//! addresses or code that the subject keeps go because of it, but for the rights to write.

mod difference;
mod rams;
mod search;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_core::{
    Answer, Clock, Exit, Fields, Flush, GuestVirt, Kick, Recent, Register, Section, StateError,
    Stopped, Stops, Translation, Vcpu,
};
use vm_engine_interp::{Checkpoint, Engine, Interpreter, Maker};
use vm_ir::Frontend;
use vm_mem::{GuestRam, RamError};

pub use difference::Difference;
pub(crate) use difference::Found;
use rams::Rams;

/// A CPU that can be taken back to where it was.
pub(crate) trait Replay: Vcpu {
    /// Writes down what it is.
    fn checkpoint(&self, into: &mut Checkpoint);
    /// Makes it what it, or another one like it, was.
    fn go_back(&mut self, to: &Checkpoint);
    /// Takes back its rights to write to pages without marking them.
    fn forget_writes(&mut self);
    /// Who would run what stands at the program counter.
    fn maker(&self) -> Maker;
}

impl Replay for Interpreter {
    fn checkpoint(&self, into: &mut Checkpoint) {
        self.checkpoint(into);
    }

    fn go_back(&mut self, to: &Checkpoint) {
        self.go_back(to);
    }

    fn forget_writes(&mut self) {
        self.forget_writes();
    }

    fn maker(&self) -> Maker {
        self.maker()
    }
}

/// How much was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyStats {
    /// Runs of a CPU that were repeated.
    pub runs: u64,
    /// Runs that were not.
    pub passed_over: u64,
    /// Instructions that were repeated.
    pub insns: u64,
    /// Pages that were compared.
    pub pages: u64,
}

/// What the verified CPUs of a machine share.
pub(crate) struct Ledger {
    rams: Rams,
    frontend: Arc<dyn Frontend>,
    clock: Arc<Clock>,
    /// One run in so many is verified.
    one_in: u32,
    /// Runs since one was verified.
    since: u32,
    pub(crate) found: Option<Found>,
    pub(crate) stats: VerifyStats,
}

/// The ledger of a machine, and what makes its judges.
pub(crate) struct Verifier {
    ledger: Arc<Mutex<Ledger>>,
    judges: Engine,
}

impl Verifier {
    /// Verifies one run in `one_in` of CPUs that work on `ram`.
    pub(crate) fn new(
        frontend: Arc<dyn Frontend>,
        ram: &GuestRam,
        clock: &Arc<Clock>,
        one_in: u32,
    ) -> Result<Self, RamError> {
        let regions: Vec<_> = ram.regions().collect();
        let judge = GuestRam::new(&regions)?;
        let judges = Engine::new(frontend.clone(), judge.clone(), clock.clone());
        let ledger = Ledger {
            rams: Rams::new(ram.clone(), judge),
            frontend,
            clock: clock.clone(),
            one_in: one_in.max(1),
            since: 0,
            found: None,
            stats: VerifyStats::default(),
        };
        Ok(Self {
            ledger: Arc::new(Mutex::new(ledger)),
            judges,
        })
    }

    /// Holds a CPU to the interpreter.
    pub(crate) fn verified(&self, number: u32, subject: Box<dyn Replay>) -> Verified {
        Verified {
            number,
            subject,
            judge: Box::new(self.judges.cpu(number)),
            ledger: self.ledger.clone(),
            before: Checkpoint::default(),
            after: Checkpoint::default(),
            wanted: Checkpoint::default(),
            writes: 0,
            behind: false,
            inside: None,
        }
    }

    /// Whether a difference was found, which ends the run.
    pub(crate) fn has_found(&self) -> bool {
        self.ledger().found.is_some()
    }

    /// What the CPUs share.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A CPU that is held to the interpreter.
pub(crate) struct Verified {
    number: u32,
    subject: Box<dyn Replay>,
    judge: Box<dyn Replay>,
    ledger: Arc<Mutex<Ledger>>,
    /// What both were before the last run, and what each was behind it.
    before: Checkpoint,
    after: Checkpoint,
    wanted: Checkpoint,
    /// Which epoch of [`Rams`] the rights to write are of.
    writes: u64,
    /// The judge is not what the subject is.
    behind: bool,
    /// The last run stopped inside an instruction, and whether it was verified.
    inside: Option<bool>,
}

/// What a CPU is asked to do.
#[derive(Clone, Copy, Debug)]
enum Go {
    Run(u64),
    Step,
}

impl Go {
    fn on(self, cpu: &mut dyn Replay) -> Exit {
        match self {
            Self::Run(budget) => cpu.run(budget),
            Self::Step => cpu.step(),
        }
    }
}

/// What came of a run of both.
#[derive(Clone, Copy)]
struct Attempt {
    exit: Exit,
    wanted: Exit,
    same: bool,
}

impl Verified {
    fn go(&mut self, go: Go) -> Exit {
        let ledger = self.ledger.clone();
        let mut ledger = lock(&ledger);
        if ledger.found.is_some() {
            return Exit::Stopped(Stopped::Step);
        }
        let picked = self.inside.unwrap_or_else(|| ledger.picks());
        let exit = if picked {
            self.verify(&mut ledger, go)
        } else {
            self.behind = true;
            ledger.rams.fall_behind();
            ledger.stats.passed_over += 1;
            self.follow_writes(&ledger);
            go.on(&mut *self.subject)
        };
        let inside = matches!(exit, Exit::Access(_));
        self.inside = inside.then_some(picked);
        exit
    }

    fn verify(&mut self, ledger: &mut Ledger, go: Go) -> Exit {
        if std::mem::take(&mut self.behind) {
            self.subject.checkpoint(&mut self.before);
            self.judge.go_back(&self.before);
        }
        let attempt = self.attempt(ledger, go);
        ledger.stats.runs += 1;
        let insns = self.after.retired.wrapping_sub(self.before.retired);
        ledger.stats.insns = ledger.stats.insns.wrapping_add(insns);
        if attempt.same {
            ledger.rams.trim();
            return attempt.exit;
        }
        let found = self.search(ledger, go, attempt);
        ledger.found = Some(found);
        // What is left of the turn stays, as it does for a debugger.
        Exit::Stopped(Stopped::Step)
    }

    /// Both run, from where they are alike.
    fn attempt(&mut self, ledger: &mut Ledger, go: Go) -> Attempt {
        ledger.rams.catch_up();
        self.follow_writes(ledger);
        self.subject.checkpoint(&mut self.before);
        let exit = go.on(&mut *self.subject);
        self.subject.checkpoint(&mut self.after);
        if exit == Exit::Kicked && self.after == self.before {
            // Somebody on the host wants attention, and the guest did nothing.
            let (wanted, same) = (exit, true);
            return Attempt { exit, wanted, same };
        }
        ledger.rams.keep();
        let wanted = go.on(&mut *self.judge);
        ledger.rams.keep_more();
        self.judge.checkpoint(&mut self.wanted);
        let state = exit == wanted && self.after == self.wanted;
        // Always both, since the second one counts.
        let same = ledger.rams.same(&mut ledger.stats.pages) && state;
        Attempt { exit, wanted, same }
    }

    /// Both go back to where they were before the last attempt.
    fn undo(&mut self, ledger: &mut Ledger) {
        ledger.rams.undo();
        self.subject.go_back(&self.before);
        self.judge.go_back(&self.before);
    }

    fn follow_writes(&mut self, ledger: &Ledger) {
        if std::mem::replace(&mut self.writes, ledger.rams.epoch) != ledger.rams.epoch {
            self.subject.forget_writes();
            self.judge.forget_writes();
        }
    }
}

impl Ledger {
    /// Whether the run that begins is to be verified.
    fn picks(&mut self) -> bool {
        self.since += 1;
        let picked = self.since >= self.one_in;
        if picked {
            self.since = 0;
        }
        picked
    }
}

impl Vcpu for Verified {
    fn run(&mut self, budget: u64) -> Exit {
        self.go(Go::Run(budget))
    }

    fn answer(&mut self, answer: Answer) {
        self.subject.answer(answer);
        self.judge.answer(answer);
    }

    fn retired(&self) -> u64 {
        self.subject.retired()
    }

    fn set_line(&mut self, line: u32, level: bool) {
        self.subject.set_line(line, level);
        self.judge.set_line(line, level);
    }

    fn wakes(&self) -> bool {
        self.subject.wakes()
    }

    fn deadline_ns(&self) -> Option<u64> {
        self.subject.deadline_ns()
    }

    fn registers(&self) -> Vec<Register> {
        self.subject.registers()
    }

    fn register(&self, name: &str) -> Option<u64> {
        self.subject.register(name)
    }

    fn set_register(&mut self, name: &str, value: u64) -> bool {
        self.judge.set_register(name, value);
        self.subject.set_register(name, value)
    }

    fn flush(&mut self, what: Flush) {
        self.subject.flush(what);
        self.judge.flush(what);
    }

    fn set_stops(&mut self, stops: &Arc<Stops>) {
        self.subject.set_stops(stops);
        self.judge.set_stops(stops);
    }

    fn step(&mut self) -> Exit {
        self.go(Go::Step)
    }

    fn translate(&self, addr: GuestVirt) -> Translation {
        self.subject.translate(addr)
    }

    fn recent(&self) -> Vec<Recent> {
        self.subject.recent()
    }

    fn reset(&mut self) {
        self.subject.reset();
        self.judge.reset();
        self.inside = None;
    }

    fn kick(&self) -> Kick {
        self.subject.kick()
    }

    fn save(&self, out: &mut Section) {
        self.subject.save(out);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.inside = None;
        self.judge.restore(from)?;
        self.subject.restore(from)
    }
}
