//! Lines, messages, events and requests.

use super::*;

#[test]
fn lines_reach_cpus_through_an_interrupt_controller() {
    let mut rig = Rig::new();
    let a = rig.add("a", 0x1000);
    let b = rig.add("b", 0x2000);
    let mut gate = rig.probe("gate");
    gate.gathers = true;
    let gate = rig.add_device(gate, 0x3000);
    rig.bus.wire(a, 0, Sink::Pin(gate, 3));
    rig.bus.wire(b, 1, Sink::Pin(gate, 4));
    rig.bus.wire(gate, 0, cpu(0, 9));
    rig.bus.wire(gate, 0, cpu(1, 11));
    rig.bus.log_lines(true);
    let both = |level| {
        [(0, 9), (1, 11)]
            .map(|(cpu, line)| (CpuLine { cpu, line }, level))
            .to_vec()
    };
    rig.store(0x1004, 0b1);
    assert_eq!(rig.bus.take_cpu_lines(), both(true));
    rig.store(0x1004, 0b1);
    rig.store(0x2004, 0b10);
    rig.store(0x1004, 0);
    assert_eq!(
        rig.bus.take_cpu_lines(),
        [],
        "the controller's output did not change"
    );
    rig.store(0x2004, 0b1);
    assert_eq!(rig.bus.take_cpu_lines(), both(false));
    let pins: Vec<_> = rig
        .log()
        .into_iter()
        .filter(|line| line.contains("pin"))
        .collect();
    let expected = ["pin 3 true", "pin 4 true", "pin 3 false", "pin 4 false"];
    assert_eq!(pins, expected.map(|pin| format!("gate {pin}")));
    let change = |owner: DeviceId, line, level| LineChange {
        owner: owner.0,
        line,
        level,
    };
    let log = [
        change(a, 0, true),
        change(gate, 0, true),
        change(b, 1, true),
        change(a, 0, false),
        // Line 0 of `b` leads nowhere and is logged all the same.
        change(b, 0, true),
        change(b, 1, false),
        change(gate, 0, false),
    ];
    assert_eq!(rig.bus.take_line_log(), log);
}

#[test]
fn a_ring_of_inverters_ends() {
    let mut rig = Rig::new();
    let mut inverter = rig.probe("ring");
    inverter.inverts = true;
    let ring = rig.add_device(inverter, 0x1000);
    rig.bus.wire(ring, 0, Sink::Pin(ring, 7));
    rig.with(|bus, env| bus.input(ring, 7, false, env));
    let ripples = rig.log().len();
    assert!((1000..10_000).contains(&ripples), "{ripples}");
    // Nothing of it is left over for the next call.
    assert_eq!(rig.load(0x1000), Answer::Done(0));
    assert_eq!(rig.log(), ["ring read 0x0"]);
}

#[test]
fn a_ring_of_messages_ends() {
    // A message to `Send` makes a message to address 0x55, where the device stands itself.
    let mut rig = Rig::new();
    rig.add("ring", 0x55 - 0x0c);
    rig.store(0x55, 0x55);
    let ripples = rig.log().len();
    assert!((1000..10_000).contains(&ripples), "{ripples}");
}

#[test]
fn messages_go_to_the_device_at_the_address_else_to_ram() {
    let mut rig = Rig::new();
    rig.add("a", 0x1000);
    rig.add("b", 0x2000);
    for (to, log) in [
        (0x2000, vec!["a write 0xc 0x2000", "b write 0x0 0x55"]),
        (0x2002, vec!["a write 0xc 0x2002"]),
        (0x2008, vec!["a write 0xc 0x2008"]),
        (0x9000, vec!["a write 0xc 0x9000"]),
    ] {
        rig.store(0x100c, to);
        assert_eq!(rig.log(), log);
    }
    rig.store(0x100c, RAM_BASE + 8);
    assert_eq!(rig.ram.load(GuestPhys(RAM_BASE + 8), Width::B8), Some(0x55));
}

#[test]
fn events_wakes_and_requests_find_their_way() {
    let mut rig = Rig::new();
    let a = rig.add("a", 0x1000);
    let b = rig.add("b", 0x2000);
    rig.store(0x2020, 77);
    assert_eq!(rig.bus.take_requests(), [Request::PowerOff]);
    assert_eq!(rig.bus.take_requests(), []);
    let token = Token {
        owner: b.0,
        tag: 77,
    };
    assert_eq!(rig.events.next_ns(), Some(1500));
    assert_eq!(rig.events.take_due(1500), Some(token));
    assert!(rig.with(|bus, env| bus.event(token, env)));
    assert!(!rig.with(|bus, env| bus.event(Token { owner: 2, tag: 0 }, env)));
    rig.with(|bus, env| bus.wake(a, env));
    rig.with(|bus, env| bus.wake(DeviceId(9), env));
    assert_eq!(
        rig.log(),
        ["b write 0x20 0x4d", "b event 77 at 500", "a wake"]
    );
    let names: Vec<_> = rig
        .bus
        .devices()
        .map(|(id, name, _)| (id, name.to_owned()))
        .collect();
    assert_eq!(names, [(a, "a".to_owned()), (b, "b".to_owned())]);
    assert_eq!((rig.bus.name(b), rig.bus.name(DeviceId(7))), ("b", "?"));
}
