//! The image: sequences, the states that they begin with, and the code that goes from one to the
//! next.
//!
//! A record of 128 words holds a state. For each sequence there is one to begin with and one that
//! it leaves. All registers but one are loaded from the first and stored to the second by a pair
//! of routines; as that register differs from sequence to sequence, there is a pair for each.

use super::encode::{
    ECALL, add, addi, address, branch_zero, fld, fsd, jump, jump_to, ld, release, sd, sub,
    write_fcsr,
};
use super::sequence::Sequence;

/// Where the image begins.
pub const BASE: u64 = 0x1000_0000;
/// Where execution begins.
pub const ENTRY: u64 = BASE;
/// The system call that ends it, in the judge; here it is where the image ends.
pub const END: u64 = BASE + 0x400;
/// Where a trap goes to here; the judge never comes to it.
pub const TRAPPED: u64 = BASE + 0x800;
/// Where sequences begin.
pub const CODE: u64 = BASE + 0x9000;
/// Where they have to end: a jump reaches from anywhere in them to the routines.
pub const CODE_END: u64 = BASE + 0xf_0000;
/// The memory that instructions work on.
pub const SCRATCH: u64 = BASE + 0x10_0000;
/// Its size.
pub const SCRATCH_BYTES: u64 = 256;
/// The states that sequences begin with.
const BEGIN: u64 = BASE + 0x11_0000;
/// The states that they leave.
pub const LEFT: u64 = BASE + 0x51_0000;
/// The whole image.
pub const BYTES: u64 = 0x91_0000;

/// A record's size.
pub const RECORD: u64 = 1024;
/// The most sequences of one image.
pub const SEQUENCES: usize = 4000;

// Words of a record: the registers stand first, then:
/// Floating-point registers.
pub const F: usize = 32;
/// Control register of floating point.
pub const FCSR: usize = 64;
/// Address of the sequence.
const START: usize = 65;
/// Address of the routine that loads the state; zero behind the last record.
const LOAD: usize = 66;
/// Scratch memory.
pub const MEMORY: usize = 68;

const ROUTINES: u64 = BASE + 0x1000;
const ROUTINE: u64 = 0x200;

const fn load_routine(kept: u32) -> u64 {
    ROUTINES + ROUTINE * 2 * (kept as u64 - 3)
}

const fn store_routine(kept: u32) -> u64 {
    load_routine(kept) + ROUTINE
}

/// The bytes of an image.
#[must_use]
pub fn image(sequences: &[Sequence]) -> Vec<u8> {
    assert!(sequences.len() <= SEQUENCES, "the records fit");
    const {
        assert!(
            store_routine(31) + ROUTINE <= CODE,
            "the routines end before the code"
        );
    };
    let records_end = LEFT + RECORD * sequences.len() as u64;
    let mut image = vec![0; (records_end - BASE) as usize];
    let mut put = |at: u64, words: &[u32]| {
        let at = (at - BASE) as usize;
        for (place, word) in image[at..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    };
    put(ENTRY, &entry());
    put(END, &end(sequences.len() as u64));
    put(TRAPPED, &[jump(0)]);
    for kept in 3..32 {
        put(load_routine(kept), &load(kept));
        put(store_routine(kept), &store(kept));
    }
    for (index, sequence) in sequences.iter().enumerate() {
        let left = LEFT + RECORD * index as u64;
        let end = sequence.pc + sequence.code.len() as u64;
        let [high, low] = address(sequence.kept, left);
        let back = store_routine(sequence.kept) as i64 - (end as i64 + 8);
        put(end, &[high, low, jump(back)]);
    }
    for (index, sequence) in sequences.iter().enumerate() {
        let at = (sequence.pc - BASE) as usize;
        image[at..at + sequence.code.len()].copy_from_slice(&sequence.code);
        let at = (BEGIN - BASE) as usize + RECORD as usize * index;
        for (word, value) in record(sequence) {
            let at = at + 8 * word;
            image[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
    }
    image
}

/// How many bytes a sequence takes, with what leads back.
#[must_use]
pub fn room(sequence: &Sequence) -> u64 {
    (sequence.code.len() as u64 + 12 + 3) & !3
}

fn record(sequence: &Sequence) -> Vec<(usize, u64)> {
    let start = &sequence.start;
    let mut words: Vec<_> = start.x.iter().copied().enumerate().collect();
    words.extend(start.f.iter().enumerate().map(|(n, v)| (F + n, *v)));
    words.extend([
        (FCSR, start.fcsr),
        (START, sequence.pc),
        (LOAD, load_routine(sequence.kept)),
    ]);
    words.extend(
        start
            .scratch
            .iter()
            .enumerate()
            .map(|(n, v)| (MEMORY + n, *v)),
    );
    words
}

fn offset(word: usize) -> i32 {
    8 * word as i32
}

/// Begins with the first record, or with the one behind the record in `t0` that was just left.
fn entry() -> Vec<u32> {
    let (at, memory, value) = (5, 6, 7);
    let mut code = Vec::new();
    code.extend(address(at, BEGIN));
    // What follows is also where `next` jumps to.
    code.extend(address(memory, SCRATCH));
    code.push(release(memory));
    for n in 0..(SCRATCH_BYTES / 8) as usize {
        code.push(ld(value, at, offset(MEMORY + n)));
        code.push(sd(value, memory, offset(n)));
    }
    code.push(ld(value, at, offset(LOAD)));
    code.push(branch_zero(value, false, 8));
    let here = ENTRY + 4 * code.len() as u64;
    code.push(jump(END as i64 - here as i64));
    code.push(jump_to(value));
    // `next`: stores the scratch memory, and goes on.
    assert_eq!(ENTRY + 4 * code.len() as u64, NEXT, "the place of `next`");
    code.extend(address(memory, SCRATCH));
    for n in 0..(SCRATCH_BYTES / 8) as usize {
        code.push(ld(value, memory, offset(n)));
        code.push(sd(value, at, offset(MEMORY + n)));
    }
    code.extend(address(value, LEFT - BEGIN - RECORD));
    code.push(sub(at, at, value));
    let here = 4 * code.len() as i64;
    code.push(jump(8 - here));
    code
}

/// See [`entry`].
const NEXT: u64 = ENTRY + 4 * (2 + 2 + 1 + 2 * SCRATCH_BYTES / 8 + 4);

/// Writes the records that were left to standard output, and exits.
fn end(sequences: u64) -> Vec<u32> {
    let (a0, a1, a2, a7) = (10, 11, 12, 17);
    let mut code = vec![];
    code.extend(address(a1, LEFT));
    code.extend(address(a2, RECORD * sequences));
    let again = code.len() as i64;
    code.extend([addi(a0, 0, 1), addi(a7, 0, 64), ECALL]);
    code.extend([add(a1, a1, a0), sub(a2, a2, a0)]);
    let here = code.len() as i64;
    code.push(branch_zero(a2, false, 4 * (again - here)));
    code.extend([addi(a0, 0, 0), addi(a7, 0, 93), ECALL]);
    code
}

/// The first system call, where the image ends here.
pub const DONE: u64 = END + 4 * 6;

fn load(kept: u32) -> Vec<u32> {
    let mut code = vec![
        addi(kept, 5, 0),
        ld(1, kept, offset(FCSR)),
        write_fcsr(0, 1),
    ];
    code.extend((0..32).map(|n| fld(n, kept, offset(F + n as usize))));
    let others = (1..32).filter(|n| *n != kept);
    code.extend(others.map(|n| ld(n, kept, offset(n as usize))));
    code.extend([ld(kept, kept, offset(START)), jump_to(kept)]);
    code
}

fn store(kept: u32) -> Vec<u32> {
    let others = (1..32).filter(|n| *n != kept);
    let mut code: Vec<_> = others.map(|n| sd(n, kept, offset(n as usize))).collect();
    code.extend((0..32).map(|n| fsd(n, kept, offset(F + n as usize))));
    code.extend([
        write_fcsr(1, 0),
        sd(1, kept, offset(FCSR)),
        addi(5, kept, 0),
    ]);
    let here = store_routine(kept) + 4 * code.len() as u64;
    code.push(jump(NEXT as i64 - here as i64));
    code
}
