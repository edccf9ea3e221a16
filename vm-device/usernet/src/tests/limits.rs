//! What is bounded.

use crate::host::{Interest, Listener};
use crate::plan::{Forward, Plan, Protocol};
use crate::tcp::FLOWS;
use crate::testing::{ACK, FIN, Net, Peer, RST, SYN, echo, segments};

const SERVER: &str = "192.0.2.9:80";

fn net() -> Net {
    Net::new(Plan {
        forwards: vec![Forward {
            protocol: Protocol::Tcp,
            guest: 22,
        }],
        ..Plan::default()
    })
}

#[test]
fn too_many_connections_drive_out_those_that_linger_then_the_oldest() {
    let mut net = net();
    let mut peers: Vec<Peer> = Vec::new();
    for port in 0..FLOWS as u16 {
        net.now_us += 1;
        peers.push(Peer::open(&mut net, 1000 + port, SERVER));
    }
    net.now_us += 1;
    let mut last = Peer::new(99, SERVER);
    net.room = usize::MAX >> 1;
    let seen = segments(&net.packet(&last.segment(SYN, &[]).bytes()));
    last.seq += 1;
    let broken: Vec<_> = seen.iter().filter(|s| s.flags & RST != 0).collect();
    assert_eq!(
        (broken.len(), broken[0].to.port()),
        (1, 1000),
        "the oldest is told"
    );
    assert_eq!(net.stack.connections(), FLOWS);
    assert_eq!(net.host.count_open(), FLOWS);
    net.host.get(crate::Socket(10)).ended = true;
    let end = segments(&net.poll());
    peers[9].absorb(
        &mut net,
        end.into_iter().filter(|s| s.flags & FIN != 0).collect(),
    );
    peers[9].send(&mut net, FIN | ACK, &[]);
    net.now_us += 1;
    let seen = segments(&net.packet(&Peer::new(98, SERVER).segment(SYN, &[]).bytes()));
    assert!(
        seen.iter().all(|s| s.flags & RST == 0),
        "one that lingers is not missed"
    );
    let mut waited = Vec::new();
    net.stack.interests(&mut waited);
    let calls = Interest::Listener(Listener(0));
    assert!(
        !waited.contains(&calls),
        "callers wait while all places are taken"
    );
    net.stack.reset(&mut net.host);
    waited.clear();
    net.stack.interests(&mut waited);
    assert_eq!(waited, [calls]);
}

#[test]
fn connections_wait_for_room_and_lose_nothing() {
    let mut net = net();
    let mut peer = Peer::open(&mut net, 4000, SERVER);
    net.room = 3;
    let page: Vec<u8> = (0..50_000).map(|i| (i / 251) as u8).collect();
    net.host.last().inbox.push_back(page.clone());
    let mut rounds = 0;
    while peer.received.len() < page.len() {
        let part = segments(&net.poll());
        assert!(part.len() <= 3 && !part.is_empty(), "{} frames", part.len());
        assert_eq!(net.stack.wants_room(), part.len() == 3);
        peer.take(&part);
        net.stack.frame(
            net.now_us,
            &crate::testing::framed(&peer.segment(ACK, &[]).bytes()),
            &mut net.host,
        );
        rounds += 1;
        assert!(rounds < 100, "{} bytes came", peer.received.len());
    }
    assert_eq!(peer.received, page);
}

#[test]
fn answers_to_a_guest_that_takes_none_are_dropped() {
    let mut net = net();
    net.room = 0;
    for _ in 0..10_000 {
        net.stack.frame(
            0,
            &crate::testing::framed(&echo(crate::GATEWAY)),
            &mut net.host,
        );
    }
    assert_eq!(net.work().len(), 256);
}
