//! What happened, as it happens: one event a line.

use crate::{Access, Answer, GuestPhys, GuestVirt, Trap};

/// A set of event kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TraceKinds(pub u16);

impl TraceKinds {
    /// Executed instructions with the registers they changed.
    pub const INSN: Self = Self(1);
    /// Entered blocks.
    pub const BLOCK: Self = Self(2);
    /// Loads and stores.
    pub const MEM: Self = Self(4);
    /// Interrupts taken and interrupt lines.
    pub const IRQ: Self = Self(8);
    /// Exceptions taken.
    pub const TRAP: Self = Self(16);
    /// Accesses to devices.
    pub const DEV: Self = Self(32);
    /// Calls to the built-in firmware.
    pub const SBI: Self = Self(64);
    /// Changes of privilege and returns from traps.
    pub const MODE: Self = Self(128);
    /// Requests to devices, from when they are taken to when they are answered.
    pub const IO: Self = Self(256);
    /// Whose turn it is, and who waits.
    pub const SCHED: Self = Self(512);
    /// The names of the kinds, as the command line takes them.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("insn", Self::INSN),
        ("block", Self::BLOCK),
        ("mem", Self::MEM),
        ("irq", Self::IRQ),
        ("trap", Self::TRAP),
        ("dev", Self::DEV),
        ("sbi", Self::SBI),
        ("mode", Self::MODE),
        ("io", Self::IO),
        ("sched", Self::SCHED),
    ];

    /// Whether any kind of `other` is in this set.
    #[must_use]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// This set and another.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One event of a virtual CPU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraceEvent {
    /// An instruction was executed.
    Insn {
        /// Where it stands.
        pc: GuestVirt,
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its assembly text.
        text: String,
        /// The registers that it changed, by name, with their new values.
        changes: Vec<(String, u64)>,
    },
    /// A block was entered.
    Block {
        /// Where it starts.
        pc: GuestVirt,
        /// How many instructions it has.
        insns: u32,
    },
    /// Memory was loaded or stored.
    Mem {
        /// The instruction.
        pc: GuestVirt,
        /// The address.
        addr: GuestVirt,
        /// How many bytes.
        bytes: u64,
        /// The value loaded or stored.
        value: u64,
        /// Whether it was a store.
        store: bool,
    },
    /// An exception or interrupt was taken.
    Trap {
        /// The instruction that trapped, or before which the interrupt was taken.
        pc: GuestVirt,
        /// What was taken.
        trap: Trap,
        /// Whether it was an interrupt.
        interrupt: bool,
        /// The name of the cause in the architecture's manual.
        name: String,
    },
    /// A device was accessed.
    Dev {
        /// The device.
        device: String,
        /// The access.
        access: Access,
        /// The device's answer.
        answer: Answer,
    },
    /// An interrupt line changed.
    Line {
        /// Who drives the line.
        device: String,
        /// Which of its lines.
        line: u32,
        /// The new level.
        level: bool,
    },
    /// The built-in firmware was called.
    Call {
        /// What was asked, in the firmware specification's words.
        text: String,
    },
    /// A CPU goes on in another privilege, or behind a trap.
    Mode {
        /// Where it goes on.
        pc: GuestVirt,
        /// The privilege, by its name.
        name: String,
        /// How many of the traps that it took are over with this, the last ones first.
        ended: u32,
    },
    /// A CPU's turn begins or ends.
    Turn {
        /// Which of them.
        begins: bool,
    },
    /// A CPU begins or ends to wait for an interrupt.
    Idle {
        /// Which of them.
        begins: bool,
    },
    /// A device has taken a request from its driver, or has answered it.
    Request {
        /// The device.
        device: String,
        /// Which of its requests.
        id: u64,
        /// What is asked, when it is taken.
        what: Option<String>,
    },
    /// A device wrote to memory to signal an interrupt.
    Message {
        /// Where to.
        addr: GuestPhys,
        /// What.
        data: u32,
    },
}

/// When something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// On which virtual CPU.
    pub cpu: u32,
    /// After how many instructions.
    pub retired: u64,
    /// At which guest time, in nanoseconds.
    pub now_ns: u64,
}

/// Takes events, in order.
pub trait Trace: Send {
    /// Which kinds are wanted; others need not be made.
    fn kinds(&self) -> TraceKinds;

    /// Whether an instruction of virtual CPU `cpu` at `pc` in privilege `privilege` is inside
    /// the filters, so that its events are wanted.
    fn wants(&self, cpu: u32, pc: GuestVirt, privilege: u32, retired: u64) -> bool;

    /// Takes one event.
    fn event(&mut self, at: Moment, event: &TraceEvent);
}
