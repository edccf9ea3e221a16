//! Packets of every kind, right and wrong, to a machine that stands still.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use vm_core::Entropy;

use super::packet::{Decoder, Input, PACKET_BYTES, encode};
use super::resume::Resume;
use super::server::Address;
use super::{Answer, Gdb, Server, Session};
use crate::{Config, ConsoleHub, ConsoleIo, Firmware, Outcome, Source, TimeMode, Vm};

struct Silent;

impl ConsoleIo for Silent {
    fn print(&mut self, _bytes: &[u8]) {}
}

/// `addi a0, a0, 1`, `sd a0, 64(a1)`, `j .-8`.
const LOOP: [u32; 3] = [0x0015_0513, 0x04a5_b023, 0xff9f_f06f];
/// Where it stands.
const BASE: u64 = 0x8000_0000;

/// A machine with two CPUs that count.
fn machine() -> (Vm, ConsoleHub) {
    let program: Vec<u8> = LOOP.iter().flat_map(|word| word.to_le_bytes()).collect();
    let config = Config {
        kernel: Some(Source::BuiltIn("a loop", program.leak())),
        firmware: Firmware::None,
        ram_bytes: 16 << 20,
        cpus: 2,
        time: TimeMode::Virtual,
        ..Config::default()
    };
    let hub = ConsoleHub::new(Box::new(Silent));
    let mut vm = Vm::new(config, hub.clone(), None).expect("a machine");
    for cpu in 0..2 {
        // Past the code that a machine begins with.
        vm.set_register(cpu, "pc", BASE);
        vm.set_register(cpu, "x11", BASE + 0x1000 * (1 + cpu as u64));
    }
    (vm, hub)
}

fn text(answer: Answer) -> String {
    match answer {
        Answer::Reply(replies) => {
            let replies: Vec<_> = replies.iter().map(|r| String::from_utf8_lossy(r)).collect();
            replies.join("|")
        }
        other => format!("{other:?}"),
    }
}

fn hexed(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn packets_are_answered() {
    let (mut vm, _) = machine();
    let mut session = Session::new(&vm);
    for (packet, want) in [
        ("?", "T05thread:1;"),
        ("qfThreadInfo", "m1,2"),
        ("qsThreadInfo", "l"),
        ("qC", "QC1"),
        ("qAttached", "1"),
        ("vMustReplyEmpty", ""),
        ("vCont?", "vCont;c;C;s;S;r"),
        ("T2", "OK"),
        ("T3", "E22"),
        ("Hg2", "OK"),
        ("qC", "QC2"),
        ("Hgp1.1", "OK"),
        ("Hc-1", "OK"),
        ("Hg9", "E22"),
        ("p20", "0000008000000000"),
        ("p9999", "E22"),
        ("Pa=2a00000000000000", "OK"),
        ("pa", "2a00000000000000"),
        ("Pa=2a", "OK"),
        ("Pa=xx", "E22"),
        ("m80000000,4", "13051500"),
        ("m80001000,8", "0000000000000000"),
        ("M80001000,2:abcd", "OK"),
        ("X80001002,1:z", "OK"),
        ("m80001000,4", "abcd7a00"),
        ("M80001000,3:abcd", "E22"),
        ("m0,4", "E14"),
        // What there is of it.
        ("m80fffffe,8", "0000"),
        ("M0,1:00", "E14"),
        ("Z0,80000000,4", "OK"),
        ("Z5,80000000,4", ""),
        ("Z0,zz,4", "E22"),
        ("z1,80000000,4", "OK"),
        ("Qqemu.PhyMemMode:1", "OK"),
        ("qqemu.PhyMemMode", "1"),
        ("m80000000,4", "13051500"),
        ("Qqemu.PhyMemMode:0", "OK"),
        ("QStartNoAckMode", "OK"),
        ("qXfer:features:read:other.xml:0,10", "E00"),
        ("qXfer:features:read:target.xml:0,5", "m<?xml"),
        ("qXfer:features:read:target.xml:ffffff,5", "l"),
        ("", ""),
        ("what", ""),
    ] {
        let got = text(session.packet(&mut vm, packet.as_bytes()));
        assert_eq!(got, want, "{packet}");
    }
    assert!(session.no_acks);
    let all = text(session.packet(&mut vm, b"g"));
    assert_eq!(all.len(), 33 * 16);
    assert_eq!(
        text(session.packet(&mut vm, format!("G{all}").as_bytes())),
        "OK"
    );
    let same = text(session.packet(&mut vm, b"g"));
    assert_eq!(same, all);
}

#[test]
fn going_on_says_who_goes() {
    for (given, want) in [
        (";c", Some((None, vec![false, false]))),
        (";s:1;c", Some((Some(0), vec![false, false]))),
        (";s:p1.2;c:p1.-1", Some((Some(1), vec![false, false]))),
        (";s:2", Some((Some(1), vec![true, false]))),
        (";C05:1", Some((None, vec![false, true]))),
        (
            ";r80000000,80000008:1;c",
            Some((Some(0), vec![false, false])),
        ),
        ("", None),
        (";", None),
        (";x", None),
        (";c:9", None),
        (";r1:1", None),
    ] {
        let got = Resume::read(given.as_bytes(), 2).map(|resume| (resume.step, resume.held));
        assert_eq!(got, want, "{given}");
    }
}

#[test]
fn the_monitor_answers_and_what_it_does_not_know_is_said() {
    let (mut vm, _) = machine();
    let mut session = Session::new(&vm);
    for (line, want) in [
        ("help", "page walk"),
        ("info registers 1", "mhartid       0000000000000001"),
        ("info registers 7", "there are CPUs 0 to 1"),
        ("info cpus", "cpu1 running, privilege 3, at 0x80000000"),
        ("walk 0x80000000", "is at physical 0x80000000"),
        ("walk nothing", "no kernel's table of symbols"),
        ("symbols", "no kernel's table of symbols"),
        ("break 0x80000004", "0x0000000080000004 0x80000004"),
        ("delete 0x80000008", "there is no breakpoint"),
        ("delete", ""),
        ("phys on", "physical"),
        ("phys off", "virtual"),
        ("time", "guest time 0 ns, 0 instructions"),
        ("wh\u{1b}at", "there is no command `wh?at`"),
    ] {
        let packet = format!("qRcmd,{}", hexed(line));
        let Answer::Reply(replies) = session.packet(&mut vm, packet.as_bytes()) else {
            panic!("{line} has no reply");
        };
        assert_eq!(
            replies.last().map(Vec::as_slice),
            Some(&b"OK"[..]),
            "{line}"
        );
        let said: Vec<u8> = replies
            .iter()
            .filter_map(|reply| super::words::unhex(reply.strip_prefix(b"O")?))
            .flatten()
            .collect();
        let said = String::from_utf8(said).expect("text");
        assert!(said.contains(want), "{line}: {said}");
    }
    for (line, want) in [("reset", "Restart"), ("quit", "Quit")] {
        let packet = format!("qRcmd,{}", hexed(line));
        let answer = format!("{:?}", session.packet(&mut vm, packet.as_bytes()));
        assert!(answer.starts_with(want), "{answer}");
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    let mut random = Entropy::new(3);
    for length in [0, 1, 7, 300, PACKET_BYTES] {
        let mut body = vec![0; length];
        random.fill(&mut body);
        let mut wire = Vec::new();
        encode(&body, &mut wire);
        let mut decoder = Decoder::default();
        let inputs: Vec<Input> = wire.iter().filter_map(|b| decoder.byte(*b)).collect();
        assert_eq!(inputs, [Input::Packet(body)]);
    }
}

fn inputs(wire: &[u8]) -> Vec<Input> {
    let mut decoder = Decoder::default();
    wire.iter().filter_map(|byte| decoder.byte(*byte)).collect()
}

#[test]
fn packets_that_are_wrong_are_named() {
    let mut long = b"$".to_vec();
    long.resize(PACKET_BYTES + 2, b'a');
    let sum = long[1..]
        .iter()
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    long.extend(format!("#{sum:02x}").bytes());
    for (wire, want) in [
        (&b"+$g#67"[..], vec![Input::Packet(b"g".to_vec())]),
        (b"$g#68", vec![Input::Damaged]),
        (b"$g#zz", vec![Input::Damaged]),
        (b"$cut$g#67", vec![Input::Packet(b"g".to_vec())]),
        (b"-\x03", vec![Input::Again, Input::Interrupt]),
        (b"noise $m}\x03#ed", vec![Input::Packet(b"m#".to_vec())]),
        (&long, vec![Input::TooLong]),
    ] {
        assert_eq!(inputs(wire), want, "{:?}", String::from_utf8_lossy(wire));
    }
}

/// Packets that are right, as seeds of wrong ones.
const SEEDS: &[&str] = &[
    "?",
    "g",
    "G00",
    "p20",
    "P1=0011223344556677",
    "m80000000,100",
    "mffffffffffffffff,ffffffffffffffff",
    "M80001000,4:01020304",
    "X80001000,4:abcd",
    "Z0,80000000,4",
    "Z4,ffffffffffffffff,ffffffffffffffff",
    "z2,80000000,8",
    "Hgp1.2",
    "T2",
    "vCont;r80000000,80000010:p1.1;s:2;c",
    "s80000000",
    "C05;80000000",
    "qSupported:multiprocess+;swbreak+",
    "qXfer:features:read:target.xml:0,3ff8",
    "qThreadExtraInfo,1",
    "qRcmd,77616c6b2030",
    "qRcmd,627265616b20307838",
    "Qqemu.PhyMemMode:1",
    "QStartNoAckMode",
];

/// Changes a packet somewhere.
fn mutated(random: &mut Entropy) -> Vec<u8> {
    let mut pick = |below: usize| (random.next_u64() % below.max(1) as u64) as usize;
    let mut body = SEEDS[pick(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..pick(6) {
        let at = pick(body.len());
        match pick(6) {
            0 if !body.is_empty() => {
                body.remove(at);
            }
            1 => body.insert(at, pick(256) as u8),
            2 if !body.is_empty() => body[at] = b"0123456789abcdef,;:-.p$#}+"[pick(26)],
            3 => body.truncate(at),
            4 => body.extend(SEEDS[pick(SEEDS.len())].bytes()),
            _ => body.extend(std::iter::repeat_n(b'f', pick(40))),
        }
    }
    body
}

/// Random bytes and packets that are nearly right: nothing panics, answers are bounded, and what
/// is kept is too.
#[test]
fn no_packet_does_harm() {
    let (mut vm, _) = machine();
    let mut session = Session::new(&vm);
    let (mut random, mut decoder) = (Entropy::new(1), Decoder::default());
    let (mut packets, mut answered) = (0, 0);
    for round in 0..40_000u32 {
        let mut wire = Vec::new();
        if round % 4 == 0 {
            wire.resize((random.next_u64() % 64) as usize, 0);
            random.fill(&mut wire);
            wire.insert(0, b'$');
        } else {
            encode(&mutated(&mut random), &mut wire);
        }
        for byte in wire {
            let Some(Input::Packet(body)) = decoder.byte(byte) else {
                continue;
            };
            packets += 1;
            assert!(body.len() <= PACKET_BYTES);
            match session.packet(&mut vm, &body) {
                Answer::Reply(replies) | Answer::Restart(replies) | Answer::Quit(replies) => {
                    answered += usize::from(replies.iter().any(|reply| !reply.is_empty()));
                    assert!(
                        replies.iter().all(|reply| reply.len() <= PACKET_BYTES),
                        "{body:?}"
                    );
                }
                Answer::Go(resume) => {
                    assert_eq!(resume.held.len(), 2);
                    if let Some(stops) = session.points.changed() {
                        vm.set_stops(&stops);
                    }
                    vm.go_on(resume.step, resume.held);
                    vm.set_limit(Some(vm.instructions() + 10));
                    vm.run().expect("the machine goes on");
                }
                Answer::Detach | Answer::Kill => {}
            }
        }
    }
    // Most are still packets, and many of them make sense.
    assert!(
        packets > 25_000 && answered > 10_000,
        "{packets} {answered}"
    );
}

/// A client at a real socket.
struct Client(TcpStream);

impl Client {
    fn send(&mut self, body: &str) {
        let mut wire = Vec::new();
        encode(body.as_bytes(), &mut wire);
        self.0.write_all(&wire).expect("the packet is sent");
    }

    /// The next packet's contents; acknowledgements are passed over.
    fn next(&mut self) -> String {
        let mut decoder = Decoder::default();
        loop {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("an answer comes");
            if let Some(Input::Packet(body)) = decoder.byte(byte[0]) {
                return String::from_utf8(body).expect("text");
            }
        }
    }

    fn ask(&mut self, body: &str) -> String {
        self.send(body);
        self.next()
    }
}

/// From the first packet to the last: breakpoints, watched memory, steps, an interrupt, a kill.
#[test]
fn a_debugger_visits_by_a_socket() {
    let (mut vm, hub) = machine();
    let address: Address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::listen(&address, hub.waker()).expect("a port");
    let Address::Net(at) = *server.address() else {
        panic!("not a port");
    };
    vm.set_debugger(Box::new(Gdb::new(server, true)));
    // So that a client that fails does not leave the machine running.
    vm.set_limit(Some(200_000_000));
    let client = std::thread::spawn(move || {
        let stream = TcpStream::connect(at).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a limit");
        let mut client = Client(stream);
        assert_eq!(client.ask("?"), "T05thread:1;");
        assert_eq!(client.ask("Z0,80000004,4"), "OK");
        assert_eq!(client.ask("vCont;c"), "T05thread:1;swbreak:;");
        assert_eq!(client.ask("p20"), "0400008000000000");
        assert_eq!(client.ask("pa"), "0100000000000000");
        // Going on takes nothing but going on.
        assert_eq!(client.ask("vCont;c"), "T05thread:1;swbreak:;");
        assert_eq!(client.ask("pa"), "0200000000000000");
        // The other one alone.
        assert_eq!(client.ask("vCont;c:2"), "T05thread:2;swbreak:;");
        assert_eq!(client.ask("z0,80000004,4"), "OK");
        assert_eq!(client.ask("vCont;s:1;c"), "T05thread:1;");
        assert_eq!(client.ask("p20"), "0800008000000000");
        assert_eq!(client.ask("Z2,80002040,1"), "OK");
        assert_eq!(client.ask("vCont;c:2"), "T05thread:2;watch:80002040;");
        assert_eq!(client.ask("p20"), "0400008000000000");
        assert_eq!(client.ask("z2,80002040,1"), "OK");
        assert_eq!(client.ask("vCont;r80000000,80000008:2;c"), "T05thread:2;");
        assert_eq!(client.ask("p20"), "0800008000000000");
        client.send("vCont;c");
        client.0.write_all(b"\x03").expect("the interrupt is sent");
        let stop = client.next();
        assert!(stop.starts_with("T02thread:"), "{stop}");
        client.send("vKill;1");
        assert_eq!(client.next(), "OK");
    });
    let ending = vm.run().expect("the machine runs");
    client.join().expect("all answers are right");
    assert_eq!(ending.outcome, Outcome::Interrupted);
}
