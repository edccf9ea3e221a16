//! The network device.
//!
//! VIRTIO 1.3, section 5.1, "Network Device".
//! One pair of queues and the control queue.
//! The device completes checksums for the driver (`VIRTIO_NET_F_CSUM`).
//! Of the kinds of large packets it knows TCP over IPv4, in both directions, and offers them if
//! the network can do something with packets that are larger than a frame.

use std::collections::VecDeque;

use vm_core::{Fields, GuestPhys, Section, StateError};
use vm_device_bus::{Net, Segment};

use crate::device::{Io, VirtioDevice};
use crate::net_control::{Filter, answer};
use crate::queue::Chain;
use crate::segments;

pub(crate) const F_CSUM: u64 = 1 << 0;
pub(crate) const F_GUEST_CSUM: u64 = 1 << 1;
pub(crate) const F_MTU: u64 = 1 << 3;
pub(crate) const F_GUEST_TSO4: u64 = 1 << 7;
pub(crate) const F_HOST_TSO4: u64 = 1 << 11;
pub(crate) const F_MAC: u64 = 1 << 5;
pub(crate) const F_MRG_RXBUF: u64 = 1 << 15;
pub(crate) const F_STATUS: u64 = 1 << 16;
pub(crate) const F_CTRL_VQ: u64 = 1 << 17;
pub(crate) const F_CTRL_RX: u64 = 1 << 18;
pub(crate) const F_CTRL_MAC_ADDR: u64 = 1 << 23;

/// Where the driver receives.
pub(crate) const RECEIVE: usize = 0;
/// Where the driver sends.
pub(crate) const SEND: usize = 1;
/// Where the driver gives orders.
pub(crate) const CONTROL: usize = 2;

/// The length of the header in front of each frame (section 5.1.6).
pub(crate) const HEADER: usize = 12;
/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`: the device completes a checksum.
const NEEDS_CSUM: u8 = 1;
/// `VIRTIO_NET_HDR_F_DATA_VALID`: the driver need not look at checksums.
const DATA_VALID: u8 = 2;

/// `VIRTIO_NET_HDR_GSO_TCPV4`: a large packet of TCP over IPv4.
const GSO_TCPV4: u8 = 1;

/// The bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// The most bytes of a frame, in either direction.
// LIMIT: no frame on a network with frames of at most `mtu` bytes is larger than this.
pub(crate) const FRAME: usize = 65_550;
/// The most buffers that one frame is spread over.
// LIMIT: half of the queue; drivers give buffers of at least 1500 bytes.
const BUFFERS: usize = 128;
/// The most bytes of an order.
// LIMIT: a table of a thousand addresses; more is refused.
const ORDER: u64 = 8192;

/// A network card as a virtio device.
///
/// Frames wait in the back end until the driver has offered buffers for them; a frame that has
/// been fetched, and buffers that are not yet enough for it, are part of the saved state.
pub struct NetCard {
    net: Box<dyn Net>,
    mac: [u8; 6],
    mtu: u16,
    /// What the driver has accepted.
    features: u64,
    filter: Filter,
    link_up: bool,
    /// A frame that found no room yet.
    frame: Option<Vec<u8>>,
    /// Buffers that were taken for it.
    room: VecDeque<Chain>,
}

impl NetCard {
    /// A card in this network, with this address, for packets of at most `mtu` bytes.
    #[must_use]
    pub fn new(net: Box<dyn Net>, mac: [u8; 6], mtu: u16) -> Self {
        let link_up = net.link_up();
        Self {
            net,
            mac,
            mtu,
            features: 0,
            filter: Filter::new(mac),
            link_up,
            frame: None,
            room: VecDeque::new(),
        }
    }

    /// Notes what the driver has accepted.
    fn accept(&mut self, features: u64) {
        self.features = features;
        let needed = F_GUEST_TSO4 | F_GUEST_CSUM;
        self.net.give_large(features & needed == needed);
    }

    /// Moves frames into the driver's buffers until one of the two has an end.
    fn receive(&mut self, io: &mut Io) {
        while io.live() {
            if self.frame.is_none() {
                // A frame is fetched when there is a place for it, and is not lost otherwise.
                if self.room.is_empty() && !self.take_buffer(io) {
                    return;
                }
                self.frame = self.net.receive().filter(|frame| frame.len() <= FRAME);
            }
            let Some(frame) = self.frame.take() else {
                return;
            };
            if self.filter.accepts(&frame) && !self.deliver(&frame, io) {
                self.frame = Some(frame);
                return;
            }
        }
    }

    /// Takes one more buffer from the driver.
    fn take_buffer(&mut self, io: &mut Io) -> bool {
        let Some(chain) = io.pop(RECEIVE) else {
            return false;
        };
        self.room.push_back(chain);
        true
    }

    /// Gives the driver a frame; false if it has to offer more buffers first.
    fn deliver(&mut self, frame: &[u8], io: &mut Io) -> bool {
        let mergeable = self.features & F_MRG_RXBUF != 0;
        let need = (HEADER + frame.len()) as u64;
        let mut room: u64 = self.room.iter().map(|c| segments::total(&c.writable)).sum();
        while room < need && (mergeable || self.room.is_empty()) {
            if self.room.len() >= BUFFERS {
                io.fail();
                return true;
            }
            if !self.take_buffer(io) {
                return false;
            }
            room += self.room.back().map_or(0, |c| segments::total(&c.writable));
        }
        if room < need {
            // A driver without mergeable buffers has given one that is too small: it gets
            // nothing, and the frame is lost.
            if let Some(chain) = self.room.pop_front() {
                io.push(RECEIVE, chain.head, 0);
            }
            return true;
        }
        let mut bytes = vec![0; HEADER];
        bytes.extend_from_slice(frame);
        let (header, copy) = bytes.split_at_mut(HEADER);
        if frame.len() > ETHERNET + usize::from(self.mtu) {
            self.describe_large(header, copy);
        } else if self.features & F_GUEST_CSUM != 0 && self.net.vouches() {
            header[0] = DATA_VALID;
        }
        let count = self.spread(bytes.len() as u64);
        bytes[10..12].copy_from_slice(&count.to_le_bytes());
        let mut done = 0;
        while done < bytes.len() {
            let Some(chain) = self.room.pop_front() else {
                break;
            };
            // What lies outside RAM, as after a restore, takes nothing.
            let written = segments::write(io.cx.ram, &chain.writable, 0, &bytes[done..]);
            let fits = segments::total(&chain.writable).min((bytes.len() - done) as u64);
            done += fits as usize;
            io.push(RECEIVE, chain.head, written as u32);
        }
        true
    }

    /// Says in the header how a large packet of TCP over IPv4 is to be cut; its own checksum
    /// becomes that of the pseudo header, as for a packet whose sum is still to be completed.
    fn describe_large(&self, header: &mut [u8], frame: &mut [u8]) {
        let Some(large) = Large::read(frame) else {
            return;
        };
        let size = usize::from(self.mtu).saturating_sub(large.headers - ETHERNET);
        let words = [large.headers, size, large.tcp, TCP_CHECKSUM];
        header[..2].copy_from_slice(&[NEEDS_CSUM, GSO_TCPV4]);
        for (place, word) in header[2..10].as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *place = (word as u16).to_le_bytes();
        }
        let at = large.tcp + TCP_CHECKSUM;
        frame[at..at + 2].copy_from_slice(&large.pseudo.to_be_bytes());
    }

    /// How many of the buffers that were taken so many bytes need.
    fn spread(&self, bytes: u64) -> u16 {
        let (mut left, mut count) = (bytes, 0);
        for chain in &self.room {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(segments::total(&chain.writable));
            count += 1;
        }
        count
    }

    /// Sends what the driver has.
    fn send(&mut self, io: &mut Io) {
        while let Some(chain) = io.pop(SEND) {
            let bytes = segments::total(&chain.readable);
            if (HEADER as u64..=(HEADER + FRAME) as u64).contains(&bytes) {
                let mut packet = vec![0; bytes as usize];
                let count = segments::read(io.cx.ram, &chain.readable, 0, &mut packet);
                if count == packet.len()
                    && let Some(frame) = self.outgoing(&mut packet)
                {
                    self.net.send(frame);
                }
            }
            io.push(SEND, chain.head, 0);
        }
    }

    /// The frame behind a driver's header, with its checksum complete; none if the driver asks
    /// for what was not agreed on.
    fn outgoing<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let (header, frame) = packet.split_at_mut_checked(HEADER)?;
        let (flags, gso) = (header[0], header[1]);
        let large = gso == GSO_TCPV4 && self.features & F_HOST_TSO4 != 0;
        // A large packet is whole when its sum is; an agreed one asks for that.
        let sound = gso == 0 || (large && flags & NEEDS_CSUM != 0);
        if !sound || frame.len() < ETHERNET {
            return None;
        }
        if flags & NEEDS_CSUM != 0 {
            if self.features & F_CSUM == 0 {
                return None;
            }
            let word = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
            complete(frame, word(6), word(8))?;
        }
        Some(frame)
    }

    /// Carries out orders.
    fn obey(&mut self, io: &mut Io) {
        while let Some(chain) = io.pop(CONTROL) {
            let bytes = segments::total(&chain.readable).min(ORDER);
            let mut order = vec![0; bytes as usize];
            let count = segments::read(io.cx.ram, &chain.readable, 0, &mut order);
            let known = self.features & F_CTRL_VQ != 0;
            let ack = answer(&mut self.filter, self.features, &order[..count], known);
            let written = segments::write(io.cx.ram, &chain.writable, 0, &[ack]);
            io.push(CONTROL, chain.head, written as u32);
        }
    }
}

/// Sums the frame from `start` on and puts the checksum `offset` behind that; the driver has put
/// the sum of the pseudo header there (section 5.1.6.2).
fn complete(frame: &mut [u8], start: usize, offset: usize) -> Option<()> {
    let part = frame.get_mut(start..)?;
    let place = offset..offset.checked_add(2)?;
    part.get(place.clone())?;
    let mut sum: u64 = 0;
    for pair in part.chunks(2) {
        sum += u64::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
    }
    // UDP writes a sum of zero as all ones, and for TCP the two are the same.
    let check = match !fold(sum) {
        0 => 0xffff,
        check => check,
    };
    part.get_mut(place)?.copy_from_slice(&check.to_be_bytes());
    Some(())
}

/// Where the checksum stands in a TCP header.
const TCP_CHECKSUM: usize = 16;

/// What the header of a large packet says about it.
struct Large {
    /// The bytes of all headers together.
    headers: usize,
    /// Where that of TCP begins.
    tcp: usize,
    /// The sum of the pseudo header.
    pseudo: u16,
}

impl Large {
    /// Reads a frame with TCP over IPv4 in it.
    fn read(frame: &[u8]) -> Option<Self> {
        let first = *frame.get(ETHERNET)?;
        let tcp = ETHERNET + usize::from(first & 15) * 4;
        let headers = tcp + usize::from(frame.get(tcp + 12)? >> 4) * 4;
        let ip = frame.get(ETHERNET..tcp)?;
        let is_tcp = frame.get(12..14)? == [8, 0] && first >> 4 == 4 && *ip.get(9)? == 6;
        if !is_tcp || frame.len() < headers.max(tcp + 20) {
            return None;
        }
        let mut sum = 6 + (frame.len() - tcp) as u64;
        for pair in ip.get(12..20)?.as_chunks::<2>().0 {
            sum += u64::from(u16::from_be_bytes(*pair));
        }
        Some(Self {
            headers,
            tcp,
            pseudo: fold(sum),
        })
    }
}

/// A sum of words with its carries added in.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

impl VirtioDevice for NetCard {
    fn id(&self) -> u16 {
        1
    }

    fn kind(&self) -> &'static str {
        "virtio-net"
    }

    fn pci_class(&self) -> u32 {
        0x02_00_00
    }

    fn features(&self) -> u64 {
        let checksums = F_CSUM | F_GUEST_CSUM;
        let large = if self.net.takes_large() {
            F_GUEST_TSO4 | F_HOST_TSO4
        } else {
            0
        };
        let control = F_CTRL_VQ | F_CTRL_RX | F_CTRL_MAC_ADDR;
        checksums | large | control | F_MTU | F_MAC | F_MRG_RXBUF | F_STATUS
    }

    fn queues(&self) -> &'static [u16] {
        &[256, 256, 64]
    }

    /// The fields of section 5.1.4 up to `mtu`.
    fn config(&self) -> Vec<u8> {
        let mut out = self.mac.to_vec();
        out.extend(u16::from(self.link_up).to_le_bytes());
        out.extend(1_u16.to_le_bytes());
        out.extend(self.mtu.to_le_bytes());
        out
    }

    fn start(&mut self, features: u64, _io: &mut Io) {
        self.accept(features);
    }

    fn notify(&mut self, queue: usize, io: &mut Io) {
        match queue {
            RECEIVE => self.receive(io),
            SEND => self.send(io),
            _ => self.obey(io),
        }
    }

    fn wake(&mut self, io: &mut Io) {
        if self.net.link_up() != self.link_up {
            self.link_up = !self.link_up;
            io.config_changed();
        }
        self.receive(io);
    }

    fn reset(&mut self) {
        self.net.reset();
        self.features = 0;
        self.filter = Filter::new(self.mac);
        self.frame = None;
        self.room.clear();
    }

    fn save(&self, out: &mut Section) {
        out.u64("features", self.features);
        out.bytes("mac", &self.mac);
        out.u64("link_up", u64::from(self.link_up));
        self.filter.save(out);
        out.u64("frames", u64::from(self.frame.is_some()));
        out.bytes("frame", self.frame.as_deref().unwrap_or_default());
        let words: Vec<u64> = self.room.iter().flat_map(chain_words).collect();
        out.words("room", &words);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)?;
        self.reset();
        self.accept(from.u64("features")?);
        if from.bytes("mac")? != self.mac {
            return Err(from.bad("mac"));
        }
        self.link_up = from.below("link_up", 2)? != 0;
        self.filter.restore(from)?;
        let frame = from.bytes("frame")?;
        let waits = from.below("frames", 2)? != 0;
        if frame.len() > FRAME || (!waits && !frame.is_empty()) {
            return Err(from.bad("frame"));
        }
        self.frame = waits.then(|| frame.to_vec());
        let words = from.words("room")?;
        let mut rest = &words[..];
        while !rest.is_empty() {
            let full = self.room.len() >= BUFFERS;
            let taken = chain_of_words(rest).filter(|_| !full);
            let (chain, after) = taken.ok_or_else(|| from.bad("room"))?;
            self.room.push_back(chain);
            rest = after;
        }
        Ok(())
    }
}

/// A buffer as words: its name, how many segments, and the segments.
fn chain_words(chain: &Chain) -> Vec<u64> {
    let mut words = vec![u64::from(chain.head), chain.writable.len() as u64];
    for segment in &chain.writable {
        words.extend([segment.addr.0, u64::from(segment.bytes)]);
    }
    words
}

/// The first buffer of saved words, and what follows it.
fn chain_of_words(words: &[u64]) -> Option<(Chain, &[u64])> {
    let [head, count, rest @ ..] = words else {
        return None;
    };
    let bytes = usize::try_from(*count).ok()?.checked_mul(2)?;
    let (list, rest) = rest.split_at_checked(bytes)?;
    let segment = |pair: &[u64]| {
        Some(Segment {
            addr: GuestPhys(pair[0]),
            bytes: u32::try_from(pair[1]).ok()?,
        })
    };
    let writable: Option<Vec<Segment>> = list.chunks_exact(2).map(segment).collect();
    let chain = Chain {
        head: u16::try_from(*head).ok()?,
        readable: Vec::new(),
        writable: writable?,
    };
    Some((chain, rest))
}
