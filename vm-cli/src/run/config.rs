//! From the arguments to the runtime's configuration.

use std::hash::{BuildHasher, Hasher};
use std::io::{self, IsTerminal};
use std::path::Path;

use vm_runtime::{
    Config, DiskAccess, DiskConfig, Firmware, Network, OnReset, Source, Symbols, Terminal,
    TimeMode, UserNetwork, VmError, boards, parse_symbols,
};

use crate::args::{RunArgs, TerminalKind, Time};
use crate::diagnose::diagnose;
use crate::ports::NetChoice;
use crate::report::Report;
use crate::run::image;
use crate::{codes, engines, ports};

/// The demo: a guest of our own, built from this project's sources.
const DEMO: &[u8] = include_bytes!("../../../tests/guests/demo/demo.bin");
/// The demo's functions.
const DEMO_MAP: &[u8] = include_bytes!("../../../tests/guests/demo/demo.map");
/// The memory of the demo.
const DEMO_BYTES: u64 = 128 << 20;
/// The memory of other guests.
const RAM_BYTES: u64 = 512 << 20;
/// The memory of a system on a disk.
pub const DISK_RAM_BYTES: u64 = 1 << 30;

/// The configuration that the arguments ask for.
pub fn config(args: &RunArgs, quiet: bool) -> Result<Config, Report> {
    if !boards().iter().any(|board| board.name == args.machine) {
        return Err(diagnose(&VmError::NoMachine {
            name: args.machine.clone(),
        }));
    }
    let firmware = args.firmware.clone().unwrap_or(Firmware::BuiltIn);
    let more = args.initrd.is_some() || args.append.is_some() || args.image.is_some();
    let (kernel, ram_bytes) = kernel(args.kernel.as_deref(), more, &firmware);
    let demo = matches!(kernel, Some(Source::BuiltIn(..)));
    let time = match args.time {
        Time::Host => TimeMode::Host,
        Time::Virtual => TimeMode::Virtual,
    };
    let ram_bytes = match args.image {
        Some(_) => DISK_RAM_BYTES,
        None => ram_bytes,
    };
    let mut config = Config {
        machine: args.machine.clone(),
        kernel,
        boot: None,
        arch: args.arch,
        initrd: args.initrd.clone(),
        append: args.append.clone().unwrap_or_default(),
        firmware,
        ram_bytes: args.memory.unwrap_or(ram_bytes),
        cpus: args.cpus,
        disks: args.drive.clone(),
        network: network(args, demo || time == TimeMode::Virtual)?,
        time,
        terminal: match args.terminal {
            TerminalKind::Serial => Terminal::Serial,
            TerminalKind::Virtio => Terminal::Virtio,
        },
        seed: args
            .seed
            .unwrap_or_else(|| if time == TimeMode::Host { chance() } else { 0 }),
        limit_insns: args.limit_insns,
        on_reset: match (args.no_reboot, args.reboot) {
            (true, _) => OnReset::End,
            (_, true) => OnReset::Always,
            _ => OnReset::Restart,
        },
        // Who sits at a terminal decides for himself, and may only be reading an old log.
        end_on_panic: !args.reboot && !io::stdin().is_terminal(),
        watchdog_ns: args.watchdog,
        profiled: args.perf_map,
        ..Config::default()
    };
    engines::settle(&mut config, &args.engine)?;
    if let Some(image) = &args.image {
        image::take(&mut config, image, args.boot.as_deref(), quiet)?;
    }
    if args.boot.is_some() && config.boot.is_none() {
        return Err(image::no_menu());
    }
    settle_disks(&mut config.disks, args)?;
    Ok(config)
}

/// What starts, and the memory that it has if nobody says.
///
/// Who names nothing to start gets the demo; who names half of it, or `more`, has forgotten.
#[must_use]
pub fn kernel(path: Option<&Path>, more: bool, firmware: &Firmware) -> (Option<Source>, u64) {
    match path {
        Some(path) => (Some(Source::File(path.to_owned())), RAM_BYTES),
        None if !more && *firmware == Firmware::BuiltIn => {
            (Some(Source::BuiltIn("demo", DEMO)), DEMO_BYTES)
        }
        None => (None, RAM_BYTES),
    }
}

/// The symbols of a program that is built in.
#[must_use]
pub fn built_in_symbols(config: &Config) -> Option<Symbols> {
    let demo = matches!(config.kernel, Some(Source::BuiltIn("demo", _)));
    demo.then(|| parse_symbols(DEMO_MAP).ok()).flatten()
}

/// Does to each disk what is asked of all of them.
fn settle_disks(disks: &mut [DiskConfig], args: &RunArgs) -> Result<(), Report> {
    for disk in disks.iter_mut() {
        if args.read_only {
            disk.access = DiskAccess::ReadOnly;
        } else if args.ephemeral && disk.access == DiskAccess::Keep {
            disk.access = DiskAccess::Ephemeral;
        }
    }
    let copy = disks
        .iter()
        .find(|disk| disk.access == DiskAccess::Ephemeral);
    match (copy, &args.save) {
        (Some(disk), Some(state)) => Err(Report::new(codes::SAVE_COPY, codes::SAVE_COPY.title)
            .at(
                disk.path.display(),
                format!("{} would go on without what was written", state.display()),
            )
            .help("leave out --save, or let the disk keep what is written")),
        _ => Ok(()),
    }
}

/// The guest's network; `quiet` guests have one only if it was asked for.
fn network(args: &RunArgs, quiet: bool) -> Result<Network, Report> {
    let forwards: Vec<_> = args.publish.iter().flat_map(|p| p.0.clone()).collect();
    match &args.net {
        Some(NetChoice::None) if !forwards.is_empty() => {
            Err(Report::new(codes::NO_NETWORK, codes::NO_NETWORK.title)
                .at("-p", "was given together with --net none")
                .help("leave out --net none, or -p"))
        }
        Some(NetChoice::None) => Ok(Network::None),
        None if forwards.is_empty() && quiet => Ok(Network::None),
        None => Ok(Network::User(UserNetwork {
            forwards,
            names: None,
        })),
        Some(NetChoice::User { names }) => Ok(Network::User(UserNetwork {
            forwards,
            names: *names,
        })),
    }
}

/// A number that is another one in each run.
fn chance() -> u64 {
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

/// The machine in a line.
#[must_use]
pub fn describe(config: &Config) -> String {
    let Config {
        machine,
        cpus,
        ram_bytes,
        seed,
        ..
    } = config;
    let (mib, engine) = (ram_bytes >> 20, config.engine.name());
    let (disks, net) = (config.disks.len(), ports::name(&config.network));
    format!(
        "machine {machine}, {cpus} CPUs, {mib} MiB, {disks} disks, net {net}, engine {engine}, \
         seed {seed}"
    )
}
