//! The bus: which device an address means, and where its lines lead.

use thiserror::Error;
use vm_core::{
    Access as BusAccess, AccessKind, Answer, Entropy, Events, Fault, Fields, Image, Section, Space,
    StateError, Token, Width,
};
use vm_mem::GuestRam;

use crate::cx::Effects;
use crate::{Cx, Device, LineChange, Message, Register, Request, Work};

/// A device's number on its bus, which is also its owner number in the event queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct DeviceId(pub u32);

/// A region of an address space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Memory or ports.
    pub space: Space,
    /// The first address.
    pub base: u64,
    /// The length.
    pub bytes: u64,
}

/// Where a line leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sink {
    /// An input of another device.
    Pin(DeviceId, u32),
    /// An interrupt input of a CPU.
    Cpu(CpuLine),
}

/// An interrupt input of a CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuLine {
    /// The CPU.
    pub cpu: u32,
    /// The input, as numbered by the guest architecture.
    pub line: u32,
}

/// Why a machine can not be put together.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BusError {
    /// Two devices want one address.
    #[error("`{new}` at {base:#x} overlaps `{old}`")]
    Overlap {
        /// The device that came second.
        new: String,
        /// Its first address.
        base: u64,
        /// The device that was there.
        old: String,
    },
    /// Two devices want one name, which names their saved state.
    #[error("there are two devices named `{name}`")]
    Name {
        /// The name.
        name: String,
    },
}

struct Slot {
    name: String,
    device: Box<dyn Device>,
    wires: Vec<(u32, Sink)>,
    levels: Vec<(u32, bool)>,
}

impl Slot {
    fn save(&self) -> Section {
        let mut section = Section::new(&section_name(&self.name), 1);
        self.device.save(&mut section);
        let lines = self.levels.iter();
        let lines = lines.flat_map(|(n, level)| [u64::from(*n), u64::from(*level)]);
        section.words("bus.lines", &lines.collect::<Vec<_>>());
        section
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.device.restore(from)?;
        self.levels = levels(from)?;
        Ok(())
    }
}

/// All devices of a machine and the wires between them.
#[derive(Default)]
pub struct Bus {
    slots: Vec<Slot>,
    /// The places in order, each with its device and its number among the device's places.
    places: Vec<(Place, DeviceId, usize)>,
    effects: Effects,
    cpu_lines: Vec<(CpuLine, bool)>,
    line_log: Option<Vec<LineChange>>,
}

/// How many line settings and messages may follow from one call before the bus gives up.
// LIMIT: a call makes a few dozen at most; a ring of inverters, or message interrupts that the
// guest points at registers which cause message interrupts, would go on for ever.
const RIPPLE_LIMIT: usize = 4096;

impl Bus {
    /// A bus without devices.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a device that answers at these places.
    pub fn add(
        &mut self,
        name: &str,
        device: Box<dyn Device>,
        places: &[Place],
    ) -> Result<DeviceId, BusError> {
        let id = DeviceId(self.slots.len() as u32);
        let name = name.to_owned();
        if self.slots.iter().any(|slot| slot.name == name) {
            return Err(BusError::Name { name });
        }
        for (number, place) in places.iter().enumerate() {
            if let Err(error) = self.claim(&name, *place, id, number) {
                // A refused device leaves nothing behind that would lead to its successor.
                self.places.retain(|(_, owner, _)| *owner != id);
                return Err(error);
            }
        }
        self.slots.push(Slot {
            name,
            device,
            wires: Vec::new(),
            levels: Vec::new(),
        });
        Ok(id)
    }

    /// Leads a device's output line to a sink.
    pub fn wire(&mut self, from: DeviceId, line: u32, to: Sink) {
        if let Some(slot) = self.slots.get_mut(from.0 as usize) {
            slot.wires.push((line, to));
        }
    }

    /// The devices, in the order in which they were added.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceId, &str, &dyn Device)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, slot)| (DeviceId(i as u32), slot.name.as_str(), &*slot.device))
    }

    /// The name of a device.
    #[must_use]
    pub fn name(&self, id: DeviceId) -> &str {
        self.slots.get(id.0 as usize).map_or("?", |slot| &slot.name)
    }

    /// The device that answers at an address.
    #[must_use]
    pub fn at(&self, space: Space, addr: u64) -> Option<(DeviceId, u64)> {
        let (id, _, offset) = self.find(space, addr)?;
        Some((id, offset))
    }

    /// Carries out one access of a CPU.
    pub fn access(&mut self, access: BusAccess, env: &mut Env) -> Answer {
        let Some((id, number, offset)) = self.find(access.space, access.addr.0) else {
            return Answer::Fault(Fault::NoRegister);
        };
        let store = matches!(access.kind, AccessKind::Store(_));
        let answer = self.call(id, env, |device, cx| {
            let Some(mmio) = device.window(number) else {
                return Answer::Fault(Fault::NoRegister);
            };
            if let Err(fault) = Register::permit(mmio, offset, access.width, store) {
                return Answer::Fault(fault);
            }
            match access.kind {
                AccessKind::Load => match mmio.read(offset, access.width, cx) {
                    Answer::Done(value) => Answer::Done(value & access.width.mask()),
                    other => other,
                },
                AccessKind::Store(value) => {
                    mmio.write(offset, access.width, value & access.width.mask(), cx)
                }
            }
        });
        answer.unwrap_or(Answer::Fault(Fault::NoRegister))
    }

    /// Hands a due event to its owner; false if the owner is not a device of this bus.
    pub fn event(&mut self, token: Token, env: &mut Env) -> bool {
        self.call(DeviceId(token.owner), env, |device, cx| {
            device.event(token.tag, cx);
        })
        .is_some()
    }

    /// Tells a device that its back end has something.
    pub fn wake(&mut self, id: DeviceId, env: &mut Env) {
        self.call(id, env, |device, cx| device.wake(cx));
    }

    /// Sets an input of a device from outside (power buttons, tests).
    pub fn input(&mut self, id: DeviceId, pin: u32, level: bool, env: &mut Env) {
        self.call(id, env, |device, cx| device.input(pin, level, cx));
    }

    /// The changes of CPU interrupt inputs since the last call, in order.
    pub fn take_cpu_lines(&mut self) -> Vec<(CpuLine, bool)> {
        std::mem::take(&mut self.cpu_lines)
    }

    /// What devices asked of the machine's owner since the last call, in order.
    pub fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.effects.requests)
    }

    /// Whether devices have asked something of the machine's owner.
    #[must_use]
    pub fn has_requests(&self) -> bool {
        !self.effects.requests.is_empty()
    }

    /// Asks something of the machine's owner on behalf of what stands beside the bus (firmware).
    pub fn request(&mut self, request: Request) {
        self.effects.requests.push(request);
    }

    /// Begins or ends keeping requests to devices for [`Bus::take_work_log`].
    pub fn log_work(&mut self, on: bool) {
        self.effects.work = on.then(Vec::new);
    }

    /// The requests that devices took and answered since the last call, if they are kept.
    pub fn take_work_log(&mut self) -> Vec<Work> {
        let work = self.effects.work.as_mut();
        work.map(std::mem::take).unwrap_or_default()
    }

    /// Begins or ends keeping line changes for [`Bus::take_line_log`].
    pub fn log_lines(&mut self, on: bool) {
        self.line_log = on.then(Vec::new);
    }

    /// The line changes since the last call, if they are kept.
    pub fn take_line_log(&mut self) -> Vec<LineChange> {
        self.line_log
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Brings all devices to their state after power-on; all lines go low.
    pub fn reset(&mut self) {
        self.effects.clear();
        self.cpu_lines.clear();
        for slot in &mut self.slots {
            slot.levels.clear();
            slot.device.reset();
        }
    }

    /// Writes the state of all devices and lines down, a section each.
    pub fn save(&self, image: &mut Image) {
        self.slots.iter().for_each(|slot| image.push(slot.save()));
    }

    /// Writes the state of one device and its lines down.
    #[must_use]
    pub fn save_one(&self, id: DeviceId) -> Option<Section> {
        self.slots.get(id.0 as usize).map(Slot::save)
    }

    /// Takes the state of one device and its lines; nothing if there is no such device.
    pub fn restore_one(&mut self, id: DeviceId, from: &Fields) -> Result<(), StateError> {
        let slot = self.slots.get_mut(id.0 as usize);
        slot.map_or(Ok(()), |slot| slot.restore(from))
    }

    /// The names of the sections that [`Bus::save`] writes.
    #[must_use]
    pub fn section_names(&self) -> Vec<String> {
        self.slots
            .iter()
            .map(|slot| section_name(&slot.name))
            .collect()
    }

    /// Takes the state of all devices and lines.
    ///
    /// CPU interrupt inputs are part of the CPUs' state and are not driven again.
    pub fn restore(&mut self, image: &Image) -> Result<(), StateError> {
        for slot in &mut self.slots {
            slot.restore(&image.section(&section_name(&slot.name))?)?;
        }
        self.effects.clear();
        self.cpu_lines.clear();
        Ok(())
    }

    /// The device, the number of its place, and the offset from that place's first address.
    fn find(&self, space: Space, addr: u64) -> Option<(DeviceId, usize, u64)> {
        let after = self
            .places
            .partition_point(|(place, ..)| (place.space as u8, place.base) <= (space as u8, addr));
        let (place, id, number) = self.places.get(after.checked_sub(1)?)?;
        let offset = addr.checked_sub(place.base)?;
        (place.space == space && offset < place.bytes).then_some((*id, *number, offset))
    }

    fn claim(
        &mut self,
        name: &str,
        place: Place,
        id: DeviceId,
        number: usize,
    ) -> Result<(), BusError> {
        let clash = self.places.iter().find(|(other, ..)| {
            other.space == place.space
                && place.base < other.base.saturating_add(other.bytes)
                && other.base < place.base.saturating_add(place.bytes)
        });
        if let Some((_, old, _)) = clash {
            let old = if *old == id { name } else { self.name(*old) };
            return Err(BusError::Overlap {
                new: name.to_owned(),
                base: place.base,
                old: old.to_owned(),
            });
        }
        self.places.push((place, id, number));
        self.places
            .sort_by_key(|(place, ..)| (place.space as u8, place.base));
        Ok(())
    }

    /// Calls one device, then carries out what it asked for.
    fn call<R>(
        &mut self,
        id: DeviceId,
        env: &mut Env,
        body: impl FnOnce(&mut dyn Device, &mut Cx) -> R,
    ) -> Option<R> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        let mut cx = env.cx(id, &mut self.effects);
        let result = body(&mut *slot.device, &mut cx);
        self.settle(env);
        Some(result)
    }

    /// Follows line changes and messages until nothing moves any more.
    fn settle(&mut self, env: &mut Env) {
        let mut steps = 0;
        loop {
            let lines = std::mem::take(&mut self.effects.lines);
            let messages = std::mem::take(&mut self.effects.messages);
            if lines.is_empty() && messages.is_empty() {
                return;
            }
            steps += lines.len() + messages.len();
            if steps > RIPPLE_LIMIT {
                return;
            }
            for change in lines {
                self.drive(change, env);
            }
            for message in messages {
                self.deliver(message, env);
            }
        }
    }

    fn drive(&mut self, change: LineChange, env: &mut Env) {
        let Some(slot) = self.slots.get_mut(change.owner as usize) else {
            return;
        };
        match slot
            .levels
            .iter_mut()
            .find(|(line, _)| *line == change.line)
        {
            Some((_, level)) if *level == change.level => return,
            Some((_, level)) => *level = change.level,
            None if !change.level => return,
            None => slot.levels.push((change.line, true)),
        }
        if let Some(log) = &mut self.line_log {
            log.push(change);
        }
        let sinks: Vec<Sink> = slot
            .wires
            .iter()
            .filter(|(line, _)| *line == change.line)
            .map(|(_, sink)| *sink)
            .collect();
        for sink in sinks {
            match sink {
                Sink::Cpu(line) => self.cpu_lines.push((line, change.level)),
                Sink::Pin(id, pin) => {
                    let Some(target) = self.slots.get_mut(id.0 as usize) else {
                        continue;
                    };
                    let mut cx = env.cx(id, &mut self.effects);
                    target.device.input(pin, change.level, &mut cx);
                }
            }
        }
    }

    /// A message goes to the device at its address, else to RAM, else nowhere.
    fn deliver(&mut self, message: Message, env: &mut Env) {
        let Some((id, number, offset)) = self.find(Space::Memory, message.addr.0) else {
            env.ram
                .store(message.addr, Width::B4, u64::from(message.data));
            return;
        };
        let Some(target) = self.slots.get_mut(id.0 as usize) else {
            return;
        };
        let mut cx = env.cx(id, &mut self.effects);
        if let Some(mmio) = target.device.window(number)
            && Register::permit(mmio, offset, Width::B4, true).is_ok()
        {
            mmio.write(offset, Width::B4, u64::from(message.data), &mut cx);
        }
    }
}

/// What the bus needs from its owner for one call.
pub struct Env<'a> {
    /// Guest time in nanoseconds.
    pub now_ns: u64,
    /// Guest RAM.
    pub ram: &'a GuestRam,
    /// The machine's event queue.
    pub events: &'a mut Events,
    /// The machine's source of chance.
    pub entropy: &'a mut Entropy,
}

impl Env<'_> {
    /// What the device sees of all this while it is called.
    fn cx<'b>(&'b mut self, id: DeviceId, effects: &'b mut Effects) -> Cx<'b> {
        Cx {
            now_ns: self.now_ns,
            ram: self.ram,
            entropy: self.entropy,
            owner: id.0,
            events: self.events,
            effects,
        }
    }
}

fn section_name(device: &str) -> String {
    format!("device.{device}")
}

/// The saved levels of a device's lines, each line at most once.
fn levels(fields: &Fields) -> Result<Vec<(u32, bool)>, StateError> {
    let bad = || fields.bad("bus.lines");
    let words = fields.words("bus.lines")?;
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad());
    }
    let mut levels: Vec<(u32, bool)> = Vec::new();
    for [line, level] in pairs {
        let line = u32::try_from(*line).map_err(|_| bad())?;
        if *level > 1 || levels.iter().any(|(other, _)| *other == line) {
            return Err(bad());
        }
        levels.push((line, *level == 1));
    }
    Ok(levels)
}
