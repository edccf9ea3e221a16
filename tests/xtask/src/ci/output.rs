//! Runs a command, shows its output as it comes, and counts what the test runner reports.

use std::io::{self, BufRead as _, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

/// Tests that a runner reported.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// `SKIP` lines: tests that found something lacking and said so.
    pub skipped: u64,
}

impl Counts {
    /// Adds what one line of a test runner's output says.
    fn line(&mut self, line: &str) {
        if line.starts_with("SKIP ") {
            self.skipped += 1;
        }
        if line.starts_with("test result: ") {
            self.passed += number_before(line, " passed");
            self.failed += number_before(line, " failed");
        }
    }
}

/// The number that stands before `word`, or zero.
fn number_before(line: &str, word: &str) -> u64 {
    let before = line
        .split(word)
        .next()
        .filter(|before| before.len() < line.len());
    let digits = before.and_then(|before| before.split(|c: char| !c.is_ascii_digit()).next_back());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Runs `command` and copies what it prints to `screen`; `true` means that it ended well.
pub fn run_shown(command: &mut Command, screen: &mut dyn Write) -> Result<(bool, Counts)> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = io::pipe().context("making a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    // The command object holds the writing ends; the reader would wait for them for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut counts = Counts::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.with_context(|| format!("reading the output of {name}"))?;
        screen.write_all(&line)?;
        screen.write_all(b"\n")?;
        counts.line(&String::from_utf8_lossy(&line));
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for {name}"))?;
    Ok((status.success(), counts))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Counts, run_shown};

    fn check(text: &str, passed: u64, failed: u64, skipped: u64) {
        let mut counts = Counts::default();
        for line in text.lines() {
            counts.line(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed,
                failed,
                skipped
            },
            "{text}"
        );
    }

    #[test]
    fn summary_lines() {
        let one = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out\n";
        let two = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured\n";
        check(&format!("{one}test a ... ok\n{two}"), 15, 2, 0);
        check("SKIP boot: image x has not been made\n7 passed", 0, 0, 1);
    }

    #[test]
    fn both_streams_are_counted() {
        let script = "echo 'test result: ok. 2 passed; 0 failed'; echo 'SKIP a' >&2; exit 1";
        let mut screen = Vec::new();
        let mut command = Command::new("sh");
        let (ok, counts) = run_shown(command.args(["-c", script]), &mut screen).expect("sh runs");
        assert!(!ok);
        assert_eq!(screen, b"test result: ok. 2 passed; 0 failed\nSKIP a\n");
        assert_eq!((counts.passed, counts.skipped), (2, 1));
    }
}
