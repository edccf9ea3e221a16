//! Goldfish RTC: wall-clock time in nanoseconds and one alarm.
//!
//! Registers as in Android's Goldfish hardware description, with the additions that the `virt`
//! machines have (the status of the alarm, setting the time).
//! The wall-clock time of power-on is given by the machine; from then on it follows guest time.

use vm_core::{Answer, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Site, registers};

registers! {
    /// Registers of the clock.
    pub enum Rtc: B4 {
        /// The low half of the time; a load keeps the high half of the same moment.
        0x00 TimeLow Rw;
        /// The high half that the last load of `TimeLow` kept.
        0x04 TimeHigh Rw;
        /// The low half of the alarm's time; a store sets the alarm.
        0x08 AlarmLow Rw;
        /// The high half of the alarm's time, taken with the next store to `AlarmLow`.
        0x0c AlarmHigh Rw;
        /// Whether the alarm interrupts.
        0x10 IrqEnabled Rw;
        /// Forgets the alarm.
        0x14 ClearAlarm Rw;
        /// Whether an alarm is set and has not gone off.
        0x18 AlarmStatus Rw;
        /// Takes the interrupt back.
        0x1c ClearInterrupt Rw;
    }
}

/// The only event: the alarm.
const ALARM: u32 = 0;

/// The clock.
#[derive(Debug)]
pub struct GoldfishRtc {
    /// Wall-clock time at guest time zero, as the machine gave it.
    epoch_ns: u64,
    /// The same, as the guest has set it.
    offset_ns: u64,
    time_high: u32,
    alarm_ns: u64,
    armed: bool,
    enabled: bool,
    pending: bool,
}

impl GoldfishRtc {
    /// A clock that shows `epoch_ns` (nanoseconds since 1970) at guest time zero.
    #[must_use]
    pub fn new(epoch_ns: u64) -> Self {
        Self {
            epoch_ns,
            offset_ns: epoch_ns,
            time_high: 0,
            alarm_ns: 0,
            armed: false,
            enabled: false,
            pending: false,
        }
    }

    fn time_ns(&self, cx: &Cx) -> u64 {
        cx.now_ns.wrapping_add(self.offset_ns)
    }

    /// Lets the clock show `time_ns` now; an alarm stays at its own wall-clock time.
    fn set_time(&mut self, time_ns: u64, cx: &mut Cx) {
        self.offset_ns = time_ns.wrapping_sub(cx.now_ns);
        if self.armed {
            self.arm(cx);
        }
    }

    /// Sets the alarm, or lets it go off if its time has come.
    fn arm(&mut self, cx: &mut Cx) {
        let left_ns = self.alarm_ns.saturating_sub(self.time_ns(cx));
        self.armed = left_ns > 0;
        if !self.armed {
            cx.cancel(ALARM);
            self.pending = true;
        } else if let Some(at_ns) = cx.now_ns.checked_add(left_ns) {
            cx.schedule(at_ns, ALARM);
        } else {
            // Guest time ends before the alarm.
            cx.cancel(ALARM);
        }
        self.drive(cx);
    }

    fn drive(&self, cx: &mut Cx) {
        cx.line(0, self.pending && self.enabled);
    }
}

impl Device for GoldfishRtc {
    fn kind(&self) -> &'static str {
        "rtc"
    }

    fn reset(&mut self) {
        *self = Self::new(self.epoch_ns);
    }

    fn save(&self, out: &mut Section) {
        out.u64("offset_ns", self.offset_ns);
        out.u64("time_high", u64::from(self.time_high));
        out.u64("alarm_ns", self.alarm_ns);
        out.bool("armed", self.armed);
        out.bool("enabled", self.enabled);
        out.bool("pending", self.pending);
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        *self = Self {
            epoch_ns: self.epoch_ns,
            offset_ns: from.u64("offset_ns")?,
            time_high: from.u32("time_high")?,
            alarm_ns: from.u64("alarm_ns")?,
            armed: from.bool("armed")?,
            enabled: from.bool("enabled")?,
            pending: from.bool("pending")?,
        };
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(
            Node::at("rtc", site)
                .text("compatible", &["google,goldfish-rtc"])
                .interrupts(site),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn event(&mut self, _tag: u32, cx: &mut Cx) {
        if self.armed {
            self.arm(cx);
        }
    }
}

impl Mmio for GoldfishRtc {
    fn registers(&self) -> &'static [Register] {
        Rtc::TABLE
    }

    fn read(&mut self, offset: u64, _width: Width, cx: &mut Cx) -> Answer {
        let Some((register, _)) = Rtc::at(offset) else {
            return Answer::Done(0);
        };
        Answer::Done(match register {
            Rtc::TimeLow => {
                let time_ns = self.time_ns(cx);
                self.time_high = (time_ns >> 32) as u32;
                time_ns & 0xffff_ffff
            }
            Rtc::TimeHigh => u64::from(self.time_high),
            Rtc::AlarmLow => self.alarm_ns & 0xffff_ffff,
            Rtc::AlarmHigh => self.alarm_ns >> 32,
            Rtc::IrqEnabled => u64::from(self.enabled),
            Rtc::AlarmStatus => u64::from(self.armed),
            Rtc::ClearAlarm | Rtc::ClearInterrupt => 0,
        })
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, cx: &mut Cx) -> Answer {
        let Some((register, _)) = Rtc::at(offset) else {
            return Answer::Done(0);
        };
        let value = value & 0xffff_ffff;
        match register {
            Rtc::TimeLow => self.set_time(self.time_ns(cx) & !0xffff_ffff | value, cx),
            Rtc::TimeHigh => self.set_time(self.time_ns(cx) & 0xffff_ffff | value << 32, cx),
            Rtc::AlarmLow => {
                self.alarm_ns = self.alarm_ns & !0xffff_ffff | value;
                self.arm(cx);
            }
            Rtc::AlarmHigh => self.alarm_ns = self.alarm_ns & 0xffff_ffff | value << 32,
            Rtc::IrqEnabled => self.enabled = value & 1 != 0,
            Rtc::ClearAlarm => {
                self.armed = false;
                cx.cancel(ALARM);
            }
            Rtc::ClearInterrupt => self.pending = false,
            Rtc::AlarmStatus => {}
        }
        self.drive(cx);
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests {
    use vm_device_bus::testing::{FakeBus, storm};

    use super::*;

    const EPOCH: u64 = 1_700_000_000_000_000_000;

    fn rtc() -> FakeBus<GoldfishRtc> {
        FakeBus::new(GoldfishRtc::new(EPOCH))
    }

    fn time(bus: &mut FakeBus<GoldfishRtc>) -> u64 {
        let low = bus.value(0x00, Width::B4);
        low | bus.value(0x04, Width::B4) << 32
    }

    /// Sets the alarm in the order in which Linux does.
    fn set_alarm(bus: &mut FakeBus<GoldfishRtc>, at_ns: u64) {
        bus.write(0x0c, Width::B4, at_ns >> 32);
        bus.write(0x08, Width::B4, at_ns);
        bus.write(0x10, Width::B4, 1);
    }

    #[test]
    fn the_time_follows_guest_time_and_its_halves_belong_together() {
        let mut bus = rtc();
        assert_eq!(time(&mut bus), EPOCH);
        bus.now_ns = (1 << 32) - (EPOCH & 0xffff_ffff) - 1;
        let low = bus.value(0x00, Width::B4);
        bus.now_ns += 1;
        let high = bus.value(0x04, Width::B4);
        assert_eq!((low, high), (0xffff_ffff, EPOCH >> 32));
        assert_eq!(time(&mut bus), ((EPOCH >> 32) + 1) << 32);
    }

    #[test]
    fn the_guest_sets_the_time_and_reset_brings_it_back() {
        let mut bus = rtc();
        bus.now_ns = 1000;
        bus.write(0x04, Width::B4, 0x1234);
        bus.write(0x00, Width::B4, 0x5678);
        assert_eq!(time(&mut bus), 0x1234_0000_5678);
        bus.now_ns = 1500;
        assert_eq!(time(&mut bus), 0x1234_0000_5678 + 500);
        bus.reset();
        assert_eq!(time(&mut bus), EPOCH + 1500);
    }

    #[test]
    fn the_alarm_goes_off_at_its_time_once() {
        let mut bus = rtc();
        set_alarm(&mut bus, EPOCH + 700);
        assert_eq!(bus.value(0x18, Width::B4), 1);
        bus.run_until(699);
        assert!(!bus.level(0));
        bus.run_until(700);
        assert!(bus.level(0));
        assert_eq!(bus.value(0x18, Width::B4), 0);
        bus.write(0x1c, Width::B4, 1);
        assert!(!bus.level(0));
        bus.run_until(100_000);
        assert!(!bus.level(0));
    }

    #[test]
    fn past_cleared_and_masked_alarms() {
        let mut bus = rtc();
        bus.now_ns = 50;
        set_alarm(&mut bus, EPOCH + 50);
        assert!(bus.level(0), "an alarm that is due goes off at once");
        bus.write(0x10, Width::B4, 0);
        assert!(!bus.level(0), "masked");
        bus.write(0x10, Width::B4, 1);
        assert!(bus.level(0), "and still pending");

        let mut bus = rtc();
        set_alarm(&mut bus, EPOCH + 10);
        bus.write(0x14, Width::B4, 1);
        assert_eq!(
            (bus.value(0x18, Width::B4), bus.events.next_ns()),
            (0, None)
        );
        bus.run_until(100);
        assert!(!bus.level(0));
    }

    #[test]
    fn an_alarm_keeps_its_wall_clock_time_when_the_time_is_set() {
        let mut bus = rtc();
        set_alarm(&mut bus, EPOCH + 1000);
        bus.write(0x00, Width::B4, EPOCH + 400);
        assert_eq!(bus.events.next_ns(), Some(600));
        bus.write(0x00, Width::B4, EPOCH + 1001);
        assert!(bus.level(0));
    }

    #[test]
    fn the_description_is_the_one_of_linux() {
        use vm_device_bus::{Interrupts, Value};
        let interrupts = Interrupts {
            parent: 3,
            cells: vec![vec![11]],
        };
        let site = Site {
            base: 0x10_1000,
            bytes: 0x1000,
            interrupts,
            ..Site::default()
        };
        let node = GoldfishRtc::new(0).describe(&site).unwrap();
        assert_eq!(node.name, "rtc@101000");
        let compatible = Value::Text(vec!["google,goldfish-rtc".into()]);
        assert_eq!(node.value("compatible"), Some(&compatible));
        assert_eq!(
            node.value("reg"),
            Some(&Value::Wide(vec![0x10_1000, 0x1000]))
        );
        assert_eq!(node.value("interrupts"), Some(&Value::Cells(vec![11])));
    }

    #[test]
    fn no_guest_can_break_it() {
        for seed in 0..8 {
            let mut bus = rtc();
            storm(&mut bus, 0x1000, seed, 20_000);
            assert!(bus.survives(&mut GoldfishRtc::new(0)));
            assert!(
                bus.lines.iter().any(|change| change.level),
                "the alarm went off"
            );
        }
    }
}
