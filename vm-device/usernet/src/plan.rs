//! The addresses of the guest's network, and where each of them leads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

/// The guest's address, which the DHCP server gives it.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The gateway's address; behind it are the services of the host's loopback.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// The name server's address.
pub const NAMES: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The mask of the network.
pub(crate) const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
/// The address that means everybody on it.
pub(crate) const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 255);
/// The hardware address of gateway and name server.
pub(crate) const GATEWAY_MAC: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
/// The most bytes of a packet.
pub(crate) const MTU: usize = 1500;

/// The most bytes of TCP in a packet for a guest that takes large ones.
// LIMIT: with all headers it stays below the 64 KiB of a packet, and two fit a connection's buffer.
pub(crate) const LARGE: u16 = 32_000;

/// The port of name servers.
pub(crate) const DOMAIN: u16 = 53;

/// What is carried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A port of the host behind which a port of the guest stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forward {
    /// What is carried.
    pub protocol: Protocol,
    /// The guest's port.
    pub guest: u16,
}

/// What the network is made of.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The hardware address of the guest's card.
    pub mac: [u8; 6],
    /// The name servers that the host uses, best first.
    pub names: Vec<SocketAddr>,
    /// What listens on the host, in the order of [`crate::Listener`].
    pub forwards: Vec<Forward>,
}

/// Whether an address is in the guest's own network.
pub(crate) fn is_local(addr: Ipv4Addr) -> bool {
    addr.octets()[..3] == GATEWAY.octets()[..3]
}

impl Plan {
    /// Where a guest gets that asks for this address; nowhere if it must not.
    ///
    /// Loopback, the host's link (where clouds keep their secrets at 169.254.169.254), groups and
    /// what stands for "this host" are closed; the gateway's address leads to the loopback.
    pub(crate) fn leads(&self, to: SocketAddrV4) -> Option<SocketAddr> {
        let ip = *to.ip();
        if to.port() == 0 {
            return None;
        }
        if ip == GATEWAY {
            return Some((IpAddr::V4(Ipv4Addr::LOCALHOST), to.port()).into());
        }
        if ip == NAMES {
            let first = self.names.first().copied();
            return first.filter(|_| to.port() == DOMAIN);
        }
        let closed = ip.is_loopback()
            || ip.is_link_local()
            || ip.is_multicast()
            || ip.is_broadcast()
            || ip.octets()[0] == 0
            || ip.octets()[0] >= 240
            || is_local(ip);
        (!closed).then_some(SocketAddr::V4(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_reached_through_the_gateway_only() {
        let plan = Plan {
            names: vec!["192.0.2.1:5353".parse().unwrap()],
            ..Plan::default()
        };
        for (to, want) in [
            ("10.0.2.2:80", Some("127.0.0.1:80")),
            ("10.0.2.3:53", Some("192.0.2.1:5353")),
            ("10.0.2.3:80", None),
            ("10.0.2.4:80", None),
            ("10.0.2.15:80", None),
            ("10.0.2.255:80", None),
            ("127.0.0.1:80", None),
            ("127.9.9.9:80", None),
            ("0.0.0.0:80", None),
            ("0.1.2.3:80", None),
            ("169.254.169.254:80", None),
            ("224.0.0.1:80", None),
            ("255.255.255.255:80", None),
            ("240.0.0.1:80", None),
            ("192.0.2.9:0", None),
            ("10.0.3.1:80", Some("10.0.3.1:80")),
            ("192.0.2.9:443", Some("192.0.2.9:443")),
        ] {
            let got = plan.leads(to.parse().unwrap());
            assert_eq!(got, want.map(|to| to.parse().unwrap()), "{to}");
        }
        assert_eq!(Plan::default().leads("10.0.2.3:53".parse().unwrap()), None);
    }
}
