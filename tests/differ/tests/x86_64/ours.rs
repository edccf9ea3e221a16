//! The instruction on the shared IR and the interpreter.

use std::sync::Arc;

use vm_core::{Clock, Exit, GuestPhys, Vcpu};
use vm_engine_interp::{Engine, Interpreter};
use vm_frontend_x86_64::{X86_64, trap};
use vm_ir::verify::verify;
use vm_ir::{Builder, Frontend};
use vm_mem::GuestRam;

use crate::state::{CODE, DATA, DATA_BYTES, Ended, FLAGS, INSN, NAMES, PAGE, State};

/// A guest with the memory of the judge.
pub struct Ours {
    ram: GuestRam,
    cpu: Interpreter,
    frontend: X86_64,
}

impl Ours {
    /// A guest.
    pub fn new() -> Self {
        let regions = [(GuestPhys(CODE), PAGE), (GuestPhys(DATA), DATA_BYTES)];
        let ram = GuestRam::new(&regions).expect("some pages of RAM");
        let clock = Arc::new(Clock::virtual_time());
        let engine = Engine::new(Arc::new(X86_64::new()), ram.clone(), clock);
        let cpu = engine.cpu(0);
        Self {
            ram,
            cpu,
            frontend: X86_64::new(),
        }
    }

    /// Refuses what an engine must not run.
    fn verify(&self, code: &[u8]) {
        let mut builder = Builder::new();
        self.frontend.lift(code, 0, 1, &mut builder);
        let block = builder.finish();
        if let Err(invalid) = verify(&block, self.frontend.layout(), self.frontend.helpers()) {
            panic!("{code:02x?}: {invalid}: {block:#?}");
        }
    }

    /// Executes the instruction.
    pub fn step(&mut self, code: &[u8], state: &mut State) -> Ended {
        self.verify(code);
        self.ram.write(GuestPhys(INSN), code).expect("RAM");
        self.ram.write(GuestPhys(DATA), &state.data).expect("RAM");
        let cpu = &mut self.cpu;
        for (name, value) in NAMES.iter().zip(state.general) {
            cpu.set_register(name, value);
        }
        let [fs, gs] = state.bases;
        let rest = [
            ("rip", state.rip),
            ("rflags", state.flags),
            ("fs_base", fs),
            ("gs_base", gs),
        ];
        for (name, value) in rest {
            assert!(cpu.set_register(name, value), "{name}");
        }
        let exit = cpu.run(1);
        let register = |name: &str| cpu.register(name).expect("a register");
        state.general = NAMES.map(register);
        state.rip = register("rip");
        state.flags = register("rflags") & FLAGS;
        self.ram
            .read(GuestPhys(DATA), &mut state.data)
            .expect("RAM");
        match exit {
            Exit::Budget => Ended::Done,
            Exit::Stuck => match register("trap") as u32 {
                trap::DIVIDE => Ended::Divide,
                trap::INVALID_OPCODE => Ended::Invalid,
                trap::PROTECTION | trap::PAGE_FAULT => Ended::Memory,
                other => panic!("{code:02x?} raised {other}"),
            },
            other => panic!("{code:02x?}: {other:?}"),
        }
    }
}
