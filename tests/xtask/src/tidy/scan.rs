//! Splits Rust source into code and comments, so that a rule about code is not misled by a
//! comment or a string, and the other way round.

/// The same text twice, line for line and column for column.
#[derive(Default)]
pub struct Scan {
    /// Comments and the insides of strings are blanks.
    pub code: String,
    /// Everything but comments is blanks.
    pub comments: String,
}

impl Scan {
    /// Lines of code, numbered from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// Lines of comments, numbered from 1.
    pub fn comment_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.comments.lines())
    }

    /// Lines of code before the file's test module, numbered from 1.
    pub fn program_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut lines: Vec<_> = self.code_lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0].1.trim() == "#[cfg(test)]" && pair[1].1.trim_end().ends_with('{')
        });
        lines.truncate(tests.unwrap_or(lines.len()));
        lines.into_iter()
    }
}

/// Whether `word` stands in `line` with no letter, digit or `_` beside it, and where.
pub fn find_word(line: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let starts_as_part = word.starts_with(is_part);
    let ends_as_part = word.ends_with(is_part);
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined_before = starts_as_part && before.is_some_and(is_part);
        let joined_after = ends_as_part && after.is_some_and(is_part);
        !joined_before && !joined_after
    })
}

/// Where the scanner is.
enum Place {
    Code,
    LineComment,
    BlockComment {
        depth: u32,
    },
    /// A string that ends with `"` and this many `#`; escapes count in those without.
    Text {
        hashes: usize,
        raw: bool,
    },
}

/// Splits `text`.
pub fn scan(text: &str) -> Scan {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Scan::default();
    let mut place = Place::Code;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let mut len = 1;
        let mut to_comment = false;
        let mut to_code = false;
        match place {
            Place::Code => match (c, next) {
                ('/', Some('/')) => {
                    place = Place::LineComment;
                    to_comment = true;
                }
                ('/', Some('*')) => {
                    place = Place::BlockComment { depth: 1 };
                    to_comment = true;
                    len = 2;
                }
                ('"', _) => {
                    let (hashes, raw) = raw_prefix(&chars[..at]);
                    place = Place::Text { hashes, raw };
                    to_code = true;
                }
                ('\'', _) => {
                    // The inside of a character literal becomes blanks; a lifetime stays.
                    len = char_literal(&chars[at..]).unwrap_or(1);
                    to_code = len == 1;
                }
                _ => to_code = true,
            },
            Place::LineComment => {
                to_comment = true;
                if c == '\n' {
                    place = Place::Code;
                }
            }
            Place::BlockComment { depth } => {
                to_comment = true;
                match (c, next) {
                    ('*', Some('/')) => {
                        len = 2;
                        place = match depth {
                            1 => Place::Code,
                            _ => Place::BlockComment { depth: depth - 1 },
                        };
                    }
                    ('/', Some('*')) => {
                        len = 2;
                        place = Place::BlockComment { depth: depth + 1 };
                    }
                    _ => {}
                }
            }
            Place::Text { hashes, raw } => {
                if c == '\\' && !raw {
                    len = 2;
                } else if c == '"' && ends_raw(&chars[at + 1..], hashes) {
                    len = 1 + hashes;
                    to_code = true;
                    place = Place::Code;
                }
            }
        }
        for &c in chars.iter().skip(at).take(len) {
            out.code.push(if to_code || c == '\n' { c } else { ' ' });
            out.comments
                .push(if to_comment || c == '\n' { c } else { ' ' });
        }
        at += len;
    }
    out
}

/// The number of `#` and whether there is an `r` before a quotation mark.
fn raw_prefix(before: &[char]) -> (usize, bool) {
    let hashes = before.iter().rev().take_while(|c| **c == '#').count();
    let mut rest = before[..before.len() - hashes].iter().rev();
    let raw = rest.next() == Some(&'r')
        && rest
            .next()
            .is_none_or(|c| matches!(c, 'b' | 'c') || !c.is_alphanumeric());
    if raw { (hashes, true) } else { (0, false) }
}

fn ends_raw(after: &[char], hashes: usize) -> bool {
    after.iter().take(hashes).filter(|c| **c == '#').count() == hashes
}

/// The length of the character literal that `chars` begins with; `None` for a lifetime.
fn char_literal(chars: &[char]) -> Option<usize> {
    match chars {
        ['\'', '\\', _, rest @ ..] => {
            // LIMIT: the longest escape is `\u{10ffff}`.
            let end = rest.iter().take(10).position(|c| *c == '\'')?;
            Some(end + 4)
        }
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{find_word, scan};

    /// `want_code` has `~` for each blank that stands for something hidden.
    fn check(text: &str, want_code: &str, want_comments: &str) {
        let scan = scan(text);
        assert_eq!(scan.code, want_code.replace('~', " "), "{text}");
        assert_eq!(scan.comments.trim(), want_comments, "{text}");
        assert_eq!(scan.code.chars().count(), text.chars().count());
    }

    #[test]
    fn code_and_comments_part() {
        check("a // b", "a ~~~~", "// b");
        check(
            "a /* b /* c */ d */ e",
            "a ~~~~~~~~~~~~~~~~~ e",
            "/* b /* c */ d */",
        );
        check("f(\"// x\");", "f(\"~~~~\");", "");
        check(r#"f("\"", x)"#, "f(\"~~\", x)", "");
        check(r##"f(r#"a"b"#, x)"##, "f(r#\"~~~\"#, x)", "");
        check(r#"f(r"\", x)"#, "f(r\"~\", x)", "");
        check("'\"' + 'a' + '\\'' // c", "~~~ + ~~~ + ~~~~ ~~~~", "// c");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)", "");
        check("'\\u{1f600}' x", "~~~~~~~~~~~ x", "");
        check("for\"x\"", "for\"~\"", "");
    }

    #[test]
    fn words_have_edges() {
        assert_eq!(find_word("unsafe_code", "unsafe"), None);
        assert_eq!(find_word("an unsafe {", "unsafe"), Some(3));
        assert_eq!(find_word("std::thread_local", "std::thread"), None);
        assert_eq!(find_word("my_todo!() todo!()", "todo!"), Some(11));
    }

    #[test]
    fn tests_are_not_program() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod t {\n}\n";
        let scan = scan(text);
        assert_eq!(scan.program_lines().count(), 4);
    }
}
