//! Which event stands on which track.

use std::collections::BTreeMap;

use vm_core::{AccessKind, Answer, GuestVirt, Moment, TraceEvent};

use super::proto::{Message, Phase, field};

/// The number of the one writer of packets.
const SEQUENCE: u64 = 1;
/// The number of the process that all tracks stand under.
const MACHINE: u64 = 1;
/// The deepest nesting of a track.
// LIMIT: as deep as engines remember traps; deeper slices are not begun, nor ended.
const DEPTH: usize = 64;
/// The most tracks.
// LIMIT: names come from the board; requests of one device under way together are bounded by it.
const TRACKS: usize = 4096;

/// Where something stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Track {
    /// What a CPU does: traps, calls of the firmware.
    Cpu(u32),
    /// In which mode a CPU runs.
    Mode(u32),
    /// When a CPU has its turn, and when it waits.
    Turns(u32),
    /// What happens to a device.
    Device(String),
    /// Requests to a device; several under way together stand side by side.
    Requests(String, usize),
}

/// What stands on a track.
#[derive(Debug)]
struct Row {
    uuid: u64,
    /// Slices that have begun and not ended.
    open: usize,
}

/// Turns events into packets.
#[derive(Debug, Default)]
pub struct Timeline {
    tracks: BTreeMap<Track, Row>,
    /// Requests under way: by device, the request in each lane.
    lanes: BTreeMap<String, Vec<Option<u64>>>,
    /// The mode that each CPU is in.
    modes: BTreeMap<u32, String>,
    now_ns: u64,
    begun: bool,
    out: Vec<u8>,
}

impl Timeline {
    /// The packets that are not fetched yet.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Ends whatever has begun.
    pub fn finish(&mut self) {
        let open: Vec<(Track, usize)> = self
            .tracks
            .iter()
            .map(|(track, row)| (track.clone(), row.open))
            .collect();
        for (track, slices) in open {
            for _ in 0..slices {
                self.end(&track);
            }
        }
    }

    /// Takes an event; `place` names addresses of instructions.
    pub fn event(&mut self, at: Moment, event: &TraceEvent, place: &dyn Fn(GuestVirt) -> String) {
        // Every track's packets are in order, whatever a clock does.
        self.now_ns = self.now_ns.max(at.now_ns);
        let cpu = Track::Cpu(at.cpu);
        match event {
            TraceEvent::Trap {
                pc,
                trap,
                interrupt,
                name,
            } => {
                let value = format!("{:#x}", trap.value);
                let notes = [("pc", place(*pc)), ("value", value)];
                if *interrupt {
                    self.instant(&cpu, name, &notes);
                }
                self.begin(&cpu, name, &notes);
            }
            TraceEvent::Mode { pc, name, ended } => {
                for _ in 0..*ended {
                    self.end(&cpu);
                }
                if self.modes.get(&at.cpu) != Some(name) {
                    let mode = Track::Mode(at.cpu);
                    self.end(&mode);
                    self.begin(&mode, name, &[("pc", place(*pc))]);
                    self.modes.insert(at.cpu, name.clone());
                }
            }
            TraceEvent::Turn { begins } => self.slice(&Track::Turns(at.cpu), "turn", *begins),
            TraceEvent::Idle { begins } => self.slice(&Track::Turns(at.cpu), "idle", *begins),
            TraceEvent::Call { text } => self.instant(&cpu, text, &[]),
            TraceEvent::Insn { pc, text, .. } => self.instant(&cpu, text, &[("pc", place(*pc))]),
            TraceEvent::Block { pc, .. } => self.instant(&cpu, "block", &[("pc", place(*pc))]),
            TraceEvent::Mem {
                pc,
                addr,
                bytes,
                value,
                store,
            } => {
                let way = if *store { "store" } else { "load" };
                let name = format!("{way} {bytes} at {:#x}", addr.0);
                let value = format!("{value:#x}");
                self.instant(&cpu, &name, &[("pc", place(*pc)), ("value", value)]);
            }
            TraceEvent::Message { addr, data } => {
                let name = format!("message {:#x} to {:#x}", data, addr.0);
                self.instant(&cpu, &name, &[]);
            }
            _ => self.device_event(at, event),
        }
    }

    /// An event that stands on a device's track.
    fn device_event(&mut self, at: Moment, event: &TraceEvent) {
        match event {
            TraceEvent::Dev {
                device,
                access,
                answer,
            } => {
                let (addr, bytes) = (access.addr.0, access.width.bytes());
                let name = match access.kind {
                    AccessKind::Load => format!("read {addr:#x}/{bytes}"),
                    AccessKind::Store(value) => format!("write {addr:#x}/{bytes} {value:#x}"),
                };
                let answer = match answer {
                    Answer::Done(value) => format!("{value:#x}"),
                    Answer::Fault(fault) => format!("fault {fault:?}"),
                    Answer::Later(_) => "later".to_owned(),
                };
                let notes = [("answer", answer), ("cpu", at.cpu.to_string())];
                self.instant(&Track::Device(device.clone()), &name, &notes);
            }
            TraceEvent::Line {
                device,
                line,
                level,
            } => {
                let way = if *level { "raised" } else { "lowered" };
                let name = format!("line {line} {way}");
                self.instant(&Track::Device(device.clone()), &name, &[]);
            }
            TraceEvent::Request {
                device,
                id,
                what: Some(what),
            } => {
                let lanes = self.lanes.entry(device.clone()).or_default();
                let free = lanes.iter().position(Option::is_none);
                let lane = free.unwrap_or(lanes.len());
                match lanes.get_mut(lane) {
                    Some(place) => *place = Some(*id),
                    None => lanes.push(Some(*id)),
                }
                self.begin(&Track::Requests(device.clone(), lane), what, &[]);
            }
            TraceEvent::Request {
                device,
                id,
                what: None,
            } => {
                let lanes = self.lanes.entry(device.clone()).or_default();
                let Some(lane) = lanes.iter().position(|lane| *lane == Some(*id)) else {
                    return;
                };
                lanes[lane] = None;
                self.end(&Track::Requests(device.clone(), lane));
            }
            _ => {}
        }
    }

    fn slice(&mut self, track: &Track, name: &str, begins: bool) {
        if begins {
            self.begin(track, name, &[]);
        } else {
            self.end(track);
        }
    }

    fn begin(&mut self, track: &Track, name: &str, notes: &[(&str, String)]) {
        if let Some(row) = self.row(track)
            && row.open < DEPTH
        {
            row.open += 1;
            let uuid = row.uuid;
            self.track_event(uuid, Phase::Begin, Some(name), notes);
        }
    }

    fn end(&mut self, track: &Track) {
        if let Some(row) = self.tracks.get_mut(track)
            && row.open > 0
        {
            row.open -= 1;
            let uuid = row.uuid;
            self.track_event(uuid, Phase::End, None, &[]);
        }
    }

    fn instant(&mut self, track: &Track, name: &str, notes: &[(&str, String)]) {
        if let Some(uuid) = self.row(track).map(|row| row.uuid) {
            self.track_event(uuid, Phase::Instant, Some(name), notes);
        }
    }

    fn track_event(
        &mut self,
        uuid: u64,
        phase: Phase,
        name: Option<&str>,
        notes: &[(&str, String)],
    ) {
        let mut event = Message::default()
            .number(field::TYPE, phase as u64)
            .number(field::TRACK_UUID, uuid);
        if let Some(name) = name {
            event = event.text(field::EVENT_NAME, name);
        }
        for (name, value) in notes {
            let note = Message::default()
                .text(field::ANNOTATION_NAME, name)
                .text(field::STRING_VALUE, value);
            event = event.message(field::DEBUG_ANNOTATIONS, &note);
        }
        let packet = Message::default()
            .number(field::TIMESTAMP, self.now_ns)
            .message(field::TRACK_EVENT, &event);
        self.packet(packet);
    }

    /// The row of a track, which is described before anything stands on it.
    fn row(&mut self, track: &Track) -> Option<&mut Row> {
        if !self.tracks.contains_key(track) {
            if self.tracks.len() == TRACKS {
                return None;
            }
            let uuid = MACHINE + 1 + self.tracks.len() as u64;
            self.describe_machine();
            let described = Message::default()
                .number(field::UUID, uuid)
                .text(field::NAME, &track.name())
                .number(field::PARENT_UUID, MACHINE);
            self.packet(Message::default().message(field::TRACK_DESCRIPTOR, &described));
            self.tracks.insert(track.clone(), Row { uuid, open: 0 });
        }
        self.tracks.get_mut(track)
    }

    fn describe_machine(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let process = Message::default()
            .number(field::PID, MACHINE)
            .text(field::PROCESS_NAME, "vm");
        let described = Message::default()
            .number(field::UUID, MACHINE)
            .message(field::PROCESS, &process);
        // What was remembered of this sequence is forgotten: it begins here.
        let packet = Message::default()
            .number(field::SEQUENCE_FLAGS, 1)
            .message(field::TRACK_DESCRIPTOR, &described);
        self.packet(packet);
    }

    fn packet(&mut self, packet: Message) {
        let packet = packet.number(field::TRUSTED_PACKET_SEQUENCE_ID, SEQUENCE);
        let whole = Message::default().message(field::PACKET, &packet);
        self.out.extend_from_slice(&whole.bytes);
    }
}

impl Track {
    fn name(&self) -> String {
        match self {
            Self::Cpu(cpu) => format!("cpu{cpu}"),
            Self::Mode(cpu) => format!("cpu{cpu} mode"),
            Self::Turns(cpu) => format!("cpu{cpu} turns"),
            Self::Device(device) => device.clone(),
            Self::Requests(device, lane) => format!("{device} requests {lane}"),
        }
    }
}
