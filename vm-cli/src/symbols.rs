//! `vm symbols`: names and addresses of a program or a kernel.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use serde_json::json;
use vm_runtime::boot::Kernel;
use vm_runtime::{Symbols, read_symbols};

use crate::args::{Manner, SymbolsArgs};
use crate::diagnose::{diagnose, file};
use crate::report::Report;
use crate::{codes, out, units};

/// The numbers of architectures in ELF files.
const MACHINES: [(&str, u16); 3] = [("riscv64", 243), ("arm64", 183), ("x86_64", 62)];

/// Shows symbols, looks some up, or writes them as an ELF file.
pub fn show(args: &SymbolsArgs, common: &Manner) -> Result<u8, Report> {
    let symbols = read_symbols(&args.file).map_err(|error| diagnose(&error))?;
    if let Some(path) = &args.elf {
        let bytes = symbols.to_elf(machine(args)?);
        let what = "can not be written as symbols";
        std::fs::write(path, bytes).map_err(|error| file(path, what, &error))?;
        return Ok(0);
    }
    let mut to = BufWriter::new(std::io::stdout().lock());
    let written = if args.what.is_empty() {
        all(&symbols, common.json, &mut to)
    } else {
        let lines: Result<Vec<_>, _> = args.what.iter().map(|what| one(&symbols, what)).collect();
        lines?.into_iter().try_for_each(|(addr, place)| {
            if common.json {
                let line = json!({"schema": 1, "addr": addr, "place": place});
                writeln!(to, "{line}")
            } else {
                writeln!(to, "{addr:#018x} {place}")
            }
        })
    };
    match written.and_then(|()| to.flush()) {
        // A reader that has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(out::output_error(&error)),
        _ => Ok(0),
    }
}

fn all(symbols: &Symbols, as_json: bool, to: &mut impl Write) -> std::io::Result<()> {
    for symbol in symbols.iter() {
        let (addr, kind, name) = (symbol.addr, symbol.kind, symbol.name);
        if as_json {
            let line = json!({"schema": 1, "addr": addr, "kind": kind, "name": name});
            writeln!(to, "{line}")?;
        } else {
            writeln!(to, "{addr:016x} {kind} {name}")?;
        }
    }
    Ok(())
}

/// An address and the place it is in, from either of them.
fn one(symbols: &Symbols, what: &str) -> Result<(u64, String), Report> {
    let found = match (symbols.resolve(what), units::number(what)) {
        (Some(addr), _) => Some((addr, what.to_owned())),
        (None, Ok(addr)) => symbols.lookup(addr).map(|place| (addr, place.to_string())),
        (None, Err(_)) => None,
    };
    found.ok_or_else(|| no_symbol(what))
}

/// The complaint about a name that is no symbol's, or an address in none.
#[must_use]
pub fn no_symbol(what: &str) -> Report {
    Report::new(codes::NO_SYMBOL, format!("there is no symbol `{what}`"))
        .help("`vm symbols FILE` lists all that there are")
}

/// The number of the architecture that the file says, or else that was named.
fn machine(args: &SymbolsArgs) -> Result<u16, Report> {
    let found = arch_of(&args.file);
    let name = found.unwrap_or(&args.arch);
    let known = MACHINES.iter().find(|(known, _)| *known == name);
    known.map(|(_, number)| *number).ok_or_else(|| {
        let known = MACHINES.map(|(name, _)| name).join(", ");
        Report::new(codes::VALUE, "the value of --arch is not possible")
            .at("--arch", format!("`{name}` is no architecture"))
            .help(format!("there are: {known}"))
    })
}

fn arch_of(path: &Path) -> Option<&'static str> {
    // LIMIT: as for a run, where guest memory must hold it.
    const UNPACK_LIMIT: u64 = 1 << 30;
    let bytes = std::fs::read(path).ok()?;
    let kernel = Kernel::open(&bytes, UNPACK_LIMIT).ok()?;
    kernel.arch.map(vm_runtime::boot::Arch::name)
}
