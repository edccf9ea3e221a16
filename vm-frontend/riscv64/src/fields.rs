//! The bits of system registers, by their names in the privileged manual.

/// User mode.
pub(crate) const USER: u64 = 0;
/// Supervisor mode.
pub(crate) const SUPERVISOR: u64 = 1;
/// Machine mode.
pub(crate) const MACHINE: u64 = 3;

/// `mstatus` and `sstatus`.
pub(crate) mod status {
    pub(crate) const SIE: u64 = 1 << 1;
    pub(crate) const MIE: u64 = 1 << 3;
    pub(crate) const SPIE: u64 = 1 << 5;
    pub(crate) const MPIE: u64 = 1 << 7;
    pub(crate) const SPP: u64 = 1 << 8;
    pub(crate) const SPP_AT: u32 = 8;
    pub(crate) const MPP: u64 = 3 << 11;
    pub(crate) const MPP_AT: u32 = 11;
    pub(crate) const FS: u64 = 3 << 13;
    pub(crate) const FS_AT: u32 = 13;
    pub(crate) const MPRV: u64 = 1 << 17;
    pub(crate) const SUM: u64 = 1 << 18;
    pub(crate) const MXR: u64 = 1 << 19;
    pub(crate) const TVM: u64 = 1 << 20;
    pub(crate) const TW: u64 = 1 << 21;
    pub(crate) const TSR: u64 = 1 << 22;
    /// User mode is 64 bits wide.
    pub(crate) const UXL_64: u64 = 2 << 32;
    /// Supervisor mode is 64 bits wide.
    pub(crate) const SXL_64: u64 = 2 << 34;
    /// Some extension's state is dirty; never kept, always computed.
    pub(crate) const SD: u64 = 1 << 63;

    /// What software may write in `mstatus`, MPP aside.
    pub(crate) const WRITABLE: u64 =
        SIE | MIE | SPIE | MPIE | SPP | FS | MPRV | SUM | MXR | TVM | TW | TSR;
    /// What software may write in `sstatus`.
    pub(crate) const SUPERVISOR_WRITABLE: u64 = SIE | SPIE | SPP | FS | SUM | MXR;
    /// What `sstatus` shows of `mstatus`.
    pub(crate) const SUPERVISOR_VIEW: u64 = SUPERVISOR_WRITABLE | 3 << 32;
}

/// Interrupts, as bits of `mip`, `mie` and `mideleg`.
pub(crate) mod irq {
    pub(crate) const SSI: u64 = 1 << 1;
    pub(crate) const MSI: u64 = 1 << 3;
    pub(crate) const STI: u64 = 1 << 5;
    pub(crate) const MTI: u64 = 1 << 7;
    pub(crate) const SEI: u64 = 1 << 9;
    pub(crate) const MEI: u64 = 1 << 11;

    /// The supervisor's interrupts: those that software may set and delegate.
    pub(crate) const SUPERVISOR: u64 = SSI | STI | SEI;
    /// Those that lines hold up.
    pub(crate) const LINES: u64 = MSI | MTI | SEI | MEI;
    /// All.
    pub(crate) const ALL: u64 = SUPERVISOR | LINES;
}

/// `menvcfg` and `senvcfg`.
pub(crate) mod envcfg {
    pub(crate) const FIOM: u64 = 1;
    pub(crate) const CBIE: u64 = 3 << 4;
    pub(crate) const CBIE_AT: u32 = 4;
    pub(crate) const CBCFE: u64 = 1 << 6;
    pub(crate) const CBZE: u64 = 1 << 7;
    /// The page walk sets accessed and dirty bits.
    pub(crate) const ADUE: u64 = 1 << 61;
    /// Pages have memory types.
    pub(crate) const PBMTE: u64 = 1 << 62;
    /// Supervisor mode has a timer of its own.
    pub(crate) const STCE: u64 = 1 << 63;

    /// What `senvcfg` has.
    pub(crate) const SUPERVISOR: u64 = FIOM | CBIE | CBCFE | CBZE;
    /// What `menvcfg` has.
    pub(crate) const MACHINE: u64 = SUPERVISOR | ADUE | PBMTE | STCE;
}

/// `satp`.
pub(crate) mod satp {
    pub(crate) const MODE_AT: u32 = 60;
    pub(crate) const ASID_AT: u32 = 44;
    pub(crate) const ASID: u64 = 0xffff;
    pub(crate) const PPN: u64 = (1 << 44) - 1;
    pub(crate) const SV39: u64 = 8;
    pub(crate) const SV48: u64 = 9;
    pub(crate) const SV57: u64 = 10;
}

/// One byte of `pmpcfg`.
pub(crate) mod pmp {
    pub(crate) const READ: u64 = 1;
    pub(crate) const WRITE: u64 = 2;
    pub(crate) const MATCH: u64 = 3 << 3;
    pub(crate) const TOR: u64 = 1 << 3;
    pub(crate) const NA4: u64 = 2 << 3;
    pub(crate) const NAPOT: u64 = 3 << 3;
    pub(crate) const LOCK: u64 = 1 << 7;
    /// The bits that there are.
    pub(crate) const ALL: u64 = 0x9f;
    /// How many entries there are.
    pub(crate) const ENTRIES: u16 = 16;
}

/// The counters in `mcounteren`, `scounteren` and `mcountinhibit`.
pub(crate) mod counter {
    pub(crate) const CY: u64 = 1;
    pub(crate) const TM: u64 = 1 << 1;
    pub(crate) const IR: u64 = 1 << 2;
    pub(crate) const ALL: u64 = 0xffff_ffff;
}
