//! Which blocks make up a region.

use crate::region::former::{Node, form};

/// Blocks of ten instructions and the blocks behind each; `!` in front: not fit.
fn nodes(text: &str) -> Vec<Node> {
    let node = |(n, line): (usize, &str)| {
        let rest = line.trim_start_matches('!');
        Node {
            at: 40 * n as u64,
            insns: 10,
            next: rest
                .split_whitespace()
                .map(|n| n.parse().expect("a number"))
                .collect(),
            fit: rest == line,
        }
    };
    text.split(',')
        .map(str::trim)
        .enumerate()
        .map(node)
        .collect()
}

/// The blocks behind each block, the hot one, and what comes of it: blocks, entries.
fn check(text: &str, hot: usize, blocks: &[usize], entries: &[usize]) {
    let shape = form(&nodes(text), hot).unwrap_or_else(|| panic!("{text} around {hot}: nothing"));
    assert_eq!(
        (&*shape.blocks, &*shape.entries),
        (blocks, entries),
        "{text} around {hot}"
    );
}

#[test]
fn loops_are_found() {
    // Itself alone; one in a row; with a way out in the middle.
    check("0 1, ", 0, &[0], &[0]);
    check("1, 2, 1 3, ", 2, &[1, 2], &[1]);
    check("1 3, 2, 0, ", 1, &[0, 1, 2], &[0]);
    // Two ways through.
    check("1 2, 3, 3, 0 4, ", 3, &[0, 2, 1, 3], &[0]);
    // A loop in a loop, from any of its blocks.
    for hot in 1..4 {
        check("1, 2, 2 3, 1 4, ", hot, &[1, 2, 3], &[1, 2]);
    }
    // Entered from outside in the middle.
    check("1, 2, 1, 2", 1, &[1, 2], &[1, 2]);
}

#[test]
fn what_is_no_loop_is_no_region() {
    for (text, hot) in [
        ("1, 2, ", 1),
        ("1, 1, ", 0),
        ("1, !0", 0),
        ("!0", 0),
        ("", 0),
    ] {
        assert_eq!(form(&nodes(text), hot), None, "{text} around {hot}");
    }
}

#[test]
fn what_is_not_fit_stays_outside() {
    check("1 2, 0, !0", 0, &[0, 1], &[0]);
    check("1 2, !3, 3, 0", 3, &[3, 0, 2], &[3]);
}

#[test]
fn of_too_many_blocks_the_nearest_are_taken() {
    // Around 0 a loop of three, inside one of a hundred.
    let mut text = String::from("1 3, 2, 0");
    for n in 3..100 {
        text += &format!(", {}", if n == 99 { 0 } else { n + 1 });
    }
    check(&text, 0, &[0, 1, 2], &[0]);
    // All fifty fit, and no more.
    for (count, fits) in [(50, true), (51, false)] {
        let text: Vec<_> = (0..count).map(|n| ((n + 1) % count).to_string()).collect();
        let shape = form(&nodes(&text.join(",")), 7);
        assert_eq!(shape.map(|s| s.blocks.len()), fits.then_some(count));
    }
}
