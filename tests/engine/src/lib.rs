//! What an engine owes a guest, whatever it does inside: a budget is kept to the instruction,
//! changed code runs as it now stands, devices are asked once for each access, and a run gives
//! the same result however it is cut into slices.
//!
//! The guest programs are a few lines of RISC-V, since that is the smallest guest; nothing here
//! is about RISC-V itself, which `tests/isa` covers.
//!
//! Every test runs on each engine: the module of all tests stands once for each.
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

    #[path = "random.rs"]
    mod random;
    #[path = "suite.rs"]
    mod suite;
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

    #[path = "suite.rs"]
    mod suite;
}

/// Everything is compiled, and loops in which slices end become regions.
#[cfg(test)]
#[path = "."]
mod regions {
    use crate::tier::in_regions as tier;

    /// Whether loops become regions.
    const REGIONS: bool = true;

    #[path = "suite.rs"]
    mod suite;
}

/// As `jit`, with templates before the compiler.
#[cfg(test)]
#[path = "."]
mod template {
    use crate::tier::templates as tier;

    /// Whether loops become regions.
    const REGIONS: bool = false;

    #[path = "suite.rs"]
    mod suite;
}
