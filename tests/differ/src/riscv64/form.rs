//! What the generator needs to know of a row, read off its two strings.

use vm_frontend_riscv64::isa::{ROWS, Row, Status, decode};

use crate::random::Random;

/// The bits of a field: where each stands in the encoding, and which bit of the value it is.
type Bits = Vec<(u32, u32)>;

/// What has to stand around an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Around {
    /// Nothing.
    Plain,
    /// A base register that points into the scratch memory.
    Memory,
    /// A distance to a place in the sequence.
    Distance,
    /// A register that holds the address of a place in the sequence.
    Jump,
    /// A floating-point control register, and a valid rounding mode behind.
    Control,
}

/// A row with its fields.
#[derive(Debug)]
pub struct Form {
    /// The row.
    pub row: &'static Row,
    /// What it needs.
    pub around: Around,
    /// The alignment that an access must have.
    pub align: u64,
}

/// Rows that are not compared, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("ECALL", "a system call in the judge, a trap here"),
    ("EBREAK", "ends the judge's program by a signal"),
    ("C_EBREAK", "ends the judge's program by a signal"),
    ("CBO_INVAL", "the judge's user mode does not permit it"),
    ("CBO_CLEAN", "the judge's user mode does not permit it"),
    ("CBO_FLUSH", "the judge's user mode does not permit it"),
    ("WRS_NTO", "how long it waits is not architectural"),
    ("WRS_STO", "how long it waits is not architectural"),
];

/// Extensions that are not compared: the judge runs in user mode, where they are illegal.
pub const PRIVILEGED: &[&str] = &["Privileged", "Svinval"];

impl Form {
    /// The rows that are compared.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let compared = |row: &&Row| {
            row.status == Status::Live
                && !PRIVILEGED.contains(&row.extension)
                && LEFT_OUT.iter().all(|(name, _)| *name != row.name)
        };
        ROWS.iter().filter(compared).map(Self::of).collect()
    }

    fn of(row: &'static Row) -> Self {
        let has = |part: &str| row.text.contains(part);
        let around = if matches!(row.name, "JALR" | "C_JR" | "C_JALR") {
            Around::Jump
        } else if has("({a") || has("(sp)") {
            Around::Memory
        } else if has(":to}") {
            Around::Distance
        } else if has(":csr}") {
            Around::Control
        } else {
            Around::Plain
        };
        let align = match row.extension {
            "A" if row.name.ends_with("_D") => 8,
            "A" => 4,
            _ => 1,
        };
        Self { row, around, align }
    }

    /// The integer register that a field names; `None` if there is no such field.
    #[must_use]
    pub fn register(&self, letter: char, encoding: u32) -> Option<u32> {
        let short = format!("{{{letter}:c}}");
        if self.row.text.contains(&short) {
            return Some(self.field(letter, encoding) as u32 + 8);
        }
        let long = format!("{{{letter}}}");
        let named = self.row.text.contains(&long);
        named.then(|| self.field(letter, encoding) as u32)
    }

    /// The immediate `i`, zero if there is none.
    #[must_use]
    pub fn immediate(&self, encoding: u32) -> i64 {
        let value = self.field('i', encoding);
        let width = bits(self.row.pattern, 'i')
            .iter()
            .map(|(_, to)| to + 1)
            .max();
        let unused = 64 - width.unwrap_or(64);
        let unsigned = ["{i:u}", "{i:sh}"]
            .iter()
            .any(|kind| self.row.text.contains(kind));
        if unsigned {
            value as i64
        } else {
            ((value << unused) as i64) >> unused
        }
    }

    fn field(&self, letter: char, encoding: u32) -> u64 {
        let places = bits(self.row.pattern, letter);
        let bit = |(from, to): &(u32, u32)| u64::from(encoding >> from & 1) << to;
        places.iter().map(bit).sum()
    }

    /// The encoding with another value in a field; `None` if it does not hold it, or if another
    /// row has such an encoding.
    #[must_use]
    pub fn with(&self, letter: char, value: i64, encoding: u32) -> Option<u32> {
        let mut out = encoding;
        for (from, to) in bits(self.row.pattern, letter) {
            out = out & !(1 << from) | ((value >> to) as u32 & 1) << from;
        }
        let kept = if letter == 'i' {
            self.immediate(out)
        } else {
            self.field(letter, out) as i64
        };
        let same = decode(out).is_some_and(|row| row.name == self.row.name);
        (same && kept == value).then_some(out)
    }

    /// A random encoding of this row.
    pub fn sample(&self, random: &mut Random) -> u32 {
        loop {
            if let Some(encoding) = self.row.sample(random.bits() as u32) {
                return encoding;
            }
        }
    }
}

/// Where the bits of a field are. Equal letters are one field, high bits first; in brackets
/// stands which bits of the field follow.
fn bits(pattern: &str, letter: char) -> Bits {
    let mut all: Vec<(char, Option<u32>)> = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ' ' {
            continue;
        }
        if rest.peek() != Some(&'[') {
            all.push((c, None));
            continue;
        }
        let inner: String = rest.by_ref().skip(1).take_while(|c| *c != ']').collect();
        for range in inner.split('|') {
            let (high, low) = range.split_once(':').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u32>().expect("patterns are checked");
            all.extend((number(low)..=number(high)).rev().map(|to| (c, Some(to))));
        }
    }
    let mut out = Bits::new();
    let mut plain = 0;
    for (from, (c, to)) in all.iter().rev().enumerate() {
        if *c == letter {
            out.push((from as u32, to.unwrap_or(plain)));
            plain += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use vm_frontend_riscv64::assemble;

    use super::*;

    fn check(text: &str, letter: char, register: Option<u32>, immediate: i64) {
        let (encoding, _) = assemble(text, 0).expect("valid");
        let row = decode(encoding).expect("decodes");
        let form = Form::of(row);
        assert_eq!(form.register(letter, encoding), register, "{text}");
        assert_eq!(form.immediate(encoding), immediate, "{text}");
    }

    #[test]
    fn fields_are_found() {
        check("addi a0, a1, -5", 'd', Some(10), -5);
        check("sd a2, -8(a3)", 'a', Some(13), -8);
        check("c.lw s1, 68(a5)", 'd', Some(9), 68);
        check("c.lw s1, 68(a5)", 'a', Some(15), 68);
        check("beq a0, a1, 0xfffffffffffff800", 'b', Some(11), -2048);
        check("c.j 0xfffffffffffff856", 'd', None, -0x7aa);
        check("fld fa0, 2047(t6)", 'd', None, 2047);
        check("slli t0, t1, 63", 'd', Some(5), 63);
    }

    #[test]
    fn what_is_left_out_exists() {
        for (name, reason) in LEFT_OUT {
            assert!(ROWS.iter().any(|row| row.name == *name), "{name}");
            assert!(!reason.is_empty());
        }
        for extension in PRIVILEGED {
            assert!(ROWS.iter().any(|row| row.extension == *extension));
        }
    }
}
