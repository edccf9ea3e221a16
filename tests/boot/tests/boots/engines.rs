//! The engines are one and the same to a guest: equal state, counts and time at every end.

use tests_boot::{Boot, Guest};
use vm_runtime::{COMPILES, EngineMode, JitTier, Outcome};

/// What a guest is run on.
pub const ENGINES: &[Engine] = if COMPILES { &ALL } else { ALL.split_at(1).0 };

const ALL: [Engine; 9] = [
    (EngineMode::Interp, None, None),
    (EngineMode::Jit, None, None),
    (EngineMode::Jit, Some(50), Some(&[JitTier::Block])),
    (EngineMode::Jit, None, Some(&[JitTier::Template])),
    (
        EngineMode::Jit,
        Some(2),
        Some(&[JitTier::Block, JitTier::Region]),
    ),
    (
        EngineMode::Jit,
        Some(2),
        Some(&[JitTier::Template, JitTier::Region]),
    ),
    (EngineMode::Jit, Some(2), Some(&[JitTier::Region])),
    (EngineMode::Hybrid, Some(20), None),
    (EngineMode::Hybrid, Some(20), Some(&[JitTier::Block])),
];
/// An engine, from the how manieth time on a block is compiled, and by which compilers.
pub type Engine = (EngineMode, Option<u32>, Option<&'static [JitTier]>);

/// What can be told apart: how it ended, the state, and what was printed.
pub fn left(boot: &Boot) -> (Outcome, u64, u64, Option<u64>, &str) {
    let ending = &boot.ending;
    (
        ending.outcome,
        ending.instructions,
        ending.guest_ns,
        ending.state_hash,
        &boot.text,
    )
}

/// The guest on an engine.
pub fn on(guest: Guest, (engine, threshold, tiers): Engine) -> Guest {
    let guest = guest.engine(engine, threshold).regions(Some(1));
    match tiers {
        Some(tiers) => guest.tiers(tiers),
        None => guest,
    }
}

fn check(guest: impl Fn() -> Option<Guest>) -> Option<()> {
    let run = |engine| Some(on(guest()?, engine).run());
    let wanted = run(ENGINES[0])?;
    assert!(wanted.ending.state_hash.is_some(), "the time is virtual");
    for engine in &ENGINES[1..] {
        let found = run(*engine)?;
        assert_eq!(left(&wanted), left(&found), "{engine:?}");
    }
    Some(())
}

#[test]
fn the_demo_is_the_same_on_every_engine() {
    let typed = |guest: Guest| {
        guest
            .limit(2_000_000_000)
            .send("vm> ", "cpu\n")
            .send("vm> ", "bench\n")
            .send("vm> ", "irq\n")
            .send("vm> ", "off\n")
    };
    for cpus in [1, 4] {
        check(|| Some(typed(Guest::demo().cpus(cpus).seed(3))));
    }
}

#[test]
fn the_privileged_checks_are_the_same_on_every_engine() {
    let program = include_bytes!("../../../guests/priv/priv.bin");
    check(|| Some(Guest::bare(program).cpus(2).seed(1).limit(200_000_000)));
}

#[test]
fn a_linux_boot_is_the_same_on_every_engine() {
    check(|| Some(Guest::linux("smp")?.cpus(2).seed(7)));
}
