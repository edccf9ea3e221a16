//! Which blocks make up a region.

use crate::region::former::{Node, form, form_whole};

/// How many instructions fit.
const MOST: u32 = 500;

/// Blocks of ten instructions and the blocks behind each; `!` in front: not fit.
fn nodes(text: &str) -> Vec<Node> {
    let node = |(n, line): (usize, &str)| {
        let rest = line.trim_start_matches('!');
        Node {
            at: 40 * n as i64,
            insns: 10,
            next: rest
                .split_whitespace()
                .map(|n| n.parse().expect("a number"))
                .collect(),
            behind: None,
            region: None,
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
    let shape =
        form(&nodes(text), hot, MOST).unwrap_or_else(|| panic!("{text} around {hot}: nothing"));
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
        assert_eq!(form(&nodes(text), hot, MOST), None, "{text} around {hot}");
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
        let shape = form(&nodes(&text.join(",")), 7, MOST);
        assert_eq!(shape.map(|s| s.blocks.len()), fits.then_some(count));
    }
}

/// Blocks, those of them that are a region of so many already, and what comes of it around `hot`.
fn check_whole(text: &str, region: &[usize], count: usize, hot: usize, blocks: Option<&[usize]>) {
    let mut nodes = nodes(text);
    region
        .iter()
        .for_each(|at| nodes[*at].region = Some((7, count)));
    let mut shape = form_whole(nodes, hot, MOST).map(|shape| shape.blocks);
    shape.iter_mut().for_each(|blocks| blocks.sort_unstable());
    assert_eq!(
        shape.as_deref(),
        blocks,
        "{text} with {region:?} of {count}"
    );
}

#[test]
fn regions_are_taken_in_whole_or_not_at_all() {
    let nest = "1, 2, 1 3, 0 4, ";
    check_whole(nest, &[], 0, 0, Some(&[0, 1, 2, 3]));
    check_whole(nest, &[1, 2], 2, 0, Some(&[0, 1, 2, 3]));
    // One of its blocks is not among those that are looked at, or not on the way.
    check_whole(nest, &[1, 2], 3, 0, None);
    check_whole("1 5, 2, 1 3, 0, , 3", &[1, 2, 4], 3, 0, Some(&[0, 3, 5]));
    // It grows, and is not made once more.
    check_whole(nest, &[1, 2], 2, 1, Some(&[0, 1, 2, 3]));
    check_whole(nest, &[0, 1, 2, 3], 4, 1, None);
}

#[test]
fn what_turns_on_itself_stays_in_its_region() {
    let nest = "1, 1 2, 0 3, ";
    check_whole(nest, &[], 0, 0, Some(&[0, 1, 2]));
    check_whole(nest, &[1], 1, 0, None);
    check_whole(nest, &[1], 1, 1, None);
    // Around it there is another way.
    check_whole("1 2, 1 2, 0 3, ", &[1], 1, 0, Some(&[0, 2]));
}

#[test]
fn what_a_function_outside_returns_to_is_an_entry() {
    // 0 calls 1 or, on another way, 4, which is not fit; both return to 2.
    let mut nodes = nodes("1 4, 2, 3, 0, !2");
    nodes[0].behind = Some(2);
    let shape = form(&nodes, 1, MOST).expect("a loop");
    assert_eq!(
        (&*shape.blocks, shape.entries.contains(&2)),
        (&[2, 3, 0, 1][..], true)
    );
}
