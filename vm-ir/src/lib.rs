//! The shared intermediate representation.
//!
//! A guest architecture says what its instructions mean by lifting them to the operations
//! defined here, once; every engine runs those operations and knows nothing of the guest.
//! [`ops`] is the table of operations: name, types, effects and meaning, each written once.
//! [`Block`] is straight-line code over them, [`Builder`] writes it, [`Frontend`] is what an
//! architecture offers to an engine, and [`float`] is the exact arithmetic behind the
//! floating-point operations.
//! [`passes`] makes blocks shorter, [`text`] prints and parses them, [`verify`](mod@verify)
//! refuses what an engine must not run, [`reference`](mod@reference) runs a block with nothing
//! clever, and [`sample`] makes random ones, so that engines can be tested against it.
//!
//! **Invariant**: operations are total: every input has exactly one result, on every host.
//!
//! **Invariant**: guest state is read by `get` and written by `set`, and by helpers that say so.
//!
//! **Invariant**: within one guest instruction no `set` comes before an operation that may trap,
//! so that at each such operation the state is the one at the instruction's start.

pub mod block;
pub mod builder;
#[cfg(test)]
mod edges;
pub mod float;
mod float_ops;
pub mod frontend;
pub mod ops;
pub mod passes;
pub mod reference;
pub mod rows;
pub mod sample;
pub mod target;
pub mod text;
pub mod types;
pub mod verify;
mod vitals;

pub use block::{Block, Effect, End, Hint, Id, Inst, MemArg, Order};
pub use builder::{Builder, Val};
pub use float_ops::{eval_float, format};
pub use frontend::{
    Context, Effects, Frontend, Helper, HelperCx, Layout, Lifted, Request, SlotId, SlotInfo, Text,
};
pub use ops::{Op, Shape};
pub use target::{Feature, Target, TargetRegister};
pub use types::Type;
pub use vitals::{StackRules, TrapNote, Vitals};
