//! Packets of a debugger, to a small machine that runs between them.

use vm_runtime::gdb::packet::{Decoder, Input, encode};
use vm_runtime::gdb::{Gdb, Server};
use vm_runtime::{Config, ConsoleHub, ConsoleIo, Firmware, Source, TimeMode, Until, Vm};

use crate::{Feed, text};

/// The most pieces of input.
// LIMIT: so that one run stays short.
const PIECES: usize = 40;
/// How far the machine runs, when it may.
const INSNS: u64 = 500;

/// `addi a0, a0, 1`, `sd a0, 64(a1)`, `ld a2, 64(a1)`, `j .-12`.
const LOOP: [u8; 16] = [
    0x13, 0x05, 0x15, 0x00, 0x23, 0xb0, 0xa5, 0x04, 0x03, 0xb6, 0x05, 0x04, 0x6f, 0xf0, 0x5f, 0xff,
];

/// Words of packets.
#[rustfmt::skip] // A list of words.
const WORDS: &[&str] = &[
    "?", "g", "G", "p", "P", "m", "M", "X", "Z", "z", "H", "T", "c", "C", "s", "S", "D", "k", "q", "Q", "v",
    ",", ":", ";", "=", "-1", "0", "1", "2", "3", "4", "8", "a", "f", "10", "20", "100", "3ff8", "ffffffffffffffff",
    "80000000", "80000004", "80000008", "80001000", "80001040", "1040", "80100000", "0011223344556677", "p1.1", "p1.-1", "p",
    "vCont;", "vCont?", "vKill", "vMustReplyEmpty", "vCont;s:1", "vCont;c", "vCont;r80000000,80000010:1", "c:2", "C05", "s",
    "qSupported:multiprocess+;swbreak+", "qXfer:features:read:", "target.xml:", "0,ff0", "qThreadExtraInfo,", "qRcmd,",
    "qfThreadInfo", "qsThreadInfo", "qC", "qAttached", "qSymbol::", "qqemu.PhyMemMode", "Qqemu.PhyMemMode:", "QStartNoAckMode",
    "Z0,80000004,4", "Z1,80000008,4", "Z2,1040,8", "Z3,80001040,8", "Z4,1040,8", "z0,80000004,4", "z2,1040,8", "Hg", "Hc",
    "m80000000,10", "M80001000,4:01020304", "X80001000,2:ab", "P20=0400008000000000", "p20",
];

/// Words of lines behind `monitor`.
#[rustfmt::skip] // A list of words.
const MONITOR: &[&str] = &[
    "help", "info ", "registers ", "cpus", "walk ", "phys ", "on", "off", "symbols ", "again", "break ", "delete ", "time", "reset", "quit",
    "0x80000004", "*0x80000008", "1", "0", " ", "start+4", "0x", "-", "18446744073709551615", "x",
];

struct Silent;

impl ConsoleIo for Silent {
    fn print(&mut self, _bytes: &[u8]) {}
}

/// Bytes are pieces of input: packets with a right checksum, lines for the monitor, others.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let mut pieces = Vec::new();
    while !feed.is_empty() && pieces.len() < PIECES {
        pieces.push(piece(&mut feed));
    }
    let (server, answers) = Server::prepared(pieces);
    let mut vm = machine();
    vm.set_debugger(Box::new(Gdb::new(server, true)));
    let until = Until {
        insns: Some(INSNS),
        ..Until::default()
    };
    assert!(
        vm.run_until(until).is_ok(),
        "a debugger is no trouble of the host"
    );
    drop(vm);
    // What is answered is packets, each of them whole.
    let mut decoder = Decoder::default();
    for byte in answers.all() {
        let input = decoder.byte(byte);
        assert!(
            !matches!(input, Some(Input::Damaged | Input::TooLong)),
            "{input:?}"
        );
    }
}

fn piece(feed: &mut Feed) -> Vec<u8> {
    let mut wire = Vec::new();
    match feed.u8() % 16 {
        0 => {
            let most = usize::from(feed.u8());
            wire.extend_from_slice(feed.bytes(most));
        }
        1 => wire.push(feed.one(b"\x03-+")),
        2 | 3 => {
            let line = text::of(feed, MONITOR);
            let digits = line
                .iter()
                .flat_map(|byte| format!("{byte:02x}").into_bytes());
            encode(
                &b"qRcmd,".iter().copied().chain(digits).collect::<Vec<u8>>(),
                &mut wire,
            );
        }
        4 => {
            // A wrong checksum, or none.
            encode(&text::of(feed, WORDS), &mut wire);
            wire.truncate(wire.len().saturating_sub(usize::from(feed.u8() % 3)));
        }
        5 if feed.u8() < 8 => {
            wire.push(b'$');
            wire.resize(0x4002, b'a');
            // The sum of 0x4001 times `a`.
            wire.extend(b"#61");
        }
        _ => encode(&text::of(feed, WORDS), &mut wire),
    }
    wire
}

/// A machine with two CPUs that count.
fn machine() -> Vm {
    let config = Config {
        kernel: Some(Source::BuiltIn("a loop", &LOOP)),
        firmware: Firmware::None,
        ram_bytes: 1 << 20,
        cpus: 2,
        time: TimeMode::Virtual,
        ..Config::default()
    };
    match Vm::new(config, ConsoleHub::new(Box::new(Silent)), None) {
        Ok(vm) => vm,
        Err(error) => panic!("a machine can be made: {error}"),
    }
}
