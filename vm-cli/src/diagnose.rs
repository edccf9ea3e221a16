//! What the runtime complains about, as complaints with codes and help.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use vm_runtime::bootdisk::{DiskError, Fault};
use vm_runtime::error::{BootError, Holder, MachineError, RamError, StateError};
use vm_runtime::{DiskTrouble, EngineError, Notice, PortForward, Protocol, VmError};

use crate::codes;
use crate::report::Report;
use crate::run::image;

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
        VmError::FileChanged { path } => Report::new(codes::CHANGED, codes::CHANGED.title)
            .at(
                path.display(),
                "it was changed while the guest ran, so the guest can not restart",
            )
            .help("start the machine again: it takes the file as it is now")
            .help("build to another name and `mv` it there: who runs keeps the old file"),
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
        VmError::DiskSize { path, bytes: 0 } => Report::new(codes::DISK_SIZE, "the disk is empty")
            .at(
                path.display(),
                "it has no bytes, and a disk has sectors of 512",
            )
            .help("`truncate -s 4G FILE` makes a disk with nothing on it"),
        VmError::NotAFile { path } => Report::new(codes::NOT_A_FILE, "the disk is no file")
            .at(path.display(), "it is a device, a pipe or a socket")
            .help("copy a device to a file, or name a file"),
        VmError::Overlay { source } => {
            let place = std::env::temp_dir();
            Report::new(codes::COPY, codes::COPY.title)
                .at(place.display(), source.to_string())
                .help("name another folder for temporary files with TMPDIR")
        }
        VmError::DiskSize { path, bytes } => {
            Report::new(codes::DISK_SIZE, "the disk is no whole number of sectors")
                .at(
                    path.display(),
                    format!("it has {bytes} bytes, not a multiple of 512"),
                )
                .help("only raw disks can be used: `truncate -s %512 FILE` rounds one up")
        }
        VmError::DiskInUse { path, holder } => disk_in_use(path, holder.as_ref()),
        VmError::Forward { forward, source } => port(forward, source),
        VmError::Network(source) => Report::new(codes::NETWORK, codes::NETWORK.title)
            .at("--net user", source.to_string())
            .help("--net none runs without"),
        VmError::Disk { path, source } => disk(path, source),
        VmError::Format { path } => Report::new(
            codes::DISK_FORMAT,
            "disks in the format qcow2 can not be used yet",
        )
        .at(
            path.display(),
            "its name or an option says that it is qcow2",
        )
        .help(image::convert(path, "qcow2"))
        .help(format!(
            "if it is a raw disk: {},format=raw",
            path.display()
        )),
        VmError::ArchOther {
            path,
            found,
            wanted,
        } => {
            let (found, wanted) = (found.name(), wanted.name());
            Report::new(
                codes::WRONG_ARCH,
                format!("this is for {found}, --arch {wanted} was given"),
            )
            .at(path.display(), format!("it is for {found}"))
            .help("drop --arch: it is found out")
        }
        VmError::Machine(error) => machine(error),
        VmError::Ram(error) => ram(error),
        VmError::VerifyTime => Report::new(codes::VERIFY, codes::VERIFY.title)
            .at(
                "--verify",
                "the guest lives in the host's time, which no run sees twice",
            )
            .help("give --time virtual, too"),
        VmError::Engine(EngineError::Arena(error)) if error.is_about_size() => {
            Report::new(codes::CODE_CACHE, codes::CODE_CACHE.title)
                .at("--code-cache", error.to_string())
                .help("give --code-cache 64M, or leave it out")
        }
        VmError::Engine(error) => Report::new(codes::NO_COMPILER, "the compiler can not be used")
            .at("--engine", error.to_string())
            .help("run with --engine interp"),
        VmError::State { path, source } => state(source).at(path.display(), source.to_string()),
        VmError::Symbols { path, source } => {
            Report::new(codes::NO_SYMBOLS, codes::NO_SYMBOLS.title)
                .at(path.display(), source.to_string())
                .help("give an ELF file with symbols, a System.map, or the kernel itself")
        }
        VmError::NoMachine { name } => {
            Report::new(codes::NO_MACHINE, format!("there is no machine `{name}`"))
                .help(format!("there are: {}", machines()))
        }
        VmError::NoKernel => Report::new(codes::NO_KERNEL, "there is nothing to start")
            .help("give a kernel with -k, or nothing at all for the demo"),
        other => Report::new(codes::INTERNAL, other.to_string()).help("please report this"),
    }
}

/// The complaint about a disk that can not be booted.
fn disk(path: &Path, error: &DiskError) -> Report {
    let report =
        |code: codes::Code, fact: String| Report::new(code, code.title).at(path.display(), fact);
    let names = |titles: &[String]| format!("entries: {}", titles.join(", "));
    match error {
        DiskError::Nothing { .. } => report(codes::IMAGE_BOOT, error.to_string())
            .help("a kernel beside the disk: vm run IMAGE -k KERNEL -i INITRD --append TEXT")
            .help("the disk's own boot loader: vm run IMAGE --firmware FILE"),
        DiskError::NoEntry { titles, .. } => report(codes::NO_ENTRY, error.to_string())
            .help(names(titles))
            .help("`vm run IMAGE --boot list` prints the menu"),
        DiskError::ManyEntries { titles, .. } => report(codes::NO_ENTRY, error.to_string())
            .help(names(titles))
            .help("give the number that `--boot list` prints"),
        DiskError::File { entry, .. } => report(codes::BOOT_FILE, error.to_string()).help(format!(
            "the entry `{entry}` names it; --boot list prints the others"
        )),
        DiskError::Disk(Fault::Host { .. }) => report(codes::UNREADABLE, error.to_string())
            .help("look for a damaged medium or missing permissions"),
        other => report(codes::DAMAGED, other.to_string()).help("fetch or build it again"),
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

/// The complaint about something that happened while the guest ran.
#[must_use]
pub fn notice(notice: &Notice) -> Report {
    let Notice::Disk {
        path,
        trouble,
        error,
    } = notice;
    let (code, fact, help) = match trouble {
        DiskTrouble::Read => (
            codes::DISK_READ,
            "the guest was told that its read failed",
            "was the file cut off while it was in use? is the host's disk sound?",
        ),
        DiskTrouble::Write => (
            codes::DISK_WRITE,
            "the guest was told that its write failed",
            "make room on the host; what the guest wrote before is kept",
        ),
        DiskTrouble::WriteCopy => (
            codes::COPY,
            "the guest was told that its write failed",
            "make room, or name another folder for temporary files with TMPDIR",
        ),
        DiskTrouble::Flush => (
            codes::DISK_WRITE,
            "what was written last may be lost, so the disk answers no more",
            "check the file system on the disk before it is used again",
        ),
    };
    Report::new(code, code.title)
        .at(path.display(), format!("{error}; {fact}"))
        .help(help)
}

fn disk_in_use(path: &Path, holder: Option<&Holder>) -> Report {
    let name = path.display();
    let who = holder.map_or_else(|| "another program".to_owned(), Holder::to_string);
    let end = match holder {
        Some(holder) => format!("end the other one: kill {}", holder.pid),
        None => "was it given twice? else end the other program".to_owned(),
    };
    Report::new(codes::DISK_LOCKED, format!("the disk is in use by {who}"))
        .at(
            &name,
            "it is locked, for two writers would destroy what is on it",
        )
        .help(end)
        .help(format!(
            "readers share a disk: --drive {name},ro or --drive {name},ephemeral"
        ))
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

/// The complaint about a port that can not be listened at.
fn port(forward: &PortForward, source: &std::io::Error) -> Report {
    let (host, guest) = (forward.host, forward.guest);
    let (at, protocol) = match forward.protocol {
        Protocol::Tcp => (SocketAddr::new(forward.bind, host), ""),
        Protocol::Udp => (SocketAddr::new(forward.bind, host), "/udp"),
    };
    let (code, message, help) = match source.kind() {
        ErrorKind::AddrInUse => {
            let other = host.checked_add(1).unwrap_or(host - 1);
            let list = if protocol.is_empty() {
                "-ltnp"
            } else {
                "-lunp"
            };
            (
                codes::PORT_IN_USE,
                format!("port {host}{protocol} is in use"),
                format!(
                    "`ss {list} 'sport = :{host}'` shows by whom; another one: \
                     -p {other}:{guest}{protocol}"
                ),
            )
        }
        ErrorKind::PermissionDenied => (
            codes::PORT_REFUSED,
            format!("port {host}{protocol} needs privileges"),
            format!("-p {}:{guest}{protocol}", u32::from(host) + 8000),
        ),
        _ => (
            codes::PORT_REFUSED,
            format!("port {host}{protocol} can not be used"),
            format!("on this host alone: -p {host}:{guest}{protocol}"),
        ),
    };
    Report::new(code, message)
        .at(format!("-p {at}"), source.to_string())
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
        E::BadValue { section, .. } if section == "ram" => (
            codes::OTHER_MACHINE,
            "its memory has another size: give the -m that the state was saved with, and its -k, \
             without which the demo's machine is made",
        ),
        _ => (
            codes::OTHER_MACHINE,
            "give the flags that the state was saved with: -k, -m, --cpus, --drive, --net",
        ),
    };
    Report::new(code, code.title).help(help)
}
