//! The ratios as a picture: for people, who would rather look.

use std::fmt::Write as _;

use super::bounds::{self, GROUPS};
use super::report::{Column, Ratio, workloads};

/// The highest ratio that has a place; more is drawn to the edge.
const MOST: f64 = 16.0;
/// The lowest one.
const LEAST: f64 = 0.25;

const ROW: usize = 18;
const LEFT: f64 = 170.0;
const WIDTH: f64 = 560.0;
const RIGHT: f64 = 60.0;
const TOP: usize = 46;

/// One bar.
struct Bar {
    name: String,
    ratio: Ratio,
    /// What has to be reached, for a group.
    must: Option<f64>,
}

/// The bars of one engine: the groups, then every workload, in the order of their names.
fn bars(columns: &[Column], own: &Column) -> Vec<Bar> {
    let Some(rival) = bounds::rival(columns) else {
        return Vec::new();
    };
    let groups = GROUPS.iter().filter_map(|group| {
        Some(Bar {
            name: group.name.to_owned(),
            ratio: bounds::of_group(group, rival, own)?,
            must: Some(group.must),
        })
    });
    let rows = workloads(columns).into_iter().filter_map(|name| {
        Some(Bar {
            name: name.to_owned(),
            ratio: Ratio::new(rival.figure(name), own.figure(name))?,
            must: None,
        })
    });
    groups.chain(rows).collect()
}

/// How far a ratio is along the axis, from 0 to 1; the axis is logarithmic.
fn along(ratio: f64) -> f64 {
    (ratio.clamp(LEAST, MOST) / LEAST).log2() / (MOST / LEAST).log2()
}

/// Bars of characters for the last of our engines, as a block of plain text; empty if there is
/// nothing to compare.
pub fn plain(columns: &[Column]) -> String {
    let Some(own) = bounds::ours(columns).last() else {
        return String::new();
    };
    let bars = bars(columns, own);
    if bars.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "How much faster than {} {} is; the mark stands at the same speed, eight signs double \
         it.\n\n```text\n",
        bounds::RIVAL,
        own.name
    );
    // Six doublings from the least to the most, of eight characters each.
    let same = cells(1.0);
    for bar in &bars {
        let full = cells(bar.ratio.best);
        let line: String = (0..cells(MOST))
            .map(|at| match (at < full, at == same) {
                (true, true) => '▓',
                (true, false) => '█',
                (false, true) => '┊',
                (false, false) => ' ',
            })
            .collect();
        let _ = writeln!(
            text,
            "{:<18} {:>5.2} {}",
            bar.name,
            bar.ratio.best,
            line.trim_end()
        );
    }
    text.push_str("```\n");
    text
}

fn cells(ratio: f64) -> usize {
    let steps = (MOST / LEAST).log2() * 8.0;
    (along(ratio) * steps).round() as usize
}

/// The same for all our engines as a picture in SVG, with the spread of each ratio.
pub fn svg(columns: &[Column]) -> String {
    let charts: Vec<_> = bounds::ours(columns)
        .map(|own| (own.name, bars(columns, own)))
        .collect();
    let rows: usize = charts.iter().map(|(_, bars)| bars.len() * ROW + TOP).sum();
    let width = LEFT + WIDTH + RIGHT;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {rows}\" \
         width=\"{width:.0}\" height=\"{rows}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut top = 0;
    for (name, bars) in &charts {
        let _ = writeln!(
            text,
            "<text x=\"8\" y=\"{}\" font-weight=\"bold\">{name}: how much faster than {}</text>",
            top + 18,
            bounds::RIVAL
        );
        axis(&mut text, top, bars.len());
        for (index, bar) in bars.iter().enumerate() {
            draw(&mut text, top + TOP + index * ROW, bar);
        }
        top += TOP + bars.len() * ROW;
    }
    text.push_str("</svg>\n");
    text
}

fn x(ratio: f64) -> f64 {
    LEFT + WIDTH * along(ratio)
}

/// A line for each doubling, with its number above; the one of equal speed is dark.
fn axis(text: &mut String, top: usize, count: usize) {
    let (from, to) = (top + TOP - 6, top + TOP + count * ROW);
    let mut ratio = LEAST;
    while ratio <= MOST {
        let same = (ratio - 1.0).abs() < 1e-9;
        let colour = if same { "#444" } else { "#ddd" };
        let at = x(ratio);
        let _ = writeln!(
            text,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{from}\" y2=\"{to}\" stroke=\"{colour}\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#666\">{ratio}</text>",
            from - 4
        );
        ratio *= 2.0;
    }
}

/// The bar from equal speed, a thin line for the spread, a mark for what has to be reached.
fn draw(text: &mut String, y: usize, bar: &Bar) {
    let Ratio { low, best, high } = bar.ratio;
    let reached = best >= bar.must.unwrap_or(1.0);
    let (from, to) = (x(best.min(1.0)), x(best.max(1.0)));
    let colour = if reached { "#4a90c4" } else { "#d9822b" };
    let weight = if bar.must.is_some() { "bold" } else { "normal" };
    let middle = y + ROW / 2;
    let _ = writeln!(
        text,
        "<text x=\"8\" y=\"{}\" font-weight=\"{weight}\">{}</text>\
         <rect x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>\
         <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\" stroke=\"black\"/>\
         <text x=\"{:.1}\" y=\"{}\">{best:.2}</text>",
        middle + 4,
        bar.name,
        y + 3,
        to - from,
        ROW - 6,
        x(low),
        x(high),
        x(high.max(1.0)) + 6.0,
        middle + 4,
    );
    if let Some(must) = bar.must {
        let at = x(must);
        let _ = writeln!(
            text,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#b00\" \
             stroke-width=\"2\"/>",
            y + 1,
            y + ROW - 1
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Cost, Mark, Run};
    use super::super::report::Column;
    use super::{LEFT, WIDTH, cells, plain, svg, x};

    fn column(name: &'static str, costs: &[(&str, f64)]) -> Column {
        let cost = |cpu_s: f64| Cost {
            cpu_s,
            checksum: String::new(),
        };
        let costs = costs
            .iter()
            .map(|(name, cpu_s)| ((*name).to_owned(), cost(*cpu_s)));
        Column {
            name,
            runs: vec![Run {
                costs: costs.collect(),
                ready: Some(Mark {
                    cpu_s: 1.0,
                    wall_s: 1.0,
                }),
                ..Run::default()
            }],
        }
    }

    fn columns() -> [Column; 2] {
        [
            column("qemu", &[("bytecode", 2.0), ("calls", 8.0), ("sort", 1.0)]),
            column(
                "hybrid",
                &[("bytecode", 1.0), ("calls", 1.0), ("sort", 2.0)],
            ),
        ]
    }

    #[test]
    fn the_axis_is_logarithmic_and_ends() {
        assert!((x(0.25) - LEFT).abs() < 1e-9 && (x(0.01) - LEFT).abs() < 1e-9);
        assert!((x(2.0) - LEFT - WIDTH / 2.0).abs() < 1e-9);
        assert!((x(99.0) - LEFT - WIDTH).abs() < 1e-9);
        assert_eq!((cells(0.25), cells(1.0), cells(16.0)), (0, 16, 48));
    }

    #[test]
    fn bars_of_characters() {
        let text = plain(&columns());
        let bar = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
                .to_owned()
        };
        assert!(bar("calls and switches").contains(" 4.00 "), "{text}");
        let full = format!(" 8.00 {}▓{}", "█".repeat(16), "█".repeat(23));
        assert!(bar("calls  ").ends_with(&full), "{text}");
        let half = format!(" 0.50 {}        ┊", "█".repeat(8));
        assert!(bar("sort").ends_with(&half), "{text}");
        assert_eq!(plain(&columns()[..1]), "", "nobody but the rival");
        assert_eq!(plain(&columns()[1..]), "", "nobody to compare with");
    }

    #[test]
    fn the_picture_is_whole_and_marks_what_has_to_be_reached() {
        let text = svg(&columns());
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert_eq!(text.matches("<rect ").count(), 1 + 4, "ground and bars");
        assert_eq!(text.matches("stroke=\"#b00\"").count(), 1, "one group");
        for open in ["<text", "<line", "<rect"] {
            let closed = match open {
                "<text" => text.matches("</text>").count(),
                _ => text.matches(open).count(),
            };
            assert_eq!(text.matches(open).count(), closed);
        }
        assert!(text.contains(">8.00</text>") && text.contains("#d9822b"));
    }
}
