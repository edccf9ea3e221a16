//! The debugger that a machine asks between its turns.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use vm_core::{Stopped, Watchpoint};

use super::packet::{Decoder, Input, encode};
use super::resume::Resume;
use super::server::{Event, Server, Stream};
use super::session::{Answer, Session};
use crate::debug::{DebugEvent, Debugger, Wish};
use crate::{Outcome, Vm};

/// How often a machine that stands still looks at its other switches.
const LOOK: Duration = Duration::from_millis(50);
/// A trap, an interrupt from the keyboard, and the end of a program, as signals are numbered.
const SIGTRAP: u8 = 5;
const SIGINT: u8 = 2;
const SIGABRT: u8 = 6;

/// Somebody who is connected.
struct Client {
    stream: Stream,
    decoder: Decoder,
    session: Session,
    /// The last packets, in case they are asked for again.
    sent: Vec<u8>,
    /// The machine stands still.
    halted: bool,
    /// How it went on.
    resumed: Resume,
    /// A watchpoint that was met and is told when the access has been made.
    met: Option<(usize, Watchpoint)>,
}

/// GDB at the other end of a socket.
pub struct Gdb {
    server: Server,
    client: Option<Client>,
    /// Nobody has connected yet, and the machine waits for it.
    waits: bool,
}

impl Gdb {
    /// A debugger at this socket; with `waits` the machine does nothing before one has connected.
    #[must_use]
    pub fn new(server: Server, waits: bool) -> Self {
        Self {
            server,
            client: None,
            waits,
        }
    }

    /// Deals with what happened at the socket; what the machine is to do, if it is known.
    fn event(&mut self, vm: &mut Vm, event: Event) -> Option<Wish> {
        match event {
            Event::Connected(stream) => {
                self.waits = false;
                self.client = Some(Client::new(vm, stream));
                None
            }
            Event::Gone => {
                self.leave(vm);
                None
            }
            Event::Bytes(bytes) => {
                for byte in bytes {
                    let client = self.client.as_mut()?;
                    let Some(input) = client.decoder.byte(byte) else {
                        continue;
                    };
                    let Ok(then) = client.input(vm, input) else {
                        self.leave(vm);
                        return None;
                    };
                    match then {
                        Then::Stay => {}
                        Then::Leave => self.leave(vm),
                        Then::Wish(wish) => return Some(wish),
                    }
                }
                None
            }
        }
    }

    /// The debugger is gone: nothing that it has set remains.
    fn leave(&mut self, vm: &mut Vm) {
        let Some(mut client) = self.client.take() else {
            return;
        };
        client.stream.close();
        client.session.points.clear();
        client.put_in_force(vm);
        vm.go_on(None, Vec::new());
    }

    fn is_halted(&self) -> bool {
        self.waits || self.client.as_ref().is_some_and(|client| client.halted)
    }

    /// Serves until the machine may go on.
    fn serve(&mut self, vm: &mut Vm) -> Wish {
        // Guest time stands still meanwhile, the host's too.
        let time = vm.guest_ns();
        let wish = loop {
            if vm.quits() {
                break Wish::End;
            }
            if !self.is_halted() {
                break Wish::Go;
            }
            match self.server.events.recv_timeout(LOOK) {
                Ok(event) => {
                    if let Some(wish) = self.event(vm, event) {
                        break wish;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The thread is gone, and nobody will ever come.
                Err(RecvTimeoutError::Disconnected) => break Wish::Go,
            }
        };
        vm.set_guest_ns(time);
        wish
    }

    fn ended(&mut self, vm: &mut Vm, outcome: Outcome) -> Wish {
        let Some(client) = &mut self.client else {
            return Wish::Go;
        };
        let (code, failed) = match outcome {
            Outcome::PowerOff | Outcome::Reset | Outcome::Interrupted => (0, false),
            Outcome::Limit => (124, false),
            Outcome::Diverged => (125, false),
            Outcome::Failed(code) => (code.min(255) as u8, false),
            Outcome::Panicked
            | Outcome::Stuck { .. }
            | Outcome::Trapping { .. }
            | Outcome::Hung
            | Outcome::Silent => (134, true),
        };
        let mut wish = Wish::Go;
        if failed {
            let cpu = match outcome {
                Outcome::Stuck { cpu } | Outcome::Trapping { cpu } => cpu as usize,
                _ => client.session.cpu,
            };
            let told = client.halt(SIGABRT, cpu, "");
            if told.is_err() {
                self.leave(vm);
            }
            wish = self.serve(vm);
        }
        if let Some(mut client) = self.client.take() {
            let _ = client.send(&[format!("W{code:02x}").into_bytes()]);
            client.stream.close();
        }
        wish
    }
}

impl Debugger for Gdb {
    fn attend(&mut self, vm: &mut Vm, event: Option<DebugEvent>) -> Wish {
        if let Some(DebugEvent::Ending(outcome)) = event {
            return self.ended(vm, outcome);
        }
        if let (Some(DebugEvent::Stopped { cpu, why }), Some(client)) = (event, &mut self.client)
            && client.stopped(vm, cpu, why).is_err()
        {
            self.leave(vm);
        }
        // What came while the machine ran.
        while !self.is_halted()
            && let Ok(event) = self.server.events.try_recv()
        {
            if let Some(wish) = self.event(vm, event) {
                return wish;
            }
        }
        if self.is_halted() {
            self.serve(vm)
        } else {
            Wish::Go
        }
    }
}

/// What comes of one input.
enum Then {
    Stay,
    Leave,
    Wish(Wish),
}

impl Client {
    fn new(vm: &Vm, stream: Stream) -> Self {
        Self {
            stream,
            decoder: Decoder::default(),
            session: Session::new(vm),
            sent: Vec::new(),
            halted: true,
            resumed: Resume::all(vm.cpus()),
            met: None,
        }
    }

    fn input(&mut self, vm: &mut Vm, input: Input) -> std::io::Result<Then> {
        let answer = match input {
            Input::Interrupt => {
                if !self.halted {
                    self.halt(SIGINT, self.session.cpu, "")?;
                }
                return Ok(Then::Stay);
            }
            Input::Again => {
                let sent = std::mem::take(&mut self.sent);
                self.stream.send(&sent)?;
                self.sent = sent;
                return Ok(Then::Stay);
            }
            Input::Damaged => {
                if !self.session.no_acks {
                    self.stream.send(b"-")?;
                }
                return Ok(Then::Stay);
            }
            Input::TooLong => Answer::Reply(vec![b"E22".to_vec()]),
            Input::Packet(body) => {
                if !self.session.no_acks {
                    self.stream.send(b"+")?;
                }
                // Packets come while the machine runs only from a debugger that has lost count.
                self.halted = true;
                self.session.packet(vm, &body)
            }
        };
        Ok(match answer {
            Answer::Reply(replies) => {
                self.send(&replies)?;
                Then::Stay
            }
            Answer::Go(resume) => {
                self.go(vm, resume);
                Then::Stay
            }
            Answer::Detach => {
                self.send(&[b"OK".to_vec()])?;
                Then::Leave
            }
            Answer::Restart(replies) => {
                self.send(&replies)?;
                Then::Wish(Wish::Restart)
            }
            Answer::Quit(replies) => {
                self.send(&replies)?;
                Then::Wish(Wish::End)
            }
            Answer::Kill => {
                self.send(&[b"OK".to_vec()])?;
                Then::Wish(Wish::End)
            }
        })
    }

    /// Lets the machine go on.
    fn go(&mut self, vm: &mut Vm, resume: Resume) {
        self.put_in_force(vm);
        vm.go_on(resume.step, resume.held.clone());
        self.resumed = resume;
        self.halted = false;
    }

    fn put_in_force(&mut self, vm: &mut Vm) {
        if let Some(stops) = self.session.points.changed() {
            vm.set_stops(&stops);
        }
    }

    /// A CPU stopped: tells it, or goes on if it is not what was waited for.
    fn stopped(&mut self, vm: &mut Vm, cpu: usize, why: Stopped) -> std::io::Result<()> {
        let pc = vm.pc(cpu);
        match why {
            Stopped::Watchpoint(met) if self.session.watches_before() => {
                self.halt_at_watch(cpu, &met)
            }
            Stopped::Watchpoint(met) => {
                self.met = Some((cpu, met));
                vm.go_on(Some(cpu), self.resumed.held.clone());
                Ok(())
            }
            Stopped::Step => match self.met.take() {
                Some((cpu, met)) => self.halt_at_watch(cpu, &met),
                None if self.resumed.range.contains(&pc) => {
                    vm.go_on(Some(cpu), self.resumed.held.clone());
                    Ok(())
                }
                None => self.halt(SIGTRAP, cpu, ""),
            },
            Stopped::Breakpoint => {
                let name = self.session.points.name(pc);
                self.halt(SIGTRAP, cpu, name)
            }
        }
    }

    fn halt_at_watch(&mut self, cpu: usize, met: &Watchpoint) -> std::io::Result<()> {
        let kind = match (met.loads, met.stores) {
            (true, true) => "awatch",
            (true, false) => "rwatch",
            _ => "watch",
        };
        self.halt(SIGTRAP, cpu, &format!("{kind}:{:x};", met.addr.0))
    }

    /// The machine stands still: says why.
    fn halt(&mut self, signal: u8, cpu: usize, why: &str) -> std::io::Result<()> {
        self.halted = true;
        self.met = None;
        self.session.cpu = cpu;
        let text = format!("T{signal:02x}thread:{:x};{why}", cpu + 1).into_bytes();
        self.session.last_stop.clone_from(&text);
        self.send(&[text])
    }

    fn send(&mut self, replies: &[Vec<u8>]) -> std::io::Result<()> {
        self.sent.clear();
        for reply in replies {
            encode(reply, &mut self.sent);
        }
        self.stream.send(&self.sent)
    }
}
