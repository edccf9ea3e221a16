//! Tests of configuration space, windows, interrupts and the description.

use vm_core::{Access, AccessKind, Answer, Entropy, Events, GuestPhys, Section, Space, Width};
use vm_device_bus::testing::FakeBus;
use vm_device_bus::{Bus, Device, Env, Interrupts, Message, Place, Site, Value};

use crate::Config;
use crate::testing::{Bench, ECAM, HIGH, IDENTITY, Latch, MEMORY, PORTS, host};

#[test]
fn configuration_space_is_found_at_slots_that_are_taken() {
    let mut bench = Bench::new();
    for (offset, expected) in [
        (0, 0x0008_1b36),
        (1 << 15, 0x5678_1234),
        (1 << 15 | 8, 0xff00_0109),
        (1 << 15 | 0x2c, 0x0042_1af4),
        (1 << 15 | 0x3c, 0x100),
        (1 << 15 | 0x100, 0),
        (2 << 15, 0xffff_ffff),
        (6 << 15, 0x5678_1234),
        (1 << 15 | 1 << 12, 0xffff_ffff),
        (1 << 20, 0xffff_ffff),
        (0xfff_fffc, 0xffff_ffff),
    ] {
        assert_eq!(bench.load(ECAM, offset, Width::B4), expected, "{offset:#x}");
    }
    assert_eq!(bench.load(ECAM, 1 << 15 | 2, Width::B2), 0x5678);
    assert_eq!(bench.load(ECAM, 1 << 15 | 3, Width::B1), 0x56);
}

#[test]
fn only_what_is_writable_changes() {
    let mut bench = Bench::new();
    for (register, before, after) in [
        (0x00, 0x5678_1234, 0x5678_1234),
        (0x04, 0x0010_0000, 0x0010_0547),
        (0x08, 0xff00_0109, 0xff00_0109),
        (0x0c, 0, 0xff),
        (0x10, 0, 0xffff_f000),
        (0x14, 0, 0),
        (0x18, 0xc, 0xffff_c00c),
        (0x1c, 0, 0xffff_ffff),
        (0x20, 1, 0xffff_ffe1),
        (0x24, 0, 0),
        (0x30, 0, 0),
        (0x34, 0x40, 0x40),
        (0x3c, 0x100, 0x1ff),
        (0x40, 0x0002_4c11, 0xc002_4c11),
        (0x44, 0, 0),
        (0x48, 0x400, 0x400),
        (0x4c, 0xaa04_0009, 0xfa04_0009),
        (0x100, 0, 0),
    ] {
        assert_eq!(bench.config(1, register), before, "{register:#x}");
        bench.set_config(1, register, 0xffff_ffff);
        assert_eq!(bench.config(1, register), after, "{register:#x}");
    }
}

#[test]
fn ranges_answer_where_they_were_put_and_when_they_are_switched_on() {
    const ONES: u64 = 0xffff_ffff;
    let mut bench = Bench::new();
    for (command, memory, ports) in [(0, false, false), (1, false, true), (2, true, false)] {
        bench.place(6, command);
        let expect = |on, bar: u64| if on { bar << 24 } else { ONES };
        let mut at = |window, offset| bench.load(window, offset, Width::B4);
        assert_eq!(at(MEMORY, 0x6500), expect(memory, 0), "command {command}");
        assert_eq!(at(HIGH, 0x1_8000), expect(memory, 2), "command {command}");
        assert_eq!(at(PORTS, 0xc4), expect(ports, 4), "command {command}");
        assert_eq!(at(MEMORY, 0x5fff & !3), ONES);
        assert_eq!(at(MEMORY, 0x7000), ONES);
        assert_eq!(at(PORTS, 0xe0), ONES);
    }
    assert_eq!(bench.load(MEMORY, 0x6500, Width::B8) >> 32, 0x500);
    bench.poke(6, 0, 0);
    bench.poke(6, 0x500, 7);
    assert_eq!(bench.load(HIGH, 0x1_8000, Width::B4), 2 << 24 | 7);
}

#[test]
fn lines_are_swizzled_shared_and_switched_off() {
    let mut bench = Bench::new();
    bench.place(1, 6);
    bench.place(6, 6);
    bench.poke(1, 0x800, 1);
    assert!(bench.0.level(1), "slot 1, INTA");
    bench.poke(6, 0x800, 1);
    assert!(bench.0.level(2), "slot 6, INTA");
    assert_eq!(bench.config(6, 4) >> 19 & 1, 1);
    bench.set_config(6, 4, 0x406);
    assert!(!bench.0.level(2), "switched off by the command register");
    bench.set_config(6, 4, 6);
    assert!(bench.0.level(2));
    bench.set_config(6, 0x40, 0x8000_0000);
    assert!(!bench.0.level(2), "messages instead");
    bench.poke(1, 0x800, 0);
    assert!(!bench.0.level(1));

    let mut shared = Bench(FakeBus::new(host(&[1, 5])));
    shared.place(1, 6);
    shared.place(5, 6);
    shared.poke(1, 0x800, 1);
    shared.poke(5, 0x800, 1);
    shared.poke(1, 0x800, 0);
    assert!(shared.0.level(1), "the other one still holds it");
    shared.poke(5, 0x800, 0);
    assert!(!shared.0.level(1));
}

#[test]
fn messages_are_sent_when_all_switches_permit() {
    let mut bench = Bench::new();
    let message = |vector: u32| Message {
        addr: GuestPhys(0x1_0000_0000 + 0x1000 * u64::from(vector)),
        data: 0x50 + vector,
    };
    let sent = |bench: &mut Bench| std::mem::take(&mut bench.0.messages);
    bench.place(6, 6);
    bench.poke(6, 0x808, 0);
    assert_eq!(sent(&mut bench), [], "not enabled");
    bench.set_config(6, 0x40, 0x8000_0000);
    bench.vector(6, 1, 0);
    bench.poke(6, 0x808, 1);
    assert_eq!(sent(&mut bench), [message(1)]);
    bench.poke(6, 0x808, 2);
    bench.poke(6, 0x808, 99);
    assert_eq!(sent(&mut bench), [], "a masked vector, and none");
    assert_eq!(bench.load(MEMORY, 0x6400, Width::B8), 4, "it is pending");
    bench.vector(6, 2, 0);
    assert_eq!(sent(&mut bench), [message(2)], "unmasked");
    assert_eq!(bench.load(MEMORY, 0x6400, Width::B4), 0);
    bench.set_config(6, 0x40, 0xc000_0000);
    bench.poke(6, 0x808, 2);
    assert_eq!(sent(&mut bench), [], "all masked");
    bench.set_config(6, 0x40, 0x8000_0000);
    assert_eq!(sent(&mut bench), [message(2)]);
    bench.set_config(6, 4, 2);
    bench.poke(6, 0x808, 1);
    assert_eq!(sent(&mut bench), [], "no bus master");
    bench.set_config(6, 4, 6);
    assert_eq!(sent(&mut bench), [message(1)]);
    assert_eq!(
        bench.load(MEMORY, 0x6028, Width::B8),
        0x52,
        "data and control of vector 2"
    );
}

#[test]
fn every_function_has_its_own_time() {
    let mut bench = Bench::new();
    bench.place(1, 6);
    bench.place(6, 6);
    bench.poke(1, 0x810, 500);
    bench.poke(6, 0x810, 300);
    bench.0.run_until(400);
    assert_eq!((bench.0.level(1), bench.0.level(2)), (false, true));
    bench.poke(1, 0x810, 0);
    bench.0.run_until(1000);
    assert!(!bench.0.level(1), "it was cancelled");
}

#[test]
fn a_saved_bus_is_restored_and_another_one_refused() {
    let mut bench = Bench::new();
    bench.place(6, 6);
    bench.set_config(6, 0x40, 0xc000_0000);
    bench.vector(6, 1, 0);
    bench.poke(6, 0x808, 1);
    bench.poke(6, 0x500, 7);
    let mut saved = Section::new("pci", 1);
    bench.0.device.save(&mut saved);
    let refused = |slots: &[u8], change: &dyn Fn(&mut Latch)| {
        let (mut other, mut latch) = (host(slots), Latch::new());
        change(&mut latch);
        other.add(6, latch);
        other.restore(&saved.fields()).is_err()
    };
    assert!(refused(&[], &|_| ()), "a slot is missing");
    assert!(refused(&[1, 5], &|_| ()), "a slot too many");
    assert!(!refused(&[1], &|_| ()));
    let added = |latch: &mut Latch| {
        latch.config.capability(9, &[4, 1], &[]);
    };
    assert!(refused(&[1], &added), "another function");
    let bare = |latch: &mut Latch| latch.config = Config::new(&IDENTITY);
    assert!(refused(&[1], &bare), "a function without vectors");
    let mut copy = host(&[1, 6]);
    assert!(bench.0.survives(&mut copy));
    bench.0.device = copy;
    assert_eq!(bench.load(MEMORY, 0x6500, Width::B4), 7);
    bench.set_config(6, 0x40, 0x8000_0000);
    assert_eq!(bench.0.messages.len(), 1, "what was pending is sent");
    bench.0.device.reset();
    assert_eq!(bench.load(MEMORY, 0x6500, Width::B4), 0xffff_ffff);
    assert_eq!(bench.config(6, 0x40), 0x0002_4c11);
}

#[test]
fn a_line_that_was_up_goes_down_after_a_restore() {
    let mut bench = Bench::new();
    bench.place(6, 6);
    bench.poke(6, 0x800, 1);
    let mut copy = host(&[1, 6]);
    assert!(bench.0.survives(&mut copy) && bench.0.level(2));
    bench.0.device = copy;
    bench.poke(6, 0x800, 0);
    assert!(!bench.0.level(2));
}

#[test]
fn a_time_that_was_asked_for_can_be_cancelled_after_a_restore() {
    let mut bench = Bench::new();
    bench.place(6, 6);
    bench.poke(6, 0x810, 500);
    let mut copy = host(&[1, 6]);
    assert!(bench.0.survives(&mut copy));
    bench.0.device = copy;
    bench.poke(6, 0x810, 0);
    bench.0.run_until(1000);
    assert!(!bench.0.level(2));
}

#[test]
fn the_address_of_a_message_is_a_word() {
    let mut bench = Bench::new();
    bench.place(6, 6);
    bench.poke(6, 0, 0x2403);
    assert_eq!(bench.load(MEMORY, 0x6000, Width::B4), 0x2400);
    bench.store(MEMORY, 0x6008, Width::B1, 0xff);
    assert_eq!(
        bench.load(MEMORY, 0x6008, Width::B4),
        0,
        "narrow stores mean nothing"
    );
}

#[test]
fn slots_are_taken_once() {
    let mut host = host(&[1]);
    assert!(!host.add(1, Latch::new()));
    assert!(!host.add(0, Latch::new()));
    assert!(!host.add(32, Latch::new()));
    assert!(host.add(31, Latch::new()));
    assert_eq!(
        host.functions().map(|(slot, _)| slot).collect::<Vec<_>>(),
        [0, 1, 31]
    );
}

#[test]
fn the_machine_bus_leads_to_each_window() {
    let (host, mut bus) = (host(&[1]), Bus::new());
    let places = host.places();
    bus.add("pci", Box::new(host), &places).unwrap();
    let fake = Bench::new();
    let mut env = Env {
        now_ns: 0,
        ram: &fake.0.ram,
        events: &mut Events::new(),
        entropy: &mut Entropy::new(1),
    };
    let mut access = |addr, kind| {
        let access = Access {
            space: Space::Memory,
            addr: GuestPhys(addr),
            width: Width::B4,
            kind,
        };
        bus.access(access, &mut env)
    };
    for (register, value) in [
        (0x10, 0x4000_0000),
        (0x18, 0),
        (0x1c, 4),
        (0x20, 0x40),
        (4, 3),
    ] {
        access(0x3000_8000 + register, AccessKind::Store(value));
    }
    for (addr, bar) in [(0x4000_0500, 0), (0x4_0000_0000, 2), (0x300_0040, 4)] {
        assert_eq!(
            access(addr, AccessKind::Load),
            Answer::Done(bar << 24),
            "{addr:#x}"
        );
    }
}

#[test]
fn any_access_is_answered() {
    let mut bench = Bench::new();
    bench.place(1, 7);
    let mut chance = 1_u64;
    for _ in 0..50_000 {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let width = [Width::B1, Width::B2, Width::B4, Width::B8][(chance >> 60 & 3) as usize];
        let window = (chance >> 62) as usize;
        let offset = (chance >> 30 & 0x3_ffff) & !(width.bytes() - 1);
        bench.store(window, offset, width, chance.rotate_left(17));
        bench.load(window, offset, width);
    }
    assert!(bench.0.survives(&mut host(&[1, 6])));
}

#[test]
fn the_description_is_that_of_the_binding() {
    let site = Site {
        interrupts: Interrupts {
            parent: 7,
            cells: (32..36).map(|n| vec![n]).collect(),
        },
        ..Site::default()
    };
    let node = host(&[]).describe(&site).unwrap();
    let cells = |name: &str| match node.value(name) {
        Some(Value::Cells(cells)) => cells.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(node.name, "pci@30000000");
    assert_eq!(cells("bus-range"), [0, 255]);
    let ranges = [
        [0x0100_0000, 0, 0, 0, 0x0300_0000, 0, 0x1_0000],
        [0x0200_0000, 0, 0x4000_0000, 0, 0x4000_0000, 0, 0x4000_0000],
        [0x0300_0000, 4, 0, 4, 0, 4, 0],
    ];
    assert_eq!(cells("ranges"), ranges.concat());
    let map = cells("interrupt-map");
    assert_eq!(map.len(), 16 * 6);
    assert_eq!(map[..12], [0, 0, 0, 1, 7, 32, 0, 0, 0, 2, 7, 33]);
    assert_eq!(map[90..], [3 << 11, 0, 0, 4, 7, 34]);
    assert_eq!(node.value("msi-map"), None);
    let places = host(&[]).places();
    assert_eq!(places.len(), 4);
    assert_eq!(
        places[1],
        Place {
            space: Space::Memory,
            base: 0x300_0000,
            bytes: 0x1_0000
        }
    );
}
