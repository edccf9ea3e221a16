//! The debugger of a run.

use std::io::ErrorKind;
use std::sync::Arc;

use vm_runtime::gdb::{Gdb, Server};
use vm_runtime::{ConsoleHub, Vm, read_symbols};

use crate::args::{Manner, RunArgs};
use crate::diagnose::diagnose;
use crate::report::Report;
use crate::{codes, out};

/// Gives the machine its symbols and its debugger, if the arguments ask for them.
pub fn prepare(
    args: &RunArgs,
    common: &Manner,
    vm: &mut Vm,
    hub: &ConsoleHub,
) -> Result<(), Report> {
    if let Some(path) = &args.symbols {
        let mut symbols = read_symbols(path).map_err(|error| diagnose(&error))?;
        vm.settle_symbols(&mut symbols);
        vm.set_symbols(Arc::new(symbols));
    }
    let Some(address) = &args.gdb else {
        return Ok(());
    };
    let server = Server::listen(address, hub.waker()).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::AddrInUse => "another run may wait there: give another one, as --gdb 1235",
            _ => "give a port of this machine, or a path in a folder that you may write to",
        };
        Report::new(codes::DEBUGGER, "nobody can debug through this address")
            .at(format!("--gdb {address}"), error.to_string())
            .help(help)
    })?;
    let waits = !args.gdb_nowait;
    if !common.quiet {
        let what = if waits {
            "waits for a debugger"
        } else {
            "can be debugged"
        };
        out::tell(&format!(
            "vm: {what}: gdb-multiarch -ex 'target remote {}'\n",
            server.address()
        ));
    }
    vm.set_debugger(Box::new(Gdb::new(server, waits)));
    Ok(())
}
