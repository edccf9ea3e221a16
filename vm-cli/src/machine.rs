//! `vm machine show`: a machine's devices and addresses.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;
use vm_runtime::boot::fdt;
use vm_runtime::{Config, Network, Node, UserNetwork, Value};

use crate::args::{Manner, ShowArgs};
use crate::diagnose::{diagnose, file};
use crate::report::Report;
use crate::{codes, out};

/// Prints or writes a machine's description.
pub fn show(args: &ShowArgs, common: &Manner) -> Result<u8, Report> {
    let config = Config {
        machine: args.machine.clone(),
        cpus: args.cpus,
        ram_bytes: args.memory,
        // As in a run that names none.
        network: Network::User(UserNetwork::default()),
        ..Config::default()
    };
    let tree = vm_runtime::describe(&config).map_err(|error| diagnose(&error))?;
    if let Some(path) = &args.dtb {
        write_blob(&tree, path)?;
    } else if args.dts {
        out::print(&fdt::text(&tree))?;
    } else if common.json {
        let row = |(slot, kind): &(u8, &str)| json!({"slot": slot, "kind": kind});
        let pci: Vec<_> = functions(&config)?.iter().map(row).collect();
        let tree = fdt::json(&tree);
        let all = json!({"schema": 1, "machine": args.machine, "tree": tree, "pci": pci});
        out::print(&format!("{all}\n"))?;
    } else {
        out::print(&table(&args.machine, &tree))?;
        for (slot, kind) in functions(&config)? {
            out::print(&format!("PCIe 00:{slot:02x}.0  {kind}\n"))?;
        }
    }
    Ok(0)
}

/// What stands on the PCIe bus when there are no disks.
fn functions(config: &Config) -> Result<Vec<(u8, &'static str)>, Report> {
    vm_runtime::pci_functions(config).map_err(|error| diagnose(&error))
}

fn write_blob(tree: &Node, path: &Path) -> Result<(), Report> {
    let blob = fdt::blob(tree)
        .map_err(|error| Report::new(codes::TREE, codes::TREE.title).help(error.to_string()))?;
    if path != Path::new("-") {
        let written = std::fs::write(path, blob);
        return written.map_err(|error| file(path, "can not be written", &error));
    }
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        return Err(
            Report::new(codes::USAGE, "a device tree blob is nothing for a terminal")
                .help("name a file, or use --dts for text"),
        );
    }
    let written = std::io::Write::write_all(&mut stdout, &blob);
    written.map_err(|error| out::output_error(&error))
}

/// One line a device: address, size, name, what it is compatible with.
fn table(name: &str, tree: &Node) -> String {
    let kind = vm_runtime::boards()
        .into_iter()
        .find(|board| board.name == name);
    let mut text = String::new();
    if let Some(kind) = kind {
        let _ = writeln!(text, "{name}  {}  {}\n", kind.arch.name(), kind.doc);
    }
    let mut rows = Vec::new();
    collect(tree, &mut rows);
    rows.sort();
    for (base, size, name, compatible) in rows {
        let _ = writeln!(text, "{base:#014x}  {size:#012x}  {name:<24} {compatible}");
    }
    text
}

fn collect(node: &Node, rows: &mut Vec<(u64, u64, String, String)>) {
    // CPUs have a number for an address, and what they contain has none.
    for child in node.children.iter().filter(|child| child.name != "cpus") {
        if let Some((base, size)) = child.value("reg").and_then(first_range) {
            let compatible = match child.value("compatible") {
                Some(Value::Text(names)) => names.join(", "),
                _ => String::new(),
            };
            rows.push((base, size, child.name.clone(), compatible));
        }
        collect(child, rows);
    }
}

/// The first address and size of a `reg` property with two cells each.
fn first_range(value: &Value) -> Option<(u64, u64)> {
    match value {
        Value::Wide(numbers) => Some((*numbers.first()?, *numbers.get(1)?)),
        Value::Cells(cells) => {
            let wide =
                |at: usize| Some(u64::from(*cells.get(at)?) << 32 | u64::from(*cells.get(at + 1)?));
            Some((wide(0)?, wide(2)?))
        }
        _ => None,
    }
}
