//! Tests of the block device over a disk in memory.

use vm_core::{Section, Width};
use vm_device_bus::Device;
use vm_device_bus::testing::RAM_BASE;

use crate::block_request::Request;
use crate::testing::{DATA, Driver, Rings, WRITE, storm};
use crate::testing_disk::MemoryDisk;
use crate::{Completion, F_EVENT_IDX, MmioSlot, Register, VirtioDevice};

const HEADER: u64 = DATA;
const STATUS: u64 = DATA + 0x100;
const BUFFER: u64 = DATA + 0x1000;
const NOW: Completion = Completion::WhenHostFinishes;
const LATER: Completion = Completion::AtGuestTime { ns: 50_000 };

/// Offers a request with this header and these buffers between header and status.
fn ask(driver: &mut Driver, kind: u32, sector: u64, buffers: &[(u64, u32, u16)]) -> u16 {
    driver.fill(HEADER, &kind.to_le_bytes());
    driver.fill(HEADER + 8, &sector.to_le_bytes());
    driver.fill(STATUS, &[0xff]);
    let chain = [&[(HEADER, 16, 0)], buffers, &[(STATUS, 1, WRITE)]].concat();
    driver.send(0, &chain)
}

/// A read of as much as the device takes at once.
fn big_read() -> Vec<(u64, u32, u16)> {
    let data = [(RAM_BASE + 0x8_0000, 0x8_0000, WRITE); 126];
    [&[(HEADER, 16, 0)], &data[..], &[(STATUS, 1, WRITE)]].concat()
}

fn status(driver: &Driver) -> u8 {
    driver.bytes(STATUS, 1)[0]
}

#[test]
fn requests_are_answered_with_their_status() {
    const BAD: u8 = 1;
    const UNKNOWN: u8 = 2;
    let disk = MemoryDisk::new(16);
    let mut driver = Driver::new(disk.device(NOW), 0);
    let mut check = |name, kind, sector, buffers: &[(u64, u32, u16)], expected, written| {
        let head = ask(&mut driver, kind, sector, buffers);
        assert_eq!(status(&driver), expected, "{name}");
        assert_eq!(driver.used(0), [(u64::from(head), written)], "{name}");
        assert_eq!(driver.interrupt(), 1, "{name}");
    };
    check("read", 0, 2, &[(BUFFER, 1024, WRITE)], 0, 1025);
    check(
        "read in pieces",
        0,
        2,
        &[(BUFFER, 500, WRITE), (BUFFER, 524, WRITE)],
        0,
        1025,
    );
    check("read of nothing", 0, 2, &[], 0, 1);
    check("read to the end", 0, 15, &[(BUFFER, 512, WRITE)], 0, 513);
    check("read past the end", 0, 15, &[(BUFFER, 1024, WRITE)], BAD, 1);
    check(
        "read of half a sector",
        0,
        0,
        &[(BUFFER, 256, WRITE)],
        BAD,
        1,
    );
    check(
        "read far away",
        0,
        u64::MAX,
        &[(BUFFER, 512, WRITE)],
        BAD,
        1,
    );
    check(
        "read whose offset wraps",
        0,
        1 << 55,
        &[(BUFFER, 512, WRITE)],
        BAD,
        1,
    );
    check("write", 1, 2, &[(BUFFER, 512, 0)], 0, 1);
    check("write past the end", 1, 16, &[(BUFFER, 512, 0)], BAD, 1);
    check("flush", 4, 0, &[], 0, 1);
    check("identify", 8, 0, &[(BUFFER, 20, WRITE)], 0, 21);
    check("identify in little room", 8, 0, &[(BUFFER, 3, WRITE)], 0, 4);
    check(
        "discard of an odd length",
        11,
        0,
        &[(BUFFER, 15, 0)],
        BAD,
        1,
    );
    check("discard without range", 11, 0, &[], BAD, 1);
    check("unknown", 99, 0, &[], UNKNOWN, 1);
    check("get lifetime", 10, 0, &[(BUFFER, 16, WRITE)], UNKNOWN, 1);
}

#[test]
fn data_goes_both_ways() {
    let disk = MemoryDisk::new(16);
    let mut driver = Driver::new(disk.device(NOW), 0);
    ask(
        &mut driver,
        0,
        3,
        &[(BUFFER, 512, WRITE), (BUFFER + 0x800, 512, WRITE)],
    );
    assert_eq!(driver.bytes(BUFFER, 512), [3; 512]);
    assert_eq!(driver.bytes(BUFFER + 0x800, 512), [4; 512]);
    driver.fill(BUFFER, &[0xaa; 512]);
    ask(&mut driver, 1, 5, &[(BUFFER, 100, 0), (BUFFER, 412, 0)]);
    assert_eq!(disk.0.lock().unwrap().bytes[5 * 512..6 * 512], [0xaa; 512]);
    ask(&mut driver, 4, 0, &[]);
    assert_eq!(disk.0.lock().unwrap().flushes, 1);
    ask(&mut driver, 8, 0, &[(BUFFER, 20, WRITE)]);
    assert_eq!(driver.bytes(BUFFER, 20), b"a disk in memory wit");
}

#[test]
fn ranges_are_discarded_and_cleared() {
    for (kind, sector, count, flags, expected) in [
        (11, 4_u64, 2_u32, 0_u32, 0),
        (13, 4, 2, 0, 0),
        (13, 4, 2, 1, 0),
        (11, 4, 2, 1, 2),
        (13, 4, 2, 2, 2),
        (13, 15, 2, 0, 1),
        (13, u64::MAX, 1, 0, 1),
        (11, 0, u32::MAX, 0, 1),
    ] {
        let disk = MemoryDisk::new(16);
        let mut driver = Driver::new(disk.device(NOW), 0);
        driver.fill(BUFFER, &sector.to_le_bytes());
        driver.fill(BUFFER + 8, &count.to_le_bytes());
        driver.fill(BUFFER + 12, &flags.to_le_bytes());
        ask(&mut driver, kind, 0, &[(BUFFER, 16, 0)]);
        assert_eq!(status(&driver), expected, "{kind} {sector} {count} {flags}");
        let cleared = disk.0.lock().unwrap().bytes[4 * 512..6 * 512] == [0; 1024];
        assert_eq!(cleared, expected == 0, "{kind} {sector} {count} {flags}");
    }
}

#[test]
fn a_disk_that_can_not_be_written_stays_as_it_is() {
    let disk = MemoryDisk::new(16).with(|content| content.read_only = true);
    let mut driver = Driver::new(disk.device(NOW), 0);
    assert_eq!(driver.value(Register::DeviceFeatures) >> 5 & 1, 1);
    for kind in [1, 11, 13] {
        ask(&mut driver, kind, 0, &[(BUFFER, 512, 0)]);
        assert_eq!(status(&driver), 1, "{kind}");
    }
    assert_eq!(disk.0.lock().unwrap().bytes[512..1024], [1; 512]);
}

#[test]
fn chains_without_room_for_a_status_break_the_device() {
    let disk = MemoryDisk::new(16);
    let mut driver = Driver::new(disk.device(NOW), 0);
    driver.send(0, &[(HEADER, 8, 0), (STATUS, 1, WRITE)]);
    assert_eq!(status(&driver), 1, "a short header can still be answered");
    driver.send(0, &[(HEADER, 16, 0)]);
    assert!(driver.broken());
}

#[test]
fn the_configuration_says_what_the_device_takes() {
    let mut driver = Driver::new(MemoryDisk::new(16).device(NOW), 0);
    for (offset, width, value) in [
        (0, Width::B8, 16),
        (12, Width::B4, 126),
        (20, Width::B4, 512),
        (34, Width::B2, 1),
        (56, Width::B1, 1),
        (60, Width::B4, 0),
    ] {
        assert_eq!(driver.bus.value(0x100 + offset, width), value, "{offset}");
    }
}

#[test]
fn at_guest_time_requests_end_when_the_model_says() {
    for slow in [false, true] {
        let disk = MemoryDisk::new(16).with(|content| content.slow = slow);
        let mut driver = Driver::new(disk.device(LATER), F_EVENT_IDX);
        let first = ask(&mut driver, 0, 3, &[(BUFFER, 512, WRITE)]);
        driver.bus.run_until(10_000);
        let second = ask(&mut driver, 4, 0, &[]);
        driver.bus.run_until(49_999);
        assert_eq!(driver.used(0), [], "slow {slow}");
        driver.bus.run_until(50_000);
        assert_eq!(driver.used(0), [(u64::from(first), 513)], "slow {slow}");
        driver.bus.run_until(60_000);
        assert_eq!(driver.used(0), [(u64::from(second), 1)], "slow {slow}");
        assert_eq!(driver.bytes(BUFFER, 512), [3; 512]);
        assert_eq!(driver.bus.events.next_ns(), None);
    }
}

#[test]
fn when_the_host_finishes_the_device_is_woken() {
    let disk = MemoryDisk::new(16).with(|content| content.slow = true);
    let mut driver = Driver::new(disk.device(NOW), 0);
    let head = ask(&mut driver, 0, 3, &[(BUFFER, 512, WRITE)]);
    driver.bus.call(|slot, cx| slot.wake(cx));
    assert_eq!(driver.used(0), []);
    disk.0.lock().unwrap().end_one();
    driver.bus.call(|slot, cx| slot.wake(cx));
    assert_eq!(driver.used(0), [(u64::from(head), 513)]);
    assert_eq!(driver.interrupt(), 1);
}

#[test]
fn requests_under_way_are_saved_and_made_again() {
    for completion in [NOW, LATER] {
        let disk = MemoryDisk::new(16).with(|content| content.slow = true);
        let mut driver = Driver::new(disk.device(completion), 0);
        let head = ask(&mut driver, 0, 3, &[(BUFFER, 512, WRITE)]);
        let other = MemoryDisk::new(16);
        let mut copy = MmioSlot::new(other.device(completion));
        assert!(driver.bus.survives(&mut copy));
        driver.bus.device = copy;
        driver.bus.call(|slot, cx| slot.wake(cx));
        driver.bus.run_until(50_000);
        assert_eq!(driver.used(0), [(u64::from(head), 513)], "{completion:?}");
        assert_eq!(driver.bytes(BUFFER, 512), [3; 512]);
    }
}

#[test]
fn a_state_of_another_disk_or_with_impossible_requests_is_refused() {
    let disk = MemoryDisk::new(16).with(|content| content.slow = true);
    let mut driver = Driver::new(disk.device(LATER), 0);
    ask(&mut driver, 0, 15, &[(BUFFER, 512, WRITE)]);
    assert!(
        !driver
            .bus
            .survives(&mut MmioSlot::new(MemoryDisk::new(17).device(LATER)))
    );
    assert!(
        !driver
            .bus
            .survives(&mut MmioSlot::new(Box::new(crate::Rng)))
    );
    assert!(
        driver
            .bus
            .survives(&mut MmioSlot::new(MemoryDisk::new(16).device(LATER)))
    );
}

#[test]
fn a_reset_ends_what_is_under_way() {
    let disk = MemoryDisk::new(16).with(|content| content.slow = true);
    let mut driver = Driver::new(disk.device(LATER), 0);
    ask(&mut driver, 0, 3, &[(BUFFER, 512, WRITE)]);
    driver.set(Register::Status, 0);
    assert!(
        disk.0.lock().unwrap().waiting.is_empty(),
        "the disk was waited for"
    );
    driver.fill(BUFFER, &[0x55; 512]);
    driver.bus.run_until(1_000_000);
    assert_eq!(status(&driver), 0xff, "no status is written any more");
    assert_eq!(driver.bytes(BUFFER, 512), [0x55; 512]);
    assert_eq!(driver.rings[0].used_index(&driver.bus.ram), 0);
    driver.rings[0] = Rings::new(0, 128);
    driver.rings[0].set_index(&driver.bus.ram, 0);
    driver.start(0);
    driver.bus.run_until(2_000_000);
    driver.bus.call(|slot, cx| slot.wake(cx));
    assert_eq!(
        driver.rings[0].used_index(&driver.bus.ram),
        0,
        "it is forgotten"
    );
}

#[test]
fn the_requests_under_way_are_bounded() {
    let disk = MemoryDisk::new(16).with(|content| content.slow = true);
    let mut driver = Driver::new(disk.device(LATER), 0);
    driver.fill(HEADER, &[4, 0, 0, 0]);
    for _ in 0..10 {
        for _ in 0..100 {
            driver.rings[0].chain(&driver.bus.ram, &[(HEADER, 16, 0), (STATUS, 1, WRITE)]);
        }
        driver.set(Register::QueueNotify, 0);
        assert!(disk.0.lock().unwrap().waiting.len() <= 128);
    }
    driver.bus.run_until(1_000_000);
    assert!(
        driver.broken(),
        "a driver that offers more than its ring holds is noticed"
    );
}

#[test]
fn chains_that_found_no_room_are_taken_when_there_is_some() {
    let disk = MemoryDisk::new(16).with(|content| content.slow = true);
    let mut driver = Driver::new(disk.device(LATER), F_EVENT_IDX);
    driver.fill(HEADER, &[4, 0, 0, 0]);
    let chain = [(HEADER, 16, 0), (STATUS, 1, WRITE)];
    let head = driver.rings[0].chain(&driver.bus.ram, &chain);
    (1..100).for_each(|_| driver.rings[0].offer(&driver.bus.ram, head));
    driver.set(Register::QueueNotify, 0);
    (0..100).for_each(|_| driver.rings[0].offer(&driver.bus.ram, head));
    driver.set(Register::QueueNotify, 0);
    assert_eq!(disk.0.lock().unwrap().waiting.len(), 128);
    driver.bus.run_until(200_000);
    assert_eq!(driver.rings[0].used_index(&driver.bus.ram), 200);
}

#[test]
fn requests_larger_than_the_limits_do_not_reach_the_disk() {
    let disk = MemoryDisk::new(1).with(|content| {
        content.slow = true;
        content.claims = Some(1 << 40);
    });
    let mut driver = Driver::new(disk.device(LATER), 0);
    let waiting = || disk.0.lock().unwrap().waiting.len();
    for (bytes, expected, under_way) in [(0x8_0000, 0xff, 1), (0x8_0200, 1, 1)] {
        ask(
            &mut driver,
            0,
            0,
            &[(RAM_BASE + 0x7_0000, bytes, WRITE); 126],
        );
        assert_eq!(
            (status(&driver), waiting()),
            (expected, under_way),
            "126 x {bytes}"
        );
    }
    let mut range = |count: u32, expected: u8, under_way| {
        driver.fill(BUFFER, &0_u64.to_le_bytes());
        driver.fill(BUFFER + 8, &u64::from(count).to_le_bytes());
        ask(&mut driver, 11, 0, &[(BUFFER, 16, 0)]);
        assert_eq!(
            (status(&driver), waiting()),
            (expected, under_way),
            "{count} sectors"
        );
    };
    range(1 << 21, 0xff, 2);
    range((1 << 21) + 1, 1, 2);
}

#[test]
fn one_call_does_not_ask_the_disk_for_too_much() {
    let disk = MemoryDisk::new(1).with(|content| {
        content.slow = true;
        content.claims = Some(1 << 40);
    });
    let mut driver = Driver::new(disk.device(LATER), 0);
    let waiting = || disk.0.lock().unwrap().waiting.len();
    let head = driver.rings[0].chain(&driver.bus.ram, &big_read());
    driver.rings[0].offer(&driver.bus.ram, head);
    driver.rings[0].offer(&driver.bus.ram, head);
    driver.set(Register::QueueNotify, 0);
    assert_eq!(waiting(), 2);
    driver.bus.run_until(999);
    assert_eq!(waiting(), 2);
    driver.bus.run_until(1000);
    assert_eq!(waiting(), 3, "the rest comes a little later");
}

#[test]
fn saved_requests_are_checked_as_if_a_driver_had_made_them() {
    let good = [7, 3, 0, 0, 512, RAM_BASE, 99, 1, DATA, 512];
    assert!(Request::of_words(&good, 2).is_some());
    for (word, value) in [
        (1, 1 << 16),
        (2, 9),
        (3, 1 << 40),
        (4, 1024),
        (4, u64::MAX),
        (7, 2),
    ] {
        let mut words = good;
        words[word] = value;
        assert!(
            Request::of_words(&words, 2).is_none(),
            "word {word} = {value}"
        );
    }
    let restore = |count: usize| {
        let mut section = Section::new("virtio-block", 1);
        section.u64("sectors", 2);
        section.u64("next_token", 8);
        section.u64("resume_ns", u64::MAX);
        section.words("flight", &good.repeat(count));
        MemoryDisk::new(2)
            .device(LATER)
            .restore(&section.fields())
            .is_ok()
    };
    assert_eq!((restore(128), restore(129)), (true, false));
}

#[test]
fn the_block_device_weathers_a_storm() {
    for seed in 1..=6 {
        let slow = seed % 2 == 0;
        let completion = if seed % 3 == 0 { NOW } else { LATER };
        let disk = MemoryDisk::new(4096).with(|content| content.slow = slow);
        storm(seed, || disk.device(completion), &[0; 16]);
    }
}
