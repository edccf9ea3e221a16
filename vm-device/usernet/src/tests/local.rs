//! What the network answers itself.

use std::net::Ipv4Addr;

use crate::plan::{GATEWAY, GATEWAY_MAC, GUEST, NAMES, Plan};
use crate::testing::{MAC, Net, echo, framed, icmp, who_has};
use crate::wire::{Datagram, Frame, Packet, datagram};

fn net() -> Net {
    Net::new(Plan::default())
}

#[test]
fn gateway_and_name_server_have_a_hardware_address_and_nobody_else() {
    for (wanted, answered) in [
        (GATEWAY, true),
        (NAMES, true),
        (GUEST, false),
        (Ipv4Addr::new(10, 0, 2, 4), false),
        (Ipv4Addr::new(10, 0, 2, 255), false),
        (Ipv4Addr::new(127, 0, 0, 1), false),
    ] {
        for asker in [GUEST, Ipv4Addr::UNSPECIFIED] {
            let frames = net().frame(&who_has(asker, wanted));
            assert_eq!(frames.len(), usize::from(answered), "{wanted}");
            let Some(reply) = frames.first() else {
                continue;
            };
            assert_eq!(reply[..6], MAC);
            assert_eq!(reply[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
            assert_eq!(reply[22..28], GATEWAY_MAC);
            assert_eq!(reply[28..32], wanted.octets());
        }
    }
    let whole = who_has(GUEST, GATEWAY);
    for cut in 0..whole.len() {
        assert!(net().frame(&whole[..cut]).is_empty(), "{cut} bytes");
    }
}

#[test]
fn echoes_come_back_from_the_network_itself() {
    for (to, answered) in [
        (GATEWAY, true),
        (NAMES, true),
        (Ipv4Addr::new(192, 0, 2, 1), false),
    ] {
        let packets = net().packet(&echo(to));
        assert_eq!(packets.len(), usize::from(answered), "{to}");
        if let Some(reply) = packets.first() {
            assert_eq!(icmp(reply), (to, 0, 0));
            assert_eq!(reply[24..], echo(to)[24..], "number and content");
        }
    }
    let good = echo(GATEWAY);
    for (at, what) in [
        (0, "version"),
        (10, "sum of the header"),
        (22, "sum of the echo"),
    ] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        assert!(net().packet(&bad).is_empty(), "{what}");
    }
    let mut liar = echo(GATEWAY);
    liar[12..16].copy_from_slice(&[192, 0, 2, 1]);
    crate::wire::seal(&mut liar);
    assert!(
        net().packet(&liar).is_empty(),
        "an address that is not the guest's"
    );
}

/// A DHCP message of this kind, with these options behind the kind.
fn dhcp(kind: u8, own: Ipv4Addr, options: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 240];
    out[..8].copy_from_slice(&[1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
    out[12..16].copy_from_slice(&own.octets());
    out[28..34].copy_from_slice(&MAC);
    out[236..].copy_from_slice(&[99, 130, 83, 99]);
    out.extend([53, 1, kind]);
    out.extend_from_slice(options);
    out.push(255);
    out
}

fn ask(net: &mut Net, from: Ipv4Addr, message: &[u8]) -> Option<(Ipv4Addr, Vec<u8>)> {
    let to = if from.is_unspecified() {
        Ipv4Addr::BROADCAST
    } else {
        GATEWAY
    };
    let from = std::net::SocketAddrV4::new(from, 68);
    let to = std::net::SocketAddrV4::new(to, 67);
    let frames = net.frame(&framed(&datagram(from, to, message)));
    let frame = frames.first()?;
    assert_eq!(frame[..6], MAC);
    let frame = Frame::read(frame).expect("a frame");
    let packet = Packet::read(frame.payload).expect("a packet");
    let reply = Datagram::read(&packet).expect("a datagram");
    assert_eq!((reply.from.port(), reply.to.port()), (67, 68));
    assert_eq!(reply.payload[4..8], [0xde, 0xad, 0xbe, 0xef]);
    Some((packet.to, reply.payload.to_vec()))
}

fn option(message: &[u8], wanted: u8) -> Option<Vec<u8>> {
    let mut rest = &message[240..];
    while let [code, length, tail @ ..] = rest {
        if *code == 255 {
            break;
        }
        let (value, tail) = tail.split_at(usize::from(*length));
        if *code == wanted {
            return Some(value.to_vec());
        }
        rest = tail;
    }
    None
}

#[test]
fn the_guest_is_given_its_address_and_the_others() {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut net = net();
    let (to, offer) = ask(&mut net, none, &dhcp(1, none, &[])).expect("an offer");
    assert_eq!(
        (to, option(&offer, 53)),
        (Ipv4Addr::BROADCAST, Some(vec![2]))
    );
    assert_eq!(offer[16..20], GUEST.octets());
    for (code, value) in [
        (54, GATEWAY.octets().to_vec()),
        (1, vec![255, 255, 255, 0]),
        (3, GATEWAY.octets().to_vec()),
        (6, NAMES.octets().to_vec()),
        (26, vec![5, 220]),
        (51, 86_400_u32.to_be_bytes().to_vec()),
    ] {
        assert_eq!(option(&offer, code), Some(value), "option {code}");
    }
    let mut wanted = vec![50, 4];
    wanted.extend(GUEST.octets());
    wanted.extend([0, 54, 4]);
    wanted.extend(GATEWAY.octets());
    let (_, ack) = ask(&mut net, none, &dhcp(3, none, &wanted)).expect("an answer");
    assert_eq!(
        (option(&ack, 53), &ack[16..20]),
        (Some(vec![5]), &GUEST.octets()[..])
    );
    let (to, ack) = ask(&mut net, GUEST, &dhcp(3, GUEST, &[])).expect("a renewal");
    assert_eq!((to, option(&ack, 53)), (GUEST, Some(vec![5])));
    let (_, nak) = ask(&mut net, none, &dhcp(3, none, &[50, 4, 10, 0, 2, 99])).expect("a no");
    assert_eq!(
        (option(&nak, 53), &nak[16..20]),
        (Some(vec![6]), &[0; 4][..])
    );
    let (_, told) = ask(&mut net, GUEST, &dhcp(8, GUEST, &[])).expect("an answer");
    assert_eq!((&told[16..20], option(&told, 51)), (&[0; 4][..], None));
}

#[test]
fn what_is_no_request_for_this_server_has_no_answer() {
    let none = Ipv4Addr::UNSPECIFIED;
    let good = dhcp(1, none, &[]);
    for (message, what) in [
        (
            dhcp(3, none, &[54, 4, 10, 0, 2, 9]),
            "another server was chosen",
        ),
        (dhcp(4, none, &[]), "declined"),
        (dhcp(7, GUEST, &[]), "released"),
        (dhcp(99, none, &[]), "an unknown kind"),
        ([&[2], &good[1..]].concat(), "a reply"),
        (
            [&good[..236], &[0; 4], &good[240..]].concat(),
            "another cookie",
        ),
    ] {
        assert_eq!(ask(&mut net(), none, &message), None, "{what}");
    }
    for cut in 0..good.len() - 1 {
        assert_eq!(ask(&mut net(), none, &good[..cut]), None, "{cut} bytes");
    }
    assert!(ask(&mut net(), none, &good).is_some());
}
