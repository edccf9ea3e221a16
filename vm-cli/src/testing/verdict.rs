//! What a test came to.

use vm_runtime::Outcome;

/// A verdict; the word is what JSON and messages have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// All steps did what they should.
    Pass,
    /// The guest did something else than the test expects.
    Fail,
    /// The guest's kernel panicked, or a CPU is stuck.
    Panic,
    /// The guest hangs.
    Hang,
    /// Guest time or instructions ran out.
    Timeout,
    /// Two runs of one seed, or native code and the interpreter, came to different states.
    Diverged,
    /// The test can not be carried out as it is written.
    Error,
    /// The host failed, which says nothing about the guest.
    Infra,
    /// The user ended the run.
    Interrupted,
}

/// All verdicts with their words.
const WORDS: [(Verdict, &str); 9] = [
    (Verdict::Pass, "pass"),
    (Verdict::Fail, "fail"),
    (Verdict::Panic, "panic"),
    (Verdict::Hang, "hang"),
    (Verdict::Timeout, "timeout"),
    (Verdict::Diverged, "diverged"),
    (Verdict::Error, "error"),
    (Verdict::Infra, "infra"),
    (Verdict::Interrupted, "interrupted"),
];

impl Verdict {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let row = WORDS.iter().find(|(verdict, _)| *verdict == self);
        row.map_or("", |(_, word)| *word)
    }

    /// The verdict with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let row = WORDS.iter().find(|(_, known)| *known == word);
        row.map(|(verdict, _)| *verdict)
    }

    /// Whether it says that the guest is at fault.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Panic | Self::Hang | Self::Timeout)
    }

    /// The verdict on a guest that ended while something else was expected.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::PowerOff | Outcome::Reset | Outcome::Failed(_) => Self::Fail,
            Outcome::Panicked | Outcome::Stuck { .. } => Self::Panic,
            Outcome::Trapping { .. } | Outcome::Hung | Outcome::Silent => Self::Hang,
            Outcome::Limit => Self::Timeout,
            Outcome::Diverged => Self::Diverged,
            Outcome::Interrupted => Self::Interrupted,
        }
    }
}

/// The exit code of tests with these verdicts.
///
/// What the user did comes first, then what is certain about a guest; a host that failed is
/// told only where nothing worse is known, for such a run may be repeated.
#[must_use]
pub fn exit_code(verdicts: &[Verdict]) -> u8 {
    let any = |wanted: fn(Verdict) -> bool| verdicts.iter().any(|verdict| wanted(*verdict));
    if any(|verdict| verdict == Verdict::Interrupted) {
        130
    } else if any(|verdict| verdict == Verdict::Diverged) {
        125
    } else if any(Verdict::is_failure) {
        1
    } else if any(|verdict| verdict == Verdict::Error) {
        2
    } else if any(|verdict| verdict == Verdict::Infra) {
        75
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for (verdict, word) in WORDS {
            assert_eq!(Verdict::named(word), Some(verdict));
            assert_eq!(verdict.word(), word);
        }
        assert_eq!(Verdict::named("what"), None);
    }

    #[test]
    fn the_exit_code_tells_failures_from_the_hosts_trouble() {
        use Verdict::{Diverged, Error, Fail, Hang, Infra, Interrupted, Panic, Pass, Timeout};
        for (verdicts, want) in [
            (&[][..], 0),
            (&[Pass, Pass], 0),
            (&[Pass, Fail], 1),
            (&[Panic], 1),
            (&[Hang], 1),
            (&[Timeout], 1),
            (&[Pass, Infra], 75),
            (&[Infra, Fail], 1),
            (&[Error, Infra], 2),
            (&[Error, Fail], 1),
            (&[Diverged, Fail], 125),
            (&[Interrupted, Fail], 130),
        ] {
            assert_eq!(exit_code(verdicts), want, "{verdicts:?}");
        }
    }
}
