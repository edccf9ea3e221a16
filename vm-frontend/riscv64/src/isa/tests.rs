//! The table as a whole: overlaps, samples, texts, reserved encodings.

mod encodings;

use super::notation::is_reserved;
use super::{ROWS, Row, Status, decode};
use crate::{assemble, disassemble};

/// A small generator of random bits (xorshift); the seed is fixed, so a failure repeats.
fn random() -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as u32
    }
}

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
fn decoding_finds_the_most_specific_row() {
    let mut next = random();
    for _ in 0..200_000 {
        let insn = next();
        let insn = if insn & 3 == 3 { insn } else { insn & 0xffff };
        let best = ROWS
            .iter()
            .filter(|row| row.matches(insn) && (row.bytes == 4) == (insn & 3 == 3))
            .max_by_key(|row| row.mask.count_ones())
            .filter(|row| row.status != Status::Reserved && !is_reserved(row, insn));
        let found = decode(insn).map(|row| row.name);
        assert_eq!(found, best.map(|row| row.name), "{insn:#010x}");
    }
}

#[test]
fn all_short_encodings_find_the_most_specific_row() {
    for insn in (0..0x1_0000).filter(|insn| insn & 3 != 3) {
        let best = ROWS
            .iter()
            .filter(|row| row.bytes == 2 && row.matches(insn))
            .max_by_key(|row| row.mask.count_ones())
            .filter(|row| row.status != Status::Reserved);
        let found = decode(insn).map(|row| row.name);
        assert_eq!(found, best.map(|row| row.name), "{insn:#06x}");
    }
}

#[test]
fn samples_decode_to_their_row_and_their_text_assembles_to_them() {
    let mut next = random();
    for row in ROWS.iter().filter(|row| row.status != Status::Reserved) {
        let mut good = 0;
        for _ in 0..64 {
            let Some(insn) = row.sample(next()) else {
                continue;
            };
            good += 1;
            let found = decode(insn).map(|row| row.name);
            assert_eq!(found, Some(row.name), "{insn:#010x}");
            let plain = insn & !ignored(row);
            if decode(plain).is_none_or(|found| found.name != row.name) {
                // Without the bits that the row ignores it is the encoding of another.
                continue;
            }
            let text = row.show(insn, 0x1000);
            let (back, bytes) = assemble(&text, 0x1000).unwrap_or_else(|| panic!("{text}"));
            // Bits that the row ignores come back as zeroes, and the text with them.
            assert_eq!(row.show(back, 0x1000), text);
            assert_eq!((back, bytes), (plain, row.bytes as usize), "{text}");
        }
        assert!(good > 16, "{} has few samples", row.name);
    }
}

/// The bits that are neither fixed nor in a field.
fn ignored(row: &Row) -> u32 {
    let room = if row.bytes == 2 { 0xffff } else { u32::MAX };
    let used = row.fields().map(|(field, _)| {
        (0..32)
            .filter(|bit| field.take(1 << bit) != field.take(0))
            .fold(0, |set, bit| set | 1 << bit)
    });
    room & !row.mask & !used.fold(0, |a, b| a | b)
}

#[test]
fn reserved_encodings_are_none() {
    let check = |insn: u32| {
        assert_eq!(decode(insn).map(|row| row.name), None, "{insn:#010x}");
    };
    // All zeroes, all ones, and encodings meant to be longer than 32 bits.
    check(0);
    check(u32::MAX);
    check(0x0000_001f);
    check(0x0000_003f);
    // c.addi4spn with nothing to add, c.addiw x0, c.lui and c.addi16sp of zero, c.lwsp x0,
    // c.ldsp x0, c.jr x0, quadrant 0 function 4 beyond Zcb, the gaps of the register forms.
    for insn in [
        0x001c, 0x2001, 0x6281, 0x6101, 0x4002, 0x6002, 0x8002, 0x8c40, 0x9c79, 0x9c7d,
    ] {
        check(insn);
    }
    // Rounding modes 5 and 6; a shift of a word by 32; lr with rs2; a quad load.
    for insn in [
        0x00c5_d553,
        0x00c5_e553,
        0x0205_951b,
        0x1015_252f,
        0x0000_4007,
    ] {
        check(insn);
    }
}

#[test]
fn what_is_no_instruction_is_shown_as_data() {
    let check = |bytes: &[u8], text: &str| {
        let shown = disassemble(bytes, 0);
        assert_eq!((shown.text.as_str(), shown.bytes), (text, bytes.len()));
    };
    check(&[0, 0], ".half 0x0000");
    check(&[0xff; 4], ".word 0xffffffff");
    check(&[0x13, 0x05], ".half 0x0513");
    check(&[0x13], ".byte 0x13");
    check(&[], "");
}
