//! The bench program: its sources, and how it is compiled for guest and host alike.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::apt;

/// The compiler for the guest.
pub const GUEST_COMPILER: &str = "riscv64-linux-gnu-gcc";
/// The compiler for this host.
pub const HOST_COMPILER: &str = "gcc";

/// What the init script calls in the guest.
pub const RUN: &str = include_str!("../../../guests/bench/run.sh");

/// The sources, by name.
pub const SOURCES: &[(&str, &str)] = &[
    ("bench.h", include_str!("../../../guests/bench/bench.h")),
    ("main.c", include_str!("../../../guests/bench/main.c")),
    ("integer.c", include_str!("../../../guests/bench/integer.c")),
    ("memory.c", include_str!("../../../guests/bench/memory.c")),
    ("float.c", include_str!("../../../guests/bench/float.c")),
    ("system.c", include_str!("../../../guests/bench/system.c")),
];

/// Everything that the bench images are made from.
pub const INPUTS: &[&str] = &[
    RUN,
    super::initrd::INIT,
    SOURCES[0].1,
    SOURCES[1].1,
    SOURCES[2].1,
    SOURCES[3].1,
    SOURCES[4].1,
    SOURCES[5].1,
];

/// Static, so that it runs on any root; without contraction, so that floating point gives the
/// same bits everywhere; without a build id and symbols, so that the file is reproducible.
const FLAGS: &[&str] = &[
    "-O2",
    "-std=gnu17",
    "-static",
    "-s",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wl,--build-id=none",
];

/// Compiles the program with `compiler` into `folder`, as the file `bench`.
pub fn compile(compiler: &str, folder: &Path) -> Result<()> {
    for (name, text) in SOURCES {
        fs::write(folder.join(name), text)?;
    }
    let units = SOURCES
        .iter()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with(".c"));
    let mut command = Command::new(compiler);
    command
        .args(FLAGS)
        .args(["-o", "bench"])
        .args(units)
        .current_dir(folder);
    apt::run(&mut command)
        .context("compiling the bench program")
        .map(drop)
}
