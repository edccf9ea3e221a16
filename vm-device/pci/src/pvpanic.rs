//! The panic device: through one byte a guest says that its system has failed.
//!
//! After the specification of "PVPANIC DEVICE" that comes with QEMU, in its form as a PCI
//! function (1b36:0011), which guests find by themselves on every machine with this bus.
//! A load gives the events that can be told, a store tells some.
//! It is no virtio device: a kernel that panics has nothing left but a store.

use vm_core::{Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Request};

use crate::{BarKind, Config, Function, Identity};

const IDENTITY: Identity = Identity {
    vendor: 0x1b36,
    device: 0x0011,
    revision: 1,
    class: 0x08_80_00,
    subsystem_vendor: 0x1af4,
    subsystem: 0x1100,
};

/// The kernel has panicked, and that was all.
const PANICKED: u64 = 1;
/// The kernel has panicked, and another one that saves its memory takes over.
const CRASH_LOADED: u64 = 2;
/// The guest wants to be switched off.
const SHUTDOWN: u64 = 4;

/// The panic device.
#[derive(Debug)]
pub struct Pvpanic {
    config: Config,
}

impl Default for Pvpanic {
    fn default() -> Self {
        Self::new()
    }
}

impl Pvpanic {
    /// A panic device; it has no state beside its configuration space.
    #[must_use]
    pub fn new() -> Self {
        let config = Config::new(&IDENTITY).bar(0, BarKind::Memory32, 16);
        Self { config }
    }
}

impl Function for Pvpanic {
    fn kind(&self) -> &'static str {
        "pvpanic"
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn may_be_new(&self) -> bool {
        true
    }

    fn read(&mut self, _bar: u8, offset: u64, _width: Width, _cx: &mut Cx) -> u64 {
        if offset == 0 {
            PANICKED | CRASH_LOADED | SHUTDOWN
        } else {
            0
        }
    }

    fn write(&mut self, _bar: u8, offset: u64, _width: Width, value: u64, cx: &mut Cx) {
        let told = |event| offset == 0 && value & event != 0;
        // One that says several things has failed above all.
        if told(PANICKED) {
            cx.request(Request::Panicked { restart: false });
        } else if told(CRASH_LOADED) {
            cx.request(Request::Crashed);
        } else if told(SHUTDOWN) {
            cx.request(Request::PowerOff);
        }
    }

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vm_device_bus::Device;
    use vm_device_bus::testing::{FakeBus, storm};

    use super::*;
    use crate::PciHost;
    use crate::testing::{Bench, ECAM, MEMORY, windows};

    const SLOT: u64 = 31;

    fn host() -> PciHost {
        let mut host = PciHost::new(windows());
        assert!(host.add(SLOT as u8, Box::new(Pvpanic::new())));
        host
    }

    /// A bus with the device, which answers at the beginning of the memory window.
    fn bench() -> Bench {
        let mut bench = Bench(FakeBus::new(host()));
        bench.store(ECAM, SLOT << 15 | 0x10, Width::B4, 0x4000_0000);
        bench.store(ECAM, SLOT << 15 | 4, Width::B2, 2);
        bench
    }

    #[test]
    fn guests_find_what_their_drivers_look_for() {
        let mut bench = bench();
        for (register, value) in [
            (0x00, 0x0011_1b36),
            (0x08, 0x0880_0001),
            (0x10, 0x4000_0000),
            (0x2c, 0x1100_1af4),
            (0x34, 0),
            (0x3c, 0),
        ] {
            assert_eq!(bench.load(ECAM, SLOT << 15 | register, Width::B4), value);
        }
        bench.store(ECAM, SLOT << 15 | 0x10, Width::B4, 0xffff_ffff);
        let mask = bench.load(ECAM, SLOT << 15 | 0x10, Width::B4);
        assert_eq!(mask, 0xffff_fff0, "sixteen bytes");
    }

    #[test]
    fn each_event_is_asked_of_the_owner() {
        let panicked = Request::Panicked { restart: false };
        for (offset, value, expected) in [
            (0, 1, Some(panicked)),
            (0, 2, Some(Request::Crashed)),
            (0, 4, Some(Request::PowerOff)),
            (0, 7, Some(panicked)),
            (0, 6, Some(Request::Crashed)),
            (0, 0xf8, None),
            (0, 0, None),
            (1, 1, None),
        ] {
            let mut bench = bench();
            assert_eq!(bench.load(MEMORY, 0, Width::B1), 7);
            assert_eq!(bench.load(MEMORY, 1, Width::B1), 0);
            bench.store(MEMORY, offset, Width::B1, value);
            let asked = bench.0.requests.pop();
            assert_eq!(asked, expected, "{value:#x} at {offset}");
            assert_eq!(bench.0.requests, []);
        }
    }

    #[test]
    fn a_state_from_before_there_was_one_is_taken() {
        let mut old = Section::new("pcie", 1);
        PciHost::new(windows()).save(&mut old);
        let mut bench = bench();
        let restored = bench.0.call(|host, _| host.restore(&old.fields()));
        assert_eq!(restored, Ok(()));
        let base = bench.load(ECAM, SLOT << 15 | 0x10, Width::B4);
        assert_eq!(base, 0, "it is as after power-on");
    }

    #[test]
    fn no_guest_can_break_it() {
        let mut bus = FakeBus::new(host());
        storm(&mut bus, 0x1000_0000, 1, 20_000);
        assert!(bus.survives(&mut host()));
    }
}
