//! What is asked of the engines: how fast they have to be against QEMU.

use std::fmt::Write as _;

use super::report::{Column, geometric_mean};

/// Workloads that are judged together, by the geometric mean of how much faster they are.
struct Group {
    name: &'static str,
    workloads: &'static [&'static str],
    /// How much faster they have to be.
    must: f64,
    /// How much faster they should be.
    aim: f64,
}

const GROUPS: &[Group] = &[
    Group {
        name: "integer",
        workloads: &[
            "atomic",
            "bytecode",
            "bytes",
            "chacha",
            "copy",
            "crc",
            "divide",
            "follow-16K",
            "follow-32M",
            "matrix",
            "multiply",
            "parse",
            "primes",
            "queens",
            "sort",
            "tree",
        ],
        must: 1.5,
        aim: 2.5,
    },
    Group {
        name: "floating point",
        workloads: &[
            "convert",
            "double",
            "mandelbrot",
            "orbits",
            "single",
            "transform",
        ],
        must: 5.0,
        aim: 8.0,
    },
    Group {
        name: "calls and switches",
        workloads: &["bytecode", "calls"],
        must: 2.5,
        aim: 4.0,
    },
    Group {
        name: "the system",
        workloads: &[
            "exec", "fault", "fork", "pipe", "protect", "signal", "syscall",
        ],
        must: 1.2,
        aim: 2.0,
    },
];

/// The contender that the others are held against.
const RIVAL: &str = "qemu";

/// What the boot to user space has to be, and should be.
const BOOT: (f64, f64) = (1.0, 1.0 / 0.6);

/// A Markdown table of how much faster than QEMU each engine is, group by group; empty if QEMU
/// did not run.
pub fn table(columns: &[Column]) -> String {
    let mut text = String::new();
    let Some(rival) = columns.iter().find(|column| column.name == RIVAL) else {
        return text;
    };
    let ours: Vec<_> = columns
        .iter()
        .filter(|column| column.name != RIVAL && column.boot_cpu_s().is_some())
        .collect();
    let _ = write!(text, "| how much faster than {RIVAL} | must | aim |");
    for column in &ours {
        let _ = write!(text, " {} |", column.name);
    }
    text.push_str("\n|---|---:|---:|");
    text.push_str(&"---:|".repeat(ours.len()));
    text.push('\n');
    for group in GROUPS {
        let _ = write!(
            text,
            "| {} ({}) | {:.1} | {:.1} |",
            group.name,
            group.workloads.join(", "),
            group.must,
            group.aim
        );
        for column in &ours {
            let ratio = |workload: &&str| Some(rival.least(workload)? / column.least(workload)?);
            let ratios: Option<Vec<f64>> = group.workloads.iter().map(ratio).collect();
            let mean = ratios.and_then(|ratios| geometric_mean(&ratios));
            text.push_str(&cell(mean, group.must));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "| boot to user space | {:.1} | {:.1} |",
        BOOT.0, BOOT.1
    );
    for column in &ours {
        let times = rival.boot_cpu_s().zip(column.boot_cpu_s());
        text.push_str(&cell(times.map(|(rival, own)| rival / own), BOOT.0));
    }
    text.push('\n');
    text
}

fn cell(ratio: Option<f64>, must: f64) -> String {
    match ratio {
        Some(ratio) if ratio >= must => format!(" **{ratio:.2}** |"),
        Some(ratio) => format!(" {ratio:.2} |"),
        None => " - |".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Cost, Run};
    use super::*;

    fn column(name: &'static str, ready_cpu_s: Option<f64>, cpu_s: f64) -> Column {
        let costs = GROUPS.iter().flat_map(|group| group.workloads).map(|name| {
            let checksum = String::new();
            ((*name).to_owned(), Cost { cpu_s, checksum })
        });
        let run = Run {
            costs: costs.collect(),
            ready_cpu_s,
            ..Run::default()
        };
        Column {
            name,
            runs: vec![run],
        }
    }

    #[test]
    fn each_group_is_held_against_its_bound() {
        let mut all = vec![column("native", None, 0.1), column("vm", Some(2.0), 0.5)];
        assert_eq!(table(&all), "", "nobody to be held against");
        all.push(column("qemu", Some(1.0), 1.0));
        let text = table(&all);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| how much faster than qemu | must | aim | vm |");
        assert!(lines[2].ends_with("| 1.5 | 2.5 | **2.00** |"), "{text}");
        assert!(lines[3].ends_with("| 5.0 | 8.0 | 2.00 |"), "{text}");
        assert_eq!(lines[6], "| boot to user space | 1.0 | 1.7 | 0.50 |");
        all[1].runs[0].costs.remove("calls");
        let text = table(&all);
        assert!(text.contains("| 2.5 | 4.0 | - |"), "{text}");
    }
}
