//! What shells and `man` want to know: completions and manual pages, made from the arguments.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::diagnose::file;
use crate::out;
use crate::report::Report;

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> Result<u8, Report> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vm", &mut text);
    out::print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// Writes one manual page a command into a folder, or prints the first.
pub fn man(folder: Option<&Path>) -> Result<u8, Report> {
    if let Some(folder) = folder {
        let written = clap_mangen::generate_to(Cli::command(), folder);
        let what = "can not be written as a folder of manual pages";
        written.map_err(|error| file(folder, what, &error))?;
        return Ok(0);
    }
    let mut text = Vec::new();
    // Nothing refuses bytes that go to memory.
    let _ = clap_mangen::Man::new(Cli::command()).render(&mut text);
    out::print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
