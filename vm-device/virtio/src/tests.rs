//! Tests of queues, negotiation and the MMIO transport, with the entropy device.

use vm_core::{Answer, Fault, Fields, Section, StateError, Width};
use vm_device_bus::testing::{FakeBus, RAM_BASE};
use vm_device_bus::{Device, Interrupts, Site, Value};

use crate::testing::{DATA, Driver, INDIRECT, NEXT, RAM_BYTES, Rings, WRITE, storm};
use crate::{F_EVENT_IDX, F_VERSION_1, Io, MmioSlot, Register, Rng, VirtioDevice};

fn rng(features: u64) -> Driver {
    Driver::new(Box::new(Rng), features)
}

#[test]
fn an_empty_slot_has_no_device() {
    let mut bus = FakeBus::new(MmioSlot::empty());
    for (offset, expected) in [(0, 0x7472_6976), (4, 2), (8, 0), (0x70, 0), (0x100, 0)] {
        assert_eq!(bus.value(offset, Width::B4), expected, "{offset:#x}");
    }
    bus.write(0x70, Width::B4, 15);
    bus.write(0x50, Width::B4, 0);
    assert!(bus.survives(&mut MmioSlot::empty()));
    assert!(
        !bus.survives(&mut MmioSlot::new(Box::new(Rng))),
        "another device is refused"
    );
}

#[test]
fn registers_answer_only_whole_and_in_their_direction() {
    let mut bus = rng(0).bus;
    for (offset, width, store, fault) in [
        (0, Width::B2, false, Fault::Size),
        (0, Width::B8, false, Fault::Size),
        (0, Width::B4, true, Fault::ReadOnly),
        (0x50, Width::B4, false, Fault::ReadOnly),
        (0x0c0, Width::B4, true, Fault::NoRegister),
    ] {
        let answer = if store {
            bus.write(offset, width, 0)
        } else {
            bus.read(offset, width)
        };
        assert_eq!(answer, Answer::Fault(fault), "{offset:#x} {width:?}");
    }
}

#[test]
fn features_are_agreed_on_or_refused() {
    for (features, status) in [
        (F_VERSION_1, 11),
        (F_VERSION_1 | F_EVENT_IDX, 11),
        (0, 3),
        (F_VERSION_1 | 1, 3),
        (F_VERSION_1 | 1 << 40, 3),
    ] {
        let mut driver = rng(0);
        driver.set(Register::Status, 0);
        driver.set(Register::Status, 3);
        for half in 0..2 {
            driver.set(Register::DriverFeaturesSel, half);
            driver.set(
                Register::DriverFeatures,
                features >> (32 * half) & 0xffff_ffff,
            );
        }
        driver.set(Register::Status, 11);
        assert_eq!(driver.value(Register::Status), status, "{features:#x}");
        driver.set(Register::Status, 7);
        let started = driver.value(Register::Status) & 4 != 0;
        assert_eq!(started, status == 11, "{features:#x}");
    }
}

#[test]
fn chains_come_back_filled_and_raise_the_interrupt() {
    let mut driver = rng(0);
    let head = driver.send(0, &[(DATA, 16, WRITE), (DATA + 0x100, 8, WRITE)]);
    assert_eq!(driver.used(0), [(u64::from(head), 24)]);
    assert_ne!(driver.bytes(DATA, 16), [0; 16]);
    assert_ne!(driver.bytes(DATA + 0x100, 8), [0; 8]);
    assert_eq!(driver.bytes(DATA + 16, 8), [0; 8]);
    assert_eq!(driver.interrupt(), 1);
}

#[test]
fn nothing_happens_before_the_driver_is_ready() {
    let mut driver = rng(0);
    driver.set(Register::Status, 0);
    driver.set(Register::Status, 3);
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!((driver.used(0), driver.interrupt()), (vec![], 0));
}

#[test]
fn chains_offered_before_the_driver_is_ready_are_found_when_it_is() {
    let mut driver = rng(0);
    driver.set(Register::Status, 0);
    driver.rings[0].chain(&driver.bus.ram, &[(DATA, 16, WRITE)]);
    driver.start(0);
    assert_eq!(driver.used(0).len(), 1);
}

#[test]
fn interrupts_are_suppressed_by_flag_and_by_event_index() {
    let mut driver = rng(0);
    for (flags, reasons) in [(0, 1), (1, 0), (0, 1)] {
        driver.rings[0].set_flags(&driver.bus.ram, flags);
        driver.send(0, &[(DATA, 4, WRITE)]);
        assert_eq!(driver.interrupt(), reasons, "flags {flags}");
    }
    let mut driver = rng(F_EVENT_IDX);
    for (event, reasons) in [(0, 1), (2, 0), (2, 1), (9, 0)] {
        driver.rings[0].set_used_event(&driver.bus.ram, event);
        driver.send(0, &[(DATA, 4, WRITE)]);
        assert_eq!(driver.interrupt(), reasons, "used event {event}");
    }
    assert_eq!(driver.rings[0].avail_event(&driver.bus.ram), 4);
}

#[test]
fn each_reason_is_acknowledged_by_itself() {
    let mut driver = rng(0);
    driver.send(0, &[(DATA, 4, WRITE)]);
    driver.rings[0].set_index(&driver.bus.ram, 0x8000);
    driver.set(Register::QueueNotify, 0);
    assert_eq!(driver.value(Register::InterruptStatus), 3);
    driver.set(Register::InterruptAck, 1);
    assert_eq!(driver.value(Register::InterruptStatus), 2);
    assert!(driver.bus.level(0));
    assert_eq!(driver.interrupt(), 2);
}

#[test]
fn nobody_is_given_more_chance_than_the_limit() {
    let mut driver = rng(0);
    driver.send(0, &[(DATA, 5000, WRITE), (DATA, 5000, WRITE)]);
    assert_eq!(driver.used(0), [(0, 4096)]);
}

#[test]
fn indirect_tables_are_followed_once() {
    let mut driver = rng(0);
    Rings::describe(&driver.bus.ram, DATA, DATA + 0x100, 8, WRITE | NEXT, 1);
    Rings::describe(&driver.bus.ram, DATA + 16, DATA + 0x200, 8, WRITE, 0);
    driver.send(0, &[(DATA, 32, INDIRECT)]);
    assert_eq!(driver.used(0), [(0, 16)]);
    Rings::describe(&driver.bus.ram, DATA + 16, DATA, 32, INDIRECT, 0);
    driver.send(0, &[(DATA, 32, INDIRECT)]);
    assert!(driver.broken(), "a table inside a table");
}

/// One malformed use of a queue of eight descriptors.
fn malformed(name: &str, breaks: bool, build: impl FnOnce(&mut Driver)) {
    let mut driver = rng(0);
    build(&mut driver);
    driver.set(Register::QueueNotify, 0);
    assert_eq!(driver.broken(), breaks, "{name}");
    assert_eq!(
        driver.interrupt() & 2 != 0,
        breaks,
        "{name}: a change of status is told"
    );
    if breaks {
        let before = driver.rings[0].used_index(&driver.bus.ram);
        driver.send(0, &[(DATA, 4, WRITE)]);
        assert_eq!(
            driver.rings[0].used_index(&driver.bus.ram),
            before,
            "{name}: it stopped"
        );
    }
    driver.rings[0] = Rings::new(0, 8);
    driver.rings[0].set_index(&driver.bus.ram, 0);
    driver.start(0);
    driver.send(0, &[(DATA, 4, WRITE)]);
    assert_eq!(
        driver.used(0).len(),
        1,
        "{name}: after a reset it works again"
    );
}

#[test]
fn malformed_chains_harm_only_their_driver() {
    let raw = |driver: &mut Driver, index, addr, bytes, flags, next| {
        driver.rings[0].raw(&driver.bus.ram, index, addr, bytes, flags, next);
    };
    let offer = |driver: &mut Driver, head| driver.rings[0].offer(&driver.bus.ram, head);
    malformed("a loop of one", true, |d| {
        raw(d, 0, DATA, 4, WRITE | NEXT, 0);
        offer(d, 0);
    });
    malformed("a loop of eight", true, |d| {
        (0..8).for_each(|i| raw(d, i, DATA, 4, WRITE | NEXT, (i + 1) % 8));
        offer(d, 3);
    });
    malformed("a next outside the table", true, |d| {
        raw(d, 0, DATA, 4, WRITE | NEXT, 8);
        offer(d, 0);
    });
    malformed("a head outside the table", true, |d| offer(d, 8));
    malformed("a buffer outside RAM", true, |d| {
        raw(d, 0, 0x1000, 4, WRITE, 0);
        offer(d, 0);
    });
    malformed("a buffer across the end of RAM", true, |d| {
        raw(d, 0, RAM_BASE + RAM_BYTES - 2, 4, WRITE, 0);
        offer(d, 0);
    });
    malformed("a buffer across the end of the address space", true, |d| {
        raw(d, 0, u64::MAX - 1, 4, WRITE, 0);
        offer(d, 0);
    });
    malformed("more than 4 GiB", true, |d| {
        (0..8).for_each(|i| raw(d, i, RAM_BASE, u32::MAX, WRITE | NEXT, i + 1));
        offer(d, 0);
    });
    malformed("a readable buffer after a writable one", true, |d| {
        raw(d, 0, DATA, 4, WRITE | NEXT, 1);
        raw(d, 1, DATA, 4, 0, 0);
        offer(d, 0);
    });
    malformed("an indirect table longer than the queue", true, |d| {
        for i in 0..8 {
            Rings::describe(
                &d.bus.ram,
                DATA + 16 * i,
                DATA,
                4,
                WRITE | NEXT,
                i as u16 + 1,
            );
        }
        Rings::describe(&d.bus.ram, DATA + 16 * 8, DATA, 4, WRITE, 0);
        raw(d, 0, DATA, 144, INDIRECT, 0);
        offer(d, 0);
    });
    malformed("an indirect table of an odd length", true, |d| {
        raw(d, 0, DATA, 17, INDIRECT, 0);
        offer(d, 0);
    });
    malformed("an indirect table outside RAM", true, |d| {
        raw(d, 0, 0x1000, 32, INDIRECT, 0);
        offer(d, 0);
    });
    malformed("an index that jumps past the ring", true, |d| {
        d.rings[0].set_index(&d.bus.ram, 9);
    });
    malformed("an index that goes back", true, |d| {
        d.rings[0].set_index(&d.bus.ram, 0xffff);
    });
    malformed("an empty buffer", false, |d| {
        raw(d, 0, 0, 0, WRITE, 0);
        offer(d, 0);
    });
    malformed("only readable buffers", false, |d| {
        raw(d, 0, DATA, 4, 0, 0);
        offer(d, 0);
    });
    malformed("one head eight times", false, |d| {
        raw(d, 0, DATA, 4, WRITE, 0);
        (0..8).for_each(|_| offer(d, 0));
    });
}

#[test]
fn impossible_rings_are_refused() {
    let check = |name: &str, change: &dyn Fn(&mut Rings)| {
        let mut driver = rng(0);
        driver.set(Register::Status, 0);
        driver.rings[0] = Rings::new(0, 8);
        change(&mut driver.rings[0]);
        driver.start(0);
        assert!(driver.broken(), "{name}");
    };
    check("size 0", &|rings| rings.size = 0);
    check("size 3", &|rings| rings.size = 3);
    check("size 16 of 8", &|rings| rings.size = 16);
    check("descriptors not aligned", &|rings| rings.descriptors += 8);
    check("driver ring not aligned", &|rings| rings.driver += 1);
    check("device ring not aligned", &|rings| rings.device += 2);
    check("descriptors outside RAM", &|rings| {
        rings.descriptors = 0x1000;
    });
    check("device ring across the end", &|rings| {
        rings.device = RAM_BASE + RAM_BYTES - 8;
    });
    check("driver ring at the end of all", &|rings| {
        rings.driver = u64::MAX - 1;
    });
}

#[test]
fn one_call_takes_no_more_chains_than_the_queue_has() {
    let mut driver = rng(0);
    for round in 1..=3_u16 {
        for _ in 0..8 {
            driver.rings[0].chain(&driver.bus.ram, &[(DATA, 4, WRITE)]);
        }
        driver.set(Register::QueueNotify, 0);
        assert_eq!(driver.rings[0].used_index(&driver.bus.ram), 8 * round);
    }
}

#[test]
fn a_saved_device_goes_on_where_it_was() {
    let mut driver = rng(F_EVENT_IDX);
    driver.send(0, &[(DATA, 16, WRITE)]);
    let mut copy = MmioSlot::new(Box::new(Rng));
    assert!(driver.bus.survives(&mut copy));
    driver.bus.device = copy;
    driver.send(0, &[(DATA, 16, WRITE)]);
    assert_eq!(driver.used(0).len(), 2);
}

#[test]
fn the_description_is_that_of_the_binding() {
    let site = Site {
        base: 0x1000_1000,
        bytes: 0x1000,
        interrupts: Interrupts {
            parent: 9,
            cells: vec![vec![1]],
        },
        ..Site::default()
    };
    let node = MmioSlot::empty().describe(&site).unwrap();
    assert_eq!(node.name, "virtio_mmio@10001000");
    assert_eq!(
        node.value("compatible"),
        Some(&Value::Text(vec!["virtio,mmio".into()]))
    );
    assert_eq!(node.value("interrupts"), Some(&Value::Cells(vec![1])));
}

#[test]
fn the_entropy_device_weathers_a_storm() {
    (1..=8).for_each(|seed| storm(seed, || Box::new(Rng), &[]));
}

/// A device with a driver that offers each chain again as fast as it is taken.
struct Treadmill;

impl VirtioDevice for Treadmill {
    fn id(&self) -> u16 {
        4
    }

    fn kind(&self) -> &'static str {
        "treadmill"
    }

    fn pci_class(&self) -> u32 {
        0
    }

    fn features(&self) -> u64 {
        0
    }

    fn queues(&self) -> &'static [u16] {
        &[8]
    }

    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    fn notify(&mut self, queue: usize, io: &mut Io) {
        while let Some(chain) = io.pop(queue) {
            io.push(queue, chain.head, 0);
            let rings = Rings::new(queue, 8);
            let given = rings.used_index(io.cx.ram);
            rings.set_index(io.cx.ram, given + 1);
        }
    }

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }
}

#[test]
fn a_driver_on_another_cpu_can_not_keep_the_device_for_ever() {
    for features in [0, F_EVENT_IDX] {
        let mut driver = Driver::new(Box::new(Treadmill), features);
        driver.send(0, &[(DATA, 4, WRITE)]);
        assert_eq!(driver.rings[0].used_index(&driver.bus.ram), 8);
        assert!(driver.bus.survives(&mut MmioSlot::new(Box::new(Treadmill))));
        driver.bus.run_until(1000);
        assert_eq!(
            driver.rings[0].used_index(&driver.bus.ram),
            16,
            "it goes on later"
        );
    }
}

#[test]
fn states_that_no_driver_could_have_made_are_refused() {
    let mut driver = rng(0);
    driver.send(0, &[(DATA, 4, WRITE)]);
    let mut good = Section::new("slot", 1);
    driver.bus.device.save(&mut good);
    let fields = good.fields();
    let names = [
        "interrupt",
        "device_id",
        "status",
        "driver_features",
        "generation",
        "resume_ns",
    ];
    let selects = [
        "device_feature_select",
        "driver_feature_select",
        "queue_select",
    ];
    let check = |name: &str, value: u64, queue: &[u64]| {
        let mut section = Section::new("slot", 1);
        for field in names.into_iter().chain(selects) {
            let old = fields.u64(field).unwrap();
            section.u64(field, if field == name { value } else { old });
        }
        section.words("queue0", queue);
        section.bytes("device", fields.bytes("device").unwrap());
        MmioSlot::new(Box::new(Rng))
            .restore(&section.fields())
            .is_ok()
    };
    let queue = fields.words("queue0").unwrap();
    assert!(check("", 0, &queue));
    for (name, value) in [
        ("interrupt", 4),
        ("device_id", 2),
        ("status", 256),
        ("driver_features", 1 << 50),
        ("generation", 1 << 32),
        ("queue_select", 1 << 32),
    ] {
        assert!(!check(name, value, &queue), "{name}");
    }
    assert!(!check("", 0, &queue[1..]), "a word too few");
    for (word, value) in [
        (0, 0),
        (0, 3),
        (0, 16),
        (0, 1 << 16),
        (1, 1 << 16),
        (4, 1),
        (5, 1),
    ] {
        let mut queue = queue.clone();
        queue[word] = value;
        assert!(!check("", 0, &queue), "word {word} = {value}");
    }
}
