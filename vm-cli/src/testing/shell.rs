//! Commands at a guest's shell, over its console.
//!
//! There is no channel beside the console yet, so a command is typed with marks around it.
//! The marks are typed with quotes inside and printed without, so that the echo of what was
//! typed is not taken for what was printed; `eval` keeps what the command leaves in the shell,
//! and lets it end with `&` or a comment.

/// What the shell prints before the output of a command.
#[must_use]
pub fn begin(number: usize) -> String {
    format!("VM-RUN-{number}\n")
}

/// What the shell prints behind the output; the status and the end of the line follow.
#[must_use]
pub fn end(number: usize) -> String {
    format!("VM-END-{number}=")
}

/// The line that is typed.
#[must_use]
pub fn typed(number: usize, command: &str) -> String {
    let quoted = command.replace('\'', r"'\''");
    format!("echo VM-\"\"RUN-{number}; eval '{quoted}'; echo VM-\"\"END-{number}=$?")
}

/// The output and the status, out of what was printed behind the first mark up to the end of
/// the last mark's line.
#[must_use]
pub fn result(number: usize, printed: &[u8]) -> Option<(String, u64)> {
    let text = String::from_utf8_lossy(printed);
    let (output, status) = text.rsplit_once(&end(number))?;
    let status = status.trim_end().parse().ok()?;
    Some((
        output.strip_suffix('\n').unwrap_or(output).to_owned(),
        status,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_not_what_is_printed() {
        let typed = typed(7, "echo 'a b' # c");
        assert!(!typed.contains(begin(7).trim_end()) && !typed.contains(&end(7)));
        assert_eq!(
            typed,
            "echo VM-\"\"RUN-7; eval 'echo '\\''a b'\\'' # c'; echo VM-\"\"END-7=$?"
        );
    }

    #[test]
    fn output_and_status_are_found_with_and_without_a_last_newline() {
        for (printed, want) in [
            ("a\nb\nVM-END-7=0\n", Some(("a\nb", 0))),
            ("aVM-END-7=127\n", Some(("a", 127))),
            ("VM-END-7=1\n", Some(("", 1))),
            ("VM-END-7=x\n", None),
            ("VM-END-8=0\n", None),
        ] {
            let want = want.map(|(output, status)| (output.to_owned(), status));
            assert_eq!(result(7, printed.as_bytes()), want, "{printed:?}");
        }
    }
}
