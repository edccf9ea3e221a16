//! Tests of the PCI transport, with a driver that finds everything by its capabilities.

use vm_core::{Answer, GuestPhys, Width};
use vm_device_bus::testing::FakeBus;
use vm_device_bus::{Device, Message};
use vm_device_pci::{PciHost, Window, Windows};

use crate::testing::{Chance, DATA, Rings, WRITE};
use crate::{F_VERSION_1, PciFunction, PortConsole, Rng, VirtioDevice};

const SLOT: u64 = 3;
const MESSAGES: u64 = 0x4000_0000;
const REGISTERS: u64 = 0x4_0000_0000;
const ECAM: usize = 0;
const MEMORY: usize = 2;
const HIGH: usize = 3;

fn host(device: Box<dyn VirtioDevice>) -> PciHost {
    let mut host = PciHost::new(Windows {
        ecam: Window::identity(0x3000_0000, 0x1000_0000).place,
        ports: Window::identity(0x300_0000, 0x1_0000),
        memory32: Window::identity(MESSAGES, 0x4000_0000),
        memory64: Some(Window::identity(REGISTERS, 0x4_0000_0000)),
    });
    assert!(host.add(SLOT as u8, Box::new(PciFunction::new(device))));
    host
}

/// A driver, and what it found in the capabilities: type, offset, and where the capability is.
struct Driver {
    bus: FakeBus<PciHost>,
    rings: Vec<Rings>,
    structures: Vec<(u64, u64, u64)>,
}

impl Driver {
    fn new(device: Box<dyn VirtioDevice>) -> Self {
        let sizes = device.queues();
        let mut driver = Self {
            bus: FakeBus::new(host(device)),
            rings: (0..)
                .zip(sizes)
                .map(|(i, size)| Rings::new(i, *size))
                .collect(),
            structures: Vec::new(),
        };
        driver.switch_on(6);
        driver.find_structures();
        driver
    }

    /// Gives the function its addresses and the command register this value.
    fn switch_on(&mut self, command: u64) {
        self.set_config(0x14, Width::B4, MESSAGES);
        self.set_config(0x20, Width::B4, REGISTERS & 0xffff_ffff);
        self.set_config(0x24, Width::B4, REGISTERS >> 32);
        self.set_config(4, Width::B2, command);
    }

    fn find_structures(&mut self) {
        let mut at = self.config(0x34, Width::B1);
        while at != 0 {
            if self.config(at, Width::B1) == 9 {
                let kind = self.config(at + 3, Width::B1);
                let offset = self.config(at + 8, Width::B4);
                assert!(kind == 5 || self.config(at + 4, Width::B1) == 4);
                self.structures.push((kind, offset, at));
            }
            at = self.config(at + 1, Width::B1);
        }
    }

    fn structure(&self, kind: u64) -> (u64, u64) {
        let found = self.structures.iter().find(|(k, ..)| *k == kind);
        found.map(|(_, offset, at)| (*offset, *at)).unwrap()
    }

    fn load(&mut self, window: usize, offset: u64, width: Width) -> u64 {
        self.bus.call(
            |host, cx| match host.window(window).unwrap().read(offset, width, cx) {
                Answer::Done(value) => value,
                other => panic!("{other:?}"),
            },
        )
    }

    fn store(&mut self, window: usize, offset: u64, width: Width, value: u64) {
        self.bus
            .call(|host, cx| host.window(window).unwrap().write(offset, width, value, cx));
    }

    fn config(&mut self, register: u64, width: Width) -> u64 {
        self.load(ECAM, SLOT << 15 | register, width)
    }

    fn set_config(&mut self, register: u64, width: Width, value: u64) {
        self.store(ECAM, SLOT << 15 | register, width, value);
    }

    /// A field of the common structure.
    fn common(&mut self, offset: u64, width: Width) -> u64 {
        let base = self.structure(1).0;
        self.load(HIGH, base + offset, width)
    }

    fn set_common(&mut self, offset: u64, width: Width, value: u64) {
        let base = self.structure(1).0;
        self.store(HIGH, base + offset, width, value);
    }

    /// The reasons of the interrupt, which reading acknowledges.
    fn reasons(&mut self) -> u64 {
        let base = self.structure(3).0;
        self.load(HIGH, base, Width::B1)
    }

    /// The steps of VIRTIO 1.3, section 3.1.1, with vector 1 + n for queue n if `messages`.
    fn start(&mut self, messages: bool) {
        self.set_common(0x14, Width::B1, 0);
        assert_eq!(self.common(0x14, Width::B1), 0);
        self.set_common(0x14, Width::B1, 3);
        for half in 0..2 {
            self.set_common(8, Width::B4, half);
            self.set_common(0xc, Width::B4, F_VERSION_1 >> (32 * half) & 0xffff_ffff);
            assert_eq!(
                self.common(0xc, Width::B4),
                F_VERSION_1 >> (32 * half) & 0xffff_ffff
            );
        }
        self.set_common(0x14, Width::B1, 11);
        assert_eq!(self.common(0x14, Width::B1), 11);
        if messages {
            self.set_config(0x42, Width::B2, 0x8000);
            self.set_common(0x10, Width::B2, 0);
            for vector in 0..=self.rings.len() as u64 {
                self.store(MEMORY, 16 * vector, Width::B8, 0x2400_0000);
                self.store(MEMORY, 16 * vector + 8, Width::B8, 0x70 + vector);
            }
        }
        for queue in 0..self.rings.len() {
            self.enable(queue, messages);
        }
        self.set_common(0x14, Width::B1, 15);
    }

    fn enable(&mut self, queue: usize, messages: bool) {
        let Rings {
            size,
            descriptors,
            driver,
            device,
            ..
        } = self.rings[queue];
        self.set_common(0x16, Width::B2, queue as u64);
        assert_eq!(
            self.common(0x18, Width::B2),
            u64::from(size),
            "the greatest size"
        );
        self.set_common(0x20, Width::B8, descriptors);
        self.set_common(0x28, Width::B4, driver & 0xffff_ffff);
        self.set_common(0x2c, Width::B4, driver >> 32);
        self.set_common(0x30, Width::B8, device);
        assert_eq!(self.common(0x20, Width::B8), descriptors);
        if messages {
            self.set_common(0x1a, Width::B2, 1 + queue as u64);
            assert_eq!(self.common(0x1a, Width::B2), 1 + queue as u64);
        }
        self.set_common(0x1c, Width::B2, 1);
        assert_eq!(self.common(0x1c, Width::B2), 1);
    }

    fn kick(&mut self, queue: usize) {
        let (base, at) = self.structure(2);
        let step = self.config(at + 16, Width::B4);
        self.set_common(0x16, Width::B2, queue as u64);
        let offset = self.common(0x1e, Width::B2);
        self.store(HIGH, base + step * offset, Width::B2, queue as u64);
    }

    fn send(&mut self, queue: usize, buffers: &[(u64, u32, u16)]) {
        self.rings[queue].chain(&self.bus.ram, buffers);
        self.kick(queue);
    }

    fn used(&mut self, queue: usize) -> usize {
        self.rings[queue].used(&self.bus.ram).len()
    }
}

fn rng() -> Driver {
    Driver::new(Box::new(Rng))
}

#[test]
fn the_function_has_the_names_and_structures_of_the_standard() {
    let mut driver = rng();
    assert_eq!(driver.config(0, Width::B4), 0x1044_1af4);
    assert_eq!(driver.config(8, Width::B4), 0x00ff_0001);
    let mut kinds: Vec<_> = driver.structures.iter().map(|(kind, ..)| *kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [1, 2, 3, 4, 5]);
    assert_eq!(driver.common(0x12, Width::B2), 1, "queues");
    driver.set_common(0, Width::B4, 1);
    assert_eq!(driver.common(4, Width::B4), F_VERSION_1 >> 32);
    driver.set_common(0x16, Width::B2, 1);
    assert_eq!(
        driver.common(0x18, Width::B2),
        0,
        "a queue that does not exist"
    );
    driver.set_common(0x10, Width::B2, 2);
    assert_eq!(
        driver.common(0x10, Width::B2),
        0xffff,
        "a vector that does not exist"
    );
}

#[test]
fn the_line_is_raised_and_reading_the_reasons_lowers_it() {
    let mut driver = rng();
    driver.start(false);
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!(driver.used(0), 1);
    assert!(driver.bus.level(SLOT as u32 % 4));
    assert_eq!(driver.reasons(), 1);
    assert!(!driver.bus.level(SLOT as u32 % 4));
    assert_eq!((driver.reasons(), driver.bus.messages.len()), (0, 0));
}

#[test]
fn each_queue_has_its_message_and_changes_have_one() {
    let mut driver = Driver::new(Box::new(PortConsole::new(Box::new(
        vm_device_bus::NullConsole,
    ))));
    driver.start(true);
    driver.send(1, &[(DATA, 16, 0)]);
    let message = |data| Message {
        addr: GuestPhys(0x2400_0000),
        data,
    };
    assert_eq!(std::mem::take(&mut driver.bus.messages), [message(0x72)]);
    assert_eq!(driver.reasons(), 0);
    driver.rings[1].set_index(&driver.bus.ram, 0x8000);
    driver.kick(1);
    assert_eq!(
        driver.bus.messages,
        [message(0x70)],
        "the device needs a reset"
    );
    assert_eq!(driver.common(0x14, Width::B1), 15 | 64);
    assert!(driver.bus.lines.iter().all(|line| !line.level));
}

#[test]
fn a_reset_forgets_vectors_and_reasons() {
    let mut driver = rng();
    driver.start(false);
    driver.send(0, &[(DATA, 16, WRITE)]);
    driver.set_common(0x10, Width::B2, 1);
    driver.set_common(0x1a, Width::B2, 1);
    driver.set_common(0x14, Width::B1, 0);
    assert!(!driver.bus.level(SLOT as u32 % 4));
    assert_eq!(driver.common(0x10, Width::B2), 0xffff);
    assert_eq!(driver.common(0x1a, Width::B2), 0xffff);
    assert_eq!(driver.reasons(), 0);
}

#[test]
fn a_device_that_may_not_touch_memory_waits() {
    let mut driver = rng();
    driver.start(false);
    driver.set_config(4, Width::B2, 2);
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!(driver.used(0), 0);
    driver.set_config(4, Width::B2, 6);
    assert_eq!(driver.used(0), 1);
    assert_eq!(driver.reasons(), 1);
}

#[test]
fn structures_are_reached_through_configuration_space() {
    let mut driver = rng();
    let (common, at) = (driver.structure(1).0, driver.structure(5).1);
    let choose = |driver: &mut Driver, bar, offset, bytes| {
        driver.set_config(at + 4, Width::B1, bar);
        driver.set_config(at + 8, Width::B4, offset);
        driver.set_config(at + 12, Width::B4, bytes);
    };
    choose(&mut driver, 4, common + 0x14, 1);
    driver.set_config(at + 16, Width::B1, 3);
    assert_eq!(driver.common(0x14, Width::B1), 3);
    assert_eq!(driver.config(at + 16, Width::B1), 3);
    choose(&mut driver, 4, common + 0x12, 2);
    assert_eq!(driver.config(at + 16, Width::B4), 1, "queues");
    for (bar, offset, bytes) in [(1, 0, 4), (4, 0x4000, 4), (4, common + 0x13, 2), (4, 0, 8)] {
        choose(&mut driver, bar, offset, bytes);
        driver.set_config(at + 16, Width::B4, 0x5a);
        assert_eq!(
            driver.config(at + 16, Width::B4),
            0x5a,
            "{bar} {offset} {bytes}: data only"
        );
        let untouched = (driver.common(0, Width::B4), driver.common(0x14, Width::B1));
        assert_eq!(untouched, (0, 3));
    }
}

#[test]
fn a_saved_function_goes_on_where_it_was() {
    let mut driver = rng();
    driver.start(true);
    driver.send(0, &[(DATA, 16, WRITE)]);
    let mut copy = host(Box::new(Rng));
    assert!(driver.bus.survives(&mut copy));
    driver.bus.device = copy;
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!((driver.used(0), driver.bus.messages.len()), (2, 2));
    driver.bus.device.reset();
    assert_eq!(driver.config(4, Width::B2), 0);
    driver.switch_on(2);
    driver.rings[0] = Rings::new(0, 8);
    driver.rings[0].set_index(&driver.bus.ram, 0);
    driver
        .bus
        .ram
        .store(GuestPhys(driver.rings[0].device), Width::B8, 0);
    driver.start(false);
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!(driver.used(0), 0, "after a reset it is no bus master");
    let console = PortConsole::new(Box::new(vm_device_bus::NullConsole));
    assert!(
        !driver.bus.survives(&mut host(Box::new(console))),
        "another device is refused"
    );
}

#[test]
fn the_transport_weathers_a_storm() {
    for seed in 1..=4 {
        let mut chance = Chance(seed);
        let mut driver = rng();
        driver.start(seed % 2 == 0);
        for step in 0..20_000 {
            let width = chance.one(&[Width::B1, Width::B2, Width::B4, Width::B8]);
            let register = chance.below(0x100);
            let (window, offset) = match chance.below(4) {
                0 => (ECAM, SLOT << 15 | register),
                1 => (MEMORY, chance.below(0x1000)),
                _ => (HIGH, chance.below(4) << 12 | chance.below(0x40)),
            };
            let offset = offset & !(width.bytes() - 1);
            let value = chance.one(&[0, 1, 4, 15, 0xff, 0x8000_1000, u64::MAX]);
            // Base addresses and decoding stay, or the rest of the storm meets nothing.
            if window != ECAM || offset & 0xff >= 0x28 {
                driver.store(window, offset, width, value & width.mask());
            }
            driver.load(window, offset, width);
            if step % 1000 == 0 {
                assert!(
                    driver.bus.survives(&mut host(Box::new(Rng))),
                    "seed {seed}, {step}"
                );
            }
        }
        driver.set_config(0x42, Width::B2, 0);
        driver.rings[0] = Rings::new(0, 8);
        driver.rings[0].set_index(&driver.bus.ram, 0);
        driver
            .bus
            .ram
            .store(GuestPhys(driver.rings[0].device), Width::B8, 0);
        driver.start(false);
        driver.send(0, &[(DATA, 16, WRITE)]);
        assert_eq!(
            driver.used(0),
            1,
            "seed {seed}: after a reset it works again"
        );
    }
}
