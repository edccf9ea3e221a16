//! What all transports share: status, feature negotiation, queues, configuration.
//!
//! VIRTIO 1.3, section 2, "Basic Facilities of a Virtio Device", and section 3.1.

use vm_core::{Fields, Image, Section, StateError, Width};
use vm_device_bus::Cx;

use crate::device::{F_EVENT_IDX, F_INDIRECT_DESC, F_VERSION_1, Io, VirtioDevice};
use crate::queue::Queue;

/// `DRIVER_OK`: the driver is ready.
const DRIVER_OK: u8 = 4;
/// `FEATURES_OK`: driver and device agree on the features.
const FEATURES_OK: u8 = 8;
/// `DEVICE_NEEDS_RESET`: the device can not go on.
const NEEDS_RESET: u8 = 64;

/// After how long a device goes on that stopped because its bound was reached.
const RESUME_NS: u64 = 1000;

/// What the driver has to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Signals {
    /// The queues with used chains, a bit each.
    pub queues: u64,
    /// Whether status or configuration fields changed.
    pub config: bool,
}

impl Signals {
    fn and(self, other: Self) -> Self {
        Self {
            queues: self.queues | other.queues,
            config: self.config || other.config,
        }
    }
}

/// A device with the state that its driver has negotiated.
pub(crate) struct Core {
    device: Box<dyn VirtioDevice>,
    queues: Vec<Queue>,
    status: u8,
    driver_features: u64,
    generation: u32,
    resume_ns: Option<u64>,
    /// Whether the bus forbids the device to touch memory.
    pub held: bool,
    /// Which half of the device's features is shown.
    pub device_feature_select: u32,
    /// Which half of the driver's features is written.
    pub driver_feature_select: u32,
    /// Which queue the queue registers mean.
    pub queue_select: u32,
}

impl Core {
    /// A device as it is after power-on.
    pub fn new(device: Box<dyn VirtioDevice>) -> Self {
        let queues: Vec<Queue> = device.queues().iter().map(|max| Queue::new(*max)).collect();
        assert!(
            queues.len() <= 64,
            "the queues of a device fit a word of bits"
        );
        Self {
            device,
            queues,
            status: 0,
            driver_features: 0,
            generation: 0,
            resume_ns: None,
            held: false,
            device_feature_select: 0,
            driver_feature_select: 0,
            queue_select: 0,
        }
    }

    /// The device.
    pub fn device(&self) -> &dyn VirtioDevice {
        &*self.device
    }

    /// How many queues there are.
    pub fn queue_count(&self) -> usize {
        self.queues.len()
    }

    /// The queue that is selected.
    pub fn queue(&mut self) -> Option<&mut Queue> {
        self.queues
            .get_mut(usize::try_from(self.queue_select).ok()?)
    }

    /// The selected half of the features that are offered.
    pub fn device_features(&self) -> u32 {
        match self.device_feature_select {
            0 => self.offered() as u32,
            1 => (self.offered() >> 32) as u32,
            _ => 0,
        }
    }

    /// The selected half of the features that the driver has accepted so far.
    pub fn driver_features(&self) -> u32 {
        match self.driver_feature_select {
            0 => self.driver_features as u32,
            1 => (self.driver_features >> 32) as u32,
            _ => 0,
        }
    }

    /// The driver accepts features; once they are agreed on, they stay.
    pub fn accept_features(&mut self, value: u32) {
        if self.status & FEATURES_OK != 0 {
            return;
        }
        let (old, value) = (self.driver_features, u64::from(value));
        self.driver_features = match self.driver_feature_select {
            0 => old & !0xffff_ffff | value,
            1 => old & 0xffff_ffff | value << 32,
            _ => old,
        };
    }

    /// The device's status.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// The number that changes whenever a configuration field does.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The driver goes a step on, or resets the device with zero.
    pub fn write_status(&mut self, value: u8, cx: &mut Cx) -> Signals {
        if value == 0 {
            self.reset();
            return Signals::default();
        }
        let mut new = self.status | value & !NEEDS_RESET;
        let acceptable =
            self.driver_features & !self.offered() == 0 && self.driver_features & F_VERSION_1 != 0;
        if self.status & FEATURES_OK == 0 && !acceptable {
            new &= !FEATURES_OK;
        }
        if new & FEATURES_OK == 0 {
            new &= !DRIVER_OK;
        }
        let starts = new & !self.status & DRIVER_OK != 0;
        self.status = new;
        if starts {
            return self.start(cx);
        }
        Signals::default()
    }

    /// Begins to use the selected queue.
    pub fn enable_queue(&mut self, cx: &mut Cx) -> Signals {
        let event_index = self.driver_features & F_EVENT_IDX != 0;
        let Some(queue) = self.queue() else {
            return Signals::default();
        };
        queue.use_event_index(event_index);
        let possible = queue.enable(cx.ram).is_ok();
        self.run(cx, |_, io| io.broken |= !possible)
    }

    /// The driver has made chains of a queue available.
    pub fn notify(&mut self, queue: u32, cx: &mut Cx) -> Signals {
        let Some(queue) = usize::try_from(queue)
            .ok()
            .filter(|q| *q < self.queues.len())
        else {
            return Signals::default();
        };
        if !self.live() {
            return Signals::default();
        }
        self.run(cx, |device, io| device.notify(queue, io))
    }

    /// The bus forbids or permits the device to touch memory.
    pub fn hold(&mut self, held: bool, cx: &mut Cx) -> Signals {
        let freed = self.held && !held;
        self.held = held;
        if !freed {
            return Signals::default();
        }
        self.notify_all(cx)
    }

    /// All queues may have chains that were not looked at.
    fn notify_all(&mut self, cx: &mut Cx) -> Signals {
        let all = 0..self.queues.len() as u32;
        all.fold(Signals::default(), |sum, queue| {
            sum.and(self.notify(queue, cx))
        })
    }

    /// The back end has something.
    pub fn wake(&mut self, cx: &mut Cx) -> Signals {
        if self.held {
            return Signals::default();
        }
        self.run(cx, |device, io| device.wake(io))
    }

    /// When [`Core::event`] is to be called.
    pub fn due_ns(&self) -> Option<u64> {
        if self.held {
            return None;
        }
        [self.resume_ns, self.device.due_ns()]
            .into_iter()
            .flatten()
            .min()
    }

    /// A time has come.
    pub fn event(&mut self, cx: &mut Cx) -> Signals {
        let mut signals = Signals::default();
        if self.held {
            return signals;
        }
        if self.device.due_ns().is_some_and(|due| due <= cx.now_ns) {
            signals = self.run(cx, |device, io| device.event(io));
        }
        if self.resume_ns.is_some_and(|due| due <= cx.now_ns) {
            self.resume_ns = None;
            for queue in 0..self.queues.len() {
                let left = self.queues.get_mut(queue);
                if left.is_some_and(|queue| std::mem::take(&mut queue.unfinished)) {
                    signals = signals.and(self.notify(queue as u32, cx));
                }
            }
        }
        signals
    }

    /// Configuration bytes; zero past the end.
    pub fn read_config(&self, offset: u64, width: Width) -> u64 {
        let config = self.device.config();
        (0..width.bytes()).fold(0, |value, i| {
            let at = offset
                .checked_add(i)
                .and_then(|at| usize::try_from(at).ok());
            let byte = at.and_then(|at| config.get(at)).copied().unwrap_or(0);
            value | u64::from(byte) << (8 * i)
        })
    }

    /// The driver writes configuration bytes.
    pub fn write_config(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Signals {
        let bytes = value.to_le_bytes();
        let bytes = bytes.get(..width.bytes() as usize).unwrap_or(&bytes);
        self.run(cx, |device, io| device.write_config(offset, bytes, io))
    }

    /// Back to the state after power-on.
    pub fn reset(&mut self) {
        self.device.reset();
        self.queues.iter_mut().for_each(Queue::reset);
        self.status = 0;
        self.driver_features = 0;
        self.resume_ns = None;
        self.device_feature_select = 0;
        self.driver_feature_select = 0;
        self.queue_select = 0;
    }

    /// Writes everything down.
    pub fn save(&self, out: &mut Section) {
        out.u64("status", u64::from(self.status));
        out.u64("driver_features", self.driver_features);
        out.u64("generation", u64::from(self.generation));
        out.u64("resume_ns", self.resume_ns.unwrap_or(u64::MAX));
        out.u64(
            "device_feature_select",
            u64::from(self.device_feature_select),
        );
        out.u64(
            "driver_feature_select",
            u64::from(self.driver_feature_select),
        );
        out.u64("queue_select", u64::from(self.queue_select));
        for (i, queue) in self.queues.iter().enumerate() {
            queue.save(&format!("queue{i}"), out);
        }
        let mut own = Section::new(self.device.kind(), 1);
        self.device.save(&mut own);
        let mut nested = Image::new();
        nested.push(own);
        out.bytes("device", &nested.to_bytes());
    }

    /// Takes a saved state.
    pub fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        self.reset();
        self.status = from.below("status", 256)? as u8;
        self.driver_features = from.u64("driver_features")?;
        let agreed = self.status & FEATURES_OK != 0;
        if agreed && self.driver_features & !self.offered() != 0 {
            return Err(from.bad("driver_features"));
        }
        self.generation = from.u32("generation")?;
        self.resume_ns = Some(from.u64("resume_ns")?).filter(|at| *at != u64::MAX);
        self.device_feature_select = from.u32("device_feature_select")?;
        self.driver_feature_select = from.u32("driver_feature_select")?;
        self.queue_select = from.u32("queue_select")?;
        for (i, queue) in self.queues.iter_mut().enumerate() {
            queue.restore(&format!("queue{i}"), from)?;
        }
        let nested = Image::from_bytes(from.bytes("device")?)?;
        let fields = nested.section(self.device.kind())?;
        fields.up_to_version(1)?;
        self.device.restore(&fields)
    }

    /// How many chains a queue has given back since it was enabled.
    #[cfg(test)]
    pub fn given(&self, queue: usize) -> u16 {
        self.queues.get(queue).map_or(0, Queue::given)
    }

    fn offered(&self) -> u64 {
        self.device.features() | F_INDIRECT_DESC | F_EVENT_IDX | F_VERSION_1
    }

    fn live(&self) -> bool {
        self.status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK && !self.held
    }

    fn start(&mut self, cx: &mut Cx) -> Signals {
        let features = self.driver_features;
        for queue in &mut self.queues {
            queue.use_event_index(features & F_EVENT_IDX != 0);
        }
        let started = self.run(cx, |device, io| device.start(features, io));
        // A driver may fill its queues before it is ready and then not notify.
        started.and(self.notify_all(cx))
    }

    /// Calls the device and finds out what the driver has to be told.
    fn run(&mut self, cx: &mut Cx, body: impl FnOnce(&mut dyn VirtioDevice, &mut Io)) -> Signals {
        let live = self.live();
        let mut io = Io::new(cx, &mut self.queues, live);
        body(&mut *self.device, &mut io);
        let (mut broken, mut config) = (io.broken, io.config_changed);
        if config {
            self.generation = self.generation.wrapping_add(1);
        }
        let mut queues = 0;
        for (i, queue) in self.queues.iter_mut().enumerate() {
            let wanted = queue.take_interrupt(cx.ram);
            broken |= wanted.is_err();
            queues |= u64::from(wanted == Ok(true)) << i;
            if queue.unfinished && self.resume_ns.is_none() {
                self.resume_ns = Some(cx.now_ns.saturating_add(RESUME_NS));
            }
        }
        if broken && self.status & NEEDS_RESET == 0 {
            self.status |= NEEDS_RESET;
            config = true;
        }
        Signals {
            queues,
            config: config && self.status & DRIVER_OK != 0,
        }
    }
}

/// Sets the low or the high half of an address.
pub(crate) fn set_half(address: &mut u64, index: u64, value: u32) {
    let value = u64::from(value);
    *address = match index {
        0 => *address & !0xffff_ffff | value,
        _ => *address & 0xffff_ffff | value << 32,
    };
}
