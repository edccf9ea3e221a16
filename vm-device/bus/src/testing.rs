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
            Ok(mmio) => match mmio.read(offset, width, cx) {
                Answer::Done(value) => Answer::Done(value & width.mask()),
                other => other,
            },
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
            self.run_one(at_ns.max(self.now_ns));
        }
        self.now_ns = now_ns;
    }

    /// Lets time pass until `now_ns`, and the first event that is due by then happen.
    fn run_one(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        if let Some(token) = self.events.take_due(now_ns) {
            self.call(|device, cx| device.event(token.tag, cx));
        }
    }

    /// Brings the device to its state after power-on; its lines go low.
    pub fn reset(&mut self) {
        self.device.reset();
        let mut high: Vec<u32> = self.lines.iter().map(|change| change.line).collect();
        high.sort_unstable();
        high.dedup();
        high.retain(|line| self.level(*line));
        let low = |line| LineChange {
            owner: 0,
            line,
            level: false,
        };
        self.lines.extend(high.into_iter().map(low));
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

/// Events that may come due within one step of a [`storm`].
// LIMIT: a device has a handful of timers; one that wakes itself without end fails the test
// instead of hanging it.
const EVENT_LIMIT: u32 = 1000;

/// Drives a device as a hostile guest and a busy host would, for `steps` random steps.
///
/// The steps are loads and stores of every width inside a region of `region` bytes (half of them
/// aimed at registers of the table), time, stale events, wakes, inputs, changed RAM, resets, and
/// now and then a saved state that the device has to take back unchanged.
/// One seed gives one storm.
///
/// # Panics
///
/// If the device refuses or alters its own state, or its events never end.
pub fn storm<D: Device>(bus: &mut FakeBus<D>, region: u64, seed: u64, steps: u32) {
    let mut chance = Entropy::new(seed);
    let mut dice = move |sides: u64| chance.next_u64() % sides.max(1);
    for step in 0..steps {
        match dice(64) {
            0 => take_back(bus, step),
            1 if dice(32) == 0 => bus.reset(),
            1..=3 => {
                let tag = dice(5) as u32;
                bus.call(|device, cx| device.event(tag, cx));
            }
            4..=7 => bus.call(Device::wake),
            8..=15 => {
                let (pin, level) = (dice(130) as u32, dice(2) == 1);
                bus.call(|device, cx| device.input(pin, level, cx));
            }
            16..=19 => {
                let passed = 1 << dice(40);
                let end = bus.now_ns.saturating_add(dice(passed));
                let mut events = 0;
                while bus.events.next_ns().is_some_and(|at| at <= end) {
                    let at = bus.events.next_ns().unwrap_or(end).max(bus.now_ns);
                    bus.run_one(at);
                    events += 1;
                    assert!(events < EVENT_LIMIT, "step {step}: events without end");
                }
                bus.now_ns = end;
            }
            20..=24 => {
                let addr = GuestPhys(RAM_BASE) + dice(0x400) * 4;
                let value = odd_value(&mut dice);
                bus.ram.store(addr, Width::B4, value);
            }
            _ => access(bus, region, &mut dice),
        }
    }
}

/// One random load or store.
fn access<D: Device>(bus: &mut FakeBus<D>, region: u64, dice: &mut impl FnMut(u64) -> u64) {
    let widths = [Width::B1, Width::B2, Width::B4, Width::B8];
    let mut width = widths[dice(4) as usize];
    let mut offset = dice(region);
    let table = bus.device.mmio().map_or(&[][..], |mmio| mmio.registers());
    if !table.is_empty() && dice(4) != 0 {
        let register = table[dice(table.len() as u64) as usize];
        // Low indexes more often: those are the ones that machines have.
        let low = if dice(8) == 0 {
            u64::MAX
        } else {
            1 << dice(10)
        };
        let index = dice(register.count.min(low));
        offset = register.offset + index * register.width.bytes();
        if dice(4) != 0 {
            width = register.width;
        }
    }
    if dice(2) == 0 {
        let value = odd_value(dice);
        bus.write(offset, width, value);
    } else {
        bus.read(offset, width);
    }
}

/// A value of the kind that finds mistakes: small, a power of two, all ones, an address in RAM in
/// either byte order, or anything.
fn odd_value(dice: &mut impl FnMut(u64) -> u64) -> u64 {
    let ram = RAM_BASE + dice(0x1000);
    match dice(8) {
        0 => 0,
        1 => u64::MAX,
        2 => dice(16),
        3 => dice(256),
        4 => 1 << dice(64),
        5 => ram,
        6 => (ram & !3).swap_bytes(),
        _ => dice(u64::MAX),
    }
}

/// Saves the device, lets it take the state, and saves again.
fn take_back<D: Device>(bus: &mut FakeBus<D>, step: u32) {
    let mut before = Section::new("device", 1);
    bus.device.save(&mut before);
    let taken = bus.device.restore(&before.fields());
    assert_eq!(
        taken,
        Ok(()),
        "step {step}: the device refuses its own state"
    );
    let mut after = Section::new("device", 1);
    bus.device.save(&mut after);
    let same = before == after;
    assert!(same, "step {step}: the device alters its own state");
}

fn checked<D: Device>(
    device: &mut D,
    offset: u64,
    width: Width,
    store: bool,
) -> Result<&mut dyn crate::Mmio, Fault> {
    let mmio = device.mmio().ok_or(Fault::NoRegister)?;
    Register::permit(mmio, offset, width, store)?;
    Ok(mmio)
}
