//! What a device is, and what stands between it and the rest of the machine.
//!
//! A device sees offsets into its own registers, never addresses; it drives named lines, never
//! an interrupt controller; it asks for timers, never for the clock; and its back end (a disk, a
//! console) is a trait that the runtime fills in.
//! The [`Bus`] finds the device for an address, checks the access against the device's register
//! table, routes interrupt lines along the machine's wiring, and hands out events.
//!
//! **Invariant**: a device is called only with whole registers that its table permits.
//!
//! **Invariant**: nothing here panics on what a guest writes; loops over guest data are bounded.
//!
//! **Invariant**: a device's answers depend on its state, its inputs and guest time alone.

mod backend;
mod bus;
mod cx;
mod describe;
mod device;
mod register;
pub mod testing;
#[cfg(test)]
mod tests;

pub use backend::{
    Console, Disk, DiskDone, DiskError, DiskOp, DiskRequest, Net, NullConsole, Segment, Share,
};
pub use bus::{Bus, BusError, CpuLine, DeviceId, Env, Place, Sink};
pub use cx::{Cx, LineChange, Message, Request, Work};
pub use describe::{Interrupts, Node, Site, Value};
pub use device::{Device, Mmio, Port};
pub use register::{Access, Register};
