//! The command: which tests run, when, and what is said about them.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::time::Instant;

use serde_json::json;
use vm_runtime::Signal;

use super::files::{Wanted, suites, wanted};
use super::jobs::{Asked, Done, Job, Pool};
use super::show::Show;
use super::verdict::Verdict;
use super::{junit, one};
use crate::args::{Manner, TestArgs};
use crate::report::Report;
use crate::{codes, engines, out};

/// Boots guests and checks what they do.
pub fn test(args: &TestArgs, common: &Manner) -> Result<u8, Report> {
    if let (Some(number), Some(scratch)) = (args.one, &args.scratch) {
        return one::one(args, number, scratch);
    }
    let suites = suites(&args.paths)?;
    let tests = wanted(&suites, args.filter.as_deref());
    if tests.is_empty() {
        let filter = args.filter.clone().unwrap_or_default();
        let fact = format!("no name of a test has {filter:?} in it");
        return Err(Report::new(codes::NO_TESTS, codes::NO_TESTS.title)
            .at("--filter", fact)
            .help("`vm test --list` prints the names"));
    }
    if args.list {
        return list(&tests, common);
    }
    run(args, common, &tests, suites.len())
}

fn list(tests: &[Wanted], common: &Manner) -> Result<u8, Report> {
    let mut text = String::new();
    for test in tests {
        let name = test.name();
        if common.json {
            let file = test.suite.path.display().to_string();
            let row = json!({"schema": 1, "type": "name", "name": name, "file": file});
            text.push_str(&row.to_string());
        } else {
            text.push_str(&name);
        }
        text.push('\n');
    }
    out::print(&text)?;
    Ok(0)
}

fn run(args: &TestArgs, common: &Manner, tests: &[Wanted], files: usize) -> Result<u8, Report> {
    let asked = Asked::default();
    let heard = asked.clone();
    let handled = vm_runtime::on_signals(move |signal| match signal {
        // Their folders are left over, but their processes end with this one.
        Signal::End if heard.again() > 0 => std::process::exit(130),
        Signal::End | Signal::Continue => {}
        Signal::Stop => vm_runtime::stop_self(),
    });
    handled.map_err(|error| {
        Report::new(codes::TEST_PROCESS, codes::TEST_PROCESS.title).at("signals", error.to_string())
    })?;
    let rounds = tests
        .iter()
        .flat_map(|test| (0..args.repeat).map(move |n| (*test, n)));
    let jobs: Vec<Job> = rounds
        .enumerate()
        .map(|(number, (test, round))| Job {
            test,
            round,
            number,
        })
        .collect();
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let width = args.jobs.map_or(processors, |jobs| jobs as usize);
    let mut show = Show::new(args, common);
    show.starting(tests.len(), files, width.min(jobs.len()))?;
    let start = Instant::now();
    let all = carry_out(args, &jobs, width, &asked, &mut show)?;
    let missing = jobs.len() - all.len();
    if let Some(path) = &args.junit {
        junit::write(path, &all)?;
    }
    let code = show.summary(&all, missing, start.elapsed().as_secs_f64())?;
    // A test that was not begun has no verdict that could say so.
    Ok(if asked.is_set() { 130 } else { code })
}

/// Runs the jobs, and says of each what came of it.
fn carry_out<'a>(
    args: &TestArgs,
    jobs: &[Job<'a>],
    width: usize,
    asked: &Asked,
    show: &mut Show,
) -> Result<Vec<Done<'a>>, Report> {
    let mut pool = Pool::new(flags(args))?;
    let mut waiting = jobs.iter();
    let mut all: Vec<Done> = Vec::new();
    let mut hashes = BTreeMap::new();
    let mut stop = false;
    loop {
        stop |= asked.is_set();
        let mut ended = Vec::new();
        while !stop
            && pool.count() < width
            && let Some(job) = waiting.next()
        {
            ended.extend(pool.start(*job));
        }
        if pool.count() == 0 && ended.is_empty() {
            return Ok(all);
        }
        if asked.is_set() {
            ended.extend(pool.end_all());
        } else if pool.count() > 0 {
            show.progress(all.len(), jobs.len(), &pool.names());
            ended.extend(pool.wait());
        }
        for mut done in ended {
            compare(&mut hashes, &mut done);
            show.done(&done)?;
            stop |= done.played.verdict != Verdict::Pass && !args.no_fail_fast;
            all.push(done);
        }
    }
}

/// The flags that every process needs to know.
fn flags(args: &TestArgs) -> Vec<String> {
    let mut flags = engines::flags(&args.engine);
    if let Some(seed) = args.seed {
        flags.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(ns) = args.watchdog {
        flags.extend(["--watchdog".to_owned(), format!("{ns}ns")]);
    }
    flags
}

/// Runs of one test come to one state; where two do not, that is our mistake and no verdict on
/// the guest.
fn compare(hashes: &mut BTreeMap<String, u64>, done: &mut Done) {
    let played = &mut done.played;
    let told = played.verdict == Verdict::Pass || played.verdict.is_failure();
    let Some(hash) = played.state_hash.filter(|_| told) else {
        return;
    };
    let file = done.job.test.suite.path.display();
    let first = *hashes
        .entry(format!("{file}::{}", done.job.test.case().name))
        .or_insert(hash);
    if first != hash {
        played.verdict = Verdict::Diverged;
        played.detail = format!(
            "this run ended in the state {hash:#018x}, another one with the same seed in \
             {first:#018x}"
        );
    }
}
