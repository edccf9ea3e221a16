//! The arguments of `vm test`.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::EngineArgs;
use crate::units::{duration, number};

/// The arguments of `vm test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Test files, or folders with files that end with .boot.toml
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,

    /// Only tests whose name FILE::NAME contains this; a whole name is that test alone
    #[arg(long, value_name = "TEXT", help_heading = "Which tests")]
    pub filter: Option<String>,
    /// Only print the names of the tests
    #[arg(long, help_heading = "Which tests")]
    pub list: bool,

    /// How many tests run at a time; as many as there are processors if not given
    #[arg(short, long, value_name = "N", value_parser = value_parser!(u32).range(1..=512))]
    #[arg(help_heading = "How they run")]
    pub jobs: Option<u32>,
    /// Run each test so many times, and compare the states at the end
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u32).range(1..=100_000), help_heading = "How they run")]
    pub repeat: u32,
    /// What all chance grows from, in place of what the files say
    #[arg(long, value_name = "N", value_parser = number, help_heading = "How they run")]
    pub seed: Option<u64>,
    /// A guest hangs if nothing happens for so long in guest time, unless its file says
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "How they run")]
    pub watchdog: Option<u64>,
    /// Go on after a test has failed
    #[arg(long, help_heading = "How they run")]
    pub no_fail_fast: bool,

    /// What runs guest code.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// Write the results to a file in the form of JUnit
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub junit: Option<PathBuf>,

    /// Run the test with this number in this process, for the process that runs all
    #[arg(long, hide = true, requires = "scratch")]
    pub one: Option<usize>,
    /// The folder for the disks of that test
    #[arg(long, hide = true)]
    pub scratch: Option<PathBuf>,
}
