//! What the runtime complains about, as complaints with codes and help.

use std::io::ErrorKind;
use std::path::Path;

use vm_runtime::VmError;
use vm_runtime::error::{BootError, MachineError, RamError, StateError};

use crate::codes;
use crate::report::Report;

/// The complaint for an error of the runtime.
#[must_use]
pub fn diagnose(error: &VmError) -> Report {
    match error {
        VmError::File { path, what, source } => file(path, what, source),
        VmError::FileSize { path, bytes, limit } => {
            Report::new(codes::TOO_LARGE, "the file is too large to be loaded")
                .at(
                    path.display(),
                    format!("it has {bytes} bytes, {limit} can be loaded"),
                )
                .help("give the kernel itself; whole disks are given with --drive")
        }
        VmError::Image { path, source } => image(source).at(path.display(), source.to_string()),
        VmError::ArchMissing { path, arch } => {
            let name = arch.name();
            Report::new(
                codes::WRONG_ARCH,
                format!("guests for {name} can not be run yet"),
            )
            .at(path.display(), format!("the file is for {name}"))
            .help("give a kernel for riscv64")
        }
        VmError::DiskSize { path, bytes } => {
            Report::new(codes::DISK_SIZE, "the disk is no whole number of sectors")
                .at(
                    path.display(),
                    format!("it has {bytes} bytes, not a multiple of 512"),
                )
                .help("only raw disks can be used: `truncate -s %512 FILE` rounds one up")
        }
        VmError::Machine(error) => machine(error),
        VmError::Ram(error) => ram(error),
        VmError::State { path, source } => state(source).at(path.display(), source.to_string()),
        VmError::NoMachine { name } => {
            Report::new(codes::NO_MACHINE, format!("there is no machine `{name}`"))
                .help(format!("there are: {}", machines()))
        }
        VmError::NoKernel => Report::new(codes::NO_KERNEL, "there is nothing to start")
            .help("give a kernel with -k, or nothing at all for the demo"),
        other => Report::new(codes::INTERNAL, other.to_string()).help("please report this"),
    }
}

fn machines() -> String {
    let row = |board: vm_runtime::BoardKind| format!("{} ({})", board.name, board.arch.name());
    vm_runtime::boards()
        .into_iter()
        .map(row)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The complaint about a file that the host refuses.
#[must_use]
pub fn file(path: &Path, what: &str, source: &std::io::Error) -> Report {
    let (code, message, help) = match source.kind() {
        ErrorKind::NotFound => (
            codes::NO_FILE,
            "there is no such file",
            "look at the name and the current folder",
        ),
        ErrorKind::IsADirectory => (codes::DIRECTORY, "this is a directory", "name a file in it"),
        ErrorKind::WouldBlock => (
            codes::DISK_LOCKED,
            "the disk is in use",
            "end the other program, or let both only read it: --drive FILE,ro",
        ),
        ErrorKind::PermissionDenied if what.contains("disk") => (
            codes::UNREADABLE,
            "the disk can not be opened",
            "`ls -l` shows who may use it; a disk that may only be read: --drive FILE,ro",
        ),
        ErrorKind::AlreadyExists => (
            codes::NOT_REPLACED,
            "what is there can not be replaced",
            "choose another name",
        ),
        _ if what.contains("written") => (
            codes::OUTPUT,
            "the file can not be written",
            "look for permissions and free space",
        ),
        _ => (
            codes::UNREADABLE,
            "the file can not be read",
            "`ls -l` shows who may read it",
        ),
    };
    Report::new(code, message)
        .at(path.display(), format!("{what}: {source}"))
        .help(help)
}

fn image(error: &BootError) -> Report {
    use BootError as E;
    let (code, help) = match error {
        E::Empty => (codes::EMPTY, "fetch or build it again"),
        E::Truncated { .. } => (codes::TRUNCATED, "fetch it again and compare checksums"),
        E::Damaged { .. } | E::Elf(_) | E::Header { .. } => {
            (codes::DAMAGED, "fetch or build it again")
        }
        E::TooLarge { .. } => (codes::TOO_LARGE, "unpack it and see what it is"),
        E::Compression(_) => (codes::COMPRESSION, "unpack it first"),
        E::Nested(_) => (codes::NESTED, "unpack it first"),
        E::Unsupported(_) => (codes::NOT_64, "give a kernel for riscv64"),
        E::WrongArch { .. } => (codes::WRONG_ARCH, "give a kernel for riscv64"),
        E::NotAKernel(_) => (
            codes::NOT_A_KERNEL,
            "a program without a header needs --firmware none",
        ),
        E::NotDirect(_) => (
            codes::NOT_DIRECT,
            "give the flat Image or the ELF file vmlinux",
        ),
        E::Missing(_) => (codes::NO_KERNEL, "give a kernel with -k"),
        E::OutsideRam { .. } | E::Overlap { .. } => (
            codes::PLACEMENT,
            "link it for RAM at 0x80000000, or give more memory with -m",
        ),
        E::TooSmall { .. } => (codes::RAM_TOO_SMALL, "give more memory with -m"),
        E::TreeSize { .. } | E::Tree(_) => (codes::TREE, "shorten --append"),
        _ => (codes::DAMAGED, "see `vm explain` for what can be started"),
    };
    Report::new(code, code.title).help(help)
}

fn machine(error: &MachineError) -> Report {
    match error {
        MachineError::Cpus { count, most } => {
            Report::new(codes::CPUS, format!("{count} CPUs are not possible"))
                .at("--cpus", format!("the machine has room for 1 to {most}"))
                .help(format!(
                    "give --cpus {}",
                    if *count == 0 { 1 } else { *most }
                ))
        }
        MachineError::Memory { bytes, least, most } => {
            let far = *bytes > most << 20;
            Report::new(
                codes::MEMORY,
                format!("{bytes} bytes of memory are not possible"),
            )
            .at(
                "-m",
                format!("the machine has {least}M to {most}M, in pages of 4 KiB"),
            )
            .help(format!(
                "give -m {}M",
                if far { *most } else { (*least).max(512) }
            ))
        }
        MachineError::Slots { .. } => {
            Report::new(codes::SLOTS, error.to_string()).help("leave out a --drive")
        }
        MachineError::Boot(source) => image(source).at("the images", source.to_string()),
        other => Report::new(codes::INTERNAL, other.to_string()).help("please report this"),
    }
}

fn ram(error: &RamError) -> Report {
    match error {
        RamError::Map { .. } => Report::new(
            codes::HOST_MEMORY,
            "the host does not give the guest's memory",
        )
        .at("-m", error.to_string())
        .help("give the guest less with -m"),
        other => Report::new(codes::INTERNAL, other.to_string()).help("please report this"),
    }
}

fn state(error: &StateError) -> Report {
    use StateError as E;
    let (code, help) = match error {
        E::NotAState => (codes::NOT_A_STATE, "give a file that --save wrote"),
        E::NewerFormat { .. } | E::NewerSection { .. } => (
            codes::NEWER_STATE,
            "use the version of this program that wrote it",
        ),
        E::Truncated { .. } | E::Damaged { .. } => (codes::DAMAGED_STATE, "save it again"),
        _ => (
            codes::OTHER_MACHINE,
            "give the flags that the state was saved with",
        ),
    };
    Report::new(code, code.title).help(help)
}
