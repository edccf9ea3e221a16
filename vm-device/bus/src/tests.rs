//! Tests of routing, wiring and saving: the device they use and a bus around it.

mod fake;
mod routing;
mod saving;
mod wiring;

use std::sync::{Arc, Mutex};

use vm_core::{
    Access as BusAccess, AccessKind, Answer, Entropy, Events, Fault, Fields, GuestPhys, Image,
    Section, Space, StateError, Token, Width,
};
use vm_mem::GuestRam;

use crate::testing::{FakeBus, RAM_BASE, storm};
use crate::{
    Bus, BusError, CpuLine, Cx, Device, DeviceId, LineChange, Mmio, Node, Place, Register, Request,
    Sink, Site,
};

crate::registers! {
    /// Registers of the device under test.
    enum Probe: B4 {
        /// A word.
        0x00 Word Rw;
        /// Writing bit 0 sets line 0, bit 1 sets line 1, and so on to line 3.
        0x04 Lines Rw;
        /// Never written.
        0x08 Fixed Ro;
        /// Never read; sends a message to the address of `Word`.
        0x0c Send Wo;
        /// A row of four.
        0x10 Row[4] Rw;
        /// Writing asks for power-off and schedules the event with this tag a microsecond later.
        0x20 Ask Rw;
    }
}

/// What happened to devices, in order, shared among those of a test.
type Log = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Device1 {
    log: Log,
    name: &'static str,
    narrow: bool,
    /// Which output repeats, inverted, what input 7 gets.
    inverts: bool,
    /// Which output is the OR of the inputs: an interrupt controller in small.
    gathers: bool,
    inputs: u64,
    word: u64,
    lines: u64,
}

impl Device1 {
    fn note(&self, what: std::fmt::Arguments) {
        self.log
            .lock()
            .unwrap()
            .push(format!("{} {what}", self.name));
    }
}

impl Device for Device1 {
    fn kind(&self) -> &'static str {
        "probe"
    }

    fn reset(&mut self) {
        (self.word, self.lines, self.inputs) = (0, 0, 0);
    }

    fn save(&self, out: &mut Section) {
        out.u64("word", self.word);
        out.u64("lines", self.lines);
        out.u64("inputs", self.inputs);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.word = u64::from(from.u32("word")?);
        self.lines = from.below("lines", 16)?;
        self.inputs = from.u64("inputs")?;
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(Node::at("probe", site).interrupts(site))
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn event(&mut self, tag: u32, cx: &mut Cx) {
        self.note(format_args!("event {tag} at {}", cx.now_ns));
    }

    fn wake(&mut self, _cx: &mut Cx) {
        self.note(format_args!("wake"));
    }

    fn input(&mut self, pin: u32, level: bool, cx: &mut Cx) {
        self.note(format_args!("pin {pin} {level}"));
        if self.inverts {
            cx.line(0, !level);
        }
        if self.gathers {
            let bit = 1 << (pin & 63);
            self.inputs = if level {
                self.inputs | bit
            } else {
                self.inputs & !bit
            };
            cx.line(0, self.inputs != 0);
        }
    }
}

impl Mmio for Device1 {
    fn registers(&self) -> &'static [Register] {
        Probe::TABLE
    }

    fn narrow(&self) -> bool {
        self.narrow
    }

    fn read(&mut self, offset: u64, _width: Width, _cx: &mut Cx) -> Answer {
        self.note(format_args!("read {offset:#x}"));
        match Probe::at(offset) {
            Some((Probe::Word, _)) => Answer::Done(self.word),
            Some((Probe::Lines, _)) => Answer::Done(self.lines),
            Some((Probe::Row, index)) => Answer::Done(index),
            // More than a register holds: the bus keeps what fits.
            _ => Answer::Done(u64::MAX),
        }
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, cx: &mut Cx) -> Answer {
        self.note(format_args!("write {offset:#x} {value:#x}"));
        match Probe::at(offset) {
            Some((Probe::Word, _)) => self.word = value,
            Some((Probe::Lines, _)) => {
                self.lines = value & 15;
                for line in 0..4 {
                    cx.line(line, value >> line & 1 != 0);
                }
            }
            Some((Probe::Send, _)) => cx.message(GuestPhys(value), 0x55),
            Some((Probe::Ask, _)) => {
                cx.request(Request::PowerOff);
                cx.schedule(cx.now_ns + 1000, value as u32);
            }
            _ => {}
        }
        Answer::Done(0)
    }
}

/// A bus with all that it needs.
struct Rig {
    bus: Bus,
    ram: GuestRam,
    events: Events,
    entropy: Entropy,
    log: Log,
}

impl Rig {
    fn new() -> Self {
        Self {
            bus: Bus::new(),
            ram: GuestRam::new(&[(GuestPhys(RAM_BASE), 0x1000)]).unwrap(),
            events: Events::new(),
            entropy: Entropy::new(1),
            log: Log::default(),
        }
    }

    fn probe(&self, name: &'static str) -> Device1 {
        let log = self.log.clone();
        Device1 {
            log,
            name,
            ..Device1::default()
        }
    }

    fn add(&mut self, name: &'static str, base: u64) -> DeviceId {
        let device = self.probe(name);
        self.add_device(device, base)
    }

    fn add_device(&mut self, device: Device1, base: u64) -> DeviceId {
        let name = device.name;
        self.bus
            .add(name, Box::new(device), &[memory(base, 0x40)])
            .unwrap()
    }

    fn with<R>(&mut self, body: impl FnOnce(&mut Bus, &mut crate::Env) -> R) -> R {
        let mut env = crate::Env {
            now_ns: 500,
            ram: &self.ram,
            events: &mut self.events,
            entropy: &mut self.entropy,
        };
        body(&mut self.bus, &mut env)
    }

    fn access(&mut self, space: Space, addr: u64, width: Width, kind: AccessKind) -> Answer {
        let addr = GuestPhys(addr);
        self.with(|bus, env| {
            bus.access(
                BusAccess {
                    space,
                    addr,
                    width,
                    kind,
                },
                env,
            )
        })
    }

    fn load(&mut self, addr: u64) -> Answer {
        self.access(Space::Memory, addr, Width::B4, AccessKind::Load)
    }

    fn store(&mut self, addr: u64, value: u64) -> Answer {
        self.access(Space::Memory, addr, Width::B4, AccessKind::Store(value))
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn memory(base: u64, bytes: u64) -> Place {
    Place {
        space: Space::Memory,
        base,
        bytes,
    }
}

fn cpu(cpu: u32, line: u32) -> Sink {
    Sink::Cpu(CpuLine { cpu, line })
}
