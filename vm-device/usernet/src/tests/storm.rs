//! Frames and peers without sense: nothing panics, and nothing grows.

use crate::host::{Refusal, Socket};
use crate::plan::{Forward, Plan, Protocol};
use crate::testing::{Chance, Net, Peer, SYN, echo, framed, guest, says, who_has};
use crate::{GATEWAY, GUEST, NAMES, tcp, udp};

fn net() -> Net {
    let forward = |protocol| Forward {
        protocol,
        guest: 22,
    };
    Net::new(Plan {
        names: vec![
            "192.0.2.1:53".parse().unwrap(),
            "192.0.2.2:53".parse().unwrap(),
        ],
        forwards: vec![forward(Protocol::Tcp), forward(Protocol::Udp)],
        ..Plan::default()
    })
}

/// A frame that makes some sense.
fn sensible(chance: &mut Chance) -> Vec<u8> {
    let port = 4000 + chance.below(6) as u16;
    let to = chance.one(&["192.0.2.9:80", "10.0.2.2:80", "10.0.2.3:53", "127.0.0.1:1"]);
    let bytes = vec![chance.below(256) as u8; chance.below(1400) as usize];
    match chance.below(12) {
        0 => who_has(GUEST, chance.one(&[GATEWAY, NAMES, GUEST])),
        1 => framed(&echo(chance.one(&[GATEWAY, NAMES]))),
        2 | 3 => framed(&says(port, to, &bytes)),
        4 => {
            let large = vec![1; chance.below(60_000) as usize];
            let mut pieces = crate::fragment::cut(says(port, to, &large), port);
            framed(&pieces.swap_remove(chance.below(pieces.len() as u64) as usize))
        }
        5 => framed(&says(68, "10.0.2.2:67", &bytes)),
        _ => {
            let mut peer = Peer::new(port, to);
            peer.seq = peer.seq.wrapping_add(chance.below(70_000) as u32);
            if chance.below(8) == 0 {
                peer.local = guest(22);
                peer.remote.set_port(49_152 + chance.below(16) as u16);
                peer.remote.set_ip(GATEWAY);
            }
            peer.ack = chance.below(1 << 32) as u32;
            peer.window = chance.one(&[0, 1, 100, 60_000]);
            let flags = chance.one(&[2, 2, 16, 16, 24, 17, 1, 4, 20, 18, 0, 63, 255]);
            framed(&peer.segment(flags, &bytes[..bytes.len().min(99)]).bytes())
        }
    }
}

/// Does something to a socket of the host.
fn disturb(chance: &mut Chance, net: &mut Net) {
    let open: Vec<Socket> = net
        .host
        .sockets
        .iter()
        .filter(|(_, fake)| fake.closed.is_none())
        .map(|(socket, _)| *socket)
        .collect();
    let outcomes = [None, Some(Ok(())), Some(Err(Refusal::Refused))];
    net.host.connects = chance.one(&outcomes);
    net.host.exhausted = chance.below(8) == 0;
    match chance.below(4) {
        0 => {
            let caller = net.host.open(None);
            net.host.callers.push_back(caller);
        }
        1 => {
            let from = format!("127.0.0.1:{}", 1 + chance.below(600))
                .parse()
                .unwrap();
            let bytes = vec![3; chance.below(3000) as usize];
            net.host.datagrams.push_back((from, bytes));
        }
        _ => {}
    }
    if open.is_empty() {
        return;
    }
    let socket = chance.one(&open);
    let fake = net.host.get(socket);
    match chance.below(8) {
        0 => fake.ended = true,
        1 => fake.broken = true,
        2 => fake.room = chance.below(100) as usize,
        3 => fake.connected = Some(Ok(())),
        _ => {
            let bytes = chance.one(&[1, 100, 1460, 9000]);
            fake.inbox.push_back(vec![7; bytes]);
        }
    }
}

/// Answers what the network sends, so that connections come to something.
fn answer(chance: &mut Chance, net: &mut Net, packets: &[Vec<u8>]) {
    for packet in packets.iter().take(8) {
        let is_tcp = crate::wire::Packet::read(packet).is_some_and(|packet| packet.protocol == 6);
        if !is_tcp || chance.below(4) == 0 {
            continue;
        }
        let got = crate::testing::Segment::read(packet);
        let mut peer = Peer::new(got.to.port(), &got.from.to_string());
        let control = u32::from(got.flags & SYN != 0) + (u32::from(got.flags) & 1);
        peer.ack = got.seq.wrapping_add(got.payload.len() as u32 + control);
        peer.seq = got.ack;
        peer.window = chance.one(&[0, 10, 60_000, 60_000]);
        let flags = match got.flags & (SYN | 16) {
            SYN => SYN | 16,
            _ => chance.one(&[16, 16, 16, 17, 24]),
        };
        let bytes = vec![9; chance.below(1000) as usize];
        let frame = framed(&peer.segment(flags, &bytes).bytes());
        net.stack.frame(net.now_us, &frame, &mut net.host);
    }
}

#[test]
fn the_network_weathers_a_storm() {
    for seed in 1..=6 {
        let mut chance = Chance(seed);
        let mut net = net();
        for step in 0..8000 {
            let mut frame = sensible(&mut chance);
            for _ in 0..chance.one(&[0, 0, 0, 1, 3]) {
                let at = chance.below(frame.len() as u64) as usize;
                frame[at] ^= 1 << chance.below(8);
            }
            if chance.below(16) == 0 {
                frame.truncate(chance.below(frame.len() as u64 + 1) as usize);
            }
            net.stack.frame(net.now_us, &frame, &mut net.host);
            disturb(&mut chance, &mut net);
            net.room = chance.one(&[0, 1, 10, 1000]);
            net.now_us += chance.one(&[1, 1000, 100_000, 5_000_000]);
            let packets = net.poll();
            assert!(packets.len() <= net.room + 256, "seed {seed}, step {step}");
            answer(&mut chance, &mut net, &packets);
            assert!(net.stack.connections() <= tcp::FLOWS);
            let most = tcp::FLOWS + udp::FLOWS + net.host.callers.len();
            assert!(net.host.count_open() <= most, "seed {seed}, step {step}");
            if chance.below(500) == 0 {
                net.stack.reset(&mut net.host);
            }
            net.host.sockets.retain(|_, fake| fake.closed.is_none());
        }
        net.room = 1000;
        net.host.connects = Some(Ok(()));
        net.host.exhausted = false;
        net.stack.reset(&mut net.host);
        Peer::open(&mut net, 4000, "192.0.2.9:80");
    }
}

#[test]
fn noise_of_every_length_is_harmless() {
    let mut chance = Chance(7);
    let mut net = net();
    for length in 0..3000 {
        let mut frame: Vec<u8> = (0..length).map(|_| chance.below(256) as u8).collect();
        if let Some(kind) = frame.get_mut(12..14) {
            kind.copy_from_slice(chance.one(&[&[8, 0], &[8, 6], &[0x86, 0xdd]]));
        }
        if let Some(first) = frame.get_mut(14) {
            *first = chance.one(&[0x45, 0x46, 0x4f, 0x40, 0x60, *first]);
        }
        net.frame(&frame);
    }
    assert_eq!((net.stack.connections(), net.host.sockets.len()), (0, 0));
}
