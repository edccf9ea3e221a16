//! The device trait: as small as it can be.

use vm_core::{Answer, Fields, Section, StateError, Width};

use crate::{Cx, Node, Register, Site};

/// One device of a machine.
///
/// What a device does not offer it leaves out: each capability is a method that gives `None`
/// unless the device has it.
pub trait Device: Send {
    /// What kind of device it is, as the machine's description calls it (`serial`, `rtc`).
    fn kind(&self) -> &'static str;

    /// Brings it to its state after power-on; lines go low by themselves.
    fn reset(&mut self);

    /// Writes its guest-visible state down, and nothing of the host's.
    fn save(&self, out: &mut Section);

    /// Takes a saved state, checking every value as if the guest had written it.
    fn restore(&mut self, from: &Fields) -> Result<(), StateError>;

    /// Its entry in the machine's description, for this place; `None` if guests are not told.
    fn describe(&self, site: &Site) -> Option<Node>;

    /// Its memory-mapped registers.
    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        None
    }

    /// The registers at one of its places, counted in the order in which the bus was given them.
    ///
    /// Most devices have one place, or the same registers at all of them; only a device with
    /// several different windows says more.
    fn window(&mut self, place: usize) -> Option<&mut dyn Mmio> {
        let _ = place;
        self.mmio()
    }

    /// Its ports.
    fn port(&mut self) -> Option<&mut dyn Port> {
        None
    }

    /// An event that it scheduled has come.
    fn event(&mut self, tag: u32, cx: &mut Cx) {
        let _ = (tag, cx);
    }

    /// Its back end has something: input to read or finished requests.
    fn wake(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// One of its inputs changed (interrupt controllers).
    fn input(&mut self, pin: u32, level: bool, cx: &mut Cx) {
        let _ = (pin, level, cx);
    }
}

/// Memory-mapped registers.
///
/// The bus has checked offset, width and direction against the table before it calls.
pub trait Mmio {
    /// The registers; an empty table means that every aligned access inside the region is
    /// permitted and the device sorts them out itself (configuration spaces, flash).
    fn registers(&self) -> &'static [Register];

    /// Whether accesses narrower than a register are permitted.
    fn narrow(&self) -> bool {
        false
    }

    /// The guest reads.
    fn read(&mut self, offset: u64, width: Width, cx: &mut Cx) -> Answer;

    /// The guest writes.
    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer;
}

/// Ports of the x86 port space, with the same rules.
pub trait Port: Mmio {}
