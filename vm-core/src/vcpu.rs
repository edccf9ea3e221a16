//! A virtual CPU, whoever runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::state::{Fields, Section, StateError};
use crate::{Answer, Exit, GuestVirt, Recent, Stops, Translation};

/// A virtual CPU: implemented by the emulating engine and by the host's hypervisors.
///
/// A vCPU gives control back only at a safe point, where all guest state is in its state struct.
pub trait Vcpu: Send {
    /// Runs at most `budget` instructions.
    fn run(&mut self, budget: u64) -> Exit;

    /// Gives the answer to the access of the last [`Exit::Access`].
    fn answer(&mut self, answer: Answer);

    /// How many instructions have been executed since power-on.
    fn retired(&self) -> u64;

    /// Sets the level of an interrupt input, as numbered by the guest architecture.
    fn set_line(&mut self, line: u32, level: bool);

    /// Whether an interrupt is pending that ends a wait for interrupts.
    fn wakes(&self) -> bool;

    /// The guest time at which the CPU's own timer will next raise an interrupt.
    fn deadline_ns(&self) -> Option<u64>;

    /// The registers that have names, in the order of the architecture's manual.
    fn registers(&self) -> Vec<Register>;

    /// The value of a register by its name.
    fn register(&self, name: &str) -> Option<u64>;

    /// Sets a register by its name; false if there is none.
    fn set_register(&mut self, name: &str, value: u64) -> bool;

    /// Forgets translations of addresses.
    fn flush(&mut self, what: Flush);

    /// Says where [`Vcpu::run`] is to stop for a debugger, instead of what was said before.
    ///
    /// Called again after a stop, `run` executes the instruction that it stopped at, so that
    /// going on takes nothing but going on; stopping and going on change nothing in the guest.
    fn set_stops(&mut self, stops: &Arc<Stops>);

    /// Executes one instruction, or takes one trap or interrupt without executing any and says
    /// so with [`Exit::Stopped`]; a breakpoint at the instruction is passed over.
    fn step(&mut self) -> Exit {
        self.run(1)
    }

    /// Where a virtual address leads now, whatever rights say; changes nothing.
    fn translate(&self, addr: GuestVirt) -> Translation;

    /// What the CPU did last, the newest last; it is no state, and may leave things out.
    fn recent(&self) -> Vec<Recent> {
        Vec::new()
    }

    /// Brings the CPU to its state after reset.
    fn reset(&mut self);

    /// A handle that stops [`Vcpu::run`] soon, from any thread.
    fn kick(&self) -> Kick;

    /// Writes down all guest-visible state.
    fn save(&self, out: &mut Section);

    /// Replaces all guest-visible state.
    fn restore(&mut self, from: &Fields) -> Result<(), StateError>;
}

/// One named register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Register {
    /// The name in the architecture's manual or its usual assembler name.
    pub name: String,
    /// What kind it is, for grouping in dumps and for debuggers.
    pub kind: RegisterKind,
    /// Its width in bits.
    pub bits: u32,
}

/// The groups in which registers are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegisterKind {
    /// General-purpose registers and the program counter.
    General,
    /// Floating-point and vector registers.
    Float,
    /// System registers.
    System,
}

/// Which translations of addresses to forget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    /// All of them.
    All,
    /// Those of one page, in one address space (`None`: in all).
    Page(GuestVirt, Option<u64>),
    /// Those of one address space.
    Space(u64),
}

/// Asks a running vCPU for attention.
#[derive(Clone, Debug, Default)]
pub struct Kick(Arc<AtomicBool>);

impl Kick {
    /// Asks.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody has asked since the last call.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Acquire)
    }
}
