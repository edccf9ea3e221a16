//! The machine's console: one stream that the serial line, the firmware's console and the virtio
//! console share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_device_bus::Console;

use crate::panic_watch::PanicWatch;
use crate::{Notice, Waker};

/// The host's end of the console.
pub trait ConsoleIo: Send {
    /// Takes what the guest prints. It may feed the console from here: in virtual time the guest
    /// then gets the input at the same instruction in every run.
    fn print(&mut self, bytes: &[u8]);

    /// The guest has finished a turn: what was printed should be seen now.
    fn flush(&mut self) {}

    /// The guest prints no more.
    fn end(&mut self) {}

    /// The user should know this now.
    fn notice(&mut self, _notice: &Notice) {}
}

/// The console; clones are the same console.
#[derive(Clone)]
pub struct ConsoleHub(Arc<Mutex<Inner>>, Waker);

struct Inner {
    /// Behind a lock of its own, so that what prints may also feed.
    io: Arc<Mutex<Box<dyn ConsoleIo>>>,
    input: VecDeque<u8>,
    /// Input has come since the machine last looked.
    fresh: bool,
    panics: PanicWatch,
    /// More input may come.
    open: bool,
    /// Something was printed since the last flush.
    printed: bool,
}

/// How much input is kept for a guest that does not read.
// LIMIT: a pasted file; more is refused rather than kept without a bound.
const INPUT_LIMIT: usize = 1 << 20;

impl ConsoleHub {
    /// A console with this host end.
    #[must_use]
    pub fn new(io: Box<dyn ConsoleIo>) -> Self {
        let inner = Inner {
            io: Arc::new(Mutex::new(io)),
            input: VecDeque::new(),
            fresh: false,
            panics: PanicWatch::default(),
            open: true,
            printed: false,
        };
        Self(Arc::new(Mutex::new(inner)), Waker::default())
    }

    /// Gives the guest input; what does not fit is left out, and the number taken is returned.
    pub fn feed(&self, bytes: &[u8]) -> usize {
        let mut inner = self.lock();
        let room = INPUT_LIMIT
            .saturating_sub(inner.input.len())
            .min(bytes.len());
        inner.input.extend(&bytes[..room]);
        inner.fresh = true;
        drop(inner);
        self.1.wake();
        room
    }

    /// Says that no more input will come.
    pub fn close(&self) {
        self.lock().open = false;
        self.1.wake();
    }

    /// Says that the guest prints no more; input threads may still hold this console.
    pub fn end_output(&self) {
        let io = self.lock().io.clone();
        io.lock().unwrap_or_else(PoisonError::into_inner).end();
    }

    /// Tells the user something that is not the guest's.
    pub(crate) fn tell(&self, notice: &Notice) {
        let io = self.lock().io.clone();
        io.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .notice(notice);
    }

    /// Lets the host's end show what was printed.
    pub(crate) fn flush(&self) {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.printed) {
            let io = inner.io.clone();
            drop(inner);
            io.lock().unwrap_or_else(PoisonError::into_inner).flush();
        }
    }

    /// Whether more input may come.
    pub(crate) fn is_open(&self) -> bool {
        let inner = self.lock();
        inner.open || !inner.input.is_empty()
    }

    /// Wakes the machine that this console belongs to.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.1.clone()
    }

    /// Whether input has come since the last call.
    pub(crate) fn take_fresh(&self) -> bool {
        std::mem::take(&mut self.lock().fresh)
    }

    /// Whether the guest's kernel has said that it panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.lock().panics.seen()
    }

    /// Forgets an earlier panic, after a restart.
    pub(crate) fn forget_panic(&self) {
        self.lock().panics = PanicWatch::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Console for ConsoleHub {
    fn write(&mut self, bytes: &[u8]) {
        let mut inner = self.lock();
        inner.panics.feed(bytes);
        inner.printed = true;
        let io = inner.io.clone();
        drop(inner);
        io.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .print(bytes);
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut inner = self.lock();
        let count = into.len().min(inner.input.len());
        for (place, byte) in into.iter_mut().zip(inner.input.drain(..count)) {
            *place = byte;
        }
        count
    }
}

/// The console for a device that only prints: what is typed belongs to another one.
pub(crate) struct OutputOnly(pub ConsoleHub);

impl Console for OutputOnly {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn read(&mut self, _into: &mut [u8]) -> usize {
        0
    }
}
