//! The values of `--net` and `-p`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use vm_runtime::{Network, PortForward, Protocol};

/// The word for a machine without a network.
pub const NONE: &str = "none";

/// The port of name servers.
const DOMAIN: u16 = 53;
/// The most ports of one range.
// LIMIT: each port is a socket of the host; more of them are a mistake.
const RANGE: usize = 128;

/// The network that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetChoice {
    /// No card.
    None,
    /// The guest's own network.
    User {
        /// Where names are asked.
        names: Option<SocketAddr>,
    },
}

/// The ports of one `-p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published(pub Vec<PortForward>);

/// The word for a network.
#[must_use]
pub fn name(network: &Network) -> &'static str {
    match network {
        Network::None => NONE,
        Network::User(_) => "user",
    }
}

/// A network: `none`, `user`, or `user,dns=ADDR`.
pub fn net(text: &str) -> Result<NetChoice, String> {
    let (kind, option) = match text.split_once(',') {
        Some((kind, option)) => (kind, Some(option)),
        None => (text, None),
    };
    match (kind, option) {
        ("none", None) => Ok(NetChoice::None),
        ("user", None) => Ok(NetChoice::User { names: None }),
        ("user", Some(option)) => {
            let addr = option.strip_prefix("dns=").ok_or_else(|| {
                format!("`{option}` is not an option of a network: write user,dns=ADDR")
            })?;
            let plain = addr.parse().map(|ip| SocketAddr::new(ip, DOMAIN));
            let names = addr.parse().or(plain).map_err(|_| {
                format!("`{addr}` is not an address: write dns=192.0.2.1 or dns=127.0.0.1:5353")
            })?;
            Ok(NetChoice::User { names: Some(names) })
        }
        _ => Err(format!(
            "`{text}` is not a network: there are user and none"
        )),
    }
}

/// Published ports: `[ADDR:]HOST:GUEST[/udp]`, where both may be ranges of one length.
pub fn publish(text: &str) -> Result<Published, String> {
    let wrong = || format!("`{text}` is not HOST:GUEST: write 2222:22, or 0.0.0.0:2222:22");
    let (ports, protocol) = match text.rsplit_once('/') {
        None => (text, Protocol::Tcp),
        Some((ports, "tcp")) => (ports, Protocol::Tcp),
        Some((ports, "udp")) => (ports, Protocol::Udp),
        Some((_, other)) => return Err(format!("`/{other}` is neither /tcp nor /udp")),
    };
    let (rest, guest) = ports.rsplit_once(':').ok_or_else(wrong)?;
    // An address may have colons of its own: then it stands in brackets.
    let (bind, host) = match rest.rsplit_once(':') {
        None => (IpAddr::V4(Ipv4Addr::LOCALHOST), rest),
        Some((addr, host)) => {
            let six = addr.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
            let parsed = match six {
                Some(six) => six.parse().map(IpAddr::V6),
                None => addr.parse().map(IpAddr::V4),
            };
            let bind = parsed.map_err(|_| {
                format!("`{addr}` is not an address: write 127.0.0.1, 0.0.0.0 or [::1]")
            })?;
            (bind, host)
        }
    };
    let (host, guest) = (range(host)?, range(guest)?);
    if host.len() != guest.len() {
        return Err(format!(
            "`{text}`: {} ports of the host can not stand for {} of the guest",
            host.len(),
            guest.len()
        ));
    }
    let pairs = host.zip(guest);
    let forward = |(host, guest)| PortForward {
        protocol,
        bind,
        host,
        guest,
    };
    Ok(Published(pairs.map(forward).collect()))
}

/// A port, or two with a hyphen.
fn range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| {
        let number = text.parse().ok().filter(|port| *port > 0);
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        number
            .filter(|_| digits)
            .ok_or_else(|| format!("`{text}` is not a port: those are 1 to 65535"))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (port(first)?, port(last)?),
        None => (port(text)?, port(text)?),
    };
    let all = first..=last;
    if all.is_empty() || all.len() > RANGE {
        return Err(format!("`{text}` is no range of 1 to {RANGE} ports"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_or_refused() {
        let tcp = |bind: &str, host, guest| PortForward {
            protocol: Protocol::Tcp,
            bind: bind.parse().expect("an address"),
            host,
            guest,
        };
        let udp = |bind, host, guest| PortForward {
            protocol: Protocol::Udp,
            ..tcp(bind, host, guest)
        };
        for (text, want) in [
            ("2222:22", Some(vec![tcp("127.0.0.1", 2222, 22)])),
            ("2222:22/tcp", Some(vec![tcp("127.0.0.1", 2222, 22)])),
            ("5353:53/udp", Some(vec![udp("127.0.0.1", 5353, 53)])),
            ("0.0.0.0:80:8080", Some(vec![tcp("0.0.0.0", 80, 8080)])),
            ("[::1]:2222:22", Some(vec![tcp("::1", 2222, 22)])),
            (
                "8000-8001:9000-9001",
                Some(vec![
                    tcp("127.0.0.1", 8000, 9000),
                    tcp("127.0.0.1", 8001, 9001),
                ]),
            ),
            ("65535:1", Some(vec![tcp("127.0.0.1", 65535, 1)])),
            ("22", None),
            ("0:22", None),
            ("2222:0", None),
            ("65536:22", None),
            ("+22:22", None),
            ("2222:22/sctp", None),
            ("8000-8001:9000", None),
            ("8001-8000:9001-9000", None),
            ("1-65535:1-65535", None),
            ("::1:2222:22", None),
            ("host:2222:22", None),
            ("2222:", None),
            (":22", None),
            ("", None),
        ] {
            let got = publish(text).ok().map(|published| published.0);
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn networks_are_read_or_refused() {
        let user = |names: &str| NetChoice::User {
            names: names.parse().ok(),
        };
        for (text, want) in [
            ("none", Some(NetChoice::None)),
            ("user", Some(user(""))),
            ("user,dns=192.0.2.1", Some(user("192.0.2.1:53"))),
            ("user,dns=127.0.0.1:5353", Some(user("127.0.0.1:5353"))),
            ("user,dns=::1", Some(user("[::1]:53"))),
            ("user,dns=", None),
            ("user,dns=host", None),
            ("user,mtu=9000", None),
            ("none,dns=192.0.2.1", None),
            ("tap", None),
            ("", None),
        ] {
            assert_eq!(net(text).ok(), want, "{text:?}");
        }
    }
}
