//! ICMP: echoes, and word of what can not be reached.
//!
//! RFC 792.

use std::net::Ipv4Addr;

use crate::wire::{ICMP, IP_HEADER, Packet, checksum, packet};

const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const ECHO: u8 = 8;

/// Why something can not be reached: the codes of RFC 792 and RFC 1122.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    Host = 1,
    Port = 3,
    Forbidden = 13,
}

/// The answer to an echo request, from whom it was sent to.
pub(crate) fn echo(request: &Packet) -> Option<Vec<u8>> {
    let body = request.payload;
    if *body.first()? != ECHO || body.len() < 8 || checksum(&[body]) != 0 {
        return None;
    }
    let mut reply = body.to_vec();
    reply[0] = ECHO_REPLY;
    finish(&mut reply);
    Some(packet(ICMP, request.to, request.from, &reply))
}

/// Tells the guest that its packet came to nothing; `from` says so.
pub(crate) fn unreachable(from: Ipv4Addr, about: &[u8], to: Ipv4Addr, why: Why) -> Vec<u8> {
    let mut body = vec![UNREACHABLE, why as u8, 0, 0, 0, 0, 0, 0];
    // The header and eight bytes, which have the ports.
    let header = about.first().map_or(IP_HEADER, |b| usize::from(b & 15) * 4);
    body.extend_from_slice(about.get(..header + 8).unwrap_or(about));
    finish(&mut body);
    packet(ICMP, from, to, &body)
}

fn finish(body: &mut [u8]) {
    body[2..4].fill(0);
    let check = checksum(&[body]);
    body[2..4].copy_from_slice(&check.to_be_bytes());
}
