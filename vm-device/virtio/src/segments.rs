//! Copying between bytes and the pieces of guest memory that a chain names.

use vm_core::GuestPhys;
use vm_device_bus::Segment;
use vm_mem::GuestRam;

/// The length of all segments together.
#[must_use]
pub fn total(segments: &[Segment]) -> u64 {
    segments.iter().map(|s| u64::from(s.bytes)).sum()
}

/// The part of the segments that begins `skip` bytes in and is at most `bytes` long.
#[must_use]
pub fn part(segments: &[Segment], mut skip: u64, mut bytes: u64) -> Vec<Segment> {
    let mut out = Vec::new();
    for segment in segments {
        let length = u64::from(segment.bytes);
        let jump = skip.min(length);
        skip -= jump;
        let take = (length - jump).min(bytes);
        if take > 0 {
            bytes -= take;
            out.push(Segment {
                addr: GuestPhys(segment.addr.0.wrapping_add(jump)),
                bytes: take as u32,
            });
        }
    }
    out
}

/// Copies memory out, from `skip` bytes in; how much there was.
pub fn read(ram: &GuestRam, segments: &[Segment], skip: u64, out: &mut [u8]) -> usize {
    let mut done = 0;
    for piece in part(segments, skip, out.len() as u64) {
        let end = done + piece.bytes as usize;
        let Some(into) = out.get_mut(done..end) else {
            break;
        };
        if ram.read(piece.addr, into).is_err() {
            break;
        }
        done = end;
    }
    done
}

/// Copies bytes in, from `skip` bytes in; how much there was room for.
pub fn write(ram: &GuestRam, segments: &[Segment], skip: u64, bytes: &[u8]) -> usize {
    let mut done = 0;
    for piece in part(segments, skip, bytes.len() as u64) {
        let end = done + piece.bytes as usize;
        let Some(from) = bytes.get(done..end) else {
            break;
        };
        if ram.write(piece.addr, from).is_err() {
            break;
        }
        done = end;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(list: &[(u64, u32)]) -> Vec<Segment> {
        let segment = |(addr, bytes): &(u64, u32)| Segment {
            addr: GuestPhys(*addr),
            bytes: *bytes,
        };
        list.iter().map(segment).collect()
    }

    #[test]
    fn a_part_keeps_order_and_lengths() {
        let whole = segments(&[(0x100, 4), (0x200, 8), (0x300, 1)]);
        for (skip, bytes, expected) in [
            (0, 13, vec![(0x100, 4), (0x200, 8), (0x300, 1)]),
            (0, 99, vec![(0x100, 4), (0x200, 8), (0x300, 1)]),
            (2, 4, vec![(0x102, 2), (0x200, 2)]),
            (4, 8, vec![(0x200, 8)]),
            (12, 1, vec![(0x300, 1)]),
            (13, 1, vec![]),
            (3, 0, vec![]),
        ] {
            assert_eq!(
                part(&whole, skip, bytes),
                segments(&expected),
                "{skip} {bytes}"
            );
        }
    }
}
