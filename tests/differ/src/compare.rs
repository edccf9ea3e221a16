//! Where two outputs of a program differ.

use std::fmt;

use vm_ir::Frontend;

use crate::Program;

/// The first sequence whose records differ, or the memory behind the records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The sequence, if it is one.
    pub sequence: Option<usize>,
    /// What differs: name, the judge's value, ours.
    pub fields: Vec<(String, u64, u64)>,
    /// The instructions of the sequence.
    pub listing: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            Some(number) => writeln!(f, "sequence {number}:")?,
            None => writeln!(f, "memory at the end:")?,
        }
        for line in &self.listing {
            writeln!(f, "    {line}")?;
        }
        for (name, judge, ours) in &self.fields {
            writeln!(f, "  {name}: judge {judge:#x}, ours {ours:#x}")?;
        }
        Ok(())
    }
}

/// The first difference between what the judge and the engine left behind.
#[must_use]
pub fn compare(
    program: &Program,
    frontend: &dyn Frontend,
    judge: &[u8],
    ours: &[u8],
) -> Option<Difference> {
    let size = program.record.len() * 8;
    for (number, sequence) in program.sequences.iter().enumerate() {
        let place = number * size..(number + 1) * size;
        let (a, b) = (judge.get(place.clone())?, ours.get(place)?);
        if a == b {
            continue;
        }
        let names = program.record.iter().cloned();
        let code = program.code.get(sequence.start..sequence.end)?;
        let addr = program.code_addr + sequence.start as u64;
        return Some(Difference {
            sequence: Some(number),
            fields: fields(names, a, b),
            listing: listing(frontend, code, addr),
        });
    }
    let rest = program.sequences.len() * size;
    let (a, b) = (judge.get(rest..)?, ours.get(rest..)?);
    if a == b {
        return None;
    }
    let start = program.data_addr + (program.output.0 + rest) as u64;
    let names = (0..).map(|i| format!("[{:#x}]", start + i * 8));
    Some(Difference {
        sequence: None,
        fields: fields(names, a, b).into_iter().take(8).collect(),
        listing: Vec::new(),
    })
}

fn fields(
    names: impl Iterator<Item = String>,
    judge: &[u8],
    ours: &[u8],
) -> Vec<(String, u64, u64)> {
    let words = |bytes: &[u8]| -> Vec<u64> {
        let (chunks, _) = bytes.as_chunks::<8>();
        chunks
            .iter()
            .map(|word| u64::from_le_bytes(*word))
            .collect()
    };
    let pairs = words(judge).into_iter().zip(words(ours));
    names
        .zip(pairs)
        .filter(|(_, (a, b))| a != b)
        .map(|(name, (a, b))| (name, a, b))
        .collect()
}

fn listing(frontend: &dyn Frontend, code: &[u8], addr: u64) -> Vec<String> {
    let mut at = 0;
    let mut lines = Vec::new();
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let shown = frontend.disassemble(rest, addr + at as u64);
        let bytes = shown.bytes.max(1);
        lines.push(format!("{:#x}  {}", addr + at as u64, shown.text));
        at += bytes;
    }
    lines
}
