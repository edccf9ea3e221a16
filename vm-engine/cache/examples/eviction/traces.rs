//! Traces: which blocks are entered, in order.

use std::collections::HashMap;

/// Block numbers in the order in which they are entered.
pub struct Trace {
    /// For the table.
    pub name: &'static str,
    /// How many blocks there are.
    pub blocks: u32,
    /// How often a block is entered before it is compiled.
    pub hot: u32,
    /// Which is entered.
    pub entries: Vec<u32>,
}

/// Few, so that a trace of seconds puts an arena under the pressure of hours.
const HOT: u32 = 30;

/// A number below 2^31.
pub fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f);
    *state >> 33
}

/// A number below `below`, small ones far more often: block use has a long tail.
fn skewed(state: &mut u64, below: u32) -> u32 {
    let unit = (random(state) as f64 + 1.0) / 2_147_483_649.0;
    // The distribution of Zipf with exponent one, by inversion.
    let rank = (f64::from(below) + 1.0).powf(unit) - 1.0;
    (rank as u32).min(below - 1)
}

/// The traces that are made here.
pub fn synthetic() -> Vec<Trace> {
    vec![phases(), loops(), scans()]
}

/// Programs one after the other, each with its own code and all with the same kernel; each comes
/// back after a while.
fn phases() -> Trace {
    let (kernel, own, programs) = (4_000, 6_000, 8);
    let mut state = 1;
    let mut entries = Vec::new();
    for phase in 0..32 {
        let program = (phase * 3 + phase / 8) % programs;
        for _ in 0..1_000_000 {
            entries.push(if random(&mut state).is_multiple_of(3) {
                skewed(&mut state, kernel)
            } else {
                kernel + program * own + skewed(&mut state, own)
            });
        }
    }
    let (name, blocks) = ("phases", kernel + programs * own);
    Trace {
        name,
        blocks,
        hot: HOT,
        entries,
    }
}

/// One loop over more code than fits, with short inner loops.
fn loops() -> Trace {
    let blocks = 30_000;
    let mut state = 2;
    let mut entries = Vec::new();
    for _ in 0..40 {
        for block in (0..blocks - 3).step_by(3) {
            for _ in 0..1 + random(&mut state) % 40 {
                entries.extend([block, block + 1, block + 2]);
            }
        }
    }
    let name = "loops";
    Trace {
        name,
        blocks,
        hot: HOT,
        entries,
    }
}

/// A hot core, and code that is hot once and never again: an interpreter's start, a boot.
fn scans() -> Trace {
    let (core, once) = (8_000, 60_000);
    let mut state = 3;
    let mut entries = Vec::new();
    for block in 0..once {
        for _ in 0..60 {
            entries.push(core + block);
            for _ in 0..7 {
                entries.push(skewed(&mut state, core));
            }
        }
    }
    let (name, blocks) = ("scans", core + once);
    Trace {
        name,
        blocks,
        hot: HOT,
        entries,
    }
}

/// A trace from a file of addresses.
pub fn recorded(bytes: &[u8]) -> Trace {
    let mut numbers = HashMap::new();
    let mut entries = Vec::with_capacity(bytes.len() / 8);
    for word in bytes.as_chunks::<8>().0 {
        let next = numbers.len() as u32;
        entries.push(*numbers.entry(u64::from_le_bytes(*word)).or_insert(next));
    }
    let (name, blocks) = ("recorded", numbers.len() as u32);
    Trace {
        name,
        blocks,
        hot: 4,
        entries,
    }
}
