//! The driver's side of a queue, and a driver for MMIO slots: what all device tests stand on.

use vm_core::{GuestPhys, Width};
use vm_device_bus::testing::{FakeBus, RAM_BASE};
use vm_mem::GuestRam;

use crate::{F_VERSION_1, MmioSlot, Register, VirtioDevice};

/// Descriptor flag: another descriptor follows.
pub const NEXT: u16 = 1;
/// Descriptor flag: the device writes.
pub const WRITE: u16 = 2;
/// Descriptor flag: a table of descriptors.
pub const INDIRECT: u16 = 4;
/// Where tests put their data.
pub const DATA: u64 = RAM_BASE + 0x4_0000;
/// The size of RAM.
pub const RAM_BYTES: u64 = 1 << 20;

/// The rings of one queue, as a driver builds them.
pub struct Rings {
    pub size: u16,
    pub descriptors: u64,
    pub driver: u64,
    pub device: u64,
    next: u16,
    offered: u16,
    seen: u16,
}

impl Rings {
    /// Rings for the queue with this number, in RAM that only they use.
    pub fn new(queue: usize, size: u16) -> Self {
        let base = RAM_BASE + 0x1000 + 0x4000 * queue as u64;
        Self {
            size,
            descriptors: base,
            driver: base + 0x2000,
            device: base + 0x3000,
            next: 0,
            offered: 0,
            seen: 0,
        }
    }

    /// Writes one descriptor of a table.
    pub fn describe(ram: &GuestRam, at: u64, addr: u64, bytes: u32, flags: u16, next: u16) {
        assert!(ram.store(GuestPhys(at), Width::B8, addr));
        assert!(ram.store(GuestPhys(at + 8), Width::B4, u64::from(bytes)));
        assert!(ram.store(GuestPhys(at + 12), Width::B2, u64::from(flags)));
        assert!(ram.store(GuestPhys(at + 14), Width::B2, u64::from(next)));
    }

    /// Writes one descriptor of the queue's own table.
    pub fn raw(&self, ram: &GuestRam, index: u16, addr: u64, bytes: u32, flags: u16, next: u16) {
        let at = self.descriptors + 16 * u64::from(index);
        Self::describe(ram, at, addr, bytes, flags, next);
    }

    /// Makes a chain of these buffers (address, length, flags) and offers it; its head.
    pub fn chain(&mut self, ram: &GuestRam, buffers: &[(u64, u32, u16)]) -> u16 {
        let head = self.next;
        for (i, (addr, bytes, flags)) in buffers.iter().enumerate() {
            let more = if i + 1 < buffers.len() { NEXT } else { 0 };
            let next = (self.next + 1) % self.size;
            self.raw(ram, self.next, *addr, *bytes, flags | more, next);
            self.next = next;
        }
        self.offer(ram, head);
        head
    }

    /// Puts a head into the driver's ring.
    pub fn offer(&mut self, ram: &GuestRam, head: u16) {
        let slot = self.driver + 4 + 2 * u64::from(self.offered % self.size);
        assert!(ram.store(GuestPhys(slot), Width::B2, u64::from(head)));
        self.offered = self.offered.wrapping_add(1);
        self.set_index(ram, self.offered);
    }

    /// Says how many heads were offered.
    pub fn set_index(&self, ram: &GuestRam, index: u16) {
        assert!(ram.store(GuestPhys(self.driver + 2), Width::B2, u64::from(index)));
    }

    /// Sets the flags of the driver's ring.
    pub fn set_flags(&self, ram: &GuestRam, flags: u16) {
        assert!(ram.store(GuestPhys(self.driver), Width::B2, u64::from(flags)));
    }

    /// Names the point at which the driver wants an interrupt.
    pub fn set_used_event(&self, ram: &GuestRam, index: u16) {
        let at = self.driver + 4 + 2 * u64::from(self.size);
        assert!(ram.store(GuestPhys(at), Width::B2, u64::from(index)));
    }

    /// The point at which the device wants a notification.
    pub fn avail_event(&self, ram: &GuestRam) -> u64 {
        let at = self.device + 4 + 8 * u64::from(self.size);
        ram.load(GuestPhys(at), Width::B2).unwrap()
    }

    /// How many chains the device has given back, modulo 2^16.
    pub fn used_index(&self, ram: &GuestRam) -> u16 {
        ram.load(GuestPhys(self.device + 2), Width::B2).unwrap() as u16
    }

    /// The chains given back since the last call: head and length.
    pub fn used(&mut self, ram: &GuestRam) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        while self.seen != self.used_index(ram) {
            let at = self.device + 4 + 8 * u64::from(self.seen % self.size);
            let word = |at| ram.load(GuestPhys(at), Width::B4).unwrap();
            out.push((word(at), word(at + 4)));
            self.seen = self.seen.wrapping_add(1);
        }
        out
    }
}

/// A slot with a device, and the rings of its queues.
pub struct Driver {
    pub bus: FakeBus<MmioSlot>,
    pub rings: Vec<Rings>,
}

impl Driver {
    /// Finds the device and brings it to life with these features and `VERSION_1`.
    pub fn new(device: Box<dyn VirtioDevice>, features: u64) -> Self {
        let sizes = device.queues();
        let mut driver = Self {
            bus: FakeBus::new(MmioSlot::new(device)),
            rings: (0..)
                .zip(sizes)
                .map(|(i, size)| Rings::new(i, *size))
                .collect(),
        };
        driver.start(features);
        driver
    }

    /// The steps of VIRTIO 1.3, section 3.1.1.
    pub fn start(&mut self, features: u64) {
        let features = features | F_VERSION_1;
        for status in [0, 1, 3] {
            self.set(Register::Status, status);
        }
        for half in 0..2 {
            self.set(Register::DriverFeaturesSel, half);
            self.set(
                Register::DriverFeatures,
                features >> (32 * half) & 0xffff_ffff,
            );
        }
        self.set(Register::Status, 11);
        assert_eq!(
            self.value(Register::Status),
            11,
            "the features are accepted"
        );
        for queue in 0..self.rings.len() {
            self.enable(queue);
        }
        self.set(Register::Status, 15);
    }

    /// Tells the device where a queue's rings are.
    pub fn enable(&mut self, queue: usize) {
        let Rings {
            size,
            descriptors,
            driver,
            device,
            ..
        } = self.rings[queue];
        self.set(Register::QueueSel, queue as u64);
        self.set(Register::QueueSize, u64::from(size));
        for (register, addr) in [
            (Register::QueueDesc, descriptors),
            (Register::QueueDriver, driver),
            (Register::QueueDevice, device),
        ] {
            let at = offset(register);
            self.bus.write(at, Width::B4, addr & 0xffff_ffff);
            self.bus.write(at + 4, Width::B4, addr >> 32);
        }
        self.set(Register::QueueReady, 1);
    }

    /// Stores to a register.
    pub fn set(&mut self, register: Register, value: u64) {
        self.bus.write(offset(register), Width::B4, value);
    }

    /// Loads a register.
    pub fn value(&mut self, register: Register) -> u64 {
        self.bus.value(offset(register), Width::B4)
    }

    /// Offers a chain and notifies.
    pub fn send(&mut self, queue: usize, buffers: &[(u64, u32, u16)]) -> u16 {
        let head = self.rings[queue].chain(&self.bus.ram, buffers);
        self.set(Register::QueueNotify, queue as u64);
        head
    }

    /// What came back on a queue.
    pub fn used(&mut self, queue: usize) -> Vec<(u64, u64)> {
        self.rings[queue].used(&self.bus.ram)
    }

    /// Bytes of guest memory.
    pub fn bytes(&self, addr: u64, count: usize) -> Vec<u8> {
        let mut out = vec![0; count];
        self.bus.ram.read(GuestPhys(addr), &mut out).unwrap();
        out
    }

    /// Sets bytes of guest memory.
    pub fn fill(&self, addr: u64, bytes: &[u8]) {
        self.bus.ram.write(GuestPhys(addr), bytes).unwrap();
    }

    /// Whether the device has asked to be reset.
    pub fn broken(&mut self) -> bool {
        self.value(Register::Status) & 64 != 0
    }

    /// Whether the interrupt is up; acknowledges it.
    pub fn interrupt(&mut self) -> u64 {
        let reasons = self.value(Register::InterruptStatus);
        assert_eq!(self.bus.level(0), reasons != 0);
        self.set(Register::InterruptAck, reasons);
        assert!(!self.bus.level(0));
        reasons
    }
}

fn offset(register: Register) -> u64 {
    Register::TABLE
        .iter()
        .find(|row| row.name == format!("{register:?}"))
        .unwrap()
        .offset
}

/// A small random stream for tests.
pub struct Chance(pub u64);

impl Chance {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % limit
    }

    /// One of these.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Drives a device with what a hostile driver might do, and checks that work stays bounded.
pub fn storm(seed: u64, make: impl Fn() -> Box<dyn VirtioDevice>, head: &[u8]) {
    let mut chance = Chance(seed);
    let mut driver = Driver::new(make(), 0);
    for step in 0..2000 {
        let queue = chance.below(driver.rings.len() as u64) as usize;
        storm_rings(&mut chance, &mut driver, queue, head);
        let before = driver.bus.device.given(queue);
        match chance.below(24) {
            0 => drop(
                driver
                    .bus
                    .write(chance.below(0x140), Width::B4, chance.below(1 << 33)),
            ),
            1 => {
                driver.bus.read(chance.below(0x140), Width::B4);
            }
            2 => driver
                .bus
                .call(|slot, cx| vm_device_bus::Device::wake(slot, cx)),
            3 => driver.bus.run_until(driver.bus.now_ns + 100_000),
            4 => {
                let mut copy = MmioSlot::new(make());
                assert!(driver.bus.survives(&mut copy), "seed {seed}, step {step}");
            }
            5 => driver.set(Register::Status, 0),
            _ => driver.set(Register::QueueNotify, queue as u64),
        }
        let done = driver.bus.device.given(queue).saturating_sub(before);
        let limit = 2 * driver.rings[queue].size;
        assert!(
            done <= limit,
            "seed {seed}, step {step}: {done} chains in one call"
        );
        if driver.value(Register::Status) & 68 != 4 {
            driver.rings = (0..)
                .zip(make().queues())
                .map(|(i, s)| Rings::new(i, *s))
                .collect();
            for ring in &driver.rings {
                ring.set_index(&driver.bus.ram, 0);
            }
            driver.start(chance.one(&[0, crate::F_EVENT_IDX]));
        }
    }
}

/// Makes a few random descriptors and offers some of them.
fn storm_rings(chance: &mut Chance, driver: &mut Driver, queue: usize, head: &[u8]) {
    let Driver { bus, rings } = driver;
    let (rings, ram) = (&mut rings[queue], &bus.ram);
    if chance.below(2) == 0 {
        let mut start = head.to_vec();
        if let Some(byte) = start.first_mut() {
            *byte = chance.below(16) as u8;
        }
        ram.write(GuestPhys(DATA), &start).unwrap();
    }
    for _ in 0..=chance.below(4) {
        let addr = match chance.below(8) {
            0 => chance.below(u64::MAX),
            1 => RAM_BASE + RAM_BYTES - chance.below(64),
            2 => RAM_BASE + chance.below(RAM_BYTES),
            _ => DATA,
        };
        let bytes = chance.one(&[0, 1, 15, 16, 17, 511, 512, 513, 4096, 0x8_0000, u32::MAX]);
        let flags = chance.one(&[0, 0, NEXT, NEXT, WRITE, WRITE, NEXT | WRITE, INDIRECT, 7]);
        let index = chance.below(u64::from(rings.size)) as u16;
        let next = chance.below(u64::from(rings.size) + 1) as u16;
        rings.raw(ram, index, addr, bytes, flags, next);
        if chance.below(64) == 0 {
            rings.set_index(ram, chance.below(0x1_0000) as u16);
        } else {
            rings.offer(ram, chance.one(&[index, index, index, next]));
        }
    }
}
