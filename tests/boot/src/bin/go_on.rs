//! Goes on from a saved state in a process of its own: `go_on STATE VMTEST CPUS SEED PART [DISK]`.
//!
//! The run is cut again every PART instructions. It prints what the guest printed, then a line
//! with the outcome and the state's hash.
#![expect(clippy::print_stdout, reason = "its caller reads what it prints")]

use std::path::Path;

use anyhow::{Context as _, Result};
use tests_boot::Guest;
use vm_runtime::{DiskAccess, Outcome, Snapshot};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let argument = |index: usize| {
        let found = arguments.get(index);
        found.with_context(|| format!("argument {index} is not there"))
    };
    let guest = Guest::linux(argument(2)?).context("there is no kernel")?;
    let mut guest = guest
        .cpus(argument(3)?.parse()?)
        .seed(argument(4)?.parse()?);
    let part: u64 = argument(5)?.parse()?;
    if let Ok(disk) = argument(6) {
        guest = guest.disk(Path::new(disk), DiskAccess::Keep);
    }
    let mut machine = guest.restored(&Snapshot::read(Path::new(argument(1)?))?);
    let ending = loop {
        let next = machine.vm.instructions() + part;
        let ending = machine.run_to(next)?;
        if ending.outcome != Outcome::Limit {
            break ending;
        }
    };
    let hash = ending.state_hash.context("virtual time has a hash")?;
    println!("{}\nEND {:?} {hash:016x}", machine.text(), ending.outcome);
    Ok(())
}
