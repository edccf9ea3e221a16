//! Layers of packets with right lengths and checksums.

use std::net::Ipv4Addr;

use vm_device_usernet::GUEST;

/// The guest's hardware address.
pub const GUEST_MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

/// A frame of the guest.
pub fn framed(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x52, 0x55, 10, 0, 2, 2];
    frame.extend(GUEST_MAC);
    frame.extend(kind.to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// A question or an answer about an address.
pub fn arp(asker: Ipv4Addr, wanted: Ipv4Addr, what: u8) -> Vec<u8> {
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, what];
    body.extend(GUEST_MAC);
    body.extend(asker.octets());
    body.extend([0; 6]);
    body.extend(wanted.octets());
    framed(0x0806, &body)
}

/// The checksum of RFC 1071; all parts but the last have an even length.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An IPv4 packet.
pub fn packet(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + body.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    seal(&mut packet);
    packet.extend_from_slice(body);
    packet
}

fn seal(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let sum = checksum(&[&packet[..20]]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn pseudo(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, length: usize) -> [u8; 12] {
    let mut head = [0; 12];
    head[..4].copy_from_slice(&from.octets());
    head[4..8].copy_from_slice(&to.octets());
    head[9] = protocol;
    head[10..].copy_from_slice(&(length as u16).to_be_bytes());
    head
}

/// A packet with a datagram.
pub fn datagram(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), body: &[u8]) -> Vec<u8> {
    let mut udp = Vec::new();
    udp.extend(from.1.to_be_bytes());
    udp.extend(to.1.to_be_bytes());
    udp.extend(((8 + body.len()) as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend_from_slice(body);
    let sum = checksum(&[&pseudo(17, from.0, to.0, udp.len()), &udp]);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet(17, from.0, to.0, &udp)
}

/// A packet in pieces of about so many bytes.
pub fn fragments(whole: &[u8], ident: u16, bytes: usize) -> Vec<Vec<u8>> {
    let (head, body) = whole.split_at(20);
    let bytes = bytes.max(body.len() / 100).next_multiple_of(8);
    let count = body.len().div_ceil(bytes);
    let pieces = body.chunks(bytes).enumerate();
    let piece = |(number, part): (usize, &[u8])| {
        let mut piece = head.to_vec();
        piece[2..4].copy_from_slice(&((20 + part.len()) as u16).to_be_bytes());
        piece[4..6].copy_from_slice(&ident.to_be_bytes());
        let more = if number + 1 < count { 0x2000 } else { 0 };
        let place = (number * bytes / 8) as u16 | more;
        piece[6..8].copy_from_slice(&place.to_be_bytes());
        seal(&mut piece);
        piece.extend_from_slice(part);
        piece
    };
    pieces.map(piece).collect()
}

/// The head of a segment of the guest.
pub struct Tcp {
    /// Its port.
    pub from: u16,
    /// Where it goes.
    pub to: (Ipv4Addr, u16),
    /// The number of its first byte.
    pub seq: u32,
    /// What it acknowledges.
    pub ack: u32,
    /// Its flags.
    pub flags: u8,
    /// How much more may come.
    pub window: u16,
}

impl Tcp {
    /// A packet with this segment.
    pub fn bytes(&self, body: &[u8]) -> Vec<u8> {
        let options: &[u8] = match self.flags & 2 {
            0 => &[],
            // The largest segment, and the scale of windows.
            _ => &[2, 4, 0x05, 0xb4, 3, 3, 2, 1],
        };
        let mut tcp = Vec::new();
        tcp.extend(self.from.to_be_bytes());
        tcp.extend(self.to.1.to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        tcp.extend([((20 + options.len()) as u8) << 2, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend_from_slice(options);
        tcp.extend_from_slice(body);
        let sum = checksum(&[&pseudo(6, GUEST, self.to.0, tcp.len()), &tcp]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        packet(6, GUEST, self.to.0, &tcp)
    }
}
