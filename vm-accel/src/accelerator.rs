//! Which accelerators there are, and what the host says to each.

use crate::sys;

/// What the host says to an accelerator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It could be used now.
    Available {
        /// The version of its interface.
        version: String,
        /// What it offers that matters to us.
        capabilities: Vec<&'static str>,
    },
    /// This host's operating system or processor does not have it.
    NotOnThisHost,
    /// It belongs to this host, but can not be used.
    Refused {
        /// Why, in the host's words.
        reason: String,
        /// What the user could do about it.
        advice: &'static str,
    },
}

/// An accelerator and what the host says to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accelerator {
    /// Its name: `KVM`, `HVF` or `WHPX`.
    pub name: &'static str,
    /// The operating system that has it.
    pub system: &'static str,
    /// What the host says.
    pub state: State,
}

impl Accelerator {
    /// The state in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.state {
            State::Available { version, .. } => format!("available, {version}"),
            State::NotOnThisHost => "not on this host".to_owned(),
            State::Refused { reason, .. } => reason.clone(),
        }
    }
}

/// The accelerators: name, operating system.
const ACCELERATORS: [(&str, &str); 3] = [("KVM", "linux"), ("HVF", "macos"), ("WHPX", "windows")];

/// Asks the host about every accelerator; the rows always stand in the same order.
#[must_use]
pub fn probe() -> Vec<Accelerator> {
    let ask = |(name, system)| {
        let here = system == std::env::consts::OS;
        let state = if here {
            sys::ask()
        } else {
            State::NotOnThisHost
        };
        Accelerator {
            name,
            system,
            state,
        }
    };
    ACCELERATORS.into_iter().map(ask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accelerator_has_a_row_and_foreign_ones_are_not_here() {
        let rows = probe();
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["KVM", "HVF", "WHPX"]);
        for row in rows {
            let foreign = row.system != std::env::consts::OS;
            assert!(!foreign || row.state == State::NotOnThisHost, "{row:?}");
            assert!(!row.summary().is_empty());
        }
    }
}
