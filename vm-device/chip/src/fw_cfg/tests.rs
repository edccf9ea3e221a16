//! Tests of the selector, the data port, the directory and requests.

use vm_device_bus::Value;
use vm_device_bus::testing::{FakeBus, RAM_BASE, storm};

use super::*;

type Bus = FakeBus<FwCfg>;

/// Where requests stand in RAM, and where they copy to and from.
const REQUEST: GuestPhys = GuestPhys(RAM_BASE + 0x100);
const BUFFER: GuestPhys = GuestPhys(RAM_BASE + 0x1000);

/// Three files, added out of order: 0x20 `etc/a`, 0x21 `etc/state` (writable), 0x22 `opt/z`.
fn fw_cfg() -> FwCfg {
    let fw_cfg = FwCfg::new().item(0x05, vec![4, 0]);
    let fw_cfg = fw_cfg.file("opt/z", b"last".to_vec()).unwrap();
    let fw_cfg = fw_cfg.writable_file("etc/state", vec![0; 8]).unwrap();
    fw_cfg.file("etc/a", b"0123456789".to_vec()).unwrap()
}

fn bus() -> Bus {
    Bus::new(fw_cfg())
}

fn select(bus: &mut Bus, key: u16) {
    let written = bus.write(0x08, Width::B2, u64::from(key.swap_bytes()));
    assert_eq!(written, Answer::Done(0));
}

fn bytes(bus: &mut Bus, count: usize) -> Vec<u8> {
    (0..count)
        .map(|_| bus.value(0x00, Width::B1) as u8)
        .collect()
}

/// Puts a request into RAM, starts it, and gives the control word that comes back.
fn request(bus: &mut Bus, control: u32, length: u32, addr: GuestPhys) -> u32 {
    let mut request = control.to_be_bytes().to_vec();
    request.extend(length.to_be_bytes());
    request.extend(addr.0.to_be_bytes());
    bus.ram.write(REQUEST, &request).unwrap();
    bus.write(0x10, Width::B8, REQUEST.0.swap_bytes());
    let mut answer = [0; 4];
    bus.ram.read(REQUEST, &mut answer).unwrap();
    u32::from_be_bytes(answer)
}

fn ram(bus: &Bus, addr: GuestPhys, count: usize) -> Vec<u8> {
    let mut out = vec![0; count];
    bus.ram.read(addr, &mut out).unwrap();
    out
}

#[test]
fn items_are_read_byte_by_byte_and_give_zeroes_past_their_end() {
    for (key, content) in [
        (0x00, &b"QEMU\0\0"[..]),
        (0x01, &[3, 0, 0, 0, 0]),
        (0x05, &[4, 0, 0]),
        (0x20, b"0123456789\0\0"),
        (0x4020, b"0123456789\0\0"),
        (0x22, b"last\0"),
        (0x23, &[0, 0]),
        (0x8020, &[0, 0]),
        (0xffff, &[0, 0]),
    ] {
        let mut bus = bus();
        select(&mut bus, key);
        assert_eq!(bytes(&mut bus, content.len()), content, "{key:#x}");
    }
    let mut bus = bus();
    assert_eq!(bytes(&mut bus, 4), b"QEMU", "selected by reset");
}

#[test]
fn wide_loads_give_the_bytes_in_the_order_of_memory() {
    let mut bus = bus();
    select(&mut bus, 0x20);
    assert_eq!(
        bus.value(0, Width::B2),
        u64::from(u16::from_le_bytes(*b"01"))
    );
    assert_eq!(
        bus.value(0, Width::B4),
        u64::from(u32::from_le_bytes(*b"2345"))
    );
    assert_eq!(
        bus.value(0, Width::B8),
        u64::from_le_bytes(*b"6789\0\0\0\0")
    );
    assert_eq!(bus.value(0, Width::B8), 0);
}

#[test]
fn the_directory_lists_files_by_name() {
    let mut bus = bus();
    select(&mut bus, 0x19);
    assert_eq!(bytes(&mut bus, 4), [0, 0, 0, 3]);
    for (name, length, key) in [
        ("etc/a", 10, 0x20),
        ("etc/state", 8, 0x21),
        ("opt/z", 4, 0x22),
    ] {
        let entry = bytes(&mut bus, 64);
        assert_eq!(entry[..8], [0, 0, 0, length, 0, key, 0, 0], "{name}");
        assert_eq!(entry[8..8 + name.len()], *name.as_bytes());
        assert!(entry[8 + name.len()..].iter().all(|byte| *byte == 0));
    }
    assert_eq!(bytes(&mut bus, 1), [0]);
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let refused = |name: &str| FwCfg::new().file(name, Vec::new()).map(|_| ()).unwrap_err();
    for name in ["", "with space", "tab\t", "ä", &"x".repeat(56)] {
        assert_eq!(refused(name), FwCfgError::Name { name: name.into() });
    }
    assert!(FwCfg::new().file(&"x".repeat(55), Vec::new()).is_ok());
    let twice = fw_cfg().file("etc/a", Vec::new()).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "there are two fw_cfg files named `etc/a`"
    );
    let many = (0..MAX_FILES).try_fold(FwCfg::new(), |f, n| f.file(&n.to_string(), Vec::new()));
    let full = many.unwrap().file("one more", Vec::new());
    assert!(full.is_err());
}

#[test]
fn the_address_register_shows_its_signature() {
    let mut bus = bus();
    assert_eq!(bus.value(0x10, Width::B8).to_le_bytes(), *b"QEMU CFG");
    assert_eq!((bus.value(0x10, Width::B4) as u32).to_le_bytes(), *b"QEMU");
    assert_eq!((bus.value(0x14, Width::B4) as u32).to_le_bytes(), *b" CFG");
    assert_eq!(bus.value(0x17, Width::B1), u64::from(b'G'));
}

#[test]
fn requests_select_skip_and_read() {
    let mut bus = bus();
    bus.ram.write(BUFFER, &[0xee; 16]).unwrap();
    let select = 0x20 << 16 | control::SELECT;
    assert_eq!(request(&mut bus, select | control::READ, 4, BUFFER), 0);
    assert_eq!(ram(&bus, BUFFER, 5), *b"0123\xee");
    assert_eq!(request(&mut bus, control::SKIP, 3, BUFFER), 0);
    assert_eq!(request(&mut bus, control::READ, 8, BUFFER), 0);
    assert_eq!(
        ram(&bus, BUFFER, 9),
        *b"789\0\0\0\0\0\xee",
        "zeroes past the end"
    );
    assert_eq!(
        request(&mut bus, select, u32::MAX, GuestPhys(0)),
        0,
        "only selects"
    );
    assert_eq!(bytes(&mut bus, 2), b"01", "both interfaces share the place");
    assert_eq!(request(&mut bus, control::SKIP, u32::MAX, BUFFER), 0);
    assert_eq!(bytes(&mut bus, 2), [0, 0]);
}

#[test]
fn the_low_half_of_the_address_starts_a_request() {
    let mut bus = bus();
    let mut text = (0x20 << 16 | control::SELECT | control::READ)
        .to_be_bytes()
        .to_vec();
    text.extend([0, 0, 0, 2]);
    text.extend(BUFFER.0.to_be_bytes());
    bus.ram.write(REQUEST, &text).unwrap();
    bus.write(
        0x10,
        Width::B4,
        u64::from(((REQUEST.0 >> 32) as u32).swap_bytes()),
    );
    assert_eq!(ram(&bus, BUFFER, 2), [0, 0]);
    bus.write(0x14, Width::B4, u64::from((REQUEST.0 as u32).swap_bytes()));
    assert_eq!(ram(&bus, BUFFER, 2), *b"01");
    // The high half is used once.
    bus.write(0x10, Width::B4, 0xffff_ffff);
    bus.write(0x14, Width::B4, 0);
    bus.ram.write(REQUEST, &text).unwrap();
    bus.ram.write(BUFFER, &[0; 2]).unwrap();
    bus.write(0x14, Width::B4, u64::from((REQUEST.0 as u32).swap_bytes()));
    assert_eq!(ram(&bus, BUFFER, 2), *b"01");
}

#[test]
fn writable_files_are_written_whole_pieces_only() {
    let mut bus = bus();
    bus.ram.write(BUFFER, b"ABCDEFGHIJ").unwrap();
    let select = 0x21 << 16 | control::SELECT;
    assert_eq!(request(&mut bus, select | control::SKIP, 2, BUFFER), 0);
    assert_eq!(request(&mut bus, control::WRITE, 3, BUFFER), 0);
    assert_eq!(bus.device.content("etc/state").unwrap(), b"\0\0ABC\0\0\0");
    assert_eq!(
        request(&mut bus, control::WRITE, 4, BUFFER),
        control::ERROR,
        "3 are left"
    );
    assert_eq!(request(&mut bus, control::WRITE, 3, BUFFER), 0);
    assert_eq!(bus.device.content("etc/state").unwrap(), b"\0\0ABCABC");
    let other = 0x20 << 16 | control::SELECT | control::WRITE;
    assert_eq!(
        request(&mut bus, other, 1, BUFFER),
        control::ERROR,
        "not writable"
    );
    let none = 0x77 << 16 | control::SELECT | control::WRITE;
    assert_eq!(
        request(&mut bus, none, 1, BUFFER),
        control::ERROR,
        "no such file"
    );
    bus.write(0, Width::B1, 0x55);
    assert_eq!(bus.device.content("etc/a").unwrap(), b"0123456789");
}

#[test]
fn requests_outside_ram_or_without_measure_fail() {
    let mut bus = bus();
    let read = 0x20 << 16 | control::SELECT | control::READ;
    let end = GuestPhys(RAM_BASE + (1 << 20));
    for (length, addr, failed) in [
        (10, GuestPhys(0), true),
        (10, GuestPhys(u64::MAX - 3), true),
        (10, GuestPhys(end.0 - 10), false),
        (11, GuestPhys(end.0 - 10), true),
        (u32::MAX, BUFFER, true),
        (0, BUFFER, false),
        (1 << 19, BUFFER, false),
    ] {
        let expected = if failed { control::ERROR } else { 0 };
        assert_eq!(
            request(&mut bus, read, length, addr),
            expected,
            "{length} at {addr}"
        );
    }
    // A request that is not in RAM has no place for an answer.
    for at in [0, u64::MAX, end.0 - 8] {
        bus.write(0x10, Width::B8, at.swap_bytes());
    }
    assert_eq!(
        ram(&bus, GuestPhys(end.0 - 8), 4),
        [0, 0, 0, 1],
        "there is room for the answer"
    );
}

#[test]
fn accesses_of_other_shapes_are_refused() {
    let mut bus = bus();
    for (offset, width, load, store) in [
        (0x08, Width::B2, Fault::ReadOnly, None),
        (0x08, Width::B1, Fault::ReadOnly, Some(Fault::Size)),
        (0x0a, Width::B2, Fault::ReadOnly, Some(Fault::Size)),
        (0x04, Width::B4, Fault::NoRegister, Some(Fault::NoRegister)),
        (0x18, Width::B8, Fault::NoRegister, Some(Fault::NoRegister)),
    ] {
        assert_eq!(bus.read(offset, width), Answer::Fault(load), "{offset:#x}");
        let store = store.map_or(Answer::Done(0), Answer::Fault);
        assert_eq!(bus.write(offset, width, 0), store, "{offset:#x}");
    }
    assert_eq!(bus.write(0x10, Width::B2, 0), Answer::Fault(Fault::Size));
}

#[test]
fn reset_and_restore() {
    let mut bus = bus();
    bus.ram.write(BUFFER, b"kept").unwrap();
    let write = 0x21 << 16 | control::SELECT | control::WRITE;
    request(&mut bus, write, 4, BUFFER);
    select(&mut bus, 0x20);
    bytes(&mut bus, 3);
    bus.write(0x10, Width::B4, 7);
    let mut other = fw_cfg();
    assert!(bus.survives(&mut other));
    assert_eq!(other.content("etc/state").unwrap(), b"kept\0\0\0\0");
    assert_eq!(bytes(&mut Bus::new(other), 1), b"3");
    assert!(
        !bus.survives(&mut FwCfg::new()),
        "item 0x20 does not exist there"
    );
    bus.reset();
    assert_eq!(bytes(&mut bus, 4), b"QEMU");
    let mut section = Section::new("fw_cfg", 1);
    section.u64("offset", 11);
    select(&mut bus, 0x20);
    bus.device.save(&mut section);
    let refused = bus.device.restore(&section.fields());
    assert_eq!(refused, Err(section.fields().bad("offset")));
}

#[test]
fn the_description_is_the_one_of_linux() {
    let site = Site {
        base: 0x1010_0000,
        bytes: 0x18,
        ..Site::default()
    };
    let node = fw_cfg().describe(&site).unwrap();
    assert_eq!(node.name, "fw-cfg@10100000");
    let compatible = Value::Text(vec!["qemu,fw-cfg-mmio".into()]);
    assert_eq!(node.value("compatible"), Some(&compatible));
    assert_eq!(node.value("dma-coherent"), Some(&Value::Flag));
    assert_eq!(
        node.value("reg"),
        Some(&Value::Wide(vec![0x1010_0000, 0x18]))
    );
}

#[test]
fn no_guest_can_break_it() {
    for seed in 0..8 {
        let mut bus = bus();
        storm(&mut bus, 0x18, seed, 20_000);
        assert!(bus.survives(&mut fw_cfg()));
        for file in ["etc/a", "opt/z"] {
            assert_eq!(
                bus.device.content(file),
                fw_cfg().content(file),
                "{file} is read-only"
            );
        }
    }
}
