//! Test files, and their steps on a small machine.

use std::sync::LazyLock;

use vm_cli::probe::File;

use crate::{Feed, text};

/// The most guest time of a test's steps.
// LIMIT: so that one run stays short: some thousand instructions.
const MOST_NS: u64 = 40_000;

/// Words of test files.
#[rustfmt::skip] // A list of words.
const WORDS: &[&str] = &[
    "\n", " ", "'", "\"", "'''", "[", "]", "{ ", " }", ", ", " = ", "#", "\\", ".", "-", "0x", "1", "9",
    "[suite]\n", "[[test]]\n", "name = 'a'\n", "name = 'b'\n", "steps = [", "]\n", "'x'", "true", "false", "''",
    "image = 'i'\n", "kernel = 'k'\n", "kernel = '$HOME/${NOBODY_HAS_SET}$$'\n", "kernel = '${HOME}k'\n", "initrd = 'i'\n", "append = 'quiet'\n",
    "firmware = 'none'\n", "firmware = 'builtin'\n", "firmware = 'f'\n", "machine = 'virt'\n", "machine = 'toaster'\n", "memory = '256M'\n",
    "memory = '1T'\n", "memory = ", "cpus = 2\n", "cpus = ", "drive = ['d', 'e,ro', { empty = '1M' }]\n", "drive = [", "{ empty = '", "512", "K", "G", "T",
    "terminal = 'virtio'\n", "terminal = 'serial'\n", "time = 'virtual'\n", "time = 'host'\n", "seed = 7\n", "seed = ",
    "timeout = '50us'\n", "timeout = '60s'\n", "timeout = ", "'1ms'", "'18446744073709551615h'", "watchdog = '1s'\n", "limit-insns = 9\n",
    "forbid = ['bad', { regex = 'b.d' }]\n", "forbid = [", "{ regex = '", "arch = 1\n", "engine = 1\n", "matrix = {}\n", "fork = 1\n", "net = 'user'\n", "nmae", "stpes",
    "{ wait = 'a' }, ", "{ wait = 'ab', timeout = '1us' }, ", "{ wait = '", "', regex = true }, ", "' }, ", "{ wait = '^[ab]+$', regex = true }, ",
    "{ send = 'ab' }, ", "{ send = 'ba', enter = false }, ", "{ send = '", "', enter = false }, ", "{ send = '~' }, ", "{ send = '^' }, ", "{ send = '`' }, ", "{ send = '{x} panic' }, ",
    "{ run = 'a' }, ", "{ run = 'ab', expect = 'a', save = 'x' }, ", "{ run = 'b', status = 1 }, ", "{ run = 'b', status = 'any', save = 'y' }, ", "{ run = '", "', expect = '", "', status = ", "', save = '",
    "{ run = 'a', expect = 'b.*c', regex = true }, ", "{ expect = 'a' }, ", "{ expect = '{x}' }, ", "{ expect = 'a|b', regex = true }, ", "{ expect = '", "{ wait = '{x}', regex = true }, ",
    "{ reset = 'hard' }, ", "{ reset = '", "{ expect_end = 'poweroff' }", "{ expect_end = 'reset' }", "{ expect_end = 'panic' }", "{ expect_end = 'hang' }", "{ expect_end = 0 }", "{ expect_end = ",
    "{x}", "${x}", "{y}", "(", ")", "*", "+", "|", "{3}", "x", "VM-RUN-1\n", "VM-END-1=0\n", "{ wiat = 'x' }", "ä", "\u{7}",
    "net = 'none'\n", "net = 'user,dns=10.0.0.1'\n", "net = '", "user", ",dns=", ",", "net = 1\n", "serve = '.'\n", "serve = '", "{serve}", "{ run = 'a{serve}' }, ", "{ expect = '{serve}' }, ",
];

/// A machine's program that answers each byte that it is sent with another one, by a table.
static ECHO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    // The table is 80 bytes behind the beginning: `auipc a2, 0`, then the addresses of the
    // serial port and of the finisher, then a loop that waits for a byte, looks it up, leaves it
    // out (0), prints it, or tells the finisher its low half byte four times (0x80 and above).
    const CODE: [u32; 20] = [
        0x0000_0617,
        0x1000_0537,
        0x0010_05b7,
        0x0055_4283,
        0x0012_f293,
        0xfe02_8ce3,
        0x0005_4303,
        0x0066_03b3,
        0x0503_c383,
        0xfe03_84e3,
        0xf803_8e13,
        0x000e_4e63,
        0x004e_1e93,
        0x01de_0e33,
        0x008e_1e93,
        0x01de_0e33,
        0x01c5_a023,
        0xfc9f_f06f,
        0x0075_0023,
        0xfc1f_f06f,
    ];
    let mut table: Vec<u8> = (0..=127).chain([0; 128]).collect();
    // What a shell would do with the line that a `run` step types, as far as it is needed.
    for (from, to) in [
        (b'"', 0),
        (b'?', 0),
        (b';', b'\n'),
        (b'$', b'0'),
        (b'\r', b'\n'),
    ] {
        table[usize::from(from)] = to;
    }
    // Power off, restart, fail.
    for (from, to) in [(b'~', 0x85), (b'^', 0x87), (b'`', 0x83)] {
        table[usize::from(from)] = to;
    }
    CODE.iter()
        .flat_map(|word| word.to_le_bytes())
        .chain(table)
        .collect()
});

/// The first byte chooses: any bytes, or words; and whether the steps are carried out.
pub fn run(bytes: &[u8]) {
    let plays = bytes.first().is_some_and(|first| *first >= 0xc0);
    let content = content(&mut Feed::new(bytes));
    match File::read(&content) {
        Err(refusal) => {
            assert_eq!(refusal.exit, 2, "{}", refusal.text);
            assert!(refusal.text.starts_with("error["), "{}", refusal.text);
            let plain = |c: char| c == '\n' || !c.is_control();
            assert!(refusal.text.chars().all(plain), "{:?}", refusal.text);
        }
        Ok(file) => {
            assert!(file.tests() > 0);
            // A machine costs a hundred times as much as the file.
            if plays {
                play(&file);
            }
        }
    }
}

/// Each test has the same outcome whenever it is carried out, and says why.
fn play(file: &File) {
    for test in 0..file.tests().min(2) {
        let Some(outcome) = file.play(test, &ECHO, MOST_NS) else {
            panic!("a test that was read can be begun");
        };
        assert_eq!(
            outcome.detail.is_empty(),
            outcome.verdict == "pass",
            "{outcome:?}"
        );
        assert_eq!(
            outcome.place.is_empty(),
            outcome.verdict == "pass",
            "{outcome:?}"
        );
    }
}

/// A test file, as a feed describes it.
pub fn content(feed: &mut Feed) -> Vec<u8> {
    let first = feed.u8() % 8;
    let mut content = Vec::new();
    if first == 0 {
        return feed.rest().to_vec();
    }
    // The beginning of most test files, so that what follows is a step.
    let steps = first < 5;
    if steps {
        content.extend_from_slice(b"[[test]]\nname = 'a'\nsteps = [");
    }
    while !feed.is_empty() {
        content.extend(text::of(feed, WORDS));
    }
    if steps {
        content.extend_from_slice(b"]\n");
    }
    content
}

/// A test file of whole lines and steps, with up to three bytes of it changed.
pub fn nearly_right(feed: &mut Feed) -> Vec<u8> {
    let lines: Vec<&str> = WORDS
        .iter()
        .copied()
        .filter(|word| word.contains(" = ") && word.ends_with('\n') && !word.starts_with("name"))
        .collect();
    let steps: Vec<&str> = WORDS
        .iter()
        .copied()
        .filter(|word| word.starts_with("{ ") && word.ends_with(" }, "))
        .collect();
    let mut text = String::new();
    if feed.once_in(2) {
        text += "[suite]\n";
        for _ in 0..feed.u8() % 4 {
            text += feed.one(&lines);
        }
    }
    for name in ['a', 'b'] {
        text += &format!("[[test]]\nname = '{name}'\nsteps = [");
        for _ in 0..feed.u8() % 6 {
            text += feed.one(&steps);
        }
        text += "]\n";
    }
    let mut bytes = text.into_bytes();
    for _ in 0..feed.u8() % 4 {
        let at = feed.below(bytes.len() as u64) as usize;
        bytes[at] = feed.u8();
    }
    bytes
}
