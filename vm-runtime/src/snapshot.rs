//! The whole state of a machine as sections.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use vm_core::{Image, Section, StateHash};

use crate::kept::read_file;
use crate::turns::TURN;
use crate::{Vm, VmError};

/// The newest version of each section that is read; no section has had a second one yet.
const VERSION: u32 = 1;

/// A saved state.
#[derive(Clone, Debug)]
pub struct Snapshot(Image);

impl Snapshot {
    /// Writes it to a file, all or nothing.
    ///
    /// What is there already is replaced, but only if it is a file: a device or a pipe would be
    /// renamed away.
    pub fn write(&self, path: &Path) -> Result<(), VmError> {
        replaceable(path).map_err(VmError::file(path, "can not be replaced by a saved state"))?;
        let part = path.with_added_extension("part");
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(&self.0.to_bytes())?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| std::fs::rename(&part, path));
        renamed.map_err(|error| {
            let _ = std::fs::remove_file(&part);
            VmError::file(path, "can not be written as a saved state")(error)
        })
    }

    /// Reads it from a file.
    pub fn read(path: &Path) -> Result<Self, VmError> {
        let bytes = read_file(path, "can not be read as a saved state")?;
        let state = |source| VmError::State {
            path: path.to_owned(),
            source,
        };
        Image::from_bytes(&bytes).map(Self).map_err(state)
    }
}

/// Refuses a path at which something other than a file stands.
pub fn replaceable(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something that is no file is there already",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Vm {
    /// The whole state, RAM included.
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        let mut image = self.sections();
        let mut ram = Section::new("ram", 1);
        self.ram.save(&mut ram);
        image.push(ram);
        Snapshot(image)
    }

    /// Goes on from a saved state; `path` is where it came from, for messages.
    pub fn restore(&mut self, snapshot: &Snapshot, path: &Path) -> Result<(), VmError> {
        let result = self.take_sections(&snapshot.0);
        result.map_err(|source| VmError::State {
            path: path.to_owned(),
            source,
        })
    }

    /// The hash of the whole state: RAM, every slot of every CPU, every device, the clock, the
    /// events, the firmware and the source of chance.
    #[must_use]
    pub fn state_hash(&mut self) -> u64 {
        let mut hash = StateHash::new();
        self.sections().add_to(&mut hash);
        self.ram.add_to(&mut hash);
        hash.finish()
    }

    /// Everything but RAM.
    fn sections(&mut self) -> Image {
        let mut image = Image::new();
        let mut machine = Section::new("machine", 1);
        machine.u64("clock", self.clock.now_ns());
        machine.u64("resets", u64::from(self.resets));
        machine.u64("turn_of", self.turn_of as u64);
        machine.u64("turn_left", self.turn_left);
        machine.u64("stalled", self.stalled);
        machine.words(
            "waiting",
            &self
                .waiting
                .iter()
                .map(|w| u64::from(*w))
                .collect::<Vec<_>>(),
        );
        image.push(machine);
        let mut events = Section::new("events", 1);
        self.events.save(&mut events);
        image.push(events);
        let mut entropy = Section::new("entropy", 1);
        self.entropy.save(&mut entropy);
        image.push(entropy);
        let mut firmware = Section::new("firmware", 1);
        self.board.save(&mut firmware);
        image.push(firmware);
        for (number, cpu) in self.cpus.iter().enumerate() {
            let mut section = Section::new(&format!("cpu{number}"), 1);
            cpu.save(&mut section);
            image.push(section);
        }
        self.board.bus().save(&mut image);
        image
    }

    fn take_sections(&mut self, image: &Image) -> Result<(), vm_core::StateError> {
        let mut known: Vec<String> = ["machine", "events", "entropy", "firmware", "ram"]
            .map(str::to_owned)
            .to_vec();
        known.extend((0..self.cpus.len()).map(|number| format!("cpu{number}")));
        known.extend(self.board.bus().section_names());
        image.only(&known.iter().map(String::as_str).collect::<Vec<_>>())?;

        // All of them before anything is changed, and also of owners that do not look themselves.
        for name in &known {
            image.section(name)?.up_to_version(VERSION)?;
        }

        let machine = image.section("machine")?;
        let waiting = machine.words("waiting")?;
        if waiting.len() != self.cpus.len() {
            return Err(machine.bad("waiting"));
        }
        self.turn_of = machine.below("turn_of", self.cpus.len() as u64 + 1)? as usize;
        self.stalled = machine.u64("stalled")?;
        self.turn_left = machine.below("turn_left", TURN + 1)?;
        self.clock.restore(machine.u64("clock")?);
        self.resets = machine.u32("resets")?;
        self.waiting = waiting.iter().map(|w| *w != 0).collect();
        self.events.restore(&image.section("events")?)?;
        self.entropy.restore(&image.section("entropy")?)?;
        self.board.restore(&image.section("firmware")?)?;
        self.ram.restore(&image.section("ram")?)?;
        for (number, cpu) in self.cpus.iter_mut().enumerate() {
            cpu.restore(&image.section(&format!("cpu{number}"))?)?;
        }
        self.board.bus().restore(image)?;
        // Requests that were under way are made again, and input that waits is looked at.
        self.wake_all();
        self.watch_anew();
        Ok(())
    }
}
