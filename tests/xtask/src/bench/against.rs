//! The gate: nothing that was reached may be lost again unnoticed.
//!
//! Ratios to the rival in the same run are compared, so the earlier result may come from another
//! machine.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::bounds::HEAD;

/// LIMIT: by how much a ratio may be less than it was; shared machines move them by a tenth.
const LOSS: f64 = 0.15;

/// Ratios by line and contender.
type Ratios = BTreeMap<(String, String), f64>;

/// What has fallen too far between two results, a line each.
pub fn losses(earlier: &str, now: &str) -> Result<Vec<String>> {
    let (earlier, now) = (ratios(earlier), ratios(now));
    if earlier.is_empty() {
        bail!("it has no table of bounds with ratios");
    }
    let mut losses = Vec::new();
    let mut compared = 0;
    for ((line, contender), was) in &earlier {
        let Some(is) = now.get(&(line.clone(), contender.clone())) else {
            continue;
        };
        compared += 1;
        if *is < was * (1.0 - LOSS) {
            let part = 100.0 * (1.0 - is / was);
            losses.push(format!(
                "{contender}: {line} is {is:.2}, {part:.0} % less than {was:.2}"
            ));
        }
    }
    if compared == 0 {
        bail!("it has no line and contender in common with this run");
    }
    Ok(losses)
}

/// The ratios of the table of bounds in a document; other bounds are absolute and belong to a
/// machine.
fn ratios(text: &str) -> Ratios {
    let mut ratios = Ratios::new();
    let mut lines = text.lines().skip_while(|line| !line.starts_with(HEAD));
    let Some(head) = lines.next() else {
        return ratios;
    };
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let contenders = cells(head);
    for line in lines.take_while(|line| line.starts_with('|')) {
        let cells = cells(line);
        let is_ratio = cells.get(1).is_some_and(|must| must.ends_with(" x"));
        // The workloads behind the name may change.
        let name = cells[0].split(" (").next().unwrap_or_default();
        for (contender, cell) in contenders.iter().zip(&cells).skip(3) {
            let word = cell.split_whitespace().next().unwrap_or_default();
            if let (true, Ok(ratio)) = (is_ratio, word.trim_matches('*').parse()) {
                ratios.insert((name.to_owned(), contender.clone()), ratio);
            }
        }
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::losses;

    const EARLIER: &str = "# Before\n\n\
        | bound | must | aim | interp | hybrid |\n\
        |---|---:|---:|---:|---:|\n\
        | integer (a, b) | 1.5 x | 2.5 x | 0.40 (0.40 to 0.50) | **2.00** (1.90 to 2.10) |\n\
        | the system (c) | 1.2 x | 2.0 x | - | **2.10** aim (2.00 to 2.20) |\n\
        | write, fence, call | 6 us | 3 us | 4.0 | **4.0** |\n\n\
        | workload | qemu s |\n";

    fn now(integer: &str, system: &str) -> String {
        format!(
            "| bound | must | aim | hybrid |\n|---|---:|---:|---:|\n\
             | integer (a, b, d) | 1.5 x | 2.5 x | {integer} |\n\
             | the system (c) | 1.2 x | 2.0 x | {system} |\n\
             | write, fence, call | 6 us | 3 us | 400.0 |\n"
        )
    }

    #[test]
    fn only_a_fall_by_more_than_a_seventh_is_a_loss() {
        let check = |integer: &str, system: &str, want: &[&str]| {
            let got = losses(EARLIER, &now(integer, system)).expect("both have tables");
            assert_eq!(got, want);
        };
        check("**2.00** (1 to 3)", "2.10 (2 to 3)", &[]);
        check("**1.71** (1 to 3)", "9.00 (2 to 3)", &[]);
        check(
            "**1.60** (1 to 3)",
            "- ",
            &["hybrid: integer is 1.60, 20 % less than 2.00"],
        );
        check(
            "1.00 (1 to 3)",
            "1.05 (1 to 3)",
            &[
                "hybrid: integer is 1.00, 50 % less than 2.00",
                "hybrid: the system is 1.05, 50 % less than 2.10",
            ],
        );
    }

    #[test]
    fn what_can_not_be_compared_is_no_success() {
        let now = now("2.00", "2.00");
        assert!(losses("# Before\n", &now).is_err());
        assert!(losses(EARLIER, "# Now\n").is_err());
        let others = EARLIER.replace("hybrid", "jit").replace("interp", "none");
        assert!(losses(&others, &now).is_err());
    }
}
