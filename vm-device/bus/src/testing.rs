//! A bus for one device: what a device's own tests, and its fuzz target, stand on.

use vm_core::{Answer, Entropy, Events, Fault, GuestPhys, Section, Width};
use vm_mem::GuestRam;

use crate::cx::Effects;
use crate::{Cx, Device, LineChange, Message, Register, Request};

/// Where the RAM of a [`FakeBus`] begins.
pub const RAM_BASE: u64 = 0x8000_0000;

/// One device, some RAM, and a record of what the device did.
pub struct FakeBus<D> {
    /// The device.
    pub device: D,
    /// RAM at [`RAM_BASE`].
    pub ram: GuestRam,
    /// Guest time; set it as the test likes.
    pub now_ns: u64,
    /// The event queue.
    pub events: Events,
    /// The lines that were set, in order, every call included.
    pub lines: Vec<LineChange>,
    /// The messages that were sent, in order.
    pub messages: Vec<Message>,
    /// The requests that were made, in order.
    pub requests: Vec<Request>,
    entropy: Entropy,
}

impl<D: Device> FakeBus<D> {
    /// A bus with 1 MiB of RAM.
    ///
    /// # Panics
    ///
    /// If the host has no memory left.
    pub fn new(device: D) -> Self {
        let ram = GuestRam::new(&[(GuestPhys(RAM_BASE), 1 << 20)]).expect("1 MiB of RAM");
        Self {
            device,
            ram,
            now_ns: 0,
            events: Events::new(),
            lines: Vec::new(),
            messages: Vec::new(),
            requests: Vec::new(),
            entropy: Entropy::new(1),
        }
    }

    /// Calls the device with a [`Cx`] and keeps what it asked for.
    pub fn call<R>(&mut self, body: impl FnOnce(&mut D, &mut Cx) -> R) -> R {
        let mut effects = Effects::default();
        let mut cx = Cx {
            now_ns: self.now_ns,
            ram: &self.ram,
            entropy: &mut self.entropy,
            owner: 0,
            events: &mut self.events,
            effects: &mut effects,
        };
        let result = body(&mut self.device, &mut cx);
        self.lines.append(&mut effects.lines);
        self.messages.append(&mut effects.messages);
        self.requests.append(&mut effects.requests);
        result
    }

    /// A load, checked against the register table as the real bus does.
    pub fn read(&mut self, offset: u64, width: Width) -> Answer {
        self.call(|device, cx| match checked(device, offset, width, false) {
            Ok(mmio) => mmio.read(offset, width, cx),
            Err(fault) => Answer::Fault(fault),
        })
    }

    /// A store, checked against the register table as the real bus does.
    pub fn write(&mut self, offset: u64, width: Width, value: u64) -> Answer {
        self.call(|device, cx| match checked(device, offset, width, true) {
            Ok(mmio) => mmio.write(offset, width, value & width.mask(), cx),
            Err(fault) => Answer::Fault(fault),
        })
    }

    /// The value that a load gives.
    ///
    /// # Panics
    ///
    /// If the device does not answer with a value.
    pub fn value(&mut self, offset: u64, width: Width) -> u64 {
        match self.read(offset, width) {
            Answer::Done(value) => value,
            other => panic!("offset {offset:#x} answers {other:?}"),
        }
    }

    /// The level of an output line: what it was last set to.
    pub fn level(&self, line: u32) -> bool {
        self.lines
            .iter()
            .rev()
            .find(|change| change.line == line)
            .is_some_and(|c| c.level)
    }

    /// Lets time pass until `now_ns`, with all events on the way.
    pub fn run_until(&mut self, now_ns: u64) {
        while let Some(at_ns) = self.events.next_ns().filter(|at| *at <= now_ns) {
            self.now_ns = self.now_ns.max(at_ns);
            if let Some(token) = self.events.take_due(self.now_ns) {
                self.call(|device, cx| device.event(token.tag, cx));
            }
        }
        self.now_ns = now_ns;
    }

    /// Saves the device, restores the state into `other`, and says whether that saves the same.
    pub fn survives(&self, other: &mut D) -> bool {
        let mut first = Section::new("device", 1);
        self.device.save(&mut first);
        let mut second = Section::new("device", 1);
        other.restore(&first.fields()).is_ok() && {
            other.save(&mut second);
            first == second
        }
    }
}

fn checked<D: Device>(
    device: &mut D,
    offset: u64,
    width: Width,
    store: bool,
) -> Result<&mut dyn crate::Mmio, Fault> {
    let mmio = device.mmio().ok_or(Fault::NoRegister)?;
    if mmio.registers().is_empty() {
        let aligned = offset.is_multiple_of(width.bytes());
        return if aligned {
            Ok(mmio)
        } else {
            Err(Fault::Alignment)
        };
    }
    Register::check(mmio.registers(), offset, width, store, mmio.narrow())?;
    Ok(mmio)
}
