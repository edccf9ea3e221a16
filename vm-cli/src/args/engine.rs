//! The arguments about what runs guest code, which several commands share.

use clap::{Args, ValueEnum};

use crate::units::{size, verify_rate};

/// The usual size of the memory for native code.
pub const CODE_CACHE: &str = "64M";

/// What runs guest code.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// What runs guest code; without it both, as it pays, where there is a compiler for the host
    #[arg(long, value_enum)]
    pub engine: Option<EngineKind>,
    /// Compile what was entered so often
    #[arg(long, value_name = "N", hide = true)]
    pub jit_threshold: Option<u32>,
    /// Compile the loop around a block in which so many slices have ended
    #[arg(long, value_name = "N", hide = true)]
    pub jit_region_threshold: Option<u32>,
    /// Which compilers there are
    #[arg(
        long,
        value_name = "LIST",
        value_enum,
        value_delimiter = ',',
        hide = true
    )]
    pub jit_tiers: Option<Vec<TierKind>>,
    /// How much memory native code may take, from 1M to 4G
    ///
    /// What does not fit is made again when it is needed: --code-cache 16M
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = CODE_CACHE)]
    pub code_cache: u64,
    /// Hold native code to the interpreter and stop at the first difference; in virtual time
    ///
    /// Every run of a CPU is repeated by the interpreter. With 1/N only one run in N is, which is
    /// faster: --time virtual --verify=1/50
    #[arg(long, value_name = "1/N", num_args = 0..=1, require_equals = true)]
    #[arg(value_parser = verify_rate, default_missing_value = "1")]
    pub verify: Option<u32>,
}

/// A compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TierKind {
    /// Templates: quick to make.
    Template,
    /// The block compiler.
    Block,
    /// The region compiler: loops as a whole; only beside the block compiler.
    Region,
}

/// What runs guest code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// The interpreter alone.
    Interp,
    /// The compiler, for everything that is run twice.
    Jit,
    /// The interpreter first, the compiler for what is run often.
    Hybrid,
}
