//! Tests of sending, receiving, interrupts and loopback.

use std::sync::{Arc, Mutex};

use vm_core::Fault;
use vm_device_bus::testing::{FakeBus, storm};
use vm_device_bus::{Interrupts, NullConsole, Value};

use super::*;

const DATA: u64 = 0;
const IER: u64 = 1;
const IIR: u64 = 2;
const FCR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;

/// A terminal whose both ends the test holds.
#[derive(Clone, Default)]
struct Terminal {
    typed: Arc<Mutex<VecDeque<u8>>>,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Console for Terminal {
    fn write(&mut self, bytes: &[u8]) {
        self.shown.lock().unwrap().extend_from_slice(bytes);
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut typed = self.typed.lock().unwrap();
        let count = typed.len().min(into.len());
        for (slot, byte) in into.iter_mut().zip(typed.drain(..count)) {
            *slot = byte;
        }
        count
    }
}

struct Rig {
    bus: FakeBus<Uart16550>,
    terminal: Terminal,
}

impl Rig {
    fn new() -> Self {
        let terminal = Terminal::default();
        let bus = FakeBus::new(Uart16550::new(Box::new(terminal.clone())));
        Self { bus, terminal }
    }

    /// With FIFOs, this trigger level, and these interrupts; it listens.
    fn with(fcr: u64, ier: u64) -> Self {
        let mut rig = Self::new();
        rig.write(FCR, fcr);
        rig.write(IER, ier);
        rig.poll();
        rig
    }

    /// The guest waits for a character.
    fn poll(&mut self) -> bool {
        (0..20).any(|_| self.read(LSR) & 1 != 0)
    }

    fn write(&mut self, offset: u64, value: u64) {
        assert_eq!(self.bus.write(offset, Width::B1, value), Answer::Done(0));
    }

    fn read(&mut self, offset: u64) -> u64 {
        self.bus.value(offset, Width::B1)
    }

    fn type_in(&mut self, text: &[u8]) {
        self.terminal.typed.lock().unwrap().extend(text);
        self.bus.call(Device::wake);
    }

    fn take(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.poll() {
            out.push(self.read(DATA) as u8);
        }
        out
    }

    fn left(&self) -> usize {
        self.terminal.typed.lock().unwrap().len()
    }
}

#[test]
fn what_is_sent_is_with_the_back_end_at_once() {
    let mut rig = Rig::new();
    for byte in b"hello" {
        assert_eq!(rig.read(LSR), 0x60);
        rig.write(DATA, u64::from(*byte));
    }
    assert_eq!(*rig.terminal.shown.lock().unwrap(), b"hello");
}

#[test]
fn registers_after_reset_and_what_they_keep() {
    let mut rig = Rig::new();
    for (offset, reset, written, read_back) in [
        (IER, 0x00, 0xf0, 0x00),
        (IER, 0x00, 0x0d, 0x0d),
        (LCR, 0x00, 0x7f, 0x7f),
        (MCR, 0x00, 0xef, 0x0f),
        (LSR, 0x60, 0xff, 0x60),
        (MSR, 0xb0, 0xff, 0xb0),
        (7, 0x00, 0xa5, 0xa5),
    ] {
        assert_eq!(rig.read(offset), reset, "offset {offset}");
        rig.write(offset, written);
        assert_eq!(rig.read(offset), read_back, "offset {offset}");
    }
    assert_eq!(rig.bus.read(8, Width::B1), Answer::Fault(Fault::NoRegister));
    assert_eq!(rig.bus.read(0, Width::B4), Answer::Fault(Fault::Size));
}

#[test]
fn the_divisor_hides_behind_dlab() {
    let mut rig = Rig::new();
    rig.write(LCR, 0x83);
    rig.write(DATA, 0x34);
    rig.write(IER, 0x12);
    assert_eq!((rig.read(DATA), rig.read(IER)), (0x34, 0x12));
    rig.write(LCR, 0x03);
    assert_eq!(rig.read(IER), 0);
    assert_eq!(
        rig.terminal.shown.lock().unwrap().len(),
        0,
        "nothing was sent"
    );
    rig.write(LCR, 0x80);
    assert_eq!((rig.read(DATA), rig.read(IER)), (0x34, 0x12));
}

#[test]
fn no_input_is_lost_however_slowly_the_guest_reads() {
    for fcr in [0x00, 0x01, 0x81] {
        let mut rig = Rig::with(fcr, 0);
        let text: Vec<u8> = (0..100).collect();
        rig.type_in(&text);
        let room = if fcr & 1 == 0 { 1 } else { 16 };
        assert_eq!(rig.left(), 100 - room);
        rig.bus.call(Device::wake);
        assert_eq!(rig.left(), 100 - room, "the receiver is full");
        assert_eq!(rig.take(), text);
        assert_eq!(rig.read(DATA), 0, "an empty receiver gives zero");
    }
}

#[test]
fn what_is_typed_early_waits_until_the_guest_listens() {
    // What a guest does before it takes characters, as pairs of an offset and what is stored
    // there, or nothing for a load; then how many characters are out of the back end.
    let load = |offset| (offset, None);
    let store = |offset, value| (offset, Some(value));
    // As Linux does it: it clears the FIFOs and throws away what it finds, and again.
    let clear = [store(FCR, 1), store(FCR, 7), store(FCR, 0)];
    let drop_all = [load(LSR), load(DATA), load(IIR), load(MSR)];
    let linux = [&clear[..], &drop_all, &[store(LCR, 3)], &drop_all].concat();
    let on = [&linux[..], &[store(FCR, 0x81), store(IER, 5)]].concat();
    // The other way round, too: nothing is lost when the FIFOs come on.
    let behind = [
        &linux[..],
        &[store(IER, 5), store(FCR, 1), store(FCR, 0x81)],
    ]
    .concat();
    let sends: Vec<_> = (0..20).flat_map(|_| [load(LSR), store(DATA, 65)]).collect();
    let polls = [load(LSR); 16];
    let almost = [&polls[1..], &[load(IIR)], &polls[1..]].concat();
    // A prompt that goes round and round while it looks.
    let prompt = [load(LSR), load(LSR), store(DATA, 46)].repeat(16);
    let after_all = [&polls[..], &[store(FCR, 7)], &sends].concat();
    for (steps, taken) in [
        (&linux[..], 0),
        (&on, 16),
        (&behind, 16),
        (&sends, 0),
        (&polls, 1),
        (&[load(DATA); 16], 2),
        (&almost, 0),
        (&prompt, 1),
        (&[load(LSR), store(7, 1)].repeat(16), 0),
        (&[&[store(LCR, 0x80)][..], &[load(DATA); 32]].concat(), 0),
        (&[store(IER, 0x0e)], 0),
        (&[store(IER, 1)], 1),
        (&[store(IER, 1), store(IER, 0), load(DATA)], 1),
        // What was taken already goes with the FIFOs, what was not does not.
        (&after_all, 1),
    ] {
        let mut rig = Rig::new();
        rig.type_in(b"0123456789abcdefghij");
        assert_eq!(rig.left(), 20, "nobody listens after power-on");
        for (offset, value) in steps {
            match value {
                Some(value) => rig.write(*offset, *value),
                None => drop(rig.read(*offset)),
            }
        }
        assert_eq!(20 - rig.left(), taken, "{steps:?}");
        rig.bus.call(Device::wake);
        assert_eq!(20 - rig.left(), taken, "{steps:?}: nothing changes that");
        let mut other = Uart16550::new(Box::new(rig.terminal.clone()));
        assert!(rig.bus.survives(&mut other));
    }
}

#[test]
fn a_state_from_before_the_guest_was_asked_listens() {
    let terminal = Terminal::default();
    let mut section = Section::new("uart", 1);
    let numbers = ["ier", "fcr", "lcr", "mcr", "scr", "deltas", "divisor"];
    let flags = ["overrun", "sent", "waited"];
    for field in numbers.iter().chain(&flags) {
        section.u64(field, 0);
    }
    section.bytes("received", b"");
    let mut uart = Uart16550::new(Box::new(terminal.clone()));
    assert_eq!(uart.restore(&section.fields()), Ok(()));
    let mut bus = FakeBus::new(uart);
    terminal.typed.lock().unwrap().extend(b"x");
    bus.call(Device::wake);
    assert_eq!(bus.value(DATA, Width::B1), u64::from(b'x'));
}

#[test]
fn input_interrupts_at_the_trigger_level() {
    for (fcr, level) in [(0x00, 1), (0x01, 1), (0x41, 4), (0x81, 8), (0xc1, 14)] {
        let mut rig = Rig::with(fcr, 1);
        let fifos = if fcr & 1 == 0 { 0 } else { 0xc0 };
        for count in 1..=level {
            assert!(!rig.bus.level(0), "{count} of {level}");
            rig.type_in(b"x");
        }
        assert!(rig.bus.level(0));
        assert_eq!(rig.read(IIR), 0x04 | fifos);
        rig.read(DATA);
        assert_eq!((rig.bus.level(0), rig.read(IIR)), (false, 0x01 | fifos));
    }
}

#[test]
fn fewer_characters_interrupt_after_the_time_of_four() {
    let mut rig = Rig::with(0x81, 1);
    // 115200 baud, 8n1: ten bits of 8680.6 ns, four times.
    rig.write(LCR, 0x83);
    rig.write(DATA, 2);
    rig.write(IER, 0);
    rig.write(LCR, 0x03);
    rig.type_in(b"a");
    rig.bus.run_until(200_000);
    rig.type_in(b"b");
    rig.bus.run_until(200_000 + 347_221);
    assert!(
        !rig.bus.level(0),
        "the second character began the wait anew"
    );
    rig.bus.run_until(200_000 + 347_222);
    assert!(rig.bus.level(0));
    assert_eq!(rig.read(IIR), 0xcc);
    assert_eq!(rig.read(DATA), u64::from(b'a'));
    assert_eq!(
        (rig.bus.level(0), rig.read(IIR)),
        (false, 0xc1),
        "a load begins it anew too"
    );
    rig.bus.run_until(2_000_000);
    assert_eq!(rig.read(IIR), 0xcc);
    assert_eq!(rig.read(DATA), u64::from(b'b'));
    rig.bus.run_until(4_000_000);
    assert!(!rig.bus.level(0), "nothing waits");
}

#[test]
fn the_empty_transmitter_interrupts_once() {
    let mut rig = Rig::new();
    rig.write(IER, 2);
    assert!(
        rig.bus.level(0),
        "it is empty when the interrupt is enabled"
    );
    assert_eq!((rig.read(IIR), rig.read(IIR)), (0x02, 0x01));
    assert!(!rig.bus.level(0), "reading IIR takes it back");
    rig.write(DATA, 65);
    assert_eq!((rig.bus.level(0), rig.read(IIR)), (true, 0x02));
    rig.write(IER, 2);
    assert!(!rig.bus.level(0), "it was enabled already");
    rig.write(IER, 0);
    rig.write(IER, 2);
    assert!(rig.bus.level(0));
}

#[test]
fn the_highest_priority_is_named_first() {
    let mut rig = Rig::with(0x01, 0);
    rig.write(MCR, 0x10);
    for _ in 0..17 {
        rig.write(DATA, 1);
    }
    rig.write(IER, 0x0f);
    assert_eq!(rig.read(IIR), 0xc6, "overrun");
    assert_eq!(rig.read(LSR), 0x63);
    assert_eq!(rig.read(LSR), 0x61, "reading LSR takes it back");
    assert_eq!(rig.read(IIR), 0xc4, "received");
    assert_eq!(rig.take().len(), 16);
    assert_eq!(rig.read(IIR), 0xc2, "sent");
    assert_eq!(
        rig.read(IIR),
        0xc0,
        "the modem inputs changed with loopback"
    );
    assert_eq!(rig.read(MSR), 0x0b);
    assert_eq!((rig.read(IIR), rig.bus.level(0)), (0xc1, false));
}

#[test]
fn loopback_leads_outputs_to_inputs() {
    let mut rig = Rig::new();
    // The probe of Linux: with RTS and OUT2, CTS and DCD are there and the others not.
    rig.write(MCR, 0x1a);
    assert_eq!(rig.read(MSR) & 0xf0, 0x90);
    for (mcr, msr) in [
        (0x11, 0x20),
        (0x12, 0x10),
        (0x14, 0x40),
        (0x18, 0x80),
        (0x1f, 0xf0),
    ] {
        rig.write(MCR, mcr);
        assert_eq!(rig.read(MSR) & 0xf0, msr, "{mcr:#x}");
    }
    rig.write(MCR, 0x1b);
    assert_eq!(rig.read(MSR), 0xb4, "ring ended");
    rig.type_in(b"from outside");
    rig.write(DATA, 0x5a);
    assert_eq!(rig.take(), [0x5a]);
    assert_eq!(rig.terminal.shown.lock().unwrap().len(), 0);
    rig.write(MCR, 0x0b);
    assert_eq!(rig.take(), b"from outside", "input waited outside");
}

#[test]
fn without_fifos_an_overrun_keeps_the_newer_character() {
    let mut rig = Rig::new();
    rig.write(MCR, 0x10);
    rig.write(DATA, 1);
    rig.write(DATA, 2);
    assert_eq!((rig.read(LSR), rig.take()), (0x63, vec![2]));
}

#[test]
fn fifo_control_clears_and_switches() {
    for (first, second, kept) in [
        (0x01, 0x01, true),
        (0x01, 0x81, true),
        (0x01, 0x03, false),
        (0x01, 0x00, false),
        (0x00, 0x01, true),
        (0x00, 0x02, true),
        (0x01, 0x05, true),
    ] {
        let mut rig = Rig::with(first, 0);
        rig.type_in(b"a");
        rig.write(FCR, second);
        assert_eq!(rig.poll(), kept, "{first:#x} then {second:#x}");
        let fifos = if second & 1 == 0 { 0x01 } else { 0xc1 };
        assert_eq!(rig.read(IIR), fifos);
    }
    // A cleared transmitter tells that it is empty, once.
    for (first, second, told) in [
        (0x01, 0x05, true),
        (0x01, 0x03, false),
        (0x00, 0x01, true),
        (0x01, 0x00, true),
        (0x00, 0x04, false),
    ] {
        let mut rig = Rig::with(first, 2);
        assert_eq!(rig.read(IIR) & 0x0f, 0x02);
        rig.write(FCR, second);
        assert_eq!(rig.bus.level(0), told, "{first:#x} then {second:#x}");
    }
}

#[test]
fn reset_and_restore() {
    let mut rig = Rig::with(0x81, 0x0f);
    rig.type_in(b"abc");
    rig.write(7, 0x77);
    rig.write(MCR, 0x0b);
    rig.bus.run_until(10_000_000);
    let mut other = Uart16550::new(Box::new(NullConsole));
    assert!(rig.bus.survives(&mut other));
    let mut bus = FakeBus::new(other);
    let text: Vec<u64> = (0..3).map(|_| bus.value(DATA, Width::B1)).collect();
    assert_eq!(text, b"abc".map(u64::from));
    rig.bus.reset();
    assert_eq!((rig.read(LSR), rig.read(IER), rig.read(IIR)), (0x60, 0, 1));
}

#[test]
fn states_that_no_guest_can_reach_are_refused() {
    let taken = |number: (&str, u64), received: &[u8]| {
        let mut section = Section::new("uart", 1);
        // The first field of a name counts.
        section.u64(number.0, number.1);
        section.bytes("received", received);
        let mut uart = Uart16550::new(Box::new(NullConsole));
        uart.save(&mut section);
        uart.restore(&section.fields()).is_ok()
    };
    for (field, value, received, expected) in [
        ("ier", 0x0f, &b""[..], true),
        ("ier", 0x10, b"", false),
        ("mcr", 0x20, b"", false),
        ("lcr", 0x100, b"", false),
        ("deltas", 0x10, b"", false),
        ("divisor", 0x1_0000, b"", false),
        ("fcr", 0x80, b"", false),
        ("fcr", 0x02, b"", false),
        ("fcr", 0x00, b"a", true),
        ("fcr", 0x00, b"ab", false),
        ("fcr", 0x01, b"0123456789abcdef", true),
        ("fcr", 0x01, b"0123456789abcdefg", false),
        ("waited", 1, b"", false),
        ("sent", 2, b"", false),
        ("polls", 2, b"", false),
        ("looks", 15, b"", true),
        ("looks", 16, b"", false),
    ] {
        assert_eq!(
            taken((field, value), received),
            expected,
            "{field} {value:#x}"
        );
    }
}

#[test]
fn the_description_is_the_one_of_linux() {
    let interrupts = Interrupts {
        parent: 3,
        cells: vec![vec![10]],
    };
    let site = Site {
        base: 0x1000_0000,
        bytes: 0x100,
        interrupts,
        ..Site::default()
    };
    let node = Uart16550::new(Box::new(NullConsole))
        .describe(&site)
        .unwrap();
    assert_eq!(node.name, "serial@10000000");
    for (name, value) in [
        ("compatible", Value::Text(vec!["ns16550a".into()])),
        ("clock-frequency", Value::Cells(vec![3_686_400])),
        ("reg", Value::Wide(vec![0x1000_0000, 0x100])),
        ("interrupt-parent", Value::Phandle(3)),
        ("interrupts", Value::Cells(vec![10])),
    ] {
        assert_eq!(node.value(name), Some(&value), "{name}");
    }
}

/// A back end that always has input, and says it gave more than was asked for.
struct Flood;

impl Console for Flood {
    fn write(&mut self, _bytes: &[u8]) {}

    fn read(&mut self, into: &mut [u8]) -> usize {
        into.fill(b'!');
        into.len() + 7
    }
}

#[test]
fn no_guest_can_break_it() {
    for seed in 0..8 {
        let mut bus = FakeBus::new(Uart16550::new(Box::new(Flood)));
        storm(&mut bus, 0x100, seed, 20_000);
        assert!(bus.survives(&mut Uart16550::new(Box::new(NullConsole))));
        assert!(
            bus.lines.iter().any(|change| change.level),
            "it interrupted"
        );
    }
}
