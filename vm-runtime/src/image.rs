//! Disk images: what a file is, and what a disk would boot.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use vm_device_boot::{Arch, Kernel, Kind};
use vm_device_bootdisk::{
    BootDisk, DiskError, Entry, FileKind, Loaded, ReadAt, command_line, look,
};

use crate::disk::{Content, is_file};
use crate::kept::read_file;
use crate::vm::UNPACK_LIMIT;
use crate::{Boot, Config, Terminal, VmError, boards};

/// A file that is read at any place.
struct FileAt {
    file: File,
    bytes: u64,
}

impl FileAt {
    fn open(path: &Path) -> Result<Self, VmError> {
        const WHAT: &str = "can not be read as a disk image";
        is_file(path, WHAT)?;
        let mut file = File::open(path).map_err(VmError::file(path, WHAT))?;
        let bytes = file
            .seek(SeekFrom::End(0))
            .map_err(VmError::file(path, WHAT))?;
        Ok(Self { file, bytes })
    }
}

impl ReadAt for FileAt {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}

/// What a file is that somebody calls an image, by what is in it.
pub fn image_kind(path: &Path) -> Result<FileKind, VmError> {
    // LIMIT: a kernel in a container is smaller; larger files are compressed disks.
    const PACKED_KERNEL: u64 = 256 << 20;
    let file = FileAt::open(path)?;
    let kind = look(&file);
    if !matches!(kind, FileKind::Compressed("gzip" | "zstd")) || file.bytes > PACKED_KERNEL {
        return Ok(kind);
    }
    let packed = read_file(path, "can not be read as a disk image")?;
    let is_kernel =
        Kernel::open(&packed, UNPACK_LIMIT).is_ok_and(|kernel| kernel.kind != Kind::Flat);
    Ok(if is_kernel { FileKind::Program } else { kind })
}

/// Looks at what is on a disk.
pub fn boot_disk(path: &Path) -> Result<BootDisk, VmError> {
    let file = FileAt::open(path)?;
    BootDisk::open(Box::new(file)).map_err(|source| disk_error(path, source))
}

/// The complaint about a disk.
pub fn disk_error(path: &Path, source: DiskError) -> VmError {
    VmError::Disk {
        path: path.to_owned(),
        source,
    }
}

/// The architectures that a disk may be for: the one that was asked for, or all that can be run.
#[must_use]
pub fn wanted_archs(arch: Option<Arch>) -> Vec<Arch> {
    match arch {
        Some(arch) => vec![arch],
        None => boards().iter().map(|board| board.arch).collect(),
    }
}

/// What a disk gave to be booted, and why that.
#[derive(Clone, Debug)]
pub struct Booted {
    /// The file that holds the disk.
    pub disk: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is on it, in a line.
    pub summary: String,
    /// The entry that was chosen; `None` if there is none and none was needed.
    pub entry: Option<Entry>,
    /// Its number, from 1 on, and how many there are.
    pub number: (usize, usize),
    /// What it is for, and the file that says so.
    pub arch: Option<(Arch, String)>,
    /// The size of the kernel as it is stored.
    pub kernel_bytes: u64,
    /// The size of the RAM disks.
    pub initrd_bytes: Option<u64>,
    /// The whole command line.
    pub options: String,
    /// The console that was added to it.
    pub console_added: Option<&'static str>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Finds and reads what the first disk boots: from its content, if it is open already.
pub(crate) fn boot(
    config: &Config,
    boot: &Boot,
    content: Option<Content>,
) -> Result<(Booted, Option<Loaded>), VmError> {
    let Some(path) = config.disks.first().map(|disk| disk.path.as_path()) else {
        return Err(VmError::NoKernel);
    };
    let wrong = |source| disk_error(path, source);
    let disk: Box<dyn ReadAt> = match content {
        Some(content) => Box::new(content),
        None => Box::new(FileAt::open(path)?),
    };
    let bytes = disk.bytes();
    let disk = BootDisk::open(disk).map_err(wrong)?;
    let chosen = disk
        .menu(&wanted_archs(config.arch))
        .and_then(|menu| Ok((menu.choose(boot.entry.as_deref())?, menu)));
    let (entry, number) = match chosen {
        Ok((index, menu)) => (
            menu.entries.get(index).cloned(),
            (index + 1, menu.entries.len()),
        ),
        // Whoever brings a kernel needs nothing of the disk.
        Err(DiskError::Nothing { .. }) if config.kernel.is_some() => (None, (0, 0)),
        Err(error) => return Err(wrong(error)),
    };
    let loaded = match &entry {
        // Whoever brings both needs only the command line.
        Some(entry) if config.kernel.is_some() && config.initrd.is_some() => Some(Loaded {
            kernel: Vec::new(),
            initrd: None,
            options: entry.options.clone(),
        }),
        Some(entry) => Some(disk.load(entry).map_err(wrong)?),
        None => None,
    };
    let console = match config.terminal {
        Terminal::Serial => "ttyS0",
        Terminal::Virtio => "hvc0",
    };
    let found = loaded.as_ref().map_or("", |loaded| loaded.options.as_str());
    let (options, added) = command_line(found, &config.append, console);
    let of_kernel = entry
        .as_ref()
        .and_then(|entry| Some((entry.arch?, entry.body.kernel().to_string())));
    let of_disk = || disk.arch().map(|(arch, place)| (arch, place.to_string()));
    let booted = Booted {
        disk: path.to_owned(),
        bytes,
        summary: disk.summary(),
        number,
        arch: of_kernel.or_else(of_disk),
        kernel_bytes: loaded
            .as_ref()
            .map_or(0, |loaded| loaded.kernel.len() as u64),
        initrd_bytes: loaded
            .as_ref()
            .and_then(|loaded| Some(loaded.initrd.as_ref()?.len() as u64)),
        options,
        console_added: added.then_some(console),
        notes: disk
            .notes()
            .into_iter()
            .chain(entry.iter().flat_map(|e| e.notes.clone()))
            .collect(),
        entry,
    };
    Ok((booted, loaded))
}
