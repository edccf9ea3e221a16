//! The command `[`, which is also called `test`.

use super::run::Machine;

impl Machine<'_> {
    /// Whether a condition holds: alternatives by `-o`, each of them parts by `-a`.
    pub(super) fn test(&self, words: &[String]) -> bool {
        let words = match words.split_last() {
            Some((last, rest)) if last == "]" => rest,
            _ => words,
        };
        words.split(|word| word == "-o").any(|alternative| {
            alternative
                .split(|word| word == "-a")
                .all(|part| self.part(part))
        })
    }

    fn part(&self, words: &[String]) -> bool {
        let nots = words.iter().take_while(|word| *word == "!").count();
        self.plain_part(&words[nots..]) != (nots % 2 == 1)
    }

    fn plain_part(&self, words: &[String]) -> bool {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let number = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
        match words.as_slice() {
            [] => false,
            ["-n", text] => !text.is_empty(),
            ["-z", text] => text.is_empty(),
            ["-z"] => true,
            ["-f", file] => self.locate(file).is_some_and(|(v, path)| v.is_file(&path)),
            ["-s", file] => self
                .locate(file)
                .is_some_and(|(v, path)| v.has_bytes(&path)),
            ["-d", file] => self
                .locate(file)
                .is_some_and(|(v, path)| v.is_folder(&path)),
            ["-e", file] => self
                .locate(file)
                .is_some_and(|(v, path)| v.is_file(&path) || v.is_folder(&path)),
            [left, "=" | "==", right] => left == right,
            [left, "!=", right] => left != right,
            [left, "<", right] => left < right,
            [left, ">", right] => left > right,
            [left, "-eq", right] => number(left) == number(right),
            [left, "-ne", right] => number(left) != number(right),
            [left, "-lt", right] => number(left) < number(right),
            [left, "-le", right] => number(left) <= number(right),
            [left, "-gt", right] => number(left) > number(right),
            [left, "-ge", right] => number(left) >= number(right),
            [text] => !text.is_empty(),
            _ => false,
        }
    }
}
