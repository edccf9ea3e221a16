//! A copy of the committed tree, in which one row at a time is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::table::{MUTANTS, Mutant};

/// The copy and the folder that is built into.
pub struct Copy {
    /// The tree.
    pub tree: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Copy {
    /// Copies what is committed. If the copy was of the same commit before, files keep their
    /// times, so that cargo builds little again; else all are new.
    pub fn of(root: &Path, worker: usize) -> Result<Self> {
        let home = std::env::temp_dir().join(format!("vm-mutants-{worker}"));
        let (tree, target) = (home.join("tree"), home.join("target"));
        let head = Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(root)
            .output()
            .context("starting git")?
            .stdout;
        let mark = home.join("commit");
        let times = if fs::read(&mark).is_ok_and(|old| old == head) {
            "-x"
        } else {
            "-xm"
        };
        if tree.exists() {
            fs::remove_dir_all(&tree).with_context(|| format!("removing {}", tree.display()))?;
        }
        fs::create_dir_all(&tree).with_context(|| format!("making {}", tree.display()))?;
        let mut git = Command::new("git");
        git.args(["archive", "HEAD"]).current_dir(root);
        let mut git = git.stdout(Stdio::piped()).spawn().context("starting git")?;
        let archive = git.stdout.take().context("git has an output")?;
        let mut tar = Command::new("tar");
        let tar = tar.arg(times).arg("-C").arg(&tree).stdin(archive).status();
        ensure!(tar.context("starting tar")?.success(), "tar failed");
        ensure!(git.wait()?.success(), "git archive failed");
        fs::write(&mark, head).with_context(|| format!("writing {}", mark.display()))?;
        let copy = Self { tree, target };
        // A run that was interrupted may have left a wrong row in what is built; a new time makes
        // cargo build the file again.
        for file in MUTANTS.iter().map(|mutant| mutant.file) {
            let text = fs::read_to_string(copy.tree.join(file)).with_context(|| file)?;
            write(&copy.tree.join(file), &text)?;
        }
        Ok(copy)
    }

    /// Alters the row and gives the text that was there before.
    pub fn alter(&self, mutant: &Mutant) -> Result<String> {
        let path = self.tree.join(mutant.file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        write(&path, &altered(&text, mutant)?)?;
        Ok(text)
    }

    /// Puts the text back.
    pub fn restore(&self, mutant: &Mutant, text: &str) -> Result<()> {
        write(&self.tree.join(mutant.file), text)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The text with the mutant's row altered: the one line that begins with the row's name must hold
/// what is to be replaced exactly once.
pub fn altered(text: &str, mutant: &Mutant) -> Result<String> {
    let is_row = |line: &&str| {
        let rest = line.trim_start().strip_prefix(mutant.row);
        rest.is_some_and(|rest| rest.starts_with([' ', ',']))
    };
    let rows: Vec<&str> = text.lines().filter(is_row).collect();
    let [row] = rows[..] else {
        anyhow::bail!(
            "{}: {} rows are called {}",
            mutant.file,
            rows.len(),
            mutant.row
        );
    };
    let found = row.matches(mutant.right).count();
    ensure!(
        found == 1,
        "{}: {:?} stands {found} times in {}",
        mutant.file,
        mutant.right,
        mutant.row
    );
    Ok(text.replacen(row, &row.replacen(mutant.right, mutant.wrong, 1), 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::altered;
    use crate::mutants::table::MUTANTS;

    #[test]
    fn every_row_of_the_table_can_be_altered() {
        let root = crate::workspace::root().expect("tests run in the workspace");
        let mut seen = BTreeSet::new();
        for mutant in MUTANTS {
            let text = fs::read_to_string(root.join(mutant.file)).expect(mutant.file);
            let wrong = altered(&text, mutant).expect("the row is there");
            assert_ne!(wrong, text, "{}", mutant.row);
            assert!(
                seen.insert((mutant.file, mutant.row)),
                "{} twice",
                mutant.row
            );
        }
        assert!(seen.len() >= 50);
    }
}
