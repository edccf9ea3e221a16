//! What a trace sees of the devices.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tests_boot::Guest;
use vm_core::TraceKinds;
use vm_runtime::{Outcome, TraceFilter, TraceWriter};

/// Lets the serial port interrupt when it could send, then switches off.
#[rustfmt::skip] // One instruction a line.
const READY: [u32; 7] = [
    0x1000_02b7, // lui t0, 0x10000
    0x0020_0313, // li t1, 2
    0x0062_80a3, // sb t1, 1(t0)
    0x0010_02b7, // lui t0, 0x100
    0x0000_5337, // lui t1, 5
    0x5553_031b, // addiw t1, t1, 0x555
    0x0062_a023, // sw t1, 0(t0)
];

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn check(kinds: TraceKinds, wanted: &[&str]) {
    let paper = Paper::default();
    let out = Box::new(paper.clone());
    let trace = TraceWriter::new(kinds, TraceFilter::default(), out);
    let mut machine = Guest::words(&READY).traced(Arc::new(Mutex::new(trace)));
    let ending = machine.vm.run().expect("a run");
    assert_eq!(ending.outcome, Outcome::PowerOff);
    let bytes = paper.0.lock().expect("nobody panics").clone();
    let text = String::from_utf8(bytes).expect("a trace is text");
    let found: Vec<String> = text
        .lines()
        .map(|line| {
            line.split_whitespace()
                .skip(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn lines_are_told_to_those_who_want_interrupts() {
    check(TraceKinds::IRQ, &["irq serial line 0 1"]);
    check(TraceKinds::TRAP, &[]);
}
