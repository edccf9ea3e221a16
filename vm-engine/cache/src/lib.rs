//! The memory that host code lives in.
//!
//! [`Arena`] is a bounded piece of memory, cut into windows of 256 KiB.
//! Code is placed behind code in the open window; a full window is closed, and when none is left
//! the [`Policy`] names one that goes as a whole.
//! Its owner undoes all that leads there ([`Entry`] cells, maps, jump caches), retires it, and
//! gets it back when every CPU has passed a safe point, which [`Epochs`] tells: a CPU that runs
//! host code holds no lock and writes nothing shared, it only says when it goes in, passes by
//! its dispatcher, and comes out.
//!
//! A piece of code may say where its jumps to others stand ([`Ways`]); then these can be led
//! straight to other pieces, and come back by themselves when those are forgotten or go.
//!
//! **Invariant**: code is complete and published before any cell leads to it.
//!
//! **Invariant**: a window is written again only when no CPU can be in it or come to it.
//!
//! **Invariant**: no page is writable and executable at one address, and none changes its rights.

mod arena;
mod entry;
mod epochs;
mod padding;
mod policy;
mod sync;
mod ways;
mod window;

pub use arena::{ALIGN, WINDOW_BYTES};
pub use arena::{Arena, ArenaError, Departed, Evicted, NoRoom, Place, Stats, UnitId};
pub use entry::{Entry, Toll, heed};
pub use epochs::{Epochs, Inside, Stamp};
pub use policy::{LeastRecentlyUsed, Policy, WindowView};
pub use ways::{EXITS, Ways};
