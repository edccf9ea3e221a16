//! Runs one program and charges its CPU time to the lines it prints.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What one workload cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// CPU seconds.
    pub cpu_s: f64,
    /// What the workload computed.
    pub checksum: String,
}

/// What one run of a program showed.
#[derive(Debug, Default)]
pub struct Run {
    /// The cost of each workload.
    pub costs: BTreeMap<String, Cost>,
    /// CPU seconds until the guest was in user space.
    pub ready_cpu_s: Option<f64>,
    /// Wall seconds until then.
    pub ready_wall_s: Option<f64>,
    /// The most memory the process held, in KiB.
    pub peak_kib: u64,
}

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The one in the program's own lines: it runs natively, and its children count.
    Own,
    /// The host's account of the process: the program's lines come from a guest.
    Host,
}

/// Runs `command` to its end, or until `limit`.
pub fn run(command: &mut Command, clock: Clock, limit: Duration) -> Result<Run> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let outcome = follow(&mut child, clock, start, limit);
    if outcome.is_err() {
        // It may have ended by itself; either way it is gone after this.
        let _ = child.kill();
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for {name}"))?;
    let (run, last) = outcome.with_context(|| format!("running {name}"))?;
    if !status.success() || run.costs.is_empty() {
        bail!(
            "{name} ended ({status}) after {} workloads: {last}",
            run.costs.len()
        );
    }
    Ok(run)
}

/// Reads the lines of `child` as they come; gives the run and the last line.
fn follow(
    child: &mut Child,
    clock: Clock,
    start: Instant,
    limit: Duration,
) -> Result<(Run, String)> {
    let output = child.stdout.take().context("the program has no output")?;
    let errors = child
        .stderr
        .take()
        .context("the program has no error output")?;
    let (sender, lines) = mpsc::channel();
    // Two readers, since either pipe may fill up.
    let second = sender.clone();
    thread::spawn(move || send_lines(BufReader::new(output), &sender));
    thread::spawn(move || send_lines(BufReader::new(errors), &second));
    let mut tally = Tally::default();
    let mut last = String::new();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let line = match lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok((tally.run, last)),
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "not done after {} s; the last line was {last:?}",
                    limit.as_secs()
                )
            }
        };
        let facts = Facts {
            cpu_s: cpu_seconds(child.id()),
            wall_s: start.elapsed().as_secs_f64(),
            peak_kib: peak_kib(child.id()),
        };
        tally.line(&line, clock, &facts);
        if !line.trim().is_empty() {
            last = line.trim().to_owned();
        }
    }
}

fn send_lines(mut from: impl BufRead, to: &mpsc::Sender<String>) {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match from.read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if to
                    .send(String::from_utf8_lossy(&bytes).into_owned())
                    .is_err()
                {
                    return;
                }
            }
        }
    }
}

/// What the host says of the process when a line arrives.
struct Facts {
    cpu_s: f64,
    wall_s: f64,
    peak_kib: u64,
}

#[derive(Default)]
struct Tally {
    run: Run,
    /// The process's CPU time at the last `BENCH` line.
    before_s: f64,
}

impl Tally {
    fn line(&mut self, line: &str, clock: Clock, facts: &Facts) {
        self.run.peak_kib = self.run.peak_kib.max(facts.peak_kib);
        if line.contains("VM-READY") && self.run.ready_cpu_s.is_none() {
            self.run.ready_cpu_s = Some(facts.cpu_s);
            self.run.ready_wall_s = Some(facts.wall_s);
        }
        // The kernel may have printed half a line before.
        let Some(at) = line
            .find("BENCH ")
            .filter(|at| !line[..*at].ends_with("VM-"))
        else {
            return;
        };
        let words: Vec<_> = line[at..].split_whitespace().collect();
        let [_, name, _wall, own, checksum] = words.as_slice() else {
            return;
        };
        let cpu_s = match clock {
            Clock::Own => own.parse().unwrap_or(0.0),
            Clock::Host => facts.cpu_s - self.before_s,
        };
        self.before_s = facts.cpu_s;
        if *name != "warm" {
            let cost = Cost {
                cpu_s,
                checksum: (*checksum).to_owned(),
            };
            self.run.costs.insert((*name).to_owned(), cost);
        }
    }
}

/// CPU seconds of all threads of process `pid` so far; 0 when it is gone.
fn cpu_seconds(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds: f64 = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum();
    nanoseconds / 1e9
}

/// The most memory that process `pid` has held, in KiB; 0 when it is gone.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{Clock, Facts, Tally, run};

    fn check(clock: Clock, lines: &[(&str, f64)], want: &[(&str, f64)]) {
        let mut tally = Tally::default();
        for (line, cpu_s) in lines {
            tally.line(
                line,
                clock,
                &Facts {
                    cpu_s: *cpu_s,
                    wall_s: 0.0,
                    peak_kib: 1,
                },
            );
        }
        let got: Vec<_> = tally
            .run
            .costs
            .iter()
            .map(|(n, c)| (n.as_str(), c.cpu_s))
            .collect();
        assert_eq!(got, want, "{lines:?}");
    }

    #[test]
    fn each_line_is_charged_what_came_since_the_last() {
        let lines = [
            ("VM-READY", 2.0),
            ("BENCH warm 0 0 0\r\n", 3.0),
            ("[ 1.0] noise", 3.5),
            ("BENCH a 1 0.25 ff\r\n", 4.5),
            ("[ 2.0] BENCH b 1 0.5 ee\n", 5.0),
            ("VM-BENCH end", 9.0),
            ("BENCH c 1", 9.0),
        ];
        check(Clock::Host, &lines, &[("a", 1.5), ("b", 0.5)]);
        check(Clock::Own, &lines, &[("a", 0.25), ("b", 0.5)]);
    }

    fn run_script(script: &str, seconds: u64) -> anyhow::Result<super::Run> {
        let mut command = Command::new("sh");
        run(
            command.args(["-c", script]),
            Clock::Own,
            Duration::from_secs(seconds),
        )
    }

    #[test]
    fn programs_that_end_well_and_badly() {
        let good = run_script("echo noise >&2; echo BENCH a 1 2 ff", 60).expect("ends well");
        assert_eq!(good.costs["a"].checksum, "ff");
        let error = run_script("echo BENCH a 1 2 ff; echo no disk; exit 3", 60).expect_err("3");
        assert!(error.to_string().contains("no disk"), "{error:#}");
        assert!(run_script("echo nothing", 60).is_err());
        let error = run_script("exec tail -f /dev/null", 0).expect_err("late");
        assert!(format!("{error:#}").contains("not done after"), "{error:#}");
    }
}
