//! Who has locked a file, as far as the host says so: Linux lists each process's open files and
//! their locks below `/proc` (the manual page proc, section 5). Elsewhere nobody is found.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// The ticks of a second in which Linux tells a process's start.
// LIMIT: USER_HZ, which is 100 on every architecture that this program runs on.
const TICKS: u64 = 100;
/// The longest command that is told.
// LIMIT: a line of a message.
const COMMAND_LIMIT: usize = 60;

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// The name of its program.
    pub program: String,
    /// The beginning of its command line.
    pub command: String,
    /// How long it has been running.
    pub running: Option<Duration>,
}

impl Holder {
    /// Whether it is this program too.
    #[must_use]
    pub fn is_vm(&self) -> bool {
        self.program == "vm"
    }

    /// Another process that has a lock on the file that `known` describes.
    pub(super) fn find(known: &fs::Metadata) -> Option<Self> {
        let own = std::process::id();
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            (pid != own && has_locked(&entry.path(), known)).then(|| Self::of(pid, &entry.path()))
        })
    }

    fn of(pid: u32, folder: &Path) -> Self {
        let line = fs::read(folder.join("cmdline")).unwrap_or_default();
        let words: Vec<_> = line
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty())
            .map(String::from_utf8_lossy)
            .collect();
        let program = fs::read_link(folder.join("exe"))
            .ok()
            .or_else(|| words.first().map(|word| word.as_ref().into()));
        let program = program.as_deref().and_then(Path::file_name);
        let program = program.map(|name| name.to_string_lossy().into_owned());
        let program = program.unwrap_or_else(|| "a program".to_owned());
        // A program that was replaced since it was started.
        let program = program.trim_end_matches(" (deleted)").to_owned();
        let rest = words.iter().skip(1).map(AsRef::as_ref);
        let command: Vec<&str> = std::iter::once(program.as_str()).chain(rest).collect();
        let mut command = command.join(" ");
        if command.chars().count() > COMMAND_LIMIT {
            command = command.chars().take(COMMAND_LIMIT).collect::<String>() + "...";
        }
        Self {
            pid,
            program,
            command,
            running: running(folder),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, command, .. } = self;
        if self.is_vm() {
            write!(f, "vm pid {pid} (`{command}`")?;
        } else {
            write!(f, "another program, pid {pid} (`{command}`")?;
        }
        match self.running.map(|time| time.as_secs()) {
            None => write!(f, ")"),
            Some(seconds @ 0..=119) => write!(f, ", started {seconds} s ago)"),
            Some(seconds @ 120..=7199) => write!(f, ", started {} min ago)", seconds / 60),
            Some(seconds) => write!(f, ", started {} h ago)", seconds / 3600),
        }
    }
}

/// Whether a process has the file open and a lock on it.
fn has_locked(folder: &Path, known: &fs::Metadata) -> bool {
    let Ok(files) = fs::read_dir(folder.join("fd")) else {
        return false;
    };
    files.flatten().any(|file| {
        let open = fs::metadata(file.path());
        let same = open.is_ok_and(|open| (open.dev(), open.ino()) == (known.dev(), known.ino()));
        let about = folder.join("fdinfo").join(file.file_name());
        same && fs::read_to_string(about).is_ok_and(|text| text.contains("\nlock:"))
    })
}

/// The byte that QEMU locks in a file that it writes: its permission "write" of the table in its
/// documentation of image locking.
const QEMU_WRITES: u64 = 101;

/// Whether another process has a record lock that says that it writes the file, by a list as
/// `/proc/locks` has it.
pub(super) fn has_writer(list: &str, known: &fs::Metadata) -> bool {
    let (place, own) = (format!(":{}", known.ino()), std::process::id().to_string());
    list.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "OFDLCK" | "POSIX", _, kind, pid, at, first, last] = words[..] else {
            return false;
        };
        let first: u64 = first.parse().unwrap_or(0);
        let last: u64 = last.parse().unwrap_or(u64::MAX);
        let writes = kind == "WRITE" || (first..=last).contains(&QEMU_WRITES);
        writes && at.ends_with(&place) && pid != own
    })
}

/// How long a process has been running.
fn running(folder: &Path) -> Option<Duration> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name, in parentheses, may hold anything; the start is the twentieth word behind it.
    let (_, rest) = stat.rsplit_once(')')?;
    let started: u64 = rest.split_whitespace().nth(19)?.parse().ok()?;
    let up = fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = up.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_secs(
        (up as u64).saturating_sub(started / TICKS),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_writers_of_the_same_file_are_noticed() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let known = file.as_file().metadata().expect("its facts");
        for (line, want) in [
            ("1: OFDLCK ADVISORY  READ -1 fe:00:INODE 100 101", true),
            ("1: OFDLCK ADVISORY  READ -1 fe:00:INODE 100 100", false),
            ("1: OFDLCK ADVISORY  READ -1 fe:00:INODE 201 203", false),
            ("1: POSIX  ADVISORY  WRITE 1 fe:00:INODE 0 EOF", true),
            ("1: POSIX  ADVISORY  WRITE OWN fe:00:INODE 0 EOF", false),
            ("1: FLOCK  ADVISORY  WRITE 1 fe:00:INODE 0 EOF", false),
            ("1: POSIX  ADVISORY  WRITE 1 fe:00:1INODE 0 EOF", false),
            ("1: -> POSIX  ADVISORY  WRITE 1 fe:00:INODE 0 EOF", false),
            ("", false),
        ] {
            let list = line
                .replace("INODE", &known.ino().to_string())
                .replace("OWN", &std::process::id().to_string());
            assert_eq!(has_writer(&list, &known), want, "{line}");
        }
    }

    #[test]
    fn a_holder_is_told_by_its_number_its_command_and_its_age() {
        let holder = |program: &str, seconds| Holder {
            pid: 4711,
            program: program.to_owned(),
            command: format!("{program} run a.img"),
            running: Some(Duration::from_secs(seconds)),
        };
        for (holder, want) in [
            (
                holder("vm", 5),
                "vm pid 4711 (`vm run a.img`, started 5 s ago)",
            ),
            (
                holder("qemu", 300),
                "another program, pid 4711 (`qemu run a.img`, started 5 min ago)",
            ),
            (
                holder("vm", 7200),
                "vm pid 4711 (`vm run a.img`, started 2 h ago)",
            ),
        ] {
            assert_eq!(holder.to_string(), want);
        }
    }
}
