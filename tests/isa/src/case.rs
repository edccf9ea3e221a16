//! One line of a case file.
//!
//! ```text
//! encoding  text  | before => after
//! ```
//!
//! The encoding is hexadecimal; two or more spaces part it from the text.
//! Several instructions are joined by semicolons, in both. State is a row of assignments:
//! `x1=5`, `x2=-1`, `x3=0x10`; memory is `[0x1000]:8=0x1122` (little-endian, 1, 2, 4 or 8 bytes);
//! `trap=4:0x1000` is the number and the value of the trap that the last instruction raises.
//! What is not named before is as after reset (memory: zero); what is not named after does not
//! change. The program counter goes on to the next instruction unless `pc=` stands after.
//! Code stands at [`CODE`]. Empty lines and lines that begin with `#` mean nothing.

/// Where the code of every case stands.
pub const CODE: u64 = 0x8000;

/// Where memory ends; it begins at zero.
pub const MEMORY_END: u64 = 0x1_0000;

/// One assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assign {
    /// A register by name.
    Register(String, u64),
    /// So many bytes of memory at an address.
    Memory(u64, u64, u64),
    /// A trap: number and value.
    Trap(u32, u64),
}

/// A case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The line in its file, from 1.
    pub line: usize,
    /// Encodings in hexadecimal digits, as they stand in the line.
    pub encodings: Vec<String>,
    /// Their texts.
    pub texts: Vec<String>,
    /// The state before.
    pub before: Vec<Assign>,
    /// What changes.
    pub after: Vec<Assign>,
}

/// A line that is no case, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// The cases of a file.
pub fn parse(text: &str) -> Result<Vec<Case>, Malformed> {
    let mut cases = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line_text = line.trim();
        if line_text.is_empty() || line_text.starts_with('#') {
            continue;
        }
        let case = parse_line(line_text).map_err(|why| Malformed { line: i + 1, why })?;
        cases.push(Case {
            line: i + 1,
            ..case
        });
    }
    Ok(cases)
}

fn parse_line(line: &str) -> Result<Case, String> {
    let (code, state) = line.split_once('|').ok_or("`|` is missing")?;
    let (before, after) = state.split_once("=>").ok_or("`=>` is missing")?;
    let (encodings, texts) = code
        .trim()
        .split_once("  ")
        .ok_or("two spaces between encoding and text are missing")?;
    let list = |text: &str| -> Vec<String> {
        text.split(';').map(|part| part.trim().to_owned()).collect()
    };
    let case = Case {
        line: 0,
        encodings: list(encodings),
        texts: list(texts),
        before: assignments(before)?,
        after: assignments(after)?,
    };
    if case.encodings.len() != case.texts.len() {
        return Err("there are not as many texts as encodings".to_owned());
    }
    if case.before.iter().any(|a| matches!(a, Assign::Trap(..))) {
        return Err("a trap can not stand before".to_owned());
    }
    Ok(case)
}

fn assignments(text: &str) -> Result<Vec<Assign>, String> {
    text.split_whitespace()
        .map(|word| assignment(word).ok_or_else(|| format!("`{word}` is no assignment")))
        .collect()
}

fn assignment(word: &str) -> Option<Assign> {
    let (name, value) = word.split_once('=')?;
    if name == "trap" {
        let (cause, value) = value.split_once(':')?;
        return Some(Assign::Trap(
            u32::try_from(number(cause)?).ok()?,
            number(value)?,
        ));
    }
    let value = number(value)?;
    let Some(place) = name.strip_prefix('[') else {
        return Some(Assign::Register(name.to_owned(), value));
    };
    let (addr, bytes) = place.split_once("]:")?;
    let (addr, bytes) = (number(addr)?, number(bytes)?);
    let inside = addr.checked_add(bytes)? <= MEMORY_END;
    (matches!(bytes, 1 | 2 | 4 | 8) && inside).then_some(Assign::Memory(addr, bytes, value))
}

fn number(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(&hex.replace('_', ""), 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_parts() {
        let text = "\n# words\n12ab;34  do x1, [x2]; go  | x1=-1 [0x10]:2=0x1_2 => trap=3:0x20\n";
        let case = Case {
            line: 3,
            encodings: vec!["12ab".to_owned(), "34".to_owned()],
            texts: vec!["do x1, [x2]".to_owned(), "go".to_owned()],
            before: vec![
                Assign::Register("x1".to_owned(), u64::MAX),
                Assign::Memory(0x10, 2, 0x12),
            ],
            after: vec![Assign::Trap(3, 0x20)],
        };
        assert_eq!(parse(text), Ok(vec![case]));
    }

    #[test]
    fn what_is_no_case_is_named() {
        let check = |line: &str, why: &str| {
            let why = why.to_owned();
            assert_eq!(parse(line), Err(Malformed { line: 1, why }), "{line}");
        };
        check("12  nop => ", "`|` is missing");
        check("12  nop | x1=1", "`=>` is missing");
        check(
            "12 nop | =>",
            "two spaces between encoding and text are missing",
        );
        check(
            "12;13  nop | =>",
            "there are not as many texts as encodings",
        );
        check("12  nop | trap=1:1 =>", "a trap can not stand before");
        check("12  nop | x1 =>", "`x1` is no assignment");
        check("12  nop | x1=y =>", "`x1=y` is no assignment");
        check("12  nop | [0x10]:3=1 =>", "`[0x10]:3=1` is no assignment");
        check(
            "12  nop | [0xffff]:8=1 =>",
            "`[0xffff]:8=1` is no assignment",
        );
    }
}
