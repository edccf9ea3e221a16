use super::*;
use crate::disassemble;

#[test]
fn a_mnemonic_has_one_row() {
    let mut seen = Vec::new();
    for row in rows() {
        assert!(!seen.contains(&row.mnemonic), "{:?}", row.mnemonic);
        seen.push(row.mnemonic);
    }
    let live = rows().filter(|row| row.meaning.is_some()).count();
    assert!(live >= 40, "only {live} live rows");
}

#[test]
fn text_is_that_of_the_manual() {
    for (bytes, text) in [
        (&[0x48, 0x01, 0xd8][..], "add rax, rbx"),
        (&[0x88, 0x67, 0xff], "mov [rdi-1], ah"),
        (&[0xf0, 0x48, 0x0f, 0xc1, 0x0b], "lock xadd [rbx], rcx"),
        (&[0xf3, 0xa4], "rep movsb"),
        (
            &[0x64, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0],
            "mov eax, [fs:0x10]",
        ),
        (&[0x06], "db 0x06"),
    ] {
        let found = disassemble(bytes, 0x1000);
        assert_eq!(found.text, text);
        assert_eq!(
            found.bytes,
            if text.starts_with("db") {
                1
            } else {
                bytes.len()
            }
        );
    }
}

#[test]
fn other_forms_of_a_mnemonic_are_not_taken() {
    for bytes in [
        // mov eax, ds; mov cr0, rax; movsd xmm0, xmm1; call far [rax]; ret with 16 bits.
        &[0x8c, 0xd8][..],
        &[0x0f, 0x22, 0xc0],
        &[0xf2, 0x0f, 0x10, 0xc1],
        &[0xff, 0x18],
        &[0x66, 0xc3],
    ] {
        let mut decoder = iced_x86::Decoder::new(64, bytes, 0);
        let insn = decoder.decode();
        assert!(
            !insn.is_invalid() && row_of(&insn).is_none(),
            "{bytes:02x?}"
        );
    }
}
