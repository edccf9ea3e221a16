//! The guest's network: frames of a guest that keeps no rule, and peers that do as they like.

mod host;
mod packets;

use std::net::Ipv4Addr;

use vm_device_usernet::{Forward, GATEWAY, GUEST, Interest, NAMES, Plan, Protocol, Stack};

use self::host::Peers;
use self::packets::{GUEST_MAC, Tcp, arp, checksum, datagram, fragments, framed, packet};
use crate::Feed;

/// The most steps of one run.
// LIMIT: so that one run stays short.
const STEPS: usize = 200;
/// The most sockets that the network may hold: its connections, its conversations, callers.
const SOCKETS: usize = 512 + 256 + STEPS;

/// What a guest's end of a connection knows.
#[derive(Clone, Copy, Default)]
struct End {
    seq: u32,
    ack: u32,
}

/// The network between a guest and the world.
struct Net {
    stack: Stack,
    peers: Peers,
    now_us: u64,
    room: usize,
    ends: [End; 4],
    ident: u16,
}

/// Where the guest sends to.
const PLACES: [(Ipv4Addr, u16); 8] = [
    (Ipv4Addr::new(192, 0, 2, 9), 80),
    (GATEWAY, 80),
    (NAMES, 53),
    (Ipv4Addr::new(192, 0, 2, 9), 53),
    (Ipv4Addr::new(127, 0, 0, 1), 1),
    (Ipv4Addr::new(10, 0, 2, 99), 7),
    (Ipv4Addr::new(10, 0, 2, 255), 7),
    (GATEWAY, 67),
];

/// The first byte chooses the plan; then come steps of the guest, of peers, and of time.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let first = feed.u8();
    let forward = |protocol| Forward {
        protocol,
        guest: 22,
    };
    let names = ["192.0.2.1:53", "192.0.2.2:53"].map(|name| name.parse().ok());
    let plan = Plan {
        mac: GUEST_MAC,
        names: names
            .into_iter()
            .flatten()
            .take(usize::from(first % 3))
            .collect(),
        forwards: vec![forward(Protocol::Tcp), forward(Protocol::Udp)],
    };
    let mut net = Net {
        stack: Stack::new(plan, 1),
        peers: Peers::default(),
        now_us: 1_000_000,
        room: 1000,
        ends: [End { seq: 1000, ack: 0 }; 4],
        ident: 1,
    };
    net.stack.set_large(first & 4 != 0);
    for _ in 0..STEPS {
        if feed.is_empty() {
            break;
        }
        net.step(&mut feed);
        net.poll();
    }
    net.stack.reset(&mut net.peers);
    assert_eq!(
        net.peers.open(),
        net.peers.callers.len(),
        "sockets stay behind"
    );
}

impl Net {
    fn step(&mut self, feed: &mut Feed) {
        match feed.u8() % 16 {
            0 => {
                let most = usize::from(feed.u8());
                let mut frame = framed(0x0800, &[]);
                frame.extend_from_slice(feed.bytes(most));
                self.send(&frame);
            }
            1 => {
                let who = feed.one(&[
                    GUEST,
                    Ipv4Addr::new(10, 0, 2, 77),
                    Ipv4Addr::new(1, 1, 1, 1),
                ]);
                let frame = arp(who, feed.one(&[GATEWAY, NAMES, GUEST]), feed.one(&[1, 2]));
                self.changed(frame, feed);
            }
            2 => {
                let most = usize::from(feed.u8());
                let mut body = vec![feed.one(&[8, 0]), 0, 0, 0, 1, 2, 3, 4];
                body.extend_from_slice(feed.bytes(most));
                let sum = checksum(&[&body]);
                body[2..4].copy_from_slice(&sum.to_be_bytes());
                let to = feed.one(&[GATEWAY, NAMES, GUEST]);
                self.changed(framed(0x0800, &packet(1, GUEST, to, &body)), feed);
            }
            3 => self.question(feed),
            4 => self.dhcp(feed),
            5 | 6 => self.datagram(feed),
            7..=10 => self.segment(feed),
            11 => self.now_us += feed.one(&[1, 1000, 200_000, 2_000_000, 20_000_000, 120_000_000]),
            12 => self.room = feed.one(&[0, 1, 10, 1000]),
            13 => self.peers.call(feed),
            14 if feed.u8() < 8 => self.stack.reset(&mut self.peers),
            _ => self.peers.disturb(feed),
        }
    }

    fn send(&mut self, frame: &[u8]) {
        self.stack.frame(self.now_us, frame, &mut self.peers);
    }

    /// Sends a frame, now and then with a byte changed or its end cut off.
    fn changed(&mut self, mut frame: Vec<u8>, feed: &mut Feed) {
        let how = feed.u8();
        if how >= 0xe8 {
            let at = feed.below(frame.len() as u64) as usize;
            if how < 0xf0 {
                frame.truncate(at);
            } else {
                frame[at] = feed.u8();
            }
        }
        self.send(&frame);
    }

    /// A question to the name server.
    fn question(&mut self, feed: &mut Feed) {
        let mut query = vec![1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend(match feed.u8() % 4 {
            0 => &b"\x04host\x08internal\0"[..],
            1 => b"\x07gateway\x08INTERNAL\0",
            2 => b"\x07example\x03org\0",
            _ => feed.bytes(20),
        });
        query.extend(feed.one(&[[0, 1, 0, 1], [0, 28, 0, 1], [0, 1, 0, 3]]));
        let bytes = datagram((GUEST, 4000), (NAMES, 53), &query);
        self.changed(framed(0x0800, &bytes), feed);
    }

    fn dhcp(&mut self, feed: &mut Feed) {
        let mut body = vec![0; 240];
        body[..4].copy_from_slice(&[1, 1, 6, 0]);
        body[28..34].copy_from_slice(&GUEST_MAC);
        body[236..].copy_from_slice(&[99, 130, 83, 99]);
        if feed.once_in(2) {
            body[12..16].copy_from_slice(&GUEST.octets());
        }
        body.extend([53, 1, feed.one(&[1, 3, 8, 7])]);
        for _ in 0..feed.u8() % 4 {
            match feed.u8() % 4 {
                0 => body.extend([50, 4, 10, 0, 2, feed.one(&[15, 16])]),
                1 => body.extend([54, 4, 10, 0, 2, feed.one(&[2, 3])]),
                2 => body.push(0),
                _ => body.extend_from_slice(feed.bytes(3)),
            }
        }
        let from = feed.one(&[Ipv4Addr::UNSPECIFIED, GUEST]);
        let to = feed.one(&[Ipv4Addr::BROADCAST, GATEWAY]);
        let bytes = datagram((from, 68), (to, 67), &body);
        self.changed(framed(0x0800, &bytes), feed);
    }

    fn datagram(&mut self, feed: &mut Feed) {
        let to = feed.one(&PLACES);
        let bytes = vec![1; usize::from(feed.u8()) << (feed.u8() % 8)];
        let from = feed.one(&[(GUEST, 4000), (GUEST, 4001), (GUEST, 22)]);
        let whole = datagram(from, to, &bytes);
        if whole.len() <= 1500 && !feed.once_in(4) {
            return self.changed(framed(0x0800, &whole), feed);
        }
        self.ident = self.ident.wrapping_add(1);
        let mut pieces = fragments(&whole, self.ident, 1 + usize::from(feed.u8()) * 8);
        if feed.once_in(2) {
            pieces.reverse();
        }
        // Some are lost, and some come twice.
        let (lost, twice) = (feed.u8(), feed.u8());
        for (number, piece) in pieces.iter().enumerate().take(80) {
            if number != usize::from(lost) {
                self.changed(framed(0x0800, piece), feed);
            }
            if number == usize::from(twice) {
                self.send(&framed(0x0800, piece));
            }
        }
    }

    /// A segment of one of four connections, one of which is with who has called.
    fn segment(&mut self, feed: &mut Feed) {
        let which = usize::from(feed.u8() % 4);
        let End { mut seq, mut ack } = self.ends[which];
        if feed.u8() >= 0xf0 {
            seq = seq.wrapping_add(feed.odd() as u32);
            ack = ack.wrapping_sub(feed.odd() as u32);
        }
        let flags = feed.one(&[
            0x02, 0x02, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14, 0x12, 0x00, 0x3f,
        ]);
        let length = usize::from(feed.u8()) * feed.one(&[0, 0, 1, 1, 5]);
        let (to, port) = match which {
            3 => (GATEWAY, 49_152 + u16::from(feed.u8() % 4)),
            which => PLACES[which * 2 % 4],
        };
        let segment = Tcp {
            from: if which == 3 { 22 } else { 4000 + which as u16 },
            to: (to, port),
            seq,
            ack,
            flags,
            window: feed.one(&[0, 1, 100, 60_000, 60_000]),
        };
        let next = length as u32 + u32::from(flags & 2 != 0) + u32::from(flags & 1);
        self.ends[which].seq = seq.wrapping_add(next);
        self.changed(framed(0x0800, &segment.bytes(&vec![9; length])), feed);
    }

    /// Everything that is waited for is ready; what comes must be in order.
    fn poll(&mut self) {
        let mut interests = Vec::new();
        self.stack.interests(&mut interests);
        for interest in interests {
            match interest {
                Interest::Socket { socket, .. } => self.stack.ready(socket),
                Interest::Listener(listener) => self.stack.ready_listener(listener),
            }
        }
        self.stack.work(self.now_us, self.room, &mut self.peers);
        let mut count = 0;
        while let Some(frame) = self.stack.take() {
            count += 1;
            self.take(&frame);
        }
        assert!(
            count <= self.room + 256,
            "{count} frames into room for {}",
            self.room
        );
        assert!(
            self.peers.open() <= SOCKETS,
            "{} sockets",
            self.peers.open()
        );
        let _ = (
            self.stack.due_us(),
            self.stack.wants_room(),
            self.stack.may_bring(),
        );
    }

    /// Reads a frame as a guest would.
    fn take(&mut self, frame: &[u8]) {
        assert!(frame.len() >= 14, "a frame of {} bytes", frame.len());
        let (head, body) = frame.split_at(14);
        if head[12..] != [8, 0] {
            return;
        }
        assert!(
            body.len() >= 20 && checksum(&[&body[..20]]) == 0,
            "a bad header: {body:x?}"
        );
        let total = usize::from(body[2]) << 8 | usize::from(body[3]);
        assert!(total <= body.len(), "{total} bytes of {}", body.len());
        // A connection that goes on: the guest takes all that comes in order.
        if body[9] == 6 && body.len() >= 40 {
            let number = |at: usize| {
                u32::from_be_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]])
            };
            let port = u16::from(body[22]) << 8 | u16::from(body[23]);
            let end = match port {
                22 => &mut self.ends[3],
                port => &mut self.ends[usize::from(port.wrapping_sub(4000)) % 4],
            };
            let (flags, data) = (body[33], total - 20 - usize::from(body[32] >> 4) * 4);
            let next = data as u32 + u32::from(flags & 2 != 0) + u32::from(flags & 1);
            *end = End {
                seq: if flags & 16 == 0 { end.seq } else { number(28) },
                ack: number(24).wrapping_add(next),
            };
        }
    }
}
