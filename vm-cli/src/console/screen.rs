//! Where the guest's output goes.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use vm_runtime::{ConsoleIo, Control, Notice};

use super::escape::Filter;
use super::log::Log;
use super::progress::Progress;
use crate::args::ColorWhen;
use crate::report::Report;
use crate::{diagnose, out};

/// After so many bytes output is written even in the middle of a turn.
const FULL: usize = 16 << 10;
/// How long to wait for a reader that does not read, before the next attempt.
const PATIENCE: Duration = Duration::from_millis(1);

/// The first error of writing; it ends the run, once the run has a handle.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    error: Arc<Mutex<Option<io::Error>>>,
    /// What the user was told while the guest ran.
    told: Arc<Mutex<Vec<Report>>>,
    control: Arc<OnceLock<Control>>,
}

impl Failure {
    /// Names the run that an error ends.
    pub fn ends(&self, control: Control) {
        let failed = self.lock().is_some();
        if failed {
            control.quit();
        }
        let _ = self.control.set(control);
    }

    /// The error, if there was one.
    #[must_use]
    pub fn take(&self) -> Option<io::Error> {
        self.lock().take()
    }

    /// What the user was told while the guest ran.
    #[must_use]
    pub fn told(&self) -> Vec<Report> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, report: Report) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(report);
    }

    fn is_set(&self) -> bool {
        self.lock().is_some()
    }

    fn set(&self, error: io::Error) {
        *self.lock() = Some(error);
        if let Some(control) = self.control.get() {
            control.quit();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<io::Error>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guest's output, in pieces of a turn.
pub struct Screen {
    to: File,
    pending: Vec<u8>,
    /// Nothing is filtered if there is none.
    filter: Option<Filter>,
    failure: Failure,
    log: Option<Log>,
    progress: Option<Progress>,
}

impl Screen {
    /// Output to a file, through the filter or not.
    #[must_use]
    pub fn new(to: File, filtered: bool, failure: Failure) -> Self {
        let filter = filtered.then(Filter::default);
        Self {
            to,
            pending: Vec::new(),
            filter,
            failure,
            log: None,
            progress: None,
        }
    }

    /// Keeps everything in a log too.
    #[must_use]
    pub fn with_log(mut self, log: Option<Log>) -> Self {
        self.log = log;
        self
    }

    /// Shows how far the guest has come.
    #[must_use]
    pub fn with_progress(mut self, progress: Option<Progress>) -> Self {
        self.progress = progress;
        self
    }

    fn write(&mut self) {
        let Self { to, failure, .. } = self;
        match &self.progress {
            Some(progress) => progress.write(&self.pending, |bytes| put(to, bytes, failure)),
            None => put(to, &self.pending, failure),
        }
        self.pending.clear();
        if let Some(log) = &mut self.log
            && let Err(why) = log.flush()
        {
            out::tell(&format!("warning: {why}\n"));
        }
    }
}

/// Writes everything, unless writing has failed before.
fn put(to: &mut File, mut left: &[u8], failure: &Failure) {
    while !left.is_empty() && !failure.is_set() {
        match to.write(left) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(PATIENCE);
            }
            Err(error) => failure.set(error),
        }
    }
}

impl ConsoleIo for Screen {
    fn print(&mut self, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            log.take(bytes);
        }
        match &mut self.filter {
            Some(filter) => filter.pass(bytes, &mut self.pending),
            None => self.pending.extend(bytes),
        }
        if self.pending.len() >= FULL {
            self.write();
        }
    }

    fn flush(&mut self) {
        self.write();
    }

    fn notice(&mut self, notice: &Notice) {
        // Behind what the guest has printed so far.
        self.write();
        if let Some(progress) = &self.progress {
            progress.make_room();
        }
        let report = diagnose::notice(notice);
        let text = report.text(out::colors(ColorWhen::Auto));
        // The terminal may be the guest's, where a new line does not begin at the left.
        out::tell(&format!("\r\n{}", text.replace('\n', "\r\n")));
        self.failure.note(report);
    }

    fn end(&mut self) {
        if let Some(filter) = &self.filter {
            self.pending.extend(filter.farewell());
        }
        self.write();
        if let Some(progress) = &self.progress {
            progress.end();
        }
    }
}
