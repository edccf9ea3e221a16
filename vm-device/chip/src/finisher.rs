//! The test finisher: one register that ends the run, as SiFive's test chips have it.
//!
//! The low half of what is written says how, the high half is the code of a failure; other
//! values mean nothing.
//! The guest finds it as a system controller whose register powers off or restarts.

use vm_core::{Answer, Fault, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Request, Site, registers};

registers! {
    /// The finisher's register.
    pub enum Test: B4 {
        /// How to end, and the code.
        0x00 Finish Rw;
    }
}

const FAIL: u64 = 0x3333;
const PASS: u64 = 0x5555;
const RESET: u64 = 0x7777;

/// The test finisher.
#[derive(Debug, Default, Clone, Copy)]
pub struct Finisher;

impl Finisher {
    /// A finisher; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// The nodes at the top of the tree that tell the guest how to power off and restart with
    /// the finisher that has this phandle.
    #[must_use]
    pub fn switches(phandle: u32) -> [Node; 2] {
        let switch = |name: &str, compatible, value: u64| {
            Node::new(name)
                .text("compatible", &[compatible])
                .cells("regmap", &[phandle])
                .cells("offset", &[0])
                .cells("value", &[value as u32])
        };
        [
            switch("poweroff", "syscon-poweroff", PASS),
            switch("reboot", "syscon-reboot", RESET),
        ]
    }
}

impl Device for Finisher {
    fn kind(&self) -> &'static str {
        "finisher"
    }

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        let compatible = ["sifive,test1", "sifive,test0", "syscon"];
        Some(
            Node::at("test", site)
                .text("compatible", &compatible)
                .cells("phandle", &[site.phandle]),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }
}

impl Mmio for Finisher {
    fn registers(&self) -> &'static [Register] {
        Test::TABLE
    }

    /// Halves are permitted; a half carries no code.
    fn narrow(&self) -> bool {
        true
    }

    fn read(&mut self, _offset: u64, width: Width, _cx: &mut Cx) -> Answer {
        match width {
            Width::B1 => Answer::Fault(Fault::Size),
            // Drivers of system controllers read before they write.
            _ => Answer::Done(0),
        }
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer {
        if width == Width::B1 {
            return Answer::Fault(Fault::Size);
        }
        if offset == 0 {
            match value & 0xffff {
                FAIL => cx.request(Request::Fail((value >> 16) as u32)),
                PASS => cx.request(Request::PowerOff),
                RESET => cx.request(Request::Reset),
                _ => {}
            }
        }
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests {
    use vm_device_bus::testing::{FakeBus, storm};

    use super::*;

    #[test]
    fn each_word_ends_the_run_in_its_way() {
        for (offset, width, value, expected) in [
            (0, Width::B4, 0x5555, Some(Request::PowerOff)),
            (0, Width::B2, 0x5555, Some(Request::PowerOff)),
            (0, Width::B4, 0x7777, Some(Request::Reset)),
            (0, Width::B4, 0x3333, Some(Request::Fail(0))),
            (0, Width::B4, 0x002a_3333, Some(Request::Fail(42))),
            (0, Width::B4, 0xffff_3333, Some(Request::Fail(0xffff))),
            (0, Width::B2, 0x3333, Some(Request::Fail(0))),
            (0, Width::B4, 0x0001_5555, Some(Request::PowerOff)),
            (0, Width::B4, 0, None),
            (0, Width::B4, 0x5556, None),
            (2, Width::B2, 0x5555, None),
        ] {
            let mut bus = FakeBus::new(Finisher::new());
            assert_eq!(bus.write(offset, width, value), Answer::Done(0));
            let asked = bus.requests.pop();
            assert_eq!(
                (asked, bus.requests.len()),
                (expected, 0),
                "{value:#x} at {offset}"
            );
        }
    }

    #[test]
    fn a_read_gives_zero_and_bytes_are_refused() {
        let mut bus = FakeBus::new(Finisher::new());
        assert_eq!(bus.value(0, Width::B4), 0);
        assert_eq!(bus.write(0, Width::B1, 0x55), Answer::Fault(Fault::Size));
        assert_eq!(bus.read(0, Width::B1), Answer::Fault(Fault::Size));
        assert_eq!(bus.read(4, Width::B4), Answer::Fault(Fault::NoRegister));
        assert_eq!(bus.requests, []);
    }

    #[test]
    fn the_description_is_the_one_of_linux() {
        use vm_device_bus::Value;
        let site = Site {
            base: 0x10_0000,
            bytes: 0x1000,
            phandle: 5,
            ..Site::default()
        };
        let node = Finisher::new().describe(&site).unwrap();
        assert_eq!(node.name, "test@100000");
        let compatible = ["sifive,test1", "sifive,test0", "syscon"].map(String::from);
        assert_eq!(
            node.value("compatible"),
            Some(&Value::Text(compatible.to_vec()))
        );
        assert_eq!(node.value("phandle"), Some(&Value::Cells(vec![5])));
        let [off, restart] = Finisher::switches(5);
        for (node, name, value) in [(off, "poweroff", 0x5555), (restart, "reboot", 0x7777)] {
            assert_eq!(node.name, name);
            let compatible = vec![format!("syscon-{name}")];
            assert_eq!(node.value("compatible"), Some(&Value::Text(compatible)));
            assert_eq!(node.value("regmap"), Some(&Value::Cells(vec![5])));
            assert_eq!(node.value("value"), Some(&Value::Cells(vec![value])));
        }
    }

    #[test]
    fn no_guest_can_break_it() {
        let mut bus = FakeBus::new(Finisher::new());
        storm(&mut bus, 0x1000, 1, 20_000);
        assert!(bus.survives(&mut Finisher::new()));
        assert!(
            !bus.requests.is_empty() || bus.now_ns > 0,
            "the storm did something"
        );
    }
}
