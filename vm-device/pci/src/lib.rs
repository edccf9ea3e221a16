//! PCI Express: a host bridge, and what a device on its bus has to be.
//!
//! A guest finds PCI devices by reading *configuration space*, gives each one addresses by
//! writing its *base address registers*, and then talks to it through those addresses.
//! [`PciHost`] is one device of the machine's bus with a window for each of these: it finds the
//! [`Function`] that an access means.
//! [`Config`] is a function's configuration space, with everything that works the same in all
//! of them: sizing of base addresses, capabilities, and interrupts as messages ([`Msix`]) or on
//! the four lines that all functions share.
//!
//! [`Pvpanic`] is the one function that stands here: all others have a folder of their own.
//!
//! There is one bus and no bridge below it; the port pair 0xcf8/0xcfc of PCs is not offered.
//!
//! **Invariant**: an access that no function wants reads as all ones, and a store is ignored, as
//! on a real bus.
//!
//! **Invariant**: a function reached through a window has that window's decoding switched on.
//!
//! **Invariant**: a message is only sent for an enabled and unmasked vector of a bus master.

mod config;
mod describe;
mod function;
mod host;
mod msix;
mod pvpanic;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use config::{BarKind, Config, Identity};
pub use function::Function;
pub use host::{PciHost, Window, Windows};
pub use msix::Msix;
pub use pvpanic::Pvpanic;
