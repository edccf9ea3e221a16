//! Virtqueues.

use vm_core::{Access, AccessKind, Answer, GuestPhys, Space, Width};

use crate::Feed;
use crate::wires::{RAM, RAM_BYTES, Wired};

/// The slots with virtio devices.
const SLOTS: &[u64] = &[0x1000_1000, 0x1000_2000, 0x1000_3000, 0x1000_4000];
/// Descriptors of each queue.
const SIZE: u64 = 16;
/// The most steps of one run.
// LIMIT: so that one run stays short.
const STEPS: usize = 200;

/// The first byte chooses the device and its features; then come steps of a hostile driver.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let mut wired = Wired::new(1);
    let base = feed.one(SLOTS);
    start(&mut wired, base, feed.u8());
    let mut offered = [0_u16; 3];
    for _ in 0..STEPS {
        if feed.is_empty() {
            break;
        }
        let queue = usize::from(feed.u8() % 3);
        match feed.u8() % 16 {
            0 => wired.pass(10_000),
            1 => store(&mut wired, base + feed.below(0x140), feed.odd()),
            2 => start(&mut wired, base, feed.u8()),
            3 => {
                load(&mut wired, base + feed.below(0x140));
            }
            4 => {
                let at = RAM + 0x4_0000 + feed.below(0x200) * 8;
                let _ = wired.ram.write(GuestPhys(at), feed.bytes(16));
            }
            5 if feed.once_in(4) => offered[queue] = feed.u16(),
            5 => look_after(&mut wired, &mut feed),
            6 | 7 => store(&mut wired, base + 0x50, queue as u64),
            8..=11 => {
                request(&wired, &mut feed, queue as u64);
                offer(&wired, queue, &mut offered, 0);
                store(&mut wired, base + 0x50, queue as u64);
            }
            _ => {
                describe(&wired, &mut feed, queue as u64);
                offer(&wired, queue, &mut offered, feed.below(SIZE + 1));
            }
        }
    }
    wired.pass(1_000_000);
}

/// Something that the machine's owner does: wakes devices, resets them, saves them and goes on.
fn look_after(wired: &mut Wired, feed: &mut Feed) {
    match feed.u8() % 8 {
        0 => wired.reset(),
        1..=3 => wired.take_back(),
        _ => {
            let all: Vec<_> = wired.machine.bus.devices().map(|(id, ..)| id).collect();
            for id in all {
                wired.wake(id);
            }
        }
    }
}

/// Puts a chain into the ring of those that are offered.
fn offer(wired: &Wired, queue: usize, offered: &mut [u16; 3], head: u64) {
    let slot = rings(queue as u64) + 0x1004 + 2 * (u64::from(offered[queue]) % SIZE);
    wired.ram.store(GuestPhys(slot), Width::B2, head);
    offered[queue] = offered[queue].wrapping_add(1);
    let index = GuestPhys(rings(queue as u64) + 0x1002);
    wired.ram.store(index, Width::B2, u64::from(offered[queue]));
}

/// A chain of three that makes sense: a header, bytes, and a place for the answer. The header is
/// a block request's, or a frame's, or a command's to a card.
fn request(wired: &Wired, feed: &mut Feed, queue: u64) {
    let kind = feed.one(&[0, 1, 4, 8, 11, 13, 0, 1]);
    let (header, data, answer) = (RAM + 0x5_0000, RAM + 0x5_1000, RAM + 0x5_8000);
    let header_bytes = match feed.u8() % 8 {
        0 => 2,
        1 => 12,
        _ => 16,
    };
    let word = |at: u64, value: u64| wired.ram.store(GuestPhys(at), Width::B8, value);
    if header_bytes == 2 {
        // The class and the number of a command.
        word(
            header,
            u64::from(feed.u8() % 6) | u64::from(feed.u8() % 8) << 8,
        );
    } else {
        word(header, kind);
    }
    word(header + 8, feed.below(160));
    // Ranges of sectors, for requests that name them so; addresses, for a card.
    word(data, feed.below(160));
    word(data + 8, feed.odd());
    let bytes = match kind {
        4 => 0,
        8 => 20,
        11 | 13 => 16,
        _ => 512 * feed.below(8) + feed.one(&[0, 0, 0, 60]),
    };
    let writes = u64::from(matches!(kind, 0 | 8));
    let at = rings(queue);
    for (index, addr, bytes, flags) in [
        (0, header, header_bytes, 1),
        (1, data, bytes, 1 | writes << 1),
        (2, answer, 1 + feed.below(3), 2),
    ] {
        word(at + 16 * index, addr);
        word(at + 16 * index + 8, bytes | flags << 32 | (index + 1) << 48);
    }
    // Receiving queues take chains that are only to be written.
    if feed.once_in(3) {
        word(at + 8, 0x1000 | 2 << 32);
    }
}

/// Where a queue's rings are.
fn rings(queue: u64) -> u64 {
    RAM + 0x1_0000 + 0x4000 * queue
}

/// Writes one descriptor.
fn describe(wired: &Wired, feed: &mut Feed, queue: u64) {
    let addr = match feed.u8() % 8 {
        0 => feed.u64(),
        1 => RAM + RAM_BYTES - u64::from(feed.u8()),
        // A table of descriptors, or a header.
        2 => RAM + 0x4_0000 + feed.below(0x200) * 8,
        3 => rings(queue) + feed.below(0x3000),
        _ => RAM + 0x4_0000 + feed.below(16) * 16,
    };
    let bytes = match feed.u8() % 4 {
        0 => feed.u32(),
        1 => feed.one(&[0, 1, 15, 16, 17, 511, 512, 513, 4096, 0x8_0000, u32::MAX]),
        2 => 512 * u32::from(feed.u8() % 16),
        _ => 16,
    };
    let at = rings(queue) + 16 * feed.below(SIZE);
    wired.ram.store(GuestPhys(at), Width::B8, addr);
    wired
        .ram
        .store(GuestPhys(at + 8), Width::B4, u64::from(bytes));
    wired
        .ram
        .store(GuestPhys(at + 12), Width::B2, u64::from(feed.u8() % 8));
    wired
        .ram
        .store(GuestPhys(at + 14), Width::B2, feed.below(SIZE + 1));
}

/// Brings the device to life, by VIRTIO 1.3, section 3.1.1, with these features.
fn start(wired: &mut Wired, base: u64, features: u8) {
    for status in [0, 1, 3] {
        store(wired, base + 0x70, status);
    }
    // VERSION_1, and perhaps INDIRECT_DESC and EVENT_IDX, or all that the device offers.
    for (half, bits) in [(0, u64::from(features & 3) << 28), (1, 1)] {
        store(wired, base + 0x14, half);
        let offered = load(wired, base + 0x10);
        store(wired, base + 0x24, half);
        store(
            wired,
            base + 0x20,
            if features & 4 == 0 { bits } else { offered },
        );
    }
    store(wired, base + 0x70, 11);
    for queue in 0..3 {
        let at = rings(queue);
        for (offset, value) in [
            (0x30, queue),
            (0x38, SIZE),
            (0x80, at),
            (0x84, 0),
            (0x90, at + 0x1000),
            (0x94, 0),
            (0xa0, at + 0x2000),
            (0xa4, 0),
            (0x44, 1),
        ] {
            store(wired, base + offset, value);
        }
    }
    store(wired, base + 0x70, 15);
}

fn store(wired: &mut Wired, addr: u64, value: u64) {
    access(wired, addr, AccessKind::Store(value & 0xffff_ffff));
}

fn load(wired: &mut Wired, addr: u64) -> u64 {
    access(wired, addr, AccessKind::Load)
}

fn access(wired: &mut Wired, addr: u64, kind: AccessKind) -> u64 {
    let access = Access {
        space: Space::Memory,
        addr: GuestPhys(addr & !3),
        width: Width::B4,
        kind,
    };
    let answer = wired.access(access);
    wired.machine.bus.take_cpu_lines();
    match answer {
        Answer::Done(value) => value,
        _ => 0,
    }
}
