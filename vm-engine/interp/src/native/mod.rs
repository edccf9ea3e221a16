//! Host code for guest code: what a compiler gives, and how its code and the handlers meet.
//!
//! The handlers of a block and the native code for it do the same.
//! Native code is entered from handlers by the first handler of the block, which is replaced, and
//! from other native code by the block's [`Head`]; it goes on to handlers by the heads of blocks
//! that have no native code.
//! So control changes over at every border between blocks, at the cost of a jump or two.
//!
//! **Convention.** Native code is entered at [`Head::entry`] with its CPU pointer (see
//! [`Places`]) in the first argument register, the head of the block in the second, the block that
//! was left in the third.
//! On x86-64, the CPU's struct is in the frame pointer's register, and the fuel in the register
//! that the compiler keeps free for it; where [`KEEPS_FRAMES`], the fuel is the fourth argument.
//! The page of [`crate::cpu::Cpu::pc`] is that of the block; its low bits may be stale, since jumps
//! inside a page leave it alone.
//! Every register may be changed: whoever called handlers or native code from outside has saved
//! them ([`run`]).
//!
//! **Calls.** On x86-64, the stack holds for each call of the guest that native code has noted the
//! address that it will return to, and above that the host's address to go on at then; so the
//! host's own prediction of returns works for the guest's.
//! Both are worth a comparison only: a guest may return to where it likes.
//! Native code finds two such words, and leaves what it does not know of as it is; gates that lead
//! out of native code take everything away.
//! [`Places::STACK_END`] bounds it.
//! Elsewhere the stack holds nothing.
//!
//! **Straight ways.** Code that has [`Ways`] is also entered by jumps from others of its kind,
//! with the CPU's pointers in their registers and nothing in the others.
//!
//! **Slow paths.** A load or store that the TLB does not answer goes to [`Gates::miss`], which
//! fills the TLB and returns, or gives control back by the saved stack pointer: then the
//! interpreter does the instruction, from its beginning.
//! Whatever else may stop does the same.

mod compiler;
mod gates;
mod heat;
// HOST-ARCH: gates are assembly.
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
// HOST-ARCH: as above.
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
// HOST-ARCH: as above.
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
// HOST-ARCH: none are written for other hosts.
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )),
    path = "elsewhere.rs"
)]
mod host;
mod listing;
mod places;
mod region;
mod seen;
mod span;
mod sync;
mod tier;
mod witness;

pub use crate::flat::{EXITS, Head};
pub use compiler::{Compiler, HELPERS, Native, Work};
pub(crate) use gates::unlinked;
pub use gates::{Call, Gates, Miss};
pub(crate) use heat::heated;
pub use host::{AVAILABLE, KEEPS_FRAMES};
pub(crate) use host::{HOOK, run};
pub use listing::{IR, Line, Listed, Listing, Mark, Stage, Whence};
pub use places::{Places, place_name};
pub use region::{Entrance, Member, NativeRegion, RegionCompiler, RegionPage, RegionWork};
pub(crate) use region::{Looked, Region, Regions, Samples};
pub use seen::Seen;
pub(crate) use span::{Span, SpanPage};
pub(crate) use tier::Made;
pub use tier::{Tier, TierStats, Unit};
pub use vm_engine_cache::Ways;
pub use witness::{Birth, Origin, Witness};
pub(crate) use witness::{Someone, tell, wants};
