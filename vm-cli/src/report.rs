//! A complaint, in the form that compilers use.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::codes::Code;

/// A complaint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Its code.
    pub code: Code,
    /// What is wrong, in this case.
    pub message: String,
    /// The file, flag or place that it is about.
    pub place: Option<Box<str>>,
    /// What was found there.
    pub fact: Option<Box<str>>,
    /// What to do, one line each.
    pub help: Vec<String>,
}

impl Report {
    /// A complaint with a message.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            place: None,
            fact: None,
            help: Vec::new(),
        }
    }

    /// Says where, and what was found there.
    #[must_use]
    pub fn at(mut self, place: impl std::fmt::Display, fact: impl Into<String>) -> Self {
        self.place = Some(printable(&place.to_string()).into());
        self.fact = Some(fact.into().into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// The complaint as text.
    #[must_use]
    pub fn text(&self, color: bool) -> String {
        let (red, blue, off) = if color {
            ("\x1b[1;31m", "\x1b[1;34m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        let message = printable(&self.message);
        let mut text = format!("{red}error[{}]{off}: {message}\n", self.code);
        if let Some(place) = &self.place {
            let fact = self
                .fact
                .as_deref()
                .map(|fact| format!(": {}", printable(fact)));
            let _ = writeln!(text, "  {blue}-->{off} {place}{}", fact.unwrap_or_default());
        }
        for line in &self.help {
            let _ = writeln!(text, "  {blue}help{off}: {}", printable(line));
        }
        text
    }

    /// The complaint as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "code": self.code.to_string(),
            "message": self.message,
            "place": self.place,
            "fact": self.fact,
            "help": self.help,
        })
    }
}

/// Text that may hold a stranger's bytes, with what a terminal would obey written out.
#[must_use]
pub fn printable(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.into()
        }
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn a_complaint_reads_like_a_compilers_and_obeys_no_file_name() {
        let report = Report::new(codes::WRONG_ARCH, "this kernel is for arm64")
            .at("a\x1b[2Jb", "it has the ARM64 Image header")
            .help("use another");
        let want = "error[VM0012]: this kernel is for arm64\n  \
            --> a\\u{1b}[2Jb: it has the ARM64 Image header\n  help: use another\n";
        assert_eq!(report.text(false), want);
        assert!(
            report
                .text(true)
                .starts_with("\x1b[1;31merror[VM0012]\x1b[0m: ")
        );
        assert_eq!(report.json()["code"], "VM0012");
    }
}
