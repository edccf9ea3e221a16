//! Shows a waiting user how far the guest has come.
//!
//! While nothing is printed a line stands on standard error that says what goes on; it is wiped
//! off before the guest prints again. When the guest is ready the line of its phases stays.
//! Nothing is ever put into the middle of a line of the guest's.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::phases::Phases;
use crate::out;

/// How long nothing must have been printed before the line is shown, and shown anew.
const SILENCE: Duration = Duration::from_secs(1);
/// Brings the cursor to the begin of an empty line.
const WIPE: &str = "\r\x1b[K";

/// The progress of a run; clones are the same one.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Shown>>);

/// See [`Progress::until_dropped`].
pub struct Ends(Progress);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Shown {
    phases: Phases,
    start: Instant,
    /// What goes on before the guest runs.
    before: Option<&'static str>,
    /// When the guest last printed.
    last: Instant,
    /// The line stands on the screen.
    on_screen: bool,
    /// The guest prints to the same screen.
    shared: bool,
    /// The guest's output is at the begin of a line.
    at_begin: bool,
    /// The line of the phases is still to be shown.
    owed: bool,
    over: bool,
}

impl Progress {
    /// For a user at a terminal; `None` where nobody looks.
    #[must_use]
    pub fn new(before: &'static str) -> Option<Self> {
        io::stderr().is_terminal().then(|| {
            let progress = Self::with(before, io::stdout().is_terminal());
            let shown = progress.clone();
            // A host without another thread shows no progress.
            let thread = std::thread::Builder::new().name("progress".to_owned());
            let _ = thread.spawn(move || {
                while shown.tick(Instant::now(), &mut |text| out::tell(text)) {
                    std::thread::sleep(SILENCE / 2);
                }
            });
            progress
        })
    }

    fn with(before: &'static str, shared: bool) -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Shown {
            phases: Phases::default(),
            start: now,
            before: Some(before),
            last: now,
            on_screen: false,
            shared,
            at_begin: true,
            owed: false,
            over: false,
        })))
    }

    /// The guest begins to run.
    pub fn begin(&self) {
        let mut shown = self.lock();
        shown.wipe(&mut |text| out::tell(text));
        let now = Instant::now();
        (shown.before, shown.start, shown.last) = (None, now, now);
    }

    /// Makes room for something else that is told.
    pub fn make_room(&self) {
        self.lock().wipe(&mut |text| out::tell(text));
    }

    /// Nothing more is shown.
    pub fn end(&self) {
        let mut shown = self.lock();
        shown.wipe(&mut |text| out::tell(text));
        shown.over = true;
    }

    /// Ends the progress when it goes, as when something went wrong before the guest ran.
    #[must_use]
    pub fn until_dropped(&self) -> Ends {
        Ends(self.clone())
    }

    /// Lets `write` write what the guest printed, in one or two pieces, with our lines between
    /// lines of the guest's.
    pub fn write(&self, bytes: &[u8], write: impl FnMut(&[u8])) {
        self.lock()
            .write(bytes, Instant::now(), write, &mut |text| out::tell(text));
    }

    /// Shows or renews the line if nothing was printed for a while; false when it is over.
    fn tick(&self, now: Instant, tell: &mut impl FnMut(&str)) -> bool {
        self.lock().tick(now, tell)
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn write(
        &mut self,
        bytes: &[u8],
        now: Instant,
        mut write: impl FnMut(&[u8]),
        tell: &mut impl FnMut(&str),
    ) {
        if bytes.is_empty() {
            return;
        }
        self.wipe(tell);
        self.last = now;
        let new = self.phases.feed(bytes, now.duration_since(self.start));
        self.owed |= new && self.phases.is_ready();
        // Where a line of the guest's begins: the last such place in what is printed now.
        let line = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => Some(at + 1),
            None => self.at_begin.then_some(0),
        };
        let line = if self.shared { line } else { Some(0) };
        self.at_begin = bytes.last() == Some(&b'\n');
        match line {
            Some(at) if self.owed => {
                write(&bytes[..at]);
                tell(&format!("{}\r\n", self.phases.text()));
                write(&bytes[at..]);
                (self.owed, self.over) = (false, true);
            }
            _ => write(bytes),
        }
    }

    fn tick(&mut self, now: Instant, tell: &mut impl FnMut(&str)) -> bool {
        let silent = now.saturating_duration_since(self.last) >= SILENCE;
        if !self.over && silent && (self.at_begin || !self.shared) && !self.owed {
            let seconds = now.saturating_duration_since(self.start).as_secs();
            let what = self
                .before
                .map_or_else(|| self.phases.text(), str::to_owned);
            tell(&format!("{WIPE}{what}  ... {seconds}s"));
            self.on_screen = true;
        }
        !self.over
    }

    fn wipe(&mut self, tell: &mut impl FnMut(&str)) {
        if std::mem::take(&mut self.on_screen) {
            tell(WIPE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes to a screen: pieces printed by the guest at tenths of a second, with looks at
    /// the clock between them.
    fn check(shared: bool, steps: &[(u64, &str)], want: &str) {
        let progress = Progress::with("image   is read", shared);
        progress.begin();
        let start = progress.lock().start;
        let screen = Mutex::new(String::new());
        let add = |text: &str| screen.lock().expect("a lock").push_str(text);
        for (tenths, text) in steps {
            let now = start + Duration::from_millis(tenths * 100);
            progress.tick(now, &mut |text| add(text));
            let guest = |bytes: &[u8]| add(std::str::from_utf8(bytes).expect("text"));
            progress
                .lock()
                .write(text.as_bytes(), now, guest, &mut |text| add(text));
        }
        let screen = screen.into_inner().expect("a lock");
        let screen = screen
            .replace(WIPE, "<")
            .replace("\r\n", "|")
            .replace('\n', "/");
        assert_eq!(screen, want, "{steps:?}");
    }

    #[test]
    fn the_line_stands_in_silence_and_goes_before_output() {
        check(
            true,
            &[(1, "Linux version 6\n"), (5, "a\n"), (30, "b\n"), (31, "c")],
            "Linux version 6/a/<boot    kernel 0.1s  ... 3s<b/c",
        );
        // Not in the middle of a line, unless the guest prints elsewhere.
        check(true, &[(1, "half"), (30, " a line\n")], "half a line/");
        check(false, &[(1, "half"), (30, "\n")], "half<boot    ... 3s</");
    }

    #[test]
    fn the_phases_are_told_before_the_line_of_the_prompt() {
        check(
            true,
            &[
                (10, "Linux version 6\n"),
                (15, "Debian\n\ndebian login: "),
                (60, "root"),
            ],
            "<boot    ... 1s<Linux version 6/Debian//boot    kernel 1.0s  ready 1.5s|\
             debian login: root",
        );
        // A prompt that was printed in pieces is left whole.
        check(
            true,
            &[
                (1, "debian lo"),
                (2, "gin: "),
                (3, "root\r\nPassword: "),
                (40, "x\n"),
            ],
            "debian login: root|boot    ready 0.2s|Password: x/",
        );
    }
}
