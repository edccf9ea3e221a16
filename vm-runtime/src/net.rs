//! The guest's way to the outside: a network without privileges, on a thread of its own.
//!
//! What the network is and does stands in `vm-device-usernet`; here are its sockets, the thread
//! that waits for them, and the two queues between that thread and the guest's card.
//! The thread sleeps until a socket is ready, the guest has sent something, or a time has come.

mod link;
mod resolver;
mod sockets;
mod worker;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};

use vm_device_bus::Net;
use vm_device_usernet::{Forward, Plan};
use vm_device_virtio::{NetCard, VirtioDevice};

use self::link::Link;
use self::sockets::Sockets;
use crate::{VmError, Waker};

pub use vm_device_usernet::Protocol;

/// The hardware address of the guest's card.
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// The most bytes of a packet.
const MTU: u16 = 1500;

/// Whether the guest has a network, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// No card at all.
    #[default]
    None,
    /// A network of its own, from which it reaches others as a program of the host would.
    User(UserNetwork),
}

/// What the guest's own network is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserNetwork {
    /// Ports of the host that stand for ports of the guest.
    pub forwards: Vec<PortForward>,
    /// The name server to ask, in place of those that the host uses.
    pub names: Option<SocketAddr>,
}

/// A port of the host that stands for a port of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortForward {
    /// What is carried.
    pub protocol: Protocol,
    /// The host's address that listens.
    pub bind: IpAddr,
    /// The host's port.
    pub host: u16,
    /// The guest's port.
    pub guest: u16,
}

/// A network that is not there.
struct Nowhere;

impl Net for Nowhere {
    fn send(&mut self, _frame: &[u8]) {}

    fn receive(&mut self) -> Option<Vec<u8>> {
        None
    }
}

/// The machine's handle of its network.
pub(crate) struct NetHandle(Option<std::sync::Arc<Link>>);

impl NetHandle {
    /// Starts the network, and gives the guest's card if there is one.
    pub fn start(
        network: &Network,
        machine: Waker,
    ) -> Result<(Self, Option<Box<dyn VirtioDevice>>), VmError> {
        let Network::User(user) = network else {
            return Ok((Self(None), None));
        };
        let sockets = Sockets::listen(&user.forwards)?;
        let forward = |forward: &PortForward| Forward {
            protocol: forward.protocol,
            guest: forward.guest,
        };
        let plan = Plan {
            mac: MAC,
            names: match user.names {
                Some(names) => vec![names],
                None => resolver::names(),
            },
            forwards: user.forwards.iter().map(forward).collect(),
        };
        // Sequence numbers that peers can not guess; nothing of it reaches a repeatable run.
        let seed = RandomState::new().build_hasher().finish();
        let (link, cable) = worker::start(plan, seed, sockets, machine)?;
        let card = NetCard::new(Box::new(cable), MAC, MTU);
        Ok((Self(Some(link)), Some(Box::new(card))))
    }

    /// The guest's card with nothing at the other end, for descriptions.
    pub fn unplugged(network: &Network) -> Option<Box<dyn VirtioDevice>> {
        let on = *network != Network::None;
        on.then(|| Box::new(NetCard::new(Box::new(Nowhere), MAC, MTU)) as Box<dyn VirtioDevice>)
    }

    /// Whether frames have come since the last call.
    pub fn take_fresh(&self) -> bool {
        self.0.as_ref().is_some_and(|link| link.take_fresh())
    }

    /// Whether something may come while the guest does nothing.
    pub fn may_bring(&self) -> bool {
        self.0.as_ref().is_some_and(|link| link.may_bring())
    }
}
