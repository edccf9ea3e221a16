//! What is booted, and what came of it.

use std::path::Path;

use tests_xtask::images::need;
use vm_runtime::{
    Config, DiskAccess, DiskConfig, Ending, EngineMode, Firmware, JitTier, Network, OnReset,
    Outcome, SharedTrace, Snapshot, Source, Terminal, TimeMode, VmError,
};

use crate::{Deed, Machine};

/// The most instructions of a boot that does not say otherwise.
// LIMIT: twice what the longest takes, so that a guest that goes in circles ends soon.
const LIMIT: u64 = 10_000_000_000;

/// A guest that is to be booted.
#[derive(Clone)]
pub struct Guest {
    config: Config,
    script: Vec<(String, Deed)>,
    limit: u64,
}

/// A boot that is over.
#[derive(Debug)]
pub struct Boot {
    /// How it ended.
    pub ending: Ending,
    /// What was printed, without carriage returns.
    pub text: String,
}

impl Guest {
    /// A bare-metal program without firmware.
    #[must_use]
    pub fn bare(program: &'static [u8]) -> Self {
        Self::of(Config {
            kernel: Some(Source::BuiltIn("a bare program", program)),
            firmware: Firmware::None,
            ram_bytes: 16 << 20,
            ..Config::default()
        })
    }

    /// A bare-metal program given as instruction words.
    #[must_use]
    pub fn words(words: &[u32]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self::bare(bytes.leak())
    }

    /// A bare-metal program and a RAM disk, each in a file.
    #[must_use]
    pub fn files(program: &Path, initrd: &Path) -> Self {
        let mut guest = Self::bare(&[]);
        guest.config.kernel = Some(Source::File(program.to_owned()));
        guest.config.initrd = Some(initrd.to_owned());
        guest
    }

    /// The demo.
    #[must_use]
    pub fn demo() -> Self {
        let demo = include_bytes!("../../guests/demo/demo.bin");
        Self::of(Config {
            kernel: Some(Source::BuiltIn("the demo", demo)),
            ram_bytes: 128 << 20,
            ..Config::default()
        })
    }

    /// The stock kernel with the busybox initramfs, which does what `vmtest=` says.
    #[must_use]
    pub fn linux(vmtest: &str) -> Option<Self> {
        let kernel = need("riscv64/kernel")?;
        Some(Self::of(Config {
            kernel: Some(Source::File(kernel)),
            initrd: Some(need("riscv64/initrd-ready.cpio.gz")?),
            append: format!("console=ttyS0 panic=-1 vmtest={vmtest}"),
            ram_bytes: 256 << 20,
            ..Config::default()
        }))
    }

    /// An installed Debian by its own menu; its disk stays as it is.
    #[must_use]
    pub fn debian() -> Option<Self> {
        let mut guest =
            Self::from_disk(&need("riscv64/debian.img")?, "quiet", DiskAccess::Ephemeral);
        guest.config.ram_bytes = 512 << 20;
        Some(guest)
    }

    /// The same with a kernel and a command line that are given, on the virtio console alone.
    #[must_use]
    pub fn debian_on_virtio() -> Option<Self> {
        let kernel = need("riscv64/kernel")?;
        let initrd = need("riscv64/debian-initrd.cpio.gz")?;
        let guest = Self::of(Config {
            kernel: Some(Source::File(kernel)),
            initrd: Some(initrd),
            append: "root=LABEL=root ro quiet console=hvc0".to_owned(),
            ram_bytes: 512 << 20,
            ..Config::default()
        });
        let disk = need("riscv64/debian.img")?;
        Some(guest.disk(&disk, DiskAccess::Ephemeral).virtio_console())
    }

    /// What the first disk boots, with words added to its command line.
    #[must_use]
    pub fn from_disk(path: &Path, append: &str, access: DiskAccess) -> Self {
        let guest = Self::of(Config {
            boot: Some(vm_runtime::Boot::default()),
            append: append.to_owned(),
            ram_bytes: 256 << 20,
            ..Config::default()
        });
        guest.disk(path, access)
    }

    fn of(config: Config) -> Self {
        Self {
            config,
            script: Vec::new(),
            limit: LIMIT,
        }
    }

    /// With its console on virtio, the kernel's too.
    #[must_use]
    pub fn virtio_console(mut self) -> Self {
        self.config.terminal = Terminal::Virtio;
        self.config.append = self.config.append.replace("ttyS0", "hvc0");
        self
    }

    /// With so many CPUs.
    #[must_use]
    pub fn cpus(mut self, count: u32) -> Self {
        self.config.cpus = count;
        self
    }

    /// In virtual time, with this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        (self.config.time, self.config.seed) = (TimeMode::Virtual, seed);
        self
    }

    /// With at most so many instructions.
    #[must_use]
    pub fn limit(mut self, insns: u64) -> Self {
        self.limit = insns;
        self
    }

    /// With a raw disk.
    #[must_use]
    pub fn disk(mut self, path: &Path, access: DiskAccess) -> Self {
        let disk = DiskConfig::new(path).access(access);
        self.config.disks.push(disk);
        self
    }

    /// With a network.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.config.network = network;
        self
    }

    /// With so much guest time, in nanoseconds, in which nothing happens before it hangs.
    #[must_use]
    pub fn watchdog(mut self, ns: u64) -> Self {
        self.config.watchdog_ns = Some(ns);
        self
    }

    /// On this engine.
    #[must_use]
    pub fn engine(mut self, engine: EngineMode, threshold: Option<u32>) -> Self {
        (self.config.engine, self.config.jit_threshold) = (engine, threshold);
        self
    }

    /// With loops compiled as a whole in which so many slices have ended.
    #[must_use]
    pub fn regions(mut self, threshold: Option<u32>) -> Self {
        self.config.jit_region_threshold = threshold;
        self
    }

    /// With these compilers.
    #[must_use]
    pub fn tiers(mut self, tiers: &[JitTier]) -> Self {
        self.config.jit_tiers = Some(tiers.to_vec());
        self
    }

    /// With so many bytes for native code.
    #[must_use]
    pub fn code_bytes(mut self, bytes: u64) -> Self {
        self.config.code_bytes = bytes;
        self
    }

    /// Held to the interpreter.
    #[must_use]
    pub fn verified(mut self) -> Self {
        self.config.verify = Some(1);
        self
    }

    /// With this answer to restarts.
    #[must_use]
    pub fn on_reset(mut self, on_reset: OnReset) -> Self {
        self.config.on_reset = on_reset;
        self
    }

    /// Types a text when a mark was printed.
    #[must_use]
    pub fn send(self, mark: &str, text: &str) -> Self {
        self.on(mark, Deed::Send(text.to_owned()))
    }

    /// Ends the run when a mark was printed.
    #[must_use]
    pub fn stop_at(self, mark: &str) -> Self {
        self.on(mark, Deed::Stop)
    }

    /// Does something when a mark was printed.
    #[must_use]
    pub fn on(mut self, mark: &str, deed: Deed) -> Self {
        self.script.push((mark.to_owned(), deed));
        self
    }

    /// Builds the machine and leaves running it to the caller.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let machine = self.try_machine();
        machine.unwrap_or_else(|error| panic!("the machine can not be built: {error}"))
    }

    /// Builds the machine, if the host lets it.
    pub fn try_machine(&self) -> Result<Machine, VmError> {
        Machine::new(self.configuration(), self.script.clone())
    }

    /// Builds the machine with somebody who watches its events.
    #[must_use]
    pub fn traced(&self, trace: SharedTrace) -> Machine {
        let machine = Machine::traced(self.configuration(), self.script.clone(), Some(trace));
        machine.unwrap_or_else(|error| panic!("the machine can not be built: {error}"))
    }

    /// Builds the machine and brings it to a saved state.
    #[must_use]
    pub fn restored(&self, from: &Snapshot) -> Machine {
        let machine = Machine::restored(self.configuration(), self.script.clone(), from);
        machine.unwrap_or_else(|error| panic!("the machine can not be restored: {error}"))
    }

    /// Boots.
    #[must_use]
    pub fn run(&self) -> Boot {
        self.end_of(self.machine())
    }

    /// Goes on from a saved state.
    #[must_use]
    pub fn run_from(&self, from: &Snapshot) -> Boot {
        self.end_of(self.restored(from))
    }

    fn configuration(&self) -> Config {
        Config {
            limit_insns: Some(self.limit),
            ..self.config.clone()
        }
    }

    fn end_of(&self, mut machine: Machine) -> Boot {
        let ending = machine.vm.run();
        let ending = ending.unwrap_or_else(|error| panic!("the machine can not go on: {error}"));
        let (text, left) = (machine.text(), machine.left());
        assert!(left.is_empty(), "{ending:?}, not seen: {left:?}\n{text}");
        Boot { ending, text }
    }
}

impl Boot {
    /// Wants this end.
    #[must_use]
    pub fn ends(self, wanted: Outcome) -> Self {
        let Self { ending, text } = &self;
        assert_eq!(ending.outcome, wanted, "{ending:?}\n{text}");
        self
    }

    /// Wants each of these in this order in what was printed, and no complaint of a guest.
    #[must_use]
    pub fn says(self, wanted: &[&str]) -> Self {
        let mut rest = self.text.as_str();
        for want in wanted {
            match rest.split_once(want) {
                Some((_, behind)) => rest = behind,
                None => panic!("no {want:?} where it should be in\n{}", self.text),
            }
        }
        assert!(!self.text.contains("VM-FAIL"), "{}", self.text);
        self
    }

    /// The rest of the line that begins so.
    #[must_use]
    pub fn line(&self, begins: &str) -> &str {
        let found = self.text.lines().find_map(|line| line.strip_prefix(begins));
        found.unwrap_or_else(|| panic!("no line begins with {begins:?} in\n{}", self.text))
    }

    /// The hash of the whole state.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let hash = self.ending.state_hash;
        hash.unwrap_or_else(|| panic!("a run in host time has no hash"))
    }
}
