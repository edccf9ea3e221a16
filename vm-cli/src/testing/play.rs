//! Carries out one test, in this process.

use serde_json::Value;
use vm_runtime::{Control, Ending, OnReset, Outcome, Stop, Until, Vm};

use super::listener::Listener;
use super::pattern::{Pattern, Template, Variables};
use super::shell;
use super::suite::{Case, Command, Deed, End, Step};
use super::verdict::Verdict;
use crate::difference;
use crate::failure::{self, Row};

/// The guest time that a test may take if it does not say.
pub const TIMEOUT_NS: u64 = 60_000_000_000;
/// How many of the last lines are shown.
const LINES: usize = 16;
/// The most bytes of a saved value.
// LIMIT: it is typed again, and a line that is typed has a bound.
const SAVED_LIMIT: usize = 2048;

/// What came of a test.
#[derive(Clone, Debug)]
pub struct Played {
    /// The verdict.
    pub verdict: Verdict,
    /// What happened, in a sentence; empty for a pass.
    pub detail: String,
    /// The step at which it happened.
    pub place: String,
    /// Guest time at the end.
    pub guest_ns: u64,
    /// Instructions at the end.
    pub instructions: u64,
    /// The hash of the whole state, in virtual time without a network.
    pub state_hash: Option<u64>,
    /// The console's last lines.
    pub last: Vec<String>,
    /// What is known of a guest that failed by itself.
    pub failure: Option<Box<Told>>,
}

/// A report of a guest's failure, as another process can be given it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// For people.
    pub rows: Vec<Row>,
    /// For programs.
    pub json: Value,
}

/// Why a test does not go on.
struct Halt {
    verdict: Verdict,
    detail: String,
}

type Goes<T> = Result<T, Halt>;

fn halt<T>(verdict: Verdict, detail: impl Into<String>) -> Goes<T> {
    let detail = detail.into();
    Err(Halt { verdict, detail })
}

/// A test that is being carried out.
struct Play<'a> {
    vm: &'a mut Vm,
    listener: &'a Listener,
    variables: Variables,
    /// The guest time at which the test is over.
    deadline_ns: u64,
    /// How many commands have been typed.
    commands: usize,
    /// How the run ended, if it has.
    outcome: Option<Outcome>,
}

/// Carries out a test in a machine that stands at its power-on.
pub fn play(case: &Case, variables: Variables, vm: &mut Vm, listener: &Listener) -> Played {
    let mut play = Play {
        vm,
        listener,
        variables,
        deadline_ns: case.setup.timeout_ns.unwrap_or(TIMEOUT_NS),
        commands: 0,
        outcome: None,
    };
    let (mut halted, mut place) = (Ok(()), String::new());
    for step in &case.steps {
        halted = play.step(step);
        if halted.is_err() {
            place.clone_from(&step.place);
            break;
        }
    }
    if halted.is_ok() && play.vm.is_panic_certain() && !ends_in_panic(case) {
        halted = halt(Verdict::Panic, "the guest's kernel panicked");
    }
    // What a guest does with a disk that fails says nothing about the guest.
    if play.vm.host_failed() {
        let words = play.listener.trouble().unwrap_or_default();
        let detail = format!("the host could not read or write a disk: {words}");
        halted = halt(Verdict::Infra, detail);
    }
    play.sum_up(halted, place)
}

fn ends_in_panic(case: &Case) -> bool {
    matches!(
        case.steps.last().map(|step| &step.deed),
        Some(Deed::End(End::Panic))
    )
}

impl Play<'_> {
    fn step(&mut self, step: &Step) -> Goes<()> {
        let own = step.timeout_ns;
        let end_ns = own.map_or(u64::MAX, |own| self.vm.guest_ns().saturating_add(own));
        let end_ns = end_ns.min(self.deadline_ns);
        match &step.deed {
            Deed::Wait(template) => {
                let goal = self.pattern(template)?;
                self.wait(goal, end_ns, &named(template))
            }
            Deed::Send { text, enter } => {
                let text = text.fill(&self.variables);
                self.type_in(&text, *enter)
            }
            Deed::Run(command) => self.run(command, end_ns),
            Deed::Expect(template) => {
                let pattern = self.pattern(template)?;
                if self.listener.lock().history.has(&pattern) {
                    return Ok(());
                }
                let detail = format!("the guest has not printed {}", named(template));
                halt(Verdict::Fail, detail)
            }
            Deed::Reset => {
                self.listener.lock().history.new_boot();
                let done = self.vm.reset();
                done.or_else(|error| halt(Verdict::Infra, error.to_string()))
            }
            Deed::End(end) => self.end(*end, end_ns),
        }
    }

    fn pattern(&self, template: &Template) -> Goes<Pattern> {
        let pattern = template.pattern(&self.variables);
        pattern.or_else(|fault| halt(Verdict::Error, format!("{}: {fault}", named(template))))
    }

    fn type_in(&mut self, text: &str, enter: bool) -> Goes<()> {
        let mut bytes = text.as_bytes().to_vec();
        if enter {
            // What the key sends; terminals make a line's end of it.
            bytes.push(b'\r');
        }
        if self.vm.type_in(&bytes) < bytes.len() {
            return halt(
                Verdict::Fail,
                "the guest does not read what was typed before",
            );
        }
        Ok(())
    }

    fn run(&mut self, command: &Command, end_ns: u64) -> Goes<()> {
        self.commands += 1;
        let number = self.commands;
        let line = command.line.fill(&self.variables);
        let what = format!("`{}`", command.line.text);
        self.type_in(&shell::typed(number, &line), true)?;
        let goal = Pattern::Text(shell::begin(number).into_bytes());
        self.wait(
            goal,
            end_ns,
            &format!("a shell that takes the command {what}"),
        )?;
        let mark = self.listener.lock().history.mark();
        let goal = Pattern::Text(shell::end(number).into_bytes());
        self.wait(goal, end_ns, &format!("the end of the command {what}"))?;
        let goal = Pattern::Text(b"\n".to_vec());
        self.wait(goal, end_ns, &format!("the status of the command {what}"))?;
        let printed = self.listener.lock().history.since(mark).to_vec();
        let Some((output, status)) = shell::result(number, &printed) else {
            let detail = format!("the status of the command {what} can not be read");
            return halt(Verdict::Fail, detail);
        };
        if command.status.is_some_and(|wanted| wanted != status) {
            let wanted = command.status.unwrap_or_default();
            let detail = format!("the command {what} ended with status {status}, not {wanted}");
            return halt(Verdict::Fail, detail);
        }
        if let Some(template) = &command.expect {
            let pattern = self.pattern(template)?;
            if !pattern.is_in(output.as_bytes()) {
                let wanted = named(template);
                let detail = format!("the command {what} has not printed {wanted}");
                return halt(Verdict::Fail, detail);
            }
        }
        if let Some(name) = &command.save {
            let value = output.trim();
            if value.len() > SAVED_LIMIT {
                let detail = format!("the command {what} prints too much to be saved");
                return halt(Verdict::Error, detail);
            }
            self.variables.insert(name.clone(), value.to_owned());
        }
        Ok(())
    }

    /// Lets the guest run until it has printed something.
    fn wait(&mut self, goal: Pattern, end_ns: u64, what: &str) -> Goes<()> {
        if self.listener.wait_for(goal) {
            return Ok(());
        }
        let stopped = self.go(end_ns, true);
        self.listener.give_up();
        match stopped? {
            Went::Met => Ok(()),
            Went::Ended(ending) => {
                let verdict = self.verdict(ending.outcome);
                halt(
                    verdict,
                    format!("{}, while the test waited for {what}", self.words(&ending)),
                )
            }
            Went::TimedOut => self.timed_out(&format!("waiting for {what}")),
        }
    }

    /// Lets the guest run until it ends.
    fn end(&mut self, end: End, end_ns: u64) -> Goes<()> {
        if end == End::Reset {
            self.vm.set_on_reset(OnReset::End);
        }
        let ending = match self.go(end_ns, false)? {
            Went::Ended(ending) => ending,
            _ => return self.timed_out("waiting for the guest's end"),
        };
        let verdict = self.verdict(ending.outcome);
        let as_wanted = match (end, ending.outcome) {
            (End::Panic, _) => verdict == Verdict::Panic,
            (_, _) if verdict == Verdict::Panic => false,
            (End::PowerOff, outcome) => outcome == Outcome::PowerOff,
            (End::Reset, outcome) => outcome == Outcome::Reset,
            (End::Hang, _) => verdict == Verdict::Hang,
            (End::Code(code), Outcome::Failed(found)) => u64::from(found) == code,
            (End::Code(_), _) => false,
        };
        if as_wanted {
            return Ok(());
        }
        let wanted = match end {
            End::PowerOff => "a power-off".to_owned(),
            End::Reset => "a restart".to_owned(),
            End::Panic => "a panic".to_owned(),
            End::Hang => "a hang".to_owned(),
            End::Code(code) => format!("the end with number {code}"),
        };
        halt(
            verdict,
            format!("{}, while the test wanted {wanted}", self.words(&ending)),
        )
    }

    fn timed_out<T>(&self, what: &str) -> Goes<T> {
        let seconds = self.vm.guest_ns() as f64 / 1e9;
        if self.vm.has_panicked() {
            return halt(
                Verdict::Panic,
                "the guest's kernel panicked, and goes on for ever",
            );
        }
        halt(
            Verdict::Timeout,
            format!("guest time {seconds:.3} s: timed out {what}"),
        )
    }

    /// Lets the guest run: to what is waited for, to its end, or to a time.
    fn go(&mut self, end_ns: u64, waits: bool) -> Goes<Went> {
        let until = Until {
            guest_ns: Some(end_ns),
            ..Until::default()
        };
        loop {
            let stop = self.vm.run_until(until);
            if let Ok(Stop::Ended(ending)) = &stop {
                self.outcome = Some(ending.outcome);
            }
            if let Some(forbidden) = self.listener.broken() {
                let line = self.listener.lock().history.last_lines(1).pop();
                let detail = format!("forbidden: {forbidden}, in: {}", line.unwrap_or_default());
                return halt(Verdict::Fail, detail);
            }
            match stop {
                Err(error) => return halt(Verdict::Infra, error.to_string()),
                Ok(_) if waits && self.listener.is_met() => return Ok(Went::Met),
                Ok(Stop::Ended(ending)) => return Ok(Went::Ended(ending)),
                Ok(Stop::Time) => return Ok(Went::TimedOut),
                Ok(Stop::Paused | Stop::Instructions) => {}
            }
        }
    }

    /// The verdict on a guest that has ended; one that has said that it panicked has.
    fn verdict(&self, outcome: Outcome) -> Verdict {
        match Verdict::of(outcome) {
            certain @ (Verdict::Interrupted | Verdict::Diverged) => certain,
            _ if self.vm.has_panicked() => Verdict::Panic,
            other => other,
        }
    }

    fn words(&self, ending: &Ending) -> String {
        let words = match ending.outcome {
            Outcome::PowerOff => "the guest powered off".to_owned(),
            Outcome::Reset => "the guest restarted".to_owned(),
            Outcome::Interrupted => "the run was interrupted".to_owned(),
            other => crate::exits::sentence(other).unwrap_or_default(),
        };
        match self.verdict(ending.outcome) {
            Verdict::Panic => {
                let line = self.listener.lock().history.line_with(&["panic"]);
                format!("{words}: {}", line.unwrap_or_default().trim())
            }
            _ => words,
        }
    }

    fn sum_up(self, halted: Goes<()>, place: String) -> Played {
        let (verdict, detail) = match halted {
            Ok(()) => (Verdict::Pass, String::new()),
            Err(Halt { verdict, detail }) => (verdict, detail),
        };
        Played {
            verdict,
            detail,
            place,
            guest_ns: self.vm.guest_ns(),
            instructions: self.vm.instructions(),
            state_hash: self.vm.is_repeatable().then(|| self.vm.state_hash()),
            last: self.listener.lock().history.last_lines(LINES),
            failure: self.tell(verdict),
        }
    }

    /// What is known of a guest that has panicked, hangs, or did not get there in time.
    fn tell(&self, verdict: Verdict) -> Option<Box<Told>> {
        if let Some(found) = self.vm.difference() {
            let (rows, json) = (difference::rows(&found), difference::json(&found, None));
            return Some(Box::new(Told { rows, json }));
        }
        if !matches!(verdict, Verdict::Panic | Verdict::Hang | Verdict::Timeout) {
            return None;
        }
        let failure = self.vm.failure(self.outcome);
        let (rows, json) = (failure::rows(&failure), failure::json(&failure));
        Some(Box::new(Told { rows, json }))
    }
}

/// How a part of a run ended.
enum Went {
    /// What was waited for was printed.
    Met,
    /// The run is over.
    Ended(Ending),
    /// The guest time has come.
    TimedOut,
}

fn named(template: &Template) -> String {
    if template.regex {
        format!("/{}/", template.text)
    } else {
        format!("{:?}", template.text)
    }
}

/// Ends the run when nobody is there any more who wants its result.
pub struct Orphan(pub Control);

impl vm_runtime::InputSink for Orphan {
    fn bytes(&mut self, _bytes: &[u8]) -> bool {
        true
    }

    fn end(&mut self) {
        self.0.quit();
    }
}
