//! The command line of `cargo xtask bench`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::boots::{self, Boot};
use super::contender::NAMES;

/// What the command line asks for.
pub struct Args {
    /// How often each contender runs.
    pub runs: usize,
    /// How much of the work is done, in percent.
    pub scale: u32,
    /// How long one run may take.
    pub limit: Duration,
    /// Who takes part.
    pub only: Vec<&'static str>,
    /// The workloads; none means all.
    pub rows: Vec<String>,
    /// The emulator to measure instead of the one that was built.
    pub vm: Option<PathBuf>,
    /// Where the tables go beside standard output.
    pub out: Option<PathBuf>,
    /// Where the picture goes.
    pub svg: Option<PathBuf>,
    /// An earlier result, below which nothing may fall by much.
    pub against: Option<PathBuf>,
}

const USAGE: &str = "cargo xtask bench [--runs N] [--scale PERCENT] [--limit SECONDS] \
                     [--only native,qemu,interp,jit,hybrid] [--rows NAME,NAME] [--vm PROGRAM] \
                     [--out FILE] [--svg FILE] [--against FILE]";

impl Args {
    /// Reads the words after `bench`.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut args = Self {
            runs: 3,
            scale: 100,
            limit: Duration::from_secs(900),
            only: NAMES.to_vec(),
            rows: Vec::new(),
            vm: None,
            out: None,
            svg: None,
            against: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .with_context(|| format!("{word} needs a value; {USAGE}"))?;
            let number = || {
                let number: u32 = value.parse().with_context(|| format!("{word} {value}"))?;
                if number == 0 {
                    bail!("{word} has to be at least 1");
                }
                Ok(number)
            };
            let path = || Some(PathBuf::from(value));
            match word.as_str() {
                "--runs" => args.runs = usize::try_from(number()?)?,
                "--scale" => args.scale = number()?,
                "--limit" => args.limit = Duration::from_secs(number()?.into()),
                "--vm" => args.vm = path(),
                "--out" => args.out = path(),
                "--svg" => args.svg = path(),
                "--against" => args.against = path(),
                "--only" => args.only = some_of(word, value, NAMES)?,
                "--rows" => {
                    let rows = some_of(word, value, &boots::rows())?;
                    args.rows = rows.into_iter().map(str::to_owned).collect();
                }
                _ => bail!("no option is called {word}; {USAGE}"),
            }
        }
        Ok(args)
    }

    /// The guests that have to be booted for the workloads that are asked for.
    pub fn boots(&self) -> Vec<Boot> {
        let wanted = |boot: &Boot| {
            let rows = &self.rows;
            rows.is_empty() || rows.iter().any(|row| boots::of(row) == *boot)
        };
        Boot::ALL.into_iter().filter(wanted).collect()
    }
}

/// The names in `value`, in the order of `all`.
fn some_of<'a>(word: &str, value: &str, all: &[&'a str]) -> Result<Vec<&'a str>> {
    if let Some(name) = value.split(',').find(|name| !all.contains(name)) {
        bail!("{word} takes some of {}; {name:?} is none", all.join(","));
    }
    let named = |name: &&str| value.split(',').any(|other| other == *name);
    Ok(all.iter().copied().filter(named).collect())
}

#[cfg(test)]
mod tests {
    use super::super::boots::Boot;
    use super::Args;

    fn parse(line: &str) -> anyhow::Result<Args> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(&words)
    }

    fn check(line: &str, want: Result<(usize, u32, &str), &str>) {
        match (parse(line), want) {
            (Ok(args), Ok(want)) => {
                let only = args.only.join(",");
                assert_eq!((args.runs, args.scale, only.as_str()), want, "{line}");
            }
            (Err(error), Err(want)) => assert!(format!("{error:#}").contains(want), "{error:#}"),
            (got, _) => panic!(
                "{line:?} was {}",
                if got.is_ok() { "taken" } else { "refused" }
            ),
        }
    }

    #[test]
    fn command_lines() {
        check("", Ok((3, 100, "native,qemu,interp,jit,hybrid")));
        check(
            "--runs 5 --scale 10 --only native,interp",
            Ok((5, 10, "native,interp")),
        );
        check("--runs", Err("needs a value"));
        check("--runs 0", Err("at least 1"));
        check("--only vm,kvm", Err("takes some of"));
        check("--rows sort,sorts", Err("\"sorts\" is none"));
        check("--fast 1", Err("no option is called --fast"));
    }

    #[test]
    fn only_the_guests_that_are_needed_are_booted() {
        let boots = |line: &str| parse(line).expect("a command line").boots();
        assert_eq!(boots(""), Boot::ALL);
        assert_eq!(boots("--rows sort,crc"), [Boot::Bench]);
        assert_eq!(boots("--rows python"), [Boot::Programs]);
        assert_eq!(boots("--rows gcc,login"), [Boot::Programs, Boot::Debian]);
    }
}
