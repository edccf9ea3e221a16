//! Datagrams, names among them.

use crate::host::Socket;
use crate::plan::{Forward, GATEWAY, Plan, Protocol};
use crate::testing::{CALLER, Net, at, guest, icmp, says};
use crate::udp::{FLOWS, IDLE_NAMES_US, IDLE_US};
use crate::wire::{Datagram, Packet};

const NAMED: [u8; 31] = *b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04host\x08internal\0\0\x01\0\x01";

fn net(names: &[&str]) -> Net {
    Net::new(Plan {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        forwards: vec![Forward {
            protocol: Protocol::Udp,
            guest: 53,
        }],
        ..Plan::default()
    })
}

fn check(packet: &[u8], from: &str, to: u16, payload: &[u8]) {
    let packet = Packet::read(packet).expect("a packet");
    let got = Datagram::read(&packet).expect("a datagram with a right sum");
    assert_eq!((got.from, got.to), (at(from), guest(to)));
    assert_eq!(got.payload, payload);
}

#[test]
fn a_datagram_goes_out_and_its_answer_comes_back() {
    for (to, outside) in [
        ("192.0.2.9:123", "192.0.2.9:123"),
        ("10.0.2.2:123", "127.0.0.1:123"),
        ("10.0.2.3:53", "192.0.2.1:5353"),
    ] {
        let mut net = net(&["192.0.2.1:5353"]);
        assert!(net.packet(&says(5000, to, b"question")).is_empty());
        assert_eq!(net.host.last().to, Some(outside.parse().unwrap()));
        assert_eq!(net.host.last().outbox, [b"question"]);
        net.host.last().inbox.push_back(b"answer".to_vec());
        net.host.last().inbox.push_back(Vec::new());
        let packets = net.poll();
        check(&packets[0], to, 5000, b"answer");
        check(&packets[1], to, 5000, b"");
        net.packet(&says(5000, to, b"more"));
        assert_eq!(net.host.sockets.len(), 1, "the same socket");
    }
}

#[test]
fn a_large_datagram_travels_in_pieces() {
    let mut net = net(&[]);
    let large: Vec<u8> = (0..9000).map(|i| (i / 7) as u8).collect();
    for piece in crate::fragment::cut(says(5000, "192.0.2.9:9", &large), 77) {
        assert!(net.packet(&piece).is_empty());
    }
    assert!(net.host.last().outbox == [&large[..]], "as one datagram");
    net.host.last().inbox.push_back(large.clone());
    let packets = net.poll();
    assert!(packets.len() == 7 && packets.iter().all(|packet| packet.len() <= 1500));
    let mut pieces = crate::fragment::Pieces::default();
    let whole = packets
        .iter()
        .find_map(|piece| pieces.add(0, &Packet::read(piece).unwrap()));
    check(&whole.expect("all pieces"), "192.0.2.9:9", 5000, &large);
}

#[test]
fn what_must_not_or_can_not_be_reached_is_told() {
    let mut net = net(&[]);
    for to in [
        "127.0.0.1:53",
        "169.254.169.254:80",
        "10.0.2.9:80",
        "10.0.2.3:80",
    ] {
        let packets = net.packet(&says(5000, to, b"x"));
        assert_eq!(icmp(&packets[0]), (GATEWAY, 3, 13), "{to}");
        let sent = says(5000, to, b"x");
        assert_eq!(packets[0][28..56], sent[..28], "what it is about");
    }
    for to in ["224.0.0.251:5353", "255.255.255.255:9", "10.0.2.255:137"] {
        assert!(net.packet(&says(5000, to, b"x")).is_empty(), "{to}");
    }
    assert!(net.host.sockets.is_empty());
    net.packet(&says(5000, "192.0.2.9:9", b"x"));
    net.host.last().broken = true;
    let packets = net.poll();
    assert_eq!(icmp(&packets[0]), (at("192.0.2.9:9").ip().to_owned(), 3, 3));
    assert_eq!(net.host.last().closed, Some(false));
    net.host.exhausted = true;
    let packets = net.packet(&says(5001, "192.0.2.9:9", b"x"));
    assert_eq!(icmp(&packets[0]), (GATEWAY, 3, 1));
}

#[test]
fn the_hosts_name_is_known_and_others_are_asked_in_turn() {
    let mut net = net(&["192.0.2.1:53", "192.0.2.2:53"]);
    let packets = net.packet(&says(5000, "10.0.2.3:53", &NAMED));
    assert!(packets[0].ends_with(&GATEWAY.octets()) && net.host.sockets.is_empty());
    let asked = |net: &mut Net| net.host.last().to.unwrap().to_string();
    net.packet(&says(5000, "10.0.2.3:53", b"a question"));
    net.packet(&says(5000, "10.0.2.3:53", b"another at once"));
    assert_eq!(asked(&mut net), "192.0.2.1:53");
    net.wait(2_000_000);
    net.packet(&says(5000, "10.0.2.3:53", b"a question"));
    assert_eq!(asked(&mut net), "192.0.2.2:53");
    assert_eq!(net.host.get(Socket(1)).closed, Some(false));
    net.host.last().inbox.push_back(b"an answer".to_vec());
    check(&net.poll()[0], "10.0.2.3:53", 5000, b"an answer");
    net.wait(2_000_000);
    net.packet(&says(5000, "10.0.2.3:53", b"a question"));
    assert_eq!(
        asked(&mut net),
        "192.0.2.2:53",
        "who answers is asked again"
    );
    net.wait(IDLE_NAMES_US);
    assert_eq!(net.host.count_open(), 0);
}

#[test]
fn without_a_name_server_questions_fail_at_once() {
    let mut other = NAMED;
    other[13] = b'l';
    let packets = net(&[]).packet(&says(5000, "10.0.2.3:53", &other));
    let packet = Packet::read(&packets[0]).unwrap();
    let reply = Datagram::read(&packet).unwrap();
    assert_eq!(reply.payload[..4], [0x12, 0x34, 0x81, 0x82]);
}

#[test]
fn silent_conversations_end_and_too_many_drive_out_the_oldest() {
    let mut net = net(&[]);
    net.packet(&says(5000, "192.0.2.9:9", b"x"));
    net.wait(IDLE_US - 1);
    assert_eq!(net.host.count_open(), 1);
    net.wait(1);
    assert_eq!((net.host.count_open(), net.stack.due_us()), (0, None));
    for port in 0..FLOWS as u16 + 10 {
        net.now_us += 1;
        net.packet(&says(6000 + port, "192.0.2.9:9", b"x"));
    }
    assert_eq!(net.host.count_open(), FLOWS);
    assert!((2..12).all(|n| net.host.get(Socket(n)).closed == Some(false)));
    net.stack.reset(&mut net.host);
    assert_eq!(net.host.count_open(), 0);
}

#[test]
fn who_calls_the_guest_gets_its_answers() {
    let mut net = net(&[]);
    let callers = [CALLER, "127.0.0.1:40001", "127.0.0.2:40000"];
    for (caller, text) in callers.iter().zip([b"1", b"2", b"3"]) {
        let caller = caller.parse().unwrap();
        net.host.datagrams.push_back((caller, text.to_vec()));
    }
    let packets = net.poll();
    let mut ports = Vec::new();
    for (packet, text) in packets.iter().zip(["1", "2", "3"]) {
        let read = Packet::read(packet).unwrap();
        let got = Datagram::read(&read).unwrap();
        assert_eq!((got.from.ip(), got.to), (&GATEWAY, guest(53)));
        assert_eq!(got.payload, text.as_bytes());
        ports.push(got.from.port());
    }
    assert_eq!(ports[..2], [40_000, 40_001], "the caller's own port");
    assert!(!ports[..2].contains(&ports[2]), "which can be had once");
    for (port, caller) in ports.iter().zip(callers) {
        net.packet(&says(53, &format!("10.0.2.2:{port}"), caller.as_bytes()));
    }
    let got: Vec<_> = net
        .host
        .answers
        .iter()
        .map(|(to, _)| to.to_string())
        .collect();
    assert_eq!(got, callers);
}
