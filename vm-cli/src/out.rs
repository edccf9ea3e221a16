//! Standard output and standard error, without a panic when nobody reads them.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::args::ColorWhen;
use crate::codes;
use crate::report::Report;

/// Writes to standard output; a reader that has gone is no error.
pub fn print(text: &str) -> Result<(), Report> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(output_error(&error)),
        _ => Ok(()),
    }
}

/// Writes to standard error, as well as that goes.
pub fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// The complaint about standard output.
#[must_use]
pub fn output_error(error: &io::Error) -> Report {
    Report::new(codes::OUTPUT, "standard output can not be written")
        .at("standard output", error.to_string())
        .help("look for a full disk, or for a reader that has gone")
}

/// How wide standard error is, as far as that can be known.
#[must_use]
pub fn columns() -> usize {
    /// What is usual where nobody looks yet.
    const USUAL: usize = 160;
    let terminal = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok();
    let terminal = terminal.map(|size| usize::from(size.ws_col));
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    let columns = terminal.filter(|columns| *columns > 0).or_else(said);
    columns.unwrap_or(USUAL)
}

/// Whether messages on standard error have colours.
#[must_use]
pub fn colors(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !unwanted && io::stderr().is_terminal()
        }
    }
}
