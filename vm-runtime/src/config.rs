//! What a machine is to be made of.

use std::path::PathBuf;

use vm_core::TimeMode;
use vm_device_boot::Arch;

use crate::Network;

/// Everything that decides a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The machine's name.
    pub machine: String,
    /// The kernel or bare-metal program.
    pub kernel: Option<Source>,
    /// What the first disk is asked for; what is given beside it takes the place of what it has.
    pub boot: Option<Boot>,
    /// The architecture, where it is not to be found out.
    pub arch: Option<Arch>,
    /// The initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line; behind the one that a disk gives.
    pub append: String,
    /// Who runs before the kernel.
    pub firmware: Firmware,
    /// The size of RAM in bytes.
    pub ram_bytes: u64,
    /// The number of CPUs.
    pub cpus: u32,
    /// The disks, in order.
    pub disks: Vec<DiskConfig>,
    /// The guest's network.
    pub network: Network,
    /// Which time the guest lives in.
    pub time: TimeMode,
    /// What all chance in the machine grows from.
    pub seed: u64,
    /// After how many instructions, of all CPUs together, the run ends.
    pub limit_insns: Option<u64>,
    /// What a restart by the guest does.
    pub on_reset: OnReset,
    /// Whether a panic of the guest's kernel ends the run even if the kernel then goes in
    /// circles.
    pub end_on_panic: bool,
    /// After how much guest time, in nanoseconds, without output, input or a request to a disk
    /// the guest hangs.
    pub watchdog_ns: Option<u64>,
    /// Which device gets what is typed.
    pub terminal: Terminal,
    /// What runs guest code.
    pub engine: EngineMode,
    /// How often a block is entered before it is compiled, if not as often as usual.
    pub jit_threshold: Option<u32>,
    /// How many slices end in a block before the loop around it is compiled, if not as usual.
    pub jit_region_threshold: Option<u32>,
    /// Which compilers there are, if not those that the engine has.
    pub jit_tiers: Option<Vec<JitTier>>,
    /// How many bytes native code may take.
    pub code_bytes: u64,
    /// Native code stands where profilers look for code that was generated; see
    /// [`Vm::watch_code`](crate::Vm::watch_code).
    pub profiled: bool,
    /// Holds the engine to the interpreter: one run of a CPU in so many; in virtual time only.
    pub verify: Option<u32>,
}

/// A file or something that is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Bytes with a name for messages.
    BuiltIn(&'static str, &'static [u8]),
}

/// Who runs before the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// The built-in one: the kernel starts at once.
    BuiltIn,
    /// Nobody: the kernel is a bare-metal program.
    None,
    /// A firmware from a file.
    File(PathBuf),
}

/// What the first disk is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// The entry of its menu, by number, title or name; the default one if nothing is said.
    pub entry: Option<String>,
}

/// How the bytes of a disk stand in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskFormat {
    /// As they are.
    #[default]
    Raw,
    /// In QEMU's format, which can not be used yet.
    Qcow2,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// The file that holds it.
    pub path: PathBuf,
    /// How it is stored; never guessed from the content, which a guest can write.
    pub format: DiskFormat,
    /// What the guest may do with it.
    pub access: DiskAccess,
}

impl DiskConfig {
    /// A raw disk that keeps what the guest writes.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: DiskFormat::Raw,
            access: DiskAccess::Keep,
        }
    }

    /// The same disk with this access.
    #[must_use]
    pub fn access(mut self, access: DiskAccess) -> Self {
        self.access = access;
        self
    }
}

/// What becomes of what a guest writes to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskAccess {
    /// The file keeps it.
    Keep,
    /// The guest may only read.
    ReadOnly,
    /// The guest sees it until the run ends, and the file stays as it is.
    Ephemeral,
}

/// Which device gets what is typed; what either prints is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The serial line (`ttyS0`); the machine has no other.
    Serial,
    /// A virtio console (`hvc0`), beside the serial line.
    Virtio,
}

/// What runs guest code; the guest sees no difference but speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineMode {
    /// [`EngineMode::Hybrid`], if there is a compiler for the host, and the host gives what it
    /// takes; else [`EngineMode::Interp`].
    Usual,
    /// The interpreter.
    Interp,
    /// The block compiler, from the second time on that a block is entered; compiling is waited
    /// for.
    Jit,
    /// The interpreter, and for what is run often the block compiler, in the background.
    Hybrid,
}

impl EngineMode {
    /// Its name, as the command line takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usual if !crate::COMPILES => "interp",
            Self::Interp => "interp",
            Self::Usual => "hybrid",
            Self::Jit => "jit",
            Self::Hybrid => "hybrid",
        }
    }
}

/// A compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JitTier {
    /// Templates: quick to make, and waited for.
    Template,
    /// The block compiler.
    Block,
    /// The region compiler.
    Region,
}

/// What a restart by the guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReset {
    /// The machine starts anew; after a panic of the guest's kernel the run ends.
    Restart,
    /// The machine starts anew, whatever happened before.
    Always,
    /// The run ends.
    End,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            machine: "virt".to_owned(),
            kernel: None,
            boot: None,
            arch: None,
            initrd: None,
            append: String::new(),
            firmware: Firmware::BuiltIn,
            ram_bytes: 512 << 20,
            cpus: 1,
            disks: Vec::new(),
            network: Network::None,
            time: TimeMode::Host,
            seed: 0,
            limit_insns: None,
            on_reset: OnReset::Restart,
            end_on_panic: false,
            watchdog_ns: None,
            terminal: Terminal::Serial,
            engine: EngineMode::Interp,
            jit_threshold: None,
            jit_region_threshold: None,
            jit_tiers: None,
            code_bytes: crate::engine::CODE_BYTES,
            profiled: false,
            verify: None,
        }
    }
}
