//! The files that a machine starts with, read once and kept for restarts.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use vm_device_boot::{Arch, Images, Kernel};
use vm_device_machine::MachineError;

use crate::config::Source;
use crate::vm::{open, source_name};
use crate::{Config, Firmware, VmError};

/// The largest file that is read.
// LIMIT: kernels and RAM disks beyond this do not fit the memory of any machine we test on.
const FILE_LIMIT: u64 = 4 << 30;

/// The files.
pub struct Files {
    kernel: Option<(PathBuf, Kernel<'static>)>,
    firmware: Option<(PathBuf, Kernel<'static>)>,
    initrd: Option<Vec<u8>>,
}

impl Files {
    /// Reads what the configuration names.
    pub fn read(config: &Config) -> Result<Self, VmError> {
        let kernel = match &config.kernel {
            None if matches!(config.firmware, Firmware::File(_)) => None,
            None => return Err(VmError::NoKernel),
            Some(source) => {
                let name = source_name(source).to_owned();
                let bytes = match source {
                    Source::File(path) => read_file(path, "can not be read as a kernel")?,
                    Source::BuiltIn(_, bytes) => bytes.to_vec(),
                };
                let kernel = owned(open(&name, &bytes)?);
                Some((name, kernel))
            }
        };
        let firmware = match &config.firmware {
            Firmware::File(path) => {
                let bytes = read_file(path, "can not be read as a firmware")?;
                Some((path.clone(), owned(open(path, &bytes)?)))
            }
            Firmware::BuiltIn | Firmware::None => None,
        };
        let initrd = match &config.initrd {
            Some(path) => Some(read_file(path, "can not be read as an initial RAM disk")?),
            None => None,
        };
        Ok(Self {
            kernel,
            firmware,
            initrd,
        })
    }

    /// The architecture that the files are for, and the file that says so.
    pub fn arch(&self) -> Option<(Arch, &Path)> {
        let files = [&self.kernel, &self.firmware];
        files
            .into_iter()
            .flatten()
            .find_map(|(path, file)| Some((file.arch?, path.as_path())))
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
