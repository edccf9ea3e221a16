//! From the arguments to the runtime's configuration.

use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use vm_runtime::{
    Config, EngineMode, Firmware, OnReset, Source, Terminal, TimeMode, VmError, boards,
};

use crate::args::{EngineKind, RunArgs, TerminalKind, Time};
use crate::diagnose::{diagnose, file};
use crate::report::Report;
use crate::{codes, summary};

/// The demo: a guest of our own, built from this project's sources.
const DEMO: &[u8] = include_bytes!("../../../tests/guests/demo/demo.bin");
/// The memory of the demo.
const DEMO_BYTES: u64 = 128 << 20;
/// The memory of other guests.
const RAM_BYTES: u64 = 512 << 20;

/// The configuration that the arguments ask for.
pub fn config(args: &RunArgs) -> Result<Config, Report> {
    if let Some(image) = &args.image {
        return Err(no_image(image));
    }
    if !boards().iter().any(|board| board.name == args.machine) {
        return Err(diagnose(&VmError::NoMachine {
            name: args.machine.clone(),
        }));
    }
    let firmware = args.firmware.clone().unwrap_or(Firmware::BuiltIn);
    // Whoever names nothing to start gets the demo; whoever names half of it has forgotten.
    let nothing = args.kernel.is_none() && args.initrd.is_none() && args.append.is_none();
    let demo = nothing && firmware == Firmware::BuiltIn;
    let kernel = match &args.kernel {
        Some(path) => Some(Source::File(path.clone())),
        None if demo => Some(Source::BuiltIn("demo", DEMO)),
        None => None,
    };
    let time = match args.time {
        Time::Host => TimeMode::Host,
        Time::Virtual => TimeMode::Virtual,
    };
    Ok(Config {
        machine: args.machine.clone(),
        kernel,
        initrd: args.initrd.clone(),
        append: args.append.clone().unwrap_or_default(),
        firmware,
        ram_bytes: args
            .memory
            .unwrap_or(if demo { DEMO_BYTES } else { RAM_BYTES }),
        cpus: args.cpus,
        disks: args.drive.clone(),
        time,
        terminal: match args.terminal {
            TerminalKind::Serial => Terminal::Serial,
            TerminalKind::Virtio => Terminal::Virtio,
        },
        engine: match args.engine {
            EngineKind::Interp => EngineMode::Interp,
            EngineKind::Jit => EngineMode::Jit,
            EngineKind::Hybrid => EngineMode::Hybrid,
        },
        jit_threshold: args.jit_threshold,
        seed: args
            .seed
            .unwrap_or_else(|| if time == TimeMode::Host { chance() } else { 0 }),
        limit_insns: args.limit_insns,
        on_reset: match (args.no_reboot, args.reboot) {
            (true, _) => OnReset::End,
            (_, true) => OnReset::Always,
            _ => OnReset::Restart,
        },
    })
}

/// A disk image can not be started by itself yet.
fn no_image(image: &Path) -> Report {
    if let Err(error) = image.metadata() {
        return file(image, "can not be read", &error);
    }
    Report::new(codes::IMAGE_BOOT, codes::IMAGE_BOOT.title)
        .at(image.display(), "was given as an image")
        .help("a kernel: vm run -k KERNEL -i INITRD --append TEXT")
        .help("a disk beside the kernel: --drive FILE")
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
    let (mib, engine) = (ram_bytes >> 20, summary::ENGINE);
    let disks = config.disks.len();
    format!(
        "machine {machine}, {cpus} CPUs, {mib} MiB, {disks} disks, engine {engine}, seed {seed}"
    )
}
