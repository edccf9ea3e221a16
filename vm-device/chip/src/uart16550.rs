//! 16550A: the serial port with FIFOs that every kernel can drive.
//!
//! After the NS16550AFN data sheet: byte registers, 16-byte FIFOs, loopback.
//! The line itself is not modelled: what the guest sends is with the back end at once, so the
//! transmitter is always empty, and parity, framing and breaks never happen.
//! Input stays in the back end until there is room for it and the guest listens, so it never
//! overruns (only loopback can), and what was typed before the driver is there is not lost when
//! the driver clears the FIFOs.
//! A guest listens while the interrupt for received characters is enabled; one that does without
//! interrupts does so when it has looked for a character some times and has done nothing to the
//! port in between but send, until it clears the receiver. Who sends looks at `LSR` as well, but
//! then sends; drivers also look, and throw away what they find, when they begin.
//! The baud rate decides one thing, how long the receiver waits before it reports characters
//! below its trigger level.

mod bits;

use std::collections::VecDeque;
use std::fmt;

use vm_core::{Answer, Fields, Section, StateError, Width};
use vm_device_bus::{Console, Cx, Device, Mmio, Node, Register, Site, registers};

use bits::{
    LCR_DLAB, LSR_EMPTY, LSR_OVERRUN, LSR_READY, MCR_ALL, MCR_LOOPBACK, MSR_CONNECTED, MSR_DELTAS,
    fcr, ier, iir,
};

registers! {
    /// The eight registers; some offsets mean two or three, by direction or by `LCR`'s DLAB bit.
    pub enum Uart: B1 {
        /// `RBR` receives, `THR` sends; with DLAB, `DLL` is the low half of the divisor.
        0x00 RbrThrDll Rw;
        /// `IER` enables interrupts; with DLAB, `DLM` is the high half of the divisor.
        0x01 IerDlm Rw;
        /// `IIR` names the interrupt; a store goes to `FCR`, which controls the FIFOs.
        0x02 IirFcr Rw;
        /// The form of characters, and DLAB.
        0x03 Lcr Rw;
        /// Modem outputs and loopback.
        0x04 Mcr Rw;
        /// The state of receiver and transmitter. Writes are ignored.
        0x05 Lsr Rw;
        /// Modem inputs and which of them changed. Writes are ignored.
        0x06 Msr Rw;
        /// A byte for the guest.
        0x07 Scr Rw;
    }
}

/// The input clock of the baud rate generator.
const CLOCK_HZ: u32 = 3_686_400;
const FIFO_BYTES: usize = 16;
/// How many looks in a row are polling.
// LIMIT: drivers look twice in a row when they begin; who waits looks without end.
const POLLING: u8 = 16;
/// The event that reports characters below the trigger level.
const TIMEOUT: u32 = 0;

/// The divisor after reset: the chip leaves it open; this is 19200 baud.
const RESET_DIVISOR: u16 = 12;

/// The serial port; output line 0 is its interrupt.
pub struct Uart16550 {
    console: Box<dyn Console>,
    state: State,
}

#[derive(Clone, Debug)]
struct State {
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    divisor: u16,
    received: VecDeque<u8>,
    overrun: bool,
    /// The transmitter became empty and the guest has not been told.
    sent: bool,
    /// Characters have waited below the trigger level.
    waited: bool,
    /// Changes of modem inputs, as `MSR` shows them.
    deltas: u8,
    /// The guest asks for characters without interrupts.
    polls: bool,
    /// How often it has looked for one in a row, as far as that is not known to be polling.
    looks: u8,
}

/// What an access says about whether the guest looks for characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    /// It may do so.
    May,
    /// It sends: the look before that was for this.
    Sends,
    /// It does something else.
    No,
}

impl State {
    fn new() -> Self {
        Self {
            ier: 0,
            fcr: 0,
            lcr: 0,
            mcr: 0,
            scr: 0,
            divisor: RESET_DIVISOR,
            received: VecDeque::with_capacity(FIFO_BYTES),
            overrun: false,
            sent: false,
            waited: false,
            deltas: 0,
            polls: false,
            looks: 0,
        }
    }

    /// Whether the guest takes characters.
    fn listens(&self) -> bool {
        self.ier & ier::RECEIVED != 0 || self.polls
    }

    fn fifos(&self) -> bool {
        self.fcr & fcr::ENABLE != 0
    }

    fn capacity(&self) -> usize {
        if self.fifos() { FIFO_BYTES } else { 1 }
    }

    fn loopback(&self) -> bool {
        self.mcr & MCR_LOOPBACK != 0
    }

    fn divisor_access(&self) -> bool {
        self.lcr & LCR_DLAB != 0
    }

    /// How many received characters interrupt at once.
    fn trigger(&self) -> usize {
        match (self.fifos(), self.fcr >> 6) {
            (false, _) | (true, 0) => 1,
            (true, 1) => 4,
            (true, 2) => 8,
            (true, _) => 14,
        }
    }

    /// The interrupt that `IIR` names now.
    fn cause(&self) -> u8 {
        let enabled = |bit| self.ier & bit != 0;
        if enabled(ier::LINE_STATUS) && self.overrun {
            iir::LINE_STATUS
        } else if enabled(ier::RECEIVED) && self.received.len() >= self.trigger() {
            iir::RECEIVED
        } else if enabled(ier::RECEIVED) && self.waited {
            iir::TIMEOUT
        } else if enabled(ier::TRANSMITTER_EMPTY) && self.sent {
            iir::TRANSMITTER_EMPTY
        } else if enabled(ier::MODEM_STATUS) && self.deltas != 0 {
            iir::MODEM_STATUS
        } else {
            iir::NONE
        }
    }

    /// The modem inputs, in `MSR`'s high half; in loopback they are the modem outputs.
    fn modem(&self) -> u8 {
        if !self.loopback() {
            return MSR_CONNECTED;
        }
        // DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD.
        (self.mcr & 1) << 5 | (self.mcr & 2) << 3 | (self.mcr & 0xc) << 4
    }

    /// The time of four characters.
    fn timeout_ns(&self) -> u64 {
        let data = 5 + u64::from(self.lcr & 3);
        let stop = 1 + u64::from(self.lcr >> 2 & 1);
        let parity = u64::from(self.lcr >> 3 & 1);
        let clocks = 4 * (1 + data + parity + stop) * 16 * u64::from(self.divisor.max(1));
        clocks * 1_000_000_000 / u64::from(CLOCK_HZ)
    }

    /// The receiver holds more or fewer characters than before: the wait begins anew.
    fn receiver_changed(&mut self, cx: &mut Cx) {
        self.waited = false;
        if self.fifos() && !self.received.is_empty() {
            cx.schedule(cx.now_ns.saturating_add(self.timeout_ns()), TIMEOUT);
        } else {
            cx.cancel(TIMEOUT);
        }
    }

    /// A character that the guest sent to itself.
    fn loop_back(&mut self, byte: u8, cx: &mut Cx) {
        if self.received.len() >= self.capacity() {
            self.overrun = true;
            // Without FIFOs the new character takes the place of the old one.
            if self.fifos() {
                return;
            }
            self.received.clear();
        }
        self.received.push_back(byte);
        self.receiver_changed(cx);
    }

    fn set_mcr(&mut self, value: u8) {
        let before = self.modem();
        self.mcr = value & MCR_ALL;
        let after = self.modem();
        // Ring is reported when it ends, the others when they change.
        self.deltas |= (before ^ after) >> 4 & 0b1011 | (before & !after) >> 4 & 0b0100;
    }

    fn set_fcr(&mut self, value: u8, cx: &mut Cx) {
        let enable = value & fcr::ENABLE != 0;
        let switched = enable != self.fifos();
        // The other bits count only while the FIFOs are enabled.
        self.fcr = if enable { value & fcr::KEPT } else { 0 };
        // Switching the FIFOs on would clear the receiver too. Linux does that just behind the
        // moment at which it begins to listen, when on a real line nothing can have come yet.
        let off = switched && !enable;
        if off || enable && value & fcr::CLEAR_RECEIVER != 0 {
            self.received.clear();
            self.polls = false;
            self.receiver_changed(cx);
        }
        // A cleared transmitter becomes empty anew.
        self.sent |= switched || enable && value & fcr::CLEAR_TRANSMITTER != 0;
    }

    fn set_ier(&mut self, value: u8) {
        let before = self.ier;
        self.ier = value & ier::ALL;
        // The transmitter is empty, so enabling its interrupt interrupts.
        if (before ^ self.ier) & ier::TRANSMITTER_EMPTY != 0 {
            self.sent = self.ier & ier::TRANSMITTER_EMPTY != 0;
        }
    }
}

impl Uart16550 {
    /// A serial port with this at its other end.
    #[must_use]
    pub fn new(console: Box<dyn Console>) -> Self {
        Self {
            console,
            state: State::new(),
        }
    }

    /// The guest looks for a character, or does something else.
    fn looks(&mut self, look: Look, cx: &mut Cx) {
        let state = &mut self.state;
        state.looks = match look {
            Look::May => state.looks + 1,
            Look::Sends => state.looks.saturating_sub(1),
            Look::No => 0,
        };
        if state.looks == POLLING {
            (state.looks, state.polls) = (0, true);
            self.pull(cx);
        }
    }

    /// Takes as much input from the back end as there is room for, if the guest listens.
    fn pull(&mut self, cx: &mut Cx) {
        let state = &mut self.state;
        let mut bytes = [0; FIFO_BYTES];
        let room = state.capacity().saturating_sub(state.received.len());
        let Some(into) = bytes.get_mut(..room).filter(|into| !into.is_empty()) else {
            return;
        };
        if state.loopback() || !state.listens() {
            return;
        }
        let count = self.console.read(into);
        if count > 0 {
            state.received.extend(into.iter().take(count));
            state.receiver_changed(cx);
        }
    }

    fn receive(&mut self, cx: &mut Cx) -> u8 {
        let byte = self.state.received.pop_front().unwrap_or(0);
        self.state.receiver_changed(cx);
        if self.state.received.is_empty() {
            self.pull(cx);
        }
        byte
    }

    fn send(&mut self, byte: u8, cx: &mut Cx) {
        if self.state.loopback() {
            self.state.loop_back(byte, cx);
        } else {
            self.console.write(&[byte]);
        }
        self.state.sent = true;
    }

    fn drive(&self, cx: &mut Cx) {
        cx.line(0, self.state.cause() != iir::NONE);
    }
}

impl fmt::Debug for Uart16550 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uart16550({:?})", self.state)
    }
}

impl Device for Uart16550 {
    fn kind(&self) -> &'static str {
        "serial"
    }

    fn reset(&mut self) {
        self.state = State::new();
    }

    fn save(&self, out: &mut Section) {
        let state = &self.state;
        for (field, value) in [
            ("ier", state.ier),
            ("fcr", state.fcr),
            ("lcr", state.lcr),
            ("mcr", state.mcr),
            ("scr", state.scr),
            ("deltas", state.deltas),
        ] {
            out.u64(field, u64::from(value));
        }
        out.u64("divisor", u64::from(state.divisor));
        let received: Vec<u8> = state.received.iter().copied().collect();
        out.bytes("received", &received);
        out.bool("overrun", state.overrun);
        out.bool("sent", state.sent);
        out.bool("waited", state.waited);
        out.bool("polls", state.polls);
        out.u64("looks", u64::from(state.looks));
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let bits = |field: &str, mask: u8| {
            let value = from.below(field, 0x100)? as u8;
            if value & !mask == 0 {
                Ok(value)
            } else {
                Err(from.bad(field))
            }
        };
        let state = State {
            ier: bits("ier", ier::ALL)?,
            fcr: bits("fcr", fcr::KEPT)?,
            lcr: bits("lcr", u8::MAX)?,
            mcr: bits("mcr", MCR_ALL)?,
            scr: bits("scr", u8::MAX)?,
            divisor: from.below("divisor", 0x1_0000)? as u16,
            received: from.bytes("received")?.iter().copied().collect(),
            overrun: from.bool("overrun")?,
            sent: from.bool("sent")?,
            waited: from.bool("waited")?,
            deltas: bits("deltas", MSR_DELTAS)?,
            // Before there were these fields, everybody was taken for listening.
            polls: from.below_or("polls", 2, 1)? == 1,
            looks: from.below_or("looks", u64::from(POLLING), 0)? as u8,
        };
        if !state.fifos() && state.fcr != 0 {
            return Err(from.bad("fcr"));
        }
        if state.received.len() > state.capacity() {
            return Err(from.bad("received"));
        }
        if state.waited && (!state.fifos() || state.received.is_empty()) {
            return Err(from.bad("waited"));
        }
        self.state = state;
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(
            Node::at("serial", site)
                .text("compatible", &["ns16550a"])
                .cells("clock-frequency", &[CLOCK_HZ])
                .interrupts(site),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn event(&mut self, _tag: u32, cx: &mut Cx) {
        self.state.waited = self.state.fifos() && !self.state.received.is_empty();
        self.drive(cx);
    }

    fn wake(&mut self, cx: &mut Cx) {
        self.pull(cx);
        self.drive(cx);
    }
}

impl Mmio for Uart16550 {
    fn registers(&self) -> &'static [Register] {
        Uart::TABLE
    }

    fn read(&mut self, offset: u64, _width: Width, cx: &mut Cx) -> Answer {
        let Some((register, _)) = Uart::at(offset) else {
            return Answer::Done(0);
        };
        let look = match register {
            Uart::RbrThrDll if !self.state.divisor_access() => Look::May,
            Uart::Lsr => Look::May,
            _ => Look::No,
        };
        self.looks(look, cx);
        let state = &mut self.state;
        let value = match register {
            Uart::RbrThrDll if state.divisor_access() => state.divisor as u8,
            Uart::RbrThrDll => self.receive(cx),
            Uart::IerDlm if state.divisor_access() => (state.divisor >> 8) as u8,
            Uart::IerDlm => state.ier,
            Uart::IirFcr => {
                let cause = state.cause();
                state.sent &= cause != iir::TRANSMITTER_EMPTY;
                cause | if state.fifos() { iir::FIFOS } else { 0 }
            }
            Uart::Lcr => state.lcr,
            Uart::Mcr => state.mcr,
            Uart::Lsr => {
                let ready = if state.received.is_empty() {
                    0
                } else {
                    LSR_READY
                };
                let overrun = if state.overrun { LSR_OVERRUN } else { 0 };
                state.overrun = false;
                LSR_EMPTY | ready | overrun
            }
            Uart::Msr => state.modem() | std::mem::take(&mut state.deltas),
            Uart::Scr => state.scr,
        };
        self.drive(cx);
        Answer::Done(u64::from(value))
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, cx: &mut Cx) -> Answer {
        let Some((register, _)) = Uart::at(offset) else {
            return Answer::Done(0);
        };
        let byte = value as u8;
        let look = match register {
            Uart::RbrThrDll if !self.state.divisor_access() => Look::Sends,
            _ => Look::No,
        };
        self.looks(look, cx);
        let state = &mut self.state;
        match register {
            Uart::RbrThrDll if state.divisor_access() => {
                state.divisor = state.divisor & 0xff00 | u16::from(byte);
            }
            Uart::RbrThrDll => self.send(byte, cx),
            Uart::IerDlm if state.divisor_access() => {
                state.divisor = state.divisor & 0x00ff | u16::from(byte) << 8;
            }
            Uart::IerDlm => {
                state.set_ier(byte);
                self.pull(cx);
            }
            Uart::IirFcr => {
                state.set_fcr(byte, cx);
                self.pull(cx);
            }
            Uart::Lcr => state.lcr = byte,
            Uart::Mcr => {
                state.set_mcr(byte);
                self.pull(cx);
            }
            Uart::Lsr | Uart::Msr => {}
            Uart::Scr => state.scr = byte,
        }
        self.drive(cx);
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests;
