//! The file that keeps what the guest printed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::escape::Filter;

/// The most bytes of one log.
// LIMIT: a guest that prints for ever must not fill the disk; a boot prints some 50 KiB.
const LOG_BYTES: u64 = 64 << 20;
/// How many logs of earlier runs stay in the user's folder.
const KEPT: usize = 20;

/// A log of the guest's output, without what could type into a terminal or retitle it: it can be
/// shown with `cat`.
pub struct Log {
    to: File,
    path: PathBuf,
    filter: Filter,
    pending: Vec<u8>,
    left: u64,
}

impl Log {
    /// A log in this file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            to: File::create(path)?,
            path: path.to_owned(),
            filter: Filter::default(),
            pending: Vec::new(),
            left: LOG_BYTES,
        })
    }

    /// Takes what the guest printed.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.left > 0 {
            self.filter.pass(bytes, &mut self.pending);
        }
    }

    /// Writes what was taken.
    ///
    /// The run goes on when the log can not be written: it ends, which is told once.
    pub fn flush(&mut self) -> Result<(), String> {
        let fits = (self.pending.len() as u64).min(self.left) as usize;
        let (now, cut) = self.pending.split_at(fits);
        let mut written = self.to.write_all(now);
        self.left -= fits as u64;
        if self.left == 0 && !cut.is_empty() {
            written = written.and_then(|()| self.to.write_all(b"\n[the log ends here]\n"));
        }
        if written.is_err() {
            self.left = 0;
        }
        self.pending.clear();
        written.map_err(|error| format!("the log ends here: {}: {error}", self.path.display()))
    }
}

/// The user's folder for logs.
pub fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = variable("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(Path::new(&variable("HOME")?).join(".local/state")));
    Some(state?.join("vm"))
}

/// A name for a new log in a folder, which is made; the oldest logs in it go.
pub fn place_in(folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut old: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_log(path))
        .collect();
    // Names begin with the time, so that their order is that of the runs.
    old.sort();
    for path in old.iter().rev().skip(KEPT - 1) {
        let _ = fs::remove_file(path);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    Ok(folder.join(format!("run-{seconds:010}-{}.log", std::process::id())))
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("run-") && name.ends_with(".log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_can_be_shown_and_ends_where_it_is_full() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = Log::create(&path).expect("a log");
        log.take(b"hello \x1b]0;title\x07world\n");
        log.flush().expect("written");
        assert_eq!(fs::read(&path).expect("the log"), b"hello world\n");
        log.left = 3;
        log.take(b"abcdef");
        log.flush().expect("written");
        log.take(b"more");
        log.flush().expect("written");
        let text = fs::read_to_string(&path).expect("the log");
        assert_eq!(text, "hello world\nabc\n[the log ends here]\n");
    }

    #[test]
    fn a_log_that_can_not_be_written_says_so_once() {
        let mut log = Log::create(Path::new("/dev/full")).expect("a file that is always full");
        log.take(b"hello\n");
        assert!(log.flush().is_err());
        log.take(b"more\n");
        assert!(log.flush().is_ok(), "it has ended");
    }

    #[test]
    fn the_newest_logs_stay_and_other_files_too() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..30 {
            fs::write(folder.path().join(format!("run-{number:010}-1.log")), "").expect("a log");
        }
        fs::write(folder.path().join("letter"), "").expect("a file");
        let next = place_in(folder.path()).expect("a place");
        assert!(is_log(&next) && !next.exists());
        let left = fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, KEPT - 1 + 1);
        assert!(folder.path().join("run-0000000029-1.log").exists());
        assert!(!folder.path().join("run-0000000010-1.log").exists());
    }
}
