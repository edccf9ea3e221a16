//! What a device may do while it is called.

use vm_core::{Entropy, Events, GuestPhys, Token};
use vm_mem::GuestRam;

/// The hands of a device for the time of one call.
pub struct Cx<'a> {
    /// Guest time in nanoseconds.
    pub now_ns: u64,
    /// Guest RAM.
    pub ram: &'a GuestRam,
    /// The seeded source of chance.
    pub entropy: &'a mut Entropy,
    pub(crate) owner: u32,
    pub(crate) events: &'a mut Events,
    pub(crate) effects: &'a mut Effects,
}

/// What devices asked for and the bus has not carried out yet.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub lines: Vec<LineChange>,
    pub messages: Vec<Message>,
    pub requests: Vec<Request>,
    /// What devices have begun and finished, if anybody wants to know.
    pub work: Option<Vec<Work>>,
}

impl Effects {
    /// Nothing; who wanted to know about work still does.
    pub fn clear(&mut self) {
        let work = self.work.is_some().then(Vec::new);
        *self = Self {
            work,
            ..Self::default()
        };
    }
}

/// A device has taken a request from its driver, or has answered it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Work {
    /// The device.
    pub owner: u32,
    /// Which of its requests: its own number.
    pub id: u64,
    /// What is asked, when it is taken.
    pub what: Option<String>,
}

/// A device's output line was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineChange {
    /// The device.
    pub owner: u32,
    /// Which of its outputs.
    pub line: u32,
    /// The level.
    pub level: bool,
}

/// A message interrupt: a write that a device makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Where to.
    pub addr: GuestPhys,
    /// What.
    pub data: u32,
}

/// What a device asks of the machine's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// The guest switches the machine off.
    PowerOff,
    /// The guest restarts the machine.
    Reset,
    /// The guest ends the run with this code.
    Fail(u32),
    /// The guest reports that its system has failed (a panic device, a reset after a panic).
    Panicked {
        /// Whether it asks for a restart in the same breath; if not, it asks for the end.
        restart: bool,
    },
    /// The guest reports that its system has failed, and goes on to save what can be saved.
    Crashed,
}

impl Cx<'_> {
    /// Sets one of the device's output lines; setting it to the level it has does nothing.
    pub fn line(&mut self, line: u32, level: bool) {
        self.effects.lines.push(LineChange {
            owner: self.owner,
            line,
            level,
        });
    }

    /// Sends a message interrupt.
    pub fn message(&mut self, addr: GuestPhys, data: u32) {
        self.effects.messages.push(Message { addr, data });
    }

    /// Asks something of the machine's owner.
    pub fn request(&mut self, request: Request) {
        self.effects.requests.push(request);
    }

    /// Says that a request was taken, for traces: `what` is asked for if anybody wants to know.
    pub fn begins(&mut self, id: u64, what: impl FnOnce() -> String) {
        let owner = self.owner;
        if let Some(work) = &mut self.effects.work {
            let what = Some(what());
            work.push(Work { owner, id, what });
        }
    }

    /// Says that a request is answered.
    pub fn ends(&mut self, id: u64) {
        let owner = self.owner;
        if let Some(work) = &mut self.effects.work {
            work.push(Work {
                owner,
                id,
                what: None,
            });
        }
    }

    /// Schedules the device's event `tag`, in place of one that is pending.
    pub fn schedule(&mut self, at_ns: u64, tag: u32) {
        self.events.schedule(
            at_ns,
            Token {
                owner: self.owner,
                tag,
            },
        );
    }

    /// Forgets the device's event `tag`.
    pub fn cancel(&mut self, tag: u32) {
        self.events.cancel(Token {
            owner: self.owner,
            tag,
        });
    }
}
