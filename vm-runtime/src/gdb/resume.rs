//! How the machine is to go on: `vCont` and its older forms.

use std::ops::Range;

use super::words::{Threads, pair, split};

/// How the machine is to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The CPU that makes a step.
    pub step: Option<usize>,
    /// It steps until it leaves these addresses.
    pub range: Range<u64>,
    /// The CPUs that are held meanwhile.
    pub held: Vec<bool>,
}

/// What one CPU is to do.
enum Action {
    Go,
    Step,
    StepWithin(Range<u64>),
}

impl Resume {
    /// Reads what stands behind `vCont`: actions with their threads; the first one that names a
    /// CPU counts for it, and a CPU that none names is held.
    pub fn read(text: &[u8], cpus: usize) -> Option<Self> {
        let mut given: Vec<Option<Action>> = (0..cpus).map(|_| None).collect();
        for word in text.strip_prefix(b";")?.split(|byte| *byte == b';') {
            let (word, threads) = match split(word, b':') {
                Some((word, threads)) => (word, Threads::read(threads)?),
                None => (word, Threads::All),
            };
            for (cpu, place) in given.iter_mut().enumerate() {
                if place.is_none() && threads.has(cpu) {
                    *place = Some(action(word)?);
                }
            }
        }
        let mut resume = Self {
            step: None,
            range: 0..0,
            held: vec![false; cpus],
        };
        for (cpu, (given, held)) in given.into_iter().zip(&mut resume.held).enumerate() {
            match given {
                Some(Action::Go) => {}
                Some(Action::Step) if resume.step.is_none() => resume.step = Some(cpu),
                Some(Action::StepWithin(range)) if resume.step.is_none() => {
                    (resume.step, resume.range) = (Some(cpu), range);
                }
                _ => *held = true,
            }
        }
        // Somebody must do something.
        resume.held.contains(&false).then_some(resume)
    }

    /// All go on.
    pub fn all(cpus: usize) -> Self {
        Self {
            step: None,
            range: 0..0,
            held: vec![false; cpus],
        }
    }
}

fn action(word: &[u8]) -> Option<Action> {
    let (letter, rest) = word.split_first()?;
    match letter {
        // Signals mean nothing to a machine.
        b'c' | b'C' => Some(Action::Go),
        b's' | b'S' => Some(Action::Step),
        b'r' => {
            let (start, end) = pair(rest, b',')?;
            Some(Action::StepWithin(start..end))
        }
        _ => None,
    }
}
