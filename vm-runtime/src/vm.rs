//! One virtual machine from power-on to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use vm_core::{Clock, Entropy, Events, Moment, TimeMode, TraceEvent, TraceKinds, Vcpu};
use vm_device_boot::{Images, Kernel, Mode};
use vm_device_bus::{Console, Env, Request};
use vm_device_machine::enter;
use vm_device_virtio::{Block, Completion, PortConsole, Rng, VirtioDevice};
use vm_engine_interp::{BlockStats, Engine, SharedTrace};
use vm_mem::GuestRam;

use crate::activity::{Activity, NotedDisk};
use crate::board::{Board, BoardKind, Parts, boards};
use crate::code::Watch;
use crate::config::Terminal;
use crate::console::OutputOnly;
use crate::debug::{Debugger, Halting};
use crate::disk::{Content, RawFile};
use crate::ending::end_of;
use crate::files::{Contents, Files};
use crate::health::Health;
use crate::net::NetHandle;
use crate::stats::Timers;
use crate::verify::Verifier;
use crate::{Booted, Config, ConsoleHub, DiskFormat, Firmware, Outcome, Symbols, Until, VmError};

/// The date at which every run in virtual time begins: the first second of 2026.
const VIRTUAL_EPOCH_NS: u64 = 1_767_225_600_000_000_000;
/// When a disk request that was asked for is finished in virtual time.
const DISK_NS: u64 = 50_000;

/// Ends or restarts a running machine from another thread.
#[derive(Clone, Debug, Default)]
pub struct Control {
    quit: Arc<AtomicBool>,
    pub(crate) resets: Arc<AtomicU32>,
    instructions: Arc<AtomicU64>,
    guest_ns: Arc<AtomicU64>,
}

impl Control {
    /// Ends the run soon.
    pub fn quit(&self) {
        self.quit.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked for the end.
    #[must_use]
    pub fn quits(&self) -> bool {
        self.quit.load(Ordering::Relaxed)
    }

    /// Restarts the machine soon, as its reset button would.
    pub fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Instructions executed so far by all CPUs, a turn ago.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.instructions.load(Ordering::Relaxed)
    }

    /// Guest time in nanoseconds, a turn ago.
    #[must_use]
    pub fn guest_ns(&self) -> u64 {
        self.guest_ns.load(Ordering::Relaxed)
    }
}

/// A virtual machine.
pub struct Vm {
    pub(crate) board: Box<dyn Board>,
    pub(crate) cpus: Vec<Box<dyn Vcpu>>,
    pub(crate) ram: GuestRam,
    pub(crate) clock: Arc<Clock>,
    pub(crate) events: Events,
    pub(crate) entropy: Entropy,
    /// Which CPUs wait for an interrupt.
    pub(crate) waiting: Vec<bool>,
    pub(crate) resets: u32,
    /// Whose turn it is; the number of CPUs between two rounds.
    pub(crate) turn_of: usize,
    /// Who had the last turn; only reports ask for it.
    pub(crate) ran_last: usize,
    /// Instructions that are left of a turn that has begun.
    pub(crate) turn_left: u64,
    /// Instructions that CPUs could have executed while they did nothing but trap.
    pub(crate) stalled: u64,
    pub(crate) engine: Engine,
    pub(crate) timers: Timers,
    pub(crate) missing: Option<crate::EngineError>,
    /// What holds the engine to the interpreter, if anything does.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) config: Config,
    files: Files,
    booted: Option<Booted>,
    /// What a restart boots from.
    first_disk: Option<Content>,
    pub(crate) console: ConsoleHub,
    pub(crate) network: NetHandle,
    pub(crate) control: Control,
    /// Where the part of the run that goes on ends.
    pub(crate) until: Until,
    pub(crate) activity: Activity,
    pub(crate) health: Health,
    trace: Option<SharedTrace>,
    pub(crate) debugger: Option<Box<dyn Debugger>>,
    pub(crate) halting: Halting,
    pub(crate) symbols: Option<Arc<Symbols>>,
    /// What is known of code that somebody wants to see.
    pub(crate) watch: Option<Watch>,
}

/// What a turn or a device asks of the machine's owner.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    /// Nothing.
    Goes,
    /// The run is over.
    Ends(Outcome),
}

impl Vm {
    /// Puts a machine together and loads what it starts with.
    pub fn new(
        config: Config,
        console: ConsoleHub,
        trace: Option<SharedTrace>,
    ) -> Result<Self, VmError> {
        let mut files = Files::open(&config)?;
        let contents = files.read(&config, None)?;
        let kind = board_for(&config, &contents)?;
        let virtual_time = config.time == TimeMode::Virtual;
        if config.verify.is_some() && !virtual_time {
            return Err(VmError::VerifyTime);
        }
        let clock = Arc::new(if virtual_time {
            Clock::virtual_time()
        } else {
            host_clock()
        });
        // Raw files finish each request at once: in host time it is told as soon as possible.
        let completion = Completion::AtGuestTime {
            ns: if virtual_time { DISK_NS } else { 0 },
        };
        let activity = console.activity();
        let mut virtio: Vec<Box<dyn VirtioDevice>> = Vec::new();
        let mut first_disk = None;
        for (number, disk) in config.disks.iter().enumerate() {
            if disk.format == DiskFormat::Qcow2 {
                let path = disk.path.clone();
                return Err(VmError::Format { path });
            }
            let file = RawFile::open(disk, number, console.clone())?;
            first_disk.get_or_insert_with(|| file.content());
            let noted = NotedDisk::new(Box::new(file), activity.clone());
            virtio.push(Box::new(Block::new(Box::new(noted), completion)));
        }
        virtio.push(Box::new(Rng));
        let mut serial: Box<dyn Console> = Box::new(console.clone());
        if config.terminal == Terminal::Virtio {
            virtio.push(Box::new(PortConsole::new(serial)));
            serial = Box::new(OutputOnly(console.clone()));
        }
        // Behind all others, so that a network changes nothing about where those are.
        let (network, card) = NetHandle::start(&config.network, console.waker())?;
        virtio.extend(card);
        let board = (kind.build)(Parts {
            cpus: config.cpus,
            ram_bytes: config.ram_bytes,
            console: serial,
            virtio,
            epoch_ns: if virtual_time {
                VIRTUAL_EPOCH_NS
            } else {
                date_ns()
            },
        })?;
        let ram = GuestRam::new(&board.ram_regions())?;
        let mut engine = Engine::new(board.frontend(), ram.clone(), clock.clone());
        if let Some(trace) = &trace {
            engine.set_trace(trace.clone());
        }
        let natives = crate::engine::natives(&config, &board.frontend())?;
        if let Some(tier) = natives.tier {
            engine.set_tier(tier);
        }
        let verifier = config.verify.map(|one_in| {
            let frontend = board.frontend();
            Verifier::new(frontend, &ram, &clock, one_in)
        });
        let verifier = verifier.transpose()?;
        let cpus = crate::engine::cpus(&engine, config.cpus, verifier.as_ref());
        let mut vm = Self {
            waiting: vec![false; cpus.len()],
            board,
            cpus,
            ram,
            clock,
            events: Events::new(),
            entropy: Entropy::new(config.seed),
            resets: 0,
            turn_of: 0,
            ran_last: 0,
            turn_left: 0,
            stalled: 0,
            engine,
            timers: natives.timers,
            missing: natives.missing,
            verifier,
            config,
            files,
            booted: None,
            first_disk,
            console,
            network,
            control: Control::default(),
            until: Until::default(),
            activity,
            health: Health::default(),
            trace,
            debugger: None,
            halting: Halting::default(),
            symbols: None,
            watch: None,
        };
        let lines = vm.traces(TraceKinds::IRQ);
        vm.board.bus().log_lines(lines);
        let work = vm.traces(TraceKinds::IO);
        vm.board.bus().log_work(work);
        vm.power_on(&contents)?;
        Ok(vm)
    }

    /// A handle for other threads.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// What a disk gave to be booted, when the machine was last started.
    #[must_use]
    pub fn booted(&self) -> Option<&Booted> {
        self.booted.as_ref()
    }

    /// The name of the machine and its architecture.
    #[must_use]
    pub fn frontend_name(&self) -> &'static str {
        self.board.frontend().name()
    }

    /// Instructions executed so far by all CPUs.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.cpus.iter().map(|cpu| cpu.retired()).sum()
    }

    /// Counters of translated code.
    #[must_use]
    pub fn block_stats(&self) -> BlockStats {
        self.engine.stats()
    }

    /// Lets the console and other threads see how far the guest has come.
    pub(crate) fn show_progress(&self) {
        self.console.flush();
        self.control
            .instructions
            .store(self.instructions(), Ordering::Relaxed);
        self.control
            .guest_ns
            .store(self.clock.now_ns(), Ordering::Relaxed);
    }

    /// Carries out what devices asked for; a restart happens here.
    pub(crate) fn settle(&mut self, turn: Turn) -> Result<Turn, VmError> {
        if let Turn::Ends(outcome) = turn {
            return Ok(Turn::Ends(outcome));
        }
        for request in self.board.bus().take_requests() {
            match self.answer_request(request)? {
                Turn::Goes => {}
                ends @ Turn::Ends(_) => return Ok(ends),
            }
        }
        let limit = self.config.limit_insns.unwrap_or(u64::MAX);
        Ok(if self.verifier.as_ref().is_some_and(Verifier::has_found) {
            Turn::Ends(Outcome::Diverged)
        } else if self.spent() >= limit {
            Turn::Ends(Outcome::Limit)
        } else {
            self.check_health()
        })
    }

    fn answer_request(&mut self, request: Request) -> Result<Turn, VmError> {
        if request == Request::Crashed {
            self.console.note_crash();
            return Ok(Turn::Goes);
        }
        let panicked = self.console.has_panicked();
        let crashed = self.console.has_crashed();
        if let Some(outcome) = end_of(request, self.config.on_reset, panicked, crashed) {
            return Ok(Turn::Ends(outcome));
        }
        self.reset()?;
        Ok(Turn::Goes)
    }

    /// Presses the reset button. What can not be started anew stands as it stood.
    pub fn reset(&mut self) -> Result<(), VmError> {
        // On a disk that is booted the guest may have installed another kernel.
        let contents = self.files.read(&self.config, self.first_disk.clone())?;
        self.resets += 1;
        self.ram.clear();
        self.power_on(&contents)
    }

    /// Brings everything to its state at power-on and loads the images.
    fn power_on(&mut self, contents: &Contents) -> Result<(), VmError> {
        let mode = match self.config.firmware {
            Firmware::BuiltIn => Mode::Direct,
            Firmware::None => Mode::Bare,
            Firmware::File(_) => Mode::Firmware,
        };
        self.events = Events::new();
        self.console.forget_panic();
        self.watch_anew();
        self.board.reset(mode == Mode::Direct);
        self.booted = contents.booted();
        let Self {
            board,
            ram,
            entropy,
            ..
        } = self;
        let registers = contents.with_images(|images: &Images| {
            board.load(ram, images, mode, contents.options(), entropy)
        })?;
        for (cpu, state) in self.cpus.iter_mut().zip(&registers) {
            cpu.reset();
            if let Err(name) = enter(&mut **cpu, state) {
                unreachable!("the board sets register `{name}`, which its own CPUs have");
            }
        }
        self.waiting.fill(false);
        (self.turn_of, self.turn_left) = (self.cpus.len(), 0);
        Ok(())
    }

    /// Lets every device look at its back end.
    pub(crate) fn wake_all(&mut self) {
        let all: Vec<_> = self.board.bus().devices().map(|(id, ..)| id).collect();
        for device in all {
            self.with_env(|board, env| board.bus().wake(device, env));
        }
    }

    pub(crate) fn with_env<R>(&mut self, body: impl FnOnce(&mut dyn Board, &mut Env) -> R) -> R {
        let mut env = Env {
            now_ns: self.clock.now_ns(),
            ram: &self.ram,
            events: &mut self.events,
            entropy: &mut self.entropy,
        };
        body(&mut *self.board, &mut env)
    }

    pub(crate) fn traces(&self, kind: TraceKinds) -> bool {
        self.trace
            .as_ref()
            .is_some_and(|trace| lock(trace).kinds().any(kind))
    }

    pub(crate) fn report(&self, cpu: usize, event: &TraceEvent) {
        if let Some(trace) = &self.trace {
            let at = Moment {
                cpu: cpu as u32,
                retired: self.instructions(),
                now_ns: self.clock.now_ns(),
            };
            lock(trace).event(at, event);
        }
    }
}

fn lock<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The board for what is to be started: the file's architecture decides.
fn board_for(config: &Config, files: &Contents) -> Result<BoardKind, VmError> {
    let arch = files.arch();
    if let (Some(wanted), Some((found, path))) = (config.arch, &arch)
        && wanted != *found
    {
        return Err(VmError::ArchOther {
            path: path.clone(),
            found: *found,
            wanted,
        });
    }
    let wanted = arch.as_ref().map(|(arch, _)| *arch).or(config.arch);
    let found = boards()
        .into_iter()
        .find(|board| board.name == config.machine && wanted.is_none_or(|arch| arch == board.arch));
    match (found, arch, config.arch) {
        (Some(board), ..) => Ok(board),
        (None, Some((arch, path)), _) => Err(VmError::ArchMissing { path, arch }),
        (None, None, Some(arch)) => Err(VmError::ArchMissing {
            path: PathBuf::from("--arch"),
            arch,
        }),
        (None, None, None) => Err(VmError::NoMachine {
            name: config.machine.clone(),
        }),
    }
}

fn host_clock() -> Clock {
    let start = Instant::now();
    Clock::host_time(move || start.elapsed().as_nanos() as u64)
}

/// The date on the host, in nanoseconds since 1970.
fn date_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

/// The most bytes a kernel may unpack to.
// LIMIT: guest RAM must hold it; nobody has kernels of more than a few hundred MiB.
pub(crate) const UNPACK_LIMIT: u64 = 1 << 30;

/// Opens a kernel or firmware.
pub(crate) fn open(name: &Path, bytes: Vec<u8>) -> Result<Kernel<'static>, VmError> {
    let source = |source| VmError::Image {
        path: name.to_owned(),
        source,
    };
    Kernel::open(bytes, UNPACK_LIMIT).map_err(source)
}
