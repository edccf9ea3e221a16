//! Virtio over PCI, without the interface of the time before the standard.
//!
//! VIRTIO 1.3, section 4.1, "Virtio Over PCI Bus".

use vm_core::{Fields, Section, StateError, Width};
use vm_device_bus::Cx;
use vm_device_pci::{BarKind, Config, Function, Identity};

use crate::device::VirtioDevice;
use crate::queue::{Layout, Queue};
use crate::transport::{Core, Signals, set_half};

/// The vendor of all virtio devices on PCI.
const VENDOR: u16 = 0x1af4;
/// The device number of virtio device 0.
const FIRST_DEVICE: u16 = 0x1040;
/// The vector number that means none.
const NO_VECTOR: u16 = 0xffff;

/// The base address with the tables of message interrupts.
const MESSAGE_BAR: u8 = 1;
/// The base address with the registers.
const REGISTER_BAR: u8 = 4;
/// The bytes that each of the four structures may take in it.
const STRUCTURE_BYTES: u64 = 0x1000;
/// The distance between the notification registers of two queues.
const NOTIFY_STEP: u32 = 4;
/// Interrupt reasons: chains were used, and status or configuration has changed.
const USED: u8 = 1;
const CHANGED: u8 = 2;

/// The structures, in the order in which they stand, with the types of their capabilities.
const COMMON: u64 = 0;
const REASONS: u64 = 1;
const FIELDS: u64 = 2;
const NOTIFY: u64 = 3;
const TYPES: [u8; 4] = [1, 3, 4, 2];
/// The type of the capability that reaches the structures through configuration space.
const ACCESS_TYPE: u8 = 5;

/// A virtio device as a function on the PCI bus.
pub struct PciFunction {
    core: Core,
    config: Config,
    reasons: u8,
    config_vector: u16,
    queue_vectors: Vec<u16>,
    /// Where the capability stands that reaches the structures through configuration space.
    access: u16,
}

impl PciFunction {
    /// A function with this device in it.
    #[must_use]
    pub fn new(device: Box<dyn VirtioDevice>) -> Self {
        let identity = Identity {
            vendor: VENDOR,
            device: FIRST_DEVICE + device.id(),
            revision: 1,
            class: device.pci_class(),
            subsystem_vendor: VENDOR,
            subsystem: FIRST_DEVICE + device.id(),
        };
        let queues = device.queues().len();
        let mut config = Config::new(&identity)
            .line()
            .bar(MESSAGE_BAR, BarKind::Memory32, STRUCTURE_BYTES)
            .bar(REGISTER_BAR, BarKind::Memory64, STRUCTURE_BYTES * 4);
        config.message_interrupts(MESSAGE_BAR, queues as u16 + 1, 0, 0x800);
        for (index, kind) in (0..).zip(TYPES) {
            let mut body = capability(kind, index);
            if index == NOTIFY {
                body.extend(NOTIFY_STEP.to_le_bytes());
                body[0] += 4;
            }
            config.capability(9, &body, &[]);
        }
        // Here the driver chooses bar, offset and length, and then reads or writes the data.
        let mut body = capability(ACCESS_TYPE, 0);
        body.extend([0; 4]);
        body[0] += 4;
        let mut writable = vec![0, 0, 0xff, 0, 0, 0];
        writable.extend([0xff; 12]);
        let access = config.capability(9, &body, &writable);
        let mut core = Core::new(device);
        core.held = true;
        Self {
            core,
            config,
            reasons: 0,
            config_vector: NO_VECTOR,
            queue_vectors: vec![NO_VECTOR; queues],
            access: u16::from(access),
        }
    }

    /// Tells the driver what it has to be told.
    fn settle(&mut self, signals: Signals, cx: &mut Cx) {
        if self.config.messages() {
            for (index, vector) in self.queue_vectors.iter().enumerate() {
                if signals.queues >> index & 1 != 0 {
                    self.config.raise(*vector, cx);
                }
            }
            if signals.config {
                self.config.raise(self.config_vector, cx);
            }
            return;
        }
        if signals.queues != 0 {
            self.reasons |= USED;
        }
        if signals.config {
            self.reasons |= CHANGED;
        }
        self.config.set_line(self.reasons != 0);
    }

    /// Reads the common structure (section 4.1.4.3); a field is read from its own offset.
    fn common(&mut self, offset: u64) -> u64 {
        let vector = self.core.queue_select as usize;
        let count = self.core.queue_count() as u64;
        let core = &mut self.core;
        match offset {
            0x00 => return core.device_feature_select.into(),
            0x04 => return core.device_features().into(),
            0x08 => return core.driver_feature_select.into(),
            0x0c => return core.driver_features().into(),
            0x10 => return self.config_vector.into(),
            0x12 => return count,
            0x14 => return core.status().into(),
            0x15 => return u64::from(core.generation()) & 0xff,
            0x16 => return core.queue_select.into(),
            0x1a => {
                return self
                    .queue_vectors
                    .get(vector)
                    .map_or(NO_VECTOR.into(), |v| (*v).into());
            }
            _ => {}
        }
        let select = core.queue_select;
        let Some(queue) = core.queue() else {
            return 0;
        };
        let layout = queue.layout();
        match offset {
            0x18 => layout.size.into(),
            0x1c => queue.enabled().into(),
            0x1e => select.into(),
            0x20 => layout.descriptors,
            0x24 => layout.descriptors >> 32,
            0x28 => layout.driver,
            0x2c => layout.driver >> 32,
            0x30 => layout.device,
            0x34 => layout.device >> 32,
            _ => 0,
        }
    }

    /// Writes the common structure.
    fn set_common(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) {
        let (word, short) = (value as u32, value as u16);
        let core = &mut self.core;
        match offset {
            0x00 => core.device_feature_select = word,
            0x08 => core.driver_feature_select = word,
            0x0c => core.accept_features(word),
            0x10 => self.config_vector = self.vector(short),
            0x14 => {
                let signals = core.write_status(value as u8, cx);
                if value as u8 == 0 {
                    self.forget();
                }
                self.settle(signals, cx);
            }
            0x16 => core.queue_select = short.into(),
            0x18 => self.place(|layout| layout.size = short),
            0x1a => {
                let (vector, select) = (self.vector(short), self.core.queue_select as usize);
                if let Some(place) = self.queue_vectors.get_mut(select) {
                    *place = vector;
                }
            }
            0x1c if short == 1 => {
                let signals = core.enable_queue(cx);
                self.settle(signals, cx);
            }
            0x20..0x38 if offset.is_multiple_of(4) => {
                self.set_address(offset, word);
                if width == Width::B8 {
                    self.set_address(offset + 4, (value >> 32) as u32);
                }
            }
            _ => {}
        }
    }

    /// Sets half of one of the selected queue's three addresses.
    fn set_address(&mut self, offset: u64, value: u32) {
        let half = offset / 4 % 2;
        self.place(|layout| match offset {
            0x20 | 0x24 => set_half(&mut layout.descriptors, half, value),
            0x28 | 0x2c => set_half(&mut layout.driver, half, value),
            _ => set_half(&mut layout.device, half, value),
        });
    }

    fn place(&mut self, change: impl FnOnce(&mut Layout)) {
        if let Some(queue) = self.core.queue() {
            Queue::place(queue, change);
        }
    }

    /// The vector if there is one of that number: the driver reads it back to find out.
    fn vector(&self, wanted: u16) -> u16 {
        if usize::from(wanted) < self.config.vectors() {
            wanted
        } else {
            NO_VECTOR
        }
    }

    /// Forgets what a reset of the device forgets.
    fn forget(&mut self) {
        self.reasons = 0;
        self.config.set_line(false);
        self.config_vector = NO_VECTOR;
        self.queue_vectors.fill(NO_VECTOR);
    }

    /// What the access capability points at, if an access of configuration space means its data
    /// (section 4.1.4.9).
    fn target(&self, offset: u16, width: Width) -> Option<(u64, Width)> {
        let data = self.access + 16;
        let whole = offset == data && width == Width::B4 || self.length() == Some(width);
        if offset != data || !whole {
            return None;
        }
        let bar = self.config.read(self.access + 4, Width::B1);
        let at = self.config.read(self.access + 8, Width::B4);
        let width = self.length()?;
        let possible = bar == u64::from(REGISTER_BAR) && at.is_multiple_of(width.bytes());
        (possible && at < 4 * STRUCTURE_BYTES).then_some((at, width))
    }

    fn length(&self) -> Option<Width> {
        let bytes = self.config.read(self.access + 12, Width::B4);
        Width::of_bytes(bytes).filter(|width| *width != Width::B8)
    }
}

/// A capability's body up to the length: where a structure stands.
fn capability(kind: u8, index: u64) -> Vec<u8> {
    let mut body = vec![16, kind, REGISTER_BAR, 0, 0, 0];
    if kind == ACCESS_TYPE {
        body[2] = 0;
        body.extend([0; 8]);
        return body;
    }
    body.extend(((index * STRUCTURE_BYTES) as u32).to_le_bytes());
    body.extend((STRUCTURE_BYTES as u32).to_le_bytes());
    body
}

impl Function for PciFunction {
    fn kind(&self) -> &'static str {
        self.core.device().kind()
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn read(&mut self, bar: u8, offset: u64, width: Width, _cx: &mut Cx) -> u64 {
        let inside = offset % STRUCTURE_BYTES;
        match offset / STRUCTURE_BYTES {
            _ if bar != REGISTER_BAR => 0,
            COMMON => self.common(inside),
            REASONS if inside == 0 => {
                // Reading acknowledges.
                let reasons = std::mem::take(&mut self.reasons);
                self.config.set_line(false);
                reasons.into()
            }
            FIELDS => self.core.read_config(inside, width),
            _ => 0,
        }
    }

    fn write(&mut self, bar: u8, offset: u64, width: Width, value: u64, cx: &mut Cx) {
        let inside = offset % STRUCTURE_BYTES;
        match offset / STRUCTURE_BYTES {
            _ if bar != REGISTER_BAR => {}
            COMMON => self.set_common(inside, width, value, cx),
            FIELDS => {
                let signals = self.core.write_config(inside, width, value, cx);
                self.settle(signals, cx);
            }
            NOTIFY => {
                let queue = (inside / u64::from(NOTIFY_STEP)) as u32;
                let signals = self.core.notify(queue, cx);
                self.settle(signals, cx);
            }
            _ => {}
        }
    }

    fn read_config(&mut self, offset: u16, width: Width, cx: &mut Cx) -> u64 {
        match self.target(offset, width) {
            Some((at, width)) => self.read(REGISTER_BAR, at, width, cx) & width.mask(),
            None => self.config.read(offset, width),
        }
    }

    fn write_config(&mut self, offset: u16, width: Width, value: u64, cx: &mut Cx) {
        self.config.write(offset, width, value, cx);
        if let Some((at, width)) = self.target(offset, width) {
            self.write(REGISTER_BAR, at, width, value & width.mask(), cx);
        }
        let signals = self.core.hold(!self.config.bus_master(), cx);
        self.settle(signals, cx);
    }

    fn due_ns(&self) -> Option<u64> {
        self.core.due_ns()
    }

    fn event(&mut self, cx: &mut Cx) {
        let signals = self.core.event(cx);
        self.settle(signals, cx);
    }

    fn wake(&mut self, cx: &mut Cx) {
        let signals = self.core.wake(cx);
        self.settle(signals, cx);
    }

    fn reset(&mut self) {
        self.core.reset();
        self.core.held = true;
        self.forget();
    }

    fn save(&self, out: &mut Section) {
        out.u64("reasons", self.reasons.into());
        out.u64("config_vector", self.config_vector.into());
        let vectors: Vec<u64> = self.queue_vectors.iter().map(|v| u64::from(*v)).collect();
        out.words("queue_vectors", &vectors);
        self.core.save(out);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.reasons = from.below("reasons", 4)? as u8;
        let short = |word: u64| u16::try_from(word).ok();
        let config_vector = short(from.u64("config_vector")?);
        self.config_vector = config_vector.ok_or_else(|| from.bad("config_vector"))?;
        let vectors: Option<Vec<u16>> = from
            .words("queue_vectors")?
            .into_iter()
            .map(short)
            .collect();
        let vectors = vectors.filter(|list| list.len() == self.queue_vectors.len());
        self.queue_vectors = vectors.ok_or_else(|| from.bad("queue_vectors"))?;
        self.core.restore(from)?;
        self.core.held = !self.config.bus_master();
        Ok(())
    }
}
