//! What an engine owes a guest, whatever it does inside: a budget is kept to the instruction,
//! changed code runs as it now stands, devices are asked once for each access, and a run gives
//! the same result however it is cut into slices.
//!
//! The guest programs are a few lines of RISC-V, since that is the smallest guest; nothing here
//! is about RISC-V itself, which `tests/isa` covers.
//!
//! Every test runs on each engine: the modules stand twice.
//!
//! **Invariant**: no test depends on how the engine does what it does, only on what it owes.
#![cfg_attr(
    test,
    expect(clippy::duplicate_mod, reason = "the same tests run on each engine")
)]

#[cfg(test)]
mod tier;

/// Everything is interpreted.
#[cfg(test)]
#[path = "."]
mod interp {
    use crate::tier::none as tier;

    /// Whether loops become regions.
    const REGIONS: bool = false;

    #[path = "cache.rs"]
    mod cache;
    #[path = "calls.rs"]
    mod calls;
    #[path = "code.rs"]
    mod code;
    #[path = "device.rs"]
    mod device;
    #[path = "floats.rs"]
    mod floats;
    #[path = "fuel.rs"]
    mod fuel;
    #[path = "loops.rs"]
    mod loops;
    #[path = "memory.rs"]
    mod memory;
    #[path = "ops.rs"]
    mod ops;
    #[path = "random.rs"]
    mod random;
    #[path = "rig.rs"]
    mod rig;
    #[path = "slices.rs"]
    mod slices;
    #[path = "split.rs"]
    mod split;
    #[path = "stops.rs"]
    mod stops;
    #[path = "threads.rs"]
    mod threads;
    #[path = "turns.rs"]
    mod turns;
    #[path = "witness.rs"]
    mod witness;
}

/// Everything that is entered is compiled first, where the host can run what is made.
///
/// Random blocks are missing: an instruction that native code leaves to the interpreter is lifted
/// alone, and theirs use values of the instructions before.
#[cfg(test)]
#[path = "."]
mod jit {
    use crate::tier::at_once as tier;

    /// Whether loops become regions.
    const REGIONS: bool = false;

    #[path = "cache.rs"]
    mod cache;
    #[path = "calls.rs"]
    mod calls;
    #[path = "code.rs"]
    mod code;
    #[path = "device.rs"]
    mod device;
    #[path = "floats.rs"]
    mod floats;
    #[path = "fuel.rs"]
    mod fuel;
    #[path = "loops.rs"]
    mod loops;
    #[path = "memory.rs"]
    mod memory;
    #[path = "ops.rs"]
    mod ops;
    #[path = "rig.rs"]
    mod rig;
    #[path = "slices.rs"]
    mod slices;
    #[path = "split.rs"]
    mod split;
    #[path = "stops.rs"]
    mod stops;
    #[path = "threads.rs"]
    mod threads;
    #[path = "turns.rs"]
    mod turns;
    #[path = "witness.rs"]
    mod witness;
}

/// Everything is compiled, and loops in which slices end become regions.
#[cfg(test)]
#[path = "."]
mod regions {
    use crate::tier::in_regions as tier;

    /// Whether loops become regions.
    const REGIONS: bool = true;

    #[path = "cache.rs"]
    mod cache;
    #[path = "calls.rs"]
    mod calls;
    #[path = "code.rs"]
    mod code;
    #[path = "device.rs"]
    mod device;
    #[path = "floats.rs"]
    mod floats;
    #[path = "fuel.rs"]
    mod fuel;
    #[path = "loops.rs"]
    mod loops;
    #[path = "memory.rs"]
    mod memory;
    #[path = "ops.rs"]
    mod ops;
    #[path = "rig.rs"]
    mod rig;
    #[path = "slices.rs"]
    mod slices;
    #[path = "split.rs"]
    mod split;
    #[path = "stops.rs"]
    mod stops;
    #[path = "threads.rs"]
    mod threads;
    #[path = "turns.rs"]
    mod turns;
    #[path = "witness.rs"]
    mod witness;
}

/// As `jit`, with templates before the compiler.
#[cfg(test)]
#[path = "."]
mod template {
    use crate::tier::templates as tier;

    /// Whether loops become regions.
    const REGIONS: bool = false;

    #[path = "cache.rs"]
    mod cache;
    #[path = "calls.rs"]
    mod calls;
    #[path = "code.rs"]
    mod code;
    #[path = "device.rs"]
    mod device;
    #[path = "floats.rs"]
    mod floats;
    #[path = "fuel.rs"]
    mod fuel;
    #[path = "loops.rs"]
    mod loops;
    #[path = "memory.rs"]
    mod memory;
    #[path = "ops.rs"]
    mod ops;
    #[path = "rig.rs"]
    mod rig;
    #[path = "slices.rs"]
    mod slices;
    #[path = "split.rs"]
    mod split;
    #[path = "stops.rs"]
    mod stops;
    #[path = "threads.rs"]
    mod threads;
    #[path = "turns.rs"]
    mod turns;
    #[path = "witness.rs"]
    mod witness;
}
