//! The symbols and the debugger of a run.

use std::io::ErrorKind;
use std::sync::Arc;

use vm_runtime::gdb::{Gdb, Server};
use vm_runtime::{ConsoleHub, Symbols, Vm, read_symbols};

use super::{tracing, watching};
use crate::args::{Manner, RunArgs};
use crate::diagnose::diagnose;
use crate::report::Report;
use crate::{codes, out};

/// The symbols that were named, or that names in other arguments need; a program that is built in
/// brings its own.
pub fn symbols(
    args: &RunArgs,
    vm: &mut Vm,
    built_in: Option<Symbols>,
) -> Result<Option<Arc<Symbols>>, Report> {
    let named = tracing::has_names(args) || watching::has_names(args);
    let wanted = args.symbols.is_some() || named;
    let liked = watching::likes_names(args);
    let mut symbols = match (&args.symbols, &args.kernel) {
        (Some(path), _) => read_symbols(path).map_err(|error| diagnose(&error))?,
        (None, _) if built_in.is_some() => built_in.unwrap_or_default(),
        (None, Some(kernel)) if !wanted && liked => read_symbols(kernel).unwrap_or_default(),
        (None, None) if !wanted && liked => vm.guest_symbols().unwrap_or_default(),
        (None, _) if !wanted => return Ok(None),
        (None, Some(kernel)) => read_symbols(kernel).map_err(|error| diagnose(&error))?,
        // A kernel that a disk has brought.
        (None, None) => vm.guest_symbols().map_err(|error| {
            Report::new(codes::NO_SYMBOLS, "a name needs symbols")
                .at("the guest's memory", error.to_string())
                .help("give --symbols FILE")
        })?,
    };
    if symbols.is_empty() {
        return Ok(None);
    }
    vm.settle_symbols(&mut symbols);
    let symbols = Arc::new(symbols);
    vm.set_symbols(symbols.clone());
    Ok(wanted.then_some(symbols))
}

/// Gives the machine its debugger, if the arguments ask for one.
pub fn debugger(
    args: &RunArgs,
    common: &Manner,
    vm: &mut Vm,
    hub: &ConsoleHub,
) -> Result<(), Report> {
    let Some(address) = &args.gdb else {
        return Ok(());
    };
    let server = Server::listen(address, hub.waker()).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::AddrInUse => "another run may wait there: give another one, as --gdb 1235",
            _ => "give a port of this machine, or a path in a folder that you may write to",
        };
        Report::new(codes::DEBUGGER, codes::DEBUGGER.title)
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
        let address = server.address();
        out::tell(&format!(
            "vm: {what}: gdb-multiarch -ex 'target remote {address}'\n"
        ));
    }
    vm.set_debugger(Box::new(Gdb::new(server, waits)));
    Ok(())
}
