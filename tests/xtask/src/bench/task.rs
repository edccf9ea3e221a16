//! `cargo xtask bench`: the order of the runs, and the document that comes of them.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use super::args::Args;
use super::boots::Boot;
use super::contender::{self, Contender, RAM_MIB};
use super::measure::{self, Plan};
use super::report::{self, Column};
use super::{against, bounds, picture};
use crate::images::{self, run};

/// Runs every contender in turn, as often as asked, and prints the tables.
pub fn main(words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words)?;
    let earlier = match &args.against {
        Some(file) => {
            let text = fs::read_to_string(file);
            Some(text.with_context(|| format!("reading {}", file.display()))?)
        }
        None => None,
    };
    let vm = match args.vm.clone() {
        Some(vm) => vm,
        None => contender::built_vm()?,
    };
    let boots = args.boots();
    make_images(&boots, &args.only)?;
    let contenders: Vec<Contender> = args
        .only
        .iter()
        .map(|name| Contender::new(name, &vm).with_context(|| format!("bench: {name}")))
        .collect::<Result<_>>()?;
    let columns = measure_all(&args, &boots, &contenders)?;
    let text = document(&args, &contenders, &columns);
    println!("\n{text}");
    if let Some(out) = &args.out {
        fs::write(out, &text).with_context(|| format!("writing {}", out.display()))?;
    }
    if let Some(svg) = &args.svg {
        let picture = picture::svg(&columns);
        fs::write(svg, picture).with_context(|| format!("writing {}", svg.display()))?;
    }
    let mut good = true;
    let differing = report::differing(&columns);
    if !differing.is_empty() {
        println!("bench: checksums differ: {}", differing.join(", "));
        good = false;
    }
    if let (Some(earlier), Some(file)) = (earlier, &args.against) {
        let now = bounds::table(&columns, args.scale);
        let losses = against::losses(&earlier, &now)
            .with_context(|| format!("comparing with {}", file.display()))?;
        for loss in &losses {
            println!("bench: lost: {loss}");
        }
        good &= losses.is_empty();
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes the images that are lacking: some are not among those that are made by themselves.
fn make_images(boots: &[Boot], only: &[&str]) -> Result<()> {
    let names = contender::images(boots, only);
    let lacking: Vec<_> = names
        .into_iter()
        .filter(|name| images::path(name).is_none())
        .map(str::to_owned)
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    println!("bench: making {}, which are lacking", lacking.join(", "));
    images::main(&lacking).map(drop)
}

fn measure_all(args: &Args, boots: &[Boot], contenders: &[Contender]) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = contenders
        .iter()
        .map(|contender| Column {
            name: contender.name,
            runs: Vec::new(),
        })
        .collect();
    // In turn, so that a change in the host's load meets all of them.
    for round in 1..=args.runs {
        for boot in boots {
            for (contender, column) in contenders.iter().zip(&mut columns) {
                let (name, about) = (contender.name, boot.about());
                let Some(mut command) = contender.command(*boot, args)? else {
                    continue;
                };
                println!("bench: run {round} of {}: {about}: {name}", args.runs);
                let plan = Plan {
                    boot: *boot,
                    clock: contender.clock,
                    limit: args.limit,
                    ram_kib: RAM_MIB << 10,
                };
                let run = measure::run(&mut command, &plan)
                    .with_context(|| format!("bench: {name}: {about}"))?;
                column.runs.push(run);
            }
        }
    }
    Ok(columns)
}

fn document(args: &Args, contenders: &[Contender], columns: &[Column]) -> String {
    let mut text = format!("{}; host: {}.\n", date(), host());
    for contender in contenders
        .iter()
        .filter(|contender| contender.name != "native")
    {
        text.push_str(&format!("{}: {}.\n", contender.name, contender.about));
    }
    text.push_str(&format!(
        "One CPU, {RAM_MIB} MiB, Debian 13's kernel; CPU seconds of the emulator's process.\n\
         Runs: {}, of {} % of the work.\n",
        args.runs, args.scale
    ));
    let parts = [
        (
            "Ratios are geometric means of best runs; in brackets the worst run against the \
             other's best, and the other way round. Bold is what has to be, `aim` what should be.",
            bounds::table(columns, args.scale),
        ),
        ("", picture::plain(columns)),
        (
            "CPU seconds: the best run (the first, and how much more the worst took).",
            report::table(columns),
        ),
        (
            "What one costs, in the best run.",
            bounds::single_costs(columns, args.scale),
        ),
        (
            "The most that was resident, and when most of it was not the guest's: each page \
             counted once, looked at whenever a workload ends and three times a second while the \
             guest prints.",
            report::boots(columns),
        ),
        (
            "What the engines say of their last runs.",
            report::engines(columns),
        ),
    ];
    for (head, part) in parts.iter().filter(|(_, part)| part.lines().count() > 2) {
        text.push('\n');
        if !head.is_empty() {
            text.push_str(head);
            text.push_str("\n\n");
        }
        text.push_str(part);
    }
    text
}

/// The day, as the host's clock has it.
fn date() -> String {
    let text = run(Command::new("date").args(["-u", "+%Y-%m-%d"])).unwrap_or_default();
    match text.trim() {
        "" => "Day unknown".to_owned(),
        day => day.to_owned(),
    }
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
