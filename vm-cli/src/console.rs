//! The guest's console on the user's terminal.

mod escape;
mod input;
mod keys;
pub mod log;
mod phases;
mod progress;
mod screen;
pub mod terminal;

pub use input::{Keyboard, Pipe};
pub use progress::Progress;
pub use screen::{Failure, Screen};

/// How to leave, for a first line.
pub const BANNER: &str = "Ctrl-] q leaves, Ctrl-] h shows more keys\r\n";

/// The keys, for `Ctrl-] h`.
const KEYS: &str = "\r\n\
Ctrl-] q       end the run (also Ctrl-A x)\r\n\
Ctrl-] r       press the machine's reset button\r\n\
Ctrl-] s       instructions, guest time, speed\r\n\
Ctrl-] h       these lines\r\n\
Ctrl-] Ctrl-]  send Ctrl-] to the guest; Ctrl-A a sends Ctrl-A\r\n";
