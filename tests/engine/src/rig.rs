//! A machine of some RAM, CPUs and one device, and the guest programs that run on it.

use std::collections::HashMap;
use std::sync::Arc;

use vm_core::{
    Access, AccessKind, Answer, Clock, Exit, GuestPhys, Stopped, Stops, Vcpu, Watchpoint, Width,
};
use vm_engine_interp::{Engine, Interpreter};
use vm_frontend_riscv64::{Riscv64, assemble};
use vm_mem::GuestRam;

/// Where RAM begins.
pub const RAM: u64 = 0x8000_0000;
/// How much of it there is.
pub const RAM_BYTES: u64 = 1 << 20;
/// Where page tables are made.
const TABLES: u64 = RAM + 0x8_0000;
/// Where the device is: no RAM.
pub const DEVICE: u64 = 0x1000_0000;
/// The line of the machine's external interrupt.
pub const LINE: u32 = 11;

/// Rights of a mapping, with the bits that say it was used.
pub const R: u64 = 0xc3;
/// As [`R`], and writable.
pub const RW: u64 = 0xc7;
/// As [`R`], and executable.
pub const RX: u64 = 0xcb;
/// Everything.
pub const RWX: u64 = 0xcf;

/// A machine.
pub struct Rig {
    pub ram: GuestRam,
    pub clock: Arc<Clock>,
    pub engine: Engine,
    pub cpus: Vec<Interpreter>,
    /// What the device was asked.
    pub asked: Vec<Access>,
    /// Where a debugger was told, and why.
    pub stopped: Vec<(u64, Stopped)>,
    tables: u64,
}

impl Rig {
    /// A machine of so many CPUs.
    pub fn new(cpus: u32) -> Self {
        Self::with(cpus, |_| {})
    }

    /// A machine whose engine is set up before it makes its CPUs.
    pub fn with(cpus: u32, set_up: impl FnOnce(&mut Engine)) -> Self {
        Self::at(Clock::virtual_time(), cpus, set_up)
    }

    /// The same by another clock.
    pub fn at(clock: Clock, cpus: u32, set_up: impl FnOnce(&mut Engine)) -> Self {
        let ram = GuestRam::new(&[(GuestPhys(RAM), RAM_BYTES)]).expect("the host has a MiB");
        Self::made(ram, clock, cpus, set_up)
    }

    /// A machine that has its RAM, or shares it with another one.
    pub fn on(ram: GuestRam, cpus: u32, set_up: impl FnOnce(&mut Engine)) -> Self {
        Self::made(ram, Clock::virtual_time(), cpus, set_up)
    }

    fn made(ram: GuestRam, clock: Clock, cpus: u32, set_up: impl FnOnce(&mut Engine)) -> Self {
        let clock = Arc::new(clock);
        let frontend = Arc::new(Riscv64::new());
        let mut engine = Engine::new(frontend.clone(), ram.clone(), clock.clone());
        super::tier(&mut engine, frontend);
        set_up(&mut engine);
        let cpus = (0..cpus).map(|number| engine.cpu(number)).collect();
        let mut rig = Self {
            ram,
            clock,
            engine,
            cpus,
            asked: Vec::new(),
            stopped: Vec::new(),
            tables: TABLES + 0x1000,
        };
        for cpu in 0..rig.cpus.len() {
            rig.set(cpu, "pc", RAM);
            // Everybody may do everything.
            rig.set(cpu, "pmpaddr0", u64::MAX >> 10);
            rig.set(cpu, "pmpcfg0", 0x1f);
        }
        rig
    }

    /// Puts a program into RAM; where its labels are.
    pub fn put(&self, at: u64, program: &str) -> HashMap<String, u64> {
        let (code, labels) = assembled(at, program);
        self.ram
            .write(GuestPhys(at), &code)
            .expect("the program fits RAM");
        labels
    }

    pub fn set(&mut self, cpu: usize, name: &str, value: u64) {
        assert!(
            self.cpus[cpu].set_register(name, value),
            "there is a register {name}"
        );
    }

    pub fn get(&self, cpu: usize, name: &str) -> u64 {
        self.cpus[cpu]
            .register(name)
            .expect("the register has a name")
    }

    pub fn load(&self, addr: u64) -> u64 {
        self.ram
            .load(GuestPhys(addr), Width::B8)
            .expect("the address is in RAM")
    }

    pub fn store(&self, addr: u64, value: u64) {
        assert!(self.ram.store(GuestPhys(addr), Width::B8, value));
    }

    /// Runs so many instructions in one slice, with nobody to answer.
    pub fn run(&mut self, cpu: usize, insns: u64) -> Exit {
        self.slice(cpu, insns).0
    }

    /// Runs at most so many instructions; the exit, and how many were retired.
    pub fn slice(&mut self, cpu: usize, insns: u64) -> (Exit, u64) {
        let before = self.cpus[cpu].retired();
        let exit = self.cpus[cpu].run(insns);
        let used = self.cpus[cpu].retired() - before;
        self.clock.advance_to(self.clock.now_ns() + used);
        assert!(used <= insns, "a run keeps to its budget");
        (exit, used)
    }

    /// Runs exactly so many instructions on CPU 0, in slices of the lengths given, with a device
    /// whose loads count up and whose stores to offset 8 set the interrupt line.
    pub fn run_cut(&mut self, insns: u64, mut length: impl FnMut() -> u64) {
        let end = self.cpus[0].retired() + insns;
        let mut slices = 0;
        while self.cpus[0].retired() < end {
            slices += 1;
            assert!(
                slices < 4 * insns + 100,
                "stuck at {:#x}",
                self.get(0, "pc")
            );
            let mut budget = length().clamp(1, end - self.cpus[0].retired());
            // A timer is seen at the end of a slice, so slices end where it is due.
            if let Some(due) = self.cpus[0].deadline_ns() {
                budget = budget.min(due.saturating_sub(self.clock.now_ns()).max(1));
            }
            match self.slice(0, budget).0 {
                Exit::Budget | Exit::Kicked => {}
                Exit::Access(access) => self.answer(access),
                Exit::Stopped(why) => self.stopped.push((self.get(0, "pc"), why)),
                exit => panic!("{exit:?} at {:#x}", self.get(0, "pc")),
            }
        }
    }

    /// Stops at these addresses and accesses from now on.
    pub fn stop_at(&mut self, breaks: &[u64], watches: &[Watchpoint]) {
        let stops = Arc::new(Stops::new(breaks.to_vec(), watches.to_vec()));
        for cpu in &mut self.cpus {
            cpu.set_stops(&stops);
        }
    }

    fn answer(&mut self, access: Access) {
        self.asked.push(access);
        if let (GuestPhys(at), AccessKind::Store(value)) = (access.addr, access.kind)
            && at == DEVICE + 8
        {
            self.cpus[0].set_line(LINE, value & 1 == 1);
        }
        let count = self.asked.len() as u64;
        self.cpus[0].answer(Answer::Done(count));
    }

    /// Maps one 4 KiB page in the tables at `root`, or with `large` 2 MiB.
    pub fn map(&mut self, root: u64, virt: u64, phys: u64, rights: u64, large: bool) {
        let mut table = root;
        for level in (if large { 2..3 } else { 1..3 }).rev() {
            let at = table + (virt >> (12 + 9 * level) & 511) * 8;
            if self.load(at) & 1 == 0 {
                self.store(at, self.tables >> 12 << 10 | 1);
                self.tables += 0x1000;
            }
            table = self.load(at) >> 10 << 12;
        }
        let shift = if large { 21 } else { 12 };
        let at = table + (virt >> shift & 511) * 8;
        self.store(at, phys >> 12 << 10 | rights);
    }

    /// Makes an empty page table.
    pub fn root(&mut self) -> u64 {
        self.tables += 0x1000;
        self.tables - 0x1000
    }

    /// Lets a CPU go on in supervisor mode, in the address space of these tables.
    pub fn translate(&mut self, cpu: usize, root: u64, space: u64) {
        self.set(cpu, "priv", 1);
        self.set(cpu, "satp", 8 << 60 | space << 44 | root >> 12);
    }
}

/// A program: lines of assembly text, `name:` for a label and `@name` for its address.
fn assembled(at: u64, program: &str) -> (Vec<u8>, HashMap<String, u64>) {
    let lines = || {
        program
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    };
    let mut labels = HashMap::new();
    let mut pc = at;
    for line in lines() {
        if let Some(label) = line.strip_suffix(':') {
            labels.insert(label.to_owned(), pc);
        } else {
            // Any address will do for the length.
            let text = line.split('@').next().unwrap_or(line).to_owned();
            let text = if line.contains('@') {
                format!("{text}{pc:#x}")
            } else {
                text
            };
            pc += encoded(&text, pc).1 as u64;
        }
    }
    let mut code = Vec::new();
    for line in lines().filter(|line| !line.ends_with(':')) {
        let mut text = line.to_owned();
        if let Some((before, name)) = line.split_once('@') {
            let target = labels
                .get(name)
                .unwrap_or_else(|| panic!("no label {name}"));
            text = format!("{before}{target:#x}");
        }
        let (word, bytes) = encoded(&text, at + code.len() as u64);
        code.extend_from_slice(&word.to_le_bytes()[..bytes]);
    }
    (code, labels)
}

fn encoded(text: &str, pc: u64) -> (u32, usize) {
    assemble(text, pc).unwrap_or_else(|| panic!("`{text}` is no instruction"))
}

/// The encoding of one instruction that does not depend on its place.
pub fn word(text: &str) -> u64 {
    u64::from(encoded(text, 0).0)
}
