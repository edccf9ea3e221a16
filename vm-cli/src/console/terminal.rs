//! The terminal: taken for the guest, and always given back.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal was found; there is one terminal, and signals and panics must reach it.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives the terminal back when it goes.
#[derive(Debug)]
pub struct Taken(());

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
        *found() = None;
    }
}

/// Takes the terminal: every key goes to the guest as it is, and nothing is echoed.
pub fn take() -> io::Result<Taken> {
    let before = tcgetattr(stdin())?;
    *found() = Some(before);
    let taken = Taken(());
    let then = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        then(panic);
    }));
    take_again()?;
    Ok(taken)
}

/// Takes the terminal after it was given back for a while.
pub fn take_again() -> io::Result<()> {
    match &*found() {
        Some(before) => {
            let mut raw = before.clone();
            raw.make_raw();
            Ok(tcsetattr(stdin(), OptionalActions::Drain, &raw)?)
        }
        None => Ok(()),
    }
}

/// Gives the terminal back as it was found.
pub fn give_back() {
    if let Some(before) = &*found() {
        // A terminal that has gone needs nothing more.
        let _ = tcsetattr(stdin(), OptionalActions::Now, before);
    }
}

fn found() -> MutexGuard<'static, Option<Termios>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}
