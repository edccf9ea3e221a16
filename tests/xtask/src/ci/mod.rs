//! Everything that has to hold before a change is merged, as one task.

mod hosts;
mod output;
mod steps;

pub use steps::main;
