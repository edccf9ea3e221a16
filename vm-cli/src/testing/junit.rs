//! The results of tests in the form that continuous integration reads: JUnit's XML.
//!
//! There is no standard of it; this keeps to what the common readers share: `testsuites`,
//! `testsuite`, `testcase` with `failure` or `error`, `properties` and `system-out`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::jobs::Done;
use super::verdict::Verdict;
use crate::diagnose::file;
use crate::failure;
use crate::report::Report;

/// Writes the results to a file.
pub fn write(path: &Path, all: &[Done]) -> Result<(), Report> {
    let written = fs::write(path, text(all));
    written.map_err(|error| file(path, "can not be written", &error))
}

fn text(all: &[Done]) -> String {
    let mut sorted: Vec<&Done> = all.iter().collect();
    sorted.sort_by_key(|done| done.job.number);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, "<testsuites name=\"vm test\"{}>", counts(&sorted));
    let suite = |done: &&Done| done.job.test.suite.path.clone();
    for group in sorted.chunk_by(|a, b| suite(a) == suite(b)) {
        let Some(first) = group.first() else { continue };
        let name = escaped(&first.job.test.suite.name);
        let file = escaped(&suite(first).display().to_string());
        let _ = writeln!(
            text,
            "  <testsuite name=\"{name}\" file=\"{file}\"{}>",
            counts(group)
        );
        for done in group {
            case(&mut text, done);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts(all: &[&Done]) -> String {
    let count = |wanted: fn(Verdict) -> bool| {
        let found = all.iter().filter(|done| wanted(done.played.verdict));
        found.count()
    };
    let seconds: f64 = all.iter().map(|done| done.seconds).sum();
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\"",
        all.len(),
        count(Verdict::is_failure),
        count(is_error),
    )
}

/// What is neither a pass nor the guest's failure.
fn is_error(verdict: Verdict) -> bool {
    verdict != Verdict::Pass && !verdict.is_failure()
}

fn case(text: &mut String, done: &Done) {
    let played = &done.played;
    let (name, suite) = (
        escaped(&done.job.test.case().name),
        escaped(&done.job.test.suite.name),
    );
    let _ = writeln!(
        text,
        "    <testcase name=\"{name}\" classname=\"{suite}\" time=\"{:.3}\">",
        done.seconds
    );
    text.push_str("      <properties>\n");
    let hash = played.state_hash.map(|hash| format!("{hash:#018x}"));
    let rows = [
        ("verdict", Some(played.verdict.word().to_owned())),
        ("guest_ns", Some(played.guest_ns.to_string())),
        ("state_hash", hash),
    ];
    for (name, value) in rows
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    {
        let _ = writeln!(
            text,
            "        <property name=\"{name}\" value=\"{value}\"/>"
        );
    }
    text.push_str("      </properties>\n");
    if played.verdict != Verdict::Pass {
        let tag = if is_error(played.verdict) {
            "error"
        } else {
            "failure"
        };
        let (kind, message) = (played.verdict.word(), escaped(&played.detail));
        let place = escaped(&played.place);
        let _ = writeln!(
            text,
            "      <{tag} type=\"{kind}\" message=\"{message}\">{place}</{tag}>"
        );
        let lines = escaped(&played.last.join("\n"));
        let _ = writeln!(text, "      <system-out>{lines}</system-out>");
        if let Some(told) = &played.failure {
            let report = escaped(&failure::text(&told.rows));
            let _ = writeln!(text, "      <system-err>{report}</system-err>");
        }
    }
    text.push_str("    </testcase>\n");
}

/// Text as XML has it; what XML can not have at all is written out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(c.escape_default());
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_bytes_can_not_leave_their_place() {
        let text = "a<b>&\"c\"\n\u{1b}[0m\u{0}]]>";
        let want = "a&lt;b&gt;&amp;&quot;c&quot;&#10;\\u{1b}[0m\\u{0}]]&gt;";
        assert_eq!(escaped(text), want);
    }
}
