//! A table of a test file, read key by key against the tables of `keys.rs`.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::keys::{Key, Kind, nearest};
use super::source::Source;
use crate::codes;
use crate::report::Report;

/// Where something stands in its file.
pub type Span = Range<usize>;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A table whose keys are known.
pub struct Fields<'a> {
    source: &'a Source,
    /// What the table is called in messages.
    what: &'a str,
    /// Where the table stands.
    pub span: Span,
    entries: Vec<(&'static Key, Span, &'a Spanned<DeValue<'a>>)>,
}

impl<'a> Fields<'a> {
    /// Reads a table and refuses keys that are not in these lists.
    pub fn read(
        source: &'a Source,
        what: &'a str,
        keys: &[&'static [Key]],
        value: &'a Spanned<DeValue<'a>>,
    ) -> Result<Self, Report> {
        let DeValue::Table(table) = value.get_ref() else {
            let found = value.get_ref().type_str();
            return Err(source
                .complain(
                    codes::TEST_VALUE,
                    &value.span(),
                    format!("{what} is a table"),
                    format!("found: {found}"),
                )
                .help(format!(
                    "{what} has keys: docs/testing-guests.md explains them"
                )));
        };
        let mut entries = Vec::new();
        let all = || keys.iter().flat_map(|keys| keys.iter());
        let mut faults: Vec<(usize, Report)> = Vec::new();
        for (name, value) in table {
            let (written, span) = (name.get_ref().as_ref(), name.span());
            match all().find(|key| key.name == written) {
                Some(key) if key.kind == Kind::Later => {
                    let message = format!("`{written}` is not possible yet");
                    let fault = source.complain(codes::TEST_LATER, &span, message, key.doc);
                    faults.push((span.start, fault.help("leave the key out")));
                }
                Some(key) => entries.push((key, span, value)),
                None => {
                    let names: Vec<&str> = all()
                        .filter(|key| key.kind != Kind::Later)
                        .map(|key| key.name)
                        .collect();
                    faults.push((span.start, unknown(source, what, written, &span, &names)));
                }
            }
        }
        // The table is ordered by name; a reader goes from top to bottom.
        if let Some((_, first)) = faults.into_iter().min_by_key(|(start, _)| *start) {
            return Err(first);
        }
        let span = value.span();
        Ok(Self {
            source,
            what,
            span,
            entries,
        })
    }

    /// A complaint about the table.
    pub fn complain(&self, code: codes::Code, message: impl Into<String>, fact: &str) -> Report {
        self.source.complain(code, &self.span, message, fact)
    }

    /// Whether the key is there.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, ..)| key.name == name)
    }

    /// The place of a key, or of the table if it has none.
    pub fn place(&self, name: &str) -> Span {
        let entry = self.entries.iter().find(|(key, ..)| key.name == name);
        entry.map_or(self.span.clone(), |(_, span, _)| span.clone())
    }

    /// The value of a key.
    pub fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let entry = self.entries.iter().find(|(key, ..)| key.name == name);
        entry.map(|(_, _, value)| *value)
    }

    /// The text of a key.
    pub fn text(&self, name: &str) -> Result<Option<At<String>>, Report> {
        self.take(name, |value| value.as_str().map(str::to_owned))
    }

    /// Whether a key is set to `true`; if it is not there, the default.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Report> {
        let flag = self.take(name, DeValue::as_bool)?;
        Ok(flag.map_or(default, |flag| flag.value))
    }

    /// The whole number of a key.
    pub fn number(&self, name: &str) -> Result<Option<At<u64>>, Report> {
        self.take(name, whole)
    }

    /// The elements of a list.
    pub fn list(&self, name: &str) -> Result<Option<Vec<&'a Spanned<DeValue<'a>>>>, Report> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::Array(list) => Ok(Some(list.iter().collect())),
            other => Err(self.wrong(name, value, other.type_str())),
        }
    }

    /// The text of a key, as somebody else reads it.
    pub fn parsed<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Report> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let refuse = |fact| {
            let message = format!("the value of `{name}` is not possible");
            let report = self
                .source
                .complain(codes::TEST_VALUE, &text.span, message, fact);
            report.help(self.wants(name))
        };
        parse(&text.value).map(Some).map_err(refuse)
    }

    fn take<T>(
        &self,
        name: &str,
        read: impl Fn(&DeValue<'a>) -> Option<T>,
    ) -> Result<Option<At<T>>, Report> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let found = value.get_ref();
        match read(found) {
            Some(read) => Ok(Some(At {
                value: read,
                span: value.span(),
            })),
            None => Err(self.wrong(name, value, &shown(found))),
        }
    }

    /// The complaint about a value of another kind.
    pub fn wrong(&self, name: &str, value: &Spanned<DeValue>, found: &str) -> Report {
        let message = format!("`{name}` of {} has a value of another kind", self.what);
        let fact = format!("found: {found}");
        let report = self
            .source
            .complain(codes::TEST_VALUE, &value.span(), message, fact);
        report.help(self.wants(name))
    }

    fn wants(&self, name: &str) -> String {
        let entry = self.entries.iter().find(|(key, ..)| key.name == name);
        let words = entry.map_or_else(String::new, |(key, ..)| key.kind.words());
        format!("`{name}` takes {words}")
    }
}

/// A number from zero on.
pub fn whole(value: &DeValue) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What was found, as far as it is short.
fn shown(value: &DeValue) -> String {
    match value {
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::String(_) => "a text".to_owned(),
        other => other.type_str().to_owned(),
    }
}

fn unknown(
    source: &Source,
    what: &str,
    written: &str,
    span: &Span,
    names: &[&'static str],
) -> Report {
    let message = format!("{what} has no key `{written}`");
    let fact = match nearest(written, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "this key is not known".to_owned(),
    };
    source
        .complain(codes::TEST_KEY, span, message, fact)
        .help(format!("allowed: {}", names.join(", ")))
}
