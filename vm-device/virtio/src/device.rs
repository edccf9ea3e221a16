//! What a virtio device is, whichever way the guest reaches it.

use vm_core::{Fields, Section, StateError};
use vm_device_bus::Cx;

use crate::queue::{Broken, Chain, Queue};

/// `VIRTIO_F_INDIRECT_DESC`: chains may stand in tables of their own.
pub const F_INDIRECT_DESC: u64 = 1 << 28;
/// `VIRTIO_F_EVENT_IDX`: both sides name the point at which they want to be told.
pub const F_EVENT_IDX: u64 = 1 << 29;
/// `VIRTIO_F_VERSION_1`: the device follows the standard and not its forerunners.
pub const F_VERSION_1: u64 = 1 << 32;

/// One virtio device, without its transport.
///
/// A transport negotiates, keeps the queues and raises interrupts; the device takes chains and
/// gives them back.
pub trait VirtioDevice: Send {
    /// Its number in the standard's list of device types (section 5).
    fn id(&self) -> u16;

    /// What kind of device it is, as the machine's description calls it.
    fn kind(&self) -> &'static str;

    /// The class code that it has on PCI.
    fn pci_class(&self) -> u32;

    /// The features of its own that it offers.
    fn features(&self) -> u64;

    /// The most descriptors of each of its queues, powers of two.
    fn queues(&self) -> &'static [u16];

    /// Its configuration fields, from the first byte to the last that it has.
    fn config(&self) -> Vec<u8>;

    /// The driver writes a configuration field.
    fn write_config(&mut self, offset: u64, bytes: &[u8], io: &mut Io) {
        let _ = (offset, bytes, io);
    }

    /// The driver is ready and has accepted these features.
    fn start(&mut self, features: u64, io: &mut Io) {
        let _ = (features, io);
    }

    /// The driver has made chains of a queue available.
    fn notify(&mut self, queue: usize, io: &mut Io);

    /// The back end has something.
    fn wake(&mut self, io: &mut Io) {
        let _ = io;
    }

    /// The guest time at which it wants [`VirtioDevice::event`] to be called.
    fn due_ns(&self) -> Option<u64> {
        None
    }

    /// The time it asked for has come.
    fn event(&mut self, io: &mut Io) {
        let _ = io;
    }

    /// Brings it to its state after power-on, and ends what it does in guest memory.
    fn reset(&mut self);

    /// Writes its own state down; queues and negotiation are the transport's.
    fn save(&self, out: &mut Section);

    /// Takes a saved state, checking every value as if the guest had written it.
    fn restore(&mut self, from: &Fields) -> Result<(), StateError>;
}

/// The hands of a virtio device for the time of one call.
pub struct Io<'a, 'b> {
    /// Time, memory and chance.
    pub cx: &'a mut Cx<'b>,
    queues: &'a mut [Queue],
    live: bool,
    pub(crate) broken: bool,
    pub(crate) config_changed: bool,
}

impl<'a, 'b> Io<'a, 'b> {
    /// Hands for one call; only a `live` device is given chains.
    pub(crate) fn new(cx: &'a mut Cx<'b>, queues: &'a mut [Queue], live: bool) -> Self {
        if live {
            queues.iter_mut().for_each(Queue::begin);
        }
        Self {
            cx,
            queues,
            live,
            broken: false,
            config_changed: false,
        }
    }

    /// Whether the driver is ready; if not, there are no chains.
    #[must_use]
    pub fn live(&self) -> bool {
        self.live
    }

    /// Takes the next chain of a queue; the number of chains in one call is bounded.
    pub fn pop(&mut self, queue: usize) -> Option<Chain> {
        let ram = self.cx.ram;
        let result = self.queue(queue)?.pop(ram);
        self.checked(result).flatten()
    }

    /// Gives a chain back, with so many bytes written to it.
    pub fn push(&mut self, queue: usize, head: u16, written: u32) {
        let ram = self.cx.ram;
        let result = self
            .queue(queue)
            .map(|queue| queue.push(ram, head, written));
        self.broken |= matches!(result, Some(Err(Broken)));
    }

    /// The driver broke a rule that the device knows of: nothing goes on before a reset.
    pub fn fail(&mut self) {
        self.broken = true;
    }

    /// The configuration fields have changed.
    pub fn config_changed(&mut self) {
        self.config_changed = true;
    }

    fn queue(&mut self, index: usize) -> Option<&mut Queue> {
        let usable = self.live && !self.broken;
        self.queues.get_mut(index).filter(|_| usable)
    }

    fn checked<T>(&mut self, result: Result<T, Broken>) -> Option<T> {
        self.broken |= result.is_err();
        result.ok()
    }
}
