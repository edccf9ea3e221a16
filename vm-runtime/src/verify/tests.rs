//! Mistakes that are planted in compilers, and machines that are verified.

use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use vm_core::{Inline, TimeMode};
use vm_engine_cache::{Arena, LeastRecentlyUsed};
use vm_engine_interp::Engine;
use vm_engine_interp::native::{
    AVAILABLE, Compiler, HELPERS, Native, NativeRegion, RegionCompiler, RegionWork, Tier, Work,
};
use vm_engine_jit::{Jit, RegionJit};
use vm_engine_template::Templates;
use vm_frontend_riscv64::assemble;

use super::VerifyStats;
use crate::config::Source;
use crate::{Config, ConsoleHub, ConsoleIo, Difference, Firmware, Outcome, Until, Vm};

/// Where programs stand.
const RAM: u64 = 0x8000_0000;
/// A loop that computes, loads, stores and branches; nine instructions, or eight every other time.
const LOOP: [&str; 12] = [
    "auipc sp, 1",
    "addi s1, s1, 3",
    "add s2, s2, s1",
    "addi s3, s3, 1",
    "xor s4, s4, s3",
    "sd s4, 16(sp)",
    "ld s5, 16(sp)",
    "andi t0, s1, 1",
    "beq t0, zero, 0x80000028",
    "addi s6, s6, 1",
    "add s7, s7, s5",
    "jal zero, 0x80000004",
];
/// The address of each of them.
const fn at(number: u64) -> u64 {
    RAM + 4 * number
}

fn words(program: &[&str]) -> Vec<u8> {
    let word = |(number, text): (usize, &&str)| {
        let word = assemble(text, at(number as u64)).expect("an instruction");
        word.0.to_le_bytes()
    };
    program.iter().enumerate().flat_map(word).collect()
}

/// Takes one instruction for another one.
#[derive(Clone, Copy)]
struct Mistake([u8; 4], [u8; 4]);

impl Mistake {
    fn of(number: u64, other: &str) -> Self {
        let word = |text| assemble(text, at(number)).expect("an instruction").0;
        let right = LOOP[number as usize];
        Self(word(right).to_le_bytes(), word(other).to_le_bytes())
    }

    fn make(&self, bytes: &mut [u8]) {
        for word in bytes.chunks_exact_mut(4) {
            if word == self.0 {
                word.copy_from_slice(&self.1);
            }
        }
    }
}

/// A compiler that makes a mistake.
struct Wrong<C>(C, Mistake);

impl<C: Compiler> Compiler for Wrong<C> {
    fn compile(&self, work: &Work) -> Option<Native> {
        let mut work = work.clone();
        self.1.make(&mut work.bytes);
        self.0.compile(&work)
    }

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        self.0.furnish(room);
    }
}

impl<C: RegionCompiler> RegionCompiler for Wrong<C> {
    fn compile(&self, work: &RegionWork) -> Option<NativeRegion> {
        let mut work = work.clone();
        for page in &mut work.pages {
            self.1.make(&mut page.bytes);
        }
        self.0.compile(&work)
    }

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        self.0.furnish(room);
    }
}

fn config(program: &[&str], one_in: u32) -> Config {
    Config {
        kernel: Some(Source::BuiltIn("a program", words(program).leak())),
        firmware: Firmware::None,
        ram_bytes: 16 << 20,
        time: TimeMode::Virtual,
        limit_insns: Some(1_000_000),
        verify: Some(one_in),
        ..Config::default()
    }
}

/// Reads nothing of what is printed.
struct Nobody;

impl ConsoleIo for Nobody {
    fn print(&mut self, _: &[u8]) {}
}

fn quiet() -> ConsoleHub {
    let hub = ConsoleHub::new(Box::new(Nobody));
    hub.close();
    hub
}

/// A machine whose CPU has this tier in place of what its configuration says.
fn machine(config: Config, tier: Tier) -> Vm {
    let mut vm = Vm::new(config, quiet(), None).expect("a machine");
    let start = vm.snapshot();
    let mut engine = Engine::new(vm.board.frontend(), vm.ram.clone(), vm.clock.clone());
    engine.set_tier(tier);
    let verifier = vm.verifier.as_ref().expect("it is verified");
    vm.cpus[0] = Box::new(verifier.verified(0, Box::new(engine.cpu(0))));
    vm.restore(&start, Path::new("x")).expect("its own state");
    vm
}

fn arena() -> Arena<vm_engine_interp::native::Unit> {
    Arena::new(16 << 20, Box::new(LeastRecentlyUsed)).expect("the host has 16 MiB")
}

/// Tiers that make a mistake each: templates, the block compiler, the region compiler.
fn tiers(mistake: Mistake) -> Vec<(&'static str, Tier)> {
    let frontend = || Arc::new(vm_frontend_riscv64::Riscv64::new());
    let templates = || Templates::new(frontend()).expect("a host with native code");
    let jit = || Jit::new(frontend()).expect("a host with native code");
    let inline = || Arc::new(Inline);
    let region = RegionJit::new(frontend()).expect("a host with native code");
    vec![
        (
            "template",
            Tier::new(Arc::new(jit()), inline(), arena(), u32::MAX)
                .with_templates(Arc::new(Wrong(templates(), mistake)), 20),
        ),
        (
            "block",
            Tier::new(Arc::new(Wrong(jit(), mistake)), inline(), arena(), 20),
        ),
        (
            "region",
            Tier::new(Arc::new(jit()), inline(), arena(), 20)
                .with_regions(Arc::new(Wrong(region, mistake)), 1),
        ),
    ]
}

/// Plants a mistake, and wants it to be found where it is, with what it spoils.
fn check(number: u64, other: &str, spoils: &[&str], words: &[u64]) {
    for (name, tier) in tiers(Mistake::of(number, other)) {
        let mut vm = machine(config(&LOOP, 1), tier);
        let ending = vm.run().expect("it runs");
        let what = format!("{other} by {name}");
        assert_eq!(ending.outcome, Outcome::Diverged, "{what}");
        let found = vm.difference().expect("a difference");
        assert!(found.repeats, "{what}: {found:#x?}");
        assert_eq!(found.tier, name, "{what}: {found:#x?}");
        let culprit = found.culprit.as_ref().map(|spot| spot.addr);
        assert_eq!(culprit, Some(at(number)), "{what}: {found:#x?}");
        let names: Vec<_> = found
            .registers
            .iter()
            .map(|(name, ..)| name.as_str())
            .collect();
        assert_eq!(names, spoils, "{what}");
        let places: Vec<_> = found.memory.iter().map(|(at, ..)| *at).collect();
        assert_eq!(places, words, "{what}");
        // The machine stands in front of the block, and its state is that of the interpreter.
        assert_eq!(
            (vm.pc(0), vm.instructions()),
            (found.block.addr, ending.instructions)
        );
        check_state(&mut vm, &found);
    }
}

/// The machine is the one that an interpreter comes to after as many instructions, and goes on
/// from what it saves.
fn check_state(vm: &mut Vm, found: &Difference) {
    let insns = found.retired;
    let mut other = Config {
        verify: None,
        ..config(&LOOP, 1)
    };
    other.limit_insns = Some(insns);
    let mut wanted = Vm::new(other.clone(), quiet(), None).expect("a machine");
    wanted.run().expect("it runs");
    assert_eq!(vm.state_hash(), wanted.state_hash());
    let saved = vm.snapshot();
    let mut again = Vm::new(other, quiet(), None).expect("a machine");
    again
        .restore(&saved, Path::new("x"))
        .expect("its own state");
    assert_eq!(
        (again.pc(0), again.instructions()),
        (found.block.addr, insns)
    );
}

#[test]
fn a_mistake_of_a_compiler_is_found_at_its_instruction() {
    if !AVAILABLE {
        return;
    }
    let word = at(0) + 0x1010;
    check(3, "addi s3, s3, 2", &["s3", "s4", "s5"], &[word]);
    check(2, "sub s2, s2, s1", &["s2"], &[]);
    check(9, "addi s6, s6, 9", &["s6"], &[]);
    check(6, "lb s5, 16(sp)", &["s5"], &[]);
}

#[test]
fn a_store_that_goes_elsewhere_is_found_in_memory() {
    if !AVAILABLE {
        return;
    }
    for (name, tier) in tiers(Mistake::of(5, "sd s4, 24(sp)")) {
        let mut vm = machine(config(&LOOP, 1), tier);
        assert_eq!(vm.run().expect("it runs").outcome, Outcome::Diverged);
        let found = vm.difference().expect("a difference");
        let places: Vec<_> = found.memory.iter().map(|(at, ..)| *at).collect();
        // One of them is the same where what is stored is zero.
        let fits = |at: &u64| [RAM + 0x1010, RAM + 0x1018].contains(at);
        assert!(
            !places.is_empty() && places.iter().all(fits),
            "{name}: {places:x?}"
        );
        let block: Vec<u64> = found.code.iter().map(|(pc, _)| *pc).collect();
        assert!(
            block.contains(&at(5)) && found.repeats,
            "{name}: {found:#x?}"
        );
    }
}

#[test]
fn a_branch_that_goes_elsewhere_is_found() {
    if !AVAILABLE {
        return;
    }
    for (name, tier) in tiers(Mistake::of(8, "beq zero, zero, 0x80000028")) {
        let mut vm = machine(config(&LOOP, 1), tier);
        assert_eq!(vm.run().expect("it runs").outcome, Outcome::Diverged);
        let found = vm.difference().expect("a difference");
        let culprit = found.culprit.as_ref().map(|spot| spot.addr);
        assert_eq!(culprit, Some(at(8)), "{name}: {found:#x?}");
    }
}

#[test]
fn without_a_mistake_nothing_is_found_and_nothing_changed() {
    let run = |engine, verify| {
        let config = Config {
            engine,
            verify,
            jit_threshold: Some(2),
            jit_region_threshold: Some(1),
            cpus: 3,
            ..config(&LOOP, 1)
        };
        let mut vm = Vm::new(config, quiet(), None).expect("a machine");
        let ending = vm.run().expect("it runs");
        (ending, vm.verify_stats())
    };
    let (wanted, none) = run(crate::EngineMode::Interp, None);
    assert_eq!((wanted.outcome, none), (Outcome::Limit, None));
    let engines = [crate::EngineMode::Interp, crate::EngineMode::Jit];
    for engine in &engines[..if AVAILABLE { 2 } else { 1 }] {
        for one_in in [1, 3, 100] {
            let (ending, stats) = run(*engine, Some(one_in));
            assert_eq!(ending, wanted, "{engine:?}, one in {one_in}");
            let VerifyStats {
                runs,
                passed_over,
                insns,
                ..
            } = stats.expect("it was verified");
            let all = runs + passed_over;
            assert_eq!(runs, all / u64::from(one_in), "of {all}");
            assert!(one_in > 1 || insns == ending.instructions, "{insns}");
        }
    }
}

#[test]
fn a_mistake_is_found_by_samples_too() {
    if !AVAILABLE {
        return;
    }
    for (name, tier) in tiers(Mistake::of(3, "addi s3, s3, 2")) {
        let mut vm = machine(config(&LOOP, 4), tier);
        assert_eq!(
            vm.run().expect("it runs").outcome,
            Outcome::Diverged,
            "{name}"
        );
        let found = vm.difference().expect("a difference");
        assert_eq!(found.culprit.map(|spot| spot.addr), Some(at(3)), "{name}");
        let stats = vm.verify_stats().expect("it was verified");
        assert_eq!(
            (stats.runs, stats.passed_over % 3),
            (stats.passed_over / 3, 0)
        );
    }
}

#[test]
fn what_a_device_writes_is_given_to_the_judge() {
    // Adds up what stands in memory, which is changed from outside.
    let program = [
        "auipc sp, 1",
        "ld t0, 16(sp)",
        "add s1, s1, t0",
        "sd s1, 24(sp)",
        "jal zero, 0x80000004",
    ];
    for one_in in [1, 5] {
        let mut vm = Vm::new(config(&program, one_in), quiet(), None).expect("a machine");
        for round in 1..200u64 {
            let until = Until {
                insns: Some(round * 4001),
                ..Until::default()
            };
            vm.run_until(until).expect("it runs");
            assert_eq!(vm.instructions(), round * 4001);
            let at = RAM + 0x1010;
            vm.write_memory(at, &round.to_le_bytes()).expect("RAM");
            assert!(vm.difference().is_none());
        }
        assert!(vm.register(0, "x9").expect("a register") > 198 * 999 * 98);
    }
}

#[test]
fn nothing_is_verified_in_the_time_of_the_host() {
    let config = Config {
        time: TimeMode::Host,
        ..config(&LOOP, 1)
    };
    let refused = Vm::new(config, quiet(), None).err();
    assert!(matches!(refused, Some(crate::VmError::VerifyTime)));
}
