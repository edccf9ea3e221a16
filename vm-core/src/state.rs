//! The state format: how a machine is written down, and how one is refused.
//!
//! A file is a header and sections; a section has a name, a version, a length and a hash; its
//! body is a list of fields, each with its name, so that a reader never depends on their order.
//! All numbers are little-endian.

mod cursor;

use std::fmt;

use thiserror::Error;

use crate::StateHash;
use cursor::Cursor;

const MAGIC: &[u8; 8] = b"vmstate\0";
const FORMAT: u32 = 1;

/// Why a saved state is refused.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
#[non_exhaustive]
pub enum StateError {
    /// Not a state file at all.
    #[error("this is not a saved state: it does not begin with the format's magic bytes")]
    NotAState,
    /// A later format of the file as a whole.
    #[error("saved in format {found}, this program reads formats up to {known}")]
    NewerFormat {
        /// The file's format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// The file ends too early or a length in it is wrong.
    #[error("section `{section}` is cut off at byte {at}")]
    Truncated {
        /// The section, or `header`.
        section: String,
        /// Where the file ends.
        at: usize,
    },
    /// The content is not what was written.
    #[error("section `{section}` is damaged: its hash does not match its content")]
    Damaged {
        /// The section.
        section: String,
    },
    /// A section that the machine needs is not there.
    #[error("there is no section `{section}`")]
    NoSection {
        /// The section.
        section: String,
    },
    /// A section that the machine does not have.
    #[error("section `{section}` belongs to nothing in this machine")]
    UnknownSection {
        /// The section.
        section: String,
    },
    /// A section of a later version.
    #[error("section `{section}` has version {found}, this program reads up to {known}")]
    NewerSection {
        /// The section.
        section: String,
        /// The file's version.
        found: u32,
        /// The newest version that is known.
        known: u32,
    },
    /// A field that is not there.
    #[error("section `{section}` has no field `{field}` of that kind")]
    NoField {
        /// The section.
        section: String,
        /// The field.
        field: String,
    },
    /// A field whose value the owner can not have.
    #[error("field `{field}` of section `{section}` has a value that is not possible here")]
    BadValue {
        /// The section.
        section: String,
        /// The field.
        field: String,
    },
}

/// One section being written.
#[derive(Clone, PartialEq, Eq)]
pub struct Section {
    name: String,
    version: u32,
    body: Vec<u8>,
}

/// The kinds of fields; the numbers are part of the format.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Number = 1,
    Bytes = 2,
    Words = 3,
}

impl Section {
    /// An empty section.
    #[must_use]
    pub fn new(name: &str, version: u32) -> Self {
        Self {
            name: name.to_owned(),
            version,
            body: Vec::new(),
        }
    }

    /// The section's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a number.
    pub fn u64(&mut self, field: &str, value: u64) {
        self.field(field, Kind::Number, &value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn bool(&mut self, field: &str, value: bool) {
        self.u64(field, u64::from(value));
    }

    /// Adds bytes.
    pub fn bytes(&mut self, field: &str, value: &[u8]) {
        self.field(field, Kind::Bytes, value);
    }

    /// Adds words.
    pub fn words(&mut self, field: &str, value: &[u64]) {
        let bytes: Vec<u8> = value.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.field(field, Kind::Words, &bytes);
    }

    /// The fields that were written, for reading.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields {
            name: &self.name,
            version: self.version,
            body: &self.body,
        }
    }

    /// Adds the section to a hash.
    pub fn add_to(&self, hash: &mut StateHash) {
        hash.bytes(self.name.as_bytes());
        hash.word(u64::from(self.version));
        hash.bytes(&self.body);
    }

    fn field(&mut self, field: &str, kind: Kind, value: &[u8]) {
        assert!(field.len() < 256, "field names are short");
        self.body.push(field.len() as u8);
        self.body.extend_from_slice(field.as_bytes());
        self.body.push(kind as u8);
        self.body
            .extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.body.extend_from_slice(value);
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Section({} v{}, {} bytes)",
            self.name,
            self.version,
            self.body.len()
        )
    }
}

/// The fields of one section, for reading.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    name: &'a str,
    version: u32,
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The version the section was written in.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Refuses a section that is newer than its reader.
    pub fn up_to_version(&self, known: u32) -> Result<(), StateError> {
        if self.version > known {
            let section = self.name.to_owned();
            return Err(StateError::NewerSection {
                section,
                found: self.version,
                known,
            });
        }
        Ok(())
    }

    /// A number.
    pub fn u64(&self, field: &str) -> Result<u64, StateError> {
        let bytes = self.find(field, Kind::Number)?;
        let bytes = bytes.try_into().map_err(|_| self.bad(field))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A number that fits 32 bits.
    pub fn u32(&self, field: &str) -> Result<u32, StateError> {
        u32::try_from(self.u64(field)?).map_err(|_| self.bad(field))
    }

    /// A number below `limit`.
    pub fn below(&self, field: &str, limit: u64) -> Result<u64, StateError> {
        let value = self.u64(field)?;
        if value < limit {
            Ok(value)
        } else {
            Err(self.bad(field))
        }
    }

    /// A number below `limit`, or this one in states from before there was the field.
    pub fn below_or(&self, field: &str, limit: u64, before: u64) -> Result<u64, StateError> {
        match self.below(field, limit) {
            Err(StateError::NoField { .. }) => Ok(before),
            found => found,
        }
    }

    /// A truth value.
    pub fn bool(&self, field: &str) -> Result<bool, StateError> {
        Ok(self.below(field, 2)? == 1)
    }

    /// Bytes.
    pub fn bytes(&self, field: &str) -> Result<&'a [u8], StateError> {
        self.find(field, Kind::Bytes)
    }

    /// Words.
    pub fn words(&self, field: &str) -> Result<Vec<u64>, StateError> {
        let (words, rest) = self.find(field, Kind::Words)?.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(self.bad(field));
        }
        Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    /// The error for a value that its owner can not have.
    #[must_use]
    pub fn bad(&self, field: &str) -> StateError {
        StateError::BadValue {
            section: self.name.to_owned(),
            field: field.to_owned(),
        }
    }

    fn find(&self, field: &str, kind: Kind) -> Result<&'a [u8], StateError> {
        let mut cursor = Cursor {
            bytes: self.body,
            at: 0,
            section: self.name,
        };
        while cursor.at < self.body.len() {
            let name_bytes = usize::from(cursor.take(1)?[0]);
            let name = cursor.take(name_bytes)?;
            let found_kind = cursor.take(1)?[0];
            let value_bytes = cursor.length()?;
            let value = cursor.take(value_bytes)?;
            if name == field.as_bytes() && found_kind == kind as u8 {
                return Ok(value);
            }
        }
        Err(StateError::NoField {
            section: self.name.to_owned(),
            field: field.to_owned(),
        })
    }
}

/// A whole saved state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    sections: Vec<Section>,
}

impl Image {
    /// A state without sections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a section.
    pub fn push(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// The fields of a section.
    pub fn section(&self, name: &str) -> Result<Fields<'_>, StateError> {
        let found = self.sections.iter().find(|section| section.name == name);
        found
            .map(Section::fields)
            .ok_or_else(|| StateError::NoSection {
                section: name.to_owned(),
            })
    }

    /// Refuses sections that the reader has not named.
    pub fn only(&self, known: &[&str]) -> Result<(), StateError> {
        match self
            .sections
            .iter()
            .find(|section| !known.contains(&section.name.as_str()))
        {
            Some(section) => Err(StateError::UnknownSection {
                section: section.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The names of the sections, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(Section::name)
    }

    /// Adds all sections to a hash.
    pub fn add_to(&self, hash: &mut StateHash) {
        for section in &self.sections {
            section.add_to(hash);
        }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        for section in &self.sections {
            out.push(section.name.len() as u8);
            out.extend_from_slice(section.name.as_bytes());
            out.extend_from_slice(&section.version.to_le_bytes());
            out.extend_from_slice(&(section.body.len() as u64).to_le_bytes());
            out.extend_from_slice(&content_hash(section).to_le_bytes());
            out.extend_from_slice(&section.body);
        }
        out
    }

    /// Reads a file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut cursor = Cursor {
            bytes,
            at: 0,
            section: "header",
        };
        if cursor.take(MAGIC.len()).ok() != Some(MAGIC.as_slice()) {
            return Err(StateError::NotAState);
        }
        let found = cursor.u32()?;
        if found == 0 || found > FORMAT {
            return Err(StateError::NewerFormat {
                found,
                known: FORMAT,
            });
        }
        let count = cursor.u32()?;
        let mut sections = Vec::new();
        for _ in 0..count {
            let name_bytes = usize::from(cursor.take(1)?[0]);
            let name = String::from_utf8_lossy(cursor.take(name_bytes)?).into_owned();
            let version = cursor.u32()?;
            let length = cursor.length()?;
            let hash = cursor.u64()?;
            let body = cursor.take(length)?.to_vec();
            let section = Section {
                name,
                version,
                body,
            };
            if content_hash(&section) != hash {
                return Err(StateError::Damaged {
                    section: section.name,
                });
            }
            sections.push(section);
        }
        Ok(Self { sections })
    }
}

fn content_hash(section: &Section) -> u64 {
    let mut hash = StateHash::new();
    section.add_to(&mut hash);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Image {
        let mut section = Section::new("uart", 3);
        section.u64("level", 7);
        section.bytes("fifo", b"abc");
        section.words("words", &[1, u64::MAX]);
        let mut image = Image::new();
        image.push(section);
        image
    }

    #[test]
    fn what_was_written_is_read() {
        let image = Image::from_bytes(&sample().to_bytes()).unwrap();
        let fields = image.section("uart").unwrap();
        assert_eq!(fields.u64("level").unwrap(), 7);
        assert_eq!(fields.bytes("fifo").unwrap(), b"abc");
        assert_eq!(fields.words("words").unwrap(), [1, u64::MAX]);
        assert_eq!(image, sample());
    }

    #[test]
    fn refusals_name_the_reason() {
        let image = sample();
        let fields = image.section("uart").unwrap();
        let none = fields.u64("speed").unwrap_err().to_string();
        assert_eq!(none, "section `uart` has no field `speed` of that kind");
        let newer = fields.up_to_version(2).unwrap_err().to_string();
        assert_eq!(
            newer,
            "section `uart` has version 3, this program reads up to 2"
        );
        let unknown = image.only(&["rtc"]).unwrap_err().to_string();
        assert_eq!(unknown, "section `uart` belongs to nothing in this machine");
        assert_eq!(
            Image::from_bytes(b"hello").unwrap_err(),
            StateError::NotAState
        );
        assert!(matches!(
            fields.below("level", 7),
            Err(StateError::BadValue { .. })
        ));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = sample().to_bytes();
        for end in 0..bytes.len() {
            assert!(Image::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        for bit in MAGIC.len() * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let same = Image::from_bytes(&damaged).is_ok_and(|image| image == sample());
            assert!(!same, "bit {bit}");
        }
    }
}
