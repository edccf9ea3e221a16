//! Puts a virtual machine together and runs it.
//!
//! This is the one place where guest architecture, engine, devices and host meet: a [`Vm`] is
//! built from a [`Config`], runs its CPUs in turn, hands their device accesses to the bus, keeps
//! guest time, and ends with an [`Ending`] that says what the guest did.
//! Host files and host time are touched only here and in the command line's own crate.
//!
//! **Invariant**: in virtual time nothing but the configuration, the seed and the console's input
//! decides what the guest sees, unless it was given a network.
//!
//! **Invariant**: the same images and the same seed are the same run, however it is cut: a limit
//! or a saved state in its middle changes nothing.
//!
//! **Invariant**: no error of the guest is an error of the host: a guest that fails is an ending.

mod activity;
mod board;
mod code;
mod config;
mod console;
mod debug;
mod describe;
mod disk;
mod ending;
mod engine;
pub mod error;
mod event_log;
mod failure;
mod files;
pub mod gdb;
mod health;
mod image;
mod input;
mod inspect;
mod kept;
mod net;
mod notice;
mod panic_watch;
mod perfetto;
mod pool;
mod signals;
mod snapshot;
mod stats;
mod symbol_file;
pub mod symbols;
mod tail;
mod turns;
mod until;
mod verify;
mod vm;
mod waker;

pub use board::{Board, BoardKind, boards};
pub use code::{CodeDump, DumpedBlock, DumpedInsn, HostLine, PerfMap};
pub use config::{
    Boot, Config, DiskAccess, DiskConfig, DiskFormat, EngineMode, Firmware, JitTier, OnReset,
    Source, Terminal,
};
pub use console::{ConsoleHub, ConsoleIo};
pub use debug::{DebugEvent, Debugger, Wish};
pub use describe::{describe, pci_functions};
pub use ending::{Ending, Outcome};
pub use engine::{COMPILES, EngineError};
pub use error::VmError;
pub use event_log::{TraceFilter, TraceFormat, TraceWriter};
pub use failure::{BackTrace, CpuFailure, Failure, Passage, Spot, Step, TraceKind};
pub use image::{Booted, boot_disk, disk_error, image_kind, wanted_archs};
pub use input::{InputSink, read_input};
pub use net::{Network, PortForward, Protocol, UserNetwork};
pub use notice::{DiskTrouble, Notice};
pub use signals::{Signal, on_signals, stop_self, survive_file_limit};
pub use snapshot::{Snapshot, replaceable};
pub use stats::{CompileTime, NativeStats, Stats};
pub use symbol_file::{parse_symbols, read_symbols};
pub use symbols::Symbols;
pub use until::{Stop, Until};
pub use verify::{Difference, VerifyStats};
pub use vm::{Control, Vm};
pub use waker::Waker;

pub use vm_accel as accel;
pub use vm_core::{Stopped, Stops, Translation, Watchpoint};
pub use vm_core::{TimeMode, Trace, TraceEvent, TraceKinds};
pub use vm_device_boot as boot;
pub use vm_device_bootdisk as bootdisk;
pub use vm_device_bus::{Node, Value};
pub use vm_engine_interp::native::{Line, Stage, TierStats, Whence};
pub use vm_engine_interp::{BlockStats, Residency, RunStats, SharedTrace};
pub use vm_ir::Frontend;
