//! Who runs when: CPUs take turns, and between two rounds the machine looks around.
//!
//! A turn ends after a fixed number of instructions, at the guest time at which something is due,
//! or when its CPU needs the machine.
//! Whose turn it is and how much of it is left is state like any other: a run that the
//! instruction limit cuts anywhere goes on exactly as if it had not been cut.

use std::time::{Duration, Instant};

use vm_core::{Answer, Exit, NS_PER_INSN, TimeMode, TraceEvent, TraceKinds};

use crate::vm::Turn;
use crate::{Outcome, Vm};

/// Instructions of one turn of one CPU.
// LIMIT: in host time this is how late a key or a timer can be noticed, about half a millisecond;
// in virtual time it is the grain in which CPUs take turns.
pub(crate) const TURN: u64 = 50_000;
/// The longest that a waiting machine sleeps before it looks at its switches again.
const NAP: Duration = Duration::from_millis(100);

impl Vm {
    /// A turn of the CPU that is next, or what comes between two rounds.
    pub(crate) fn step(&mut self) -> Turn {
        if let Some(cpu) = self.next_cpu() {
            self.trace_sched(cpu, &TraceEvent::Turn { begins: true });
            let turn = self.turn(cpu);
            self.trace_sched(cpu, &TraceEvent::Turn { begins: false });
            if self.waiting[cpu] {
                self.trace_sched(cpu, &TraceEvent::Idle { begins: true });
            }
            return turn;
        }
        self.turn_of = 0;
        self.look_around()
    }

    /// Hands out due events and console input; sleeps or skips time if every CPU waits.
    fn look_around(&mut self) -> Turn {
        if self.console.take_fresh() {
            for device in self.board.console_devices() {
                self.with_env(|board, env| board.bus().wake(device, env));
            }
        }
        if self.network.take_fresh() {
            for device in self.board.network_devices() {
                self.with_env(|board, env| board.bus().wake(device, env));
            }
        }
        let now = self.clock.now_ns();
        while let Some(token) = self.events.take_due(now) {
            self.with_env(|board, env| board.bus().event(token, env));
        }
        self.drive_lines();
        self.wake_cpus(now);
        if let Some(cpu) = self.traps_for_ever() {
            return Turn::Ends(Outcome::Trapping { cpu });
        }
        if self.anybody_runs() {
            return Turn::Goes;
        }
        self.wait(now)
    }

    /// Wakes CPUs that an interrupt or their own timer wakes.
    fn wake_cpus(&mut self, now: u64) {
        // Without memory of its own while nobody wakes.
        let mut woken = Vec::new();
        for (index, cpu) in self.cpus.iter().enumerate() {
            let due = cpu.deadline_ns().is_some_and(|deadline| deadline <= now);
            if self.waiting[index] && (cpu.wakes() || due) {
                self.waiting[index] = false;
                self.board.woken(index);
                woken.push(index);
            }
        }
        for cpu in woken {
            self.trace_sched(cpu, &TraceEvent::Idle { begins: false });
        }
    }

    fn trace_sched(&self, cpu: usize, event: &TraceEvent) {
        if self.traces(TraceKinds::SCHED) {
            self.report(cpu, event);
        }
    }

    /// Whether a CPU executes nothing now.
    fn rests(&self, cpu: usize) -> bool {
        self.waiting[cpu] || !self.board.runs(cpu) || self.halting.holds(cpu)
    }

    fn anybody_runs(&self) -> bool {
        (0..self.cpus.len()).any(|cpu| !self.rests(cpu))
    }

    /// The guest time at which something will happen by itself.
    fn next_ns(&self) -> Option<u64> {
        let timers = (0..self.cpus.len())
            .filter(|cpu| self.board.runs(*cpu))
            .filter_map(|cpu| self.cpus[cpu].deadline_ns());
        timers.chain(self.events.next_ns()).min()
    }

    fn wait(&mut self, now: u64) -> Turn {
        let next = self.next_ns();
        if self.clock.mode() == TimeMode::Virtual {
            if let Some(next) = next {
                self.skip(now, self.skip_to(next));
                return Turn::Goes;
            }
            // Nothing but input can go on from here.
            if self.console.is_open() || self.network.may_bring() {
                self.console.waker().sleep(Some(NAP));
                return Turn::Goes;
            }
            return Turn::Ends(self.end_of_hang(Outcome::Hung));
        }
        if next.is_none() && !self.console.is_open() && !self.network.may_bring() {
            return Turn::Ends(self.end_of_hang(Outcome::Hung));
        }
        let until = next.map_or(NAP, |next| Duration::from_nanos(next.saturating_sub(now)));
        self.console.waker().sleep(Some(until.min(NAP)));
        Turn::Goes
    }

    /// Lets idle time pass in virtual time: all of it at once, unless the network may bring
    /// something, which takes the host's time.
    fn skip(&mut self, now: u64, next: u64) {
        if !self.network.may_bring() {
            return self.clock.advance_to(next);
        }
        let idle = Duration::from_nanos(next.saturating_sub(now)).min(NAP);
        let start = Instant::now();
        self.console.waker().sleep(Some(idle));
        let slept = start.elapsed().as_nanos() as u64;
        self.clock
            .advance_to(now.saturating_add(slept.max(1)).min(next));
    }

    /// Whose turn it is; nobody's when the round is over.
    fn next_cpu(&mut self) -> Option<usize> {
        while self.turn_left == 0 && self.turn_of < self.cpus.len() && self.rests(self.turn_of) {
            self.turn_of += 1;
        }
        (self.turn_of < self.cpus.len()).then_some(self.turn_of)
    }

    /// How many instructions a turn that begins now may take before something else is due.
    fn turn_length(&self) -> u64 {
        if self.clock.mode() == TimeMode::Host {
            return TURN;
        }
        let now = self.clock.now_ns();
        let due = self
            .next_ns()
            .map_or(u64::MAX, |next| next.saturating_sub(now));
        due.div_ceil(NS_PER_INSN).clamp(1, TURN)
    }

    /// A turn of one CPU, or what the limit leaves of it.
    fn turn(&mut self, cpu: usize) -> Turn {
        self.ran_last = cpu;
        if self.turn_left == 0 {
            self.turn_left = self.turn_length();
        }
        let steps = self.halting.steps(cpu);
        let allowed = self.allowance();
        let allowed = if steps { allowed.min(1) } else { allowed };
        let mut cut_off = self.turn_left.saturating_sub(allowed);
        while self.turn_left > cut_off {
            let before = self.cpus[cpu].retired();
            let exit = if steps {
                self.cpus[cpu].step()
            } else {
                self.cpus[cpu].run(self.turn_left - cut_off)
            };
            let used = self.cpus[cpu].retired().wrapping_sub(before);
            self.turn_left = self.turn_left.saturating_sub(used);
            self.clock
                .advance_to(self.clock.now_ns().wrapping_add(used * NS_PER_INSN));
            let unused = if exit == Exit::Budget {
                self.turn_left - cut_off
            } else {
                0
            };
            self.note_turn(cpu, used, unused);
            if exit == Exit::Budget {
                self.pass(unused);
                self.turn_left = cut_off;
                break;
            }
            if let Exit::Stopped(why) = exit {
                // What is left of the turn is left for when it goes on.
                self.halting.stop(cpu, why);
                return Turn::Goes;
            }
            if let Some(turn) = self.answer_exit(cpu, exit) {
                self.turn_left = 0;
                self.turn_of += 1;
                return turn;
            }
            if self.console.wants_pause() {
                // The instruction that printed has its answer, but has yet to be finished.
                cut_off = cut_off.max(self.turn_left.saturating_sub(1));
            }
        }
        if self.turn_left == 0 {
            self.turn_of += 1;
        }
        Turn::Goes
    }

    /// Lets time pass for instructions that a CPU could have executed, had it not only trapped.
    fn pass(&mut self, insns: u64) {
        self.stalled = self.stalled.wrapping_add(insns);
        self.clock
            .advance_to(self.clock.now_ns().wrapping_add(insns * NS_PER_INSN));
    }

    /// What counts towards the limit.
    pub(crate) fn spent(&self) -> u64 {
        self.instructions().wrapping_add(self.stalled)
    }

    /// Deals with what a CPU stopped for; `None` if its turn goes on.
    fn answer_exit(&mut self, cpu: usize, exit: Exit) -> Option<Turn> {
        match exit {
            Exit::Budget | Exit::Kicked => {}
            Exit::Access(access) => {
                let answer = self.access(cpu, access);
                if !matches!(answer, Answer::Later(_)) {
                    self.cpus[cpu].answer(answer);
                    if !self.board.bus().has_requests() {
                        return None;
                    }
                }
            }
            Exit::Idle => self.waiting[cpu] = true,
            Exit::Call => return Some(self.call(cpu)),
            Exit::Stopped(_) => {}
            Exit::Stuck => {
                return Some(Turn::Ends(Outcome::Stuck { cpu: cpu as u32 }));
            }
        }
        Some(Turn::Goes)
    }

    fn access(&mut self, cpu: usize, access: vm_core::Access) -> Answer {
        let answer = self.with_env(|board, env| board.bus().access(access, env));
        self.drive_lines();
        if self.traces(TraceKinds::DEV) {
            let device = self.board.bus().at(access.space, access.addr.0);
            let name = device.map_or("nothing".to_owned(), |(id, _)| {
                self.board.bus().name(id).to_owned()
            });
            self.report(
                cpu,
                &TraceEvent::Dev {
                    device: name,
                    access,
                    answer,
                },
            );
        }
        answer
    }

    fn call(&mut self, cpu: usize) -> Turn {
        if self.traces(TraceKinds::SBI) {
            let text = self.board.call_text(&*self.cpus[cpu]);
            self.report(cpu, &TraceEvent::Call { text });
        }
        let Self {
            board,
            cpus,
            ram,
            console,
            ..
        } = self;
        match board.call(cpu, cpus, ram, console) {
            vm_device_machine::Outcome::Continue => {}
            vm_device_machine::Outcome::HartStopped => {}
            vm_device_machine::Outcome::Idle => self.waiting[cpu] = true,
            vm_device_machine::Outcome::Request(request) => self.board.bus().request(request),
        }
        Turn::Goes
    }

    /// Hands changes of interrupt inputs to the CPUs.
    fn drive_lines(&mut self) {
        for change in self.board.bus().take_line_log() {
            let device = self
                .board
                .bus()
                .name(vm_device_bus::DeviceId(change.owner))
                .to_owned();
            let event = TraceEvent::Line {
                device,
                line: change.line,
                level: change.level,
            };
            self.report(0, &event);
        }
        for work in self.board.bus().take_work_log() {
            let owner = vm_device_bus::DeviceId(work.owner);
            let device = self.board.bus().name(owner).to_owned();
            let (id, what) = (work.id, work.what);
            self.report(0, &TraceEvent::Request { device, id, what });
        }
        for (line, level) in self.board.bus().take_cpu_lines() {
            if let Some(cpu) = self.cpus.get_mut(line.cpu as usize) {
                cpu.set_line(line.line, level);
            }
        }
    }
}
