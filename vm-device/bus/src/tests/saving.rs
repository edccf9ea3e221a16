//! Reset, save and restore.

use super::*;

#[test]
fn reset_brings_devices_and_lines_down() {
    let mut rig = Rig::new();
    let a = rig.add("a", 0x1000);
    rig.bus.wire(a, 0, cpu(0, 1));
    rig.store(0x1000, 5);
    rig.store(0x1004, 1);
    rig.bus.reset();
    assert_eq!(rig.bus.take_cpu_lines(), [], "CPUs reset themselves");
    assert_eq!(rig.load(0x1000), Answer::Done(0));
    // The line is low again, so raising it is a change.
    rig.store(0x1004, 1);
    assert_eq!(
        rig.bus.take_cpu_lines(),
        [(CpuLine { cpu: 0, line: 1 }, true)]
    );
}

/// A device `a` whose line 0 leads to CPU 0, and a device `b`.
fn two() -> Rig {
    let mut rig = Rig::new();
    let a = rig.add("a", 0x1000);
    rig.add("b", 0x2000);
    rig.bus.wire(a, 0, cpu(0, 1));
    rig
}

#[test]
fn a_restored_bus_has_the_devices_state_and_the_line_levels() {
    let mut first = two();
    first.store(0x1000, 5);
    first.store(0x1004, 0b1001);
    first.store(0x2000, 6);
    let mut image = Image::new();
    first.bus.save(&mut image);
    assert_eq!(first.bus.section_names(), ["device.a", "device.b"]);
    assert_eq!(image.names().collect::<Vec<_>>(), ["device.a", "device.b"]);

    let mut second = two();
    second.store(0x1004, 0b10);
    second.bus.restore(&image).unwrap();
    assert_eq!(
        second.bus.take_cpu_lines(),
        [],
        "CPU inputs are the CPUs' own state"
    );
    let mut again = Image::new();
    second.bus.save(&mut again);
    assert_eq!(again, image);
    assert_eq!(second.load(0x1000), Answer::Done(5));
    assert_eq!(second.load(0x2000), Answer::Done(6));
    second.store(0x1004, 0b1);
    assert_eq!(second.bus.take_cpu_lines(), [], "line 0 was high already");
    second.store(0x1004, 0);
    assert_eq!(
        second.bus.take_cpu_lines(),
        [(CpuLine { cpu: 0, line: 1 }, false)]
    );
}

#[test]
fn damaged_lines_and_missing_sections_are_refused() {
    for (lines, taken) in [
        (&[][..], true),
        (&[0, 1, 3, 0], true),
        (&[0, 1, 3], false),
        (&[0, 2], false),
        (&[1 << 32, 1], false),
        (&[3, 1, 3, 1], false),
    ] {
        let mut rig = Rig::new();
        rig.add("a", 0x1000);
        let mut section = Section::new("device.a", 1);
        rig.probe("a").save(&mut section);
        section.words("bus.lines", lines);
        let mut image = Image::new();
        image.push(section);
        assert_eq!(rig.bus.restore(&image).is_ok(), taken, "{lines:?}");
        let missing = StateError::NoSection {
            section: "device.a".into(),
        };
        assert_eq!(rig.bus.restore(&Image::new()), Err(missing));
    }
}
