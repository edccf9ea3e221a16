//! The table of control and status registers.

use vm_ir::SlotId;

use super::access::Change;
use super::{counts, rules, views};
use crate::fields::{counter, irq};
use crate::slots as s;

/// One register, or a row of equal ones with consecutive numbers.
#[derive(Clone, Copy)]
pub struct Csr {
    /// The number of the first.
    pub number: u16,
    /// How many there are.
    pub count: u16,
    /// The name; a row's members have a number behind it.
    pub name: &'static str,
    /// The number behind the first one's name.
    pub(crate) suffix: u16,
    /// Where the value is kept, if it is not made from others.
    pub(crate) slot: Option<SlotId>,
    pub(crate) read: Read,
    pub(crate) write: Write,
    pub(crate) gate: Gate,
    pub(crate) then: Then,
}

/// What reading gives.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// The slot.
    Slot,
    /// Always this.
    Fixed(u64),
    /// What is made from slots; told which of a row is read.
    View(fn(&[u64], u16) -> u64),
    /// What depends on time or on the instructions retired.
    Count(fn(&[u64], super::Moment) -> u64),
}

/// What may be written ("write any, read legal").
#[derive(Clone, Copy)]
pub(crate) enum Write {
    /// Nothing: writes are ignored, or forbidden by the register's number.
    Ignored,
    /// These bits; the others are zero.
    Masked(u64),
    /// These bits, unless the function says that the register is held.
    Held(u64, fn(&[u64], u16) -> bool),
    /// What the function makes from the old and the new value.
    Legal(fn(u64, u64) -> u64),
    /// The function sets slots.
    View(fn(&mut Change, u16, u64)),
}

/// What else must hold for an access, beside privilege.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Nothing.
    Open,
    /// Floating point is on.
    Float,
    /// `mcounteren` and `scounteren` show the counter, whose number the low bits of the
    /// register's are.
    Counter,
    /// `mstatus.TVM` is clear in supervisor mode.
    Satp,
    /// Sstc is on for supervisor mode, and it may see the time.
    Timer,
}

/// What a write brings with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// Floating-point state is dirty.
    Dirty,
    /// Translations may have other rights.
    Forget,
    /// Paging and the timer may be other than before.
    Environment,
    /// Another table for the same address space.
    Space,
    /// The supervisor's timer is set anew.
    Timer,
    /// Counters stop or go on.
    Inhibit,
}

/// How an instruction changes a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modify {
    /// The operand is the new value.
    Swap,
    /// The operand's bits are set.
    Set,
    /// The operand's bits are cleared.
    Clear,
}

const fn kept(number: u16, name: &'static str, slot: SlotId, write: Write) -> Csr {
    Csr {
        number,
        count: 1,
        name,
        suffix: 0,
        slot: Some(slot),
        read: Read::Slot,
        write,
        gate: Gate::Open,
        then: Then::Nothing,
    }
}

const fn made(number: u16, name: &'static str, read: Read, write: Write) -> Csr {
    Csr {
        number,
        count: 1,
        name,
        suffix: 0,
        slot: None,
        read,
        write,
        gate: Gate::Open,
        then: Then::Nothing,
    }
}

impl Csr {
    const fn row(self, count: u16, suffix: u16) -> Self {
        Self {
            count,
            suffix,
            ..self
        }
    }

    const fn gate(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    const fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    /// The slot of the one with this number.
    pub(crate) const fn slot_of(&self, number: u16) -> Option<SlotId> {
        match self.slot {
            Some(slot) => Some(SlotId(slot.0 + (number - self.number))),
            None => None,
        }
    }
}

const ANY: Write = Write::Masked(u64::MAX);
const NONE: Write = Write::Ignored;
const ZERO: Read = Read::Fixed(0);

const fn third(slot: SlotId) -> SlotId {
    SlotId(slot.0 + 3)
}

#[rustfmt::skip] // One row a register: number, name, where it is kept or made, what may be written.
pub(crate) static TABLE: &[Csr] = &[
    kept(0x001, "fflags",        s::FFLAGS,          Write::Masked(31)).gate(Gate::Float).then(Then::Dirty),
    kept(0x002, "frm",           s::FRM,             Write::Masked(7)).gate(Gate::Float).then(Then::Dirty),
    made(0x003, "fcsr",          Read::View(views::fcsr),      Write::View(views::set_fcsr)).gate(Gate::Float).then(Then::Dirty),
    made(0xc00, "cycle",         Read::Count(counts::mcycle),   NONE).gate(Gate::Counter),
    made(0xc01, "time",          Read::Count(counts::time),     NONE).gate(Gate::Counter),
    made(0xc02, "instret",       Read::Count(counts::minstret), NONE).gate(Gate::Counter),
    kept(0xc03, "hpmcounter",    third(s::MHPMCOUNTER),        NONE).row(29, 3).gate(Gate::Counter),

    made(0x100, "sstatus",       Read::View(views::sstatus),   Write::View(views::set_sstatus)),
    made(0x104, "sie",           Read::View(views::sie),       Write::View(views::set_sie)),
    kept(0x105, "stvec",         s::STVEC,           Write::Legal(rules::tvec)),
    kept(0x106, "scounteren",    s::SCOUNTEREN,      Write::Masked(counter::ALL)),
    kept(0x10a, "senvcfg",       s::SENVCFG,         Write::Legal(rules::senvcfg)),
    kept(0x140, "sscratch",      s::SSCRATCH,        ANY),
    kept(0x141, "sepc",          s::SEPC,            Write::Masked(!1)),
    kept(0x142, "scause",        s::SCAUSE,          ANY),
    kept(0x143, "stval",         s::STVAL,           ANY),
    made(0x144, "sip",           Read::View(views::sip),       Write::View(views::set_sip)),
    kept(0x14d, "stimecmp",      s::STIMECMP,        ANY).gate(Gate::Timer).then(Then::Timer),
    kept(0x180, "satp",          s::SATP,            Write::Legal(rules::satp)).gate(Gate::Satp).then(Then::Space),

    made(0xf11, "mvendorid",     ZERO,               NONE),
    made(0xf12, "marchid",       ZERO,               NONE),
    made(0xf13, "mimpid",        ZERO,               NONE),
    kept(0xf14, "mhartid",       s::MHARTID,         NONE),
    made(0xf15, "mconfigptr",    ZERO,               NONE),
    Csr { read: Read::View(views::mstatus),
          ..kept(0x300, "mstatus", s::MSTATUS,       Write::Legal(rules::mstatus)) },
    made(0x301, "misa",          Read::Fixed(rules::MISA),     NONE),
    kept(0x302, "medeleg",       s::MEDELEG,         Write::Masked(rules::DELEGABLE)),
    kept(0x303, "mideleg",       s::MIDELEG,         Write::Masked(irq::SUPERVISOR)),
    kept(0x304, "mie",           s::MIE,             Write::Masked(irq::ALL)),
    kept(0x305, "mtvec",         s::MTVEC,           Write::Legal(rules::tvec)),
    kept(0x306, "mcounteren",    s::MCOUNTEREN,      Write::Masked(counter::ALL)),
    kept(0x30a, "menvcfg",       s::MENVCFG,         Write::Legal(rules::menvcfg)).then(Then::Environment),
    kept(0x320, "mcountinhibit", s::MCOUNTINHIBIT,   Write::Masked(counter::ALL & !counter::TM)).then(Then::Inhibit),
    kept(0x323, "mhpmevent",     third(s::MHPMEVENT),          ANY).row(29, 3),
    kept(0x340, "mscratch",      s::MSCRATCH,        ANY),
    kept(0x341, "mepc",          s::MEPC,            Write::Masked(!1)),
    kept(0x342, "mcause",        s::MCAUSE,          ANY),
    kept(0x343, "mtval",         s::MTVAL,           ANY),
    made(0x344, "mip",           Read::View(views::pending),   Write::View(views::set_mip)),
    kept(0x3a0, "pmpcfg0",       s::PMPCFG,          Write::Legal(rules::pmpcfg)).then(Then::Forget),
    kept(0x3a2, "pmpcfg2",       SlotId(s::PMPCFG.0 + 1),      Write::Legal(rules::pmpcfg)).then(Then::Forget),
    kept(0x3b0, "pmpaddr",       s::PMPADDR,         Write::Held((1 << 54) - 1, rules::pmpaddr_held)).row(16, 0).then(Then::Forget),
    made(0xb00, "mcycle",        Read::Count(counts::mcycle),   Write::View(counts::set_mcycle)),
    made(0xb02, "minstret",      Read::Count(counts::minstret), Write::View(counts::set_minstret)),
    kept(0xb03, "mhpmcounter",   third(s::MHPMCOUNTER),        ANY).row(29, 3),

    // There are no triggers: the only one that can be selected is of no type. Kernels probe this.
    made(0x7a0, "tselect",       ZERO,               NONE),
    made(0x7a1, "tdata",         ZERO,               NONE).row(3, 1),
    made(0x7a4, "tinfo",         Read::Fixed(1),     NONE),
];

/// For each number the row, counted from one; zero where there is no register.
static PLACES: [u8; 4096] = places();

const fn places() -> [u8; 4096] {
    let mut places = [0; 4096];
    let mut row = 0;
    while row < TABLE.len() {
        let mut number = TABLE[row].number;
        while number < TABLE[row].number + TABLE[row].count {
            assert!(
                places[number as usize] == 0,
                "two registers have one number"
            );
            places[number as usize] = row as u8 + 1;
            number += 1;
        }
        row += 1;
    }
    places
}

/// The row of a number.
#[inline]
pub(crate) fn find(number: u16) -> Option<&'static Csr> {
    let place = PLACES.get(usize::from(number)).copied()?;
    TABLE.get(usize::from(place).checked_sub(1)?)
}
