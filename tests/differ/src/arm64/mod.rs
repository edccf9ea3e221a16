//! Programs of random ARM64 encodings.

mod assemble;
mod make;
mod rules;

pub use make::program;

/// The number of ARM64 in ELF files.
const ELF_MACHINE: u16 = 183;

/// The judge's name among the images.
pub const JUDGE: &str = "qemu/qemu-aarch64";

/// How the judge is called: a CPU that has FEAT_LSE but no pointer authentication, whose hints
/// would not be hints.
pub const JUDGE_ARGS: [&str; 2] = ["-cpu", "neoverse-n1"];
