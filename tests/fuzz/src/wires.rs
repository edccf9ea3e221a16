//! A whole machine as a stranger meets it: with every kind of device on it.

use std::collections::VecDeque;

use vm_core::{Access, Answer, Entropy, Events, GuestPhys};
use vm_device_bus::{Console, DeviceId, Disk, DiskDone, DiskError, DiskOp, DiskRequest, Env, Net};
use vm_device_chip::FwCfg;
use vm_device_machine::Riscv64Virt;
use vm_device_machine::riscv64_virt::{Config, CpuDescription};
use vm_device_virtio::{Block, Completion, NetCard, PciFunction, PortConsole, Rng, VirtioDevice};
use vm_mem::GuestRam;

/// Where RAM begins.
pub const RAM: u64 = 0x8000_0000;
/// The size of RAM.
pub const RAM_BYTES: u64 = 1 << 20;

/// A machine with all that its devices work with.
pub struct Wired {
    /// The machine.
    pub machine: Riscv64Virt,
    /// Its RAM.
    pub ram: GuestRam,
    /// Its events.
    pub events: Events,
    /// Its time.
    pub now_ns: u64,
    entropy: Entropy,
    /// The devices that may have another state than when they were last looked at, a bit each.
    touched: u64,
}

impl Wired {
    /// A machine at power-on.
    pub fn new(cpus: u32) -> Self {
        let virtio: [Box<dyn VirtioDevice>; 4] = [disk(), console(), Box::new(Rng), card()];
        let pci: [Box<dyn VirtioDevice>; 3] = [disk(), console(), card()];
        let machine = Riscv64Virt::new(Config {
            cpus,
            ram_bytes: RAM_BYTES,
            cpu: CpuDescription {
                isa: "rv64imafdc".to_owned(),
                mmu: "riscv,sv57".to_owned(),
                cache_block: 64,
            },
            console: Box::new(Echo::default()),
            virtio_mmio: virtio.into_iter().collect(),
            pci: pci
                .into_iter()
                .map(|device| Box::new(PciFunction::new(device)) as _)
                .collect(),
            fw_cfg: items(),
            // Saving 32 MiB of flash in each step would leave no time for anything else.
            flash: [None, None],
            sswi: true,
            epoch_ns: 1,
        });
        let Ok(machine) = machine else {
            unreachable!("the machine has room for these devices");
        };
        let Ok(ram) = GuestRam::new(&[(GuestPhys(RAM), RAM_BYTES)]) else {
            unreachable!("the host has a MiB");
        };
        Self {
            machine,
            ram,
            events: Events::new(),
            now_ns: 0,
            entropy: Entropy::new(1),
            touched: 0,
        }
    }

    /// Notes that a device may have another state now.
    pub fn touch(&mut self, id: DeviceId) {
        self.touched |= 1 << id.0;
    }

    /// Notes that every device may have another state now.
    pub fn touch_all(&mut self) {
        self.touched = u64::MAX;
    }

    /// A CPU's access.
    pub fn access(&mut self, access: Access) -> Answer {
        if let Some((id, _)) = self.machine.bus.at(access.space, access.addr.0) {
            self.touch(id);
        }
        self.call(|machine, env| machine.bus.access(access, env))
    }

    /// The reset button.
    pub fn reset(&mut self) {
        self.touch_all();
        self.machine.bus.reset();
    }

    /// A device wakes.
    pub fn wake(&mut self, id: DeviceId) {
        self.touch(id);
        self.call(|machine, env| machine.bus.wake(id, env));
    }

    /// Every device that was touched takes its own state back, and then saves the same; so does
    /// the interrupt controller, which all others may touch.
    pub fn take_back(&mut self) {
        let bus = &mut self.machine.bus;
        let all: Vec<_> = bus
            .devices()
            .map(|(id, name, _)| (id, name == "plic"))
            .collect();
        let touched = std::mem::take(&mut self.touched);
        for (id, shared) in all {
            if touched >> id.0 & 1 == 0 && (touched == 0 || !shared) {
                continue;
            }
            let Some(before) = bus.save_one(id) else {
                continue;
            };
            let taken = bus.restore_one(id, &before.fields());
            assert_eq!(taken, Ok(()), "{before:?}: a device refuses its own state");
            let after = bus.save_one(id);
            assert!(
                Some(&before) == after.as_ref(),
                "{before:?}: a device alters its own state"
            );
        }
    }

    /// Calls the machine with its surroundings.
    pub fn call<R>(&mut self, body: impl FnOnce(&mut Riscv64Virt, &mut Env) -> R) -> R {
        let mut env = Env {
            now_ns: self.now_ns,
            ram: &self.ram,
            events: &mut self.events,
            entropy: &mut self.entropy,
        };
        body(&mut self.machine, &mut env)
    }

    /// Lets so much time pass, with the events on the way.
    pub fn pass(&mut self, ns: u64) {
        let end = self.now_ns.saturating_add(ns);
        // LIMIT: a device has a handful of timers; events without end are a fault of the device.
        for _ in 0..10_000 {
            let due = self.events.next_ns().filter(|at| *at <= end);
            // An event comes at its time: a device that is asked before it waits once more.
            self.now_ns = due.map_or(end, |at| at.max(self.now_ns));
            let Some(token) = due.and_then(|at| self.events.take_due(at)) else {
                return;
            };
            self.touch(DeviceId(token.owner));
            self.call(|machine, env| machine.bus.event(token, env));
        }
        panic!("events without end");
    }
}

fn disk() -> Box<dyn VirtioDevice> {
    let disk = MemoryDisk {
        bytes: vec![0; 64 << 10],
        done: VecDeque::new(),
    };
    Box::new(Block::new(
        Box::new(disk),
        Completion::AtGuestTime { ns: 1000 },
    ))
}

fn console() -> Box<dyn VirtioDevice> {
    Box::new(PortConsole::new(Box::new(Echo::default())))
}

/// Items that a guest reads, one of which it may write too.
fn items() -> FwCfg {
    let items = FwCfg::new().item(5, vec![2, 0]);
    let items = items.file("opt/read", (0..100).collect());
    let items = items.and_then(|items| items.writable_file("opt/write", vec![0; 64]));
    let Ok(items) = items else {
        unreachable!("there is room for two names");
    };
    items
}

fn card() -> Box<dyn VirtioDevice> {
    let cable = Cable(VecDeque::new());
    Box::new(NetCard::new(
        Box::new(cable),
        [0x52, 0x54, 0, 0x12, 0x34, 0x56],
        1500,
    ))
}

/// A network that sends each frame back, and one more with it.
struct Cable(VecDeque<Vec<u8>>);

impl Net for Cable {
    fn send(&mut self, frame: &[u8]) {
        // LIMIT: it is for a test, and need not remember everything.
        if self.0.len() < 8 {
            self.0.push_back(frame.to_vec());
            self.0.push_back(vec![0xff; 60 + frame.len() % 2000]);
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        self.0.pop_front()
    }

    fn takes_large(&self) -> bool {
        true
    }
}

/// A console that answers what it is told.
#[derive(Default)]
struct Echo(VecDeque<u8>);

impl Console for Echo {
    fn write(&mut self, bytes: &[u8]) {
        // LIMIT: it is for a test, and need not remember everything.
        self.0
            .extend(bytes.iter().take(4096_usize.saturating_sub(self.0.len())));
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.0.len());
        for (to, from) in into.iter_mut().zip(self.0.drain(..count)) {
            *to = from;
        }
        count
    }

    fn size(&self) -> Option<(u16, u16)> {
        Some((80, 25))
    }
}

/// A disk in memory.
struct MemoryDisk {
    bytes: Vec<u8>,
    done: VecDeque<DiskDone>,
}

impl MemoryDisk {
    fn carry_out(&mut self, ram: &GuestRam, request: &DiskRequest) -> Result<(), DiskError> {
        let mut at = request.offset as usize;
        for segment in &request.segments {
            let end = at.checked_add(segment.bytes as usize);
            let range = end.and_then(|end| self.bytes.get_mut(at..end));
            let piece = range.ok_or(DiskError::OutOfRange)?;
            let moved = match request.op {
                DiskOp::Read => ram.write(segment.addr, piece),
                _ => ram.read(segment.addr, piece),
            };
            moved.map_err(|_| DiskError::OutOfRange)?;
            at += segment.bytes as usize;
        }
        match request.op {
            DiskOp::Discard(count) | DiskOp::WriteZeroes(count) => {
                let end = at.checked_add(count as usize);
                let range = end.and_then(|end| self.bytes.get_mut(at..end));
                range.ok_or(DiskError::OutOfRange)?.fill(0);
            }
            DiskOp::Read | DiskOp::Write | DiskOp::Flush => {}
        }
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_only(&self) -> bool {
        false
    }

    fn serial(&self) -> &str {
        "fuzz"
    }

    fn submit(&mut self, ram: &GuestRam, request: DiskRequest) {
        let result = self.carry_out(ram, &request);
        let token = request.token;
        self.done.push_back(DiskDone { token, result });
    }

    fn finished(&mut self) -> Option<DiskDone> {
        self.done.pop_front()
    }
}
