//! Judged by three others: `rustc_apfloat`, the host's arithmetic, and facts from the manuals.
//!
//! Random tests name their seed when they fail; `VM_TEST_SEED` replays one and `VM_TEST_ROUNDS`
//! sets how long they run.

mod apfloat;
mod facts;
mod half;
mod host;
pub(super) mod patterns;
mod root;
