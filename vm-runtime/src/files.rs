//! The files that a machine starts with.

use std::path::PathBuf;

use vm_device_boot::{Arch, Images, Kernel};
use vm_device_bootdisk::take_apart;
use vm_device_machine::MachineError;

use crate::config::Source;
use crate::disk::Content;
use crate::image::{self, Booted};
use crate::kept::Kept;
use crate::vm::open;
use crate::{Config, Firmware, VmError};

/// The files, each held open from one start to the next.
pub struct Files {
    kernel: Option<Kept>,
    firmware: Option<Kept>,
    initrd: Option<Kept>,
}

/// What is in them, and on a disk that is booted from its content: for one start.
pub struct Contents {
    kernel: Option<(PathBuf, Kernel<'static>)>,
    firmware: Option<(PathBuf, Kernel<'static>)>,
    initrd: Option<Vec<u8>>,
    options: String,
    booted: Option<Booted>,
}

impl Files {
    /// Opens what the configuration names.
    pub fn open(config: &Config) -> Result<Self, VmError> {
        let kernel = match &config.kernel {
            Some(Source::File(path)) => Some(Kept::open(path, "can not be read as a kernel")?),
            Some(Source::BuiltIn(name, bytes)) => Some(Kept::built_in(name, bytes)),
            None => None,
        };
        let firmware = match &config.firmware {
            Firmware::File(path) => Some(Kept::open(path, "can not be read as a firmware")?),
            Firmware::BuiltIn | Firmware::None => None,
        };
        let initrd = match &config.initrd {
            Some(path) => Some(Kept::open(path, "can not be read as an initial RAM disk")?),
            None => None,
        };
        Ok(Self {
            kernel,
            firmware,
            initrd,
        })
    }

    /// Reads them, and a disk that is booted from its content, if that is open.
    pub fn read(&mut self, config: &Config, disk: Option<Content>) -> Result<Contents, VmError> {
        let (booted, loaded) = match &config.boot {
            Some(boot) => {
                let (booted, loaded) = image::boot(config, boot, disk)?;
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
        if let Some(kernel) = &mut self.kernel {
            found = Some((kernel.path().to_owned(), kernel.read()?));
        }
        let kernel = match found {
            None if self.firmware.is_some() => None,
            None => return Err(VmError::NoKernel),
            Some((name, mut bytes)) => {
                // A unified kernel brings its RAM disk and its command line along.
                if let Some(parts) = take_apart(&bytes) {
                    bytes = parts.kernel;
                    initrd = initrd.or(parts.initrd);
                    options = format!("{} {options}", parts.options).trim().to_owned();
                }
                let kernel = open(&name, bytes)?;
                Some((name, kernel))
            }
        };
        if let Some(booted) = &booted {
            options.clone_from(&booted.options);
        }
        let firmware = match &mut self.firmware {
            Some(file) => {
                let bytes = file.read()?;
                Some((file.path().to_owned(), open(file.path(), bytes)?))
            }
            None => None,
        };
        if let Some(file) = &mut self.initrd {
            initrd = Some(file.read()?);
        }
        Ok(Contents {
            kernel,
            firmware,
            initrd,
            options,
            booted,
        })
    }
}

impl Contents {
    /// The kernel's command line.
    pub fn options(&self) -> &str {
        &self.options
    }

    /// What a disk gave to be booted.
    pub fn booted(&self) -> Option<Booted> {
        self.booted.clone()
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
