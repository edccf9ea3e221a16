//! Memory that can be searched: guest RAM, or a file.

use std::ops::Range;

use vm_core::GuestPhys;
use vm_mem::GuestRam;

/// Memory that can be searched.
pub trait Memory {
    /// The ranges of addresses that there are.
    fn ranges(&self) -> Vec<Range<u64>>;

    /// Reads; false if not all of it is there.
    fn read(&self, addr: u64, out: &mut [u8]) -> bool;
}

impl Memory for GuestRam {
    fn ranges(&self) -> Vec<Range<u64>> {
        self.regions()
            .map(|(base, bytes)| base.0..base.0.saturating_add(bytes))
            .collect()
    }

    fn read(&self, addr: u64, out: &mut [u8]) -> bool {
        Self::read(self, GuestPhys(addr), out).is_ok()
    }
}

/// A file, from address zero.
impl Memory for [u8] {
    fn ranges(&self) -> Vec<Range<u64>> {
        std::iter::once(0..self.len() as u64).collect()
    }

    fn read(&self, addr: u64, out: &mut [u8]) -> bool {
        let from = usize::try_from(addr).ok().and_then(|at| self.get(at..));
        match from.and_then(|from| from.get(..out.len())) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}

/// How much is read at a time.
const WINDOW: usize = 1 << 20;

/// Every place at which `pattern` stands, in order; `found` says whether to go on.
///
/// `pattern` must not begin with a zero, so that unused memory is passed over quickly.
pub fn search(memory: &(impl Memory + ?Sized), pattern: &[u8], mut found: impl FnMut(u64) -> bool) {
    let Some(first) = pattern.first().copied() else {
        return;
    };
    let mut window = vec![0; WINDOW + pattern.len() - 1];
    for range in memory.ranges() {
        let mut at = range.start;
        while at < range.end {
            let length = (range.end - at).min(window.len() as u64) as usize;
            let Some(part) = window.get_mut(..length) else {
                return;
            };
            if !memory.read(at, part) {
                break;
            }
            for (number, line) in part.chunks(64).enumerate() {
                if !line.contains(&first) {
                    continue;
                }
                for (byte, _) in line.iter().enumerate().filter(|(_, byte)| **byte == first) {
                    let from = number * 64 + byte;
                    let here = part.get(from..).unwrap_or_default();
                    // The last bytes of a window are the first ones of the next.
                    if from < WINDOW && here.starts_with(pattern) && !found(at + from as u64) {
                        return;
                    }
                }
            }
            at += WINDOW as u64;
        }
    }
}

/// Reads `bytes` at `addr`, or less where memory ends.
pub fn read_up_to(memory: &(impl Memory + ?Sized), addr: u64, bytes: u64) -> Vec<u8> {
    let range = memory.ranges().into_iter().find(|r| r.contains(&addr));
    let length = range.map_or(0, |range| bytes.min(range.end - addr));
    let mut out = vec![0; usize::try_from(length).unwrap_or(0)];
    if memory.read(addr, &mut out) {
        out
    } else {
        Vec::new()
    }
}
