//! How a run ended.

use vm_device_bus::Request;

use crate::OnReset;

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest switched the machine off.
    PowerOff,
    /// The guest restarted the machine, and restarts end the run.
    Reset,
    /// The guest ended the run with a code of its own.
    Failed(u32),
    /// The guest's kernel panicked.
    Panicked,
    /// A CPU can not go on: a trap came while none could be delivered.
    Stuck {
        /// Which CPU.
        cpu: u32,
    },
    /// A CPU does nothing but trap, and nothing can come between: its trap handler traps.
    Trapping {
        /// Which CPU.
        cpu: u32,
    },
    /// Every CPU waits and nothing can wake any of them.
    Hung,
    /// The guest has printed nothing, read nothing and asked no disk for as long as the watchdog
    /// permits.
    Silent,
    /// The instruction limit was reached.
    Limit,
    /// The engine and the interpreter, which it is held to, came to different states.
    Diverged,
    /// The user ended the run.
    Interrupted,
}

/// How a run ended, with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What ended it.
    pub outcome: Outcome,
    /// Instructions executed by all CPUs.
    pub instructions: u64,
    /// Guest time in nanoseconds.
    pub guest_ns: u64,
    /// How often the guest or the user restarted the machine.
    pub resets: u32,
    /// The hash of the whole state, in virtual time.
    pub state_hash: Option<u64>,
}

/// What a request ends the run with; `None` if the machine starts again.
///
/// `panicked` says that the console has shown a kernel's panic since the machine was started,
/// `crashed` that the guest has said so itself and was about to save what could be saved.
pub(crate) fn end_of(
    request: Request,
    on_reset: OnReset,
    panicked: bool,
    crashed: bool,
) -> Option<Outcome> {
    let (restart, panicked) = match request {
        Request::Crashed => unreachable!("the guest goes on"),
        Request::PowerOff if crashed => return Some(Outcome::Panicked),
        Request::PowerOff => return Some(Outcome::PowerOff),
        Request::Fail(code) => return Some(Outcome::Failed(code)),
        Request::Panicked { restart } => (restart, true),
        Request::Reset => (true, panicked),
    };
    match on_reset {
        OnReset::Always if restart => None,
        _ if panicked => Some(Outcome::Panicked),
        OnReset::End => Some(Outcome::Reset),
        OnReset::Restart | OnReset::Always => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_and_the_setting_decide_how_it_goes_on() {
        let shutdown = Request::Panicked { restart: false };
        let again = Request::Panicked { restart: true };
        let ended = Some(Outcome::Panicked);
        for (request, panicked, restart, end, always) in [
            (Request::Reset, false, None, Some(Outcome::Reset), None),
            (Request::Reset, true, ended, ended, None),
            (again, false, ended, ended, None),
            (shutdown, false, ended, ended, ended),
            (shutdown, true, ended, ended, ended),
        ] {
            let settings = [OnReset::Restart, OnReset::End, OnReset::Always];
            let found = settings.map(|on_reset| end_of(request, on_reset, panicked, false));
            assert_eq!(found, [restart, end, always], "{request:?} {panicked}");
        }
        for on_reset in [OnReset::Restart, OnReset::End, OnReset::Always] {
            for (request, outcome) in [
                (Request::PowerOff, Outcome::PowerOff),
                (Request::Fail(3), Outcome::Failed(3)),
            ] {
                assert_eq!(end_of(request, on_reset, true, false), Some(outcome));
            }
            assert_eq!(end_of(Request::PowerOff, on_reset, true, true), ended);
        }
    }
}
