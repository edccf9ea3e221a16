//! The kernel's command line.

/// The words of a command line, of which quotes may hold several together.
fn has_console(line: &str) -> bool {
    line.split_whitespace()
        .any(|word| word.starts_with("console="))
}

/// The found command line with what the user adds, and with a console if it names none.
///
/// The second value says whether the console was added.
#[must_use]
pub fn command_line(found: &str, added: &str, console: &str) -> (String, bool) {
    let mut line = found.trim().to_owned();
    let added = added.trim();
    if !added.is_empty() && !line.is_empty() {
        line.push(' ');
    }
    line.push_str(added);
    if has_console(&line) {
        return (line, false);
    }
    let space = if line.is_empty() { "" } else { " " };
    (format!("{line}{space}console={console}"), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_added_where_there_is_none() {
        for (found, added, want, new) in [
            (
                "root=/dev/vda1 ro quiet",
                "",
                "root=/dev/vda1 ro quiet console=ttyS0",
                true,
            ),
            (
                "root=/dev/vda1",
                "console=hvc0",
                "root=/dev/vda1 console=hvc0",
                false,
            ),
            ("ro console=tty0", "debug", "ro console=tty0 debug", false),
            ("", "", "console=ttyS0", true),
            ("myconsole=1", "", "myconsole=1 console=ttyS0", true),
        ] {
            assert_eq!(command_line(found, added, "ttyS0"), (want.to_owned(), new));
        }
    }
}
