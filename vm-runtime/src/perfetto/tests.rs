//! What is written is read back by a reader of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use vm_core::{Access, AccessKind, Answer, GuestPhys, GuestVirt, Moment, Space};
use vm_core::{TraceEvent, TraceKinds, Trap, Width};

use super::timeline::Timeline;
use crate::config::Source;
use crate::{
    Config, ConsoleHub, ConsoleIo, Outcome, Stop, TimeMode, TraceFilter, TraceFormat, TraceWriter,
    Until, Vm,
};

/// A field's value.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a message, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Value)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
        }
        panic!("a number of more than ten bytes");
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (head, rest) = bytes.split_at(length);
                bytes = rest;
                Value::Bytes(head.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, value));
    }
    found
}

fn bytes_of(fields: &[(u64, Value)], wanted: u64) -> Option<&[u8]> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Bytes(bytes) if *field == wanted => Some(bytes.as_slice()),
        _ => None,
    })
}

fn number_of(fields: &[(u64, Value)], wanted: u64) -> Option<u64> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Number(number) if *field == wanted => Some(*number),
        _ => None,
    })
}

fn text_of(fields: &[(u64, Value)], wanted: u64) -> Option<String> {
    let bytes = bytes_of(fields, wanted)?;
    Some(String::from_utf8(bytes.to_vec()).expect("text is UTF-8"))
}

/// Reads a trace: a line an event, `time track phase name`; what a reader relies on is checked.
fn read(trace: &[u8]) -> Vec<String> {
    let mut names = BTreeMap::new();
    let mut depth: BTreeMap<u64, i64> = BTreeMap::new();
    let (mut last, mut lines) = (0, Vec::new());
    for (field, packet) in fields(trace) {
        let Value::Bytes(packet) = packet else {
            panic!("a packet is a message");
        };
        let packet = fields(&packet);
        assert_eq!((field, number_of(&packet, 10)), (1, Some(1)));
        if let Some(described) = bytes_of(&packet, 60) {
            let described = fields(described);
            let process = bytes_of(&described, 3).and_then(|process| text_of(&fields(process), 6));
            let name = text_of(&described, 2).or(process).expect("a name");
            let uuid = number_of(&described, 1).expect("a number");
            assert_eq!(names.insert(uuid, name), None);
            continue;
        }
        let time = number_of(&packet, 8).expect("a time");
        assert!(time >= last, "{time} comes behind {last}");
        last = time;
        let event = fields(bytes_of(&packet, 11).expect("an event"));
        let track = number_of(&event, 11).expect("a track");
        let name = names.get(&track).expect("a track is described first");
        let open = depth.entry(track).or_default();
        let phase = match number_of(&event, 9) {
            Some(1) => {
                *open += 1;
                "{"
            }
            Some(2) => {
                *open -= 1;
                "}"
            }
            other => {
                assert_eq!(other, Some(3));
                "."
            }
        };
        assert!(*open >= 0, "{name} ends more than began");
        let what = text_of(&event, 23).unwrap_or_default();
        lines.push(format!("{time} {name} {phase}{what}"));
    }
    assert!(depth.values().all(|open| *open == 0), "{depth:?}");
    lines
}

fn written(events: &[(u64, u32, TraceEvent)]) -> Vec<String> {
    let mut timeline = Timeline::default();
    let mut bytes = Vec::new();
    for (now_ns, cpu, event) in events {
        let at = Moment {
            cpu: *cpu,
            retired: 0,
            now_ns: *now_ns,
        };
        timeline.event(at, event, &|pc| format!("{:#x}", pc.0));
        bytes.extend(timeline.take());
    }
    timeline.finish();
    bytes.extend(timeline.take());
    read(&bytes)
}

fn trap(name: &str, interrupt: bool) -> TraceEvent {
    TraceEvent::Trap {
        pc: GuestVirt(0x80),
        trap: Trap::new(5, u64::MAX),
        interrupt,
        name: name.to_owned(),
    }
}

fn mode(name: &str, ended: u32) -> TraceEvent {
    TraceEvent::Mode {
        pc: GuestVirt(0x80),
        name: name.to_owned(),
        ended,
    }
}

#[test]
fn traps_nest_and_modes_follow_each_other() {
    let found = written(&[
        (1, 0, mode("user", 0)),
        (5, 0, trap("call", false)),
        (5, 0, mode("kernel", 0)),
        (7, 0, trap("timer", true)),
        (300, 0, mode("kernel", 1)),
        (400, 0, mode("user", 1)),
        (500, 0, trap("a \u{fc} b", false)),
        // A clock that was set back.
        (400, 0, TraceEvent::Turn { begins: true }),
    ]);
    let want = [
        "1 cpu0 mode {user",
        "5 cpu0 {call",
        "5 cpu0 mode }",
        "5 cpu0 mode {kernel",
        "7 cpu0 .timer",
        "7 cpu0 {timer",
        "300 cpu0 }",
        "400 cpu0 }",
        "400 cpu0 mode }",
        "400 cpu0 mode {user",
        "500 cpu0 {a \u{fc} b",
        "500 cpu0 turns {turn",
        "500 cpu0 }",
        "500 cpu0 mode }",
        "500 cpu0 turns }",
    ];
    assert_eq!(found, want);
}

#[test]
fn requests_under_way_together_stand_side_by_side() {
    let request = |id, what: Option<&str>| TraceEvent::Request {
        device: "disk".to_owned(),
        id,
        what: what.map(str::to_owned),
    };
    let found = written(&[
        (1, 0, request(7, Some("read"))),
        (2, 0, request(8, Some("write"))),
        (3, 0, request(7, None)),
        (4, 0, request(9, Some("flush"))),
        (5, 0, request(1, None)),
        (6, 0, request(8, None)),
    ]);
    let want = [
        "1 disk requests 0 {read",
        "2 disk requests 1 {write",
        "3 disk requests 0 }",
        "4 disk requests 0 {flush",
        "6 disk requests 1 }",
        "6 disk requests 0 }",
    ];
    assert_eq!(found, want);
}

#[test]
fn devices_have_tracks_and_depth_has_an_end() {
    let access = Access {
        space: Space::Memory,
        addr: GuestPhys(0x1000_0000),
        width: Width::B1,
        kind: AccessKind::Store(0x41),
    };
    let dev = TraceEvent::Dev {
        device: "serial".to_owned(),
        access,
        answer: Answer::Done(0),
    };
    let line = TraceEvent::Line {
        device: "serial".to_owned(),
        line: 0,
        level: true,
    };
    let found = written(&[(1, 0, dev), (u64::MAX, 1, line)]);
    let end = format!("{} serial .line 0 raised", u64::MAX);
    assert_eq!(found, ["1 serial .write 0x10000000/1 0x41", &end]);
    let traps: Vec<_> = (0..1000).map(|now| (now, 0, trap("t", false))).collect();
    assert_eq!(written(&traps).len(), 2 * 64);
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A console that nobody looks at.
struct Nobody;

impl ConsoleIo for Nobody {
    fn print(&mut self, _bytes: &[u8]) {}
}

/// The demo to its end on two CPUs, and the hash of its state.
fn demo(trace: Option<TraceWriter>) -> u64 {
    let demo = include_bytes!("../../../tests/guests/demo/demo.bin");
    let config = Config {
        kernel: Some(Source::BuiltIn("demo", demo)),
        ram_bytes: 128 << 20,
        cpus: 2,
        time: TimeMode::Virtual,
        limit_insns: Some(100_000_000),
        ..Config::default()
    };
    let hub = ConsoleHub::new(Box::new(Nobody));
    hub.close();
    let trace = trace.map(|trace| Arc::new(Mutex::new(trace)) as _);
    let mut vm = Vm::new(config, hub, trace).expect("a machine");
    for (ms, typed) in [(50, "irq\r"), (400, "off\r")] {
        let until = Until {
            guest_ns: Some(ms * 1_000_000),
            ..Until::default()
        };
        assert_eq!(vm.run_until(until).expect("a run"), Stop::Time);
        vm.type_in(typed.as_bytes());
    }
    let ending = vm.run().expect("a run");
    assert_eq!(ending.outcome, Outcome::PowerOff);
    ending.state_hash.expect("time is virtual")
}

#[test]
fn a_run_is_a_timeline_and_stays_the_same_run() {
    let paper = Paper::default();
    let names = ["trap", "irq", "dev", "sbi", "mode", "io", "sched"];
    let kinds = TraceKinds::NAMES
        .iter()
        .filter(|(name, _)| names.contains(name));
    let kinds = kinds.fold(TraceKinds::default(), |sum, (_, kind)| sum.with(*kind));
    let writer = TraceWriter::new(kinds, TraceFilter::default(), Box::new(paper.clone()));
    let hash = demo(Some(writer.format(TraceFormat::Perfetto)));
    assert_eq!(hash, demo(None));
    let bytes = paper.0.lock().expect("nobody panics").clone();
    let lines = read(&bytes);
    for event in [
        "cpu0 mode {supervisor mode",
        "cpu0 .srst.system_reset(",
        "cpu0 {supervisor timer interrupt",
        "cpu0 .supervisor external interrupt",
        "cpu0 turns {turn",
        "cpu0 turns {idle",
        "serial .line 0 raised",
        "plic .read 0xc201004/4",
    ] {
        let found = lines.iter().any(|line| line.contains(event));
        assert!(found, "{event} is not among {} lines", lines.len());
    }
    // What is over has ended: an interrupt of the demo takes far less than the time between two.
    let begin = lines
        .iter()
        .position(|line| line.contains("{supervisor timer interrupt"))
        .expect("a timer");
    let end = lines[begin..].iter().find(|line| line.ends_with("cpu0 }"));
    let time = |line: &str| {
        let word = line.split(' ').next()?;
        word.parse::<u64>().ok()
    };
    let took: Option<u64> = end.and_then(|end| Some(time(end)? - time(&lines[begin])?));
    assert!(
        took.is_some_and(|ns| (1..100_000).contains(&ns)),
        "{took:?}"
    );
    // A CPU waits most of the time, and does nothing else meanwhile.
    let turns: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("cpu0 turns "))
        .collect();
    let idle: u64 = turns
        .windows(2)
        .filter(|pair| pair[0].ends_with("{idle"))
        .filter_map(|pair| {
            assert!(pair[1].ends_with('}'), "{pair:?}");
            Some(time(pair[1])? - time(pair[0])?)
        })
        .sum();
    assert!(idle > 10_000_000, "{idle} ns");
}
