//! The two queues between the guest's card and the network's thread.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use vm_device_bus::Net;

use crate::Waker;

/// How many frames wait in either direction.
// LIMIT: one for the guest stops connections until it takes some, one of the guest's is lost.
const FRAMES: usize = 1024;
/// How many bytes wait in either direction.
// LIMIT: large packets count for what they are.
const BYTES: usize = 4 << 20;

/// What both sides share.
pub(super) struct Link {
    queues: Mutex<Queues>,
    /// Rung to wake the thread; it waits at the other end.
    bell: UnixStream,
    machine: Waker,
    fresh: AtomicBool,
    may_bring: AtomicBool,
}

#[derive(Default)]
pub(super) struct Queues {
    pub from_guest: Waiting,
    pub to_guest: Waiting,
    /// The guest takes packets that are larger than a frame.
    pub large: bool,
    /// The guest's card was reset since the thread last looked.
    pub reset: bool,
    /// The card is gone.
    pub closed: bool,
    /// The thread sleeps, or is about to.
    pub asleep: bool,
    /// The thread waits for room.
    pub wants_room: bool,
}

/// Frames that wait, and how many bytes they have.
#[derive(Default)]
pub(super) struct Waiting {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Waiting {
    /// How many more frames there is room for.
    pub fn room(&self) -> usize {
        if self.bytes < BYTES {
            FRAMES.saturating_sub(self.frames.len())
        } else {
            0
        }
    }

    /// Whether there is as much room as it is worth waking somebody for.
    pub fn is_low(&self) -> bool {
        self.bytes < BYTES / 2 && self.frames.len() < FRAMES / 2
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn push(&mut self, frame: Vec<u8>) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub fn pop(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

impl Link {
    /// Empty queues; the thread is woken through `bell`.
    pub fn new(bell: UnixStream, machine: Waker) -> Self {
        Self {
            queues: Mutex::default(),
            bell,
            machine,
            fresh: AtomicBool::new(false),
            may_bring: AtomicBool::new(true),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread if it sleeps.
    fn ring(&self, queues: &mut Queues) {
        if std::mem::take(&mut queues.asleep) {
            // A full pipe has woken it already.
            let _ = (&self.bell).write(&[1]);
        }
    }

    /// Tells the machine that there are frames for the guest.
    pub fn tell_machine(&self) {
        self.fresh.store(true, Ordering::Release);
        self.machine.wake();
    }

    /// Says whether something may still come by itself.
    pub fn set_may_bring(&self, may: bool) {
        if self.may_bring.swap(may, Ordering::AcqRel) && !may {
            // Who waited for it may have nothing left to wait for.
            self.machine.wake();
        }
    }

    pub fn take_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed) && self.fresh.swap(false, Ordering::AcqRel)
    }

    pub fn may_bring(&self) -> bool {
        self.may_bring.load(Ordering::Acquire)
    }
}

/// The card's end of the link; when it goes, the network goes.
pub(super) struct Cable {
    pub link: Arc<Link>,
    pub thread: Option<JoinHandle<()>>,
}

impl Net for Cable {
    fn send(&mut self, frame: &[u8]) {
        let mut queues = self.link.lock();
        if queues.from_guest.room() > 0 {
            queues.from_guest.push(frame.to_vec());
            // Until the thread has looked at it, an answer may come.
            self.link.may_bring.store(true, Ordering::Release);
            self.link.ring(&mut queues);
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut queues = self.link.lock();
        let frame = queues.to_guest.pop();
        if queues.wants_room && queues.to_guest.is_low() {
            self.link.ring(&mut queues);
        }
        frame
    }

    fn vouches(&self) -> bool {
        true
    }

    fn takes_large(&self) -> bool {
        true
    }

    fn give_large(&mut self, on: bool) {
        self.link.lock().large = on;
    }

    fn reset(&mut self) {
        let mut queues = self.link.lock();
        queues.from_guest = Waiting::default();
        queues.to_guest = Waiting::default();
        queues.large = false;
        queues.reset = true;
        self.link.ring(&mut queues);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let mut queues = self.link.lock();
        queues.closed = true;
        self.link.ring(&mut queues);
        drop(queues);
        if let Some(thread) = self.thread.take() {
            // Its ports are free when this returns.
            let _ = thread.join();
        }
    }
}

/// Takes all rings of the bell.
pub(super) fn silence(mut bell: &UnixStream) {
    let mut rings = [0; 64];
    while bell
        .read(&mut rings)
        .is_ok_and(|count| count == rings.len())
    {}
}
