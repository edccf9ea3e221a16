//! The files that a machine starts with, read once and kept for restarts.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use vm_device_boot::{Arch, Images, Kernel};
use vm_device_bootdisk::take_apart;
use vm_device_machine::MachineError;

use crate::config::Source;
use crate::image::{self, Booted};
use crate::vm::open;
use crate::{Config, Firmware, VmError};

/// The largest file that is read.
// LIMIT: kernels and RAM disks beyond this do not fit the memory of any machine we test on.
const FILE_LIMIT: u64 = 4 << 30;

/// The files.
pub struct Files {
    kernel: Option<(PathBuf, Kernel<'static>)>,
    firmware: Option<(PathBuf, Kernel<'static>)>,
    initrd: Option<Vec<u8>>,
    options: String,
    booted: Option<Booted>,
}

impl Files {
    /// Reads what the configuration names.
    pub fn read(config: &Config) -> Result<Self, VmError> {
        let (booted, loaded) = match &config.boot {
            Some(boot) => {
                let (booted, loaded) = image::boot(config, boot)?;
                (Some(booted), loaded)
            }
            None => (None, None),
        };
        let (mut found, mut initrd, mut options) = (None, None, config.append.clone());
        if let (Some(booted), Some(loaded)) = (&booted, loaded) {
            let path = booted
                .entry
                .as_ref()
                .map(|entry| entry.body.kernel().to_string());
            let name = format!("{}: {}", booted.disk.display(), path.unwrap_or_default());
            found = Some((PathBuf::from(name), loaded.kernel));
            initrd = loaded.initrd;
        }
        let given = match &config.kernel {
            Some(Source::File(path)) => {
                let bytes = read_file(path, "can not be read as a kernel")?;
                Some((path.clone(), bytes))
            }
            Some(Source::BuiltIn(name, bytes)) => Some((PathBuf::from(name), bytes.to_vec())),
            None => None,
        };
        let kernel = match given.or(found) {
            None if matches!(config.firmware, Firmware::File(_)) => None,
            None => return Err(VmError::NoKernel),
            Some((name, bytes)) => {
                let mut bytes = bytes;
                // A unified kernel brings its RAM disk and its command line along.
                if let Some(parts) = take_apart(&bytes) {
                    bytes = parts.kernel;
                    initrd = initrd.or(parts.initrd);
                    options = format!("{} {options}", parts.options).trim().to_owned();
                }
                let kernel = owned(open(&name, &bytes)?);
                Some((name, kernel))
            }
        };
        if let Some(booted) = &booted {
            options.clone_from(&booted.options);
        }
        let firmware = match &config.firmware {
            Firmware::File(path) => {
                let bytes = read_file(path, "can not be read as a firmware")?;
                Some((path.clone(), owned(open(path, &bytes)?)))
            }
            Firmware::BuiltIn | Firmware::None => None,
        };
        if let Some(path) = &config.initrd {
            initrd = Some(read_file(path, "can not be read as an initial RAM disk")?);
        }
        Ok(Self {
            kernel,
            firmware,
            initrd,
            options,
            booted,
        })
    }

    /// The kernel's command line.
    pub fn options(&self) -> &str {
        &self.options
    }

    /// What a disk gave to be booted.
    pub fn booted(&self) -> Option<&Booted> {
        self.booted.as_ref()
    }

    /// The architecture that the files are for, and the file that says so.
    pub fn arch(&self) -> Option<(Arch, PathBuf)> {
        let files = [&self.kernel, &self.firmware];
        let by_header = files
            .into_iter()
            .flatten()
            .find_map(|(path, file)| Some((file.arch?, path.clone())));
        by_header.or_else(|| {
            let booted = self.booted.as_ref()?;
            let (arch, place) = booted.arch.as_ref()?;
            let path = format!("{}: {place}", booted.disk.display());
            Some((*arch, PathBuf::from(path)))
        })
    }

    /// Hands the files to a loader; its complaints name the file that they are about.
    pub fn with_images<R>(
        &self,
        body: impl FnOnce(&Images) -> Result<R, MachineError>,
    ) -> Result<R, VmError> {
        let images = Images {
            kernel: self.kernel.as_ref().map(|(_, kernel)| kernel),
            firmware: self.firmware.as_ref().map(|(_, kernel)| kernel),
            initrd: self.initrd.as_deref(),
        };
        let path = self
            .kernel
            .as_ref()
            .or(self.firmware.as_ref())
            .map(|(path, _)| path.clone());
        body(&images).map_err(|error| match (error, path) {
            (MachineError::Boot(source), Some(path)) => VmError::Image { path, source },
            (error, _) => VmError::Machine(error),
        })
    }
}

fn owned(kernel: Kernel) -> Kernel<'static> {
    Kernel {
        arch: kernel.arch,
        kind: kernel.kind,
        addressing: kernel.addressing,
        segments: kernel.segments,
        entry: kernel.entry,
        text_offset: kernel.text_offset,
        file: kernel.file.into_owned().into(),
    }
}

/// Reads a whole file of a sensible size.
pub fn read_file(path: &Path, what: &'static str) -> Result<Vec<u8>, VmError> {
    let file = File::open(path).map_err(VmError::file(path, what))?;
    let known = file.metadata().map_err(VmError::file(path, what))?;
    if known.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(VmError::File {
            path: path.to_owned(),
            what,
            source,
        });
    }
    if known.len() > FILE_LIMIT {
        let (path, bytes) = (path.to_owned(), known.len());
        return Err(VmError::FileSize {
            path,
            bytes,
            limit: FILE_LIMIT,
        });
    }
    let mut bytes = Vec::new();
    let read = file.take(FILE_LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(VmError::file(path, what))?;
    if bytes.len() as u64 > FILE_LIMIT {
        let bytes = bytes.len() as u64;
        return Err(VmError::FileSize {
            path: path.to_owned(),
            bytes,
            limit: FILE_LIMIT,
        });
    }
    Ok(bytes)
}
