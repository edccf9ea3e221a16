//! The serial line: a 16550A, a ring for what goes out and a ring for what came in.
//!
//! Output is queued and leaves when the transmitter is empty, sixteen bytes at a time; a full
//! queue is drained first, so nothing is lost. Input arrives by interrupt.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use crate::mmio::Registers;

/// Receive buffer and transmit holding register.
const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const MODEM_CONTROL: usize = 4;
const LINE_STATUS: usize = 5;

const RECEIVED: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Bytes that fit when the transmitter is empty.
const FIFO_BYTES: usize = 16;

/// Where the registers are; the usual place until the device tree says otherwise.
static BASE: AtomicUsize = AtomicUsize::new(0x1000_0000);

/// Bytes on their way, in order; one writer, one reader.
struct Ring<const BYTES: usize> {
    bytes: [AtomicU8; BYTES],
    /// Bytes ever put in.
    head: AtomicUsize,
    /// Bytes ever taken out.
    tail: AtomicUsize,
}

impl<const BYTES: usize> Ring<BYTES> {
    const fn new() -> Self {
        assert!(BYTES.is_power_of_two(), "counters wrap");
        let bytes = [const { AtomicU8::new(0) }; BYTES];
        Self {
            bytes,
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    fn put(&self, byte: u8) -> bool {
        let head = self.head.load(Relaxed);
        if head.wrapping_sub(self.tail.load(Relaxed)) == BYTES {
            return false;
        }
        self.bytes[head % BYTES].store(byte, Relaxed);
        self.head.store(head.wrapping_add(1), Relaxed);
        true
    }

    fn take(&self) -> Option<u8> {
        let tail = self.tail.load(Relaxed);
        if self.head.load(Relaxed) == tail {
            return None;
        }
        let byte = self.bytes[tail % BYTES].load(Relaxed);
        self.tail.store(tail.wrapping_add(1), Relaxed);
        Some(byte)
    }

    fn is_empty(&self) -> bool {
        self.head.load(Relaxed) == self.tail.load(Relaxed)
    }
}

static OUTGOING: Ring<4096> = Ring::new();
static INCOMING: Ring<1024> = Ring::new();

fn uart() -> Registers {
    Registers::at(BASE.load(Relaxed))
}

/// Eight data bits, FIFOs on and empty, an interrupt for every byte that comes in.
pub fn start(registers: Registers) {
    BASE.store(registers.base(), Relaxed);
    registers.write8(INTERRUPT_ENABLE, 0);
    registers.write8(LINE_CONTROL, 0x03);
    registers.write8(FIFO_CONTROL, 0x07);
    // OUT2 gates the interrupt line on boards that copy the PC.
    registers.write8(MODEM_CONTROL, 0x0b);
    registers.write8(INTERRUPT_ENABLE, 0x01);
}

/// Takes what the device received; for the interrupt handler.
pub fn receive() {
    let uart = uart();
    while uart.read8(LINE_STATUS) & RECEIVED != 0 {
        let byte = uart.read8(DATA);
        // A full ring means more than a thousand bytes that nobody read: the newest go.
        INCOMING.put(byte);
    }
}

/// Whether a typed byte waits.
pub fn has_input() -> bool {
    !INCOMING.is_empty()
}

/// The next typed byte.
pub fn read() -> Option<u8> {
    INCOMING.take()
}

/// Hands queued bytes to the device until none is left.
pub fn flush() {
    let uart = uart();
    while !OUTGOING.is_empty() {
        if uart.read8(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {
            continue;
        }
        for _ in 0..FIFO_BYTES {
            match OUTGOING.take() {
                Some(byte) => uart.write8(DATA, byte),
                None => return,
            }
        }
    }
}

/// Queues one byte.
pub fn write(byte: u8) {
    while !OUTGOING.put(byte) {
        flush();
    }
}

/// The target of `print!`.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                write(b'\r');
            }
            write(byte);
        }
        Ok(())
    }
}

/// Formats to the serial line.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        // The console takes every byte, so there is no error to look at.
        let _ = write!($crate::console::Console, $($argument)*);
    }};
}

/// Formats a line to the serial line.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)+) => {{
        $crate::print!($($argument)+);
        $crate::print!("\n");
    }};
}
