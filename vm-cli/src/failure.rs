//! What is said of a guest that has failed: as rows of text for people, and as JSON.

use serde_json::{Value, json};
use vm_runtime::{BackTrace, CpuFailure, Failure, Outcome, Passage, Spot, Step, TraceKind};

use crate::report::printable;

/// The most calls of a back trace, and the most lines of last blocks, that text has.
const CALLS: usize = 16;
/// See [`CALLS`].
const BLOCKS: usize = 12;
/// The most calls of a CPU that the failure is not about.
const OTHERS: usize = 6;
/// How many registers stand in a line.
const COLUMNS: usize = 3;

/// A row: what it is about, and words; rows that go on have no label.
pub type Row = (String, String);

/// Whether an ending is the guest's failure, of which a report is made.
#[must_use]
pub fn is_reported(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Panicked
            | Outcome::Stuck { .. }
            | Outcome::Trapping { .. }
            | Outcome::Hung
            | Outcome::Silent
    )
}

/// The rows of a report, without the console's lines.
#[must_use]
pub fn rows(failure: &Failure) -> Vec<Row> {
    let mut rows = Rows::default();
    if let Some(reason) = &failure.reason {
        rows.add("reason", reason.clone());
    }
    let Some(cpu) = failure.cpus.get(failure.cpu) else {
        return rows.0;
    };
    let frames = &cpu.back_trace.frames;
    // Who called `panic` is more to the point than how the machine was stopped afterwards.
    let panics = frames.iter().rposition(|spot| function(spot) == "panic");
    if let Some(caller) = panics.and_then(|at| frames.get(at + 1)) {
        rows.add("at", caller.to_string());
    }
    let mut here = format!("{} at {}", cpu.state, cpu.pc);
    if let Some(privilege) = &cpu.privilege {
        here = format!("{here}, {privilege}");
    }
    rows.add(&format!("cpu{}", failure.cpu), here);
    if let Some(trap) = &cpu.trap {
        rows.add("last trap", trap.clone());
    }
    rows.list("trace", calls(&cpu.back_trace));
    rows.list("registers", registers(cpu));
    rows.list("blocks", blocks(cpu, failure.recent_is));
    for (number, other) in failure.cpus.iter().enumerate() {
        if number != failure.cpu {
            rows.add(&format!("cpu{number}"), line_of(other));
        }
    }
    rows.0
}

/// The rows of the console's last lines.
#[must_use]
pub fn console_rows(failure: &Failure) -> Vec<Row> {
    let mut rows = Rows::default();
    let lines = failure.console.iter().skip_while(|line| line.is_empty());
    let lines = lines.map(|line| format!("| {line}"));
    rows.list("console", lines.collect());
    rows.0
}

/// Rows as text, labels before their words; a guest's words obey nothing.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let line = |(label, words): &Row| format!("{label:>12}  {}\n", printable(words));
    rows.iter().map(line).collect()
}

/// Rows under their labels.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, label: &str, words: String) {
        self.0.push((label.to_owned(), words));
    }

    fn list(&mut self, label: &str, lines: Vec<String>) {
        for (number, line) in lines.into_iter().enumerate() {
            self.add(if number == 0 { label } else { "" }, line);
        }
    }
}

/// The function of a place, without the distance.
fn function(spot: &Spot) -> &str {
    let place = spot.place.as_deref().unwrap_or_default();
    place.split('+').next().unwrap_or(place)
}

/// An address, and its place behind it.
fn columns(spot: &Spot) -> String {
    let place = spot.place.as_deref().unwrap_or_default();
    format!("{:#018x}  {place}", spot.addr)
        .trim_end()
        .to_owned()
}

fn calls(trace: &BackTrace) -> Vec<String> {
    let how = match trace.kind {
        TraceKind::None => return Vec::new(),
        TraceKind::Frames => "by frame pointers, innermost first",
        TraceKind::Scan => {
            "found on the stack, innermost first; some may be left over from earlier calls"
        }
    };
    let mut lines = vec![how.to_owned()];
    lines.extend(trace.frames.iter().take(CALLS).map(columns));
    let more = trace.frames.len().saturating_sub(CALLS);
    lines.extend((more > 0).then(|| format!("... and {more} more")));
    lines
}

fn registers(cpu: &CpuFailure) -> Vec<String> {
    let vital: Vec<String> = cpu
        .registers
        .iter()
        .filter(|(.., matters)| *matters)
        .map(|(name, value, _)| format!("{name:<7} {value:016x}"))
        .collect();
    let lines = vital.chunks(COLUMNS);
    lines.map(|line| line.join("  ")).collect()
}

/// The last lines of what the CPU did, below what they are.
fn blocks(cpu: &CpuFailure, recent_is: &str) -> Vec<String> {
    let mut lines: Vec<String> = cpu.recent.iter().flat_map(passage).collect();
    if lines.is_empty() {
        return lines;
    }
    let first = lines.len().saturating_sub(BLOCKS);
    let mut shown = vec![format!("{recent_is}; newest last")];
    shown.extend(lines.drain(first..));
    shown
}

fn passage(passage: &Passage) -> Vec<String> {
    let mut lines: Vec<String> = passage
        .steps
        .iter()
        .map(|step| match step {
            Step::Block(spot) => columns(spot),
            Step::Trap(name) => format!("-- {name}"),
        })
        .collect();
    match (lines.as_mut_slice(), passage.times) {
        (_, 0 | 1) => {}
        ([line], times) => *line = format!("{line}  x {times}"),
        (all, times) => {
            let count = all.len();
            if let Some(last) = all.last_mut() {
                *last = format!("{last}  (these {count} x {times})");
            }
        }
    }
    lines
}

/// A CPU that the failure is not about, in a line.
fn line_of(cpu: &CpuFailure) -> String {
    let trace = cpu.back_trace.frames.iter().take(OTHERS);
    let calls: Vec<String> = trace
        .map(|spot| {
            let place = spot.place.clone();
            place.unwrap_or_else(|| format!("{:#x}", spot.addr))
        })
        .collect();
    let between = match cpu.back_trace.kind {
        TraceKind::Scan => " <? ",
        TraceKind::Frames | TraceKind::None => " <- ",
    };
    format!("{} at {}", cpu.state, calls.join(between))
}

/// The whole report as JSON.
#[must_use]
pub fn json(failure: &Failure) -> Value {
    json!({
        "reason": failure.reason,
        "cpu": failure.cpu,
        "cpus": failure.cpus.iter().map(cpu_json).collect::<Vec<_>>(),
        "recent_is": failure.recent_is,
        "symbols": failure.symbols,
        "console": failure.console,
    })
}

fn cpu_json(cpu: &CpuFailure) -> Value {
    let kind = match cpu.back_trace.kind {
        TraceKind::Frames => "frame-pointers",
        TraceKind::Scan => "stack-scan",
        TraceKind::None => "none",
    };
    let registers = cpu.registers.iter();
    let registers: serde_json::Map<String, Value> = registers
        .map(|(name, value, _)| (name.clone(), hex(*value).into()))
        .collect();
    let frames: Vec<Value> = cpu.back_trace.frames.iter().map(spot_json).collect();
    let recent = cpu.recent.iter().map(|passage| {
        let steps: Vec<Value> = passage.steps.iter().map(step_json).collect();
        json!({"steps": steps, "times": passage.times})
    });
    json!({
        "state": cpu.state,
        "privilege": cpu.privilege,
        "pc": hex(cpu.pc.addr),
        "place": cpu.pc.place,
        "last_trap": cpu.trap,
        "registers": registers,
        "back_trace": {"kind": kind, "frames": frames},
        "recent": recent.collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step) -> Value {
    match step {
        Step::Block(spot) => spot_json(spot),
        Step::Trap(name) => json!({"trap": name}),
    }
}

fn spot_json(spot: &Spot) -> Value {
    json!({"pc": hex(spot.addr), "place": spot.place})
}

/// A number as text: readers of JSON round large ones.
fn hex(value: u64) -> String {
    format!("{value:#x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(addr: u64, place: &str) -> Spot {
        let place = (!place.is_empty()).then(|| place.to_owned());
        Spot { addr, place }
    }

    #[test]
    fn what_repeats_says_so_and_only_the_end_is_shown() {
        let one = |addr, times| Passage {
            steps: vec![Step::Block(spot(addr, "f"))],
            times,
        };
        let row = Passage {
            steps: vec![Step::Block(spot(4, "")), Step::Trap("a fault".to_owned())],
            times: 30,
        };
        let mut cpu = CpuFailure {
            state: "running",
            privilege: None,
            pc: spot(8, "g+0x4"),
            trap: None,
            registers: Vec::new(),
            back_trace: BackTrace {
                kind: TraceKind::None,
                frames: vec![spot(8, "g+0x4")],
            },
            recent: vec![one(1, 1), one(2, 1200), row],
        };
        let want = [
            "them; newest last",
            "0x0000000000000001  f",
            "0x0000000000000002  f  x 1200",
            "0x0000000000000004",
            "-- a fault  (these 2 x 30)",
        ];
        assert_eq!(blocks(&cpu, "them"), want);
        cpu.recent = (0..100).map(|addr| one(addr, 1)).collect();
        let lines = blocks(&cpu, "them");
        assert_eq!(lines.len(), 1 + BLOCKS);
        assert_eq!(lines[BLOCKS], "0x0000000000000063  f");
        assert_eq!(line_of(&cpu), "running at g+0x4");
        cpu.recent.clear();
        assert!(blocks(&cpu, "them").is_empty());
    }
}
