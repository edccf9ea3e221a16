//! The text of a test file, and complaints that name a place in it.

use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use crate::codes::{self, Code};
use crate::diagnose::file;
use crate::report::Report;

/// The most bytes of a test file.
// LIMIT: it is written by hand; the largest of this project has a few KiB.
const FILE_LIMIT: u64 = 1 << 20;

/// Where a file begins: byte, line, column.
const BEGIN: (usize, usize, usize) = (0, 1, 1);

/// A test file.
#[derive(Debug)]
pub struct Source {
    /// Its name, as it was given.
    pub path: String,
    /// What stands in it.
    pub text: String,
    /// The last place that was asked for, as byte, line and column: steps come in their order, and
    /// a file of steps would be counted through once for each.
    last: Cell<(usize, usize, usize)>,
    /// How many regular expressions were compiled so far.
    pub expressions: Cell<usize>,
}

impl Source {
    /// Reads a test file.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let refused = |error| file(path, "can not be read as a test file", &error);
        let open = File::open(path).map_err(refused)?;
        let mut bytes = Vec::new();
        open.take(FILE_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(refused)?;
        if bytes.len() as u64 > FILE_LIMIT {
            let fact = format!("it has more than {} KiB", FILE_LIMIT >> 10);
            return Err(Report::new(codes::TOO_LARGE, "the test file is too large")
                .at(path.display(), fact)
                .help("divide it: a folder may hold many test files"));
        }
        Self::of(path, bytes)
    }

    /// A test file with these bytes in it.
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, Report> {
        let of = |text| Self {
            path: path.display().to_string(),
            text,
            last: Cell::new(BEGIN),
            expressions: Cell::new(0),
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(of(text)),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let source = of(String::from_utf8_lossy(error.as_bytes()).into_owned());
                let fact = "a byte that is no UTF-8";
                Err(source
                    .complain(
                        codes::TEST_SYNTAX,
                        &(good..good),
                        "the test file is not text",
                        fact,
                    )
                    .help("save the file as UTF-8"))
            }
        }
    }

    /// A complaint about a place.
    pub fn complain(
        &self,
        code: Code,
        span: &Range<usize>,
        message: impl Into<String>,
        fact: impl Into<String>,
    ) -> Report {
        let (line, column) = self.place(span.start);
        Report::new(code, message).at(format_args!("{}:{line}:{column}", self.path), fact)
    }

    /// Line and column of a byte, from 1; the column counts characters.
    fn place(&self, byte: usize) -> (usize, usize) {
        let end = byte.min(self.text.len());
        let (from, mut line, mut column) = match self.last.get() {
            last if last.0 <= end => last,
            _ => BEGIN,
        };
        for byte in &self.text.as_bytes()[from..end] {
            match byte {
                b'\n' => (line, column) = (line + 1, 1),
                // A character's other bytes.
                0x80..0xc0 => {}
                _ => column += 1,
            }
        }
        self.last.set((end, line, column));
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let text = "ab\nä=1\n".as_bytes().to_vec();
        let source = Source::of(Path::new("f"), text).expect("a text");
        for (byte, want) in [
            (0, (1, 1)),
            (2, (1, 3)),
            (3, (2, 1)),
            (5, (2, 2)),
            (99, (3, 1)),
            // Back again.
            (2, (1, 3)),
        ] {
            assert_eq!(source.place(byte), want, "{byte}");
        }
    }
}
