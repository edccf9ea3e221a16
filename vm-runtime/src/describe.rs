//! A machine's description without a run.

use vm_device_bus::Node;
use vm_device_virtio::Rng;

use crate::board::{Parts, boards};
use crate::console::{ConsoleHub, ConsoleIo};
use crate::{Config, VmError};

/// What a guest would be told about a machine of this configuration; no file is opened.
pub fn describe(config: &Config) -> Result<Node, VmError> {
    let found = boards()
        .into_iter()
        .find(|board| board.name == config.machine);
    let kind = found.ok_or_else(|| VmError::NoMachine {
        name: config.machine.clone(),
    })?;
    let board = (kind.build)(Parts {
        cpus: config.cpus,
        ram_bytes: config.ram_bytes,
        console: Box::new(ConsoleHub::new(Box::new(Nobody))),
        virtio: vec![Box::new(Rng)],
        epoch_ns: 0,
    })?;
    Ok(board.describe(&config.append))
}

/// A console that nobody looks at.
struct Nobody;

impl ConsoleIo for Nobody {
    fn print(&mut self, _bytes: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_follows_its_configuration() {
        let cpus = |count| {
            let tree = describe(&Config {
                cpus: count,
                ..Config::default()
            })?;
            let cpus = tree.find("cpus").map_or(&[][..], |node| &node.children);
            Ok(cpus
                .iter()
                .filter(|node| node.name.starts_with("cpu@"))
                .count())
        };
        for count in [1, 3, 8] {
            let found: Result<usize, VmError> = cpus(count);
            assert_eq!(found.ok(), Some(count as usize));
        }
        assert!(matches!(cpus(9), Err(VmError::Machine(_))));
        let other = Config {
            machine: "toaster".to_owned(),
            ..Config::default()
        };
        assert!(matches!(describe(&other), Err(VmError::NoMachine { .. })));
    }
}
