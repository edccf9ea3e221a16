//! `vm doctor`: what this host offers.

use std::env::consts::{ARCH, OS};
use std::fmt::Write;
use std::io::IsTerminal;

use serde_json::{Value, json};
use vm_runtime::accel::{self, State};

use crate::args::Manner;
use crate::report::{Report, printable};
use crate::summary::ENGINES;
use crate::{codes, out};

/// What was found out about one thing.
struct Finding {
    name: &'static str,
    /// Whether it is as it should be; what is not required never fails.
    ok: bool,
    required: bool,
    text: String,
    advice: Option<&'static str>,
}

impl Finding {
    fn good(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            required: true,
            text: text.into(),
            advice: None,
        }
    }
}

/// Prints what this host offers; fails if something required is missing.
pub fn doctor(common: &Manner) -> Result<u8, Report> {
    let mut findings = vec![
        Finding::good("system", OS),
        Finding::good("processor", format!("{ARCH}, {} CPUs", cpus())),
        Finding::good("engine", format!("{ENGINES}; for {}", guests())),
    ];
    findings.extend(accelerators());
    findings.push(memory());
    findings.push(terminal());
    let missing = findings.iter().find(|found| found.required && !found.ok);
    if common.json {
        let rows: Vec<Value> = findings.iter().map(json_row).collect();
        let all = json!({"schema": 1, "ok": missing.is_none(), "findings": rows});
        out::print(&format!("{all}\n"))?;
    } else if !common.quiet {
        out::print(&text(&findings))?;
    }
    match missing {
        None => Ok(0),
        Some(found) => Err(
            Report::new(codes::HOST_LACKS, "the host lacks something required")
                .at(found.name, found.text.clone())
                .help(found.advice.unwrap_or("see `vm explain VM0061`")),
        ),
    }
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for found in findings {
        let mark = if found.ok { "ok" } else { "--" };
        let _ = writeln!(
            text,
            "{mark}  {:<10} {}",
            found.name,
            printable(&found.text)
        );
        if let Some(advice) = found.advice {
            let _ = writeln!(text, "    {:<10} help: {advice}", "");
        }
    }
    text
}

fn json_row(found: &Finding) -> Value {
    json!({
        "name": found.name, "ok": found.ok, "required": found.required,
        "text": found.text, "advice": found.advice,
    })
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn guests() -> String {
    let names = vm_runtime::boards()
        .into_iter()
        .map(|board| board.arch.name());
    names.collect::<Vec<_>>().join(", ")
}

fn accelerators() -> Vec<Finding> {
    let here = accel::probe()
        .into_iter()
        .filter(|row| row.state != State::NotOnThisHost);
    here.map(|row| {
        let mut text = row.summary();
        let advice = match &row.state {
            State::Available { capabilities, .. } => {
                text = format!("{text}, not used yet ({})", capabilities.join(", "));
                None
            }
            State::Refused { advice, .. } => Some(*advice),
            State::NotOnThisHost => None,
        };
        Finding {
            name: row.name,
            ok: advice.is_none(),
            required: false,
            text,
            advice,
        }
    })
    .collect()
}

/// The least memory with which the demo runs well.
// LIMIT: its 128 MiB, which it hardly touches, and as much for translated code.
const LEAST_MIB: u64 = 256;

fn memory() -> Finding {
    // Only Linux has this file; elsewhere the run itself will tell.
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let field = |name: &str| {
        let line = table.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib >> 10)
    };
    match (field("MemAvailable:"), field("MemTotal:")) {
        (Some(free), Some(total)) => Finding {
            ok: free >= LEAST_MIB,
            advice: (free < LEAST_MIB).then_some("end other programs: guests need memory"),
            ..Finding::good("memory", format!("{free} MiB of {total} MiB available"))
        },
        _ => Finding::good("memory", "not known on this host"),
    }
}

fn terminal() -> Finding {
    let is = |yes: bool| if yes { "a terminal" } else { "no terminal" };
    let (input, output) = (
        std::io::stdin().is_terminal(),
        std::io::stdout().is_terminal(),
    );
    let term = std::env::var("TERM").unwrap_or_else(|_| "not set".to_owned());
    let text = format!(
        "input is {}, output is {}, TERM {term}",
        is(input),
        is(output)
    );
    Finding {
        required: false,
        ..Finding::good("terminal", text)
    }
}
