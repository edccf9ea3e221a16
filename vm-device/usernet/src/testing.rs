//! A guest that follows a script, and a host whose sockets are in the test's hands.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::host::{Got, Host, Interest, Listener, Refusal, Socket};
use crate::plan::{GUEST, Plan};
use crate::stack::Stack;
use crate::wire::{
    ETHERNET, KIND_IPV4, Packet, TCP, checksum, datagram, frame, packet, pseudo, word,
};

pub const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// One socket of the host.
#[derive(Default)]
pub struct Fake {
    pub to: Option<SocketAddr>,
    /// What the connection comes to.
    pub connected: Option<Result<(), Refusal>>,
    /// What the peer has sent: bytes, or datagrams.
    pub inbox: VecDeque<Vec<u8>>,
    pub ended: bool,
    pub broken: bool,
    /// What the guest has sent.
    pub outbox: Vec<Vec<u8>>,
    /// How many bytes can still be written.
    pub room: usize,
    pub end_written: bool,
    /// Whether it was closed, and whether by an abort.
    pub closed: Option<bool>,
}

impl Fake {
    /// All bytes that the guest has sent.
    pub fn sent(&self) -> Vec<u8> {
        self.outbox.concat()
    }
}

/// A host without a network.
#[derive(Default)]
pub struct FakeHost {
    pub sockets: BTreeMap<Socket, Fake>,
    pub callers: VecDeque<Socket>,
    pub datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    pub answers: Vec<(SocketAddr, Vec<u8>)>,
    /// What new connections come to.
    pub connects: Option<Result<(), Refusal>>,
    /// Whether there are no sockets left.
    pub exhausted: bool,
    next: u64,
}

impl FakeHost {
    pub fn open(&mut self, to: Option<SocketAddr>) -> Socket {
        self.next += 1;
        let fake = Fake {
            to,
            connected: self.connects,
            room: usize::MAX,
            ..Fake::default()
        };
        self.sockets.insert(Socket(self.next), fake);
        Socket(self.next)
    }

    pub fn get(&mut self, socket: Socket) -> &mut Fake {
        self.sockets.get_mut(&socket).expect("a socket")
    }

    /// The socket that was opened last.
    pub fn last(&mut self) -> &mut Fake {
        self.get(Socket(self.next))
    }

    pub fn count_open(&self) -> usize {
        let open = |fake: &&Fake| fake.closed.is_none();
        self.sockets.values().filter(open).count()
    }

    fn usable(&mut self, socket: Socket) -> &mut Fake {
        let fake = self.get(socket);
        assert_eq!(fake.closed, None, "{socket:?} is used after its end");
        fake
    }
}

impl Host for FakeHost {
    fn connect(&mut self, to: SocketAddr) -> Result<Socket, Refusal> {
        if self.exhausted {
            return Err(Refusal::Unreachable);
        }
        Ok(self.open(Some(to)))
    }

    fn connected(&mut self, socket: Socket) -> Option<Result<(), Refusal>> {
        self.usable(socket).connected
    }

    fn datagrams(&mut self, to: SocketAddr) -> Option<Socket> {
        (!self.exhausted).then(|| self.open(Some(to)))
    }

    fn read(&mut self, socket: Socket, into: &mut [u8]) -> Got {
        let fake = self.usable(socket);
        let Some(mut bytes) = fake.inbox.pop_front() else {
            return match (fake.broken, fake.ended) {
                (true, _) => Got::Broken,
                (_, true) => Got::End,
                _ => Got::Nothing,
            };
        };
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        if count < bytes.len() {
            fake.inbox.push_front(bytes.split_off(count));
        }
        Got::Bytes(count)
    }

    fn write(&mut self, socket: Socket, bytes: &[u8]) -> Got {
        let fake = self.usable(socket);
        assert!(!fake.end_written, "bytes behind the end");
        if fake.broken {
            return Got::Broken;
        }
        let count = bytes.len().min(fake.room);
        if count == 0 && !bytes.is_empty() {
            return Got::Nothing;
        }
        fake.room -= count;
        fake.outbox.push(bytes[..count].to_vec());
        Got::Bytes(count)
    }

    fn end_writing(&mut self, socket: Socket) {
        self.usable(socket).end_written = true;
    }

    fn close(&mut self, socket: Socket, abort: bool) {
        self.usable(socket).closed = Some(abort);
    }

    fn accept(&mut self, _listener: Listener) -> Option<Socket> {
        self.callers.pop_front()
    }

    fn receive(&mut self, _listener: Listener, into: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (from, bytes) = self.datagrams.pop_front()?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Some((bytes.len(), from))
    }

    fn send(&mut self, _listener: Listener, to: SocketAddr, bytes: &[u8]) {
        self.answers.push((to, bytes.to_vec()));
    }
}

/// The network with both of its sides.
pub struct Net {
    pub stack: Stack,
    pub host: FakeHost,
    pub now_us: u64,
    pub room: usize,
}

impl Net {
    pub fn new(plan: Plan) -> Self {
        let plan = Plan { mac: MAC, ..plan };
        let host = FakeHost {
            connects: Some(Ok(())),
            ..FakeHost::default()
        };
        Self {
            stack: Stack::new(plan, 1),
            host,
            now_us: 1_000_000,
            room: 1000,
        }
    }

    /// The guest sends a frame; what comes back.
    pub fn frame(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.stack.frame(self.now_us, bytes, &mut self.host);
        self.work()
    }

    /// The guest sends a packet; the packets that come back.
    pub fn packet(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let frames = self.frame(&framed(packet));
        frames.iter().map(|f| f[ETHERNET..].to_vec()).collect()
    }

    /// Everything that the sockets of the host are waited for is ready.
    pub fn poll(&mut self) -> Vec<Vec<u8>> {
        let mut interests = Vec::new();
        self.stack.interests(&mut interests);
        for interest in interests {
            match interest {
                Interest::Socket { socket, .. } => self.stack.ready(socket),
                Interest::Listener(listener) => self.stack.ready_listener(listener),
            }
        }
        let frames = self.work();
        frames.iter().map(|f| f[ETHERNET..].to_vec()).collect()
    }

    pub fn work(&mut self) -> Vec<Vec<u8>> {
        self.stack.work(self.now_us, self.room, &mut self.host);
        std::iter::from_fn(|| self.stack.take()).collect()
    }

    /// Lets time pass, as far as the stack asks for it at each point.
    pub fn wait(&mut self, us: u64) -> Vec<Vec<u8>> {
        let end = self.now_us + us;
        let mut packets = Vec::new();
        while let Some(due) = self.stack.due_us().filter(|due| *due <= end) {
            assert!(due >= self.now_us, "the stack keeps its owner busy");
            self.now_us = due.max(self.now_us + 1);
            packets.extend(self.poll());
        }
        self.now_us = end;
        packets.extend(self.poll());
        packets
    }
}

/// A frame from the guest to the gateway.
pub fn framed(packet: &[u8]) -> Vec<u8> {
    let mut out = frame(crate::plan::GATEWAY_MAC, MAC, KIND_IPV4, packet.len());
    out.extend_from_slice(packet);
    out
}

pub fn guest(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(GUEST, port)
}

pub fn at(text: &str) -> SocketAddrV4 {
    text.parse().expect("an address")
}

/// A datagram of the guest.
pub fn says(port: u16, to: &str, payload: &[u8]) -> Vec<u8> {
    datagram(guest(port), at(to), payload)
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub window: u16,
    pub payload: Vec<u8>,
}

impl Segment {
    /// As a packet.
    pub fn bytes(&self) -> Vec<u8> {
        let mut tcp = Vec::new();
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        let options: &[u8] = if self.flags & SYN != 0 {
            &[2, 4, 0x05, 0xb4]
        } else {
            &[]
        };
        tcp.push(((20 + options.len()) as u8) << 2);
        tcp.push(self.flags);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(options);
        tcp.extend_from_slice(&self.payload);
        let head = pseudo(TCP, *self.from.ip(), *self.to.ip(), tcp.len());
        let check = checksum(&[&head, &tcp]);
        tcp[16..18].copy_from_slice(&check.to_be_bytes());
        packet(TCP, *self.from.ip(), *self.to.ip(), &tcp)
    }

    /// Reads a packet; its checksum has to be right.
    pub fn read(bytes: &[u8]) -> Self {
        let packet = Packet::read(bytes).expect("an IPv4 packet");
        assert_eq!(packet.protocol, TCP, "{bytes:x?}");
        let tcp = packet.payload;
        let head = pseudo(TCP, packet.from, packet.to, tcp.len());
        assert_eq!(checksum(&[&head, tcp]), 0, "the checksum");
        let long = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().expect("four"));
        Self {
            from: SocketAddrV4::new(packet.from, word(tcp, 0).expect("a port")),
            to: SocketAddrV4::new(packet.to, word(tcp, 2).expect("a port")),
            seq: long(4),
            ack: long(8),
            flags: tcp[13],
            window: word(tcp, 14).expect("a window"),
            payload: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec(),
        }
    }
}

/// The guest's end of a connection, as simple as can be.
pub struct Peer {
    pub local: SocketAddrV4,
    pub remote: SocketAddrV4,
    pub seq: u32,
    pub ack: u32,
    pub window: u16,
    pub received: Vec<u8>,
}

impl Peer {
    pub fn new(port: u16, remote: &str) -> Self {
        Self {
            local: guest(port),
            remote: at(remote),
            seq: 1000,
            ack: 0,
            window: 60_000,
            received: Vec::new(),
        }
    }

    pub fn segment(&self, flags: u8, payload: &[u8]) -> Segment {
        Segment {
            from: self.local,
            to: self.remote,
            seq: self.seq,
            ack: self.ack,
            flags,
            window: self.window,
            payload: payload.to_vec(),
        }
    }

    /// Sends a segment and moves on in the sequence; what comes back.
    pub fn send(&mut self, net: &mut Net, flags: u8, payload: &[u8]) -> Vec<Segment> {
        let packets = net.packet(&self.segment(flags, payload).bytes());
        let control = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.seq = self.seq.wrapping_add(payload.len() as u32 + control);
        segments(&packets)
    }

    /// Takes segments in order and says how far they go; gives the flags of all.
    pub fn take(&mut self, segments: &[Segment]) -> u8 {
        let mut flags = 0;
        for segment in segments {
            assert_eq!((segment.from, segment.to), (self.remote, self.local));
            flags |= segment.flags;
            if segment.flags & SYN != 0 {
                self.ack = segment.seq.wrapping_add(1);
            } else if segment.seq == self.ack {
                self.received.extend_from_slice(&segment.payload);
                let control = u32::from(segment.flags & FIN != 0);
                let count = segment.payload.len() as u32 + control;
                self.ack = self.ack.wrapping_add(count);
            }
        }
        flags
    }

    /// Takes what came and acknowledges it until nothing more comes.
    pub fn absorb(&mut self, net: &mut Net, first: Vec<Segment>) -> u8 {
        let (mut flags, mut segments) = (0, first);
        while !segments.is_empty() {
            let before = self.ack;
            flags |= self.take(&segments);
            if flags & RST != 0 || self.ack == before {
                break;
            }
            segments = self.send(net, ACK, &[]);
        }
        flags
    }

    /// Connects; the host's socket answers at once.
    pub fn open(net: &mut Net, port: u16, remote: &str) -> Self {
        let mut peer = Self::new(port, remote);
        let answer = peer.send(net, SYN, &[]);
        assert_eq!(peer.take(&answer), SYN | ACK, "{answer:?}");
        assert_eq!(answer[0].ack, peer.seq);
        assert_eq!(peer.send(net, ACK, &[]), []);
        peer
    }
}

pub fn segments(packets: &[Vec<u8>]) -> Vec<Segment> {
    packets.iter().map(|bytes| Segment::read(bytes)).collect()
}

/// The type and code of an ICMP packet from this address.
pub fn icmp(packet: &[u8]) -> (Ipv4Addr, u8, u8) {
    let packet = Packet::read(packet).expect("an IPv4 packet");
    assert_eq!(packet.protocol, 1);
    assert_eq!(checksum(&[packet.payload]), 0);
    (packet.from, packet.payload[0], packet.payload[1])
}

/// An echo request of the guest.
pub fn echo(to: Ipv4Addr) -> Vec<u8> {
    let mut body = vec![8, 0, 0, 0, 1, 2, 3, 4, b'h', b'i', b'!'];
    let check = checksum(&[&body]);
    body[2..4].copy_from_slice(&check.to_be_bytes());
    packet(1, GUEST, to, &body)
}

/// An ARP request of the guest.
pub fn who_has(asker: Ipv4Addr, wanted: Ipv4Addr) -> Vec<u8> {
    let mut out = frame([0xff; 6], MAC, 0x0806, 28);
    out.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    out.extend(MAC);
    out.extend(asker.octets());
    out.extend([0; 6]);
    out.extend(wanted.octets());
    out
}

/// A small random stream.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % limit
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Where callers of the gateway's names come from.
pub const CALLER: &str = "127.0.0.1:40000";
