//! Accesses to devices.

use vm_core::{Access, AccessKind, Answer, GuestPhys, Space, Width};
use vm_device_bus::testing::FakeBus;
use vm_device_chip::Pflash;

use crate::Feed;
use crate::wires::{RAM, RAM_BYTES, Wired};

/// Where devices are, and how far from there an access may land.
const PLACES: &[(u64, u64)] = &[
    (0x0010_0000, 0x10),
    (0x0010_1000, 0x40),
    (0x0200_0000, 0x40),
    (0x0200_4000, 0x40),
    (0x0200_bff0, 0x18),
    (0x02f0_0000, 0x40),
    (0x0c00_0000, 0x200),
    (0x0c00_1000, 0x20),
    (0x0c00_2000, 0x200),
    (0x0c20_0000, 0x10),
    (0x0c20_1000, 0x10),
    (0x1000_0000, 8),
    (0x1000_1000, 0x140),
    (0x1000_2000, 0x140),
    (0x1000_3000, 0x140),
    (0x1000_4000, 0x140),
    (0x1010_0000, 0x18),
    (0x2000_0000, 0x100),
    // Configuration space: the bridge, then three functions with their capabilities.
    (0x3000_0000, 0x40),
    (0x3000_8000, 0x100),
    (0x3001_0000, 0x100),
    (0x3001_8000, 0x100),
    // Windows of the bus, where a guest puts registers.
    (0x4000_0000, 0x4000),
    (0x4_0000_0000, 0x4000),
    (0x0300_0000, 0x100),
    (RAM, 0x1000),
    // The panic device's configuration; at the end, so that inputs keep their meaning.
    (0x300f_8000, 0x40),
];

/// The size of a flash memory.
const FLASH_BYTES: u64 = 1 << 19;
/// The most steps of one run.
// LIMIT: so that one run stays short; what needs more steps than that begins with a state.
const STEPS: usize = 256;

/// Bytes are steps: accesses, memory, time, a look around, a saved state.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let first = feed.u8();
    if first >= 0xe0 {
        return flash(&mut feed);
    }
    let cpus = 1 + u32::from(first % 4);
    let mut wired = Wired::new(cpus);
    for _ in 0..STEPS {
        if feed.is_empty() {
            break;
        }
        match feed.u8() % 16 {
            0 => wired.take_back(),
            1 => wired.pass(feed.odd() >> 20),
            2 => wired.pass(2000),
            3 => {
                let all: Vec<_> = wired.machine.bus.devices().map(|(id, ..)| id).collect();
                let id = feed.one(&all);
                wired.wake(id);
            }
            4 => {
                let at = RAM + feed.below(RAM_BYTES / 16) * 16;
                let _ = wired.ram.write(GuestPhys(at), feed.bytes(16));
            }
            5 if feed.u8() == 0 => wired.reset(),
            _ => access(&mut wired, &mut feed),
        }
        wired.machine.bus.take_cpu_lines();
        wired.machine.bus.take_requests();
    }
    // Now and then those too that only another device can have touched, by a message.
    if first & 0x1c == 0 {
        wired.touch_all();
    }
    wired.take_back();
}

fn access(wired: &mut Wired, feed: &mut Feed) {
    let (base, reach) = feed.one(PLACES);
    let width = feed.one(&[Width::B1, Width::B2, Width::B4, Width::B4, Width::B8]);
    // Aligned ones more often: those are the ones that devices let in.
    let offset = feed.below(reach);
    let offset = if feed.once_in(8) {
        offset
    } else {
        offset & !(width.bytes() - 1)
    };
    let kind = match feed.u8() % 2 {
        0 => AccessKind::Load,
        _ => AccessKind::Store(feed.odd() & width.mask()),
    };
    let access = Access {
        space: Space::Memory,
        addr: GuestPhys(base + offset),
        width,
        kind,
    };
    if let Answer::Done(value) = wired.access(access) {
        assert_eq!(
            value & !width.mask(),
            0,
            "{access:?} gives more than its width"
        );
    }
}

/// The flash memory, which is too large to be on a machine that is saved again and again.
fn flash(feed: &mut Feed) {
    let read_only = feed.once_in(4);
    let made = || Pflash::new(FLASH_BYTES, &[0x12; 100], read_only);
    let (Ok(flash), Ok(mut other)) = (made(), made()) else {
        unreachable!("the content fits");
    };
    let mut bus = FakeBus::new(flash);
    while !feed.is_empty() {
        let width = feed.one(&[Width::B1, Width::B2, Width::B4, Width::B8]);
        let offset = feed.below(FLASH_BYTES) & !(width.bytes() - 1);
        // Commands more often: those of the CFI command set, in both chips.
        let commands = [
            0x10, 0x20, 0x28, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0xf0, 0xff,
        ];
        match feed.u8() % 4 {
            0 => drop(bus.read(offset, width)),
            1 => drop(bus.write(offset, width, feed.odd())),
            _ => {
                let command = feed.one(&commands);
                bus.write(offset, width, command | command << 16);
            }
        }
    }
    assert!(bus.survives(&mut other), "the flash alters its own state");
}
