//! Signals of the host, handled on a thread of their own.

use std::io;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::flag::register;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// End the run: an interrupt, a request to terminate, or a terminal that is gone.
    End,
    /// Stop for a while: the process should call [`stop_self`] when it is ready.
    Stop,
    /// It goes on after a stop.
    Continue,
}

/// The signals that are handled: number, meaning.
const SIGNALS: [(i32, Signal); 5] = [
    (SIGINT, Signal::End),
    (SIGTERM, Signal::End),
    (SIGHUP, Signal::End),
    (SIGTSTP, Signal::Stop),
    (SIGCONT, Signal::Continue),
];

/// From now on signals are handled here and not by their defaults.
pub fn on_signals(mut handle: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new(SIGNALS.map(|(number, _)| number))?;
    let wait = move || {
        for number in signals.forever() {
            let known = SIGNALS.into_iter().find(|(known, _)| *known == number);
            if let Some((_, meaning)) = known {
                handle(meaning);
            }
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)
        .map(drop)
}

/// From now on a write beyond the size that the host allows a file is an error of that write and
/// not the end of this process.
pub fn survive_file_limit() -> io::Result<()> {
    // What the handler sets is not read: that there is one makes the difference.
    register(SIGXFSZ, Arc::default()).map(drop)
}

/// Stops this process as the terminal's stop key would have.
pub fn stop_self() {
    // It can only fail for signals that have no default, and this one has.
    let _ = emulate_default_handler(SIGTSTP);
}
