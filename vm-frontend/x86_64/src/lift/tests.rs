//! How blocks end.

use vm_ir::verify::verify;
use vm_ir::{Builder, End, Frontend, Lifted};

use crate::{X86_64, lift, trap};

/// Lifts some bytes; what came of it, and the block's instructions and bytes and its end.
fn lifted(code: &[u8], limit: u32) -> (Lifted, (u32, u32, End)) {
    let mut out = Builder::new();
    let lifted = lift(code, limit, &mut out);
    let block = out.finish();
    if lifted == Lifted::Done {
        let frontend = X86_64::new();
        let valid = verify(&block, frontend.layout(), frontend.helpers());
        assert_eq!(valid, Ok(()), "{code:02x?}");
    }
    (lifted, (block.insns, block.bytes, block.end))
}

#[test]
fn a_block_ends_where_it_must() {
    let check = |code: &[u8], limit: u32, block: (u32, u32, End)| {
        assert_eq!(lifted(code, limit), (Lifted::Done, block), "{code:02x?}");
    };
    // At the limit, at a cut-off instruction, at a jump.
    check(&[0x90, 0x90, 0x90], 2, (2, 2, End::Goto(2)));
    check(&[0x90, 0x48, 0x8b], 9, (1, 1, End::Goto(1)));
    check(&[0x90, 0xeb, 0xfe, 0x90], 9, (2, 3, End::Goto(1)));
    // A repeated instruction goes on with itself or behind itself.
    let (done, (insns, bytes, end)) = lifted(&[0x90, 0xf3, 0xa4, 0x90], 9);
    assert_eq!((done, insns, bytes), (Lifted::Done, 2, 3));
    assert!(
        matches!(
            end,
            End::Branch {
                taken: 1,
                fall: 3,
                ..
            }
        ),
        "{end:?}"
    );
}

#[test]
fn what_is_cut_off_is_asked_for_whole() {
    for code in [
        &[][..],
        &[0x48],
        &[0xf0, 0x0f],
        &[0x66; 14],
        &[0xe9, 0, 0, 0],
    ] {
        assert_eq!(lifted(code, 1).0, Lifted::Short(15), "{code:02x?}");
    }
}

#[test]
fn what_is_no_instruction_traps() {
    // An opcode that 64-bit mode has not, a lock that is not permitted, one byte too many.
    for code in [&[0x06, 0, 0][..], &[0xf0, 0x90, 0], &[0x66; 16]] {
        let (lifted, (insns, _, end)) = lifted(code, 4);
        assert_eq!((lifted, insns), (Lifted::Done, 1), "{code:02x?}");
        let cause = trap::INVALID_OPCODE;
        assert!(
            matches!(end, End::Trap { cause: c, .. } if c == cause),
            "{code:02x?}: {end:?}"
        );
    }
}
