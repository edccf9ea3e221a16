//! The results of tests as text and as JSON lines.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};
use vm_core::StateHash;

use super::jobs::{Done, Job};
use super::verdict::{Verdict, exit_code};
use crate::args::{ColorWhen, Manner, TestArgs};
use crate::engines;
use crate::out;
use crate::report::{Report, printable};

/// What is shown, and how.
pub struct Show<'a> {
    args: &'a TestArgs,
    common: &'a Manner,
    color: bool,
    /// Whether a line about what goes on stands on the terminal.
    line: bool,
}

impl<'a> Show<'a> {
    /// As the arguments say.
    #[must_use]
    pub fn new(args: &'a TestArgs, common: &'a Manner) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match common.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => !unwanted && io::stdout().is_terminal(),
        };
        Self {
            args,
            common,
            color,
            line: false,
        }
    }

    /// The first line.
    pub fn starting(&mut self, tests: usize, files: usize, jobs: usize) -> Result<(), Report> {
        if self.common.json || self.common.quiet {
            return Ok(());
        }
        let tests = counted(tests, "test");
        let files = counted(files, "file");
        out::print(&format!(
            "    Starting {tests} of {files}, {jobs} at a time\n"
        ))
    }

    /// What goes on, on a terminal.
    pub fn progress(&mut self, done: usize, all: usize, running: &[String]) {
        if self.common.quiet || !io::stderr().is_terminal() {
            return;
        }
        let text = format!("     Running {done}/{all}: {}", running.join(", "));
        let cut: String = printable(&text).chars().take(78).collect();
        out::tell(&format!("\r\x1b[K{cut}"));
        self.line = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.line) {
            out::tell("\r\x1b[K");
        }
    }

    /// What came of a test.
    pub fn done(&mut self, done: &Done) -> Result<(), Report> {
        self.clear();
        if self.common.json {
            return out::print(&format!("{}\n", self.json(done)));
        }
        let passed = done.played.verdict == Verdict::Pass;
        if passed && self.common.quiet {
            return Ok(());
        }
        let mut text = self.headline(done);
        if !passed || self.common.verbose > 0 {
            text.push_str(&self.block(done));
        }
        out::print(&text)
    }

    fn headline(&self, done: &Done) -> String {
        let verdict = done.played.verdict;
        let (label, color) = match verdict {
            Verdict::Pass => ("PASS", "\x1b[1;32m"),
            Verdict::Error => ("ERROR", "\x1b[1;31m"),
            Verdict::Infra => ("INFRA", "\x1b[1;33m"),
            Verdict::Interrupted => ("STOP", "\x1b[1;33m"),
            _ => ("FAIL", "\x1b[1;31m"),
        };
        let (on, off) = if self.color {
            (color, "\x1b[0m")
        } else {
            ("", "")
        };
        let guest = done.played.guest_ns as f64 / 1e9;
        let word = match verdict {
            Verdict::Panic | Verdict::Hang | Verdict::Timeout | Verdict::Diverged => verdict.word(),
            _ => "",
        };
        let round = match self.args.repeat {
            1 => String::new(),
            all => format!(" ({}/{all})", done.job.round + 1),
        };
        let name = printable(&done.job.test.name());
        let line = format!(
            "{on}{label:>12}{off} [{:7.2}s guest {guest:7.2}s] {name}{round}  {word}",
            done.seconds
        );
        format!("{}\n", line.trim_end())
    }

    /// What stands below a test that has not passed.
    fn block(&self, done: &Done) -> String {
        let played = &done.played;
        let mut text = String::new();
        let mut row = |label: &str, words: &str| {
            let _ = writeln!(text, "{label:>12}  {}", printable(words));
        };
        if !played.detail.is_empty() {
            row("verdict", &played.detail);
        }
        if !played.place.is_empty() {
            row("at", &played.place);
        }
        for (label, words) in played.failure.iter().flat_map(|told| &told.rows) {
            row(label, words);
        }
        for (number, line) in played.last.iter().enumerate() {
            row(if number == 0 { "last" } else { "" }, &format!("| {line}"));
        }
        let seed = self.seed(done.job);
        match played.state_hash {
            Some(hash) => row("state", &format!("{hash:#018x} seed {seed}")),
            None => row("seed", &seed.to_string()),
        }
        row("repeat", &self.repeat(done.job));
        text
    }

    fn seed(&self, job: Job) -> u64 {
        let own = job.test.case().setup.seed;
        self.args.seed.or(own).unwrap_or_default()
    }

    /// The command that runs the test again.
    fn repeat(&self, job: Job) -> String {
        let path = job.test.suite.path.display().to_string();
        let mut command = format!(
            "vm test {} --filter {} --seed {}",
            quoted(&path),
            quoted(&job.test.name()),
            self.seed(job)
        );
        for flag in engines::flags(&self.args.engine) {
            let _ = write!(command, " {flag}");
        }
        if let Some(ns) = self.args.watchdog {
            let _ = write!(command, " --watchdog {ns}ns");
        }
        command
    }

    fn json(&self, done: &Done) -> Value {
        let played = &done.played;
        json!({
            "schema": 1,
            "type": "test",
            "name": done.job.test.name(),
            "file": done.job.test.suite.path.display().to_string(),
            "round": done.job.round,
            "verdict": played.verdict.word(),
            "detail": played.detail,
            "place": played.place,
            "seconds": done.seconds,
            "guest_ns": played.guest_ns,
            "instructions": played.instructions,
            "state_hash": played.state_hash.map(hash_text),
            "seed": self.seed(done.job),
            "last": played.last,
            "failure": played.failure.as_ref().map(|told| &told.json),
            "repeat": self.repeat(done.job),
        })
    }

    /// The last line; gives the exit code.
    pub fn summary(&mut self, all: &[Done], missing: usize, seconds: f64) -> Result<u8, Report> {
        self.clear();
        let verdicts: Vec<Verdict> = all.iter().map(|done| done.played.verdict).collect();
        let count = |wanted: Verdict| verdicts.iter().filter(|found| **found == wanted).count();
        let failed = verdicts.iter().filter(|found| found.is_failure()).count();
        let code = exit_code(&verdicts);
        let hash = hash_of(all).map(hash_text);
        if self.common.json {
            let summary = json!({
                "schema": 1,
                "type": "summary",
                "run": all.len(),
                "not_run": missing,
                "passed": count(Verdict::Pass),
                "failed": failed,
                "panic": count(Verdict::Panic),
                "hang": count(Verdict::Hang),
                "timeout": count(Verdict::Timeout),
                "diverged": count(Verdict::Diverged),
                "error": count(Verdict::Error),
                "infra": count(Verdict::Infra),
                "interrupted": count(Verdict::Interrupted),
                "seconds": seconds,
                "state_hash": hash,
                "exit_code": code,
            });
            out::print(&format!("{summary}\n"))?;
            return Ok(code);
        }
        let kinds = [Verdict::Panic, Verdict::Hang, Verdict::Timeout];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|kind| count(**kind) > 0)
            .map(|kind| format!("{} {}", count(*kind), kind.word()))
            .collect();
        let mut text = format!(
            "     Summary [{seconds:7.2}s] {} run: {} passed, {failed} failed",
            all.len(),
            count(Verdict::Pass)
        );
        if !kinds.is_empty() {
            let _ = write!(text, " ({})", kinds.join(", "));
        }
        let others = [
            Verdict::Diverged,
            Verdict::Error,
            Verdict::Infra,
            Verdict::Interrupted,
        ];
        for other in others.iter().filter(|other| count(**other) > 0) {
            let _ = write!(text, ", {} {}", count(*other), other.word());
        }
        if missing > 0 {
            let _ = write!(text, ", {missing} not run");
        }
        if let Some(hash) = hash {
            let _ = write!(text, "  state-hash {hash}");
        }
        text.push('\n');
        if !self.common.quiet || code != 0 {
            out::print(&text)?;
        }
        Ok(code)
    }
}

fn hash_text(hash: u64) -> String {
    format!("{hash:#018x}")
}

/// One hash for all states, in the order of the files; nothing if a run in virtual time has none.
fn hash_of(all: &[Done]) -> Option<u64> {
    let mut sorted: Vec<&Done> = all.iter().collect();
    sorted.sort_by_key(|done| done.job.number);
    let hashes: Vec<u64> = sorted
        .iter()
        .filter_map(|done| done.played.state_hash)
        .collect();
    let mut sum = StateHash::new();
    for hash in &hashes {
        sum.word(*hash);
    }
    (!hashes.is_empty()).then(|| sum.finish())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_where_they_must() {
        for (word, want) in [
            ("boot::login", "boot::login"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }
}
