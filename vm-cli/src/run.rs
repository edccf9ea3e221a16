//! `vm run`.

pub mod config;
mod debugging;
pub mod image;
mod tracing;
mod watching;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use vm_runtime::{
    ConsoleHub, Control, Difference, Ending, Signal, Snapshot, TimeMode, Vm, replaceable,
};

use self::tracing::Tracing;
use self::watching::Watching;
use crate::args::{ConsoleMode, Manner, RunArgs};
use crate::console::log::{self, Log};
use crate::console::{BANNER, Failure, Keyboard, Pipe, Progress, Screen, terminal};
use crate::diagnose::{diagnose, file};
use crate::report::{Report, printable};
use crate::{codes, difference, exits, failure, out, ports, stats};

/// Starts a machine and stays until it ends.
pub fn run(args: &RunArgs, common: &Manner) -> Result<u8, Report> {
    let config = config::config(args, common.quiet || common.json)?;
    if args.boot.as_deref() == Some("list") {
        return image::list(&config, common);
    }
    if !common.quiet {
        image::warn(&config);
    }
    if let Some(path) = &args.save {
        check_save(path)?;
    }
    // Where that can not be had, the host's own rule stands.
    let _ = vm_runtime::survive_file_limit();
    let about_run = AboutRun {
        seed: config.seed,
        virtual_time: config.time == TimeMode::Virtual,
        network: ports::name(&config.network),
        told: Vec::new(),
        boot: None,
        failed: None,
        found: None,
        stats: None,
        code: None,
        perf_map: None,
    };
    let tracing = Tracing::new(args)?;
    let failure = Failure::default();
    let (log, log_path) = log(args)?;
    let quiet = common.quiet || common.json;
    let progress = (!quiet).then(|| Progress::new("image   is read")).flatten();
    let _ends = progress.as_ref().map(Progress::until_dropped);
    let screen = screen(args, common, &failure)?
        .with_log(log)
        .with_progress(progress.clone());
    let hub = ConsoleHub::new(Box::new(screen));
    let about = config::describe(&config);
    let about_disks = config.clone();
    let built_in = config::built_in_symbols(&config);
    let mut vm = Vm::new(config, hub.clone(), tracing.shared()).map_err(|e| diagnose(&e))?;
    if let (Some(why), false) = (vm.missing_native(), common.quiet) {
        out::tell(&format!(
            "warning: no native code, all is interpreted: {why}\n"
        ));
    }
    if let Some(progress) = &progress {
        progress.begin();
    }
    let boot = vm.booted().map(image::boot_json);
    if let (Some(booted), false, false) = (vm.booted(), common.quiet, common.json) {
        out::tell(&image::lines(booted, &about_disks));
    }
    if let Some(path) = &args.restore {
        let restored = Snapshot::read(path).and_then(|saved| vm.restore(&saved, path));
        restored.map_err(|error| diagnose(&error))?;
    }
    failure.ends(vm.control());
    let symbols = debugging::symbols(args, &mut vm, built_in)?;
    tracing.use_symbols(args, symbols)?;
    let watching = Watching::begin(args, &mut vm)?;
    debugging::debugger(args, common, &mut vm, &hub)?;
    if common.verbose > 0 {
        out::tell(&format!("{about}\n"));
    }
    let start = Instant::now();
    let ran = {
        let _taken = lend_terminal(&vm, &hub, common, log_path.as_deref())?;
        vm.run()
    };
    let ending = match ran {
        Ok(ending) => ending,
        Err(error) => {
            // What the guest has printed and done until then is not lost.
            hub.end_output();
            drop(vm);
            let _ = tracing.finish();
            return Err(diagnose(&error));
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &args.save {
        vm.snapshot()
            .write(path)
            .map_err(|error| diagnose(&error))?;
    }
    let found = vm.difference().map(|found| {
        let state = difference::keep(&mut vm, args.save.as_deref());
        (found, state)
    });
    let failed = failure::is_reported(ending.outcome).then(|| vm.failure(Some(ending.outcome)));
    let stats = vm.stats();
    let watched = watching.end(&vm);
    // The last of the output and of the trace, before what we say about them.
    hub.end_output();
    drop(vm);
    tracing.finish()?;
    if let Some(error) = failure.take() {
        return Err(out::output_error(&error));
    }
    if common.verbose > 0 {
        let mips = ending.instructions as f64 / 1e6 / seconds.max(1e-9);
        out::tell(&format!(
            "{} instructions in {seconds:.3} s, {mips:.1} million a second\n",
            ending.instructions
        ));
    }
    if args.stats && !common.json {
        out::tell(&stats::text(&stats, ending.instructions, seconds));
    }
    watched.tell(common)?;
    let (code, perf_map) = watched.json();
    let about_run = AboutRun {
        code,
        perf_map,
        stats: args
            .stats
            .then(|| stats::json(&stats, ending.instructions, seconds)),
        told: failure.told(),
        boot,
        failed,
        found,
        ..about_run
    };
    say_ending(&ending, &about_run, common)
}

/// Where the guest's output goes: standard output, unless that is for JSON.
fn screen(args: &RunArgs, common: &Manner, failure: &Failure) -> Result<Screen, Report> {
    let to = if common.json {
        rustix::stdio::stderr()
    } else {
        rustix::stdio::stdout()
    };
    let filtered = args.console == ConsoleMode::Safe && to.is_terminal();
    // A handle of its own, so that nothing stands in a buffer that belongs to somebody else.
    let own = rustix::io::dup(to).map_err(|error| out::output_error(&error.into()))?;
    Ok(Screen::new(File::from(own), filtered, failure.clone()))
}

/// Where the guest's output is kept: in the file that was named, or for somebody at a terminal in
/// a folder of the user's.
fn log(args: &RunArgs) -> Result<(Option<Log>, Option<PathBuf>), Report> {
    let at_terminal = || io::stdin().is_terminal() && io::stdout().is_terminal();
    let path = match &args.log {
        Some(path) if path.as_os_str() == "none" => None,
        Some(path) => Some(path.clone()),
        // A host without such a folder has no such logs.
        None if at_terminal() => log::folder().and_then(|folder| log::place_in(&folder).ok()),
        None => None,
    };
    let Some(path) = path else {
        return Ok((None, None));
    };
    match Log::create(&path) {
        Ok(log) => Ok((Some(log), Some(path))),
        Err(_) if args.log.is_none() => Ok((None, None)),
        Err(error) => Err(file(&path, "can not be written as a log", &error)),
    }
}

/// Finds out early whether the state could be written at the end.
fn check_save(path: &Path) -> Result<(), Report> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let possible = if folder.is_dir() {
        replaceable(path)
    } else {
        Err(io::ErrorKind::NotFound.into())
    };
    possible.map_err(|error| file(path, "can not be written as a saved state", &error))
}

/// Connects keys and signals to the run; the terminal comes back when the result goes.
fn lend_terminal(
    vm: &Vm,
    hub: &ConsoleHub,
    common: &Manner,
    log: Option<&Path>,
) -> Result<Option<terminal::Taken>, Report> {
    let refused = |error: io::Error| {
        Report::new(codes::TERMINAL, codes::TERMINAL.title)
            .at("standard input", error.to_string())
            .help("`vm run < /dev/null` needs no terminal")
    };
    let stdin = io::stdin();
    let taken = if stdin.is_terminal() {
        Some(terminal::take().map_err(refused)?)
    } else {
        None
    };
    handle_signals(vm.control(), hub.clone()).map_err(refused)?;
    if taken.is_some() {
        if !common.quiet && io::stderr().is_terminal() {
            out::tell(BANNER);
            if let Some(log) = log {
                out::tell(&format!(
                    "log: {}\r\n",
                    printable(&log.display().to_string())
                ));
            }
        }
        let keyboard = Keyboard::new(hub.clone(), vm.control());
        vm_runtime::read_input(stdin, keyboard).map_err(refused)?;
    } else {
        vm_runtime::read_input(stdin, Pipe(hub.clone())).map_err(refused)?;
    }
    Ok(taken)
}

fn handle_signals(control: Control, hub: ConsoleHub) -> io::Result<()> {
    let mut asked = false;
    vm_runtime::on_signals(move |signal| match signal {
        Signal::End if asked => {
            // The run did not end when it was asked to.
            terminal::give_back();
            std::process::exit(130);
        }
        Signal::End => {
            asked = true;
            control.quit();
            hub.waker().wake();
        }
        Signal::Stop => {
            terminal::give_back();
            vm_runtime::stop_self();
        }
        Signal::Continue => {
            let _ = terminal::take_again();
        }
    })
}

/// What belongs to a run's result beside its ending.
struct AboutRun {
    seed: u64,
    virtual_time: bool,
    network: &'static str,
    /// How the host failed the guest.
    told: Vec<Report>,
    /// What was booted from a disk.
    boot: Option<Value>,
    /// What is known of a guest that failed.
    failed: Option<vm_runtime::Failure>,
    /// How native code and the interpreter differ, and where the machine is kept.
    found: Option<(Difference, Option<PathBuf>)>,
    /// What it has cost, if that is wanted.
    stats: Option<Value>,
    /// What has become of code, if that is wanted.
    code: Option<Value>,
    /// Where the map of native code is.
    perf_map: Option<Value>,
}

impl AboutRun {
    /// Whether the same command line gives the same run.
    fn repeatable(&self) -> bool {
        self.virtual_time && self.network == ports::NONE
    }
}

/// Says how the run ended, and gives the exit code.
fn say_ending(ending: &Ending, about: &AboutRun, common: &Manner) -> Result<u8, Report> {
    let (verdict, code) = exits::verdict(ending.outcome);
    // The host failed the guest, which may have made the best of it.
    let code = match about.told.first() {
        Some(report) if code == 0 => report.code.exit,
        _ => code,
    };
    let hash = ending.state_hash.map(|hash| format!("{hash:#018x}"));
    let sentence = exits::sentence(ending.outcome);
    if common.json {
        let mut all = json!({
            "schema": 1,
            "verdict": verdict,
            "exit_code": code,
            "detail": sentence,
            "instructions": ending.instructions,
            "guest_ns": ending.guest_ns,
            "resets": ending.resets,
            "state_hash": hash,
            "seed": about.seed,
            "network": about.network,
            "repeatable": about.repeatable(),
            "host_errors": about.told.iter().map(Report::json).collect::<Vec<_>>(),
        });
        if let Some(boot) = &about.boot {
            all["boot"] = boot.clone();
        }
        if let Some(failed) = &about.failed {
            all["failure"] = failure::json(failed);
        }
        let more = [
            ("stats", &about.stats),
            ("code", &about.code),
            ("perf_map", &about.perf_map),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                all[name] = value.clone();
            }
        }
        if let Some((found, state)) = &about.found {
            all["difference"] = difference::json(found, state.as_deref());
        }
        out::print(&format!("{all}\n"))?;
        return Ok(code);
    }
    if common.quiet {
        return Ok(code);
    }
    if let Some(sentence) = sentence {
        out::tell(&format!("\nvm: {sentence} (exit code {code})\n"));
    }
    if let Some(failed) = &about.failed {
        let mut rows = failure::rows(failed);
        rows.extend(failure::console_rows(failed));
        out::tell(&failure::text(&rows));
    }
    if let Some((found, state)) = &about.found {
        out::tell(&difference::text(found, state.as_deref()));
    }
    if let (true, Some(hash)) = (about.virtual_time, hash) {
        let seed = about.seed;
        let but = if about.repeatable() {
            ""
        } else {
            " (not repeatable: the guest had a network)"
        };
        out::tell(&format!("state-hash {hash} seed {seed}{but}\n"));
    }
    Ok(code)
}
