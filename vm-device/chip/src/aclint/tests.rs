//! Tests of MSWI, MTIMER and SSWI.

use vm_device_bus::testing::{FakeBus, storm};
use vm_device_bus::{LineChange, Value};

use super::*;

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

fn clint() -> FakeBus<Clint> {
    FakeBus::new(Clint::new(3))
}

#[test]
fn msip_is_one_bit_a_hart_and_drives_its_line() {
    let mut bus = clint();
    bus.write(4, Width::B4, u64::MAX);
    assert_eq!(bus.value(4, Width::B4), 1);
    assert_eq!([0, 2, 4].map(|line| bus.level(line)), [false, true, false]);
    assert_eq!(bus.value(0, Width::B8), 1 << 32, "two harts in one load");
    bus.write(0, Width::B8, 1);
    assert_eq!([0, 2, 4].map(|line| bus.level(line)), [true, false, false]);
    bus.write(0, Width::B4, 0xfffe);
    assert!(!bus.level(0));
    bus.lines.clear();
    bus.write(12, Width::B4, 1);
    assert_eq!(
        (bus.value(12, Width::B4), bus.lines.len()),
        (0, 0),
        "there is no hart 3"
    );
}

#[test]
fn mtime_counts_ticks_of_ten_megahertz() {
    let mut bus = clint();
    for (now_ns, ticks) in [(0, 0), (99, 0), (100, 1), (1_000_000_000, 10_000_000)] {
        bus.now_ns = now_ns;
        assert_eq!(bus.value(MTIME, Width::B8), ticks, "{now_ns} ns");
    }
    bus.now_ns = 0x1_2345_6789 * TICK_NS;
    assert_eq!(bus.value(MTIME, Width::B4), 0x2345_6789);
    assert_eq!(bus.value(MTIME + 4, Width::B4), 1);
}

#[test]
fn the_timer_interrupts_from_mtimecmp_on_until_it_is_set_again() {
    let mut bus = clint();
    bus.write(MTIMECMP + 8, Width::B8, 50);
    assert_eq!(bus.events.next_ns(), Some(5000));
    bus.run_until(4999);
    assert!(!bus.level(3));
    bus.run_until(5000);
    assert_eq!([1, 3, 5].map(|line| bus.level(line)), [false, true, false]);
    bus.run_until(9000);
    bus.write(MTIMECMP + 8, Width::B8, 91);
    assert!(!bus.level(3));
    bus.run_until(9100);
    assert!(bus.level(3));
    bus.write(MTIMECMP + 8, Width::B8, u64::MAX);
    assert_eq!((bus.level(3), bus.events.next_ns()), (false, None));
    bus.write(MTIMECMP + 8, Width::B8, 0);
    assert_eq!((bus.level(3), bus.events.next_ns()), (true, None));
}

#[test]
fn mtimecmp_is_written_in_halves_without_an_interrupt_between() {
    // The order that the privileged specification recommends for 32-bit harts.
    let mut bus = clint();
    bus.now_ns = 0x2_0000_0000 * TICK_NS;
    bus.write(MTIMECMP, Width::B4, u64::MAX);
    bus.write(MTIMECMP + 4, Width::B4, 3);
    bus.write(MTIMECMP, Width::B4, 7);
    assert_eq!(bus.value(MTIMECMP, Width::B8), 0x3_0000_0007);
    assert!(bus.lines.iter().all(|change| !change.level));
    assert_eq!(bus.events.next_ns(), Some(0x3_0000_0007 * TICK_NS));
}

#[test]
fn setting_mtime_moves_the_timers() {
    let mut bus = clint();
    bus.write(MTIMECMP, Width::B8, 100);
    bus.now_ns = 1000;
    bus.write(MTIME, Width::B8, 95);
    assert_eq!(bus.value(MTIME, Width::B8), 95);
    bus.run_until(1400);
    assert!(!bus.level(1));
    bus.run_until(1500);
    assert!(bus.level(1));
    bus.write(MTIME, Width::B8, 0);
    assert!(!bus.level(1));
    // At the end of its range the counter wraps, and the interrupt ends with it.
    bus.write(MTIME, Width::B8, u64::MAX - 4);
    assert!(bus.level(1));
    bus.run_until(1500 + 5 * TICK_NS);
    assert_eq!((bus.value(MTIME, Width::B8), bus.level(1)), (0, false));
    assert_eq!(bus.events.next_ns(), Some(2000 + 100 * TICK_NS));
}

#[test]
fn absent_harts_and_narrow_accesses() {
    let mut bus = clint();
    bus.write(MTIMECMP + 8 * 3, Width::B8, 1);
    assert_eq!(bus.value(MTIMECMP + 8 * 3, Width::B8), 0);
    for (offset, width, fault) in [
        (0, Width::B1, Fault::Size),
        (MTIME, Width::B2, Fault::Size),
        (4, Width::B8, Fault::Alignment),
        (2, Width::B4, Fault::Alignment),
        (0xc000, Width::B4, Fault::NoRegister),
    ] {
        assert_eq!(bus.read(offset, width), Answer::Fault(fault), "{offset:#x}");
        assert_eq!(
            bus.write(offset, width, 0),
            Answer::Fault(fault),
            "{offset:#x}"
        );
    }
}

#[test]
fn reset_and_restore() {
    let mut bus = clint();
    bus.write(0, Width::B4, 1);
    bus.write(MTIMECMP + 8, Width::B8, 9);
    bus.write(MTIME, Width::B8, 1 << 40);
    assert!(bus.survives(&mut Clint::new(3)));
    assert!(!bus.survives(&mut Clint::new(2)), "another number of harts");
    bus.reset();
    assert_eq!(bus.value(0, Width::B4), 0);
    assert_eq!(bus.value(MTIMECMP + 8, Width::B8), u64::MAX);
    assert_eq!(bus.value(MTIME, Width::B8), 0);
    let mut section = Section::new("clint", 1);
    section.words("msip", &[0, 2, 0]);
    section.words("mtimecmp", &[0, 0, 0]);
    section.u64("shift", 0);
    let refused = bus.device.restore(&section.fields());
    assert_eq!(refused, Err(section.fields().bad("msip")));
}

#[test]
fn sswi_sends_one_pulse_for_each_write() {
    let mut bus = FakeBus::new(Sswi::new(2));
    for (offset, value) in [(0, 0), (0, 2), (8, 1), (4, 3)] {
        bus.write(offset, Width::B4, value);
    }
    let change = |level| LineChange {
        owner: 0,
        line: 1,
        level,
    };
    assert_eq!(bus.lines, [change(true), change(false)]);
    assert_eq!(bus.value(4, Width::B4), 0);
}

#[test]
fn the_descriptions_are_the_ones_of_linux() {
    let site = Site {
        base: 0x200_0000,
        bytes: 0x1_0000,
        cpus: vec![1, 2],
        ..Site::default()
    };
    let node = Clint::new(2).describe(&site).unwrap();
    assert_eq!(node.name, "clint@2000000");
    let compatible = ["sifive,clint0", "riscv,clint0"].map(String::from).to_vec();
    assert_eq!(node.value("compatible"), Some(&Value::Text(compatible)));
    let extended = Value::Cells(vec![1, 3, 1, 7, 2, 3, 2, 7]);
    assert_eq!(node.value("interrupts-extended"), Some(&extended));
    let node = Sswi::new(2).describe(&site).unwrap();
    assert_eq!(
        node.value("interrupts-extended"),
        Some(&Value::Cells(vec![1, 1, 2, 1]))
    );
}

#[test]
fn no_guest_can_break_it() {
    for seed in 0..8 {
        let mut bus = clint();
        storm(&mut bus, 0x1_0000, seed, 20_000);
        assert!(bus.survives(&mut Clint::new(3)));
        assert!(
            bus.lines
                .iter()
                .any(|change| change.level && change.line % 2 == 1)
        );
        let mut bus = FakeBus::new(Sswi::new(3));
        storm(&mut bus, 0x4000, seed, 20_000);
        assert!(bus.survives(&mut Sswi::new(3)));
    }
}
