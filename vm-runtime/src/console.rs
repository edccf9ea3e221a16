//! The machine's console: one stream that the serial line, the firmware's console and the virtio
//! console share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_device_bus::Console;

use crate::activity::Activity;
use crate::panic_watch::PanicWatch;
use crate::tail::Tail;
use crate::{Notice, Waker};

/// The host's end of the console.
pub trait ConsoleIo: Send {
    /// Takes what the guest prints. It may feed the console from here, or pause the run: in
    /// virtual time that happens at the same instruction in every run.
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
pub struct ConsoleHub {
    inner: Arc<Mutex<Inner>>,
    waker: Waker,
    /// The host's end wants to see the machine as it is now.
    pause: Arc<AtomicBool>,
    activity: Activity,
}

struct Inner {
    /// Behind a lock of its own, so that what prints may also feed.
    io: Arc<Mutex<Box<dyn ConsoleIo>>>,
    input: VecDeque<u8>,
    /// Input has come since the machine last looked.
    fresh: bool,
    panics: PanicWatch,
    tail: Tail,
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
            tail: Tail::default(),
            open: true,
            printed: false,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            waker: Waker::default(),
            pause: Arc::default(),
            activity: Activity::default(),
        }
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
        self.waker.wake();
        room
    }

    /// Says that no more input will come.
    pub fn close(&self) {
        self.lock().open = false;
        self.waker.wake();
    }

    /// Ends a part of a run behind the instruction that prints; see [`crate::Vm::run_until`].
    pub fn pause(&self) {
        self.pause.store(true, Ordering::Relaxed);
    }

    /// Whether the host's end wants the machine to stand still.
    pub(crate) fn wants_pause(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Whether it did, and takes note of it.
    pub(crate) fn take_pause(&self) -> bool {
        self.wants_pause() && self.pause.swap(false, Ordering::Relaxed)
    }

    /// What counts the guest's output and input.
    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
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

    /// Whether more input may come, or has come and no device has been told yet.
    ///
    /// Input that devices know of and the guest does not take changes nothing any more.
    pub(crate) fn is_open(&self) -> bool {
        let inner = self.lock();
        inner.open || inner.fresh
    }

    /// Wakes the machine that this console belongs to.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Whether input has come since the last call.
    pub(crate) fn take_fresh(&self) -> bool {
        std::mem::take(&mut self.lock().fresh)
    }

    /// Whether the guest's kernel has said that it panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.lock().panics.seen()
    }

    /// Takes note that the guest has said through a device that its system failed.
    pub(crate) fn note_crash(&self) {
        self.lock().panics.told();
    }

    /// Whether the guest has said that through a device.
    pub(crate) fn has_crashed(&self) -> bool {
        self.lock().panics.was_told()
    }

    /// Whether it was certainly the kernel that said so.
    pub(crate) fn is_panic_certain(&self) -> bool {
        self.lock().panics.certain()
    }

    /// Whether the kernel has said all it had to say about its panic.
    pub(crate) fn is_panic_over(&self) -> bool {
        self.lock().panics.over()
    }

    /// The lines that were printed last, as plain text.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.lock().tail.lines()
    }

    /// Forgets an earlier panic, after a restart.
    pub(crate) fn forget_panic(&self) {
        self.lock().panics = PanicWatch::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Console for ConsoleHub {
    fn write(&mut self, bytes: &[u8]) {
        let mut inner = self.lock();
        self.activity.note();
        inner.panics.feed(bytes);
        inner.tail.feed(bytes);
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
        if count > 0 {
            self.activity.note();
        }
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
