//! The network's thread: it sleeps until there is something to do.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vm_device_usernet::{Interest, Plan, Stack};

use super::link::{Cable, Link, silence};
use super::sockets::Sockets;
use crate::{VmError, Waker};

/// Starts the thread.
pub(super) fn start(
    plan: Plan,
    seed: u64,
    sockets: Sockets,
    machine: Waker,
) -> Result<(Arc<Link>, Cable), VmError> {
    let (bell, ear) = UnixStream::pair().map_err(VmError::Network)?;
    for end in [&bell, &ear] {
        end.set_nonblocking(true).map_err(VmError::Network)?;
    }
    let link = Arc::new(Link::new(bell, machine));
    let mut worker = Worker {
        stack: Stack::new(plan.clone(), seed),
        plan,
        seed,
        sockets,
        link: link.clone(),
        ear,
        start: Instant::now(),
        interests: Vec::new(),
    };
    let thread = thread::Builder::new()
        .name("network".to_owned())
        .spawn(move || worker.run())
        .map_err(VmError::Network)?;
    let cable = Cable {
        link: link.clone(),
        thread: Some(thread),
    };
    Ok((link, cable))
}

struct Worker {
    stack: Stack,
    plan: Plan,
    seed: u64,
    sockets: Sockets,
    link: Arc<Link>,
    ear: UnixStream,
    start: Instant,
    interests: Vec<Interest>,
}

impl Worker {
    fn run(&mut self) {
        loop {
            // A mistake of ours costs the guest its connections, not its network.
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn()));
            match turn {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => {
                    self.stack.reset(&mut self.sockets);
                    self.seed = self.seed.wrapping_add(1);
                    self.stack = Stack::new(self.plan.clone(), self.seed);
                }
            }
        }
    }

    fn now_us(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// Does what there is to do, then waits for more; false if the network is over.
    fn turn(&mut self) -> bool {
        let mut queues = self.link.lock();
        if queues.closed {
            return false;
        }
        let mut frames = std::mem::take(&mut queues.from_guest);
        self.stack.set_large(queues.large);
        let reset = std::mem::take(&mut queues.reset);
        let room = queues.to_guest.room();
        drop(queues);
        if reset {
            self.stack.reset(&mut self.sockets);
        }
        let now_us = self.now_us();
        while let Some(frame) = frames.pop() {
            self.stack.frame(now_us, &frame, &mut self.sockets);
        }
        self.stack.work(now_us, room, &mut self.sockets);
        self.hand_over();
        self.wait();
        true
    }

    /// Gives the guest its frames.
    fn hand_over(&mut self) {
        let mut queues = self.link.lock();
        let before = queues.to_guest.len();
        // What belongs to a card that was reset meanwhile is not for the new one.
        while let Some(frame) = self.stack.take() {
            if !queues.reset {
                queues.to_guest.push(frame);
            }
        }
        queues.wants_room = self.stack.wants_room();
        let came = queues.to_guest.len() > before;
        if queues.from_guest.is_empty() {
            self.link
                .set_may_bring(self.stack.may_bring() || !queues.to_guest.is_empty());
        }
        drop(queues);
        if came {
            self.link.tell_machine();
        }
    }

    /// Waits for sockets, for the guest, or for a time.
    fn wait(&mut self) {
        let mut interests = std::mem::take(&mut self.interests);
        interests.clear();
        self.stack.interests(&mut interests);
        let Self {
            sockets, ear, link, ..
        } = self;
        let mut which = Vec::with_capacity(interests.len());
        let mut fds = vec![PollFd::from_borrowed_fd(ear.as_fd(), PollFlags::IN)];
        for interest in &interests {
            let (fd, flags) = match interest {
                Interest::Socket {
                    socket,
                    read,
                    write,
                } => {
                    let mut flags = PollFlags::empty();
                    flags.set(PollFlags::IN, *read);
                    flags.set(PollFlags::OUT, *write);
                    (sockets.fd(*socket), flags)
                }
                Interest::Listener(listener) => (sockets.listener_fd(*listener), PollFlags::IN),
            };
            if let Some(fd) = fd {
                fds.push(PollFd::from_borrowed_fd(fd, flags));
                which.push(*interest);
            }
        }
        let mut queues = link.lock();
        let room = queues.to_guest.is_low();
        let more = !queues.from_guest.is_empty() || queues.reset || queues.closed;
        let at_once = more || (queues.wants_room && room);
        queues.asleep = !at_once;
        drop(queues);
        let now_us = self.start.elapsed().as_micros() as u64;
        let due = self.stack.due_us().map(|due| due.saturating_sub(now_us));
        let due = if at_once { Some(0) } else { due };
        let times = [due.map(Duration::from_micros), sockets.rest()];
        let least = times.into_iter().flatten().min();
        let time = least.and_then(|time| Timespec::try_from(time).ok());
        // An interrupted wait is a short one.
        let ready = poll(&mut fds, time.as_ref()).unwrap_or(0);
        link.lock().asleep = false;
        if ready > 0 {
            silence(ear);
            let told = fds.iter().skip(1).zip(&which);
            for (_, interest) in told.filter(|(fd, _)| !fd.revents().is_empty()) {
                match interest {
                    Interest::Socket { socket, .. } => self.stack.ready(*socket),
                    Interest::Listener(listener) => self.stack.ready_listener(*listener),
                }
            }
        }
        drop(fds);
        self.interests = interests;
    }
}
