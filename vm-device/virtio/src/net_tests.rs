//! Tests of the network card, with a network that keeps what it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use vm_core::Width;
use vm_device_bus::{Device, Net};

use crate::net::{
    CONTROL, F_CSUM, F_CTRL_MAC_ADDR, F_CTRL_RX, F_CTRL_VQ, F_GUEST_CSUM, F_GUEST_TSO4,
    F_HOST_TSO4, F_MRG_RXBUF, F_STATUS, FRAME, HEADER, RECEIVE, SEND,
};
use crate::testing::{DATA, Driver, WRITE, storm};
use crate::{MmioSlot, NetCard, VirtioDevice};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];
const ALL: [u8; 6] = [0xff; 6];
const CONTROLS: u64 = F_CTRL_VQ | F_CTRL_RX | F_CTRL_MAC_ADDR;

/// Both directions in the hands of the test.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    waiting: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    resets: usize,
    unplugged: bool,
    gives_large: bool,
}

impl Script {
    fn card(&self) -> Box<NetCard> {
        Box::new(NetCard::new(Box::new(self.clone()), MAC, 1500))
    }

    fn comes(&self, frame: &[u8]) {
        self.0.lock().unwrap().waiting.push_back(frame.to_vec());
    }

    fn sent(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.lock().unwrap().sent)
    }
}

impl Net for Script {
    fn send(&mut self, frame: &[u8]) {
        self.0.lock().unwrap().sent.push(frame.to_vec());
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.0.lock().unwrap().waiting.pop_front()
    }

    fn vouches(&self) -> bool {
        true
    }

    fn takes_large(&self) -> bool {
        true
    }

    fn give_large(&mut self, on: bool) {
        self.0.lock().unwrap().gives_large = on;
    }

    fn link_up(&self) -> bool {
        !self.0.lock().unwrap().unplugged
    }

    fn reset(&mut self) {
        self.0.lock().unwrap().resets += 1;
    }
}

/// A frame for an address, so many bytes long.
fn frame(to: [u8; 6], bytes: usize) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend((6..bytes).map(|i| i as u8));
    frame
}

fn wake(driver: &mut Driver) {
    driver.bus.call(|slot, cx| slot.wake(cx));
}

#[test]
fn the_fields_are_address_state_and_size() {
    let mut driver = Driver::new(Script::default().card(), F_STATUS);
    let bytes: Vec<u64> = (0..12)
        .map(|at| driver.bus.value(0x100 + at, Width::B1))
        .collect();
    let want = [0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 1, 0, 0xdc, 5];
    assert_eq!(bytes, want);
}

#[test]
fn a_frame_is_sent_without_its_header() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), 0);
    driver.fill(DATA + HEADER as u64, &frame(ALL, 60));
    driver.send(
        SEND,
        &[(DATA, 12, 0), (DATA + 12, 14, 0), (DATA + 26, 46, 0)],
    );
    assert_eq!(script.sent(), [frame(ALL, 60)]);
    assert_eq!(driver.used(SEND), [(0, 0)]);
    for (bytes, first) in [(11, 0), (12, 0), (25, 0), (60, 1 << 8), (60, 1)] {
        driver.fill(DATA, &[0; 64]);
        driver.fill(DATA, &u32::to_le_bytes(first));
        driver.send(SEND, &[(DATA, bytes, 0)]);
        assert_eq!(script.sent().len(), 0, "{bytes} bytes, header {first:#x}");
    }
    let most = (FRAME + HEADER) as u32;
    driver.fill(DATA, &[0; 64]);
    driver.send(SEND, &[(DATA, most, 0)]);
    driver.send(SEND, &[(DATA, most, 0), (DATA, 1, 0)]);
    assert_eq!(
        script.sent().len(),
        1,
        "the largest, and one that is too large"
    );
    assert!(!driver.broken());
}

#[test]
fn a_checksum_is_completed_where_the_driver_says() {
    // The example of RFC 1071, section 3, behind a sum of zero.
    let script = Script::default();
    let mut driver = Driver::new(script.card(), F_CSUM);
    let body = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0];
    let check = |driver: &mut Driver, start: u16, offset: u16| {
        let mut packet = vec![1, 0, 0, 0, 0, 0];
        packet.extend(start.to_le_bytes());
        packet.extend(offset.to_le_bytes());
        packet.extend([0, 0]);
        packet.extend(frame(ALL, 14));
        packet.extend(body);
        driver.fill(DATA, &packet);
        driver.send(SEND, &[(DATA, packet.len() as u32, 0)]);
        script.sent().pop()
    };
    let sent = check(&mut driver, 14, 8).expect("a frame");
    assert_eq!(sent[22..], [0x22, 0x0d], "the complement of 0xddf2");
    let sent = check(&mut driver, 15, 7).expect("an odd start");
    assert_eq!(sent.len(), 24);
    for (start, offset) in [
        (14, 9),
        (14, 0xffff),
        (25, 0),
        (0xffff, 0),
        (0xffff, 0xffff),
    ] {
        assert_eq!(check(&mut driver, start, offset), None, "{start} {offset}");
    }
    let script = Script::default();
    let mut driver = Driver::new(script.card(), 0);
    driver.fill(DATA, &[1, 0, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0]);
    driver.send(SEND, &[(DATA, 40, 0)]);
    assert_eq!(script.sent(), [] as [Vec<u8>; 0], "not agreed on");
}

#[test]
fn a_frame_waits_for_room_and_room_for_a_frame() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), 0);
    driver.send(RECEIVE, &[(DATA, 2000, WRITE)]);
    assert_eq!(driver.used(RECEIVE), []);
    script.comes(&frame(MAC, 100));
    script.comes(&frame(MAC, 200));
    wake(&mut driver);
    assert_eq!(driver.used(RECEIVE), [(0, 112)]);
    assert_eq!(driver.bytes(DATA, 12), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(driver.bytes(DATA + 12, 100), frame(MAC, 100));
    let mut copy = MmioSlot::new(script.card());
    assert!(driver.bus.survives(&mut copy));
    driver.bus.device = copy;
    driver.send(RECEIVE, &[(DATA, 12, WRITE), (DATA + 0x100, 300, WRITE)]);
    assert_eq!(driver.used(RECEIVE), [(1, 212)]);
    assert_eq!(driver.bytes(DATA + 0x100, 200), frame(MAC, 200));
    assert_eq!(driver.interrupt(), 1);
}

#[test]
fn a_buffer_that_is_too_small_comes_back_empty() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), 0);
    script.comes(&frame(MAC, 100));
    script.comes(&frame(MAC, 60));
    driver.send(RECEIVE, &[(DATA, 100, WRITE)]);
    driver.send(RECEIVE, &[(DATA, 100, WRITE)]);
    assert_eq!(driver.used(RECEIVE), [(0, 0), (1, 72)]);
    assert!(!driver.broken());
}

#[test]
fn a_large_frame_is_spread_over_buffers_that_merge() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), F_MRG_RXBUF | F_GUEST_CSUM);
    script.comes(&frame(MAC, 100));
    driver.send(RECEIVE, &[(DATA, 40, WRITE)]);
    driver.send(RECEIVE, &[(DATA + 0x100, 50, WRITE)]);
    assert_eq!(driver.used(RECEIVE), [], "22 bytes are lacking");
    let mut copy = MmioSlot::new(script.card());
    assert!(driver.bus.survives(&mut copy));
    driver.bus.device = copy;
    driver.send(RECEIVE, &[(DATA + 0x200, 50, WRITE)]);
    assert_eq!(driver.used(RECEIVE), [(0, 40), (1, 50), (2, 22)]);
    assert_eq!(driver.bytes(DATA, 12), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    let parts = [(12, 28), (0x100, 50), (0x200, 22)];
    let whole: Vec<u8> = parts
        .iter()
        .flat_map(|(at, count)| driver.bytes(DATA + at, *count))
        .collect();
    assert_eq!(whole, frame(MAC, 100));
    script.comes(&frame(MAC, 1500));
    for _ in 0..129 {
        driver.send(RECEIVE, &[(DATA, 1, WRITE)]);
    }
    assert!(driver.broken(), "buffers of a byte");
}

/// A frame with TCP over IPv4 and so many bytes of it.
fn tcp_frame(bytes: usize) -> Vec<u8> {
    let mut out = MAC.to_vec();
    out.extend([0x52, 0x55, 10, 0, 2, 2, 8, 0, 0x45, 0]);
    out.extend((40 + bytes as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15]);
    out.extend([
        0, 80, 1, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 16, 9, 9, 0xab, 0xcd, 0, 0,
    ]);
    out.resize(54 + bytes, 7);
    out
}

#[test]
fn large_packets_come_with_word_of_how_to_cut_them() {
    let script = Script::default();
    let all = F_GUEST_CSUM | F_GUEST_TSO4 | F_MRG_RXBUF;
    for (features, gives) in [(all, true), (F_GUEST_TSO4, false), (F_GUEST_CSUM, false)] {
        let driver = Driver::new(script.card(), features);
        assert_eq!(script.0.lock().unwrap().gives_large, gives, "{features:#x}");
        let mut copy = MmioSlot::new(script.card());
        script.0.lock().unwrap().gives_large = !gives;
        assert!(driver.bus.survives(&mut copy));
        assert_eq!(
            script.0.lock().unwrap().gives_large,
            gives,
            "after a restore"
        );
    }
    let mut driver = Driver::new(script.card(), all);
    script.comes(&tcp_frame(4000));
    for i in 0..3 {
        driver.send(RECEIVE, &[(DATA + i * 0x1000, 1536, WRITE)]);
    }
    assert_eq!(
        driver.used(RECEIVE),
        [(0, 1536), (1, 1536), (2, 4066 - 3072)]
    );
    let header = driver.bytes(DATA, HEADER);
    // The checksum is to be completed from 34 on, at 16 behind that; headers have 54 bytes, and
    // 1460 of TCP fit a frame.
    assert_eq!(header, [1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0, 3, 0]);
    let pseudo: u32 = 0x0a00 + 0x0202 + 0x0a00 + 0x020f + 6 + 4020;
    let sum = driver.bytes(DATA + 12 + 50, 2);
    assert_eq!(sum, (pseudo as u16).to_be_bytes());
    script.comes(&frame(MAC, 3000));
    for i in 0..2 {
        driver.send(RECEIVE, &[(DATA + i * 0x1000, 1536, WRITE)]);
    }
    assert_eq!(
        driver.bytes(DATA, 2),
        [0, 0],
        "nothing to say about what is not TCP"
    );
}

#[test]
fn large_packets_are_sent_if_that_was_agreed_on() {
    for (features, flags, gso, sent) in [
        (F_CSUM | F_HOST_TSO4, 1, 1, 1),
        (F_CSUM | F_HOST_TSO4, 0, 1, 0),
        (F_CSUM | F_HOST_TSO4, 1, 3, 0),
        (F_CSUM | F_HOST_TSO4, 1, 0x81, 0),
        (F_CSUM, 1, 1, 0),
    ] {
        let script = Script::default();
        let mut driver = Driver::new(script.card(), features);
        driver.fill(DATA, &[flags, gso, 54, 0, 0xb4, 5, 34, 0, 16, 0, 0, 0]);
        driver.fill(DATA + 12, &tcp_frame(9000));
        driver.send(SEND, &[(DATA, 12 + 9054, 0)]);
        assert_eq!(script.sent().len(), sent, "{features:#x} {flags} {gso}");
    }
}

#[test]
fn orders_set_the_filter_or_are_refused() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), CONTROLS);
    let passes = |driver: &mut Driver, to: [u8; 6]| {
        script.comes(&frame(to, 60));
        driver.send(RECEIVE, &[(DATA + 0x1000, 100, WRITE)]);
        wake(driver);
        let passed = !driver.used(RECEIVE).is_empty();
        if !passed {
            script.comes(&frame(ALL, 60));
            wake(driver);
            assert_eq!(driver.used(RECEIVE).len(), 1, "the buffer is still there");
        }
        passed
    };
    let order = |driver: &mut Driver, bytes: &[u8]| {
        driver.fill(DATA, bytes);
        driver.fill(DATA + 0x800, &[0xee]);
        let count = bytes.len() as u32;
        driver.send(CONTROL, &[(DATA, count, 0), (DATA + 0x800, 1, WRITE)]);
        assert_eq!(driver.used(CONTROL).len(), 1);
        driver.bytes(DATA + 0x800, 1)[0]
    };
    assert!(passes(&mut driver, MAC) && passes(&mut driver, ALL));
    assert!(passes(&mut driver, [1, 0, 0x5e, 0, 0, 1]) && !passes(&mut driver, OTHER));
    assert_eq!(order(&mut driver, &[0, 0, 1]), 0, "all frames");
    assert!(passes(&mut driver, OTHER));
    assert_eq!(order(&mut driver, &[0, 0, 0]), 0);
    assert!(!passes(&mut driver, OTHER));
    let table = [&[1, 0, 1, 0, 0, 0][..], &OTHER, &[1, 0, 0, 0], &ALL].concat();
    assert_eq!(order(&mut driver, &table), 0, "a table of addresses");
    assert!(passes(&mut driver, OTHER) && passes(&mut driver, MAC));
    let many = [&[1, 0, 65, 0, 0, 0][..], &[2; 390], &[0; 4]].concat();
    assert_eq!(order(&mut driver, &many), 0, "more than is kept");
    assert!(passes(&mut driver, [4; 6]));
    let none = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(order(&mut driver, &none), 0, "empty tables");
    assert_eq!(order(&mut driver, &[&[1, 1][..], &OTHER].concat()), 0);
    assert!(passes(&mut driver, OTHER) && !passes(&mut driver, MAC));
    let short = [&[1, 0, 2, 0, 0, 0][..], &OTHER, &[0; 4]].concat();
    for (bytes, what) in [
        (&[][..], "nothing"),
        (&[0, 0], "no value"),
        (&[0, 0, 2], "a value of two"),
        (&[0, 2, 1], "a mode that was not offered"),
        (&[1, 1, 0], "half an address"),
        (&[1, 0, 255, 255, 255, 255], "a table longer than memory"),
        (&short, "a table that ends early"),
        (&[4, 0, 1, 0], "more queues"),
        (&[9, 9], "an order that there is not"),
    ] {
        assert_eq!(order(&mut driver, bytes), 1, "{what}");
    }
    let mut copy = MmioSlot::new(script.card());
    assert!(driver.bus.survives(&mut copy), "with its filter");
    let mut driver = Driver::new(script.card(), F_CTRL_VQ);
    assert_eq!(order(&mut driver, &[0, 0, 1]), 1, "not agreed on");
}

#[test]
fn a_cable_that_is_pulled_is_told() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), F_STATUS);
    script.0.lock().unwrap().unplugged = true;
    wake(&mut driver);
    assert_eq!(driver.interrupt(), 2);
    assert_eq!(driver.bus.value(0x106, Width::B2), 0);
}

#[test]
fn a_reset_reaches_the_network_and_forgets_what_waits() {
    let script = Script::default();
    let mut driver = Driver::new(script.card(), 0);
    let before = script.0.lock().unwrap().resets;
    driver.send(RECEIVE, &[(DATA, 100, WRITE)]);
    driver.set(crate::Register::Status, 0);
    assert_eq!(script.0.lock().unwrap().resets, before + 1);
    script.comes(&frame(MAC, 60));
    wake(&mut driver);
    assert_eq!(
        driver.bytes(DATA, 72),
        [0; 72],
        "old buffers are not touched"
    );
}

#[test]
fn a_saved_card_is_checked_like_a_guest() {
    let mut other = MmioSlot::new(Box::new(NetCard::new(
        Box::new(Script::default()),
        OTHER,
        1500,
    )));
    let driver = Driver::new(Script::default().card(), 0);
    assert!(!driver.bus.survives(&mut other), "another address");
}

#[test]
fn the_network_card_weathers_a_storm() {
    for seed in 1..=8 {
        let script = Script::default();
        for i in 0..4000 {
            script.comes(&frame(if i % 3 == 0 { OTHER } else { MAC }, 14 + i % 1500));
        }
        let make = || -> Box<dyn VirtioDevice> { script.card() };
        storm(seed, make, &[0; 64]);
    }
}
