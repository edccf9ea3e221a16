//! What is printed is read as the same; what cannot be read is refused with its line.

use vm_core::Entropy;

use super::{parse, print};
use crate::sample::{self, HELPERS};

#[test]
fn random_blocks_come_back() {
    let layout = sample::layout();
    for seed in 0..5_000 {
        let block = sample::block(&mut Entropy::new(seed), 12);
        let text = print(&block, &layout, HELPERS);
        match parse(&text, &layout, HELPERS) {
            Ok(back) => assert!(back == block, "seed {seed}: {text}"),
            Err(error) => panic!("seed {seed}: {error}\n{text}"),
        }
        let nameless = print(&block, &layout, &[]);
        assert!(parse(&nameless, &layout, &[]) == Ok(block), "seed {seed}");
    }
}

/// Reads a block with these lines; what is said of the first wrong one.
fn check(lines: &str, said: &str) {
    let text = format!("block 1 insns 4 bytes\ninsn +0x0 4\nv1 = const.i64 7\n{lines}");
    let found = parse(&text, &sample::layout(), HELPERS);
    let found = found.map_or_else(|error| error.to_string(), |_| "fine".to_owned());
    assert_eq!(found, said, "{lines}");
}

#[test]
fn lines_are_refused() {
    check("v2 = add.i64 v1, v1\ngoto +0x4", "fine");
    check(
        "vx = add.i64 v1, v1 ; names are free\nset s1, vx\n\nleave",
        "fine",
    );
    check("set #3, v1\nv2 = call #1 v1\ngoto -4", "fine");
    check(
        "v2 = frob.i64 v1\nleave",
        "line 4: there is no operation `frob`",
    );
    check("v2 = neg.i63 v1\nleave", "line 4: there is no type `i63`");
    check("set q1, v1\nleave", "line 4: there is no slot `q1`");
    check(
        "v2 = call frob v1\nleave",
        "line 4: there is no helper `frob`",
    );
    check("v2 = neg.i64 v9\nleave", "line 4: no line above makes `v9`");
    check("v1 = neg.i64 v1\nleave", "line 4: `v1` is made twice");
    check(
        "neg.i64 v1\nleave",
        "line 4: `neg` has another kind of result",
    );
    check(
        "v2 = set s1, v1\nleave",
        "line 4: `set` has another kind of result",
    );
    check("set s1, v1", "line 4: the block has no end");
    check(
        "leave\nset s1, v1",
        "line 5: something follows the end of the block",
    );
    check("goto 4", "line 4: expected +, found `4`");
    check(
        "v2 = const.i64 0xfg\nleave",
        "line 4: expected a number, found `0xfg`",
    );
    check(
        "store.i32 v1+0x80000000, v1\nleave",
        "line 4: expected a smaller number, found `+0x80000000, v1`",
    );
    check(
        "v2 = load.i32 v1+8 acquire be quickly\nleave",
        "line 4: expected the end of the line, found `quickly`",
    );
    check(
        "fence strongly\nleave",
        "line 4: expected an ordering, found `strongly`",
    );
    check(
        "jump v1 twice\nleave",
        "line 4: expected the end of the line, found `twice`",
    );
}

#[test]
fn text_has_the_promised_form() {
    let text = "\
block 1 insns 4 bytes
  insn +0x0 4
  v1 = get.i64 s6
  v2 = const.i64 0x8
  v3 = add.i64 v1, v2
  v4 = load.i32 v3-4 acquire be
  v5 = extract.i32 v4 bits 4+8
  v6 = pc.i64 -0x10
  v7 = call peek v6
  v8 = getat.i64 s8[8], v7
  v9 = cas.i64 v3, v7, v8 sequential
  v10 = ltu.i64 v8, v9
  trapif v10, v8 cause 2
  fence acqrel
  set s5, v5
  setat s8[8], v8, v4
branch v10 -0x40 else +0x4
";
    let layout = sample::layout();
    let block = parse(text, &layout, HELPERS);
    let back = block.map(|block| print(&block, &layout, HELPERS));
    assert_eq!(back.as_deref(), Ok(text));
}
