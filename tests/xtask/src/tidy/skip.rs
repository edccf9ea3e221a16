//! Which lines of a file belong to a table under `rustfmt::skip`.

use super::scan::Scan;

/// For each line of the file (the first at index 0) whether it is in such a table.
pub fn skipped_lines(scan: &Scan) -> Vec<bool> {
    let lines: Vec<&str> = scan.code.lines().collect();
    let mut skipped = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        if lines[at].contains("#![rustfmt::skip]") {
            skipped.fill(true);
            return skipped;
        }
        if !lines[at].contains("#[rustfmt::skip]") {
            at += 1;
            continue;
        }
        let end = item_end(&lines, at);
        skipped[at..end].fill(true);
        at = end;
    }
    skipped
}

/// The index after the last line of the item whose attribute stands on line `start`: it ends
/// where a `}` or `;` stands outside all brackets.
fn item_end(lines: &[&str], start: usize) -> usize {
    let mut depth = 0_u32;
    for (index, line) in lines.iter().enumerate().skip(start) {
        for c in line.chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && c == '}' {
                        return index + 1;
                    }
                }
                ';' if depth == 0 => return index + 1,
                _ => {}
            }
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::skipped_lines;

    /// Each line of `text` that is to be in a table ends with `!`.
    fn check(text: &str) {
        let want: Vec<_> = text.lines().map(|line| line.ends_with('!')).collect();
        assert_eq!(skipped_lines(&scan(&text.replace('!', ""))), want, "{text}");
    }

    #[test]
    fn from_the_attribute_to_the_end_of_the_item() {
        check("a;\n#[rustfmt::skip]!\nconst A: [u8; 1] = [!\n  1,!\n];!\nb;\n");
        check("#[rustfmt::skip]!\n/// doc;!\nfn f(a: u8) {!\n  b;!\n}!\nc;\n");
        check("#[rustfmt::skip]!\nmod a;!\nmod b;\n");
        assert_eq!(skipped_lines(&scan("#![rustfmt::skip]\na\n")), [true, true]);
    }
}
