//! The text of a test file, and complaints that name a place in it.

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

/// A test file.
#[derive(Debug)]
pub struct Source {
    /// Its name, as it was given.
    pub path: String,
    /// What stands in it.
    pub text: String,
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
        let path = path.display().to_string();
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = Self { path, text };
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
        let before = self.text.as_bytes();
        let before = String::from_utf8_lossy(&before[..byte.min(before.len())]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default();
        (line, column.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let source = Source {
            path: "f".to_owned(),
            text: "ab\nä=1\n".to_owned(),
        };
        for (byte, want) in [
            (0, (1, 1)),
            (2, (1, 3)),
            (3, (2, 1)),
            (5, (2, 2)),
            (99, (3, 1)),
        ] {
            assert_eq!(source.place(byte), want, "{byte}");
        }
    }
}
