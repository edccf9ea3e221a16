//! The host's end of a guest's console: keeps what was printed, and does things when it reads
//! what it waits for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_runtime::{ConsoleHub, ConsoleIo, Control};

/// What is done when a mark was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Types a text.
    Send(String),
    /// Ends the run between two turns, so that the machine can be saved.
    Stop,
    /// Ends the part of the run that goes on, right behind the instruction that printed.
    Pause,
}

/// The console's host end; clones are the same one.
#[derive(Clone, Default)]
pub struct Listener(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    text: Vec<u8>,
    /// Where the search for the next mark begins: behind the last one.
    from: usize,
    script: VecDeque<(String, Deed)>,
    hub: Option<ConsoleHub>,
    control: Option<Control>,
}

impl Listener {
    /// A listener that follows a script: each deed waits for its mark behind the one before; an
    /// empty mark does not wait.
    #[must_use]
    pub fn new(script: Vec<(String, Deed)>) -> Self {
        let script = script.into();
        Self(Arc::new(Mutex::new(Inner {
            script,
            ..Inner::default()
        })))
    }

    /// The console that this listens to.
    #[must_use]
    pub fn console(&self) -> ConsoleHub {
        let hub = ConsoleHub::new(Box::new(self.clone()));
        self.lock().hub = Some(hub.clone());
        hub
    }

    /// What [`Deed::Stop`] stops; from here on the script runs.
    pub fn begin(&self, control: Control) {
        let mut inner = self.lock();
        inner.control = Some(control);
        inner.follow();
    }

    /// Everything that was printed.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().text).replace('\r', "")
    }

    /// The marks that were not reached.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let inner = self.lock();
        inner.script.iter().map(|(mark, _)| mark.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Does what the text so far lets be done; with an empty script the input is at its end.
    fn follow(&mut self) {
        while let Some((mark, _)) = self.script.front()
            && self.text[self.from..].ends_with(mark.as_bytes())
            && let Some((_, deed)) = self.script.pop_front()
        {
            self.from = self.text.len();
            match (deed, &self.hub, &self.control) {
                (Deed::Send(text), Some(hub), _) => {
                    hub.feed(text.as_bytes());
                }
                (Deed::Stop, _, Some(control)) => control.quit(),
                (Deed::Pause, Some(hub), _) => hub.pause(),
                (deed, ..) => unreachable!("{deed:?} before the machine was built"),
            }
        }
        if let (true, Some(hub)) = (self.script.is_empty(), &self.hub) {
            hub.close();
        }
    }
}

impl ConsoleIo for Listener {
    fn print(&mut self, bytes: &[u8]) {
        let mut inner = self.lock();
        for byte in bytes {
            inner.text.push(*byte);
            if !inner.script.is_empty() {
                inner.follow();
            }
        }
    }
}
