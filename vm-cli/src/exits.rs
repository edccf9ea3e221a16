//! The exit codes, and which of them the ending of a run has.

use vm_runtime::Outcome;

/// A row of the table.
pub struct Exit {
    /// The code.
    pub code: u8,
    /// What it means.
    pub text: &'static str,
}

const fn row(code: u8, text: &'static str) -> Exit {
    Exit { code, text }
}

/// All exit codes; a guest that fails with a number of its own adds the rest of 1 to 63.
pub const EXITS: &[Exit] = &[
    row(
        0,
        "the guest ended as asked: it powered off, or restarted with --no-reboot; \
         all tests pass",
    ),
    row(
        1,
        "the guest failed, with a number that is not from 1 to 63 (1 to 63: with that number); \
         a test failed, whatever its verdict: fail, panic, hang, timeout",
    ),
    row(
        2,
        "the command line, the configuration, a test file or a file given to it is wrong",
    ),
    row(69, "the host lacks something that is required"),
    row(
        75,
        "the host failed, as by a full disk: it is safe to try again; \
         no test failed, but some could not be judged (infra)",
    ),
    row(124, "the instruction limit was reached"),
    row(
        125,
        "an error of this program; two runs of a test with one seed differ; with --verify, native \
         code and the interpreter differ",
    ),
    row(130, "interrupted by the user or a signal"),
    row(
        134,
        "the guest panicked, or a CPU is stuck: a trap came that could not be delivered",
    ),
    row(
        135,
        "the guest hangs: every CPU waits and nothing can wake any of them, or one does nothing \
         but trap, or --watchdog saw nothing happen",
    ),
];

/// The numbers of a guest that become exit codes.
// LIMIT: 64 and above are codes of the host's conventions, which a guest should not imitate.
const GUEST_CODES: std::ops::RangeInclusive<u32> = 1..=63;

/// The word for an outcome in JSON, and its exit code.
#[must_use]
pub fn verdict(outcome: Outcome) -> (&'static str, u8) {
    match outcome {
        Outcome::PowerOff => ("power-off", 0),
        Outcome::Reset => ("reset", 0),
        Outcome::Failed(code) if GUEST_CODES.contains(&code) => ("failed", code as u8),
        Outcome::Failed(_) => ("failed", 1),
        Outcome::Panicked => ("panicked", 134),
        Outcome::Stuck { .. } => ("stuck", 134),
        Outcome::Trapping { .. } | Outcome::Hung | Outcome::Silent => ("hung", 135),
        Outcome::Limit => ("limit", 124),
        Outcome::Diverged => ("diverged", 125),
        Outcome::Interrupted => ("interrupted", 130),
    }
}

/// What happened, in a sentence; nothing for an ending that the guest was asked for.
#[must_use]
pub fn sentence(outcome: Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::PowerOff | Outcome::Reset => return None,
        Outcome::Interrupted => "the run was interrupted".to_owned(),
        Outcome::Failed(code) => format!("the guest failed with number {code}"),
        Outcome::Panicked => "the guest's kernel panicked".to_owned(),
        Outcome::Stuck { cpu } => {
            format!("CPU {cpu} is stuck: a trap came that could not be delivered")
        }
        Outcome::Trapping { cpu } => {
            format!("the guest hangs: CPU {cpu} does nothing but trap, in its trap handler too")
        }
        Outcome::Hung => "the guest hangs: every CPU waits and nothing can wake any".to_owned(),
        Outcome::Silent => {
            "the guest hangs: it has done nothing for as long as --watchdog permits".to_owned()
        }
        Outcome::Limit => "the instruction limit was reached".to_owned(),
        Outcome::Diverged => "native code and the interpreter differ".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_documented_exit_code() {
        for (outcome, want) in [
            (Outcome::PowerOff, ("power-off", 0)),
            (Outcome::Reset, ("reset", 0)),
            (Outcome::Failed(0), ("failed", 1)),
            (Outcome::Failed(1), ("failed", 1)),
            (Outcome::Failed(63), ("failed", 63)),
            (Outcome::Failed(64), ("failed", 1)),
            (Outcome::Failed(256), ("failed", 1)),
            (Outcome::Panicked, ("panicked", 134)),
            (Outcome::Stuck { cpu: 3 }, ("stuck", 134)),
            (Outcome::Trapping { cpu: 1 }, ("hung", 135)),
            (Outcome::Hung, ("hung", 135)),
            (Outcome::Silent, ("hung", 135)),
            (Outcome::Limit, ("limit", 124)),
            (Outcome::Diverged, ("diverged", 125)),
            (Outcome::Interrupted, ("interrupted", 130)),
        ] {
            let got = verdict(outcome);
            assert_eq!(got, want, "{outcome:?}");
            let documented = EXITS.iter().any(|row| row.code == got.1);
            assert!(
                documented || GUEST_CODES.contains(&u32::from(got.1)),
                "{outcome:?}"
            );
        }
    }
}
