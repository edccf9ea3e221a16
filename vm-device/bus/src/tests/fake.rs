//! The bus for one device, and its storm.

use super::*;

#[test]
fn the_fake_bus_checks_and_records_as_the_bus_does() {
    let mut bus = FakeBus::new(Device1::default());
    assert_eq!(bus.read(0x0c, Width::B4), Answer::Fault(Fault::ReadOnly));
    assert_eq!(bus.read(0x00, Width::B1), Answer::Fault(Fault::Size));
    assert_eq!(bus.read(0x30, Width::B4), Answer::Fault(Fault::NoRegister));
    bus.write(0x00, Width::B4, 0x1_0000_0007);
    assert_eq!(bus.value(0x00, Width::B4), 7);
    bus.write(0x04, Width::B4, 0b10);
    assert_eq!([0, 1, 2].map(|line| bus.level(line)), [false, true, false]);
    bus.write(0x20, Width::B4, 3);
    assert_eq!(bus.requests, [Request::PowerOff]);
    bus.run_until(999);
    assert_eq!(bus.events.next_ns(), Some(1000));
    bus.run_until(1000);
    assert_eq!(bus.events.next_ns(), None);
    assert!(
        bus.device
            .log
            .lock()
            .unwrap()
            .contains(&" event 3 at 1000".to_owned())
    );
    assert!(bus.survives(&mut Device1::default()));
}

#[test]
fn one_seed_gives_one_storm_and_it_reaches_every_register() {
    let run = |seed| {
        let mut bus = FakeBus::new(Device1::default());
        storm(&mut bus, 0x40, seed, 3000);
        std::mem::take(&mut *bus.device.log.lock().unwrap())
    };
    let log = run(1);
    assert_eq!(log, run(1));
    assert_ne!(log, run(2));
    for what in [
        "read 0x0",
        "write 0x8",
        "write 0xc",
        "read 0x1c",
        "write 0x20",
        "event",
        "wake",
    ] {
        let wanted = what != "write 0x8";
        let met = log.iter().any(|line| line.trim_start().starts_with(what));
        assert_eq!(met, wanted, "{what}");
    }
}

#[test]
#[should_panic(expected = "refuses its own state")]
fn a_storm_notices_a_state_that_is_not_taken_back() {
    struct Forgetful(Device1);
    impl Device for Forgetful {
        fn kind(&self) -> &'static str {
            "forgetful"
        }
        fn reset(&mut self) {}
        fn save(&self, _out: &mut Section) {}
        fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
            self.0.restore(from)
        }
        fn describe(&self, _site: &Site) -> Option<Node> {
            None
        }
    }
    storm(
        &mut FakeBus::new(Forgetful(Device1::default())),
        0x40,
        1,
        1000,
    );
}
