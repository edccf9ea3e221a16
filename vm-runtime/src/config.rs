//! What a machine is to be made of.

use std::path::PathBuf;

use vm_core::TimeMode;

/// Everything that decides a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The machine's name.
    pub machine: String,
    /// The kernel or bare-metal program.
    pub kernel: Option<Source>,
    /// The initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub append: String,
    /// Who runs before the kernel.
    pub firmware: Firmware,
    /// The size of RAM in bytes.
    pub ram_bytes: u64,
    /// The number of CPUs.
    pub cpus: u32,
    /// The disks, in order.
    pub disks: Vec<DiskConfig>,
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

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// The file that holds it.
    pub path: PathBuf,
    /// Whether the guest may only read.
    pub read_only: bool,
}

/// Which device gets what is typed; what either prints is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The serial line (`ttyS0`); the machine has no other.
    Serial,
    /// A virtio console (`hvc0`), beside the serial line.
    Virtio,
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
            initrd: None,
            append: String::new(),
            firmware: Firmware::BuiltIn,
            ram_bytes: 512 << 20,
            cpus: 1,
            disks: Vec::new(),
            time: TimeMode::Host,
            seed: 0,
            limit_insns: None,
            on_reset: OnReset::Restart,
            end_on_panic: false,
            watchdog_ns: None,
            terminal: Terminal::Serial,
        }
    }
}
