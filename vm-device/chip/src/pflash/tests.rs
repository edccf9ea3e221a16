//! Tests of commands, programming, erasing and the description of itself.

use vm_device_bus::Value;
use vm_device_bus::testing::{FakeBus, storm};

use super::*;

type Bus = FakeBus<Pflash>;

const BYTES: u64 = 1 << 20;

fn flash(content: &[u8]) -> Bus {
    Bus::new(Pflash::new(BYTES, content, false).unwrap())
}

/// A store of the same byte to both devices.
fn command(bus: &mut Bus, offset: u64, byte: u64) {
    word(bus, offset, byte * 0x0001_0001);
}

fn word(bus: &mut Bus, offset: u64, value: u64) {
    assert_eq!(bus.write(offset, Width::B4, value), Answer::Done(0));
}

fn read(bus: &mut Bus, offset: u64) -> u64 {
    bus.value(offset, Width::B4)
}

/// The status, and back to the array.
fn status(bus: &mut Bus) -> u64 {
    command(bus, 0, 0x70);
    let status = read(bus, 0);
    command(bus, 0, 0x50);
    assert_eq!(status & 0xff, status >> 16, "both devices agree");
    status & 0xff
}

#[test]
fn the_content_stands_at_the_beginning_and_the_rest_is_erased() {
    let mut bus = flash(b"firmware");
    assert_eq!(bus.value(0, Width::B8), u64::from_le_bytes(*b"firmware"));
    assert_eq!(bus.value(3, Width::B1), u64::from(b'm'));
    assert_eq!(bus.value(8, Width::B8), u64::MAX);
    assert_eq!(bus.value(BYTES - 2, Width::B2), 0xffff);
    assert_eq!(bus.read(BYTES, Width::B1), Answer::Fault(Fault::NoRegister));
    assert_eq!(
        bus.write(BYTES, Width::B4, 0),
        Answer::Fault(Fault::NoRegister)
    );
    let content = bus.device.content();
    assert_eq!(
        (content.len() as u64, &content[..9]),
        (BYTES, &b"firmware\xff"[..])
    );
    let large = Pflash::new(BYTES, &vec![0; BYTES as usize + 1], false).unwrap_err();
    assert_eq!(
        large.to_string(),
        "1048577 bytes do not fit into a flash of 1048576 bytes"
    );
}

#[test]
fn programming_clears_bits_and_erasing_sets_them() {
    let mut bus = flash(&[]);
    for (value, expected) in [(0x1234_5678, 0x1234_5678), (0xff00_ff00, 0x1200_5600)] {
        command(&mut bus, 0x40000, 0x40);
        word(&mut bus, 0x40000, value);
        assert_eq!(status(&mut bus), 0x80);
        assert_eq!(read(&mut bus, 0x40000), expected);
    }
    command(&mut bus, 0x3fffc, 0x10);
    word(&mut bus, 0x3fffc, 0);
    command(&mut bus, 0x7fffc, 0x20);
    command(&mut bus, 0x7fffc, 0xd0);
    assert_eq!(
        read(&mut bus, 0),
        0x0080_0080,
        "loads give the status until told otherwise"
    );
    command(&mut bus, 0, 0xff);
    assert_eq!(read(&mut bus, 0x40000), 0xffff_ffff);
    assert_eq!(
        read(&mut bus, 0x3fffc),
        0,
        "the block before keeps its content"
    );
}

#[test]
fn the_buffer_is_programmed_when_it_is_confirmed() {
    let mut bus = flash(&[]);
    command(&mut bus, 0x1000, 0xe8);
    assert_eq!(read(&mut bus, 0x1000), 0x0080_0080);
    command(&mut bus, 0x1000, 2);
    for (offset, value) in [(0x1000, 1), (0x1004, 2), (0x1ffc, 3)] {
        word(&mut bus, offset, value);
    }
    assert_eq!(bus.device.content()[0x1000], 0xff, "not yet");
    command(&mut bus, 0x1000, 0xd0);
    assert_eq!(status(&mut bus), 0x80);
    assert_eq!(
        [0x1000, 0x1004, 0x1008, 0x1ffc].map(|at| read(&mut bus, at)),
        [1, 2, !0 >> 32, 3]
    );
}

#[test]
fn orders_that_mean_nothing_are_reported_and_change_nothing() {
    for stores in [
        &[(0, 0x20), (0, 0x12)][..],
        &[(0, 0x60), (0, 0x12)],
        &[(0, 0xe8), (0, 0x400)],
        &[(0, 0xe8), (0, 0), (0, 7), (0, 0x12)],
        &[(0, 0xe8), (0, 1), (0, 7), (0x1000, 7)],
    ] {
        let mut bus = flash(b"firmware");
        for (offset, value) in stores {
            command(&mut bus, *offset, *value);
        }
        assert_eq!(status(&mut bus), 0xb0, "{stores:x?}");
        assert_eq!(status(&mut bus), 0x80, "cleared");
        assert_eq!(bus.value(0, Width::B8), u64::from_le_bytes(*b"firmware"));
    }
}

#[test]
fn read_only_flash_reports_errors() {
    let mut bus = Bus::new(Pflash::new(BYTES, b"firmware", true).unwrap());
    for (first, second, expected) in [(0x40, 0, 0x90), (0x20, 0xd0, 0xa0), (0x60, 0x01, 0x80)] {
        command(&mut bus, 0, first);
        command(&mut bus, 0, second);
        assert_eq!(status(&mut bus), expected);
    }
    assert_eq!(bus.device.content()[..8], *b"firmware");
}

#[test]
fn identity_and_query() {
    let mut bus = flash(&[]);
    command(&mut bus, 0, 0x90);
    assert_eq!(
        [0, 4, 8].map(|at| read(&mut bus, at)),
        [0x0089_0089, 0x0018_0018, 0]
    );
    command(&mut bus, 0x55 * 4, 0x98);
    for (index, expected) in [
        (0x10, b'Q'),
        (0x11, b'R'),
        (0x12, b'Y'),
        (0x13, 1),
        (0x27, 19),
        (0x2a, 11),
        (0x2c, 1),
        (0x2d, 3),
        (0x2f, 0),
        (0x30, 2),
        (0x31, b'P'),
        (0x400, 0),
    ] {
        let expected = u64::from(expected) * 0x0001_0001;
        assert_eq!(read(&mut bus, 4 * index), expected, "{index:#x}");
    }
    assert_eq!(bus.value(0x40, Width::B8), 0x0052_0052_0051_0051);
    assert_eq!(bus.value(0x42, Width::B2), 0x51);
    assert_eq!(
        (bus.value(0x40, Width::B1), bus.value(0x41, Width::B1)),
        (0x51, 0)
    );
    // Sizes agree: the devices' blocks times their number times two devices is the flash.
    assert_eq!((2 << 8) * 256 * 4 * 2, BYTES);
    command(&mut bus, 0, 0xf0);
    assert_eq!(read(&mut bus, 0), 0xffff_ffff);
}

#[test]
fn reset_and_restore() {
    let mut bus = flash(b"firmware");
    command(&mut bus, 0x40000, 0x40);
    word(&mut bus, 0x40000, 0x55);
    command(&mut bus, 0x1000, 0xe8);
    command(&mut bus, 0x1000, 1);
    word(&mut bus, 0x1000, 7);
    let mut other = Pflash::new(BYTES, b"other", false).unwrap();
    assert!(bus.survives(&mut other));
    assert_eq!(other.content(), bus.device.content());
    let mut other = Bus::new(other);
    word(&mut other, 0x1004, 8);
    command(&mut other, 0x1000, 0xd0);
    assert_eq!(
        other.device.content()[0x1000..0x1008],
        [7, 0, 0, 0, 8, 0, 0, 0]
    );
    let mut small = Pflash::new(BYTES / 2, &[], false).unwrap();
    assert!(bus.survives(&mut small), "what is in use fits");
    command(&mut other, 0xc0000, 0x40);
    word(&mut other, 0xc0000, 0x55);
    assert!(!other.survives(&mut small), "there is no block 3");
    bus.reset();
    assert_eq!(read(&mut bus, 0x40000), 0x55);
    assert_eq!(status(&mut bus), 0x80);
}

#[test]
fn states_that_no_guest_can_reach_are_refused() {
    let numbers = [
        ("view", 4),
        ("expect", 7),
        ("expect", 5),
        ("left", 1),
        ("left", 1025),
        ("status", 0),
        ("status", 0x81),
    ];
    let words = [
        ("buffer", &[0, 4][..]),
        ("buffer", &[2, 4, 0]),
        ("buffer", &[0, 8, 0]),
        ("buffer", &[0, 1, 256]),
        ("buffer", &[BYTES, 4, 0]),
        ("buffer", &[0, 4, 0, 0x1000, 4, 0]),
        ("blocks", &[4]),
        ("blocks", &[0, 0]),
        ("blocks", &[]),
    ];
    let taken = |prepare: &dyn Fn(&mut Section)| {
        let mut section = Section::new("flash", 1);
        // The first field of a name counts.
        prepare(&mut section);
        let mut flash = Pflash::new(BYTES, b"x", false).unwrap();
        flash.save(&mut section);
        flash.restore(&section.fields()).is_ok()
    };
    assert!(taken(&|_| {}));
    for (field, value) in numbers {
        assert!(
            !taken(&|section| section.u64(field, value)),
            "{field} {value:#x}"
        );
    }
    for (field, value) in words {
        assert!(
            !taken(&|section| section.words(field, value)),
            "{field} {value:x?}"
        );
    }
}

#[test]
fn the_description_is_the_one_of_linux() {
    let site = Site {
        base: 0x2000_0000,
        bytes: 0x200_0000,
        ..Site::default()
    };
    let node = flash(&[]).device.describe(&site).unwrap();
    assert_eq!(node.name, "flash@20000000");
    assert_eq!(
        node.value("compatible"),
        Some(&Value::Text(vec!["cfi-flash".into()]))
    );
    assert_eq!(node.value("bank-width"), Some(&Value::Cells(vec![4])));
}

#[test]
fn no_guest_can_break_it() {
    for seed in 0..4 {
        let mut bus = flash(b"firmware");
        storm(&mut bus, BYTES + 16, seed, 5_000);
        assert!(bus.survives(&mut Pflash::new(BYTES, &[], false).unwrap()));
    }
}
