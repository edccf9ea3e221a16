//! Tests of priorities, gateways, claims and contexts.

use vm_device_bus::Value;
use vm_device_bus::testing::{FakeBus, storm};

use super::*;

type Bus = FakeBus<Plic>;

const PENDING: u64 = 0x1000;

fn priority(source: u64) -> u64 {
    4 * source
}

fn enable(context: u64, word: u64) -> u64 {
    0x2000 + 0x80 * context + 4 * word
}

fn threshold(context: u64) -> u64 {
    0x20_0000 + 0x1000 * context
}

fn claim_register(context: u64) -> u64 {
    threshold(context) + 4
}

fn write(bus: &mut Bus, offset: u64, value: u64) {
    assert_eq!(bus.write(offset, Width::B4, value), Answer::Done(0));
}

fn read(bus: &mut Bus, offset: u64) -> u64 {
    bus.value(offset, Width::B4)
}

fn claim(bus: &mut Bus, context: u64) -> u64 {
    read(bus, claim_register(context))
}

fn input(bus: &mut Bus, pin: u32, level: bool) {
    bus.call(|plic, cx| plic.input(pin, level, cx));
}

/// Two contexts; context 1 wants all sources, with these priorities.
fn plic(priorities: &[(u64, u64)]) -> Bus {
    let mut bus = Bus::new(Plic::new(2));
    for word in 0..3 {
        write(&mut bus, enable(1, word), u64::MAX);
    }
    for (source, value) in priorities {
        write(&mut bus, priority(*source), *value);
    }
    bus
}

#[test]
fn registers_keep_what_exists_of_what_is_written() {
    let mut bus = Bus::new(Plic::new(2));
    for (offset, written, read_back) in [
        (priority(0), 7, 0),
        (priority(1), 7, 7),
        (priority(1), 8, 0),
        (priority(95), 0xffff_ffff, 7),
        (priority(96), 7, 0),
        (PENDING, 0xffff_ffff, 0),
        (enable(0, 0), 0xffff_ffff, 0xffff_fffe),
        (enable(0, 2), 0xffff_ffff, 0xffff_ffff),
        (enable(0, 3), 0xffff_ffff, 0),
        (enable(1, 1), 0x1234_5678, 0x1234_5678),
        (enable(2, 0), 0xffff_ffff, 0),
        (threshold(1), 0x0f, 7),
        (threshold(2), 7, 0),
        (threshold(1) + 8, 7, 0),
        (0x5f_fffc, 7, 0),
    ] {
        write(&mut bus, offset, written);
        assert_eq!(read(&mut bus, offset), read_back, "{offset:#x}");
    }
    for (offset, width) in [
        (0, Width::B8),
        (0, Width::B1),
        (0x60_0000, Width::B4),
        (2, Width::B4),
    ] {
        assert!(
            matches!(bus.read(offset, width), Answer::Fault(_)),
            "{offset:#x}"
        );
    }
}

#[test]
fn the_highest_priority_is_claimed_first_and_ties_go_to_the_lowest_number() {
    let mut bus = plic(&[(3, 2), (40, 5), (64, 5), (95, 1), (7, 0)]);
    for pin in [95, 64, 3, 7, 40] {
        input(&mut bus, pin, true);
    }
    assert_eq!(read(&mut bus, PENDING), 1 << 3 | 1 << 7);
    assert_eq!(read(&mut bus, PENDING + 4), 1 << 8);
    assert!(bus.level(1) && !bus.level(0));
    let order: Vec<u64> = (0..6).map(|_| claim(&mut bus, 1)).collect();
    assert_eq!(order, [40, 64, 3, 95, 0, 0], "priority 0 never interrupts");
    assert!(!bus.level(1));
    assert_eq!(read(&mut bus, PENDING), 1 << 7);
}

#[test]
fn the_threshold_holds_interrupts_back_but_not_claims() {
    let mut bus = plic(&[(9, 3)]);
    input(&mut bus, 9, true);
    for (value, level) in [(0, true), (2, true), (3, false), (7, false)] {
        write(&mut bus, threshold(1), value);
        assert_eq!(bus.level(1), level, "threshold {value}");
    }
    assert_eq!(claim(&mut bus, 1), 9);
}

#[test]
fn a_level_interrupts_again_after_completion_while_it_is_high() {
    let mut bus = plic(&[(9, 3)]);
    input(&mut bus, 9, true);
    assert_eq!(claim(&mut bus, 1), 9);
    // In service: neither the level nor its changes are looked at.
    assert!(!bus.level(1));
    input(&mut bus, 9, false);
    input(&mut bus, 9, true);
    assert_eq!((bus.level(1), claim(&mut bus, 1)), (false, 0));
    write(&mut bus, claim_register(1), 9);
    assert!(bus.level(1));
    assert_eq!(claim(&mut bus, 1), 9);
    input(&mut bus, 9, false);
    write(&mut bus, claim_register(1), 9);
    assert_eq!((bus.level(1), claim(&mut bus, 1)), (false, 0));
    input(&mut bus, 9, true);
    assert_eq!((bus.level(1), claim(&mut bus, 1)), (true, 9));
}

#[test]
fn a_forwarded_request_stays_when_the_level_falls() {
    let mut bus = plic(&[(9, 3)]);
    input(&mut bus, 9, true);
    input(&mut bus, 9, false);
    assert_eq!((bus.level(1), claim(&mut bus, 1)), (true, 9));
}

#[test]
fn completions_that_mean_nothing_are_ignored() {
    let mut bus = plic(&[(9, 3)]);
    input(&mut bus, 9, true);
    assert_eq!(claim(&mut bus, 1), 9);
    for (context, source) in [(0, 9), (1, 8), (1, 0), (1, 96), (1, 0xffff_ffff), (2, 9)] {
        write(&mut bus, claim_register(context), source);
        assert!(!bus.level(1), "context {context} completes {source}");
    }
    write(&mut bus, enable(1, 0), 0);
    write(&mut bus, claim_register(1), 9);
    write(&mut bus, enable(1, 0), 1 << 9);
    assert!(
        !bus.level(1),
        "the source was not enabled when it was completed"
    );
    write(&mut bus, claim_register(1), 9);
    assert!(bus.level(1));
}

#[test]
fn contexts_share_requests_and_the_first_claim_wins() {
    let mut bus = plic(&[(9, 3)]);
    write(&mut bus, enable(0, 0), 1 << 9);
    input(&mut bus, 9, true);
    assert!(bus.level(0) && bus.level(1));
    assert_eq!(claim(&mut bus, 0), 9);
    assert_eq!(
        (bus.level(0), bus.level(1), claim(&mut bus, 1)),
        (false, false, 0)
    );
    // Any context that has enabled the source may complete it.
    write(&mut bus, claim_register(1), 9);
    assert!(bus.level(0) && bus.level(1));
}

#[test]
fn inputs_that_do_not_exist_do_nothing() {
    let mut bus = plic(&[]);
    for pin in [0, 96, 1024, u32::MAX] {
        input(&mut bus, pin, true);
    }
    let pending: Vec<u64> = (0..32).map(|n| read(&mut bus, PENDING + 4 * n)).collect();
    assert_eq!(pending, [0; 32]);
}

#[test]
fn reset_and_restore() {
    let mut bus = plic(&[(9, 3), (10, 7)]);
    input(&mut bus, 9, true);
    input(&mut bus, 10, true);
    assert_eq!(claim(&mut bus, 1), 10);
    write(&mut bus, threshold(1), 1);
    assert!(bus.survives(&mut Plic::new(2)));
    assert!(
        !bus.survives(&mut Plic::new(4)),
        "another number of contexts"
    );
    bus.reset();
    assert_eq!((claim(&mut bus, 1), read(&mut bus, threshold(1))), (0, 0));
    assert_eq!(
        (read(&mut bus, priority(9)), read(&mut bus, enable(1, 0))),
        (0, 0)
    );
}

#[test]
fn states_that_no_guest_can_reach_are_refused() {
    let base = |field: &str, words: &[u64]| {
        let mut section = Section::new("plic", 1);
        // The first field of a name counts.
        section.words(field, words);
        Plic::new(1).save(&mut section);
        let taken = Plic::new(1).restore(&section.fields());
        taken.map_err(|error| error == section.fields().bad(field))
    };
    let mut priority = [0; NUMBERS];
    assert_eq!(base("priority", &priority), Ok(()));
    priority[5] = 8;
    assert_eq!(base("priority", &priority), Err(true));
    (priority[5], priority[0]) = (0, 1);
    assert_eq!(base("priority", &priority), Err(true));
    for (field, words, answer) in [
        ("pending", &[2, 0, 0][..], Ok(())),
        ("pending", &[1, 0, 0], Err(true)),
        ("pending", &[0, 0, 1 << 32], Err(true)),
        ("pending", &[0, 0], Err(true)),
        ("claimed", &[0, 0, 1 << 31], Ok(())),
        ("enable", &[1, 0, 0], Err(true)),
        ("enable", &[2, 0, 0, 0], Err(true)),
        ("threshold", &[8], Err(true)),
        ("threshold", &[7], Ok(())),
        // A level without a request under way.
        ("level", &[2, 0, 0], Err(false)),
    ] {
        assert_eq!(base(field, words), answer, "{field} {words:x?}");
    }
}

#[test]
fn the_description_is_the_one_of_linux() {
    let site = Site {
        base: 0xc00_0000,
        bytes: 0x60_0000,
        phandle: 9,
        cpus: vec![1, 2],
        ..Site::default()
    };
    let node = Plic::new(4).describe(&site).unwrap();
    assert_eq!(node.name, "plic@c000000");
    let compatible = ["sifive,plic-1.0.0", "riscv,plic0"]
        .map(String::from)
        .to_vec();
    for (name, value) in [
        ("compatible", Value::Text(compatible)),
        ("reg", Value::Wide(vec![0xc00_0000, 0x60_0000])),
        (
            "interrupts-extended",
            Value::Cells(vec![1, 11, 1, 9, 2, 11, 2, 9]),
        ),
        ("interrupt-controller", Value::Flag),
        ("#interrupt-cells", Value::Cells(vec![1])),
        ("#address-cells", Value::Cells(vec![0])),
        ("riscv,ndev", Value::Cells(vec![95])),
        ("phandle", Value::Cells(vec![9])),
    ] {
        assert_eq!(node.value(name), Some(&value), "{name}");
    }
}

#[test]
fn no_guest_can_break_it() {
    for seed in 0..4 {
        let mut bus = Bus::new(Plic::new(4));
        storm(&mut bus, 0x60_0000, seed, 20_000);
        assert!(bus.survives(&mut Plic::new(4)));
        assert!(
            bus.lines.iter().any(|change| change.level),
            "some interrupt got through"
        );
    }
}
