//! A suite of tests, read and checked.

use std::path::PathBuf;

use vm_runtime::{Firmware, Terminal, TimeMode};

use super::pattern::Template;
use crate::ports::NetChoice;

/// A test file.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its file, as it was given.
    pub path: PathBuf,
    /// The file's name up to the first dot.
    pub name: String,
    /// Its tests, in order.
    pub cases: Vec<Case>,
}

/// A test.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The machine.
    pub setup: Setup,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// The machine of a test; what is not set has its default.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The disk image that boots by itself, or a kernel.
    pub image: Option<PathBuf>,
    /// The kernel.
    pub kernel: Option<PathBuf>,
    /// The initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub append: Option<String>,
    /// Who runs before the kernel.
    pub firmware: Option<Firmware>,
    /// The machine's name.
    pub machine: Option<String>,
    /// The size of memory.
    pub memory: Option<u64>,
    /// The number of CPUs.
    pub cpus: Option<u32>,
    /// The disks.
    pub drives: Option<Vec<Drive>>,
    /// Where steps type.
    pub terminal: Option<Terminal>,
    /// The network.
    pub net: Option<NetChoice>,
    /// The folder whose files the guest can fetch.
    pub serve: Option<PathBuf>,
    /// Whose time the guest lives in.
    pub time: Option<TimeMode>,
    /// The seed.
    pub seed: Option<u64>,
    /// The most guest time.
    pub timeout_ns: Option<u64>,
    /// The most guest time in which nothing happens.
    pub watchdog_ns: Option<u64>,
    /// The most instructions.
    pub limit_insns: Option<u64>,
    /// What must not appear.
    pub forbid: Vec<Template>,
}

impl Setup {
    /// This setup, with what it leaves open taken from another one.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        let base = base.clone();
        self.image = self.image.or(base.image);
        self.kernel = self.kernel.or(base.kernel);
        self.initrd = self.initrd.or(base.initrd);
        self.append = self.append.or(base.append);
        self.firmware = self.firmware.or(base.firmware);
        self.machine = self.machine.or(base.machine);
        self.memory = self.memory.or(base.memory);
        self.cpus = self.cpus.or(base.cpus);
        self.drives = self.drives.or(base.drives);
        self.terminal = self.terminal.or(base.terminal);
        self.net = self.net.or(base.net);
        self.serve = self.serve.or(base.serve);
        self.time = self.time.or(base.time);
        self.seed = self.seed.or(base.seed);
        self.timeout_ns = self.timeout_ns.or(base.timeout_ns);
        self.watchdog_ns = self.watchdog_ns.or(base.watchdog_ns);
        self.limit_insns = self.limit_insns.or(base.limit_insns);
        self.forbid.splice(0..0, base.forbid);
        self
    }
}

/// A disk of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Drive {
    /// What stands in a file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether the guest may only read.
        read_only: bool,
    },
    /// Zeroes.
    Empty {
        /// How many.
        bytes: u64,
    },
}

/// A step, with its line in the file.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub deed: Deed,
    /// The most guest time for it.
    pub timeout_ns: Option<u64>,
    /// Where it stands: `FILE:LINE:COLUMN`.
    pub place: String,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Waits for a text.
    Wait(Template),
    /// Types.
    Send {
        /// What.
        text: Template,
        /// Whether Enter comes behind it.
        enter: bool,
    },
    /// Runs a command at a shell.
    Run(Command),
    /// Looks for a text in what was printed.
    Expect(Template),
    /// Presses the reset button.
    Reset,
    /// Waits for the end of the run.
    End(End),
}

/// A command for the guest's shell.
#[derive(Clone, Debug)]
pub struct Command {
    /// The command.
    pub line: Template,
    /// What it has to print.
    pub expect: Option<Template>,
    /// The status that it has to end with; any if there is none.
    pub status: Option<u64>,
    /// The variable that keeps what it printed.
    pub save: Option<String>,
}

/// How a run is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The guest powers off.
    PowerOff,
    /// The guest restarts.
    Reset,
    /// The guest's kernel panics, or a CPU is stuck.
    Panic,
    /// The guest hangs.
    Hang,
    /// The guest fails with this number.
    Code(u64),
}
