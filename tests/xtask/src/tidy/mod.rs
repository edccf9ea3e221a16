//! The rules that keep the architecture an architecture, checked in seconds.
//!
//! [`RULES`] is the table; each rule is a function from the [`Tree`] of files to findings, and
//! has a test that shows it a bad sample.
//! Rules read text, not compiled code, so they also hold on a tree that does not build.

mod arrows;
mod dead;
mod docs;
mod effects;
mod host;
mod manifest;
mod names;
mod rules;
mod scan;
mod size;
mod skip;
mod text;
mod tree;
mod unfinished;
mod unsafety;
mod unused;

pub use rules::{RULES, Rule, main};
pub use tree::{Finding, Tree};
