//! Runs sequences on both sides, and shows the first instruction on which they differ.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::form::Form;
use super::program::{self, CODE, CODE_END, F, FCSR, MEMORY, RECORD, SCRATCH, SEQUENCES};
use super::sequence::Sequence;
use super::{judge, ours};
use crate::random::Random;

/// Instructions of a sequence.
const LENGTH: usize = 40;

/// What the two sides left, or how they ended.
struct Both {
    ours: Result<Vec<u8>, String>,
    judges: Result<Vec<u8>, String>,
}

fn run(qemu: &Path, sequences: &[Sequence]) -> Result<Both> {
    let image = program::image(sequences);
    // Ours first: it has a limit, so the judge never runs what does not end.
    let ours = ours::run(&image, sequences.len())?;
    let judges = match &ours {
        Ok(_) => judge::run(qemu, &image)?,
        Err(_) => Err("did not run".to_owned()),
    };
    Ok(Both { ours, judges })
}

impl Both {
    /// The first sequence of those that ran that left different states.
    fn first_difference(&self) -> Option<usize> {
        let (Ok(ours), Ok(judges)) = (&self.ours, &self.judges) else {
            return None;
        };
        let size = RECORD as usize;
        let mut pairs = ours.chunks(size).zip(judges.chunks(size));
        let lengths = ours.len() != judges.len();
        pairs.position(|(a, b)| a != b).or(lengths.then_some(0))
    }

    fn differ(&self) -> bool {
        self.ours.is_err() || self.judges.is_err() || self.first_difference().is_some()
    }
}

/// Sequences from a seed, as many as fit one image; together at most `insns` instructions.
#[must_use]
pub fn batch(seed: u64, forms: &[Form], insns: usize) -> Vec<Sequence> {
    let mut random = Random::new(seed);
    let (mut sequences, mut pc, mut left) = (Vec::new(), CODE, insns);
    // LIMIT: no instruction takes more than 40 bytes with what stands around it.
    while sequences.len() < SEQUENCES && left > 0 && pc + 40 * LENGTH as u64 + 12 <= CODE_END {
        let sequence = Sequence::random(&mut random, forms, LENGTH.min(left), pc);
        pc += program::room(&sequence);
        left -= sequence.items.len();
        sequences.push(sequence);
    }
    sequences
}

/// Runs sequences on both sides; a text about the first difference, if there is one.
pub fn check(qemu: &Path, sequences: &[Sequence]) -> Result<Option<String>> {
    let both = run(qemu, sequences)?;
    if !both.differ() {
        return Ok(None);
    }
    let sequence = match both.first_difference() {
        Some(index) => &sequences[index],
        None => culprit(qemu, sequences)?,
    };
    explain(qemu, sequence).map(Some)
}

/// The sequence on which one side did not come to its end.
fn culprit<'a>(qemu: &Path, mut sequences: &'a [Sequence]) -> Result<&'a Sequence> {
    while sequences.len() > 1 {
        let (front, back) = sequences.split_at(sequences.len() / 2);
        sequences = if run(qemu, front)?.differ() {
            front
        } else {
            back
        };
    }
    Ok(&sequences[0])
}

/// Runs longer and longer prefixes, and shows the instruction that makes the difference.
fn explain(qemu: &Path, sequence: &Sequence) -> Result<String> {
    let mut before = None;
    for count in 0..=sequence.items.len() {
        let prefix = sequence.prefix(count);
        let both = run(qemu, std::slice::from_ref(&prefix))?;
        if both.differ() {
            return Ok(report(&prefix, before.as_deref(), &both));
        }
        before = both.ours.ok();
    }
    Ok("the difference does not come again when the sequence runs alone".to_owned())
}

fn words(record: &[u8]) -> Vec<u64> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
    record.chunks(8).map(word).collect()
}

/// The name of a word of a record.
fn word_name(word: usize) -> String {
    match word {
        FCSR => "fcsr".to_owned(),
        MEMORY.. => format!("[{:#x}]", SCRATCH + 8 * (word - MEMORY) as u64),
        F.. => format!("f{}", word - F),
        _ => format!("x{word}"),
    }
}

fn report(prefix: &Sequence, before: Option<&[u8]>, both: &Both) -> String {
    let mut out = String::new();
    let ends: Vec<u64> = prefix.items.iter().rev().map(|item| item.end).collect();
    let end = ends.first().copied().unwrap_or(prefix.pc);
    let start = ends.get(1).copied().unwrap_or(prefix.pc);
    let name = prefix.items.last().map_or("nothing", |item| item.name);
    let _ = writeln!(out, "{name} differs, x{} is not written:", prefix.kept);
    for line in prefix.text(start, end) {
        let _ = writeln!(out, "  {line}");
    }
    let (Ok(ours), Ok(judges)) = (&both.ours, &both.judges) else {
        for (who, end) in [("ours", &both.ours), ("judge", &both.judges)] {
            let end = end.as_ref().map_or_else(String::as_str, |_| "ends well");
            let _ = writeln!(out, "  {who}: {end}");
        }
        return out;
    };
    let (ours, judges) = (words(ours), words(judges));
    let before = before.map(words).unwrap_or_default();
    for (word, (ours, judges)) in ours.iter().zip(&judges).enumerate() {
        let was = before.get(word).copied().unwrap_or_default();
        if was == *ours && was == *judges {
            continue;
        }
        let name = word_name(word);
        let mark = if ours == judges { "" } else { "   <- differs" };
        let _ = writeln!(
            out,
            "  {name:<12} before {was:016x}  ours {ours:016x}  judge {judges:016x}{mark}"
        );
    }
    out
}
