//! Tests of chips together, on the bus and wired as on a machine.

use std::collections::VecDeque;

use vm_core::{Access, AccessKind, Answer, Entropy, Events, GuestPhys, Image, Space, Width};
use vm_device_bus::{Bus, Console, CpuLine, DeviceId, Env, Place, Sink};
use vm_mem::GuestRam;

use super::*;

const UART: u64 = 0x1000_0000;
const PLIC: u64 = 0xc00_0000;
const CLINT: u64 = 0x200_0000;

/// Text that somebody has typed already.
struct Typed(VecDeque<u8>);

impl Console for Typed {
    fn write(&mut self, _bytes: &[u8]) {}

    fn read(&mut self, into: &mut [u8]) -> usize {
        let count = self.0.len().min(into.len());
        for (slot, byte) in into.iter_mut().zip(self.0.drain(..count)) {
            *slot = byte;
        }
        count
    }
}

/// One hart with a serial port behind a PLIC, and a CLINT.
struct Board {
    bus: Bus,
    uart: DeviceId,
    now_ns: u64,
    ram: GuestRam,
    events: Events,
    entropy: Entropy,
}

impl Board {
    fn new(typed: &str) -> Self {
        let place = |base, bytes| {
            [Place {
                space: Space::Memory,
                base,
                bytes,
            }]
        };
        let mut bus = Bus::new();
        let typed = Box::new(Typed(typed.bytes().collect()));
        let uart = Box::new(Uart16550::new(typed));
        let uart = bus.add("serial", uart, &place(UART, 0x100)).unwrap();
        let plic = Box::new(Plic::new(2));
        let plic = bus.add("plic", plic, &place(PLIC, 0x60_0000)).unwrap();
        let clint = Box::new(Clint::new(1));
        let clint = bus.add("clint", clint, &place(CLINT, 0x1_0000)).unwrap();
        bus.wire(uart, 0, Sink::Pin(plic, 10));
        for (from, output, line) in [(plic, 0, 11), (plic, 1, 9), (clint, 0, 3), (clint, 1, 7)] {
            bus.wire(from, output, Sink::Cpu(CpuLine { cpu: 0, line }));
        }
        Self {
            bus,
            uart,
            now_ns: 0,
            ram: GuestRam::new(&[(GuestPhys(0x8000_0000), 0x1000)]).unwrap(),
            events: Events::new(),
            entropy: Entropy::new(1),
        }
    }

    fn with<R>(&mut self, body: impl FnOnce(&mut Bus, &mut Env) -> R) -> R {
        let mut env = Env {
            now_ns: self.now_ns,
            ram: &self.ram,
            events: &mut self.events,
            entropy: &mut self.entropy,
        };
        body(&mut self.bus, &mut env)
    }

    fn access(&mut self, addr: u64, width: Width, kind: AccessKind) -> u64 {
        let (space, addr) = (Space::Memory, GuestPhys(addr));
        let access = Access {
            space,
            addr,
            width,
            kind,
        };
        match self.with(|bus, env| bus.access(access, env)) {
            Answer::Done(value) => value,
            other => panic!("{access:?} answers {other:?}"),
        }
    }

    fn store(&mut self, addr: u64, width: Width, value: u64) {
        self.access(addr, width, AccessKind::Store(value));
    }

    fn load(&mut self, addr: u64, width: Width) -> u64 {
        self.access(addr, width, AccessKind::Load)
    }

    fn run_until(&mut self, now_ns: u64) {
        while let Some(at_ns) = self.events.next_ns().filter(|at_ns| *at_ns <= now_ns) {
            self.now_ns = at_ns;
            if let Some(token) = self.events.take_due(at_ns) {
                assert!(self.with(|bus, env| bus.event(token, env)));
            }
        }
        self.now_ns = now_ns;
    }

    /// The changes of the hart's interrupt inputs since the last call.
    fn lines(&mut self) -> Vec<(u32, bool)> {
        let changes = self.bus.take_cpu_lines().into_iter();
        changes.map(|(line, level)| (line.line, level)).collect()
    }

    /// What a driver does at boot: supervisor context, priority 1, receiver interrupts.
    fn enable_serial(&mut self) {
        self.store(PLIC + 4 * 10, Width::B4, 1);
        self.store(PLIC + 0x2080, Width::B4, 1 << 10);
        self.store(UART + 2, Width::B1, 0x81);
        self.store(UART + 1, Width::B1, 1);
    }
}

#[test]
fn a_typed_line_reaches_the_hart_and_is_served() {
    let mut board = Board::new("twelve chars");
    board.enable_serial();
    // The FIFOs were switched on, so the receiver took what was typed.
    assert_eq!(board.lines(), [(9, true)]);
    let claim = PLIC + 0x20_1004;
    assert_eq!(board.load(claim, Width::B4), 10);
    assert_eq!(board.lines(), [(9, false)]);
    let text: Vec<u8> = (0..4).map(|_| board.load(UART, Width::B1) as u8).collect();
    assert_eq!(text, b"twel");
    board.store(claim, Width::B4, 10);
    assert_eq!(
        board.lines(),
        [(9, true)],
        "the trigger level is still reached"
    );
    assert_eq!(board.load(claim, Width::B4), 10);
    while board.load(UART + 5, Width::B1) & 1 != 0 {
        board.load(UART, Width::B1);
    }
    board.store(claim, Width::B4, 10);
    assert_eq!(board.lines(), [(9, false)]);
    assert_eq!(board.load(claim, Width::B4), 0);
}

#[test]
fn the_timer_and_the_software_interrupt_reach_the_hart() {
    let mut board = Board::new("");
    board.enable_serial();
    board.store(CLINT + 0x4000, Width::B8, 20);
    board.run_until(1999);
    assert_eq!(board.lines(), []);
    board.run_until(2000);
    assert_eq!(board.lines(), [(7, true)]);
    board.store(CLINT, Width::B4, 1);
    assert_eq!(board.lines(), [(3, true)]);
}

#[test]
fn a_board_saved_between_claim_and_completion_goes_on() {
    let mut first = Board::new("twelve chars");
    first.enable_serial();
    first.store(CLINT + 0x4000, Width::B8, 20);
    let claim = PLIC + 0x20_1004;
    assert_eq!(first.load(claim, Width::B4), 10);
    let mut image = Image::new();
    first.bus.save(&mut image);

    let mut second = Board::new("");
    second.bus.restore(&image).unwrap();
    second.events = first.events.clone();
    for board in [&mut first, &mut second] {
        board.lines();
        board.run_until(3000);
        board.store(claim, Width::B4, 10);
        assert_eq!(board.lines(), [(7, true), (9, true)]);
        assert_eq!(board.load(UART, Width::B1), u64::from(b't'));
    }
    let images = [first, second].map(|board| {
        let mut image = Image::new();
        board.bus.save(&mut image);
        image
    });
    assert_eq!(images[0], images[1]);
}

#[test]
fn input_is_pulled_in_once_the_guest_listens() {
    let mut board = Board::new("");
    board.enable_serial();
    let uart = board.uart;
    board.with(|bus, env| bus.wake(uart, env));
    assert_eq!(board.lines(), [], "there was none");
    let mut board = Board::new("x");
    let uart = board.uart;
    board.with(|bus, env| bus.wake(uart, env));
    assert_eq!(board.load(UART + 5, Width::B1), 0x60);
    board.store(UART + 1, Width::B1, 1);
    assert_eq!(board.load(UART + 5, Width::B1), 0x61);
    assert_eq!(board.load(UART + 2, Width::B1), 0x04);
}
