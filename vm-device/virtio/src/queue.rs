//! Virtqueues as devices see them, whatever the layout of their rings.
//!
//! Virtual I/O Device (VIRTIO) Version 1.3, section 2.6, "Virtqueues".

use vm_core::{Fields, Section, StateError};
use vm_device_bus::Segment;
use vm_mem::GuestRam;

use crate::split::SplitRing;

/// The driver broke a rule of the rings; the device asks to be reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

/// One chain of buffers: copied out of guest memory once, then checked.
///
/// All segments lie in RAM and none is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    /// The name under which the chain is given back.
    pub head: u16,
    /// What the driver wrote for the device.
    pub readable: Vec<Segment>,
    /// Where the device writes.
    pub writable: Vec<Segment>,
}

/// The rings of one queue.
pub trait Ring: Send {
    /// Takes the next chain that the driver made available.
    fn pop(&mut self, ram: &GuestRam) -> Result<Option<Chain>, Broken>;
    /// Asks for a notification about the next chain; true if one is there already.
    fn rearm(&mut self, ram: &GuestRam) -> Result<bool, Broken>;
    /// Gives a chain back, with so many bytes written to it.
    fn push(&mut self, ram: &GuestRam, head: u16, written: u32) -> Result<(), Broken>;
    /// Whether the driver wants an interrupt for what was given back since the last call.
    fn interrupt_wanted(&mut self, ram: &GuestRam) -> Result<bool, Broken>;
    /// Whether the driver names the point at which it wants a notification.
    fn use_event_index(&mut self, on: bool);
    /// How many chains were taken and given back, both modulo 2^16.
    fn position(&self) -> (u16, u16);
}

/// Where the driver has put the rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// How many descriptors there are.
    pub size: u16,
    /// The descriptor table.
    pub descriptors: u64,
    /// The ring that the driver writes.
    pub driver: u64,
    /// The ring that the device writes.
    pub device: u64,
}

/// One queue of a device: its place, and its rings once the driver has enabled it.
pub struct Queue {
    max: u16,
    layout: Layout,
    ring: Option<Box<dyn Ring>>,
    event_index: bool,
    /// How many chains the running call may still take.
    budget: u16,
    /// Whether chains were given back since the driver was last asked about interrupts.
    pub(crate) pushed: bool,
    /// Whether the budget ended before the chains did.
    pub(crate) unfinished: bool,
}

impl Queue {
    /// A queue that offers at most `max` descriptors, a power of two.
    #[must_use]
    pub fn new(max: u16) -> Self {
        debug_assert!(max.is_power_of_two(), "split rings have powers of two");
        let layout = Layout {
            size: max,
            ..Layout::default()
        };
        Self {
            max,
            layout,
            ring: None,
            event_index: false,
            budget: max,
            pushed: false,
            unfinished: false,
        }
    }

    /// The most descriptors that the driver may choose.
    #[must_use]
    pub fn max(&self) -> u16 {
        self.max
    }

    /// Where the rings are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Changes where the rings are; an enabled queue stays where it is.
    pub fn place(&mut self, change: impl FnOnce(&mut Layout)) {
        if self.ring.is_none() {
            change(&mut self.layout);
        }
    }

    /// Whether the driver has enabled it.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.ring.is_some()
    }

    /// Begins to use the rings, if they are possible.
    pub fn enable(&mut self, ram: &GuestRam) -> Result<(), Broken> {
        if self.ring.is_none() {
            let ring = SplitRing::new(self.layout, self.max, (0, 0)).ok_or(Broken)?;
            if !ring.fits(ram) {
                return Err(Broken);
            }
            self.adopt(ring);
        }
        Ok(())
    }

    /// Whether the driver negotiated event indexes.
    pub(crate) fn use_event_index(&mut self, on: bool) {
        self.event_index = on;
        if let Some(ring) = &mut self.ring {
            ring.use_event_index(on);
        }
    }

    /// Back to the state after power-on.
    pub fn reset(&mut self) {
        *self = Self::new(self.max);
    }

    /// Begins a call of the device: it may take as many chains as the ring has descriptors.
    pub(crate) fn begin(&mut self) {
        // LIMIT: a driver that adds chains as fast as they are taken must not keep us for ever.
        self.budget = self.max;
    }

    /// Takes the next chain; when there is none, the driver will notify about the next one.
    pub(crate) fn pop(&mut self, ram: &GuestRam) -> Result<Option<Chain>, Broken> {
        let Some(ring) = &mut self.ring else {
            return Ok(None);
        };
        if self.budget == 0 {
            self.unfinished = ring.rearm(ram)?;
            return Ok(None);
        }
        let mut chain = ring.pop(ram)?;
        if chain.is_none() && ring.rearm(ram)? {
            chain = ring.pop(ram)?;
        }
        if chain.is_some() {
            self.budget -= 1;
        } else {
            self.unfinished = false;
        }
        Ok(chain)
    }

    /// Gives a chain back.
    pub(crate) fn push(&mut self, ram: &GuestRam, head: u16, written: u32) -> Result<(), Broken> {
        let ring = self.ring.as_mut().ok_or(Broken)?;
        self.pushed = true;
        ring.push(ram, head, written)
    }

    /// Whether the driver wants an interrupt for what was given back since the last call.
    pub(crate) fn take_interrupt(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        match &mut self.ring {
            Some(ring) if std::mem::take(&mut self.pushed) => ring.interrupt_wanted(ram),
            _ => Ok(false),
        }
    }

    /// How many chains were given back since it was enabled.
    #[cfg(test)]
    pub(crate) fn given(&self) -> u16 {
        self.ring.as_ref().map_or(0, |ring| ring.position().1)
    }

    /// The queue as words of the state format.
    pub(crate) fn save(&self, name: &str, out: &mut Section) {
        let (taken, given) = self.ring.as_ref().map_or((0, 0), |ring| ring.position());
        let Layout {
            size,
            descriptors,
            driver,
            device,
        } = self.layout;
        let numbers = [size, taken, given, u16::from(self.ring.is_some())].map(u64::from);
        let flags = u64::from(self.event_index) | u64::from(self.unfinished) << 1;
        let words = [&numbers[..], &[descriptors, driver, device, flags]].concat();
        out.words(name, &words);
    }

    /// Takes a saved queue, with the rules that hold for a driver.
    pub(crate) fn restore(&mut self, name: &str, from: &Fields) -> Result<(), StateError> {
        let bad = || from.bad(name);
        let words = from.words(name)?;
        let [
            size,
            taken,
            given,
            enabled,
            descriptors,
            driver,
            device,
            flags,
        ] = words[..]
        else {
            return Err(bad());
        };
        let short = |word: u64| u16::try_from(word).map_err(|_| bad());
        self.reset();
        self.layout = Layout {
            size: short(size)?,
            descriptors,
            driver,
            device,
        };
        self.event_index = flags & 1 != 0;
        self.unfinished = flags & 2 != 0;
        if enabled != 0 {
            let position = (short(taken)?, short(given)?);
            let ring = SplitRing::new(self.layout, self.max, position).ok_or_else(bad)?;
            self.adopt(ring);
        }
        Ok(())
    }

    fn adopt(&mut self, mut ring: SplitRing) {
        ring.use_event_index(self.event_index);
        self.ring = Some(Box::new(ring));
    }
}
