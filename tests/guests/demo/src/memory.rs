//! The `mem` command: what memory there is, and a walk over some of it.

use crate::machine::Machine;
use crate::{entry, mmio, println, riscv, timer};

/// Memory that the test walks over.
const TEST_BYTES: usize = 4 << 20;

/// What word `index` holds while `pattern` is tested: no two neighbours alike.
fn expected(pattern: u64, index: usize) -> u64 {
    pattern.rotate_left(index as u32 & 63) ^ index as u64
}

/// Writes and reads the pattern; the index of the first wrong word.
fn walk(words: &mut [u64], pattern: u64) -> Option<usize> {
    for (index, word) in words.iter_mut().enumerate() {
        mmio::write_word(word, expected(pattern, index));
    }
    words
        .iter()
        .enumerate()
        .position(|(index, word)| mmio::read_word(word) != expected(pattern, index))
}

/// The `mem` command.
pub fn command(machine: &mut Machine) {
    let (start, bytes) = machine.ram;
    let end = start + bytes;
    let (image_start, image_end) = (entry::image_start(), entry::image_end());
    println!("ram      {start:#x} to {end:#x}, {} MiB", bytes >> 20);
    println!(
        "image    {image_start:#x} to {image_end:#x}, {} KiB",
        (image_end - image_start) >> 10
    );
    println!(
        "free     {} KiB behind the image",
        end.saturating_sub(image_end) >> 10
    );
    let Some(words) = machine.scratch(TEST_BYTES) else {
        println!(
            "test     too little memory for a test of {} MiB",
            TEST_BYTES >> 20
        );
        return;
    };
    let at = words.as_ptr().addr();
    let started = riscv::time();
    // A walking one, and alternating bits.
    for pattern in [1, 0xaaaa_aaaa_aaaa_aaaa] {
        if let Some(index) = walk(words, pattern) {
            println!(
                "test     FAILED at {:#x}, pattern {pattern:#x}",
                at + 8 * index
            );
            return;
        }
    }
    let microseconds = timer::microseconds(riscv::time() - started).max(1);
    let moved = 4 * TEST_BYTES as u64;
    println!(
        "test     {} MiB at {at:#x}: good, {} MB/s written and read",
        TEST_BYTES >> 20,
        moved / microseconds
    );
}
