//! What a guest architecture offers to an engine.

use vm_core::{Clock, Flush, GuestVirt, Translation, Trap};
use vm_mem::{Access, ContextKey, GuestRam, Walk};

use crate::float::Rules;
use crate::{Builder, Target, Vitals};

/// The number of a state slot: one 64-bit cell of guest CPU state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct SlotId(pub u16);

/// One slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotInfo {
    /// Its name: the register's name in the manual.
    pub name: String,
    /// Its group, for dumps and debuggers.
    pub kind: vm_core::RegisterKind,
    /// How many of its bits are used.
    pub bits: u32,
}

/// The guest CPU state as an engine sees it: a row of 64-bit cells.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The slots.
    pub slots: Vec<SlotInfo>,
    /// The program counter.
    pub pc: SlotId,
    /// The sticky floating-point flags (NX 1, UF 2, OF 4, DZ 8, NV 16).
    pub fp_flags: SlotId,
    /// Three slots: the reserved physical address (all ones: none), its value, its width.
    pub reservation: SlotId,
}

/// What a helper may do, so that engines know what to keep and what to expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effects {
    /// It reads slots.
    pub reads: bool,
    /// It writes slots.
    pub writes: bool,
    /// It may trap.
    pub traps: bool,
}

/// What cannot be said in operations: a plain function that all engines call alike.
#[derive(Clone, Copy)]
pub struct Helper {
    /// Its name in the text form.
    pub name: &'static str,
    /// The function; it never unwinds.
    pub run: fn(&mut HelperCx, [u64; 4]) -> Result<u64, Trap>,
    /// What it may do.
    pub effects: Effects,
}

/// What a helper works with.
pub struct HelperCx<'a> {
    /// The guest CPU state; the program counter slot is out of date, see `pc`.
    pub slots: &'a mut [u64],
    /// Guest RAM, by physical address.
    pub ram: &'a GuestRam,
    /// The guest's clock.
    pub clock: &'a Clock,
    /// The address of the calling instruction.
    pub pc: u64,
    /// Instructions retired by this CPU since power-on, before the calling one.
    pub retired: u64,
    /// How many of those belong to the running slice.
    pub in_slice: u64,
    /// What the helper asks of the engine; carried out when it has returned.
    pub requests: &'a mut Vec<Request>,
}

impl HelperCx<'_> {
    /// Guest time in nanoseconds, as the calling instruction sees it. It may mean a question to
    /// the host, so it is asked for only by what shows it.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.clock.within_slice_ns(self.in_slice)
    }
}

/// What a helper asks of its engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Forget translations of addresses, on this CPU.
    Flush(Flush),
    /// Give control back behind this instruction: the CPU waits for an interrupt.
    Idle,
    /// Give control back behind this instruction: the guest calls the built-in firmware.
    Call,
    /// Give control back behind this instruction: the CPU's own timer was set anew.
    Reschedule,
}

/// What came of lifting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifted {
    /// At least one instruction was lifted and the block is ended.
    Done,
    /// The first instruction goes on behind the given bytes: this many are needed.
    Short(usize),
}

/// One disassembled instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The assembly text.
    pub text: String,
    /// The length in bytes.
    pub bytes: usize,
}

/// What the CPU's state says about all that it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// What translations of addresses and the rights of accesses depend on.
    pub key: ContextKey,
    /// What instructions mean, and how their addresses are translated beside the address space:
    /// code is shared by all contexts in which it is equal.
    pub code: u64,
}

/// A guest architecture, as engines know it.
pub trait Frontend: Walk + Send + Sync {
    /// The architecture's name (`riscv64`).
    fn name(&self) -> &'static str;

    /// The CPU state.
    fn layout(&self) -> &Layout;

    /// The helpers; an operation names one by its place.
    fn helpers(&self) -> &'static [Helper];

    /// How floating-point operations treat what the standard leaves open.
    fn float_rules(&self) -> Rules;

    /// What instructions and accesses depend on now.
    fn context(&self, slots: &[u64]) -> Context;

    /// Lifts instructions from `code`, which stands at the program counter, until one ends the
    /// block, `limit` instructions are lifted or the bytes run out.
    ///
    /// `mode` is [`Context::code`]; only it and the bytes may decide the result.
    fn lift(&self, code: &[u8], mode: u64, limit: u32, out: &mut Builder) -> Lifted;

    /// The most bytes that one instruction has.
    fn max_insn_bytes(&self) -> usize;

    /// Takes a trap: changes the state as the architecture says, the program counter included.
    /// False if no trap can be delivered and the CPU is stuck.
    fn deliver(&self, slots: &mut [u64], trap: Trap, interrupt: bool, pc: u64) -> bool;

    /// The interrupt to be taken now, if there is one.
    fn interrupt(&self, slots: &[u64]) -> Option<Trap>;

    /// Whether something is pending that ends a wait for interrupts.
    fn wakes(&self, slots: &[u64]) -> bool;

    /// Sets the level of an interrupt input.
    fn set_line(&self, slots: &mut [u64], line: u32, level: bool);

    /// Brings the CPU's own timer up to date.
    fn tick(&self, slots: &mut [u64], now_ns: u64);

    /// When the CPU's own timer will next raise an interrupt.
    fn deadline_ns(&self, slots: &[u64]) -> Option<u64>;

    /// Brings the state of CPU number `cpu` to what it is after reset.
    fn reset(&self, slots: &mut [u64], cpu: u32);

    /// The trap for a misaligned access that must happen in one step; `None` if the architecture
    /// permits it.
    fn misaligned_atomic(&self, access: Access, addr: u64) -> Option<Trap> {
        let _ = (access, addr);
        None
    }

    /// The trap for an access that no device answers.
    fn bus_fault(&self, access: Access, addr: u64) -> Trap;

    /// Disassembles the first instruction of `code`; bytes that are none are shown as data.
    fn disassemble(&self, code: &[u8], pc: u64) -> Text;

    /// The name of a trap's cause in the manual.
    fn trap_name(&self, cause: u32, interrupt: bool) -> String;

    /// The privilege the CPU runs in, as a number that grows with power.
    fn privilege(&self, slots: &[u64]) -> u32;

    /// Reads a register by name that is not a slot of its own (a view of one, a computed one).
    fn register(&self, slots: &[u64], name: &str) -> Option<u64> {
        let index = self
            .layout()
            .slots
            .iter()
            .position(|slot| slot.name == name)?;
        slots.get(index).copied()
    }

    /// The name of a slot in assembly text.
    fn text_name(&self, slot: SlotId) -> &str {
        let slots = &self.layout().slots;
        slots
            .get(usize::from(slot.0))
            .map_or("?", |slot| &slot.name)
    }

    /// Sets a register by name, with the register's own rules; false if there is none.
    fn set_register(&self, slots: &mut [u64], name: &str, value: u64) -> bool {
        let found = self
            .layout()
            .slots
            .iter()
            .position(|slot| slot.name == name);
        match found.and_then(|index| slots.get_mut(index)) {
            Some(slot) => {
                *slot = value;
                true
            }
            None => false,
        }
    }

    /// Where a virtual address leads now for the most privileged one who translates it, for
    /// debuggers: changes nothing, neither the state nor accessed bits of tables.
    ///
    /// An architecture whose walk sets such bits must say it itself.
    fn examine(&self, slots: &[u64], ram: &GuestRam, addr: GuestVirt) -> Translation {
        let walked = self.walk(slots, ram, addr, 1, Access::Load);
        Translation {
            phys: walked.ok().map(|entry| entry.page + addr.page_offset()),
            steps: Vec::new(),
        }
    }

    /// What debuggers know the architecture and its registers by; `None` if they do not.
    fn target(&self) -> Option<Target> {
        None
    }

    /// What a report of a guest's failure shows; `None` if only the program counter is known.
    fn vitals(&self) -> Option<&'static Vitals> {
        None
    }

    /// Refuses a restored state that the CPU could not have come to; the name of the slot.
    fn check(&self, slots: &[u64]) -> Result<(), String>;
}
