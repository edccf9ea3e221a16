//! A machine's description without a run.

use vm_device_bus::Node;
use vm_device_virtio::{Rng, VirtioDevice};

use crate::board::{Board, Parts, boards};
use crate::console::{ConsoleHub, ConsoleIo};
use crate::net::NetHandle;
use crate::{Config, VmError};

/// What a guest would be told about a machine of this configuration; no file is opened.
pub fn describe(config: &Config) -> Result<Node, VmError> {
    Ok(board(config)?.describe(&config.append))
}

/// What stands on the PCIe bus of such a machine, with its slots; disks come before these.
pub fn pci_functions(config: &Config) -> Result<Vec<(u8, &'static str)>, VmError> {
    Ok(board(config)?.functions())
}

/// The machine without anything behind its devices.
fn board(config: &Config) -> Result<Box<dyn Board>, VmError> {
    let found = boards()
        .into_iter()
        .find(|board| board.name == config.machine);
    let kind = found.ok_or_else(|| VmError::NoMachine {
        name: config.machine.clone(),
    })?;
    let mut virtio: Vec<Box<dyn VirtioDevice>> = vec![Box::new(Rng)];
    virtio.extend(NetHandle::unplugged(&config.network));
    Ok((kind.build)(Parts {
        cpus: config.cpus,
        ram_bytes: config.ram_bytes,
        console: Box::new(ConsoleHub::new(Box::new(Nobody))),
        virtio,
        epoch_ns: 0,
    })?)
}

/// A console that nobody looks at.
struct Nobody;

impl ConsoleIo for Nobody {
    fn print(&mut self, _bytes: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, UserNetwork};

    #[test]
    fn a_network_is_the_last_function() {
        let functions = |network| {
            let config = Config {
                network,
                ..Config::default()
            };
            pci_functions(&config).ok()
        };
        let rng = (1, "virtio-rng");
        assert_eq!(functions(Network::None), Some(vec![rng]));
        let user = Network::User(UserNetwork::default());
        assert_eq!(functions(user), Some(vec![rng, (2, "virtio-net")]));
    }

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
