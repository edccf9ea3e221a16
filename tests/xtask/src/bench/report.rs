//! The table: figures, ratios and spread.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::measure::Run;

/// LIMIT: below this the native time is too short to divide by.
const SHORTEST_S: f64 = 0.005;

/// All runs of one contender.
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Its runs; at least one.
    pub runs: Vec<Run>,
}

/// The least of some values, and how far the greatest is above it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figure {
    least: f64,
    spread: f64,
}

impl Figure {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, most) = values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        if least.is_infinite() {
            return None;
        }
        let spread = if least > 0.0 { most / least - 1.0 } else { 0.0 };
        Some(Self { least, spread })
    }

    fn cell(self) -> String {
        format!("{:.3} (+{:.0} %)", self.least, self.spread * 100.0)
    }
}

impl Column {
    fn figure(&self, workload: &str) -> Option<Figure> {
        Figure::of(
            self.runs
                .iter()
                .filter_map(|run| Some(run.costs.get(workload)?.cpu_s)),
        )
    }

    /// The CPU time of a workload, in its best run.
    pub fn least(&self, workload: &str) -> Option<f64> {
        self.figure(workload).map(|figure| figure.least)
    }

    /// The CPU time of the boot before the workloads, of those that boot.
    pub fn boot_cpu_s(&self) -> Option<f64> {
        let all = self.runs.iter().filter_map(|run| run.ready_cpu_s);
        Figure::of(all).map(|figure| figure.least)
    }
}

/// Workloads whose checksum is not the same in all runs of all columns.
pub fn differing(columns: &[Column]) -> Vec<String> {
    let mut sums: BTreeMap<&str, &str> = BTreeMap::new();
    let mut differing = Vec::new();
    for run in columns.iter().flat_map(|column| &column.runs) {
        for (name, cost) in &run.costs {
            let first = sums.entry(name).or_insert(&cost.checksum);
            if **first != cost.checksum && !differing.contains(name) {
                differing.push(name.clone());
            }
        }
    }
    differing
}

/// A Markdown table. Each figure is the least of the runs, in CPU seconds, with the spread to
/// the greatest; ratios are of least figures, to the first column.
pub fn table(columns: &[Column]) -> String {
    let mut text = String::new();
    let Some((base, others)) = columns.split_first() else {
        return text;
    };
    text.push_str("| workload |");
    let _ = write!(text, " {} s |", base.name);
    for column in others {
        let _ = write!(text, " {0} s | {0} / {1} |", column.name, base.name);
    }
    text.push_str("\n|---|---:|");
    text.push_str(&"---:|---:|".repeat(others.len()));
    text.push('\n');
    let mut ratios = vec![Vec::new(); others.len()];
    let names = base.runs.iter().flat_map(|run| run.costs.keys());
    let names: std::collections::BTreeSet<_> = names.collect();
    for name in names {
        let Some(native) = base.figure(name) else {
            continue;
        };
        let _ = write!(text, "| {name} | {} |", native.cell());
        for (column, ratios) in others.iter().zip(&mut ratios) {
            let figure = column.figure(name);
            let cell = figure.map_or_else(|| "-".to_owned(), Figure::cell);
            let ratio = figure.filter(|_| native.least >= SHORTEST_S);
            let ratio = ratio.map(|figure| figure.least / native.least);
            ratios.extend(ratio);
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"));
            let _ = write!(text, " {cell} | {ratio} |");
        }
        text.push('\n');
    }
    text.push_str("| **geometric mean** | |");
    for ratios in &ratios {
        match geometric_mean(ratios) {
            Some(mean) => {
                let _ = write!(
                    text,
                    " {:.1} % of {} | **{mean:.1}** |",
                    100.0 / mean,
                    base.name
                );
            }
            None => text.push_str(" - | - |"),
        }
    }
    text.push('\n');
    text
}

/// Lines about the boot before the workloads, and memory, of those that boot.
pub fn boots(columns: &[Column]) -> String {
    let mut text = String::new();
    for column in columns {
        let cpu = Figure::of(column.runs.iter().filter_map(|run| run.ready_cpu_s));
        let wall = Figure::of(column.runs.iter().filter_map(|run| run.ready_wall_s));
        let peak = column
            .runs
            .iter()
            .map(|run| run.peak_kib)
            .max()
            .unwrap_or(0);
        if let (Some(cpu), Some(wall)) = (cpu, wall) {
            let name = column.name;
            let _ = writeln!(
                text,
                "- {name}: to user space {} s CPU, {} s wall; at most {} MiB resident",
                cpu.cell(),
                wall.cell(),
                peak / 1024
            );
        }
    }
    text
}

/// The geometric mean of positive numbers.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| *value <= 0.0) {
        return None;
    }
    let mut count = 0.0;
    let sum: f64 = values
        .iter()
        .map(|value| value.ln())
        .inspect(|_| count += 1.0)
        .sum();
    Some((sum / count).exp())
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Cost, Run};
    use super::{Column, boots, differing, geometric_mean, table};

    fn column(name: &'static str, runs: &[&[(&str, f64, &str)]]) -> Column {
        let run = |costs: &&[(&str, f64, &str)]| {
            let cost = |(name, cpu_s, sum): &(&str, f64, &str)| {
                (
                    (*name).to_owned(),
                    Cost {
                        cpu_s: *cpu_s,
                        checksum: (*sum).to_owned(),
                    },
                )
            };
            Run {
                costs: costs.iter().map(cost).collect(),
                ..Run::default()
            }
        };
        Column {
            name,
            runs: runs.iter().map(run).collect(),
        }
    }

    #[test]
    fn least_figures_and_their_ratios() {
        let columns = [
            column(
                "native",
                &[&[("a", 0.5, "1"), ("b", 0.001, "2")], &[("a", 0.4, "1")]],
            ),
            column("vm", &[&[("a", 1.6, "1"), ("b", 1.0, "2")]]),
        ];
        let text = table(&columns);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| workload | native s | vm s | vm / native |");
        assert_eq!(lines[2], "| a | 0.400 (+25 %) | 1.600 (+0 %) | 4.0 |");
        assert_eq!(lines[3], "| b | 0.001 (+0 %) | 1.000 (+0 %) | - |");
        assert_eq!(
            lines[4],
            "| **geometric mean** | | 25.0 % of native | **4.0** |"
        );
    }

    #[test]
    fn checksums_have_to_agree() {
        let native = || column("native", &[&[("a", 1.0, "1"), ("b", 1.0, "2")]]);
        assert!(differing(&[native(), native()]).is_empty());
        let other = column("vm", &[&[("a", 1.0, "1"), ("b", 1.0, "3")]]);
        assert_eq!(differing(&[native(), other]), ["b"]);
    }

    #[test]
    fn means_and_boots() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[2.0, 8.0]).expect("two values");
        assert!((mean - 4.0).abs() < 1e-9);
        let mut booted = column("vm", &[&[]]);
        booted.runs[0] = Run {
            ready_cpu_s: Some(2.0),
            ready_wall_s: Some(3.0),
            peak_kib: 4096,
            ..Run::default()
        };
        let text = boots(&[column("native", &[&[]]), booted]);
        assert_eq!(
            text,
            "- vm: to user space 2.000 (+0 %) s CPU, 3.000 (+0 %) s wall; at most 4 MiB resident\n"
        );
    }
}
