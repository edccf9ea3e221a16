//! The program behind `cargo xtask`; the tasks are in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests_xtask::command::main()
}
