//! A disk with everything on it that could be started.

use std::rc::Rc;

use vm_device_boot::Arch;

use crate::read::{Metered, ReadAt, SEARCH_BYTES, Window};
use crate::volume::{Notes, Place, Volume};
use crate::{Body, DiskError, Entry, Fault, Menu, Partition, arch, find, fs, table, uki};

/// The largest kernel that is read.
// LIMIT: kernels with all drivers and debug information stay below it.
const KERNEL_BYTES: u64 = 512 << 20;
/// The largest RAM disks of an entry together.
// LIMIT: guests with more memory than most hosts have could take more.
const INITRD_BYTES: u64 = 1 << 30;
// LIMIT: a disk may have sixty damaged partitions, and nobody reads a hundred KiB about them.
const MAX_NOTES: usize = 12;
/// What tells a kernel's form.
const HEAD_BYTES: u64 = 4096;

/// A disk whose partitions have been looked at.
pub struct BootDisk {
    kind: Option<&'static str>,
    partitions: Vec<(Partition, String)>,
    volumes: Vec<Volume>,
    notes: Notes,
}

/// What an entry starts, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The kernel, in whatever form it was stored.
    pub kernel: Vec<u8>,
    /// The RAM disks.
    pub initrd: Option<Vec<u8>>,
    /// The command line.
    pub options: String,
}

impl BootDisk {
    /// Reads the partition table and recognises file systems.
    pub fn open(source: Box<dyn ReadAt>) -> Result<Self, DiskError> {
        Self::open_within(source, SEARCH_BYTES)
    }

    /// The same with another allowance for the search, in bytes.
    pub fn open_within(source: Box<dyn ReadAt>, search_bytes: u64) -> Result<Self, DiskError> {
        let disk = Metered::new(source, search_bytes);
        let table = table::divide(&disk).map_err(DiskError::Disk)?;
        let notes = Notes::default();
        table.notes.into_iter().for_each(|note| notes.add(note));
        let (mut volumes, mut partitions) = (Vec::new(), Vec::new());
        for partition in table.partitions {
            let content = open_volume(&disk, &partition, &mut volumes, &notes);
            partitions.push((partition, content));
        }
        Ok(Self {
            kind: table.kind,
            partitions,
            volumes,
            notes,
        })
    }

    /// What is on the disk, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        // LIMIT: a line of more is not read by anybody.
        const MOST: usize = 12;
        let mut parts: Vec<String> = Vec::new();
        for (partition, content) in self.partitions.iter().take(MOST) {
            parts.push(match (partition.number, partition.type_name) {
                (0, _) => content.clone(),
                (number, Some(kind)) => format!("{number} {kind} {content}"),
                (number, None) => format!("{number} {content}"),
            });
        }
        if self.partitions.len() > MOST {
            parts.push(format!("{} more", self.partitions.len() - MOST));
        }
        match self.kind {
            Some(kind) if parts.is_empty() => format!("{kind} without partitions"),
            Some(kind) => format!("{kind}: {}", parts.join(", ")),
            None => format!("no partitions: {}", parts.join(", ")),
        }
    }

    /// What was not as it should be.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.all();
        for volume in &self.volumes {
            notes.extend(
                volume
                    .fs
                    .remark()
                    .map(|remark| match volume.partition.number {
                        0 => remark,
                        number => format!("partition {number}: {remark}"),
                    }),
            );
            notes.extend(volume.notes.all());
        }
        let more = notes.len().saturating_sub(MAX_NOTES);
        if more > 0 {
            notes.truncate(MAX_NOTES);
            notes.push(format!("{more} more complaints"));
        }
        notes
    }

    /// Everything that could be started; the default is preferably for one of these
    /// architectures.
    pub fn menu(&self, runnable: &[Arch]) -> Result<Menu, DiskError> {
        let (mut entries, mut order) = (Vec::new(), Vec::new());
        for found in find::all(&self.volumes) {
            // The one that its configuration prefers, then the others in their order.
            let first = entries.len();
            order.push(first + found.default);
            order.extend(
                (first..first + found.entries.len()).filter(|n| *n != first + found.default),
            );
            entries.extend(found.entries);
        }
        for entry in &mut entries {
            self.look(entry);
        }
        if entries.is_empty() {
            return Err(self.nothing());
        }
        let runs = |index: &&usize| {
            let entry: &Entry = &entries[**index];
            entry.problem.is_none() && entry.arch.is_none_or(|arch| runnable.contains(&arch))
        };
        let whole = |index: &&usize| entries[**index].problem.is_none();
        let default = order.iter().find(runs).or_else(|| order.iter().find(whole));
        let default = default.or(order.first()).copied().unwrap_or(0);
        Ok(Menu { entries, default })
    }

    /// Reads what an entry starts.
    pub fn load(&self, entry: &Entry) -> Result<Loaded, DiskError> {
        let wrong = |place: &Place, fault: Fault| DiskError::File {
            place: place.to_string(),
            entry: entry.title.clone(),
            fault,
        };
        let read = |place: &Place, limit: u64| {
            self.volume(place)
                .and_then(|volume| volume.file(&place.path, limit))
                .map_err(|fault| wrong(place, fault))
        };
        match &entry.body {
            Body::Files { kernel, initrds } => {
                let mut left = INITRD_BYTES;
                let mut disks = Vec::new();
                for place in initrds {
                    let disk = read(place, left)?;
                    left -= disk.len() as u64;
                    disks.push(disk);
                }
                Ok(Loaded {
                    kernel: read(kernel, KERNEL_BYTES)?,
                    initrd: uki::joined(&disks),
                    options: entry.options.clone(),
                })
            }
            Body::Unified(place) => {
                let file = read(place, KERNEL_BYTES)?;
                let mut loaded = uki::take_apart(&file).ok_or_else(|| {
                    wrong(
                        place,
                        Fault::Unsupported("an EFI program without a kernel".to_owned()),
                    )
                })?;
                if !entry.options.is_empty() {
                    loaded.options.clone_from(&entry.options);
                }
                Ok(loaded)
            }
        }
    }

    /// The architecture of the disk by its programs, and the file that says so.
    #[must_use]
    pub fn arch(&self) -> Option<(Arch, Place)> {
        let programs = arch::programs(&self.volumes);
        let one = programs.first().filter(|_| programs.len() == 1);
        one.map(|(place, arch)| (*arch, place.clone()))
            .or_else(|| arch::of_programs(&self.volumes))
    }

    fn volume(&self, place: &Place) -> Result<&Volume, Fault> {
        self.volumes.get(place.volume).ok_or(Fault::Absent)
    }

    /// Finds out whether an entry's files are there, and what its kernel is for.
    fn look(&self, entry: &mut Entry) {
        let kernel = entry.body.kernel().clone();
        let head = self.volume(&kernel).and_then(|volume| {
            if let Body::Unified(_) = entry.body
                && let Some(about) = uki::about(volume, &kernel.path)?
                && entry.options.is_empty()
            {
                entry.options = about.options;
            }
            volume.head(&kernel.path, HEAD_BYTES)
        });
        match head {
            Ok(head) => entry.arch = arch::of_head(&head).or(entry.arch),
            Err(fault) => entry.problem = Some(format!("{kernel}: {fault}")),
        }
        if let Body::Files { initrds, .. } = &entry.body {
            for place in initrds {
                let size = self
                    .volume(place)
                    .and_then(|volume| volume.size(&place.path));
                if let (Err(fault), None) = (size, &entry.problem) {
                    entry.problem = Some(format!("{place}: {fault}"));
                }
            }
        }
    }

    fn nothing(&self) -> DiskError {
        let programs = arch::programs(&self.volumes);
        DiskError::Nothing {
            found: self.summary(),
            efi: programs
                .iter()
                .map(|(place, arch)| (place.to_string(), *arch))
                .collect(),
            notes: self.notes(),
        }
    }
}

/// Opens the file system of a partition, and says in words what is there.
fn open_volume(
    disk: &Rc<Metered>,
    partition: &Partition,
    volumes: &mut Vec<Volume>,
    notes: &Notes,
) -> String {
    let window = Window::part(disk.clone(), partition.start, partition.bytes);
    let Some((name, open)) = fs::recognise(&window) else {
        return fs::other(&window).to_owned();
    };
    match open(&window) {
        Ok(fs) => {
            let name = fs.name().to_owned();
            let index = volumes.len();
            volumes.push(Volume::new(index, partition.clone(), fs, window));
            name
        }
        Err(fault) => {
            notes.add(match partition.number {
                0 => format!("the {name} file system: {fault}"),
                number => format!("partition {number}, {name} file system: {fault}"),
            });
            format!("{name} (damaged)")
        }
    }
}
