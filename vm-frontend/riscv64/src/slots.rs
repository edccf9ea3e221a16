//! The state of one RISC-V hart as slots, and the mode bits that code and accesses depend on.
//!
//! Machine-level CSRs are slots of the same name; the supervisor's views of them (`sstatus`,
//! `sie`, `sip`) are computed where they are read (see `csr`).

use vm_core::RegisterKind;
use vm_ir::{Layout, SlotId, SlotInfo};

macro_rules! slots {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $text:literal $kind:ident $bits:literal $(* $count:literal)?;
    )+) => {
        /// Slot numbers in the order of the table.
        #[expect(
            clippy::upper_case_acronyms,
            non_camel_case_types,
            reason = "CSR names as in the manual"
        )]
        #[allow(dead_code, reason = "only the numbers are used")]
        enum Number { $($name),+ }
        const COUNTS: &[u16] = &[$(1 $(- 1 + $count)?),+];

        $($(#[doc = $doc])+
        pub const $name: SlotId = SlotId(start(Number::$name as usize));)+

        /// How many slots a hart has.
        pub const SLOTS: usize = start(COUNTS.len()) as usize;

        /// The slots with their names.
        #[must_use]
        pub fn slot_table() -> Vec<SlotInfo> {
            let mut table = Vec::with_capacity(SLOTS);
            $(let count: u16 = 1 $(- 1 + $count)?;
            for index in 0..count {
                let name = if count == 1 { $text.to_owned() } else { format!("{}{index}", $text) };
                table.push(SlotInfo { name, kind: RegisterKind::$kind, bits: $bits });
            })+
            table
        }
    };
}

const fn start(row: usize) -> u16 {
    let (mut sum, mut i) = (0, 0);
    while i < row {
        sum += COUNTS[i];
        i += 1;
    }
    sum
}

#[rustfmt::skip] // One row a register or a group.
slots! {
    /// Integer registers; `X` itself is zero and is never written.
    X "x" General 64 * 32;
    /// Program counter: the address at which the running block was entered.
    PC "pc" General 64;
    /// Floating-point registers; narrower values are NaN-boxed.
    F "f" Float 64 * 32;
    /// Sticky exception flags (`fflags`).
    FFLAGS "fflags" Float 5;
    /// Dynamic rounding mode (`frm`).
    FRM "frm" Float 3;
    /// The physical address that is reserved (all ones: none), then its value, then its width.
    RESERVATION "reservation" System 64 * 3;

    /// Privilege: 0 user, 1 supervisor, 3 machine.
    PRIV "priv" System 2;
    /// Hart number.
    MHARTID "mhartid" System 64;
    /// Machine status.
    MSTATUS "mstatus" System 64;
    /// Which exceptions go to supervisor mode.
    MEDELEG "medeleg" System 64;
    /// Which interrupts go to supervisor mode.
    MIDELEG "mideleg" System 64;
    /// Enabled interrupts.
    MIE "mie" System 64;
    /// Pending interrupts that software wrote (SSIP, STIP, SEIP) or that an edge set.
    MIP_SOFT "mip_soft" System 64;
    /// Pending interrupts that lines hold up (MSIP, MTIP, MEIP, SEIP).
    MIP_LINES "mip_lines" System 64;
    /// Pending supervisor timer interrupt of Sstc (bit 5), as of the last tick.
    MIP_TIMER "mip_timer" System 64;
    /// Machine trap vector.
    MTVEC "mtvec" System 64;
    /// Machine scratch.
    MSCRATCH "mscratch" System 64;
    /// Machine exception program counter.
    MEPC "mepc" System 64;
    /// Machine trap cause.
    MCAUSE "mcause" System 64;
    /// Machine trap value.
    MTVAL "mtval" System 64;
    /// Counters that supervisor mode may read.
    MCOUNTEREN "mcounteren" System 32;
    /// Counters that stand still.
    MCOUNTINHIBIT "mcountinhibit" System 32;
    /// Machine environment configuration.
    MENVCFG "menvcfg" System 64;
    /// What is added to the retired instructions to get `mcycle`.
    MCYCLE_OFFSET "mcycle_offset" System 64;
    /// What is added to the retired instructions to get `minstret`.
    MINSTRET_OFFSET "minstret_offset" System 64;
    /// Hardware performance counters 3 to 31: they count nothing and keep what is written.
    MHPMCOUNTER "mhpmcounter" System 64 * 32;
    /// Event selectors 3 to 31.
    MHPMEVENT "mhpmevent" System 64 * 32;
    /// Physical memory protection: address registers.
    PMPADDR "pmpaddr" System 54 * 16;
    /// Physical memory protection: configuration, eight entries each.
    PMPCFG "pmpcfg" System 64 * 2;

    /// Supervisor trap vector.
    STVEC "stvec" System 64;
    /// Supervisor scratch.
    SSCRATCH "sscratch" System 64;
    /// Supervisor exception program counter.
    SEPC "sepc" System 64;
    /// Supervisor trap cause.
    SCAUSE "scause" System 64;
    /// Supervisor trap value.
    STVAL "stval" System 64;
    /// Counters that user mode may read.
    SCOUNTEREN "scounteren" System 32;
    /// Supervisor environment configuration.
    SENVCFG "senvcfg" System 64;
    /// Address translation and protection.
    SATP "satp" System 64;
    /// Supervisor timer compare (Sstc).
    STIMECMP "stimecmp" System 64;
    /// Whether calls from supervisor mode go to the built-in firmware (1) or trap (0).
    FIRMWARE "firmware" System 1;
}

/// The layout that engines work with.
#[must_use]
pub fn layout() -> Layout {
    Layout {
        slots: slot_table(),
        pc: PC,
        fp_flags: FFLAGS,
        reservation: RESERVATION,
    }
}

/// The mode bits of a context: everything that lifting and the rights of data accesses depend on.
///
/// Those of data accesses are in [`vm_mem::ContextKey::mode`], those of instructions in
/// [`vm_ir::Context::code`], and what concerns both in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode(pub u64);

impl Mode {
    /// Privilege of instructions, bits 0 and 1.
    #[must_use]
    pub const fn privilege(self) -> u64 {
        self.0 & 3
    }

    /// Whether floating-point instructions are off (`mstatus.FS` is 0); bits 2 and 3 are 1.
    #[must_use]
    pub const fn float_off(self) -> bool {
        self.0 >> 2 & 3 == 1
    }

    /// Whether floating-point state is dirty already (`mstatus.FS` is 3): if not, an instruction
    /// that writes it must set it so; bits 2 and 3 are 2.
    #[must_use]
    pub const fn float_dirty(self) -> bool {
        self.0 >> 2 & 3 == 2
    }

    /// Whether instructions ask `mstatus.FS` when they are executed; bits 2 and 3 are 3. So it is
    /// in supervisor mode: a kernel does next to nothing with floating point, and has whatever
    /// the program has that it runs for, so that its code would be there three times.
    #[must_use]
    pub const fn float_asks(self) -> bool {
        self.0 >> 2 & 3 == 3
    }

    /// `mstatus` bits that gate instructions: TVM, TW, TSR, bits 4 to 6.
    #[must_use]
    pub const fn traps(self) -> u64 {
        self.0 >> 4 & 7
    }

    /// Cache-block instructions permitted at this privilege, from the `envcfg` registers: bits 7
    /// and 8 CBIE, bit 9 CBCFE, bit 10 CBZE.
    #[must_use]
    pub const fn cache_blocks(self) -> u64 {
        self.0 >> 7 & 15
    }

    /// Whether calls from supervisor mode go to the built-in firmware, bit 11.
    #[must_use]
    pub const fn firmware(self) -> bool {
        self.0 >> 11 & 1 == 1
    }

    /// Privilege of data accesses (with MPRV), bits 12 and 13.
    #[must_use]
    pub const fn data_privilege(self) -> u64 {
        self.0 >> 12 & 3
    }

    /// Supervisor may access user pages (SUM), bit 14.
    #[must_use]
    pub const fn sum(self) -> bool {
        self.0 >> 14 & 1 == 1
    }

    /// Executable pages are readable (MXR), bit 15.
    #[must_use]
    pub const fn mxr(self) -> bool {
        self.0 >> 15 & 1 == 1
    }

    /// The paging mode (`satp.MODE`) in force for data accesses, bits 16 to 19.
    #[must_use]
    pub const fn paging(self) -> u64 {
        self.0 >> 16 & 15
    }

    /// The paging mode in force for fetches, bits 20 to 23.
    #[must_use]
    pub const fn fetch_paging(self) -> u64 {
        self.0 >> 20 & 15
    }
}
