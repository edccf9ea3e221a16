//! Headers: Ethernet, ARP, IPv4 and UDP, read and written.
//!
//! RFC 894, RFC 826, RFC 791 and RFC 768.

use std::net::{Ipv4Addr, SocketAddrV4};

/// A hardware address.
pub(crate) type Mac = [u8; 6];

pub(crate) const ETHERNET: usize = 14;
pub(crate) const IP_HEADER: usize = 20;
pub(crate) const UDP_HEADER: usize = 8;

pub(crate) const KIND_IPV4: u16 = 0x0800;
pub(crate) const KIND_ARP: u16 = 0x0806;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// Two bytes at an offset.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

/// An address at an offset.
pub(crate) fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(Ipv4Addr::from(four))
}

/// An Ethernet frame.
pub(crate) struct Frame<'a> {
    pub from: Mac,
    pub kind: u16,
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, payload) = bytes.split_at_checked(ETHERNET)?;
        Some(Self {
            from: header.get(6..12)?.try_into().ok()?,
            kind: word(header, 12)?,
            payload,
        })
    }
}

/// A frame with this header and room for so many bytes behind it.
pub(crate) fn frame(to: Mac, from: Mac, kind: u16, bytes: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET + bytes);
    frame.extend(to);
    frame.extend(from);
    frame.extend(kind.to_be_bytes());
    frame
}

/// An IPv4 packet whose header was checked.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub from: Ipv4Addr,
    pub to: Ipv4Addr,
    pub protocol: u8,
    /// The packet without what a frame pads it with.
    pub whole: &'a [u8],
    pub payload: &'a [u8],
    /// Its number among those of its sender.
    pub ident: u16,
    /// Where in a larger packet it belongs, and whether more follows.
    pub fragment: (usize, bool),
}

impl<'a> Packet<'a> {
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let header = usize::from(first & 15) * 4;
        let total = usize::from(word(bytes, 2)?);
        let flags = word(bytes, 6)?;
        if first >> 4 != 4 || header < IP_HEADER || total < header {
            return None;
        }
        let whole = bytes.get(..total)?;
        let (head, payload) = whole.split_at_checked(header)?;
        if checksum(&[head]) != 0 {
            return None;
        }
        Some(Self {
            from: address(head, 12)?,
            to: address(head, 16)?,
            protocol: *head.get(9)?,
            whole,
            payload,
            ident: word(head, 4)?,
            fragment: (usize::from(flags & 0x1fff) * 8, flags & 0x2000 != 0),
        })
    }

    pub fn is_fragment(&self) -> bool {
        self.fragment != (0, false)
    }
}

/// A packet with this payload.
pub(crate) fn packet(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; IP_HEADER];
    let total = (IP_HEADER + payload.len()).min(0xffff) as u16;
    out[0] = 0x45;
    out[2..4].copy_from_slice(&total.to_be_bytes());
    out[8] = 64;
    out[9] = protocol;
    out[12..16].copy_from_slice(&from.octets());
    out[16..20].copy_from_slice(&to.octets());
    seal(&mut out);
    out.extend_from_slice(payload);
    out
}

/// Writes the checksum of a header of twenty bytes.
pub(crate) fn seal(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let check = checksum(&[&packet[..IP_HEADER]]);
    packet[10..12].copy_from_slice(&check.to_be_bytes());
}

/// A datagram.
pub(crate) struct Datagram<'a> {
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    pub fn read(packet: &Packet<'a>) -> Option<Self> {
        let bytes = packet.payload;
        let length = usize::from(word(bytes, 4)?);
        let bytes = bytes.get(..length)?;
        let payload = bytes.get(UDP_HEADER..)?;
        // A sum of zero means that there is none.
        let pseudo = pseudo(UDP, packet.from, packet.to, length);
        if word(bytes, 6)? != 0 && checksum(&[&pseudo, bytes]) != 0 {
            return None;
        }
        Some(Self {
            from: SocketAddrV4::new(packet.from, word(bytes, 0)?),
            to: SocketAddrV4::new(packet.to, word(bytes, 2)?),
            payload,
        })
    }
}

/// A packet with a datagram in it.
pub(crate) fn datagram(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut udp = Vec::with_capacity(UDP_HEADER + payload.len());
    let length = UDP_HEADER + payload.len();
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend((length.min(0xffff) as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend_from_slice(payload);
    let check = match checksum(&[&pseudo(UDP, *from.ip(), *to.ip(), length), &udp]) {
        0 => 0xffff,
        check => check,
    };
    udp[6..8].copy_from_slice(&check.to_be_bytes());
    packet(UDP, *from.ip(), *to.ip(), &udp)
}

/// What checksums of TCP and UDP count beside their own bytes.
pub(crate) fn pseudo(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, length: usize) -> [u8; 12] {
    let mut out = [0; 12];
    out[..4].copy_from_slice(&from.octets());
    out[4..8].copy_from_slice(&to.octets());
    out[9] = protocol;
    out[10..].copy_from_slice(&(length as u16).to_be_bytes());
    out
}

/// The checksum of RFC 1071 over all parts; each but the last has an even length.
pub(crate) fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        let (pairs, rest) = part.as_chunks::<2>();
        sum += pairs
            .iter()
            .map(|pair| u64::from(u16::from_be_bytes(*pair)))
            .sum::<u64>();
        sum += rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
