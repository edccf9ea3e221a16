//! A PCI function, as the host bridge sees it.

use vm_core::{Fields, Section, StateError, Width};
use vm_device_bus::Cx;

use crate::Config;

/// One function on the bus.
///
/// A function asks for time with [`Function::due_ns`] and raises interrupts through its
/// [`Config`]; events and lines of the [`Cx`] belong to the host bridge.
pub trait Function: Send {
    /// What kind of device it is, as the machine's description calls it.
    fn kind(&self) -> &'static str;

    /// Its configuration space.
    fn config(&self) -> &Config;

    /// Its configuration space, to change it.
    fn config_mut(&mut self) -> &mut Config;

    /// The guest reads from a base address's range, outside of the MSI-X tables.
    fn read(&mut self, bar: u8, offset: u64, width: Width, cx: &mut Cx) -> u64;

    /// The guest writes to a base address's range, outside of the MSI-X tables.
    fn write(&mut self, bar: u8, offset: u64, width: Width, value: u64, cx: &mut Cx);

    /// The guest reads configuration space.
    fn read_config(&mut self, offset: u16, width: Width, cx: &mut Cx) -> u64 {
        let _ = cx;
        self.config().read(offset, width)
    }

    /// The guest writes configuration space.
    fn write_config(&mut self, offset: u16, width: Width, value: u64, cx: &mut Cx) {
        self.config_mut().write(offset, width, value, cx);
    }

    /// The guest time at which it wants [`Function::event`] to be called.
    fn due_ns(&self) -> Option<u64> {
        None
    }

    /// The time it asked for has come.
    fn event(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// Its back end has something.
    fn wake(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// Whether saved states may be without it: those from before machines had one, in which the
    /// guest has not met it.
    fn may_be_new(&self) -> bool {
        false
    }

    /// Brings it to its state after power-on; its configuration space is reset for it.
    fn reset(&mut self);

    /// Writes its state down; its configuration space is saved for it, in fields whose names
    /// begin with `pci.`.
    fn save(&self, out: &mut Section);

    /// Takes a saved state, after its configuration space has taken its own.
    fn restore(&mut self, from: &Fields) -> Result<(), StateError>;
}
