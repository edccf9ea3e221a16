//! Which device an access reaches, and which accesses reach none.

use super::*;

#[test]
fn an_address_leads_to_the_device_whose_region_holds_it() {
    let mut rig = Rig::new();
    let a = rig.add("a", 0x1000);
    let b = rig.add("b", 0x1040);
    let c = rig.add("c", u64::MAX - 0x3f);
    let ports = [Place {
        space: Space::Port,
        base: 0x1000,
        bytes: 8,
    }];
    let device = rig.probe("port");
    let d = rig.bus.add("port", Box::new(device), &ports).unwrap();
    for (space, addr, found) in [
        (Space::Memory, 0xfff, None),
        (Space::Memory, 0x1000, Some((a, 0))),
        (Space::Memory, 0x103f, Some((a, 0x3f))),
        (Space::Memory, 0x1040, Some((b, 0))),
        (Space::Memory, 0x107f, Some((b, 0x3f))),
        (Space::Memory, 0x1080, None),
        (Space::Memory, u64::MAX - 0x40, None),
        (Space::Memory, u64::MAX - 0x3f, Some((c, 0))),
        (Space::Memory, u64::MAX, Some((c, 0x3f))),
        (Space::Memory, 0, None),
        (Space::Port, 0x1007, Some((d, 7))),
        (Space::Port, 0x1008, None),
        (Space::Port, u64::MAX, None),
    ] {
        assert_eq!(rig.bus.at(space, addr), found, "{space:?} {addr:#x}");
    }
    assert_eq!(rig.load(0x1044), Answer::Done(0));
    assert_eq!(rig.log(), ["b read 0x4"]);
    assert_eq!(rig.load(0x2000), Answer::Fault(Fault::NoRegister));
    assert_eq!(rig.log(), [""; 0]);
}

#[test]
fn overlapping_regions_and_equal_names_are_refused() {
    for (base, bytes, clash) in [
        (0xfc1, 0x40, true),
        (0xfc0, 0x40, false),
        (0x103f, 1, true),
        (0x1040, 1, false),
        (0x1010, 8, true),
        (0, u64::MAX, true),
        (0x1000, 0x40, true),
    ] {
        let mut rig = Rig::new();
        rig.add("old", 0x1000);
        let new = Box::new(rig.probe("new"));
        let result = rig.bus.add("new", new, &[memory(base, bytes)]);
        let (new, old) = ("new".to_owned(), "old".to_owned());
        let expected = if clash {
            Err(BusError::Overlap { new, base, old })
        } else {
            Ok(DeviceId(1))
        };
        assert_eq!(result, expected, "{base:#x} {bytes:#x}");
    }
    let mut rig = Rig::new();
    rig.add("a", 0x1000);
    let again = rig
        .bus
        .add("a", Box::new(rig.probe("a")), &[memory(0x5000, 8)]);
    assert_eq!(again, Err(BusError::Name { name: "a".into() }));
    let twice = [memory(0x5000, 8), memory(0x5004, 8)];
    let twice = rig
        .bus
        .add("b", Box::new(rig.probe("b")), &twice)
        .unwrap_err()
        .to_string();
    assert_eq!(twice, "`b` at 0x5004 overlaps `b`");
}

#[test]
fn a_refused_device_leaves_no_region_behind() {
    let mut rig = Rig::new();
    rig.add("a", 0x1000);
    let places = [memory(0x3000, 8), memory(0x1000, 8)];
    assert!(rig.bus.add("b", Box::new(rig.probe("b")), &places).is_err());
    let c = rig.add("c", 0x4000);
    assert_eq!(rig.bus.at(Space::Memory, 0x3000), None);
    assert_eq!(rig.bus.at(Space::Memory, 0x4000), Some((c, 0)));
}

#[test]
fn the_table_decides_what_reaches_the_device() {
    use Width::{B1, B2, B4, B8};
    let (load, store) = (AccessKind::Load, AccessKind::Store(0));
    let ok = None;
    for (narrow, offset, width, kind, fault) in [
        (false, 0x00, B4, load, ok),
        (false, 0x00, B4, store, ok),
        (false, 0x00, B2, load, Some(Fault::Size)),
        (false, 0x00, B8, load, Some(Fault::Size)),
        (true, 0x00, B8, load, Some(Fault::Size)),
        (true, 0x00, B2, load, ok),
        (true, 0x02, B2, store, ok),
        (true, 0x03, B1, load, ok),
        (true, 0x01, B2, load, Some(Fault::Alignment)),
        (true, 0x03, B2, load, Some(Fault::Alignment)),
        (false, 0x02, B4, load, Some(Fault::Alignment)),
        (false, 0x08, B4, load, ok),
        (false, 0x08, B4, store, Some(Fault::ReadOnly)),
        (false, 0x0c, B4, store, ok),
        (false, 0x0c, B4, load, Some(Fault::ReadOnly)),
        (false, 0x1c, B4, load, ok),
        (false, 0x24, B4, load, Some(Fault::NoRegister)),
        (true, 0x3f, B1, load, Some(Fault::NoRegister)),
    ] {
        let mut rig = Rig::new();
        let mut device = rig.probe("a");
        device.narrow = narrow;
        rig.add_device(device, 0x1000);
        let answer = rig.access(Space::Memory, 0x1000 + offset, width, kind);
        let reached = !rig.log().is_empty();
        let what = format!("narrow {narrow} {offset:#x} {width:?} {kind:?}");
        match fault {
            None => assert!(
                matches!(answer, Answer::Done(_)) && reached,
                "{what}: {answer:?}"
            ),
            Some(fault) => assert_eq!((answer, reached), (Answer::Fault(fault), false), "{what}"),
        }
    }
}

#[test]
fn values_are_cut_to_the_width_of_the_access() {
    let mut rig = Rig::new();
    rig.add("a", 0x1000);
    assert_eq!(rig.load(0x1008), Answer::Done(0xffff_ffff));
    assert_eq!(rig.load(0x1018), Answer::Done(2), "index in a row");
    rig.store(0x1000, 0x1_2345_6789);
    assert_eq!(rig.load(0x1000), Answer::Done(0x2345_6789));
}
