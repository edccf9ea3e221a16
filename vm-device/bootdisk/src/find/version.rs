//! The order of versions: UAPI.10, the Version Format Specification.

use std::cmp::Ordering;

/// Which of two versions is the later one.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        left = left.trim_start_matches(ignored);
        right = right.trim_start_matches(ignored);
        if let Some(order) = separator('~', &mut left, &mut right) {
            match order {
                Ordering::Equal => continue,
                different => return different,
            }
        }
        if left.is_empty() || right.is_empty() {
            return (!left.is_empty()).cmp(&!right.is_empty());
        }
        let mark = ['-', '^', '.']
            .into_iter()
            .find_map(|mark| separator(mark, &mut left, &mut right));
        let order = match mark {
            Some(order) => order,
            None => part(&mut left, &mut right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Characters that only separate.
fn ignored(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '~' | '^'))
}

/// A mark in front of either: whoever has it is the earlier version; if both have it, it goes.
fn separator(mark: char, left: &mut &str, right: &mut &str) -> Option<Ordering> {
    match (left.strip_prefix(mark), right.strip_prefix(mark)) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(left_rest), Some(right_rest)) => {
            (*left, *right) = (left_rest, right_rest);
            Some(Ordering::Equal)
        }
    }
}

/// Digits by their number, or letters by their order.
fn part(left: &mut &str, right: &mut &str) -> Ordering {
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if digit(left) || digit(right) {
        let (a, b) = (
            take(left, |c| c.is_ascii_digit()),
            take(right, |c| c.is_ascii_digit()),
        );
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        return a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    }
    let (a, b) = (
        take(left, |c| c.is_ascii_alphabetic()),
        take(right, |c| c.is_ascii_alphabetic()),
    );
    a.cmp(b)
}

fn take<'a>(text: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    *text = rest;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_the_specification_says() {
        // Its own examples, and kernels of Debian.
        for (left, right, order) in [
            ("11", "11", Ordering::Equal),
            ("systemd-123", "systemd-123", Ordering::Equal),
            ("bar-123", "foo-123", Ordering::Less),
            ("123a", "123", Ordering::Greater),
            ("123.a", "123", Ordering::Greater),
            ("123.a", "123.b", Ordering::Less),
            ("123a", "123.a", Ordering::Greater),
            ("11α", "11β", Ordering::Equal),
            ("B", "a", Ordering::Less),
            ("", "0", Ordering::Less),
            ("0.", "0", Ordering::Greater),
            ("0.0", "0", Ordering::Greater),
            ("0", "~", Ordering::Greater),
            ("", "~", Ordering::Greater),
            ("1_", "1", Ordering::Equal),
            ("_1", "1", Ordering::Equal),
            ("1.2.3", "1.2.3~rc1", Ordering::Greater),
            (
                "6.12.9+deb13-riscv64",
                "6.12.48+deb13-riscv64",
                Ordering::Less,
            ),
            ("6.12.9", "6.12.009", Ordering::Equal),
        ] {
            assert_eq!(compare(left, right), order, "{left} {right}");
            assert_eq!(compare(right, left), order.reverse(), "{right} {left}");
        }
    }
}
