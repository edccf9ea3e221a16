//! The host's end of the guest's console in a test: keeps what is printed and stops the guest
//! at what is waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_runtime::{ConsoleHub, ConsoleIo, Notice};

use super::history::History;
use super::pattern::Pattern;

/// The console's host end; clones are the same one.
#[derive(Clone, Default)]
pub struct Listener(Arc<Mutex<Heard>>);

/// What was heard, and what is listened for.
#[derive(Default)]
pub struct Heard {
    /// What was printed.
    pub history: History,
    /// What is waited for, until it was printed.
    goal: Option<Pattern>,
    /// What must not be printed, as it was written.
    forbidden: Vec<(String, Pattern)>,
    /// Which of it was printed first.
    broken: Option<String>,
    /// What the host did first that it must not.
    trouble: Option<String>,
    hub: Option<ConsoleHub>,
}

impl Listener {
    /// A listener that knows what must not be printed.
    #[must_use]
    pub fn new(forbidden: Vec<(String, Pattern)>) -> Self {
        Self(Arc::new(Mutex::new(Heard {
            forbidden,
            ..Heard::default()
        })))
    }

    /// The console that it listens to.
    #[must_use]
    pub fn console(&self) -> ConsoleHub {
        let hub = ConsoleHub::new(Box::new(self.clone()));
        self.lock().hub = Some(hub.clone());
        hub
    }

    /// Begins to wait; true if it is there already.
    #[must_use]
    pub fn wait_for(&self, goal: Pattern) -> bool {
        let mut heard = self.lock();
        heard.history.search_anew();
        if heard.history.find(&goal) {
            return true;
        }
        heard.goal = Some(goal);
        false
    }

    /// Whether what was waited for has been printed.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.lock().goal.is_none()
    }

    /// Waits for nothing more.
    pub fn give_up(&self) {
        self.lock().goal = None;
    }

    /// What was printed although it must not be.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.lock().broken.clone()
    }

    /// What the host did not do for the guest.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// What was heard.
    pub fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Takes a byte; true if the machine should stand still for it.
    fn hear(&mut self, byte: u8) -> bool {
        if !self.history.push(byte) {
            return false;
        }
        let mut stop = false;
        if let Some(goal) = &self.goal
            && self.history.find(goal)
        {
            self.goal = None;
            stop = true;
        }
        if self.broken.is_none() {
            let mut all = self.forbidden.iter();
            let found = all.find(|(_, pattern)| self.history.has_now(pattern));
            self.broken = found.map(|(written, _)| written.clone());
            stop |= self.broken.is_some();
        }
        stop
    }
}

impl ConsoleIo for Listener {
    fn print(&mut self, bytes: &[u8]) {
        let mut heard = self.lock();
        for byte in bytes {
            if heard.hear(*byte)
                && let Some(hub) = &heard.hub
            {
                hub.pause();
            }
        }
    }

    fn notice(&mut self, notice: &Notice) {
        let Notice::Disk { path, error, .. } = notice;
        let text = format!("{}: {error}", path.display());
        self.lock().trouble.get_or_insert(text);
    }
}
