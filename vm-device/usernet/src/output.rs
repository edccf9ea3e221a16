//! Frames for the guest, and who on its side has which address.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use crate::fragment::cut;
use crate::plan::{BROADCAST, GATEWAY_MAC};
use crate::wire::{ETHERNET, KIND_IPV4, Mac, address, frame};

/// How many addresses of the guest's side are known.
// LIMIT: a guest has one; with bridges of its own it may have some.
const NEIGHBOURS: usize = 64;
/// How many frames may wait beyond the room that there is.
// LIMIT: answers that nobody repeats, such as to ARP; connections wait for room instead.
const SLACK: usize = 256;

/// Frames that wait for the guest.
pub(crate) struct Output {
    frames: VecDeque<Vec<u8>>,
    room: usize,
    mac: Mac,
    neighbours: BTreeMap<Ipv4Addr, Mac>,
    ident: u16,
}

impl Output {
    /// Nothing yet, for a card with this address.
    pub fn new(mac: Mac) -> Self {
        Self {
            frames: VecDeque::new(),
            room: 0,
            mac,
            neighbours: BTreeMap::new(),
            ident: 0,
        }
    }

    /// Says how many frames the other side takes now.
    pub fn set_room(&mut self, frames: usize) {
        self.room = frames;
    }

    /// Whether connections have to wait.
    pub fn is_full(&self) -> bool {
        self.frames.len() >= self.room
    }

    /// The next frame.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    /// Forgets all frames and addresses.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.neighbours.clear();
    }

    /// Notes that somebody on the guest's side has this address.
    pub fn learn(&mut self, addr: Ipv4Addr, mac: Mac) {
        let known = self.neighbours.contains_key(&addr);
        if (known || self.neighbours.len() < NEIGHBOURS) && mac[0] & 1 == 0 {
            self.neighbours.insert(addr, mac);
        }
    }

    /// Adds a frame.
    pub fn frame(&mut self, frame: Vec<u8>) {
        if self.frames.len() < self.room + SLACK {
            self.frames.push_back(frame);
        }
    }

    /// Adds a packet, in pieces if it is large.
    pub fn packet(&mut self, packet: Vec<u8>) {
        self.ident = self.ident.wrapping_add(1);
        for piece in cut(packet, self.ident) {
            let to = address(&piece, 16).unwrap_or(Ipv4Addr::BROADCAST);
            self.packet_to(self.mac_of(to), &piece);
        }
    }

    /// Adds a packet for this hardware address.
    pub fn packet_to(&mut self, mac: Mac, packet: &[u8]) {
        let mut frame = frame(mac, GATEWAY_MAC, KIND_IPV4, packet.len());
        frame.extend_from_slice(packet);
        self.frame(frame);
    }

    /// Adds a packet of so many bytes that `fill` writes.
    pub fn packet_with<R>(&mut self, bytes: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = frame([0; 6], GATEWAY_MAC, KIND_IPV4, bytes);
        frame.resize(ETHERNET + bytes, 0);
        let result = fill(&mut frame[ETHERNET..]);
        let to = address(&frame, ETHERNET + 16).unwrap_or(Ipv4Addr::BROADCAST);
        frame[..6].copy_from_slice(&self.mac_of(to));
        self.frame(frame);
        result
    }

    fn mac_of(&self, addr: Ipv4Addr) -> Mac {
        if addr.is_broadcast() || addr == BROADCAST {
            return [0xff; 6];
        }
        *self.neighbours.get(&addr).unwrap_or(&self.mac)
    }
}
