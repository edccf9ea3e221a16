//! Which name servers the host uses.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Where hosts with POSIX keep them.
const FILE: &str = "/etc/resolv.conf";
/// How many are asked.
// LIMIT: as many as resolvers of the host use.
const MOST: usize = 3;
const PORT: u16 = 53;

/// The host's name servers, best first; none if it has none or does not say.
pub(super) fn names() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    parse(&text)
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let addr = words.next().filter(|word| *word == "nameserver")?;
        debug_assert_eq!(addr, "nameserver", "the filter's word");
        let addr: IpAddr = words.next()?.parse().ok()?;
        Some(SocketAddr::new(addr, PORT))
    };
    text.lines().filter_map(server).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn servers_are_taken_in_order_and_nothing_else_is() {
        let text = "# nameserver 1.1.1.1\nsearch nameserver 2.2.2.2\nnameserver 192.0.2.1\n\
                    nameserver fe80::1%eth0\n nameserver\t::1 # local\nnameserver\n\
                    nameserver 192.0.2.2\nnameserver 192.0.2.3\n";
        let want = ["192.0.2.1:53", "[::1]:53", "192.0.2.2:53"];
        let want = want.map(|addr| addr.parse().expect("an address"));
        assert_eq!(parse(text), want);
        assert_eq!(parse(""), []);
    }
}
