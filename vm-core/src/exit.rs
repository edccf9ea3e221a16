//! Why a virtual CPU gave control back, and what it can be told in return.

use crate::{GuestPhys, Stopped, Width};

/// Why [`Vcpu::run`](crate::Vcpu::run) returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The instruction budget is spent, or the CPU does nothing but trap: then the owner lets
    /// the rest of the budget pass unused.
    Budget,
    /// Somebody asked for attention through [`Kick`](crate::Kick).
    Kicked,
    /// The instruction at hand reaches for something that is not RAM.
    ///
    /// Nothing of that instruction has happened yet: give the answer with
    /// [`Vcpu::answer`](crate::Vcpu::answer) and run again, and it is executed anew with it.
    Access(Access),
    /// The guest waits for an interrupt.
    Idle,
    /// The guest called the built-in firmware; the instruction counts as executed.
    Call,
    /// The guest met something that a debugger set, see [`Vcpu::set_stops`], or a step is done.
    ///
    /// [`Vcpu::set_stops`]: crate::Vcpu::set_stops
    Stopped(Stopped),
    /// The guest can not go on (a trap while no trap can be delivered, x86 triple fault).
    Stuck,
}

/// One access that RAM does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Memory or port space.
    pub space: Space,
    /// The physical address, or the port number.
    pub addr: GuestPhys,
    /// How many bytes.
    pub width: Width,
    /// Which way.
    pub kind: AccessKind,
}

/// The address space of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Space {
    /// Memory-mapped registers.
    Memory,
    /// The separate port space of x86.
    Port,
}

/// The direction of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// The guest reads.
    Load,
    /// The guest writes this value, zero-extended.
    Store(u64),
}

/// What a device says to one access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The access is done; for a load this is the value, for a store it is ignored.
    Done(u64),
    /// The access is not possible; the machine decides what the guest sees.
    Fault(Fault),
    /// The device answers later: the instruction is abandoned uncounted and executed again
    /// when the token completes.
    Later(u32),
}

/// Why a device can not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Fault {
    /// No device, or no register, stands at this address.
    NoRegister,
    /// The register can not be accessed with this width.
    Size,
    /// The address is not aligned as the register demands.
    Alignment,
    /// A store to a register that can only be read, or a load from one that can only be written.
    ReadOnly,
}
