//! The interpreter as a virtual CPU: what its owner may ask of it.

use std::sync::Arc;

use vm_core::{
    Answer, Exit, Fields, Flush, GuestVirt, Kick, Recent, Register, Section, StateError, Stops,
    Translation, Vcpu,
};

use crate::interpreter::{Interpreter, lock};
use crate::ring::Ring;

impl Vcpu for Interpreter {
    fn run(&mut self, budget: u64) -> Exit {
        if self.kick.take() {
            return Exit::Kicked;
        }
        let shared = self.shared.clone();
        let mut shared = lock(&shared);
        self.run_slice(&mut shared, budget)
    }

    fn answer(&mut self, answer: Answer) {
        if let (Some(asked), false) = (self.asked.take(), matches!(answer, Answer::Later(_))) {
            self.slow.answers.0.push((asked, answer));
        }
    }

    fn retired(&self) -> u64 {
        self.retired
    }

    fn set_line(&mut self, line: u32, level: bool) {
        let frontend = self.slow.frontend.clone();
        frontend.set_line(self.slots(), line, level);
    }

    fn wakes(&self) -> bool {
        self.slow.frontend.wakes(&self.cpu.words[..self.slow.slots])
    }

    fn deadline_ns(&self) -> Option<u64> {
        self.slow
            .frontend
            .deadline_ns(&self.cpu.words[..self.slow.slots])
    }

    fn registers(&self) -> Vec<Register> {
        let slots = &self.slow.frontend.layout().slots;
        slots
            .iter()
            .map(|slot| Register {
                name: slot.name.clone(),
                kind: slot.kind,
                bits: slot.bits,
            })
            .collect()
    }

    fn register(&self, name: &str) -> Option<u64> {
        self.slow
            .frontend
            .register(&self.cpu.words[..self.slow.slots], name)
    }

    fn set_register(&mut self, name: &str, value: u64) -> bool {
        let frontend = self.slow.frontend.clone();
        // The register may decide how addresses are translated.
        self.slow.flush(Flush::All);
        frontend.set_register(self.slots(), name, value)
    }

    fn flush(&mut self, what: Flush) {
        self.slow.flush(what);
    }

    fn set_stops(&mut self, stops: &Arc<Stops>) {
        self.wait_for(stops);
    }

    fn step(&mut self) -> Exit {
        self.step_alone()
    }

    fn translate(&self, addr: GuestVirt) -> Translation {
        let slots = &self.cpu.words[..self.slow.slots];
        self.slow.frontend.examine(slots, &self.slow.ram, addr)
    }

    fn recent(&self) -> Vec<Recent> {
        self.cpu.recent.oldest_first()
    }

    fn reset(&mut self) {
        let (frontend, number) = (self.slow.frontend.clone(), self.number);
        self.cpu.words.fill(0);
        frontend.reset(self.slots(), number);
        self.cpu.recent = Ring::new();
        self.slow.answers.0.clear();
        self.asked = None;
        self.slow.stops.forget();
        self.slow.flush(Flush::All);
    }

    fn kick(&self) -> Kick {
        self.kick.clone()
    }

    fn save(&self, out: &mut Section) {
        out.u64("retired", self.retired);
        for (slot, value) in self
            .slow
            .frontend
            .layout()
            .slots
            .iter()
            .zip(&self.cpu.words)
        {
            out.u64(&slot.name, *value);
        }
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let frontend = self.slow.frontend.clone();
        let mut slots = vec![0; self.slow.slots];
        for (slot, value) in frontend.layout().slots.iter().zip(&mut slots) {
            *value = from.u64(&slot.name)?;
        }
        frontend.check(&slots).map_err(|slot| from.bad(&slot))?;
        self.retired = from.u64("retired")?;
        self.reset();
        self.slots().copy_from_slice(&slots);
        Ok(())
    }
}
