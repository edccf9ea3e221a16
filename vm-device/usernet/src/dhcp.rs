//! The DHCP server: one address, for whoever asks.
//!
//! RFC 2131 and RFC 2132.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::plan::{BROADCAST, GATEWAY, GUEST, MASK, MTU, NAMES};
use crate::wire::{Datagram, Mac, address, datagram, word};

pub(crate) const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const OPTIONS: usize = 240;
/// Clients may ask for no less than this much room.
const LEAST: usize = 300;

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;
const INFORM: u8 = 8;

/// How long the address may be used.
const LEASE_S: u32 = 86_400;

/// The answer, and the hardware address that asked.
pub(crate) fn answer(request: &Datagram) -> Option<(Mac, Vec<u8>)> {
    let bytes = request.payload;
    let (head, options) = bytes.split_at_checked(OPTIONS)?;
    if head.get(..3)? != [1, 1, 6] || head.get(236..)? != COOKIE {
        return None;
    }
    let current = address(head, 12)?;
    let [kind] = option(options, 53)? else {
        return None;
    };
    let server = option(options, 54);
    if server.is_some_and(|server| server != GATEWAY.octets()) {
        return None;
    }
    let wanted = match option(options, 50) {
        Some(wanted) => address(wanted, 0)?,
        None => current,
    };
    let (reply, addr) = match *kind {
        DISCOVER => (OFFER, GUEST),
        REQUEST if wanted == GUEST => (ACK, GUEST),
        REQUEST => (NAK, Ipv4Addr::UNSPECIFIED),
        INFORM => (ACK, Ipv4Addr::UNSPECIFIED),
        _ => return None,
    };
    let mut out = head.to_vec();
    out[0] = 2;
    out[8..10].fill(0);
    out[16..20].copy_from_slice(&addr.octets());
    out[20..24].copy_from_slice(&GATEWAY.octets());
    out[44..236].fill(0);
    if reply == NAK {
        out[12..16].fill(0);
    }
    add(&mut out, 53, &[reply]);
    add(&mut out, 54, &GATEWAY.octets());
    if reply != NAK {
        if addr == GUEST {
            add(&mut out, 51, &LEASE_S.to_be_bytes());
        }
        add(&mut out, 1, &MASK.octets());
        add(&mut out, 3, &GATEWAY.octets());
        add(&mut out, 6, &NAMES.octets());
        add(&mut out, 26, &(MTU as u16).to_be_bytes());
        add(&mut out, 28, &BROADCAST.octets());
    }
    out.push(255);
    out.resize(out.len().max(LEAST), 0);
    // Who has no address yet can be reached by everybody's only.
    let to = match current {
        own if own == GUEST && reply == ACK => GUEST,
        _ => Ipv4Addr::BROADCAST,
    };
    let from = SocketAddrV4::new(GATEWAY, SERVER_PORT);
    let mac = head.get(28..34)?.try_into().ok()?;
    Some((
        mac,
        datagram(from, SocketAddrV4::new(to, CLIENT_PORT), &out),
    ))
}

fn add(out: &mut Vec<u8>, code: u8, value: &[u8]) {
    out.extend([code, value.len() as u8]);
    out.extend_from_slice(value);
}

/// The value of an option.
fn option(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (code, rest) = options.split_first()?;
        match *code {
            0 => options = rest,
            255 => return None,
            code => {
                let length = usize::from(*rest.first()?);
                let value = rest.get(1..1 + length)?;
                if code == wanted {
                    return Some(value);
                }
                options = rest.get(1 + length..)?;
            }
        }
    }
}

/// Whether a packet without an address of its own may be a client's.
pub(crate) fn is_request(packet: &crate::wire::Packet) -> bool {
    packet.protocol == crate::wire::UDP && word(packet.payload, 2) == Some(SERVER_PORT)
}
