//! A function that does what tests ask for, and a bus with some of them.

use vm_core::{Answer, Fields, Section, StateError, Width};
use vm_device_bus::testing::FakeBus;
use vm_device_bus::{Cx, Device};

use crate::{BarKind, Config, Function, Identity, PciHost, Window, Windows};

pub const IDENTITY: Identity = Identity {
    vendor: 0x1234,
    device: 0x5678,
    revision: 9,
    class: 0xff_00_01,
    subsystem_vendor: 0x1af4,
    subsystem: 0x42,
};

/// A function with a word to read and write, which raises interrupts on demand: storing to
/// offset 0x800 sets the line, storing to 0x808 raises a vector, to 0x810 asks for time.
pub struct Latch {
    pub config: Config,
    word: u64,
    due_ns: Option<u64>,
}

impl Latch {
    pub fn new() -> Box<Self> {
        let mut config = Config::new(&IDENTITY)
            .line()
            .bar(0, BarKind::Memory32, 0x1000)
            .bar(2, BarKind::Memory64, 0x4000)
            .bar(4, BarKind::Ports, 0x20);
        config.message_interrupts(0, 3, 0, 0x400);
        config.capability(9, &[4, 0xaa, 0xbb], &[0, 0xf0]);
        Box::new(Self {
            config,
            word: 0,
            due_ns: None,
        })
    }
}

impl Function for Latch {
    fn kind(&self) -> &'static str {
        "latch"
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn read(&mut self, bar: u8, offset: u64, _width: Width, _cx: &mut Cx) -> u64 {
        self.word | u64::from(bar) << 24 | offset << 32
    }

    fn write(&mut self, _bar: u8, offset: u64, _width: Width, value: u64, cx: &mut Cx) {
        match offset {
            0x800 => self.config.set_line(value != 0),
            0x808 => self.config.raise(value as u16, cx),
            0x810 => self.due_ns = Some(value).filter(|at| *at != 0),
            _ => self.word = value & 0xff,
        }
    }

    fn due_ns(&self) -> Option<u64> {
        self.due_ns
    }

    fn event(&mut self, _cx: &mut Cx) {
        self.due_ns = None;
        self.config.set_line(true);
    }

    fn reset(&mut self) {
        self.word = 0;
        self.due_ns = None;
    }

    fn save(&self, out: &mut Section) {
        out.u64("word", self.word);
        out.u64("due_ns", self.due_ns.unwrap_or(0));
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.word = from.u64("word")?;
        self.due_ns = Some(from.u64("due_ns")?).filter(|at| *at != 0);
        Ok(())
    }
}

pub fn windows() -> Windows {
    let ports = Window {
        bus_base: 0,
        ..Window::identity(0x300_0000, 0x1_0000)
    };
    Windows {
        ecam: Window::identity(0x3000_0000, 0x1000_0000).place,
        ports,
        memory32: Window::identity(0x4000_0000, 0x4000_0000),
        memory64: Some(Window::identity(0x4_0000_0000, 0x4_0000_0000)),
    }
}

pub fn host(slots: &[u8]) -> PciHost {
    let mut host = PciHost::new(windows());
    for slot in slots {
        assert!(host.add(*slot, Latch::new()));
    }
    host
}

/// A bus with latches at slots 1 and 6, and short words for accesses.
pub struct Bench(pub FakeBus<PciHost>);

pub const ECAM: usize = 0;
pub const PORTS: usize = 1;
pub const MEMORY: usize = 2;
pub const HIGH: usize = 3;

impl Bench {
    pub fn new() -> Self {
        Self(FakeBus::new(host(&[1, 6])))
    }

    pub fn load(&mut self, window: usize, offset: u64, width: Width) -> u64 {
        self.0.call(
            |host, cx| match host.window(window).unwrap().read(offset, width, cx) {
                Answer::Done(value) => value,
                other => panic!("{other:?}"),
            },
        )
    }

    pub fn store(&mut self, window: usize, offset: u64, width: Width, value: u64) {
        self.0
            .call(|host, cx| host.window(window).unwrap().write(offset, width, value, cx));
    }

    pub fn config(&mut self, slot: u64, register: u64) -> u64 {
        self.load(ECAM, slot << 15 | register, Width::B4)
    }

    pub fn set_config(&mut self, slot: u64, register: u64, value: u64) {
        self.store(ECAM, slot << 15 | register, Width::B4, value);
    }

    /// Gives a latch its addresses and switches it on.
    pub fn place(&mut self, slot: u64, command: u64) {
        self.set_config(slot, 0x10, 0x4000_0000 + slot * 0x1000);
        self.set_config(slot, 0x18, slot * 0x4000);
        self.set_config(slot, 0x1c, 4);
        self.set_config(slot, 0x20, slot * 0x20);
        self.set_config(slot, 0x04, command);
    }

    /// Stores to a latch's first range.
    pub fn poke(&mut self, slot: u64, offset: u64, value: u64) {
        self.store(MEMORY, slot * 0x1000 + offset, Width::B4, value);
    }

    /// Sets a vector up and unmasks it.
    pub fn vector(&mut self, slot: u64, vector: u64, control: u64) {
        for (word, value) in [0x1000 * vector, 1, 0x50 + vector, control]
            .into_iter()
            .enumerate()
        {
            self.poke(slot, 16 * vector + 4 * word as u64, value);
        }
    }
}
