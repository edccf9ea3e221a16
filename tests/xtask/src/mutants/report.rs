//! `docs/mutants.md`: who caught what, and when.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::table::{MUTANTS, Mutant};

const HEAD: &str = "# Wrong meanings and who catches them

One row at a time is altered in a copy of the tree, and the tests below run until one fails.
`cargo xtask mutants` writes this page.
With `--only A..B` it runs a part of the table, with `--rest` what has not been caught yet; \
the other rows keep their results.
";

/// What stands behind a row that was not run.
const NOT_RUN: &str = " not run yet | |";

/// The page with what was recorded before.
pub struct Report {
    lines: BTreeMap<String, String>,
}

fn key(mutant: &Mutant) -> String {
    let (file, row, right, wrong) = (mutant.file, mutant.row, mutant.right, mutant.wrong);
    let row = row.rsplit_once('(').map_or(row, |(_, name)| name);
    let cell = |text: &str| text.replace('|', "\\|");
    let (right, wrong) = (cell(right), cell(wrong));
    let change = if wrong.is_empty() {
        format!("without `{right}`")
    } else {
        format!("`{right}` → `{wrong}`")
    };
    format!("| {file} | {row} | {change} |")
}

impl Report {
    /// Reads the page.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = |mutant: &Mutant| {
            let key = key(mutant);
            let rest = text.lines().find_map(|line| line.strip_prefix(&key))?;
            (rest != NOT_RUN).then(|| (key, rest.to_owned()))
        };
        let lines = MUTANTS.iter().filter_map(line).collect();
        Self { lines }
    }

    /// Whether the row was run before and caught.
    pub fn knows(&self, mutant: &Mutant) -> bool {
        let line = self.lines.get(&key(mutant));
        line.is_some_and(|line| !line.contains("**survived**"))
    }

    /// Notes the result of one row: what caught it, if anything did.
    pub fn note(&mut self, mutant: &Mutant, caught: Option<&str>, date: &str) {
        let caught = caught.unwrap_or("**survived**");
        self.lines
            .insert(key(mutant), format!(" {caught} | {date} |"));
    }

    /// Writes the page.
    pub fn write(&self, path: &Path) -> Result<()> {
        let survived = self
            .lines
            .values()
            .filter(|line| line.contains("**survived**"))
            .count();
        let run = self.lines.len();
        let mut text = HEAD.to_owned();
        writeln!(
            text,
            "\n**{} rows: {} caught, {survived} survived, {} not run yet.**\n",
            MUTANTS.len(),
            run - survived,
            MUTANTS.len() - run
        )?;
        writeln!(text, "| file | row | change | caught by | run on |")?;
        writeln!(text, "|---|---|---|---|---|")?;
        for mutant in MUTANTS {
            let key = key(mutant);
            let rest = self.lines.get(&key).map_or(NOT_RUN, String::as_str);
            writeln!(text, "{key}{rest}")?;
        }
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::{MUTANTS, Report};

    #[test]
    fn results_are_kept_and_survivors_are_run_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("mutants.md");
        let mut report = Report::read(&page);
        let [caught, survived, left] = [&MUTANTS[0], &MUTANTS[1], &MUTANTS[2]];
        report.note(caught, Some("a test"), "2000-01-01");
        report.note(survived, None, "2000-01-01");
        report.write(&page).expect("the folder is there");
        let again = Report::read(&page);
        assert_eq!(again.lines, report.lines);
        assert_eq!(again.lines.len(), 2);
        assert!(again.knows(caught) && !again.knows(survived) && !again.knows(left));
    }
}
