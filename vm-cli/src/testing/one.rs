//! Runs one test in this process and says as JSON what came of it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use vm_runtime::{
    Config, DiskAccess, DiskConfig, Firmware, Network, Signal, Terminal, TimeMode, UserNetwork, Vm,
};

use super::listener::Listener;
use super::load::load;
use super::pattern::Variables;
use super::play::{Orphan, Played, Told, play};
use super::serve::{VARIABLE, serve};
use super::suite::{Case, Drive, Setup};
use super::verdict::Verdict;
use crate::args::TestArgs;
use crate::codes;
use crate::diagnose::diagnose;
use crate::engines;
use crate::out;
use crate::ports::NetChoice;
use crate::report::Report;
use crate::run::config::{DISK_RAM_BYTES, built_in_symbols, kernel};
use crate::run::image;

/// Runs the test with a number of the first file.
pub fn one(args: &TestArgs, number: usize, scratch: &Path) -> Result<u8, Report> {
    let path = args.paths.first().cloned().unwrap_or_default();
    let suite = load(&path)?;
    let Some(case) = suite.cases.get(number) else {
        let fact = format!("there is no test with number {number}");
        return Err(
            Report::new(codes::NO_TESTS, "the test file has changed").at(path.display(), fact)
        );
    };
    let played = carry_out(case, args, scratch).unwrap_or_else(|report| refused(&report));
    out::print(&format!("{}\n", to_json(&played)))?;
    Ok(0)
}

/// A test that could not begin: the file is wrong, or the host.
fn refused(report: &Report) -> Played {
    let verdict = match report.code.exit {
        2 => Verdict::Error,
        _ => Verdict::Infra,
    };
    let fact = report.fact.as_deref().unwrap_or_default();
    let place = report.place.as_deref().unwrap_or_default();
    Played {
        verdict,
        detail: format!("[{}] {}: {place}: {fact}", report.code, report.message),
        place: String::new(),
        guest_ns: 0,
        instructions: 0,
        state_hash: None,
        last: Vec::new(),
        failure: None,
    }
}

fn carry_out(case: &Case, args: &TestArgs, scratch: &Path) -> Result<Played, Report> {
    // Where that can not be had, the host's own rule stands.
    let _ = vm_runtime::survive_file_limit();
    let config = config(&case.setup, args, scratch)?;
    let mut variables = Variables::new();
    if let Some(folder) = &case.setup.serve {
        let address = serve(folder).map_err(|error| {
            Report::new(codes::TEST_SERVE, codes::TEST_SERVE.title)
                .at(folder.display(), error.to_string())
                .help("`serve` takes a folder that you can read")
        })?;
        variables.insert(VARIABLE.to_owned(), address);
    }
    let forbidden = case.setup.forbid.iter().map(|template| {
        let pattern = template.pattern(&Variables::new());
        // It was compiled when the file was read.
        pattern.map(|pattern| (template.text.clone(), pattern))
    });
    let forbidden = forbidden
        .collect::<Result<_, _>>()
        .map_err(|fact| Report::new(codes::TEST_PATTERN, fact))?;
    let listener = Listener::new(forbidden);
    let hub = listener.console();
    // Nobody types but the steps.
    hub.close();
    let symbols = built_in_symbols(&config);
    let mut vm = Vm::new(config, hub, None).map_err(|error| diagnose(&error))?;
    if let Some(symbols) = symbols {
        vm.set_symbols(Arc::new(symbols));
    }
    listen_to_parent(&vm).map_err(|error| {
        Report::new(codes::TEST_PROCESS, codes::TEST_PROCESS.title)
            .at("standard input", error.to_string())
    })?;
    Ok(play(case, variables, &mut vm, &listener))
}

/// Ends the run with the process that wants its result, and by signals.
fn listen_to_parent(vm: &Vm) -> io::Result<()> {
    let control = vm.control();
    vm_runtime::on_signals(move |signal| match signal {
        Signal::End => control.quit(),
        Signal::Stop => vm_runtime::stop_self(),
        Signal::Continue => {}
    })?;
    vm_runtime::read_input(io::stdin(), Orphan(vm.control()))
}

fn config(setup: &Setup, args: &TestArgs, scratch: &Path) -> Result<Config, Report> {
    let default = Config::default();
    let firmware = setup.firmware.clone().unwrap_or(Firmware::BuiltIn);
    let more = setup.initrd.is_some() || setup.append.is_some() || setup.image.is_some();
    let (kernel, mut ram_bytes) = kernel(setup.kernel.as_deref(), more, &firmware);
    if setup.image.is_some() {
        ram_bytes = DISK_RAM_BYTES;
    }
    let drives = setup.drives.as_deref().unwrap_or_default();
    let disks = drives
        .iter()
        .enumerate()
        .map(|(number, drive)| throw_away(drive, number, scratch));
    let mut config = Config {
        machine: setup.machine.clone().unwrap_or(default.machine.clone()),
        kernel,
        initrd: setup.initrd.clone(),
        append: setup.append.clone().unwrap_or_default(),
        firmware,
        ram_bytes: setup.memory.unwrap_or(ram_bytes),
        cpus: setup.cpus.unwrap_or(default.cpus),
        disks: disks.collect::<Result<_, _>>()?,
        time: setup.time.unwrap_or(TimeMode::Virtual),
        seed: args.seed.or(setup.seed).unwrap_or_default(),
        limit_insns: setup.limit_insns,
        terminal: setup.terminal.unwrap_or(Terminal::Serial),
        end_on_panic: true,
        network: network(setup),
        watchdog_ns: setup.watchdog_ns.or(args.watchdog),
        ..default
    };
    engines::settle(&mut config, &args.engine)?;
    if let Some(path) = &setup.image {
        let disk = DiskConfig::new(path).access(DiskAccess::Ephemeral);
        image::take(&mut config, &disk, None, true)?;
    }
    Ok(config)
}

/// The network of a test: none, unless it wants one.
fn network(setup: &Setup) -> Network {
    let wanted = setup
        .serve
        .as_ref()
        .map(|_| NetChoice::User { names: None });
    match setup.net.or(wanted) {
        Some(NetChoice::User { names }) => Network::User(UserNetwork {
            names,
            ..UserNetwork::default()
        }),
        Some(NetChoice::None) | None => Network::None,
    }
}

/// A disk that the test may write, and that goes with it.
fn throw_away(drive: &Drive, number: usize, scratch: &Path) -> Result<DiskConfig, Report> {
    Ok(match drive {
        Drive::File { path, read_only } => DiskConfig::new(path).access(if *read_only {
            DiskAccess::ReadOnly
        } else {
            DiskAccess::Ephemeral
        }),
        Drive::Empty { bytes } => {
            let path = scratch.join(format!("disk{number}"));
            let made = File::create(&path).and_then(|file| file.set_len(*bytes));
            made.map_err(|error| no_disk(&path, &error))?;
            DiskConfig::new(path)
        }
    })
}

fn no_disk(path: &Path, error: &io::Error) -> Report {
    Report::new(
        codes::TEST_PROCESS,
        "the disk of a test can not be made on the host",
    )
    .at(path.display(), error.to_string())
    .help("look for free space; TMPDIR names another folder")
}

/// What came of a test, for the process that wants it.
pub fn to_json(played: &Played) -> Value {
    json!({
        "verdict": played.verdict.word(),
        "detail": played.detail,
        "place": played.place,
        "guest_ns": played.guest_ns,
        "instructions": played.instructions,
        "state_hash": played.state_hash.map(|hash| format!("{hash:#018x}")),
        "last": played.last,
        "failure": played.failure.as_ref().map(|told| &told.json),
        "failure_rows": played.failure.as_ref().map(|told| &told.rows),
    })
}

/// What [`to_json`] wrote; nothing if it is not that.
#[must_use]
pub fn from_json(text: &str) -> Option<Played> {
    let value: Value = serde_json::from_str(text).ok()?;
    let words = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let hash = value.get("state_hash")?.as_str();
    let lines = value.get("last")?.as_array()?;
    Some(Played {
        verdict: Verdict::named(value.get("verdict")?.as_str()?)?,
        detail: words("detail")?,
        place: words("place")?,
        guest_ns: value.get("guest_ns")?.as_u64()?,
        instructions: value.get("instructions")?.as_u64()?,
        state_hash: match hash {
            Some(hash) => Some(u64::from_str_radix(hash.strip_prefix("0x")?, 16).ok()?),
            None => None,
        },
        last: lines
            .iter()
            .filter_map(|line| Some(line.as_str()?.to_owned()))
            .collect(),
        failure: told(&value).map(Box::new),
    })
}

fn told(value: &Value) -> Option<Told> {
    let row = |row: &Value| {
        let words = |at: usize| Some(row.get(at)?.as_str()?.to_owned());
        Some((words(0)?, words(1)?))
    };
    let rows = value.get("failure_rows")?.as_array()?;
    Some(Told {
        rows: rows.iter().filter_map(row).collect(),
        json: value.get("failure")?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_test_is_read_back() {
        for state_hash in [None, Some(0xfedc_ba98_7654_3210)] {
            let played = Played {
                verdict: Verdict::Hang,
                detail: "a \"b\"\n".to_owned(),
                place: "f:1:2".to_owned(),
                guest_ns: 5,
                instructions: 6,
                state_hash,
                last: vec!["x".to_owned(), String::new()],
                failure: state_hash.map(|_| {
                    let rows = vec![("at".to_owned(), "f+0x2".to_owned())];
                    let json = json!({"cpu": 1});
                    Box::new(Told { rows, json })
                }),
            };
            let back = from_json(&to_json(&played).to_string()).expect("the same");
            assert_eq!(format!("{back:?}"), format!("{played:?}"));
        }
        for text in ["", "{}", "[]", "{\"verdict\":\"pass\"}"] {
            assert!(from_json(text).is_none(), "{text}");
        }
    }
}
