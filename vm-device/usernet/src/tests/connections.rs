//! Connections that the guest makes.

use crate::host::{Refusal, Socket};
use crate::plan::{GATEWAY, Plan};
use crate::testing::{ACK, FIN, Net, PSH, Peer, RST, SYN, icmp, segments};

const SERVER: &str = "192.0.2.9:80";

fn net() -> Net {
    Net::new(Plan {
        names: vec!["192.0.2.1:5353".parse().unwrap()],
        ..Plan::default()
    })
}

#[test]
fn the_guest_is_answered_when_the_host_is() {
    for (to, outside) in [
        (SERVER, SERVER),
        ("10.0.2.2:80", "127.0.0.1:80"),
        ("10.0.2.3:53", "192.0.2.1:5353"),
    ] {
        let mut net = net();
        net.host.connects = None;
        let mut peer = Peer::new(4000, to);
        assert_eq!(peer.send(&mut net, SYN, &[]), []);
        assert_eq!(net.host.last().to, Some(outside.parse().unwrap()));
        peer.seq -= 1;
        assert_eq!(peer.send(&mut net, SYN, &[]), [], "asked again");
        assert_eq!(net.host.sockets.len(), 1);
        net.host.last().connected = Some(Ok(()));
        let answer = segments(&net.poll());
        assert_eq!(peer.take(&answer), SYN | ACK);
        assert_eq!(answer[0].ack, 1001);
    }
}

#[test]
fn what_can_not_be_reached_is_told() {
    for (refusal, to) in [
        (Some(Refusal::Refused), SERVER),
        (Some(Refusal::Unreachable), SERVER),
        (None, "127.0.0.1:80"),
        (None, "169.254.169.254:80"),
        (None, "10.0.2.7:80"),
        (None, "10.0.2.3:80"),
    ] {
        let mut net = net();
        net.host.connects = refusal.map(Err);
        let mut peer = Peer::new(4000, to);
        let packets = net.packet(&peer.segment(SYN, &[]).bytes());
        assert_eq!(packets.len(), 1, "{to}");
        if refusal == Some(Refusal::Unreachable) {
            assert_eq!(icmp(&packets[0]), (GATEWAY, 3, 1));
        } else {
            let got = segments(&packets);
            assert_eq!((got[0].flags, got[0].ack), (RST | ACK, 1001), "{to}");
            peer.take(&got);
        }
        assert_eq!((net.stack.connections(), net.host.count_open()), (0, 0));
        assert_eq!(net.host.sockets.len(), usize::from(refusal.is_some()));
    }
    let mut net = net();
    net.host.exhausted = true;
    let packets = net.packet(&Peer::new(4000, SERVER).segment(SYN, &[]).bytes());
    assert_eq!(icmp(&packets[0]), (GATEWAY, 3, 1));
}

#[test]
fn segments_of_no_connection_are_refused() {
    for (flags, answered) in [
        (ACK, true),
        (FIN | ACK, true),
        (SYN | ACK, true),
        (RST, false),
    ] {
        let mut net = net();
        let got = Peer::new(4000, SERVER).send(&mut net, flags, &[]);
        assert_eq!(got.len(), usize::from(answered), "{flags}");
        assert!(got.iter().all(|segment| segment.flags & RST != 0));
        assert!(net.host.sockets.is_empty());
    }
}

#[test]
fn bytes_go_both_ways_and_nothing_is_lost_or_doubled() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    let request: Vec<u8> = (0..5000).map(|i| (i / 3) as u8).collect();
    for part in request.chunks(1400) {
        let mut again = Peer {
            seq: peer.seq,
            ..Peer::new(4000, SERVER)
        };
        again.ack = peer.ack;
        peer.send(&mut net, ACK | PSH, part);
        again.send(&mut net, ACK | PSH, part);
    }
    assert_eq!(net.host.last().sent(), request);
    let page: Vec<u8> = (0..200_000).map(|i| (i / 251) as u8).collect();
    net.host.last().inbox.push_back(page.clone());
    let first = segments(&net.poll());
    assert!(first.iter().all(|segment| segment.payload.len() <= 1460));
    let mut flags = peer.absorb(&mut net, first);
    while peer.received.len() < page.len() {
        let more = segments(&net.poll());
        assert!(!more.is_empty(), "{} bytes came", peer.received.len());
        flags |= peer.absorb(&mut net, more);
    }
    assert_eq!(peer.received, page);
    assert_eq!(flags & (FIN | RST), 0);
}

#[test]
fn a_guest_that_takes_large_packets_gets_them() {
    for (large, most) in [(false, 1460), (true, 32_000)] {
        let mut net = net();
        net.stack.set_large(large);
        let mut peer = Peer::open(&mut net, 4000, SERVER);
        let page: Vec<u8> = (0..50_000).map(|i| (i / 251) as u8).collect();
        net.host.last().inbox.push_back(page.clone());
        let first = segments(&net.poll());
        assert_eq!(first[0].payload.len(), most);
        peer.absorb(&mut net, first);
        assert_eq!(peer.received, page);
        peer.send(&mut net, ACK | PSH, &vec![5; 40_000]);
        assert_eq!(net.host.last().sent(), vec![5; 40_000], "and may send them");
        assert_eq!(net.packet(&bad_sum(&peer)), [] as [Vec<u8>; 0]);
    }
}

/// The first packet of a connection with a wrong checksum.
fn bad_sum(peer: &Peer) -> Vec<u8> {
    let mut bytes = Peer {
        seq: 1,
        ..Peer::new(9, SERVER)
    }
    .segment(SYN, &[])
    .bytes();
    assert_eq!(peer.local.ip(), &crate::GUEST);
    bytes[24] ^= 1;
    bytes
}

#[test]
fn either_side_may_end_first_and_the_other_goes_on() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    let answer = peer.send(&mut net, FIN | ACK, b"last");
    peer.take(&answer);
    assert!(net.host.last().end_written && net.host.last().sent() == b"last");
    net.host.last().inbox.push_back(b"a long answer".to_vec());
    net.host.last().ended = true;
    let rest = segments(&net.poll());
    assert_eq!(peer.absorb(&mut net, rest) & (FIN | RST), FIN);
    assert_eq!(peer.received, b"a long answer");
    assert_eq!(net.host.last().closed, Some(false));
    assert_eq!(net.stack.connections(), 0);

    let mut peer = Peer::open(&mut net, 4001, SERVER);
    net.host.last().inbox.push_back(b"hello".to_vec());
    net.host.last().ended = true;
    let all = segments(&net.poll());
    assert_eq!(peer.absorb(&mut net, all) & (FIN | RST), FIN);
    assert_eq!(net.host.last().closed, None, "the guest may still send");
    peer.send(&mut net, ACK | PSH, b"bye");
    peer.send(&mut net, FIN | ACK, &[]);
    let last = net.host.last();
    assert_eq!((last.sent(), last.end_written), (b"bye".to_vec(), true));
    assert_eq!(last.closed, Some(false));
    assert!(!net.stack.may_bring(), "it only lingers");
    let mut again = Peer::new(4001, SERVER);
    again.seq = 900_000;
    let answer = again.send(&mut net, SYN, &[]);
    assert_eq!(again.take(&answer), SYN | ACK, "the port can be used again");
    again.send(&mut net, RST, &[]);
    net.wait(20_000_000);
    assert_eq!((net.stack.connections(), net.host.count_open()), (0, 0));
}

#[test]
fn a_break_on_one_side_is_a_break_on_the_other() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    assert_eq!(peer.send(&mut net, RST | ACK, &[]), []);
    assert_eq!(net.host.last().closed, Some(true));

    let mut peer = Peer::open(&mut net, 4001, SERVER);
    net.host.last().broken = true;
    let told = segments(&net.poll());
    assert_eq!(peer.take(&told) & RST, RST);
    assert_eq!(net.host.last().closed, Some(true));

    let mut peer = Peer::open(&mut net, 4002, SERVER);
    net.host.last().broken = true;
    let told = peer.send(&mut net, ACK | PSH, b"x");
    assert_eq!(peer.take(&told) & RST, RST);
    assert_eq!(net.stack.connections(), 0);

    let mut peer = Peer::new(4003, SERVER);
    peer.send(&mut net, SYN, &[]);
    peer.send(&mut net, RST, &[]);
    assert_eq!(
        (net.stack.connections(), net.host.last().closed),
        (0, Some(true))
    );
}

#[test]
fn what_is_not_acknowledged_is_sent_again() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    net.host.last().inbox.push_back(b"hello".to_vec());
    let lost = segments(&net.poll());
    assert_eq!(lost[0].payload, b"hello");
    assert!(net.wait(500_000).is_empty());
    let again = segments(&net.wait(2_000_000));
    assert_eq!(again[0].payload, b"hello");
    peer.take(&again[..1]);
    peer.send(&mut net, ACK, &[]);
    assert!(net.wait(100_000_000).is_empty(), "and then no more");
}

#[test]
fn windows_hold_both_sides_back() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    peer.window = 100;
    peer.send(&mut net, ACK, &[]);
    net.host.last().inbox.push_back(vec![7; 1000]);
    let first = segments(&net.poll());
    let bytes: usize = first.iter().map(|segment| segment.payload.len()).sum();
    assert_eq!(bytes, 100);
    peer.take(&first);
    peer.window = 0;
    peer.send(&mut net, ACK, &[]);
    let probes = segments(&net.wait(10_000_000));
    assert!(probes.iter().all(|probe| probe.payload.len() <= 1) && !probes.is_empty());
    peer.window = 2000;
    let rest = peer.send(&mut net, ACK, &[]);
    peer.absorb(&mut net, rest);
    assert_eq!(peer.received, [7; 1000]);

    net.host.last().room = 0;
    let mut sent = 0;
    loop {
        let answer = peer.send(&mut net, ACK | PSH, &[1; 1000]);
        sent += 1000;
        let told = answer.last().cloned();
        let told = told.or_else(|| segments(&net.wait(50_000)).pop());
        let told = told.expect("an acknowledgement");
        if told.window < 1000 {
            break;
        }
        assert!(sent < 100_000, "the window never closes");
    }
    assert_eq!(net.host.last().sent().len(), 0);
    net.host.last().room = usize::MAX;
    let open = segments(&net.poll());
    assert!(
        open.iter().any(|segment| segment.window > 30_000),
        "{open:?}"
    );
    assert_eq!(net.host.last().sent(), vec![1; sent]);
}

#[test]
fn a_reset_of_the_card_ends_everything() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    net.host.last().inbox.push_back(b"hello".to_vec());
    net.stack.reset(&mut net.host);
    assert_eq!(net.host.get(Socket(1)).closed, Some(true));
    assert!(net.poll().is_empty() && !net.stack.may_bring());
    let told = peer.send(&mut net, ACK, &[]);
    assert_eq!(told[0].flags & RST, RST, "what belongs to an older life");
}
