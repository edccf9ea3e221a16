//! Which privilege a CPU runs in and when its traps are over, for traces.
//!
//! Architectures say neither when they return from a trap: it is over where the CPU goes on at
//! the instruction that trapped, or right behind it, in the privilege that it trapped in.

use vm_core::{GuestVirt, Moment, TraceEvent};

use crate::interpreter::{Interpreter, lock};

/// The most traps that are remembered.
// LIMIT: a kernel nests a few; what it never returns to is forgotten with the next return to a
// lower privilege.
const TRAPS: usize = 64;

/// A trap that was taken and is not over.
#[derive(Clone, Copy, Debug)]
struct Taken {
    pc: u64,
    from: u32,
    to: u32,
}

/// What a trace of modes has to remember.
#[derive(Debug, Default)]
pub struct Modes {
    privilege: Option<u32>,
    traps: Vec<Taken>,
}

impl Modes {
    /// A trap was taken.
    fn take(&mut self, pc: u64, from: u32, to: u32) {
        if self.traps.len() == TRAPS {
            self.traps.remove(0);
        }
        self.traps.push(Taken { pc, from, to });
    }

    /// The CPU goes on at `pc`, where an instruction has at most `longest` bytes: how many traps
    /// are over, if that or the privilege is worth telling.
    fn go_on(&mut self, pc: u64, privilege: u32, longest: u64) -> Option<u32> {
        let all = self.traps.len();
        while self.traps.last().is_some_and(|trap| trap.to > privilege) {
            self.traps.pop();
        }
        let back = |trap: &Taken| trap.from == privilege && pc.wrapping_sub(trap.pc) <= longest;
        if let Some(at) = self.traps.iter().rposition(back) {
            self.traps.truncate(at);
        }
        let ended = (all - self.traps.len()) as u32;
        let changed = self.privilege.replace(privilege) != Some(privilege);
        (changed || ended > 0).then_some(ended)
    }
}

impl Interpreter {
    /// Now, for a trace: the instructions that the CPU has retired must be up to date.
    pub(crate) fn moment(&self) -> Moment {
        let since = self.retired.wrapping_sub(self.slow.slice.0);
        Moment {
            cpu: self.number,
            retired: self.retired,
            now_ns: self.slow.clock.within_slice_ns(since),
        }
    }

    /// Remembers a trap that was taken at `pc` in privilege `from`, for a trace of modes.
    pub(crate) fn remember_trap(&mut self, pc: u64, from: u32) {
        let slots = &self.cpu.words[..self.slow.slots];
        let to = self.slow.frontend.privilege(slots);
        if let Some(modes) = &mut self.modes {
            modes.take(pc, from, to);
        }
    }

    /// Tells a trace of modes where the CPU goes on.
    #[cold]
    pub(crate) fn trace_mode(&mut self) {
        let frontend = self.slow.frontend.clone();
        let privilege = frontend.privilege(&self.cpu.words[..self.slow.slots]);
        let (pc, longest) = (self.cpu.pc, frontend.max_insn_bytes() as u64);
        let modes = self.modes.as_mut();
        let Some(ended) = modes.and_then(|modes| modes.go_on(pc, privilege, longest)) else {
            return;
        };
        let known = frontend.vitals().and_then(|vitals| {
            let mut names = vitals.privileges.iter();
            names.find(|(number, _)| *number == privilege)
        });
        let name = known.map_or_else(
            || format!("privilege {privilege}"),
            |(_, name)| (*name).to_owned(),
        );
        let pc = GuestVirt(pc);
        let event = TraceEvent::Mode { pc, name, ended };
        if let Some(trace) = &self.trace {
            lock(trace).event(self.moment(), &event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_are_over_where_they_are_returned_from() {
        let mut modes = Modes::default();
        assert_eq!(modes.go_on(0x10, 0, 4), Some(0));
        assert_eq!(modes.go_on(0x10, 0, 4), None);
        modes.take(0x20, 0, 1);
        assert_eq!(modes.go_on(0x100, 1, 4), Some(0));
        // An interrupt of the kernel, a call of the firmware inside of it.
        modes.take(0x140, 1, 1);
        assert_eq!(modes.go_on(0x100, 1, 4), None);
        modes.take(0x180, 1, 3);
        assert_eq!(modes.go_on(0x900, 3, 4), Some(0));
        assert_eq!(modes.go_on(0x184, 1, 4), Some(1));
        assert_eq!(modes.go_on(0x140, 1, 4), Some(1));
        // Another task than the one that trapped.
        modes.take(0x200, 1, 1);
        assert_eq!(modes.go_on(0x7000, 0, 4), Some(2));
        for pc in 0..1000 {
            modes.take(pc << 8, 1, 1);
        }
        assert_eq!(modes.go_on(0, 0, 4), Some(TRAPS as u32));
    }
}
