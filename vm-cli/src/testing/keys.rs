//! The keys of test files, as tables: what is read, what is refused by name, and the reference
//! in the book come from them.

/// What kind of value a key takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A text with the name of a file.
    File,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A text with a size, as `"512M"`.
    Size,
    /// A text with a time, as `"60s"`.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number, or one of these words.
    NumberOr(&'static [&'static str]),
    /// A list of texts, or of `{ regex = "..." }`.
    Patterns,
    /// A list of disks.
    Drives,
    /// A list of steps.
    Steps,
    /// It has a meaning, but not yet in this program.
    Later,
}

impl Kind {
    /// What may stand behind the key, in words.
    #[must_use]
    pub fn words(self) -> String {
        let choice = |words: &[&str]| {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            quoted.join(", ")
        };
        match self {
            Self::Text => "a text".to_owned(),
            Self::File => "a text: a file".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Size => "a text: a size as \"512M\"".to_owned(),
            Self::Time => "a text: a time as \"60s\"".to_owned(),
            Self::Word(words) => choice(words),
            Self::NumberOr(words) => format!("a whole number, {}", choice(words)),
            Self::Patterns => "a list of texts or { regex = \"...\" }".to_owned(),
            Self::Drives => {
                "a list of files (\"FILE\", \"FILE,ro\") or { empty = \"16M\" }".to_owned()
            }
            Self::Steps => "a list of steps".to_owned(),
            Self::Later => "nothing yet".to_owned(),
        }
    }
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it means, in a sentence or two.
    pub doc: &'static str,
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc }
}

/// What may stand at the top of a file.
#[rustfmt::skip] // A table: one key a line.
pub const TOP: &[Key] = &[
    key("suite", Kind::Text, "A table: what holds for every test of the file."),
    key("test", Kind::Text, "A list of tables `[[test]]`: the tests."),
];

/// What a suite sets for all its tests, and each test for itself.
#[rustfmt::skip] // A table: one key a line.
pub const SETUP: &[Key] = &[
    key("image",    Kind::File,   "A disk image, which boots by itself and is the first disk, or a kernel."),
    key("kernel",   Kind::File,   "The kernel or bare-metal program. Without image, kernel, initrd, append and firmware the built-in demo starts."),
    key("initrd",   Kind::File,   "The initial RAM disk."),
    key("append",   Kind::Text,   "The kernel's command line."),
    key("firmware", Kind::Text,   "Who runs before the kernel: a file, `builtin` (the default), or `none` for bare-metal programs."),
    key("machine",  Kind::Text,   "The machine; `virt` if not given."),
    key("memory",   Kind::Size,   "The size of memory; 512M if not given, 1G for a disk image, 128M for the demo."),
    key("cpus",     Kind::Number, "The number of CPUs; 1 if not given."),
    key("drive",    Kind::Drives, "Disks. What a test writes to a disk or an image is thrown away with the test, and survives restarts inside of it."),
    key("terminal", Kind::Word(&["serial", "virtio"]), "Where steps type: the serial line (ttyS0, the default) or a virtio console (hvc0)."),
    key("net",      Kind::Text,   "The network: `user`, `user,dns=ADDR`, or `none`, the default. What comes over it is not the seed's work, so a test with a network has no state hash."),
    key("serve",    Kind::File,   "A folder of the host: while the test runs, the guest can fetch its files at `http://{serve}/FILE`. Such a test has a network."),
    key("time",     Kind::Word(&["virtual", "host"]), "Whose time the guest lives in; `virtual` if not given. In host time runs differ and have no state hash."),
    key("seed",     Kind::Number, "What all chance in the machine grows from; 0 if not given."),
    key("timeout",  Kind::Time,   "The most guest time that a test may take from power-on; 60s if not given."),
    key("watchdog", Kind::Time,   "After how much guest time without output, input or a request to a disk the guest hangs; not watched if not given."),
    key("limit-insns", Kind::Number, "The most instructions that all CPUs together may execute; no limit of its own if not given."),
    key("forbid",   Kind::Patterns, "What must never appear on the console: the test fails at once. A test's list is added to the suite's."),
    key("arch",      Kind::Later, "The kernel's file decides the architecture."),
    key("engine",    Kind::Later, "There is no choice of engines in test files yet."),
    key("matrix",    Kind::Later, "One test file for several machines is not possible yet: write a suite for each."),
    key("ready",     Kind::Later, "Tests can not start from a booted machine yet: each boots its own."),
    key("fork",      Kind::Later, "Tests can not start from a booted machine yet: each boots its own."),
    key("seeds",     Kind::Later, "Several seeds of one test are not possible yet: `vm test --seed N` runs with another one."),
    key("artifacts", Kind::Later, "Files of the guest can not be kept yet: print them."),
    key("script",    Kind::Later, "Steps are the only way to write a test yet."),
];

/// What a test has beside its setup.
#[rustfmt::skip] // A table: one key a line.
pub const TEST: &[Key] = &[
    key("name",  Kind::Text,  "The name of the test, of its own in the file. `vm test` calls it FILE::NAME."),
    key("steps", Kind::Steps, "What is done and expected, in order. Without `expect_end` the test passes behind its last step."),
];

/// What steps are: a verb each, and what goes with it.
#[rustfmt::skip] // A table: one verb a block.
pub const VERBS: &[(Key, &[Key])] = &[
    (key("wait", Kind::Text, "Lets the guest run until it has printed this text. What was printed behind the last match is searched first."), &[
        key("regex",   Kind::Flag, "The text is a regular expression; it sees one line at a time, as far as it is printed."),
        key("timeout", Kind::Time, "The most guest time for this step."),
    ]),
    (key("send", Kind::Text, "Types the text and Enter. The guest gets it as its receiver has room, so nothing is lost."), &[
        key("enter", Kind::Flag, "`false` leaves Enter out."),
    ]),
    (key("run", Kind::Text, "Types a command at a shell's prompt, waits for its end, and wants status 0."), &[
        key("expect",  Kind::Text, "What the command has to print."),
        key("regex",   Kind::Flag, "`expect` is a regular expression over the whole output."),
        key("status",  Kind::NumberOr(&["any"]), "The exit status that is wanted instead of 0."),
        key("save",    Kind::Text, "The name of a variable that keeps the output: later steps write `{name}`."),
        key("timeout", Kind::Time, "The most guest time for this step."),
    ]),
    (key("expect", Kind::Text, "Wants a text in what was printed since the machine started. The guest does not run."), &[
        key("regex", Kind::Flag, "The text is a regular expression; it sees one line at a time."),
    ]),
    (key("reset", Kind::Word(&["hard"]), "Presses the machine's reset button. Memory is lost, disks are not."), &[]),
    (key("expect_end", Kind::NumberOr(ENDS), "Lets the guest run until it ends, in this way; a number is the one that the guest fails with. The last step."), &[
        key("timeout", Kind::Time, "The most guest time for this step."),
    ]),
];

/// The ways to end.
pub const ENDS: &[&str] = &["poweroff", "reset", "panic", "hang"];

/// A disk that is no file.
pub const DRIVE: &[Key] = &[key(
    "empty",
    Kind::Size,
    "The size of a disk full of zeroes.",
)];

/// A pattern that is no text.
pub const PATTERN: &[Key] = &[key("regex", Kind::Text, "A regular expression.")];

/// The name of `keys` that was meant, if one is near.
#[must_use]
pub fn nearest(written: &str, names: &[&'static str]) -> Option<&'static str> {
    let distances = names.iter().map(|name| (distance(written, name), *name));
    let (least, name) = distances.min()?;
    (least <= 2 && least < name.len()).then_some(name)
}

/// How many letters have to be changed, added or taken away.
fn distance(a: &str, b: &str) -> usize {
    // LIMIT: a key is a word; a longer one is nobody's typing error.
    if a.len() > 32 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near_to_what_was_meant() {
        for (written, want) in [
            ("nmae", Some("name")),
            ("step", Some("steps")),
            ("steps", Some("steps")),
            ("nothing", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, &["name", "steps"]), want, "{written}");
        }
    }
}
