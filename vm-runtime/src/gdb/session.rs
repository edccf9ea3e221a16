//! Answers packets about a machine that stands still.

use std::fmt::Write;

use vm_ir::{Target, TargetRegister};

use super::packet::PACKET_BYTES;
use super::resume::Resume;
use super::stops::{Done, Points};
use super::words::{Threads, hex, number, pair, split, unhex};
use super::{monitor, xml};
use crate::Vm;
use crate::symbols::Symbols;

/// The most bytes of memory in one packet: two digits a byte.
const MOST_BYTES: u64 = PACKET_BYTES as u64 / 2 - 8;
/// How much of a monitor's text goes into one packet.
const TEXT_BYTES: usize = 2000;

/// What comes of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// These packets.
    Reply(Vec<Vec<u8>>),
    /// The machine goes on; the answer is why it stops next.
    Go(Resume),
    /// The debugger leaves, and the machine goes on without it.
    Detach,
    /// The run ends.
    Kill,
    /// These packets, then the machine starts again from power-on.
    Restart(Vec<Vec<u8>>),
    /// These packets, then the run ends.
    Quit(Vec<Vec<u8>>),
}

/// One debugger's visit.
#[derive(Debug)]
pub struct Session {
    /// Packets are no longer acknowledged.
    pub no_acks: bool,
    /// What it has set.
    pub points: Points,
    /// The CPU that it looks at.
    pub cpu: usize,
    /// The CPU that steps with the older packets.
    step_cpu: usize,
    /// It reads and writes physical memory.
    pub physical: bool,
    /// Why the machine stopped last.
    pub last_stop: Vec<u8>,
    /// The guest's symbols, once they were looked for.
    pub symbols: Option<Symbols>,
    target: Option<Target>,
}

/// An answer of one packet.
fn reply(text: impl Into<Vec<u8>>) -> Answer {
    Answer::Reply(vec![text.into()])
}

/// The answer that something is wrong with what was asked.
fn wrong() -> Answer {
    reply("E22")
}

/// The answer that memory is not there.
fn no_memory() -> Answer {
    reply("E14")
}

impl Session {
    /// A visit to a machine.
    #[must_use]
    pub fn new(vm: &Vm) -> Self {
        Self {
            no_acks: false,
            points: Points::default(),
            cpu: 0,
            step_cpu: 0,
            physical: false,
            last_stop: b"T05thread:1;".to_vec(),
            symbols: None,
            target: vm.target(),
        }
    }

    /// Answers a packet.
    pub fn packet(&mut self, vm: &mut Vm, body: &[u8]) -> Answer {
        let Some((letter, rest)) = body.split_first() else {
            return reply("");
        };
        match letter {
            b'?' => reply(self.last_stop.clone()),
            b'g' => reply(self.registers(vm)),
            b'G' => self.set_registers(vm, rest),
            b'p' => self.register(vm, rest),
            b'P' => self.set_register(vm, rest),
            b'm' => self.read(vm, rest),
            b'M' => self.write(vm, rest, true),
            b'X' => self.write(vm, rest, false),
            b'Z' | b'z' => match self.points.change(*letter == b'Z', rest) {
                Done::Yes => reply("OK"),
                Done::Unknown => reply(""),
                Done::No => wrong(),
            },
            b'H' => self.choose(vm, rest),
            b'T' => match Threads::read(rest) {
                Some(Threads::Cpu(cpu)) if cpu < vm.cpus() => reply("OK"),
                _ => wrong(),
            },
            b'c' | b'C' | b's' | b'S' => self.older_resume(vm, *letter, rest),
            b'v' => self.named(vm, rest),
            b'q' => self.query(vm, rest),
            b'Q' => self.set(rest),
            b'D' => Answer::Detach,
            b'k' => Answer::Kill,
            // What is not known is answered with nothing.
            _ => reply(""),
        }
    }

    /// Whether watched memory is told before it is accessed.
    pub(super) fn watches_before(&self) -> bool {
        self.target
            .as_ref()
            .is_some_and(|target| target.watches_before)
    }

    fn all_registers(&self) -> impl Iterator<Item = &TargetRegister> {
        let features = self.target.iter().flat_map(|target| &target.features);
        features.flat_map(|feature| &feature.registers)
    }

    /// The registers of the first group, as one.
    fn registers(&self, vm: &Vm) -> Vec<u8> {
        let mut out = Vec::new();
        let first = self
            .target
            .iter()
            .flat_map(|target| target.features.first());
        for register in first.flat_map(|feature| &feature.registers) {
            value_of(vm, self.cpu, register, &mut out);
        }
        out
    }

    fn set_registers(&self, vm: &mut Vm, text: &[u8]) -> Answer {
        let Some(bytes) = unhex(text) else {
            return wrong();
        };
        let mut bytes = &bytes[..];
        for register in self.all_registers() {
            let Some((value, rest)) = bytes.split_at_checked(register.bits as usize / 8) else {
                break;
            };
            vm.set_register(self.cpu, &register.own, little(value));
            bytes = rest;
        }
        reply("OK")
    }

    fn register(&self, vm: &Vm, text: &[u8]) -> Answer {
        let number = number(text).and_then(|number| usize::try_from(number).ok());
        let register = number.and_then(|number| self.all_registers().nth(number));
        let mut out = Vec::new();
        match register {
            Some(register) => value_of(vm, self.cpu, register, &mut out),
            None => return wrong(),
        }
        reply(out)
    }

    fn set_register(&self, vm: &mut Vm, text: &[u8]) -> Answer {
        let parsed = split(text, b'=').and_then(|(register, value)| {
            let number = usize::try_from(number(register)?).ok()?;
            Some((self.all_registers().nth(number)?, unhex(value)?))
        });
        let done = parsed.is_some_and(|(register, value)| {
            value.len() <= 8 && vm.set_register(self.cpu, &register.own, little(&value))
        });
        if done { reply("OK") } else { wrong() }
    }

    fn read(&self, vm: &Vm, text: &[u8]) -> Answer {
        let Some((addr, bytes)) = pair(text, b',') else {
            return wrong();
        };
        let mut memory = vec![0; bytes.min(MOST_BYTES) as usize];
        let found = if self.physical {
            let read = vm.read_memory(addr, &mut memory);
            read.map_or(0, |()| memory.len())
        } else {
            vm.read_virtual(self.cpu, addr, &mut memory)
        };
        if found == 0 && bytes > 0 {
            return no_memory();
        }
        let mut out = Vec::new();
        hex(memory.get(..found).unwrap_or_default(), &mut out);
        reply(out)
    }

    fn write(&self, vm: &mut Vm, text: &[u8], as_hex: bool) -> Answer {
        let parsed = split(text, b':').and_then(|(place, content)| {
            let (addr, bytes) = pair(place, b',')?;
            let content = if as_hex {
                unhex(content)?
            } else {
                content.to_vec()
            };
            (content.len() as u64 == bytes).then_some((addr, content))
        });
        let Some((addr, content)) = parsed else {
            return wrong();
        };
        let written = if self.physical {
            vm.write_memory(addr, &content).is_ok()
        } else {
            vm.write_virtual(self.cpu, addr, &content) == content.len()
        };
        if written { reply("OK") } else { no_memory() }
    }

    /// `Hg` and `Hc`: which thread other packets are about.
    fn choose(&mut self, vm: &Vm, text: &[u8]) -> Answer {
        let Some((what, threads)) = text.split_first() else {
            return wrong();
        };
        let cpu = match Threads::read(threads) {
            Some(Threads::Cpu(cpu)) if cpu < vm.cpus() => Some(cpu),
            Some(Threads::All | Threads::Any) => None,
            _ => return wrong(),
        };
        match (what, cpu) {
            (b'g', Some(cpu)) => (self.cpu, self.step_cpu) = (cpu, cpu),
            (b'c', Some(cpu)) => self.step_cpu = cpu,
            _ => {}
        }
        reply("OK")
    }

    /// `c`, `s` and their forms with a signal: all go on, perhaps one of them a step.
    fn older_resume(&self, vm: &mut Vm, letter: u8, text: &[u8]) -> Answer {
        let at = match (letter, split(text, b';')) {
            (b'C' | b'S', Some((_, at))) => at,
            (b'C' | b'S', None) => b"",
            _ => text,
        };
        if !at.is_empty() {
            let pc = vm.pc_name();
            match number(at) {
                Some(at) => vm.set_register(self.step_cpu, &pc, at),
                None => return wrong(),
            };
        }
        let step = letter.eq_ignore_ascii_case(&b's');
        Answer::Go(Resume {
            step: step.then_some(self.step_cpu),
            ..Resume::all(vm.cpus())
        })
    }

    /// Packets whose names begin with `v`.
    fn named(&self, vm: &Vm, text: &[u8]) -> Answer {
        if text == b"Cont?" {
            return reply("vCont;c;C;s;S;r");
        }
        if let Some(actions) = text.strip_prefix(b"Cont") {
            return Resume::read(actions, vm.cpus()).map_or_else(wrong, Answer::Go);
        }
        if text.starts_with(b"Kill") {
            return Answer::Kill;
        }
        reply("")
    }

    fn query(&mut self, vm: &mut Vm, text: &[u8]) -> Answer {
        if let Some(rest) = text.strip_prefix(b"Supported") {
            // Whether both ends can tell breakpoints apart is not asked: all GDBs of ten years do.
            let _ = rest;
            return reply(format!(
                "PacketSize={PACKET_BYTES:x};QStartNoAckMode+;qXfer:features:read+;swbreak+;\
                 hwbreak+;vContSupported+"
            ));
        }
        if let Some(rest) = text.strip_prefix(b"Xfer:features:read:") {
            return self.describe(rest);
        }
        if let Some(rest) = text.strip_prefix(b"Rcmd,") {
            let Some(line) = unhex(rest) else {
                return wrong();
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            return self.carry_out(vm, &line);
        }
        if let Some(rest) = text.strip_prefix(b"ThreadExtraInfo,") {
            return match Threads::read(rest) {
                Some(Threads::Cpu(cpu)) if cpu < vm.cpus() => {
                    let mut out = Vec::new();
                    hex(monitor::about(self, vm, cpu).as_bytes(), &mut out);
                    reply(out)
                }
                _ => wrong(),
            };
        }
        match text {
            b"C" => reply(format!("QC{:x}", self.cpu + 1)),
            b"fThreadInfo" => {
                let mut list = String::new();
                for cpu in 0..vm.cpus() {
                    let before = if cpu == 0 { 'm' } else { ',' };
                    let _ = write!(list, "{before}{:x}", cpu + 1);
                }
                reply(list)
            }
            b"sThreadInfo" => reply("l"),
            b"Attached" => reply("1"),
            b"Symbol::" => reply("OK"),
            b"qemu.PhyMemMode" => reply(if self.physical { "1" } else { "0" }),
            _ => reply(""),
        }
    }

    /// A piece of the description of the registers.
    fn describe(&self, text: &[u8]) -> Answer {
        let Some((name, place)) = split(text, b':') else {
            return wrong();
        };
        let Some(target) = self.target.as_ref().filter(|_| name == b"target.xml") else {
            return reply("E00");
        };
        let Some((from, length)) = pair(place, b',') else {
            return wrong();
        };
        let xml = xml::describe(target);
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(xml.len());
        let length = length.min(MOST_BYTES) as usize;
        let end = from.saturating_add(length).min(xml.len());
        let part = xml.as_bytes().get(from..end).unwrap_or_default();
        let more = if end == xml.len() { b'l' } else { b'm' };
        let mut out = vec![more];
        out.extend(part);
        reply(out)
    }

    fn set(&mut self, text: &[u8]) -> Answer {
        match text {
            b"StartNoAckMode" => self.no_acks = true,
            b"qemu.PhyMemMode:0" => self.physical = false,
            b"qemu.PhyMemMode:1" => self.physical = true,
            _ => return reply(""),
        }
        reply("OK")
    }

    /// A line of the user's behind `monitor`.
    fn carry_out(&mut self, vm: &mut Vm, line: &str) -> Answer {
        let said = monitor::carry_out(self, vm, line);
        let mut replies: Vec<Vec<u8>> = Vec::new();
        for part in said.text.as_bytes().chunks(TEXT_BYTES) {
            let mut out = vec![b'O'];
            hex(part, &mut out);
            replies.push(out);
        }
        replies.push(b"OK".to_vec());
        match said.then {
            monitor::Then::Stay => Answer::Reply(replies),
            monitor::Then::Restart => Answer::Restart(replies),
            monitor::Then::Quit => Answer::Quit(replies),
        }
    }
}

/// Appends a register's value, or that there is none.
fn value_of(vm: &Vm, cpu: usize, register: &TargetRegister, out: &mut Vec<u8>) {
    let bytes = register.bits as usize / 8;
    match vm.register(cpu, &register.own) {
        Some(value) => hex(value.to_le_bytes().get(..bytes).unwrap_or_default(), out),
        None => out.extend(std::iter::repeat_n(b'x', 2 * bytes)),
    }
}

/// A number from at most eight bytes.
fn little(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
