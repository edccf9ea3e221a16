//! What steps look for: texts and regular expressions, with variables in them.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

/// The most memory of a regular expression.
// LIMIT: `\w{50}` takes 0.4 MiB; a file may have many of them, and some are held for a whole test.
const EXPRESSION_BYTES: usize = 1 << 20;

/// The values of variables by name.
pub type Variables = BTreeMap<String, String>;

/// A text or regular expression in which variables may stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    /// As it was written.
    pub text: String,
    /// Whether it is a regular expression.
    pub regex: bool,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// A text, which may go over several lines.
    Text(Vec<u8>),
    /// A regular expression, which sees one line.
    Regex(Regex),
}

impl Template {
    /// The text with the values of variables; in a regular expression a value means itself.
    #[must_use]
    pub fn fill(&self, variables: &Variables) -> String {
        let mut filled = String::with_capacity(self.text.len());
        let mut rest = self.text.as_str();
        while let Some(at) = rest.find('{') {
            let (before, behind) = rest.split_at(at);
            filled.push_str(before);
            let name = variable(behind).filter(|_| !before.ends_with('$'));
            match name.and_then(|name| Some((name, variables.get(name)?))) {
                Some((name, value)) if self.regex => {
                    filled.push_str(&regex::escape(value));
                    rest = &behind[name.len() + 2..];
                }
                Some((name, value)) => {
                    filled.push_str(value);
                    rest = &behind[name.len() + 2..];
                }
                None => {
                    filled.push('{');
                    rest = &behind[1..];
                }
            }
        }
        filled + rest
    }

    /// The names in braces, whether they are variables or not.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let all = self.text.match_indices('{');
        let names = all.filter(|(at, _)| !self.text[..*at].ends_with('$'));
        names
            .filter_map(|(at, _)| variable(&self.text[at..]))
            .collect()
    }

    /// What is looked for, with the values of variables.
    pub fn pattern(&self, variables: &Variables) -> Result<Pattern, String> {
        let text = self.fill(variables);
        if !self.regex {
            return Ok(Pattern::Text(text.into_bytes()));
        }
        let mut builder = RegexBuilder::new(&text);
        let compiled = builder.size_limit(EXPRESSION_BYTES).build();
        let compiled = compiled.map_err(|error| match error {
            regex::Error::CompiledTooBig(most) => format!("it takes more than {} KiB", most >> 10),
            // The last line says what is wrong; those before it draw a picture.
            error => {
                let words = error.to_string();
                let last = words.lines().last().unwrap_or_default().trim();
                last.strip_prefix("error: ").unwrap_or(last).to_owned()
            }
        });
        compiled.map(Pattern::Regex)
    }
}

/// The name in braces at the beginning of a text.
fn variable(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    is_name(name).then_some(name)
}

/// Whether a variable may be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

impl Pattern {
    /// Whether a text has it anywhere.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Text(wanted) => {
                wanted.is_empty() || text.windows(wanted.len()).any(|part| part == wanted)
            }
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_other_braces_stay() {
        let variables = Variables::from([
            ("sum".to_owned(), "a+b".to_owned()),
            ("n".to_owned(), "7".to_owned()),
        ]);
        for (text, regex, want) in [
            ("{sum}", false, "a+b"),
            ("{sum}", true, "a\\+b"),
            ("x{n}{n}y", false, "x77y"),
            ("${n} {other} {", false, "${n} {other} {"),
            ("awk '{print $1}' {n}", false, "awk '{print $1}' 7"),
            ("{{n}}", false, "{7}"),
            ("a{3}", true, "a{3}"),
            ("", false, ""),
        ] {
            let template = Template {
                text: text.to_owned(),
                regex,
            };
            assert_eq!(template.fill(&variables), want, "{text:?}");
        }
        let template = Template {
            text: "{a} ${b} {c d} {e}".to_owned(),
            regex: false,
        };
        assert_eq!(template.names(), ["a", "e"]);
    }

    #[test]
    fn a_wrong_expression_is_explained_in_a_line() {
        let template = Template {
            text: "a(b".to_owned(),
            regex: true,
        };
        let fault = template
            .pattern(&Variables::new())
            .expect_err("an open group");
        assert_eq!(fault, "unclosed group");
    }
}
