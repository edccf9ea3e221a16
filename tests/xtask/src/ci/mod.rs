//! Everything that has to hold before a change is merged, as one task.

mod output;
mod steps;

pub use steps::main;
