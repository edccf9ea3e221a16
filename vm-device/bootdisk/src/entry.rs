//! Entries of a disk's menu, and the choice among them.

use vm_device_boot::Arch;

use crate::DiskError;
use crate::volume::Place;

/// The most entries that one configuration gives.
// LIMIT: nobody chooses among more; each costs a look at its kernel.
pub(crate) const MAX_ENTRIES: usize = 128;

/// Which kind of configuration names an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// An entry of the Boot Loader Specification.
    LoaderEntry,
    /// A unified kernel image.
    Unified,
    /// `extlinux.conf`.
    Extlinux,
    /// GRUB's configuration.
    Grub,
    /// The names of kernels, where no configuration names one.
    Links,
}

impl Method {
    /// Its name, for messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoaderEntry => "Boot Loader Specification",
            Self::Unified => "unified kernel image",
            Self::Extlinux => "extlinux.conf",
            Self::Grub => "GRUB's configuration",
            Self::Links => "names of kernels",
        }
    }
}

/// What an entry starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A kernel, and RAM disks that are put behind one another.
    Files {
        /// The kernel.
        kernel: Place,
        /// The RAM disks.
        initrds: Vec<Place>,
    },
    /// A program that holds all of it.
    Unified(Place),
}

impl Body {
    /// The file that holds the kernel.
    #[must_use]
    pub const fn kernel(&self) -> &Place {
        match self {
            Self::Files { kernel, .. } | Self::Unified(kernel) => kernel,
        }
    }
}

/// Something that could be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What its menu calls it.
    pub title: String,
    /// The version it says it has.
    pub version: String,
    /// A name that does not change: a file's, GRUB's id, a label.
    pub id: String,
    /// Which kind of configuration names it.
    pub method: Method,
    /// The file that names it.
    pub config: Place,
    /// What it starts.
    pub body: Body,
    /// The kernel's command line.
    pub options: String,
    /// The architecture of its kernel, as far as that is known.
    pub arch: Option<Arch>,
    /// Why it can not be started.
    pub problem: Option<String>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Everything that could be started, with a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The one that is started if nobody chooses.
    pub default: usize,
}

impl Menu {
    /// The entry that somebody wants: by its number from 1 on, its title, its id or file name, or
    /// a part of those; the default if nothing is said.
    pub fn choose(&self, wanted: Option<&str>) -> Result<usize, DiskError> {
        let Some(wanted) = wanted else {
            return Ok(self.default);
        };
        let number = wanted
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        if let Some(index) = number.filter(|index| *index < self.entries.len()) {
            return Ok(index);
        }
        let small = wanted.to_lowercase();
        let names = |entry: &Entry| {
            [
                &entry.title,
                &entry.id,
                &entry.config.path,
                &entry.body.kernel().path,
            ]
            .map(|name| name.to_lowercase())
        };
        let which = |fits: &dyn Fn(&Entry) -> bool| -> Vec<usize> {
            (0..self.entries.len())
                .filter(|index| fits(&self.entries[*index]))
                .collect()
        };
        let mut found = which(&|entry| names(entry).contains(&small));
        if found.is_empty() && !small.is_empty() {
            found = which(&|entry| names(entry).iter().any(|name| name.contains(&small)));
        }
        let title = |index: &usize| self.entries[*index].title.clone();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(DiskError::NoEntry {
                wanted: wanted.to_owned(),
                titles: (0..self.entries.len()).map(|index| title(&index)).collect(),
            }),
            several => Err(DiskError::ManyEntries {
                wanted: wanted.to_owned(),
                titles: several.iter().map(title).collect(),
            }),
        }
    }
}
