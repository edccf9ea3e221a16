//! The task: workers take rows from both ends of the table.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::copy::Copy;
use super::judge::{Verdict, judges};
use super::report::Report;
use super::table::{MUTANTS, Mutant};
use crate::workspace;

/// How many trees are altered at the same time: one takes rows from the front, one from the back.
const WORKERS: usize = 2;

struct Plan {
    only: Range<usize>,
    rest: bool,
    minutes: u64,
}

/// The task: `--only A..B` runs these rows of the table, `--rest` those not caught yet,
/// `--minutes N` begins none later.
pub fn main(arguments: &[String]) -> Result<ExitCode> {
    let plan = plan(arguments)?;
    let root = workspace::root()?;
    let page = root.join("docs/mutants.md");
    let report = Report::read(&page);
    let only = MUTANTS.get(plan.only).context("the table is shorter")?;
    let left = only
        .iter()
        .filter(|mutant| !plan.rest || !report.knows(mutant));
    let run = Run {
        left: Mutex::new(left.collect()),
        report: Mutex::new(report),
        end: Instant::now() + Duration::from_secs(60 * plan.minutes),
        date: date()?,
        root,
        page,
    };
    let bad = std::thread::scope(|scope| {
        let run = &run;
        let workers: Vec<_> = (0..WORKERS)
            .map(|n| scope.spawn(move || run.work(n)))
            .collect();
        let ends = workers.into_iter().map(|worker| match worker.join() {
            Ok(end) => end,
            Err(_) => bail!("a worker panicked"),
        });
        ends.sum::<Result<usize>>()
    })?;
    println!(
        "{} rows left, {bad} survived or not tried",
        held(&run.left).len()
    );
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn plan(arguments: &[String]) -> Result<Plan> {
    let mut plan = Plan {
        only: 0..MUTANTS.len(),
        rest: false,
        minutes: 24 * 60,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rest" => plan.rest = true,
            "--only" => {
                let rows = words.next().and_then(|word| word.split_once(".."));
                let (from, to) = rows.context("--only wants A..B")?;
                plan.only = from.parse()?..to.parse()?;
            }
            "--minutes" => plan.minutes = words.next().context("--minutes wants N")?.parse()?,
            _ => bail!("the arguments are --only A..B, --rest and --minutes N"),
        }
    }
    Ok(plan)
}

fn date() -> Result<String> {
    let out = Command::new("date")
        .args(["-u", "+%F"])
        .output()
        .context("starting date")?;
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

/// What a worker that panicked held is still whole: it is only changed as a whole.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Run {
    left: Mutex<VecDeque<&'static Mutant>>,
    report: Mutex<Report>,
    end: Instant,
    date: String,
    root: PathBuf,
    page: PathBuf,
}

impl Run {
    /// Takes rows until none or no time is left; how many survived or could not be tried.
    fn work(&self, worker: usize) -> Result<usize> {
        let copy = Copy::of(&self.root, worker)?;
        let mut sound = BTreeSet::new();
        let mut bad = 0;
        while Instant::now() < self.end {
            let mut left = held(&self.left);
            let next = if worker == 0 {
                left.pop_front()
            } else {
                left.pop_back()
            };
            drop(left);
            let Some(mutant) = next else { break };
            let start = Instant::now();
            let caught = match try_out(&copy, mutant, &mut sound) {
                Ok(caught) => caught,
                Err(error) => {
                    println!("{} {}: {error:#}", mutant.file, mutant.row);
                    bad += 1;
                    continue;
                }
            };
            let said = caught.as_deref().unwrap_or("SURVIVED");
            println!(
                "{} {}: {said} ({:.0?})",
                mutant.file,
                mutant.row,
                start.elapsed()
            );
            bad += usize::from(caught.is_none());
            let mut report = held(&self.report);
            report.note(mutant, caught.as_deref(), &self.date);
            report.write(&self.page)?;
        }
        Ok(bad)
    }
}

/// What catches the row. A judge counts only once it has passed the tree as it is.
fn try_out(copy: &Copy, mutant: &Mutant, sound: &mut BTreeSet<String>) -> Result<Option<String>> {
    for judge in judges(mutant.file) {
        let words = judge.words();
        if !sound.contains(&words) {
            ensure!(
                judge.ask(copy)? == Verdict::Passed,
                "{words} fails before any change"
            );
            sound.insert(words.clone());
        }
        let text = copy.alter(mutant)?;
        let verdict = judge.ask(copy);
        copy.restore(mutant, &text)?;
        if let Verdict::Caught(name) = verdict.with_context(|| mutant.row)? {
            return Ok(Some(format!("`{words}`: {name}")));
        }
    }
    Ok(None)
}
