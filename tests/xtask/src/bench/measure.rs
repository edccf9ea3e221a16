//! Runs one program and charges its CPU time to the lines it prints.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::boots::{Boot, LOGIN};
use super::process::{self, Memory};
use super::stats::{self, Stats};

/// LIMIT: an emulator that is told to end has to write down no more than its statistics.
const FAREWELL: Duration = Duration::from_secs(30);

/// At other lines memory is looked at no sooner than so long after the last time: it takes some
/// milliseconds.
const LOOK: Duration = Duration::from_millis(300);

/// What one workload cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// CPU seconds.
    pub cpu_s: f64,
    /// What the workload computed.
    pub checksum: String,
}

/// A moment of a run, in seconds since its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// CPU time.
    pub cpu_s: f64,
    /// Time on the wall.
    pub wall_s: f64,
}

/// What one run of a program showed.
#[derive(Debug, Default)]
pub struct Run {
    /// What was booted.
    pub boot: Boot,
    /// The cost of each workload.
    pub costs: BTreeMap<String, Cost>,
    /// When the guest had booted: was in user space, or showed its login prompt.
    pub ready: Option<Mark>,
    /// The most memory the process held, in KiB.
    pub peak_kib: u64,
    /// Its memory when most of it was not the guest's.
    pub memory: Option<Memory>,
    /// CPU seconds of the whole run.
    pub cpu_s: f64,
    /// What the emulator says of itself.
    pub stats: Option<Stats>,
}

/// What is run, and how it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is booted.
    pub boot: Boot,
    /// Whose clock counts.
    pub clock: Clock,
    /// How long it may take.
    pub limit: Duration,
    /// The size of the guest's RAM.
    pub ram_kib: u64,
}

/// Whose clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The one in the program's own lines: it runs natively, and its children count.
    Own,
    /// The host's account of the process: the program's lines come from a guest.
    Host,
}

/// Runs `command` as planned.
pub fn run(command: &mut Command, plan: &Plan) -> Result<Run> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let outcome = follow(&mut child, plan, start);
    if outcome.is_err() {
        // It may have ended by itself; either way it is gone after this.
        let _ = child.kill();
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for {name}"))?;
    let Tally { run, last, .. } = outcome.with_context(|| format!("running {name}"))?;
    let ended_well = status.success() || plan.boot.ends_at_mark();
    if !ended_well || run.costs.is_empty() {
        let count = run.costs.len();
        bail!("{name} ended ({status}) after {count} workloads: {last}");
    }
    Ok(run)
}

/// Reads the lines of `child` as they come.
fn follow(child: &mut Child, plan: &Plan, start: Instant) -> Result<Tally> {
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
    let mut tally = Tally::new(plan);
    let mut end = start + plan.limit;
    let mut told = false;
    let mut looked = start;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = match lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return Ok(tally),
            Err(RecvTimeoutError::Timeout) => {
                let (limit, last) = (plan.limit.as_secs(), &tally.last);
                bail!("not done after {limit} s; the last line was {last:?}")
            }
        };
        let facts = Facts {
            mark: Mark {
                cpu_s: process::cpu_seconds(child.id()),
                wall_s: start.elapsed().as_secs_f64(),
            },
            peak_kib: process::peak_kib(child.id()),
            memory: (is_told(&line, plan) || looked.elapsed() > LOOK)
                .then(|| {
                    looked = Instant::now();
                    process::memory(child.id(), plan.ram_kib)
                })
                .flatten(),
        };
        tally.line(&line, &facts)?;
        if plan.boot.ends_at_mark() && tally.run.ready.is_some() && !told {
            told = true;
            end = Instant::now() + FAREWELL;
            ask_to_end(child)?;
        }
    }
}

/// Whether the line is one of those at which memory is always looked at.
fn is_told(line: &str, plan: &Plan) -> bool {
    line.contains("BENCH ") || line.contains(plan.boot.mark())
}

/// Tells the program to end, so that it can still say something.
fn ask_to_end(child: &Child) -> Result<()> {
    let kill = format!("kill -TERM {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status();
    status.context("ending the run").map(drop)
}

fn send_lines(mut from: impl BufRead, to: &mpsc::Sender<String>) {
    let mut line = Vec::new();
    loop {
        let used = match from.fill_buf() {
            Ok(chunk) if !chunk.is_empty() => {
                let end = chunk.iter().position(|byte| *byte == b'\n');
                let used = end.map_or(chunk.len(), |end| end + 1);
                line.extend_from_slice(&chunk[..used]);
                used
            }
            _ => 0,
        };
        from.consume(used);
        // Behind a prompt the guest waits before the line has an end.
        let whole = used == 0 || line.ends_with(b"\n") || line.ends_with(b" login: ");
        if whole && !line.is_empty() {
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            if to.send(text).is_err() {
                return;
            }
        }
        if used == 0 {
            return;
        }
    }
}

/// What the host says of the process when a line arrives.
struct Facts {
    mark: Mark,
    peak_kib: u64,
    memory: Option<Memory>,
}

struct Tally {
    plan: Plan,
    run: Run,
    /// The process's CPU time at the last `BENCH` line.
    before_s: f64,
    /// The last line that said something.
    last: String,
}

impl Tally {
    fn new(plan: &Plan) -> Self {
        let run = Run {
            boot: plan.boot,
            ..Run::default()
        };
        Self {
            plan: *plan,
            run,
            before_s: 0.0,
            last: String::new(),
        }
    }

    fn line(&mut self, line: &str, facts: &Facts) -> Result<()> {
        let run = &mut self.run;
        run.peak_kib = run.peak_kib.max(facts.peak_kib);
        run.cpu_s = run.cpu_s.max(facts.mark.cpu_s);
        let beyond = |memory: &Option<Memory>| memory.map_or(0, |memory| memory.beyond_kib);
        if beyond(&facts.memory) > beyond(&run.memory) {
            run.memory = facts.memory;
        }
        if let Some(stats) = stats::parse(line) {
            run.stats = Some(stats);
            return Ok(());
        }
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut self.last);
        }
        if line.contains("VM-FAIL") {
            bail!("the guest says {}", self.last);
        }
        if line.contains(self.plan.boot.mark()) && run.ready.is_none() {
            run.ready = Some(facts.mark);
            if self.plan.boot.ends_at_mark() {
                let cpu_s = facts.mark.cpu_s;
                let checksum = String::new();
                let cost = Cost { cpu_s, checksum };
                run.costs.insert(LOGIN.to_owned(), cost);
            }
        }
        self.workload(line, facts.mark.cpu_s);
        Ok(())
    }

    fn workload(&mut self, line: &str, now_s: f64) {
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
        let cpu_s = match self.plan.clock {
            Clock::Own => own.parse().unwrap_or(0.0),
            Clock::Host => now_s - self.before_s,
        };
        self.before_s = now_s;
        if *name != "warm" {
            let cost = Cost {
                cpu_s,
                checksum: (*checksum).to_owned(),
            };
            self.run.costs.insert((*name).to_owned(), cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::super::boots::Boot;
    use super::super::process::Memory;
    use super::{Clock, Facts, Mark, Plan, Tally, run, send_lines};

    fn plan(boot: Boot, clock: Clock, seconds: u64) -> Plan {
        Plan {
            boot,
            clock,
            limit: Duration::from_secs(seconds),
            ram_kib: 1 << 40,
        }
    }

    fn facts(cpu_s: f64, beyond_kib: u64) -> Facts {
        Facts {
            mark: Mark { cpu_s, wall_s: 0.0 },
            peak_kib: 0,
            memory: Some(Memory {
                guest_kib: 1,
                beyond_kib,
            }),
        }
    }

    fn check(clock: Clock, lines: &[(&str, f64)], want: &[(&str, f64)]) {
        let mut tally = Tally::new(&plan(Boot::Bench, clock, 1));
        for (line, cpu_s) in lines {
            tally.line(line, &facts(*cpu_s, 0)).expect("no failure");
        }
        let ready = tally.run.ready.expect("it booted");
        assert!((ready.cpu_s - 2.0).abs() < 1e-9);
        let costs = tally.run.costs.iter();
        let got: Vec<_> = costs.map(|(n, c)| (n.as_str(), c.cpu_s)).collect();
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

    #[test]
    fn memory_is_that_of_the_moment_with_most_beyond_the_guests() {
        let mut tally = Tally::new(&plan(Boot::Debian, Clock::Host, 1));
        for (cpu_s, kib) in [(1.0, 70), (2.0, 90), (3.0, 80)] {
            tally
                .line("a line", &facts(cpu_s, kib))
                .expect("no failure");
        }
        assert_eq!(tally.run.memory.map(|memory| memory.beyond_kib), Some(90));
        let stats = r#"{"instructions":9,"stats":{"tlb_misses":1,
            "code":{"blocks":1,"flushes":0}}}"#;
        tally
            .line(&stats.replace('\n', ""), &facts(4.0, 0))
            .expect("no failure");
        let stats = tally.run.stats.as_ref().expect("statistics");
        assert!((stats.instructions - 9.0).abs() < 1e-9);
        assert_eq!(tally.last, "a line");
        assert!(tally.line("VM-FAIL gcc", &facts(4.0, 0)).is_err());
    }

    #[test]
    fn a_prompt_is_a_line_before_it_has_an_end() {
        let (sender, lines) = mpsc::channel();
        send_lines(
            BufReader::with_capacity(12, &b"a\r\nd login: b\nc"[..]),
            &sender,
        );
        drop(sender);
        let lines: Vec<_> = lines.into_iter().collect();
        assert_eq!(lines, ["a\r\n", "d login: ", "b\n", "c"]);
    }

    fn run_script(boot: Boot, script: &str, seconds: u64) -> anyhow::Result<super::Run> {
        let mut command = Command::new("sh");
        run(
            command.args(["-c", script]),
            &plan(boot, Clock::Own, seconds),
        )
    }

    #[test]
    fn programs_that_end_well_and_badly() {
        let bench = |script, seconds| run_script(Boot::Bench, script, seconds);
        let good = bench("echo noise >&2; echo BENCH a 1 2 ff", 60).expect("ends well");
        assert_eq!(good.costs["a"].checksum, "ff");
        let error = bench("echo BENCH a 1 2 ff; echo no disk; exit 3", 60).expect_err("3");
        assert!(error.to_string().contains("no disk"), "{error:#}");
        assert!(bench("echo nothing", 60).is_err());
        let error = bench("echo VM-FAIL gcc", 60).expect_err("the guest says so");
        assert!(format!("{error:#}").contains("VM-FAIL gcc"), "{error:#}");
        let error = bench("exec tail -f /dev/null", 0).expect_err("late");
        assert!(format!("{error:#}").contains("not done after"), "{error:#}");
    }

    #[test]
    fn a_boot_to_the_prompt_ends_there() {
        let script = r#"trap 'echo "{\"instructions\":5,\"stats\":{\"tlb_misses\":1,
            \"code\":{\"blocks\":1,\"flushes\":0}}}" | tr -d "\n"; exit 143' TERM
            printf 'debian login: '; while :; do sleep 0.01; done"#;
        let run = run_script(Boot::Debian, script, 60).expect("shows the prompt");
        assert!(run.ready.is_some() && run.costs.contains_key("login"));
        assert!(run.stats.is_some(), "what came behind the prompt is read");
        let error = run_script(Boot::Debian, "echo no root; exit 1", 60).expect_err("no prompt");
        assert!(error.to_string().contains("no root"), "{error:#}");
    }
}
