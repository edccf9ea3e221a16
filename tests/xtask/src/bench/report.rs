//! The tables: figures, ratios and spread.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::boots::{Boot, LOGIN};
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

/// The first, the least and the greatest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// That of the first run.
    pub first: f64,
    /// That of the best.
    pub least: f64,
    /// That of the worst.
    pub most: f64,
}

impl Figure {
    fn of(mut values: impl Iterator<Item = f64>) -> Option<Self> {
        let first = values.next()?;
        let start = Self {
            first,
            least: first,
            most: first,
        };
        Some(values.fold(start, |figure, value| Self {
            least: figure.least.min(value),
            most: figure.most.max(value),
            ..figure
        }))
    }

    fn cell(self) -> String {
        let spread = if self.least > 0.0 {
            (self.most / self.least - 1.0) * 100.0
        } else {
            0.0
        };
        format!("{:.3} ({:.3}, +{spread:.0} %)", self.least, self.first)
    }
}

/// How much faster one is than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Its worst run against the other's best.
    pub low: f64,
    /// The best against the best.
    pub best: f64,
    /// Its best against the other's worst.
    pub high: f64,
}

impl Ratio {
    /// How much less time than `rival` it takes; none if one of them did not run, or was too
    /// quick to be timed.
    pub fn new(rival: Option<Figure>, own: Option<Figure>) -> Option<Self> {
        let (rival, own) = (rival?, own?);
        (own.least > 0.0 && rival.least > 0.0).then(|| Self {
            low: rival.least / own.most,
            best: rival.least / own.least,
            high: rival.most / own.least,
        })
    }

    /// The geometric mean of several.
    pub fn mean(ratios: &[Self]) -> Option<Self> {
        let of = |value: fn(&Self) -> f64| {
            let values: Vec<_> = ratios.iter().map(value).collect();
            geometric_mean(&values)
        };
        Some(Self {
            low: of(|ratio| ratio.low)?,
            best: of(|ratio| ratio.best)?,
            high: of(|ratio| ratio.high)?,
        })
    }
}

impl Column {
    /// The CPU time of a workload.
    pub fn figure(&self, workload: &str) -> Option<Figure> {
        let costs = self.runs.iter().filter_map(|run| run.costs.get(workload));
        Figure::of(costs.map(|cost| cost.cpu_s))
    }

    /// The CPU time until a guest had booted, and that on the wall.
    pub fn ready(&self, boot: Boot) -> Option<(Figure, Figure)> {
        let marks = || self.of(boot).filter_map(|run| run.ready);
        let cpu = Figure::of(marks().map(|mark| mark.cpu_s))?;
        Some((cpu, Figure::of(marks().map(|mark| mark.wall_s))?))
    }

    /// The runs of one guest.
    pub fn of(&self, boot: Boot) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.boot == boot)
    }

    /// The most memory beyond the guest's that the process held, in MiB.
    pub fn beyond_mib(&self, boot: Boot) -> Option<f64> {
        let memories = self.of(boot).filter_map(|run| run.memory);
        let most = memories.map(|memory| memory.beyond_kib).max()?;
        Some(most as f64 / 1024.0)
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

/// All workloads that anybody ran, in the order of their names.
pub fn workloads(columns: &[Column]) -> BTreeSet<&str> {
    let runs = columns.iter().flat_map(|column| &column.runs);
    let names = runs.flat_map(|run| run.costs.keys());
    names.map(String::as_str).collect()
}

/// A Markdown table. Each figure is the least of the runs, in CPU seconds, with the first and
/// the spread to the greatest; ratios are of least figures, to the first column.
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
    let names = workloads(columns);
    for name in names.into_iter().filter(|name| *name != LOGIN) {
        let cell = |figure: Option<Figure>| figure.map_or_else(|| "-".to_owned(), Figure::cell);
        let native = base.figure(name);
        let _ = write!(text, "| {name} | {} |", cell(native));
        let native = native.filter(|native| native.least >= SHORTEST_S);
        for (column, ratios) in others.iter().zip(&mut ratios) {
            let figure = column.figure(name);
            let pair = native.zip(figure);
            let ratio = pair.map(|(native, figure)| figure.least / native.least);
            ratios.extend(ratio);
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"));
            let _ = write!(text, " {} | {ratio} |", cell(figure));
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

/// A Markdown table of each guest that was booted: how long until it was there, and memory.
pub fn boots(columns: &[Column]) -> String {
    let mut text =
        "| boot | by | CPU s | wall s | resident MiB | of it the guest's | beyond it |\n\
                    |---|---|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for boot in Boot::ALL {
        for column in columns {
            let Some((cpu, wall)) = column.ready(boot) else {
                continue;
            };
            let peak = column.of(boot).map(|run| run.peak_kib).max().unwrap_or(0);
            let memories = column.of(boot).filter_map(|run| run.memory);
            let memory = memories.max_by_key(|memory| memory.beyond_kib);
            let mib = |kib: u64| format!("{:.0}", kib as f64 / 1024.0);
            let part = |kib: Option<u64>| kib.map_or_else(|| "-".to_owned(), mib);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                boot.about(),
                column.name,
                cpu.cell(),
                wall.cell(),
                mib(peak),
                part(memory.map(|memory| memory.guest_kib)),
                part(memory.map(|memory| memory.beyond_kib)),
            );
        }
    }
    text
}

/// A Markdown table of what our engines say of their runs; empty if none of them ran.
pub fn engines(columns: &[Column]) -> String {
    let mut rows = String::new();
    for boot in Boot::ALL {
        for column in columns {
            let last = column.of(boot).last();
            let Some((run, stats)) = last.and_then(|run| Some((run, run.stats.as_ref()?))) else {
                continue;
            };
            let per_thousand = 1000.0 * stats.tlb_misses / stats.instructions.max(1.0);
            let residency = stats.residency.map_or_else(
                || "-".to_owned(),
                |homes| {
                    let all = homes.iter().sum::<f64>().max(1.0);
                    homes
                        .map(|home| format!("{:.0}", 100.0 * home / all))
                        .join(" / ")
                },
            );
            let _ = writeln!(
                rows,
                "| {} | {} | {:.2} | {:.1} % | {per_thousand:.2} | {:.0} | {:.0} | {residency} |",
                boot.about(),
                column.name,
                stats.instructions / 1e9,
                100.0 * stats.compiling_s / run.cpu_s.max(f64::MIN_POSITIVE),
                stats.blocks / 1e3,
                stats.flushes,
            );
        }
    }
    if rows.is_empty() {
        return rows;
    }
    "| boot | engine | G instructions | compiling, of CPU time | TLB misses a 1000 instructions \
     | blocks, thousands | flushes | slices ended in handlers / templates / blocks / regions, % |\n\
     |---|---|---:|---:|---:|---:|---:|---|\n"
        .to_owned()
        + &rows
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
    use super::super::boots::Boot;
    use super::super::measure::{Cost, Mark, Run};
    use super::super::process::Memory;
    use super::super::stats::Stats;
    use super::{Column, Figure, Ratio, boots, differing, engines, geometric_mean, table};

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
            column(
                "vm",
                &[&[("a", 1.6, "1"), ("b", 1.0, "2"), ("c", 2.0, "3")]],
            ),
        ];
        let text = table(&columns);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "| workload | native s | vm s | vm / native |");
        assert_eq!(
            lines[2],
            "| a | 0.400 (0.500, +25 %) | 1.600 (1.600, +0 %) | 4.0 |"
        );
        assert_eq!(
            lines[3],
            "| b | 0.001 (0.001, +0 %) | 1.000 (1.000, +0 %) | - |"
        );
        assert_eq!(lines[4], "| c | - | 2.000 (2.000, +0 %) | - |");
        assert_eq!(
            lines[5],
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
    fn means_and_ratios() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[2.0, 8.0]).expect("two values");
        assert!((mean - 4.0).abs() < 1e-9);
        let figure = |values: [f64; 2]| Figure::of(values.into_iter());
        let ratio = Ratio::new(figure([3.0, 2.0]), figure([1.0, 2.0])).expect("both ran");
        assert_eq!((ratio.low, ratio.best, ratio.high), (1.0, 2.0, 3.0));
        assert_eq!(Ratio::new(None, figure([1.0, 2.0])), None);
        assert_eq!(Ratio::new(figure([1.0, 2.0]), figure([0.0, 2.0])), None);
    }

    #[test]
    fn boots_and_what_engines_say() {
        let run = |boot| Run {
            boot,
            ready: Some(Mark {
                cpu_s: 2.0,
                wall_s: 3.0,
            }),
            peak_kib: 4096,
            memory: Some(Memory {
                guest_kib: 1024,
                beyond_kib: 2048,
            }),
            cpu_s: 4.0,
            stats: Some(Stats {
                instructions: 2e9,
                compiling_s: 1.0,
                tlb_misses: 1e6,
                blocks: 5000.0,
                flushes: 0.0,
                residency: Some([10.0, 20.0, 30.0, 40.0]),
            }),
            ..Run::default()
        };
        let booted = Column {
            name: "vm",
            runs: vec![run(Boot::Debian)],
        };
        let columns = [column("native", &[&[]]), booted];
        let text = boots(&columns);
        let want = "| Debian to login | vm | 2.000 (2.000, +0 %) | 3.000 (3.000, +0 %) \
                    | 4 | 1 | 2 |";
        assert_eq!(text.lines().nth(2), Some(want), "{text}");
        assert_eq!(text.lines().count(), 3);
        let text = engines(&columns);
        let want = "| Debian to login | vm | 2.00 | 25.0 % | 0.50 | 5 | 0 | 10 / 20 / 30 / 40 |";
        assert_eq!(text.lines().nth(2), Some(want), "{text}");
        assert_eq!(engines(&columns[..1]), "");
    }
}
