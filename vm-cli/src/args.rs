//! The arguments, as the parser sees them.

mod engine;
mod testing;

pub use engine::{CODE_CACHE, EngineArgs, EngineKind, TierKind};
pub use testing::TestArgs;

use std::ops::Range;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use vm_runtime::boot::Arch;
use vm_runtime::gdb::Address;
use vm_runtime::{DiskConfig, Firmware};

use crate::ports::{NetChoice, Published, net, publish};
use crate::units::{TraceTo, arch, disk, duration, firmware, number, range, size, trace};

const RUN_EXAMPLES: &str = "\
Examples:
  vm run disk.img                                          what a disk would boot
  vm run -k Image -i initrd.gz --append console=ttyS0      a kernel and its initial RAM disk
  vm run -k test.elf --firmware none --time virtual --json a bare-metal program, reproducibly";

const TEST_EXAMPLES: &str = "\
Examples:
  vm test boot.toml                            the tests of a file, in guest time
  vm test tests -j 4 --junit out.xml           all *.boot.toml below a folder, for a CI
  vm test boot.toml --filter boot::login -v    one test, with the last lines of its console";

const DISASM_EXAMPLES: &str = "\
Examples:
  vm disasm --hex 3385a500                     the bytes of one instruction
  vm disasm vmlinux --range 0x80200000..0x80200100
  vm disasm code.bin --arch riscv64 --base 0x80000000";

const SYMBOLS_EXAMPLES: &str = "\
Examples:
  vm symbols Image --elf kernel.elf            a kernel's own symbols, for gdb kernel.elf
  vm symbols Image start_kernel 0xffffffff80c00900
  vm symbols System.map --json                 all of them";

const SHOW_EXAMPLES: &str = "\
Examples:
  vm machine show                              what stands at which address
  vm machine show --dts --cpus 4 -m 2G         the device tree as text
  vm machine show --dtb virt.dtb               the device tree as the guest gets it";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  vm doctor                                    what this host offers
  vm doctor --json                             the same for programs
  vm doctor --quiet && vm run                  run if nothing is missing";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  vm explain VM0012                            what a code means
  vm explain exit                              the exit codes
  vm explain                                   all codes";

const CONFIG_EXAMPLES: &str = "\
Examples:
  vm config show                               vm.toml and the defaults
  vm config show --profile ci                  the same with a profile of vm.toml
  vm config show --cpus 4 -m 1G                what flags change";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  vm completions bash > ~/.local/share/bash-completion/completions/vm
  vm completions zsh > ~/.zfunc/_vm
  vm completions fish > ~/.config/fish/completions/vm.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  vm man | man -l -                            the page of vm itself
  vm man ~/.local/share/man/man1               the pages of all commands
  vm man . && man -l vm-run.1                  the page of one command";

/// A whole machine in one program.
#[derive(Debug, Parser)]
#[command(name = "vm", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub common: Manner,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What applies to every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Manner {
    /// Print one JSON object (or one a line) instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing that was not asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour messages
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: ColorWhen,
}

/// When messages are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a machine
    #[command(before_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Boot guests and check what they do
    #[command(before_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Show machine code as text
    #[command(before_help = DISASM_EXAMPLES)]
    Disasm(DisasmArgs),
    /// Show the symbols of a program or a kernel, or look some up
    #[command(before_help = SYMBOLS_EXAMPLES)]
    Symbols(SymbolsArgs),
    /// Look at machines
    #[command(before_help = SHOW_EXAMPLES, disable_help_subcommand = true)]
    Machine {
        /// What to do.
        #[command(subcommand)]
        command: MachineCommand,
    },
    /// Say what this host offers
    #[command(before_help = DOCTOR_EXAMPLES)]
    Doctor,
    /// Explain an error code, or the exit codes
    #[command(before_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// A code as VM0012, or `exit`; without one all codes are listed
        code: Option<String>,
    },
    /// Look at the settings of a folder
    #[command(before_help = CONFIG_EXAMPLES, disable_help_subcommand = true)]
    Config {
        /// What to do.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print what a shell needs to complete commands and flags
    #[command(before_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands
    #[command(before_help = MAN_EXAMPLES)]
    Man {
        /// The folder for one page a command
        folder: Option<PathBuf>,
    },
}

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show what a run would be made of, and where each value comes from
    #[command(before_help = CONFIG_EXAMPLES)]
    Show {
        /// Flags of `vm run`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "FLAGS"
        )]
        flags: Vec<std::ffi::OsString>,
    },
}

/// What can be done with machines.
#[derive(Debug, Subcommand)]
pub enum MachineCommand {
    /// Show a machine's devices and addresses
    #[command(before_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
}

/// The arguments of `vm run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A raw disk whose system is started, or a kernel; `,ro` as with --drive
    #[arg(value_name = "IMAGE[,ro]", value_parser = disk)]
    pub image: Option<DiskConfig>,

    /// The kernel or bare-metal program: Image, ELF, also packed with gzip or zstd
    #[arg(short, long, value_name = "FILE", help_heading = "What to start")]
    pub kernel: Option<PathBuf>,
    /// The initial RAM disk
    #[arg(short, long, value_name = "FILE", help_heading = "What to start")]
    pub initrd: Option<PathBuf>,
    /// What of a disk's menu is started: a number, a title, a file name; `list` prints the menu
    #[arg(long, value_name = "ENTRY|list", help_heading = "What to start")]
    pub boot: Option<String>,
    /// The kernel's command line; with a disk, what is added to it
    #[arg(
        long,
        value_name = "TEXT",
        help_heading = "What to start",
        allow_hyphen_values = true
    )]
    pub append: Option<String>,
    /// Who runs before the kernel: a file, `builtin`, or `none` for bare-metal programs
    #[arg(long, value_name = "FILE|none", value_parser = firmware, help_heading = "What to start")]
    pub firmware: Option<Firmware>,
    /// Go on from a state that --save wrote, in a machine with the same flags
    #[arg(long, value_name = "FILE", help_heading = "What to start")]
    pub restore: Option<PathBuf>,

    /// The architecture, where the files do not say it
    #[arg(long, value_name = "NAME", value_parser = arch, help_heading = "Machine")]
    pub arch: Option<Arch>,
    /// The machine
    #[arg(
        long,
        value_name = "NAME",
        default_value = "virt",
        help_heading = "Machine"
    )]
    pub machine: String,
    /// The size of memory, as 512M or 2G
    #[arg(short, long, value_name = "SIZE", value_parser = size, help_heading = "Machine")]
    pub memory: Option<u64>,
    /// The number of CPUs
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machine")]
    pub cpus: u32,
    /// A raw disk; `,ro`: only read, `,ephemeral`: written to a throw-away copy, `,format=raw`
    #[arg(long, value_name = "FILE[,ro|,ephemeral]", value_parser = disk, help_heading = "Machine")]
    pub drive: Vec<DiskConfig>,

    /// What runs guest code.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// Say at the end what the run has cost: code, compilers, TLB, exits
    ///
    /// As a table, or with --json as the object `stats`: vm run --stats
    #[arg(long, help_heading = "Engine")]
    pub stats: bool,

    /// Give the guest throw-away copies of its disks: the files stay as they are
    #[arg(long, conflicts_with = "read_only", help_heading = "Machine")]
    pub ephemeral: bool,
    /// Let the guest only read its disks
    #[arg(long, help_heading = "Machine")]
    pub read_only: bool,
    /// The guest's network: `user` reaches what this program could, `none` is no card at all
    ///
    /// Without this flag a guest in host time has one, the demo and guests in virtual time not.
    /// With `user,dns=ADDR` names are asked there instead of where the host asks.
    #[arg(long, value_name = "user|none", value_parser = net, help_heading = "Network")]
    pub net: Option<NetChoice>,
    /// Ports of the host that stand for ports of the guest, on this host alone unless an address
    /// is given: 2222:22, 0.0.0.0:8080:80, 8000-8010:8000-8010, 5353:53/udp
    #[arg(short, long, value_name = "[ADDR:]HOST:GUEST[/udp]", value_parser = publish)]
    #[arg(help_heading = "Network")]
    pub publish: Vec<Published>,

    /// Whose time the guest lives in: the host's, or one that only its instructions move
    #[arg(
        long,
        value_enum,
        default_value = "host",
        help_heading = "Time and chance"
    )]
    pub time: Time,
    /// What all chance in the machine grows from; in host time taken from the host if not given
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Time and chance")]
    pub seed: Option<u64>,

    /// End after so many instructions of all CPUs together, counted from power-on
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Ending")]
    pub limit_insns: Option<u64>,
    /// End when the guest restarts the machine
    #[arg(long, conflicts_with = "reboot", help_heading = "Ending")]
    pub no_reboot: bool,
    /// Restart even after a panic of the guest's kernel
    #[arg(long, help_heading = "Ending")]
    pub reboot: bool,
    /// The guest hangs if it prints, reads and asks no disk for so long in guest time, as 30s
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Ending")]
    pub watchdog: Option<u64>,
    /// Write the whole state to a file when the run ends
    #[arg(long, value_name = "FILE", help_heading = "Ending")]
    pub save: Option<PathBuf>,

    /// Write events down: insn, block, mem, irq, trap, dev, sbi, all; to stderr or a file
    #[arg(long, value_name = "KINDS[:FILE]", value_parser = trace, help_heading = "Trace")]
    pub trace: Option<TraceTo>,
    /// The file for the trace
    #[arg(long, value_name = "FILE", requires = "trace", help_heading = "Trace")]
    pub trace_file: Option<PathBuf>,
    /// Only instructions in this privilege: user, supervisor or machine
    #[arg(
        long,
        value_enum,
        requires = "trace",
        value_name = "u|s|m",
        help_heading = "Trace"
    )]
    pub trace_priv: Option<Privilege>,
    /// Only instructions at these addresses, as numbers or names of symbols
    #[arg(long, value_name = "A..B", requires = "trace", help_heading = "Trace")]
    pub trace_range: Option<String>,
    /// Only the instructions of this function
    #[arg(long, value_name = "NAME", requires = "trace", help_heading = "Trace")]
    pub trace_symbol: Vec<String>,
    /// Only the A-th to the B-th instruction of a CPU
    #[arg(long, value_name = "A..B", value_parser = range, requires = "trace")]
    #[arg(help_heading = "Trace")]
    pub trace_window: Option<Range<u64>>,

    /// Wait for GDB before the first instruction: a port, ADDRESS:PORT, or a path with a / in it
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, help_heading = "Debugging")]
    #[arg(default_missing_value = "127.0.0.1:1234")]
    pub gdb: Option<Address>,
    /// Do not wait: the guest starts, and GDB may come at any time
    #[arg(long, requires = "gdb", help_heading = "Debugging")]
    pub gdb_nowait: bool,
    /// Symbols for GDB's `monitor` and the trace: ELF, System.map, or a Linux kernel
    #[arg(long, value_name = "FILE", help_heading = "Debugging")]
    pub symbols: Option<PathBuf>,

    /// Show at the end what each engine has made of the code at an address, number or symbol
    ///
    /// Guest code, operations and host code beside each other; with --json the array `code`.
    #[arg(long, value_name = "PC", help_heading = "Debugging")]
    pub dump_code: Vec<String>,
    /// Let `perf` name native code by the guest's symbols: writes /tmp/perf-PID.map
    #[arg(long, help_heading = "Debugging")]
    pub perf_map: bool,

    /// The settings of [profile.NAME] in vm.toml as well as those of [vm]
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "no_config",
        help_heading = "Settings"
    )]
    pub profile: Option<String>,
    /// Do not read vm.toml
    #[arg(long, help_heading = "Settings")]
    pub no_config: bool,

    /// Keep what the guest prints in a file; on a terminal, one in the user's state folder is
    /// kept anyway
    #[arg(long, value_name = "FILE|none", help_heading = "Console")]
    pub log: Option<PathBuf>,
    /// What of the guest's output reaches a terminal: `safe` blocks what could type or retitle
    #[arg(long, value_enum, default_value = "safe", help_heading = "Console")]
    pub console: ConsoleMode,
    /// Where you type: the serial line (ttyS0), or a virtio console (hvc0) beside it
    #[arg(long, value_enum, default_value = "serial", help_heading = "Console")]
    pub terminal: TerminalKind,
}

/// Where the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TerminalKind {
    /// The serial line.
    Serial,
    /// The virtio console.
    Virtio,
}

/// Whose time the guest lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Time {
    /// The host's.
    Host,
    /// The guest's own: the same run each time.
    Virtual,
}

/// A privilege, as RISC-V names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Privilege {
    /// User.
    U,
    /// Supervisor.
    S,
    /// Machine.
    M,
}

/// What of the guest's output reaches a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConsoleMode {
    /// Text, colours, movements of the cursor.
    Safe,
    /// Every byte.
    Raw,
}

/// The arguments of `vm disasm`.
#[derive(Debug, Args)]
pub struct DisasmArgs {
    /// An ELF file, a kernel, or flat code
    #[arg(required_unless_present = "hex", conflicts_with = "hex")]
    pub file: Option<PathBuf>,
    /// Bytes in hexadecimal, in the order of memory
    #[arg(long, value_name = "BYTES", help_heading = "What to show")]
    pub hex: Option<String>,
    /// The architecture, where the file does not say
    #[arg(long, value_name = "NAME", help_heading = "What to show")]
    pub arch: Option<String>,
    /// The address of the first byte of flat code
    #[arg(long, value_name = "ADDR", value_parser = number, help_heading = "What to show")]
    pub base: Option<u64>,
    /// Only these addresses
    #[arg(long, value_name = "A..B", value_parser = range, help_heading = "What to show")]
    pub range: Option<Range<u64>>,
    /// Labels from another file: ELF, System.map, or a Linux kernel
    #[arg(long, value_name = "FILE", help_heading = "What to show")]
    pub symbols: Option<PathBuf>,
}

/// The arguments of `vm symbols`.
#[derive(Debug, Args)]
pub struct SymbolsArgs {
    /// An ELF file, a System.map, or a Linux kernel
    pub file: PathBuf,
    /// Names or addresses to look up; without any, all symbols are shown
    pub what: Vec<String>,
    /// Write an ELF file of the symbols alone, for debuggers
    #[arg(long, value_name = "FILE", conflicts_with = "what")]
    pub elf: Option<PathBuf>,
    /// The architecture in that file, where the symbols do not say
    #[arg(long, value_name = "NAME", default_value = "riscv64")]
    pub arch: String,
}

/// The arguments of `vm machine show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The machine
    #[arg(
        long,
        value_name = "NAME",
        default_value = "virt",
        help_heading = "Machine"
    )]
    pub machine: String,
    /// The number of CPUs
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machine")]
    pub cpus: u32,
    /// The size of memory
    #[arg(short, long, value_name = "SIZE", value_parser = size, default_value = "512M")]
    #[arg(help_heading = "Machine")]
    pub memory: u64,
    /// Write the device tree as a blob; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dts", "json"])]
    pub dtb: Option<PathBuf>,
    /// Print the device tree as text
    #[arg(long, conflicts_with = "json")]
    pub dts: bool,
}
