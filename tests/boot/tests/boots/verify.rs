//! Native code that is held to the interpreter while guests run.

use tests_boot::Guest;
use vm_runtime::{EngineMode, JitTier, Outcome};

use super::code::ALL;
use super::engines::{ENGINES, on};

#[test]
fn native_code_for_harts_that_rewrite_each_others_pages_is_what_the_interpreter_does() {
    for engine in &ENGINES[1..] {
        let mut machine = on(ALL.guest(), *engine).verified().machine();
        let ending = machine.vm.run().expect("the machine runs");
        let found = machine.vm.difference();
        assert_eq!(ending.outcome, Outcome::PowerOff, "{engine:?}: {found:#x?}");
    }
}

/// How much of a boot is held to the interpreter.
const VERIFIED: u64 = 100_000_000;

#[test]
fn a_linux_boot_by_native_code_is_what_the_interpreter_does() {
    if !vm_runtime::COMPILES {
        return;
    }
    for tiers in [None, Some(&[JitTier::Block, JitTier::Region])] {
        let Some(guest) = Guest::linux("smp") else {
            return;
        };
        let guest = guest.seed(7).limit(VERIFIED).verified();
        let guest = guest.engine(EngineMode::Hybrid, Some(4)).regions(Some(1));
        let guest = match tiers {
            Some(tiers) => guest.tiers(tiers),
            None => guest,
        };
        let mut machine = guest.machine();
        let ending = machine.vm.run().expect("the machine runs");
        assert_eq!(
            ending.outcome,
            Outcome::Limit,
            "{:#x?}",
            machine.vm.difference()
        );
        let verified = machine.vm.verify_stats().expect("it is verified");
        assert_eq!(verified.insns, VERIFIED);
        let stats = machine.vm.tier_stats().expect("there is native code");
        let made = if tiers.is_some() {
            stats.published
        } else {
            stats.templates
        };
        assert!(made > 1000 && stats.regions > 5, "{stats:?}");
    }
}
