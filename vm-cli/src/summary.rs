//! `vm` alone: the shortest help, and a line about the host.

use std::env::consts::{ARCH, OS};

use serde_json::json;
use vm_runtime::COMPILES;
use vm_runtime::accel::{self, Accelerator, State};

use crate::args::Manner;
use crate::out;
use crate::report::Report;

const HELP: &str = "\
vm run                                     start the built-in demo
vm run disk.img                            boot a disk image
vm run -k Image -i initrd --append TEXT    start a kernel; `vm run --help` has the rest
vm test FILE                               boot guests and check what they do
vm disasm FILE                             show machine code as text
vm machine show                            show the machine's devices and addresses
vm doctor                                  say what this host offers
vm explain CODE                            explain an error; `vm explain exit`: the exit codes
";

/// What can run guests here.
pub const ENGINES: &str = if COMPILES {
    "compilers, and an interpreter beside them"
} else {
    "interpreter"
};

/// Prints help and host.
pub fn show(common: &Manner) -> Result<u8, Report> {
    let host = host_line();
    if common.json {
        let version = env!("CARGO_PKG_VERSION");
        out::print(&format!(
            "{}\n",
            json!({"schema": 1, "version": version, "host": host})
        ))?;
    } else {
        out::print(HELP)?;
        if !common.quiet {
            out::print(&format!("{host}\n"))?;
        }
    }
    Ok(0)
}

/// The host in a line.
#[must_use]
pub fn host_line() -> String {
    let accelerators: String = accel::probe()
        .iter()
        .filter(|row| row.state != State::NotOnThisHost)
        .map(|row| format!(", {}: {}", row.name.to_lowercase(), short(row)))
        .collect();
    format!("host {ARCH} {OS}{accelerators}, engine: {ENGINES}")
}

fn short(row: &Accelerator) -> String {
    match &row.state {
        State::Available { .. } => "ok, not used yet".to_owned(),
        _ => format!("{} (vm doctor)", row.summary()),
    }
}
