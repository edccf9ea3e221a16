//! The console device, with its one port.
//!
//! VIRTIO 1.3, section 5.3, "Console Device".
//! The feature `VIRTIO_CONSOLE_F_MULTIPORT` is not offered: there is no control queue, and no
//! port but the first.

use vm_core::{Fields, Section, StateError};
use vm_device_bus::Console;

use crate::device::{Io, VirtioDevice};
use crate::segments;

const F_SIZE: u64 = 1 << 0;
const F_EMERG_WRITE: u64 = 1 << 2;

/// Where the driver receives.
const RECEIVE: usize = 0;
/// Where the driver sends.
const SEND: usize = 1;
/// The configuration field that prints without a queue.
const EMERGENCY: u64 = 8;

/// How much input is fetched from the back end at once.
const INPUT_BYTES: usize = 4096;
/// The most bytes of one chain that are printed.
// LIMIT: a chain may name all of RAM; no driver prints that much at once.
const OUTPUT_BYTES: u64 = 64 << 10;

/// A console as a virtio device.
pub struct PortConsole {
    console: Box<dyn Console>,
    /// Input that the driver has offered no room for yet.
    input: Vec<u8>,
    size: Option<(u16, u16)>,
}

impl PortConsole {
    /// A device for this console.
    #[must_use]
    pub fn new(console: Box<dyn Console>) -> Self {
        let size = console.size();
        Self {
            console,
            input: Vec::new(),
            size,
        }
    }

    /// Moves input into the driver's buffers until one of the two has an end.
    ///
    /// Before the driver is ready, input stays where it is.
    fn receive(&mut self, io: &mut Io) {
        while io.live() {
            if self.input.is_empty() {
                let mut fetched = [0; INPUT_BYTES];
                let count = self.console.read(&mut fetched).min(INPUT_BYTES);
                self.input.extend_from_slice(&fetched[..count]);
            }
            if self.input.is_empty() {
                return;
            }
            let Some(chain) = io.pop(RECEIVE) else {
                return;
            };
            let count = segments::write(io.cx.ram, &chain.writable, 0, &self.input);
            self.input.drain(..count);
            io.push(RECEIVE, chain.head, count as u32);
        }
    }

    /// Prints what the driver sends.
    fn send(&mut self, io: &mut Io) {
        while let Some(chain) = io.pop(SEND) {
            let bytes = segments::total(&chain.readable).min(OUTPUT_BYTES);
            let mut text = vec![0; bytes as usize];
            let count = segments::read(io.cx.ram, &chain.readable, 0, &mut text);
            self.console.write(&text[..count]);
            io.push(SEND, chain.head, 0);
        }
    }
}

impl VirtioDevice for PortConsole {
    fn id(&self) -> u16 {
        3
    }

    fn kind(&self) -> &'static str {
        "virtio-console"
    }

    fn pci_class(&self) -> u32 {
        0x07_80_00
    }

    fn features(&self) -> u64 {
        F_EMERG_WRITE | if self.size.is_some() { F_SIZE } else { 0 }
    }

    fn queues(&self) -> &'static [u16] {
        &[64, 64]
    }

    fn config(&self) -> Vec<u8> {
        let (columns, rows) = self.size.unwrap_or((0, 0));
        let mut out = [columns.to_le_bytes(), rows.to_le_bytes()].concat();
        // One port; the emergency field reads as zero.
        out.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        out
    }

    fn write_config(&mut self, offset: u64, bytes: &[u8], _io: &mut Io) {
        if offset == EMERGENCY
            && let Some(byte) = bytes.first()
        {
            self.console.write(&[*byte]);
        }
    }

    fn notify(&mut self, queue: usize, io: &mut Io) {
        match queue {
            RECEIVE => self.receive(io),
            _ => self.send(io),
        }
    }

    fn wake(&mut self, io: &mut Io) {
        let size = self.console.size();
        if size.is_some() && size != self.size && self.size.is_some() {
            self.size = size;
            io.config_changed();
        }
        self.receive(io);
    }

    fn reset(&mut self) {
        self.input.clear();
    }

    fn save(&self, out: &mut Section) {
        out.bytes("input", &self.input);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)?;
        let input = from.bytes("input")?;
        if input.len() > INPUT_BYTES {
            return Err(from.bad("input"));
        }
        self.input = input.to_vec();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use vm_core::Width;
    use vm_device_bus::Device;

    use super::*;
    use crate::MmioSlot;
    use crate::testing::{DATA, Driver, WRITE, storm};

    /// Both directions, and the size, in the hands of the test.
    #[derive(Clone, Default)]
    struct Script(Arc<Mutex<Ends>>);

    /// What is typed, what was printed, and the size of the screen.
    type Ends = (Vec<u8>, Vec<u8>, Option<(u16, u16)>);

    impl Script {
        fn device(&self) -> Box<PortConsole> {
            Box::new(PortConsole::new(Box::new(self.clone())))
        }

        fn types(&self, text: &[u8]) {
            self.0.lock().unwrap().0.extend_from_slice(text);
        }

        fn printed(&self) -> Vec<u8> {
            std::mem::take(&mut self.0.lock().unwrap().1)
        }
    }

    impl Console for Script {
        fn write(&mut self, bytes: &[u8]) {
            self.0.lock().unwrap().1.extend_from_slice(bytes);
        }

        fn read(&mut self, into: &mut [u8]) -> usize {
            let mut script = self.0.lock().unwrap();
            let count = into.len().min(script.0.len());
            into[..count].copy_from_slice(&script.0[..count]);
            script.0.drain(..count);
            count
        }

        fn size(&self) -> Option<(u16, u16)> {
            self.0.lock().unwrap().2
        }
    }

    #[test]
    fn what_the_driver_sends_is_printed() {
        let script = Script::default();
        let mut driver = Driver::new(script.device(), 0);
        driver.fill(DATA, b"hello, world");
        driver.send(SEND, &[(DATA, 7, 0), (DATA + 7, 5, 0)]);
        assert_eq!(script.printed(), b"hello, world");
        assert_eq!(driver.used(SEND), [(0, 0)]);
        assert_eq!(driver.interrupt(), 1);
        driver.bus.write(0x108, Width::B4, u64::from(b'!'));
        assert_eq!(script.printed(), b"!");
    }

    #[test]
    fn nobody_prints_more_than_the_limit_at_once() {
        let script = Script::default();
        let mut driver = Driver::new(script.device(), 0);
        driver.send(SEND, &[(DATA, 50_000, 0), (DATA, 50_000, 0)]);
        assert_eq!(script.printed().len(), 65_536);
        assert_eq!(driver.used(SEND), [(0, 0)]);
    }

    #[test]
    fn input_waits_for_room_and_room_for_input() {
        let script = Script::default();
        let mut driver = Driver::new(script.device(), 0);
        driver.send(RECEIVE, &[(DATA, 4, WRITE)]);
        assert_eq!(driver.used(RECEIVE), []);
        script.types(b"abcdef");
        driver.bus.call(|slot, cx| slot.wake(cx));
        assert_eq!(driver.used(RECEIVE), [(0, 4)]);
        assert_eq!(driver.bytes(DATA, 4), b"abcd");
        let mut copy = MmioSlot::new(script.device());
        assert!(driver.bus.survives(&mut copy));
        driver.bus.device = copy;
        driver.send(RECEIVE, &[(DATA, 4, WRITE)]);
        assert_eq!(driver.used(RECEIVE), [(1, 2)]);
        assert_eq!(driver.bytes(DATA, 2), b"ef");
    }

    #[test]
    fn what_is_typed_before_the_driver_is_ready_is_not_lost() {
        let script = Script::default();
        let mut driver = Driver::new(script.device(), 0);
        driver.set(crate::Register::Status, 0);
        script.types(b"early");
        driver.bus.call(|slot, cx| slot.wake(cx));
        driver.rings[RECEIVE].chain(&driver.bus.ram, &[(DATA, 16, WRITE)]);
        driver.start(0);
        assert_eq!(driver.used(RECEIVE), [(0, 5)]);
    }

    #[test]
    fn a_new_size_of_the_screen_is_told() {
        let script = Script::default();
        script.0.lock().unwrap().2 = Some((80, 25));
        let mut driver = Driver::new(script.device(), F_SIZE);
        assert_eq!(driver.bus.value(0x100, Width::B4), 25 << 16 | 80);
        script.0.lock().unwrap().2 = Some((132, 43));
        driver.bus.call(|slot, cx| slot.wake(cx));
        assert_eq!(driver.interrupt(), 2);
        assert_eq!(driver.bus.value(0x100, Width::B4), 43 << 16 | 132);
        assert_eq!(driver.bus.value(0xfc, Width::B4), 1);
    }

    #[test]
    fn the_console_device_weathers_a_storm() {
        for seed in 1..=6 {
            let script = Script::default();
            script.types(&[b'x'; 100_000]);
            storm(seed, || script.device(), &[]);
        }
    }
}
