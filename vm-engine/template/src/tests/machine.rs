//! A machine whose instructions are blocks, with templates as its only compiler.

use std::sync::Arc;

use vm_core::{Clock, Exit, GuestPhys, Inline, PAGE_BYTES, Section, Vcpu};
use vm_engine_cache::{Arena, LeastRecentlyUsed};
use vm_engine_interp::native::{Compiler, Native, Tier, Unit, Work};
use vm_engine_interp::{Engine, Interpreter};
use vm_ir::sample::guest::{CODE, CODE_PAGES, DATA, Guest, place};
use vm_ir::{Block, Layout, sample};
use vm_mem::GuestRam;

use crate::Templates;

/// One CPU, and a place for a block.
pub struct Machine {
    guest: Arc<Guest>,
    pub layout: Layout,
    pub ram: GuestRam,
    pub engine: Engine,
    cpu: Interpreter,
    templates: Arc<Templates>,
}

impl Machine {
    /// One on which blocks are compiled when they are entered, each for itself.
    pub fn new() -> Self {
        Self::with(|templates, arena| Some(Tier::new(templates, Arc::new(Inline), arena, 1)))
    }

    /// One on which blocks are joined.
    pub fn joined() -> Self {
        Self::with(|templates, arena| {
            let tier = Tier::new(templates.clone(), Arc::new(Inline), arena, 1);
            Some(tier.with_templates(templates, 1))
        })
    }

    /// One that leaves everything to the interpreter.
    pub fn plain() -> Self {
        Self::with(|_, _| None)
    }

    fn with(tier: impl FnOnce(Arc<Templates>, Arena<Unit>) -> Option<Tier>) -> Self {
        let guest = Arc::new(Guest::new());
        let bytes = CODE - DATA.0 + CODE_PAGES * PAGE_BYTES;
        let ram = GuestRam::new(&[(DATA, bytes)]).expect("the host has a few pages");
        let clock = Arc::new(Clock::virtual_time());
        let mut engine = Engine::new(guest.clone(), ram.clone(), clock);
        let templates = Templates::new(guest.clone()).expect("the host is known");
        let templates = Arc::new(templates);
        let arena = Arena::new(16 << 20, Box::new(LeastRecentlyUsed)).expect("the host has 16 MiB");
        if let Some(tier) = tier(templates.clone(), arena) {
            engine.set_tier(tier);
        }
        let cpu = engine.cpu(0);
        let layout = sample::layout();
        Self {
            guest,
            layout,
            ram,
            engine,
            cpu,
            templates,
        }
    }

    /// Places a block where it is run; what is made of it.
    pub fn put(&mut self, block: &Block) -> Option<Native> {
        let placed = self.guest.put(&self.ram, std::slice::from_ref(block));
        placed.expect("the place is in RAM");
        let mut bytes = vec![0; block.bytes as usize + 16];
        self.ram
            .read(GuestPhys(place(0)), &mut bytes)
            .expect("the block is in RAM");
        let work = Work {
            bytes,
            length: block.bytes,
            insns: block.insns,
            page_offset: place(0) % PAGE_BYTES,
            mode: 0,
            odd: false,
        };
        let native = self.templates.compile(&work);
        let told = self.templates.explain(&work);
        // What is told of a block is what is run.
        let same = told.as_ref().map(|told| &told.host);
        assert_eq!(same, native.as_ref().map(|native| &native.bytes));
        if let (Some(told), Some(native)) = (told, &native) {
            assert_eq!(told.blocks[0].insns.len(), block.insns as usize);
            assert_eq!(told.marks.first().map(|mark| mark.at), Some(native.entry));
        }
        native
    }

    /// Places blocks one behind the other.
    pub fn put_all(&mut self, blocks: &[Block]) {
        let placed = self.guest.put(&self.ram, blocks);
        placed.expect("the places are in RAM");
    }

    /// Runs the block once.
    pub fn run(&mut self, slots: &[u64], fuel: u64) -> Exit {
        let mut state = Section::new("cpu", 1);
        state.u64("retired", 0);
        for (at, (slot, value)) in self.layout.slots.iter().zip(slots).enumerate() {
            let is_pc = at == usize::from(self.layout.pc.0);
            state.u64(&slot.name, if is_pc { place(0) } else { *value });
        }
        self.cpu
            .restore(&state.fields())
            .expect("any state will do");
        self.cpu.run(fuel)
    }

    /// What stands in the slots.
    pub fn slots(&self) -> Vec<u64> {
        let mut state = Section::new("cpu", 1);
        self.cpu.save(&mut state);
        let fields = state.fields();
        let slots = self.layout.slots.iter();
        slots
            .map(|slot| fields.u64(&slot.name).expect("every slot is saved"))
            .collect()
    }

    /// What stands in the page of data.
    pub fn data(&self) -> Vec<u8> {
        let mut bytes = vec![0; PAGE_BYTES as usize];
        self.ram.read(DATA, &mut bytes).expect("the page is in RAM");
        bytes
    }
}
