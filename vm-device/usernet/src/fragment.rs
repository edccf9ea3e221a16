//! Packets in pieces, in both directions.
//!
//! RFC 791, section 3.2, "Fragmentation and Reassembly".

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use crate::plan::MTU;
use crate::wire::{IP_HEADER, Packet, packet, seal};

/// How many packets are put together at a time; a new one drives out the oldest.
// LIMIT: with `PIECES` pieces of at most 64 KiB each, 4 MiB.
const PACKETS: usize = 8;
/// The most pieces of a packet.
// LIMIT: a packet of 64 KiB in frames of 1500 bytes has 45.
const PIECES: usize = 64;
/// The longest payload.
const WHOLE: usize = 65_535 - IP_HEADER;
/// How long pieces are waited for.
const PATIENCE_US: u64 = 15_000_000;

/// Packets of which pieces have come.
#[derive(Default)]
pub(crate) struct Pieces(VecDeque<Partial>);

#[derive(PartialEq, Eq)]
struct Name(Ipv4Addr, Ipv4Addr, u8, u16);

struct Partial {
    name: Name,
    since_us: u64,
    /// Offset and bytes, in order, without overlap.
    pieces: Vec<(usize, Vec<u8>)>,
    total: Option<usize>,
}

impl Pieces {
    /// Takes a piece; gives the whole packet if it was the last one that lacked.
    pub fn add(&mut self, now_us: u64, piece: &Packet) -> Option<Vec<u8>> {
        self.0
            .retain(|partial| now_us.saturating_sub(partial.since_us) < PATIENCE_US);
        let name = Name(piece.from, piece.to, piece.protocol, piece.ident);
        let found = self.0.iter().position(|partial| partial.name == name);
        let mut partial = match found.and_then(|at| self.0.remove(at)) {
            Some(partial) => partial,
            None => Partial {
                name,
                since_us: now_us,
                pieces: Vec::new(),
                total: None,
            },
        };
        // Overlaps are never honest: the packet is forgotten.
        partial.take(piece)?;
        if let Some(payload) = partial.whole() {
            return Some(packet(piece.protocol, piece.from, piece.to, &payload));
        }
        if self.0.len() >= PACKETS {
            self.0.pop_front();
        }
        self.0.push_back(partial);
        None
    }
}

impl Partial {
    fn take(&mut self, piece: &Packet) -> Option<()> {
        let (offset, more) = piece.fragment;
        let end = offset + piece.payload.len();
        let sound = !piece.payload.is_empty() && end <= WHOLE && self.pieces.len() < PIECES;
        if !sound || (more && !piece.payload.len().is_multiple_of(8)) {
            return None;
        }
        if !more && self.total.replace(end).is_some_and(|old| old != end) {
            return None;
        }
        let at = self.pieces.partition_point(|(start, _)| *start < offset);
        let before = at.checked_sub(1).and_then(|at| self.pieces.get(at));
        if before.is_some_and(|(start, bytes)| start + bytes.len() > offset)
            || self.pieces.get(at).is_some_and(|(start, _)| *start < end)
        {
            return None;
        }
        self.pieces.insert(at, (offset, piece.payload.to_vec()));
        Some(())
    }

    fn whole(&self) -> Option<Vec<u8>> {
        let total = self.total?;
        let bytes: usize = self.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        // Without overlap the sum tells that there are no holes.
        let last = self.pieces.last()?;
        (bytes == total && last.0 + last.1.len() == total)
            .then(|| self.pieces.iter().flat_map(|(_, b)| b.clone()).collect())
    }
}

/// Cuts a packet with a header of twenty bytes into such as a frame can hold.
pub(crate) fn cut(whole: Vec<u8>, ident: u16) -> Vec<Vec<u8>> {
    if whole.len() <= MTU {
        return vec![whole];
    }
    let (header, payload) = whole.split_at(IP_HEADER);
    let step = (MTU - IP_HEADER) / 8 * 8;
    let count = payload.len().div_ceil(step);
    let piece = |(number, part): (usize, &[u8])| {
        let more = if number + 1 < count { 0x2000 } else { 0 };
        let place = (number * step / 8) as u16 | more;
        let mut out = header.to_vec();
        out[2..4].copy_from_slice(&((IP_HEADER + part.len()) as u16).to_be_bytes());
        out[4..6].copy_from_slice(&ident.to_be_bytes());
        out[6..8].copy_from_slice(&place.to_be_bytes());
        seal(&mut out);
        out.extend_from_slice(part);
        out
    };
    payload.chunks(step).enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::UDP;

    fn large(bytes: usize) -> Vec<u8> {
        let payload: Vec<u8> = (0..bytes).map(|i| (i / 3) as u8).collect();
        packet(
            UDP,
            Ipv4Addr::new(10, 0, 2, 15),
            Ipv4Addr::new(1, 2, 3, 4),
            &payload,
        )
    }

    #[test]
    fn what_is_cut_can_be_put_together_in_any_order() {
        for bytes in [1480, 1481, 4000, 65_515] {
            let whole = large(bytes);
            let mut cut = cut(whole.clone(), 7);
            assert!(cut.iter().all(|piece| piece.len() <= MTU));
            if bytes == 1480 {
                assert_eq!(cut, [whole]);
                continue;
            }
            cut.reverse();
            let last = cut.pop().unwrap();
            let mut pieces = Pieces::default();
            for piece in &cut {
                assert_eq!(pieces.add(0, &Packet::read(piece).unwrap()), None);
            }
            assert_eq!(pieces.add(9, &Packet::read(&last).unwrap()), Some(whole));
            assert!(pieces.0.is_empty());
        }
    }

    #[test]
    fn pieces_that_contradict_each_other_or_come_late_are_forgotten() {
        let cut = cut(large(4000), 7);
        let read = |piece: &Vec<u8>| Packet::read(piece).unwrap().whole.to_vec();
        let mut pieces = Pieces::default();
        assert_eq!(pieces.add(0, &Packet::read(&read(&cut[0])).unwrap()), None);
        assert_eq!(pieces.add(0, &Packet::read(&read(&cut[0])).unwrap()), None);
        assert!(pieces.0.is_empty(), "the same piece twice");
        assert_eq!(pieces.add(0, &Packet::read(&cut[0]).unwrap()), None);
        assert_eq!(
            pieces.add(PATIENCE_US, &Packet::read(&cut[1]).unwrap()),
            None
        );
        assert_eq!(
            pieces.add(PATIENCE_US, &Packet::read(&cut[2]).unwrap()),
            None
        );
        assert_eq!(pieces.0.len(), 1, "the first one was too old");
    }

    #[test]
    fn no_more_is_kept_than_the_limits_say() {
        let mut pieces = Pieces::default();
        for ident in 0..1000 {
            let first = cut(large(4000), ident).remove(0);
            assert_eq!(pieces.add(0, &Packet::read(&first).unwrap()), None);
        }
        assert_eq!(pieces.0.len(), PACKETS);
    }
}
