//! `cargo xtask bench`: the command line, and the order of the runs.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::bounds;
use super::contender::{self, Contender, NAMES};
use super::measure;
use super::report::{self, Column};

/// What the command line asks for.
struct Args {
    runs: usize,
    scale: u32,
    limit: Duration,
    only: Vec<&'static str>,
    vm: Option<PathBuf>,
    out: Option<PathBuf>,
}

const USAGE: &str = "cargo xtask bench [--runs N] [--scale PERCENT] [--limit SECONDS] \
                     [--only native,qemu,interp,jit,hybrid] [--vm PROGRAM] [--out FILE]";

fn parse(words: &[String]) -> Result<Args> {
    let limit = Duration::from_secs(900);
    let mut args = Args {
        runs: 3,
        scale: 100,
        limit,
        only: NAMES.to_vec(),
        vm: None,
        out: None,
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
        match word.as_str() {
            "--runs" => args.runs = usize::try_from(number()?)?,
            "--scale" => args.scale = number()?,
            "--limit" => args.limit = Duration::from_secs(number()?.into()),
            "--vm" => args.vm = Some(PathBuf::from(value)),
            "--out" => args.out = Some(PathBuf::from(value)),
            "--only" => {
                args.only = NAMES
                    .iter()
                    .copied()
                    .filter(|n| value.split(',').any(|v| v == *n))
                    .collect();
                if args.only.len() != value.split(',').count() {
                    bail!("--only takes some of {}", NAMES.join(","));
                }
            }
            _ => bail!("no option is called {word}; {USAGE}"),
        }
    }
    Ok(args)
}

/// Runs every contender in turn, as often as asked, and prints the table.
pub fn main(words: &[String]) -> Result<ExitCode> {
    let args = parse(words)?;
    let vm = match args.vm.clone() {
        Some(vm) => vm,
        None => contender::built_vm()?,
    };
    let contenders: Vec<Contender> = args
        .only
        .iter()
        .map(|name| {
            contender::contender(name, args.scale, &vm).with_context(|| format!("bench: {name}"))
        })
        .collect::<Result<_>>()?;
    let mut columns: Vec<Column> = contenders
        .iter()
        .map(|contender| Column {
            name: contender.name,
            runs: Vec::new(),
        })
        .collect();
    // In turn, so that a change in the host's load meets all of them.
    for round in 1..=args.runs {
        for (contender, column) in contenders.iter().zip(&mut columns) {
            println!("bench: run {round} of {}: {}", args.runs, contender.name);
            let run = measure::run(&mut contender.command(), contender.clock, args.limit)
                .with_context(|| format!("bench: {}", contender.name))?;
            column.runs.push(run);
        }
    }
    let text = document(&args, &contenders, &columns);
    println!("\n{text}");
    if let Some(out) = &args.out {
        fs::write(out, &text).with_context(|| format!("writing {}", out.display()))?;
    }
    let differing = report::differing(&columns);
    if differing.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("bench: checksums differ: {}", differing.join(", "));
    Ok(ExitCode::FAILURE)
}

fn document(args: &Args, contenders: &[Contender], columns: &[Column]) -> String {
    let mut text = String::new();
    text.push_str(&format!("Host: {}.\n", host()));
    for contender in contenders
        .iter()
        .filter(|contender| contender.name != "native")
    {
        text.push_str(&format!("{}: {}.\n", contender.name, contender.about));
    }
    text.push_str(&format!(
        "CPU seconds, least of {} runs (spread to the greatest), {} % of the work.\n\n",
        args.runs, args.scale
    ));
    let bounds = bounds::table(columns);
    if !bounds.is_empty() {
        text.push_str(&bounds);
        text.push('\n');
    }
    text.push_str(&report::table(columns));
    text.push('\n');
    text.push_str(&report::boots(columns));
    text
}

/// The processor and how busy it is.
fn host() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model
        .map_or("unknown processor", |(_, model)| model)
        .to_owned();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{count} x {model}, load {load}")
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(line: &str, want: Result<(usize, u32, &str), &str>) {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        match (parse(&words), want) {
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
        check("--fast 1", Err("no option is called --fast"));
    }
}
