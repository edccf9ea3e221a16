//! The comparison, on hosts whose processor can judge.

mod compare;
mod native;
mod ours;
mod sample;
mod state;
