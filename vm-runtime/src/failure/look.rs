//! Gathers what is known.

use vm_core::{Recent, RegisterKind};
use vm_ir::{TrapNote, Vitals};

use super::{BackTrace, Passage, Spot, Step, passages, stack};
use crate::config::Source;
use crate::{Outcome, Symbols, Vm, parse_symbols, read_symbols};

/// How many of the console's last lines a report has.
const LINES: usize = 16;

/// A guest that has failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the guest's kernel gave as the reason of its panic.
    pub reason: Option<String>,
    /// The CPU that it is about.
    pub cpu: usize,
    /// All CPUs, by number.
    pub cpus: Vec<CpuFailure>,
    /// What [`CpuFailure::recent`] is a list of.
    pub recent_is: &'static str,
    /// Where names come from.
    pub symbols: Option<&'static str>,
    /// The console's last lines.
    pub console: Vec<String>,
}

/// A CPU of such a guest.
#[derive(Clone, Debug)]
pub struct CpuFailure {
    /// What it does: `running`, `waiting` or `stopped`.
    pub state: &'static str,
    /// The privilege it runs in.
    pub privilege: Option<String>,
    /// Where it stands.
    pub pc: Spot,
    /// The trap that it took last in the privilege it runs in, in words.
    pub trap: Option<String>,
    /// Its registers: name, value, and whether it is among those that matter most.
    pub registers: Vec<(String, u64, bool)>,
    /// Who called whom.
    pub back_trace: BackTrace,
    /// What it did last, the newest last.
    pub recent: Vec<Passage>,
}

/// Names for addresses, from wherever there are any.
#[derive(Default)]
pub(crate) struct Names(Option<(Symbols, &'static str)>);

impl Names {
    /// The place of an address.
    pub fn spot(&self, addr: u64) -> Spot {
        let place = self.place(addr).map(|place| place.to_string());
        Spot { addr, place }
    }

    /// The place of an address that is returned to: what called may be the last instruction of
    /// its function.
    pub fn return_spot(&self, addr: u64) -> Spot {
        let place = self.place(addr.wrapping_sub(1));
        let place = place.map(|place| format!("{}+{:#x}", place.name, place.offset + 1));
        Spot { addr, place }
    }

    pub fn place(&self, addr: u64) -> Option<crate::symbols::Place<'_>> {
        let (symbols, _) = self.0.as_ref()?;
        symbols.lookup(addr)
    }

    /// Whether there are any.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }
}

impl Vm {
    /// What is known of a guest that has failed; of one that was stopped, there is no outcome.
    #[must_use]
    pub fn failure(&self, outcome: Option<Outcome>) -> Failure {
        let names = self.names();
        let vitals = self.board.frontend().vitals();
        let cpus: Vec<CpuFailure> = (0..self.cpus())
            .map(|cpu| self.cpu_failure(cpu, &names, vitals))
            .collect();
        let console = self.console.last_lines();
        let reason = console.iter().rev().find_map(|line| reason(line));
        Failure {
            reason: reason.filter(|_| self.has_panicked()),
            cpu: self.concerned(outcome, &cpus),
            cpus,
            recent_is: if self.tier_stats().is_some() {
                "the blocks that were entered, and traps; of compiled code those that were come \
                 to by a return, over a pointer or from another page"
            } else {
                "the blocks that were entered, and traps"
            },
            symbols: names.0.map(|(_, from)| from),
            console: console
                .get(console.len().saturating_sub(LINES)..)
                .unwrap_or_default()
                .to_vec(),
        }
    }

    /// The symbols that were given, or of the kernel in RAM, or of the program's file.
    pub(crate) fn names(&self) -> Names {
        if let Some(given) = self.symbols() {
            let mut symbols = given.clone();
            self.settle_symbols(&mut symbols);
            return Names(Some((symbols, "given")));
        }
        if let Ok(symbols) = self.guest_symbols() {
            return Names(Some((symbols, "guest")));
        }
        let program = self.config.kernel.as_ref().and_then(|kernel| match kernel {
            Source::File(path) => read_symbols(path).ok(),
            Source::BuiltIn(_, bytes) => parse_symbols(bytes).ok(),
        });
        Names(program.map(|mut symbols| {
            self.settle_symbols(&mut symbols);
            (symbols, "program")
        }))
    }

    /// The CPU that a failure is about: the one that is stuck or in the kernel's panic, else the
    /// one that ran last, and of a guest that hangs one that runs.
    fn concerned(&self, outcome: Option<Outcome>, cpus: &[CpuFailure]) -> usize {
        let panics = |cpu: &CpuFailure| {
            let frames = cpu.back_trace.frames.iter();
            let names = frames.filter_map(|spot| spot.place.as_deref());
            let mut functions = names.map(|place| place.split('+').next().unwrap_or(place));
            functions.any(|name| matches!(name, "panic" | "vpanic"))
        };
        let found = match outcome {
            Some(Outcome::Stuck { cpu } | Outcome::Trapping { cpu }) => Some(cpu as usize),
            Some(Outcome::Hung | Outcome::Silent) => None,
            _ => cpus.iter().position(panics).or(Some(self.ran_last)),
        };
        let running = || cpus.iter().position(|cpu| cpu.state == "running");
        found.or_else(running).unwrap_or(0)
    }

    fn cpu_failure(
        &self,
        cpu: usize,
        names: &Names,
        vitals: Option<&'static Vitals>,
    ) -> CpuFailure {
        let privilege = self.register(cpu, "priv");
        let called = vitals.zip(privilege).and_then(|(vitals, level)| {
            let mut known = vitals.privileges.iter();
            let found = known.find(|(number, _)| u64::from(*number) == level)?;
            Some(found.1.to_owned())
        });
        let note = vitals.and_then(|vitals| {
            let fits = |note: &&TrapNote| u64::from(note.privilege) <= privilege.unwrap_or(0);
            vitals.traps.iter().find(fits)
        });
        CpuFailure {
            state: self.cpu_state(cpu),
            privilege: called.or_else(|| privilege.map(|level| format!("privilege {level}"))),
            pc: names.spot(self.pc(cpu)),
            trap: note.and_then(|note| self.trap_words(cpu, note, names)),
            registers: self.registers_of(cpu, vitals),
            back_trace: stack::back_trace(self, cpu, names, vitals.map(|vitals| &vitals.stack)),
            recent: passages::fold(&self.steps(cpu, names)),
        }
    }

    /// The trap that was noted last; nothing if there was none.
    fn trap_words(&self, cpu: usize, note: &TrapNote, names: &Names) -> Option<String> {
        let read = |name| self.register(cpu, name);
        let (cause, pc, value) = (read(note.cause)?, read(note.pc)?, read(note.value)?);
        if (cause, pc, value) == (0, 0, 0) {
            return None;
        }
        let interrupt = cause & note.interrupt != 0;
        let number = cause & !note.interrupt;
        let number32 = u32::try_from(number).unwrap_or(u32::MAX);
        let name = self.board.frontend().trap_name(number32, interrupt);
        let at = names.spot(pc);
        let value = if interrupt {
            String::new()
        } else {
            format!(", {} {value:#x}", note.value)
        };
        Some(format!("{name} at {at}{value} ({} {number})", note.cause))
    }

    /// Registers by the names of debuggers, those of general kind and those that matter.
    fn registers_of(&self, cpu: usize, vitals: Option<&Vitals>) -> Vec<(String, u64, bool)> {
        let mut all: Vec<(String, u64, bool)> = Vec::new();
        let mut add = |name: &str, own: &str, matters: bool| {
            let known = all.iter().any(|(known, ..)| known == name);
            if let (Some(value), false) = (self.register(cpu, own), known) {
                all.push((name.to_owned(), value, matters));
            }
        };
        let vital = vitals.map_or((&[][..], &[][..]), |vitals| (vitals.general, vitals.system));
        for name in vital.0 {
            add(name, name, true);
        }
        for name in vital.1 {
            // A zero says that it is not in use.
            let used = self.register(cpu, name).is_some_and(|value| value != 0);
            add(name, name, used);
        }
        let target = self.target();
        let general = target.iter().flat_map(|target| target.features.first());
        for register in general.flat_map(|feature| &feature.registers) {
            add(&register.name, &register.own, false);
        }
        if target.is_none() {
            for register in self.cpus.get(cpu).map_or(Vec::new(), |cpu| cpu.registers()) {
                if register.kind == RegisterKind::General {
                    add(&register.name, &register.name, true);
                }
            }
        }
        all
    }

    fn steps(&self, cpu: usize, names: &Names) -> Vec<Step> {
        let frontend = self.board.frontend();
        let recent = self.cpus.get(cpu).map_or(Vec::new(), |cpu| cpu.recent());
        let step = |recent: Recent| match recent {
            Recent::Block(pc) => Step::Block(names.spot(pc.0)),
            Recent::Trap { cause, interrupt } => Step::Trap(frontend.trap_name(cause, interrupt)),
        };
        recent.into_iter().map(step).collect()
    }
}

/// What a line of the console gives as the reason of a panic.
fn reason(line: &str) -> Option<String> {
    const LINUX: &str = "Kernel panic - not syncing";
    let from = line
        .find(LINUX)
        .or_else(|| line.find("panic: ").filter(|at| *at == 0))?;
    // The report's last line says it again.
    let end = line.contains("---[ end");
    line.get(from..)
        .filter(|_| !end)
        .map(|text| text.trim().to_owned())
}
