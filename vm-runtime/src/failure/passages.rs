//! What a CPU did last, with what was done over and over told once.

use std::fmt;

/// An address, and the place in a program that it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The address.
    pub addr: u64,
    /// Symbol and distance from it.
    pub place: Option<String>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place} ({:#x})", self.addr),
            None => write!(f, "{:#x}", self.addr),
        }
    }
}

/// One thing that a CPU did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// It went on in a block there.
    Block(Spot),
    /// It took a trap of this name.
    Trap(String),
}

/// Things that a CPU did in a row, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    /// The things.
    pub steps: Vec<Step>,
    /// How often.
    pub times: usize,
}

/// The longest row that is seen to repeat.
// LIMIT: a longer one is told as it is, of which only the end is shown.
const PERIOD: usize = 16;

/// Finds what repeats; the newest last.
pub(super) fn fold(steps: &[Step]) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut rest = steps;
    while !rest.is_empty() {
        let (period, times) = best(rest);
        let (head, _) = rest.split_at(period);
        passages.push(Passage {
            steps: head.to_vec(),
            times,
        });
        rest = rest.get(period * times..).unwrap_or_default();
    }
    passages
}

/// The row at the beginning that repeats over the longest stretch, and how often it does.
fn best(steps: &[Step]) -> (usize, usize) {
    let mut best = (1, 1);
    for period in 1..=PERIOD.min(steps.len()) {
        let row = steps.get(..period).unwrap_or_default();
        let times = steps.chunks(period).take_while(|chunk| *chunk == row);
        let times = times.count();
        // Two of a long row are more easily read as they are.
        let worth = times >= 3 || period == 1;
        if worth && period * times > best.0 * best.1 {
            best = (period, times);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let steps: Vec<Step> = text.chars().map(|c| Step::Trap(c.to_string())).collect();
        let passages = fold(&steps).into_iter().map(|passage| {
            let names = passage.steps.iter().map(|step| match step {
                Step::Trap(name) => name.as_str(),
                Step::Block(_) => "?",
            });
            let names: String = names.collect();
            match passage.times {
                1 => names,
                times => format!("({names}{times})"),
            }
        });
        passages.collect()
    }

    #[test]
    fn what_repeats_is_told_once() {
        for (text, want) in [
            ("", ""),
            ("abc", "abc"),
            ("aab", "(a2)b"),
            ("aaaa", "(a4)"),
            ("xababab", "x(ab3)"),
            ("abab", "abab"),
            ("aabaabaab", "(aab3)"),
            ("abcabcabcaaaaaaab", "(abc3)(a7)b"),
        ] {
            assert_eq!(folded(text), want);
        }
        let long: String = ('a'..='z').collect();
        assert_eq!(folded(&long.repeat(4)), long.repeat(4));
    }
}
