//! CPUs that only keep their registers, and the rest of a machine around them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use vm_core::{
    Answer, Exit, Fields, Flush, GuestPhys, GuestVirt, Kick, Register, Section, StateError, Stops,
    Translation, Vcpu,
};
use vm_device_bus::Console;
use vm_mem::GuestRam;

use super::RAM;
use crate::{FirmwareCx, Outcome, Sbi};

/// What happened to one CPU.
#[derive(Default)]
pub struct Seen {
    registers: BTreeMap<String, u64>,
    lines: Vec<(u32, bool)>,
    flushes: Vec<Flush>,
    pub wakes: bool,
    /// Bits of `menvcfg` that the CPU has.
    pub menvcfg: u64,
}

/// A CPU that runs nothing; the test holds the other end.
struct FakeVcpu(Arc<Mutex<Seen>>);

impl Vcpu for FakeVcpu {
    fn run(&mut self, _budget: u64) -> Exit {
        Exit::Call
    }
    fn answer(&mut self, _answer: Answer) {}
    fn retired(&self) -> u64 {
        0
    }
    fn set_line(&mut self, line: u32, level: bool) {
        self.0.lock().unwrap().lines.push((line, level));
    }
    fn wakes(&self) -> bool {
        self.0.lock().unwrap().wakes
    }
    fn deadline_ns(&self) -> Option<u64> {
        None
    }
    fn registers(&self) -> Vec<Register> {
        Vec::new()
    }
    fn register(&self, name: &str) -> Option<u64> {
        self.0.lock().unwrap().registers.get(name).copied()
    }
    fn set_register(&mut self, name: &str, value: u64) -> bool {
        let mut seen = self.0.lock().unwrap();
        let value = match name {
            "menvcfg" => value & seen.menvcfg,
            _ => value,
        };
        seen.registers.insert(name.to_owned(), value);
        true
    }
    fn set_stops(&mut self, _stops: &Arc<Stops>) {}
    fn translate(&self, _addr: GuestVirt) -> Translation {
        Translation::default()
    }
    fn flush(&mut self, what: Flush) {
        self.0.lock().unwrap().flushes.push(what);
    }
    fn reset(&mut self) {}
    fn kick(&self) -> Kick {
        Kick::default()
    }
    fn save(&self, _out: &mut Section) {}
    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }
}

/// A console with a memory.
#[derive(Default)]
pub struct Tape {
    pub out: Vec<u8>,
    pub input: Vec<u8>,
}

impl Console for Tape {
    fn write(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
    fn read(&mut self, into: &mut [u8]) -> usize {
        let count = self.input.len().min(into.len());
        into[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        count
    }
}

/// A machine of CPUs, RAM and a console.
pub struct Bench {
    pub sbi: Sbi,
    pub seen: Vec<Arc<Mutex<Seen>>>,
    pub cpus: Vec<Box<dyn Vcpu>>,
    pub ram: GuestRam,
    pub tape: Tape,
}

impl Bench {
    pub fn new(harts: usize) -> Self {
        let fresh = || {
            let menvcfg = u64::MAX;
            Arc::new(Mutex::new(Seen {
                menvcfg,
                ..Seen::default()
            }))
        };
        let seen: Vec<_> = (0..harts).map(|_| fresh()).collect();
        let cpu = |seen: &Arc<Mutex<Seen>>| Box::new(FakeVcpu(seen.clone())) as Box<dyn Vcpu>;
        Self {
            sbi: Sbi::new(harts),
            cpus: seen.iter().map(cpu).collect(),
            seen,
            ram: GuestRam::new(&[(GuestPhys(RAM), 1 << 20)]).unwrap(),
            tape: Tape::default(),
        }
    }

    pub fn set(&mut self, hart: usize, name: &str, value: u64) {
        self.cpus[hart].set_register(name, value);
    }

    pub fn get(&self, hart: usize, name: &str) -> u64 {
        self.cpus[hart].register(name).unwrap_or(0)
    }

    /// Makes a call from a hart; the outcome and `a0`, `a1` after it.
    pub fn call_from(
        &mut self,
        hart: usize,
        ext: u64,
        function: u64,
        args: &[u64],
    ) -> (Outcome, i64, u64) {
        self.set(hart, "a7", ext);
        self.set(hart, "a6", function);
        for (index, name) in ["a0", "a1", "a2", "a3", "a4", "a5"].iter().enumerate() {
            self.set(hart, name, args.get(index).copied().unwrap_or(0));
        }
        let mut cx = FirmwareCx {
            ram: &self.ram,
            console: &mut self.tape,
        };
        let outcome = self.sbi.call(hart, &mut self.cpus, &mut cx);
        (outcome, self.get(hart, "a0") as i64, self.get(hart, "a1"))
    }

    /// A call of hart 0 that comes back: its error and value.
    pub fn call(&mut self, ext: u64, function: u64, args: &[u64]) -> (i64, u64) {
        let (outcome, error, value) = self.call_from(0, ext, function, args);
        assert_eq!(outcome, Outcome::Continue);
        (error, value)
    }

    pub fn take_flushes(&self, hart: usize) -> Vec<Flush> {
        std::mem::take(&mut self.seen[hart].lock().unwrap().flushes)
    }

    pub fn take_lines(&self, hart: usize) -> Vec<(u32, bool)> {
        std::mem::take(&mut self.seen[hart].lock().unwrap().lines)
    }
}
