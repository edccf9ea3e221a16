//! The table as a whole: overlaps, samples, texts, reserved encodings.

use vm_core::Entropy;

use super::{ROWS, Status, decode};
use crate::{assemble, disassemble};

#[test]
fn overlapping_rows_are_nested_or_told_apart_by_a_third() {
    assert_eq!(vm_ir::rows::overlaps(ROWS), []);
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ROWS.len());
}

#[test]
fn samples_decode_to_their_row_and_their_text_assembles_to_them() {
    let mut random = Entropy::new(1);
    for row in ROWS.iter().filter(|row| row.status != Status::Reserved) {
        let mut good = 0;
        for _ in 0..128 {
            let Some(insn) = row.sample(random.next_u64() as u32) else {
                continue;
            };
            good += 1;
            let text = row.show(insn, 0x1234);
            let (back, _) = assemble(&text, 0x1234).unwrap_or_else(|| panic!("{text}"));
            // Several encodings stand for one mask and for one shift by nothing.
            let again = decode(back).map(|row| (row.name, row.show(back, 0x1234)));
            assert_eq!(again, Some((row.name, text)), "{insn:#010x} {back:#010x}");
        }
        assert!(good > 16, "{} has few samples", row.name);
    }
}

#[test]
fn the_best_row_is_found() {
    let mut random = Entropy::new(2);
    for _ in 0..100_000 {
        let insn = random.next_u64() as u32;
        let best = ROWS
            .iter()
            .filter(|row| row.matches(insn))
            .max_by_key(|row| row.mask.count_ones());
        if let Some(found) = decode(insn) {
            assert_eq!(Some(found.name), best.map(|row| row.name), "{insn:#010x}");
        }
    }
}

#[test]
fn reserved_encodings_are_data() {
    let check = |insn: u32| {
        let shown = disassemble(&insn.to_le_bytes(), 0);
        assert_eq!(shown.text, format!(".word {insn:#010x}"));
    };
    // All zeroes, all ones; a mask of all ones; a sum with a rotation; extensions shifted by
    // five; an index extended from a byte; a word field beyond the word.
    for insn in [
        0,
        u32::MAX,
        0x9240_fc20,
        0x8bc2_0020,
        0x8b22_1420,
        0xf862_0820,
        0x5320_7c20,
    ] {
        check(insn);
    }
}
