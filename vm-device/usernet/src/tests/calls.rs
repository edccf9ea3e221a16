//! Connections that somebody on the host makes to the guest.

use crate::plan::{Forward, GATEWAY, Plan, Protocol};
use crate::testing::{ACK, Net, Peer, RST, SYN, Segment, guest, segments};

fn net() -> Net {
    Net::new(Plan {
        forwards: vec![Forward {
            protocol: Protocol::Tcp,
            guest: 22,
        }],
        ..Plan::default()
    })
}

/// Somebody calls; what the guest sees of it.
fn call(net: &mut Net) -> Segment {
    let socket = net.host.open(None);
    net.host.callers.push_back(socket);
    let seen = segments(&net.poll());
    assert_eq!((seen.len(), seen[0].flags, seen[0].to), (1, SYN, guest(22)));
    assert_eq!(*seen[0].from.ip(), GATEWAY);
    seen[0].clone()
}

fn peer(call: &Segment) -> Peer {
    let mut peer = Peer::new(22, &call.from.to_string());
    peer.ack = call.seq.wrapping_add(1);
    peer
}

#[test]
fn a_call_that_is_taken_carries_bytes() {
    let mut net = net();
    let (first, second) = (call(&mut net), call(&mut net));
    assert_ne!(first.from, second.from, "each has a port of its own");
    let mut peer = peer(&second);
    net.host.last().inbox.push_back(b"hello".to_vec());
    let answer = peer.send(&mut net, SYN | ACK, &[]);
    peer.absorb(&mut net, answer);
    let more = segments(&net.poll());
    peer.absorb(&mut net, more);
    assert_eq!(peer.received, b"hello");
    peer.send(&mut net, ACK, b"welcome");
    assert_eq!(net.host.last().sent(), b"welcome");
}

#[test]
fn a_call_that_is_refused_is_broken_off() {
    let mut net = net();
    let mut peer = peer(&call(&mut net));
    peer.seq = 0;
    peer.send(&mut net, RST | ACK, &[]);
    assert_eq!(
        (net.host.last().closed, net.stack.connections()),
        (Some(true), 0)
    );
}

#[test]
fn a_guest_that_does_not_answer_is_called_for_a_while() {
    let mut net = net();
    call(&mut net);
    let again = segments(&net.wait(29_000_000));
    assert!((3..10).contains(&again.len()), "{} times", again.len());
    assert_eq!(net.host.last().closed, None);
    net.wait(2_000_000);
    assert_eq!(
        (net.host.last().closed, net.stack.connections()),
        (Some(true), 0)
    );
    assert_eq!(net.stack.due_us(), None);
}
