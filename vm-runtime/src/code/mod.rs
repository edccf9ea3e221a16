//! What the engine makes, for people: how the code at an address came about, and a map of native
//! code for profilers.

mod dump;
mod host;
mod perf;
mod watch;

pub use dump::{CodeDump, DumpedBlock, DumpedInsn, HostLine};
pub use perf::PerfMap;
pub(crate) use watch::Watch;
