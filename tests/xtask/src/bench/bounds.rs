//! What is asked of the engines: how fast they have to be against QEMU, and how small.

use std::fmt::Write as _;

use super::boots::{Boot, LOGIN};
use super::report::{Column, Figure, Ratio};

/// Workloads that are judged together, by the geometric mean of how much faster they are.
pub struct Group {
    /// What they have in common.
    pub name: &'static str,
    /// Their names.
    pub workloads: &'static [&'static str],
    /// How much faster they have to be.
    pub must: f64,
    /// How much faster they should be.
    pub aim: f64,
}

/// All groups; a workload may be in two.
pub const GROUPS: &[Group] = &[
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
    Group {
        name: "programs",
        workloads: &["gcc", "python"],
        must: 1.2,
        aim: 2.0,
    },
];

/// The contender that the others are held against.
pub const RIVAL: &str = "qemu";

/// What a boot has to be, and should be: the aim is 0.6 times the rival's time.
const BOOT: (f64, f64) = (1.0, 1.0 / 0.6);

/// A boot, and its CPU time.
type Booting = (&'static str, fn(&Column) -> Option<Figure>);

const BOOTS: [Booting; 2] = [
    ("boot to user space", |column| {
        Some(column.ready(Boot::Bench)?.0)
    }),
    ("Debian to login", |column| column.figure(LOGIN)),
];

/// How many times the workload `selfmod` writes code, fences and calls it, at 100 %.
const CYCLES: f64 = 20_000.0;

/// The most microseconds that such a cycle may take, and should.
const CYCLE_US: (f64, f64) = (6.0, 3.0);

/// The most memory beyond the guest's that a run may take, and should, in MiB.
const MEMORY_MIB: (f64, f64) = (256.0, 128.0);

/// Chains of loads, with their number at 100 %.
const CHAINS: &[(&str, &str, f64)] = &[
    ("16 KiB", "load-16K", 3e7),
    ("4 MiB", "load-4M", 2e6),
    ("32 MiB", "load-32M", 1e6),
];

/// The head of the table of bounds, up to the contenders' names.
pub const HEAD: &str = "| bound | must | aim |";

/// The column that is called as the rival.
pub fn rival(columns: &[Column]) -> Option<&Column> {
    columns.iter().find(|column| column.name == RIVAL)
}

/// Those who boot guests, the rival aside.
pub fn ours(columns: &[Column]) -> impl Iterator<Item = &Column> {
    let boots = |column: &&Column| column.runs.iter().any(|run| run.ready.is_some());
    columns
        .iter()
        .filter(|column| column.name != RIVAL)
        .filter(boots)
}

/// How much faster a column is than the rival at all workloads of a group.
pub fn of_group(group: &Group, rival: &Column, own: &Column) -> Option<Ratio> {
    let ratio = |name: &&str| Ratio::new(rival.figure(name), own.figure(name));
    let ratios: Option<Vec<_>> = group.workloads.iter().map(ratio).collect();
    Ratio::mean(&ratios?)
}

/// A Markdown table of all bounds at `scale` percent of the work, and what each of our engines
/// comes to; empty if the rival did not run.
pub fn table(columns: &[Column], scale: u32) -> String {
    let mut text = String::new();
    let Some(rival) = rival(columns) else {
        return text;
    };
    let ours: Vec<_> = ours(columns).collect();
    text.push_str(HEAD);
    for column in &ours {
        let _ = write!(text, " {} |", column.name);
    }
    text.push_str("\n|---|---:|---:|");
    text.push_str(&"---:|".repeat(ours.len()));
    text.push('\n');
    for group in GROUPS {
        let name = format!("{} ({})", group.name, group.workloads.join(", "));
        times(&mut text, &name, (group.must, group.aim));
        for own in &ours {
            text.push_str(&faster(of_group(group, rival, own), group.must, group.aim));
        }
        text.push('\n');
    }
    for (name, figure) in BOOTS {
        times(&mut text, name, BOOT);
        for own in &ours {
            let ratio = Ratio::new(figure(rival), figure(own));
            text.push_str(&faster(ratio, BOOT.0, BOOT.1));
        }
        text.push('\n');
    }
    let (must, aim) = CYCLE_US;
    let _ = write!(text, "| write, fence, call | {must} us | {aim} us |");
    for own in &ours {
        text.push_str(&smaller(
            per(own, "selfmod", CYCLES * 1e-6, scale),
            CYCLE_US,
        ));
    }
    text.push('\n');
    let (must, aim) = MEMORY_MIB;
    let _ = write!(
        text,
        "| memory beyond the guest's | {must} MiB | {aim} MiB |"
    );
    for own in &ours {
        // Both, or it is not known.
        let boots = [Boot::Bench, Boot::Debian].map(|boot| own.beyond_mib(boot));
        let most = boots[0].zip(boots[1]).map(|(one, other)| one.max(other));
        text.push_str(&smaller(most, MEMORY_MIB));
    }
    text.push('\n');
    text
}

/// A Markdown table of what one thing costs each contender that ran it.
pub fn single_costs(columns: &[Column], scale: u32) -> String {
    let mut text = "| |".to_owned();
    for column in columns {
        let _ = write!(text, " {} |", column.name);
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(columns.len()));
    text.push('\n');
    let mut row = |name: &str, workload, count, unit: &str| {
        let values: Vec<_> = columns
            .iter()
            .map(|column| per(column, workload, count, scale))
            .collect();
        if values.iter().all(Option::is_none) {
            return;
        }
        let _ = write!(text, "| {name} |");
        for value in values {
            let cell = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} {unit}"));
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    };
    for (size, workload, count) in CHAINS {
        let name = format!("a load that needs the last one, in {size}");
        row(&name, *workload, count * 1e-9, "ns");
    }
    row(
        "code is written, fenced, called",
        "selfmod",
        CYCLES * 1e-6,
        "us",
    );
    text
}

/// The best time of a workload by the number of what it does.
fn per(column: &Column, workload: &str, count: f64, scale: u32) -> Option<f64> {
    Some(column.figure(workload)?.least / (count * f64::from(scale) / 100.0))
}

fn times(text: &mut String, name: &str, (must, aim): (f64, f64)) {
    let _ = write!(text, "| {name} | {must:.1} x | {aim:.1} x |");
}

fn faster(ratio: Option<Ratio>, must: f64, aim: f64) -> String {
    let Some(Ratio { low, best, high }) = ratio else {
        return " - |".to_owned();
    };
    let value = format!("{best:.2}");
    let value = marked(&value, best >= must, best >= aim);
    format!(" {value} ({low:.2} to {high:.2}) |")
}

fn smaller(value: Option<f64>, (must, aim): (f64, f64)) -> String {
    let Some(value) = value else {
        return " - |".to_owned();
    };
    let text = format!("{value:.1}");
    format!(" {} |", marked(&text, value <= must, value <= aim))
}

fn marked(value: &str, must: bool, aim: bool) -> String {
    match (must, aim) {
        (_, true) => format!("**{value}** aim"),
        (true, false) => format!("**{value}**"),
        (false, false) => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Cost, Mark, Run};
    use super::super::process::Memory;
    use super::*;

    fn column(name: &'static str, ready_cpu_s: Option<f64>, cpu_s: f64) -> Column {
        let names = GROUPS.iter().flat_map(|group| group.workloads).copied();
        let chains = CHAINS.iter().map(|(_, workload, _)| *workload);
        let costs = names.chain(chains).chain(["selfmod"]).map(|name| {
            let checksum = String::new();
            (name.to_owned(), Cost { cpu_s, checksum })
        });
        let ready = |cpu_s| Mark {
            cpu_s,
            wall_s: cpu_s,
        };
        let memory = |beyond_kib| Memory {
            guest_kib: 0,
            beyond_kib,
        };
        let bench = Run {
            costs: costs.collect(),
            ready: ready_cpu_s.map(ready),
            memory: Some(memory(100 << 10)),
            ..Run::default()
        };
        let checksum = String::new();
        let login = Cost {
            cpu_s: 2.0 * cpu_s,
            checksum,
        };
        let debian = Run {
            boot: Boot::Debian,
            costs: [(LOGIN.to_owned(), login)].into(),
            memory: Some(memory(200 << 10)),
            ..Run::default()
        };
        Column {
            name,
            runs: vec![bench, debian],
        }
    }

    #[test]
    fn each_group_is_held_against_its_bound() {
        let mut all = vec![column("native", None, 0.1), column("vm", Some(2.0), 0.5)];
        assert_eq!(table(&all, 100), "", "nobody to be held against");
        all.push(column("qemu", Some(1.0), 1.0));
        let text = table(&all, 100);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| bound | must | aim | vm |");
        let ends = [
            "| 1.5 x | 2.5 x | **2.00** (2.00 to 2.00) |",
            "| 5.0 x | 8.0 x | 2.00 (2.00 to 2.00) |",
            "| 2.5 x | 4.0 x | 2.00 (2.00 to 2.00) |",
            "| 1.2 x | 2.0 x | **2.00** aim (2.00 to 2.00) |",
            "| programs (gcc, python) | 1.2 x | 2.0 x | **2.00** aim (2.00 to 2.00) |",
            "| boot to user space | 1.0 x | 1.7 x | 0.50 (0.50 to 0.50) |",
            "| Debian to login | 1.0 x | 1.7 x | **2.00** aim (2.00 to 2.00) |",
            "| write, fence, call | 6 us | 3 us | 25.0 |",
            "| memory beyond the guest's | 256 MiB | 128 MiB | **200.0** |",
        ];
        for (line, end) in lines[2..].iter().zip(ends) {
            assert!(line.ends_with(end), "{line} is not {end}");
        }
        assert_eq!(lines.len(), 2 + ends.len());
        // At a fifth of the work the same time is five times as much for each.
        assert!(table(&all, 20).contains("| 125.0 |"));
        all[1].runs[0].costs.remove("calls");
        all[1].runs.pop();
        let text = table(&all, 100);
        for line in [
            "| 2.5 x | 4.0 x | - |",
            "| Debian to login | 1.0 x | 1.7 x | - |",
            "| 128 MiB | - |",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn every_workload_that_is_judged_is_there() {
        let rows = super::super::boots::rows();
        let chains = CHAINS.iter().map(|(_, workload, _)| workload);
        for name in GROUPS
            .iter()
            .flat_map(|group| group.workloads)
            .chain(chains)
        {
            assert!(rows.contains(name), "{name}");
        }
    }

    #[test]
    fn what_one_thing_costs() {
        let text = single_costs(&[column("vm", None, 0.01)], 100);
        assert!(text.contains("in 16 KiB | 0.33 ns |"), "{text}");
        assert!(text.contains("in 32 MiB | 10.00 ns |"), "{text}");
        assert!(text.contains("called | 0.50 us |"), "{text}");
    }
}
