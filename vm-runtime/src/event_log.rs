//! Writes trace events as lines, or as a timeline.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use vm_core::{AccessKind, Answer, GuestVirt, Moment, Trace, TraceEvent, TraceKinds};

use crate::Symbols;
use crate::perfetto::Timeline;

/// Which events a trace is about.
#[derive(Clone, Debug, Default)]
pub struct TraceFilter {
    /// Only instructions in this privilege.
    pub privilege: Option<u32>,
    /// Only instructions in one of these ranges of addresses; none means everywhere.
    pub ranges: Vec<Range<u64>>,
    /// Only after so many instructions of a CPU, and before so many.
    pub window: Option<Range<u64>>,
}

/// How a trace is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TraceFormat {
    /// One line an event.
    #[default]
    Lines,
    /// A timeline for Perfetto.
    Perfetto,
}

/// Writes events down.
pub struct TraceWriter {
    timeline: Option<Timeline>,
    kinds: TraceKinds,
    filter: TraceFilter,
    out: Box<dyn Write + Send>,
    symbols: Option<Arc<Symbols>>,
    /// Why writing stopped: the first error ends the trace, not the run.
    pub failed: Option<std::io::Error>,
}

impl TraceWriter {
    /// A trace of these kinds.
    #[must_use]
    pub fn new(kinds: TraceKinds, filter: TraceFilter, out: Box<dyn Write + Send>) -> Self {
        Self {
            kinds,
            filter,
            out,
            symbols: None,
            failed: None,
            timeline: None,
        }
    }

    /// Writes in this format from the first event on.
    #[must_use]
    pub fn format(mut self, format: TraceFormat) -> Self {
        self.timeline = (format == TraceFormat::Perfetto).then(Timeline::default);
        self
    }

    /// Writes the symbol behind each address of an instruction from now on.
    pub fn set_symbols(&mut self, symbols: Arc<Symbols>) {
        self.symbols = Some(symbols);
    }

    /// Only instructions in one of these ranges from now on.
    pub fn set_ranges(&mut self, ranges: Vec<Range<u64>>) {
        self.filter.ranges = ranges;
    }

    /// An instruction's address, with its symbol if there is one.
    fn place(&self, pc: GuestVirt) -> String {
        place(self.symbols.as_deref(), pc)
    }

    /// Writes what the timeline has made.
    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.out.write_all(bytes)
        {
            self.failed = Some(error);
        }
    }

    /// Ends the trace: nothing comes behind it.
    pub fn end(&mut self) {
        if let Some(mut timeline) = self.timeline.take() {
            timeline.finish();
            let bytes = timeline.take();
            self.put(&bytes);
        }
        if let (Err(error), None) = (self.out.flush(), &self.failed) {
            self.failed = Some(error);
        }
    }

    fn request(&mut self, at: Moment, device: &str, id: u64, what: Option<&str>) {
        match what {
            Some(what) => self.line(at, "io", format_args!("{device} request {id} {what}")),
            None => self.line(at, "io", format_args!("{device} request {id} ends")),
        }
    }

    fn line(&mut self, at: Moment, kind: &str, text: std::fmt::Arguments) {
        let Moment { cpu, retired, .. } = at;
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{retired:>12} cpu{cpu} {kind:<5} {text}")
        {
            self.failed = Some(error);
        }
    }
}

impl Trace for TraceWriter {
    fn kinds(&self) -> TraceKinds {
        self.kinds
    }

    fn wants(&self, _cpu: u32, pc: GuestVirt, privilege: u32, retired: u64) -> bool {
        let filter = &self.filter;
        filter.privilege.is_none_or(|wanted| wanted == privilege)
            && (filter.ranges.is_empty() || filter.ranges.iter().any(|range| range.contains(&pc.0)))
            && filter
                .window
                .as_ref()
                .is_none_or(|window| window.contains(&retired))
    }

    fn event(&mut self, at: Moment, event: &TraceEvent) {
        if let Some(timeline) = &mut self.timeline {
            let symbols = self.symbols.as_deref();
            timeline.event(at, event, &|pc| place(symbols, pc));
            let bytes = timeline.take();
            self.put(&bytes);
        } else {
            self.write(at, event);
        }
    }
}

impl TraceWriter {
    /// Writes a line.
    fn write(&mut self, at: Moment, event: &TraceEvent) {
        match event {
            TraceEvent::Insn {
                pc,
                bytes,
                text,
                changes,
            } => {
                let hex: String = bytes
                    .iter()
                    .rev()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                let changed: String = changes
                    .iter()
                    .map(|(name, value)| format!(" {name}={value:#x}"))
                    .collect();
                let place = self.place(*pc);
                let arrow = if changed.is_empty() { "" } else { "  =>" };
                let text = format_args!("{place} {hex:>8} {text}{arrow}{changed}");
                self.line(at, "insn", text);
            }
            TraceEvent::Block { pc, insns } => {
                let place = self.place(*pc);
                self.line(at, "block", format_args!("{place} {insns}"));
            }
            TraceEvent::Mem {
                pc,
                addr,
                bytes,
                value,
                store,
            } => {
                let way = if *store { "store" } else { "load" };
                let place = self.place(*pc);
                let text = format_args!("{place} {way} {bytes} at {:#x} {value:#x}", addr.0);
                self.line(at, "mem", text);
            }
            TraceEvent::Trap {
                pc,
                trap,
                interrupt,
                name,
            } => {
                let kind = if *interrupt { "irq" } else { "trap" };
                let place = self.place(*pc);
                let text = format_args!("{place} {} {name} {:#x}", trap.cause, trap.value);
                self.line(at, kind, text);
            }
            TraceEvent::Dev {
                device,
                access,
                answer,
            } => {
                let (addr, bytes) = (access.addr.0, access.width.bytes());
                let way = match access.kind {
                    AccessKind::Load => "read".to_owned(),
                    AccessKind::Store(value) => format!("write {value:#x}"),
                };
                let said = match answer {
                    Answer::Done(value) => format!("{value:#x}"),
                    Answer::Fault(fault) => format!("fault {fault:?}"),
                    Answer::Later(_) => "later".to_owned(),
                };
                let text = format_args!("{device} {addr:#x}/{bytes} {way} -> {said}");
                self.line(at, "dev", text);
            }
            TraceEvent::Line {
                device,
                line,
                level,
            } => {
                let text = format_args!("{device} line {line} {}", u8::from(*level));
                self.line(at, "irq", text);
            }
            TraceEvent::Call { text } => self.line(at, "sbi", format_args!("{text}")),
            TraceEvent::Mode { pc, name, ended } => {
                let place = self.place(*pc);
                self.line(at, "mode", format_args!("{place} {name} ended {ended}"));
            }
            TraceEvent::Turn { begins } => {
                self.line(at, "sched", format_args!("turn {}", way_of(*begins)));
            }
            TraceEvent::Idle { begins } => {
                self.line(at, "sched", format_args!("idle {}", way_of(*begins)));
            }
            TraceEvent::Request { device, id, what } => {
                self.request(at, device, *id, what.as_deref());
            }
            TraceEvent::Message { addr, data } => {
                self.line(at, "irq", format_args!("message {:#x} {data:#x}", addr.0));
            }
        }
    }
}

fn way_of(begins: bool) -> &'static str {
    if begins { "begins" } else { "ends" }
}

/// An address of an instruction, with its symbol if there is one.
fn place(symbols: Option<&Symbols>, pc: GuestVirt) -> String {
    match symbols.and_then(|symbols| symbols.lookup(pc.0)) {
        Some(place) => format!("{:#018x} <{place}>", pc.0),
        None => format!("{:#018x}", pc.0),
    }
}

impl Drop for TraceWriter {
    fn drop(&mut self) {
        self.end();
    }
}
