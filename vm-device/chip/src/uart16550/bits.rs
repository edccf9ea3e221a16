//! The bits of the registers, with the data sheet's meanings.

/// Interrupt enable bits.
pub mod ier {
    pub const RECEIVED: u8 = 1;
    pub const TRANSMITTER_EMPTY: u8 = 2;
    pub const LINE_STATUS: u8 = 4;
    pub const MODEM_STATUS: u8 = 8;
    pub const ALL: u8 = 15;
}

/// What `IIR` says, in the order of priority.
pub mod iir {
    pub const LINE_STATUS: u8 = 0x06;
    pub const RECEIVED: u8 = 0x04;
    pub const TIMEOUT: u8 = 0x0c;
    pub const TRANSMITTER_EMPTY: u8 = 0x02;
    pub const MODEM_STATUS: u8 = 0x00;
    pub const NONE: u8 = 0x01;
    pub const FIFOS: u8 = 0xc0;
}

/// FIFO control bits.
pub mod fcr {
    pub const ENABLE: u8 = 0x01;
    pub const CLEAR_RECEIVER: u8 = 0x02;
    pub const CLEAR_TRANSMITTER: u8 = 0x04;
    /// What stays: enable, DMA mode, trigger level.
    pub const KEPT: u8 = 0xc9;
}

/// The divisor's registers are shown.
pub const LCR_DLAB: u8 = 0x80;
/// The modem outputs that there are.
pub const MCR_ALL: u8 = 0x1f;
/// What is sent comes back.
pub const MCR_LOOPBACK: u8 = 0x10;
/// There is a character.
pub const LSR_READY: u8 = 0x01;
/// A character was lost.
pub const LSR_OVERRUN: u8 = 0x02;
/// Both the holding register and the shift register are empty.
pub const LSR_EMPTY: u8 = 0x60;
/// Carrier, data set ready, clear to send: somebody listens.
pub const MSR_CONNECTED: u8 = 0xb0;
/// What changed.
pub const MSR_DELTAS: u8 = 0x0f;
