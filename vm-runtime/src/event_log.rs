//! Writes trace events as lines.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use vm_core::{AccessKind, Answer, GuestVirt, Trace, TraceEvent, TraceKinds};

use crate::Symbols;

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

/// Writes one line an event.
pub struct TraceWriter {
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
        }
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
        let symbols = self.symbols.as_ref();
        match symbols.and_then(|symbols| symbols.lookup(pc.0)) {
            Some(place) => format!("{:#018x} <{place}>", pc.0),
            None => format!("{:#018x}", pc.0),
        }
    }

    fn line(&mut self, cpu: u32, retired: u64, kind: &str, text: std::fmt::Arguments) {
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

    fn event(&mut self, cpu: u32, retired: u64, event: &TraceEvent) {
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
                let at = self.place(*pc);
                let arrow = if changed.is_empty() { "" } else { "  =>" };
                let text = format_args!("{at} {hex:>8} {text}{arrow}{changed}");
                self.line(cpu, retired, "insn", text);
            }
            TraceEvent::Block { pc, insns } => {
                let at = self.place(*pc);
                self.line(cpu, retired, "block", format_args!("{at} {insns}"));
            }
            TraceEvent::Mem {
                pc,
                addr,
                bytes,
                value,
                store,
            } => {
                let way = if *store { "store" } else { "load" };
                let at = self.place(*pc);
                let text = format_args!("{at} {way} {bytes} at {:#x} {value:#x}", addr.0);
                self.line(cpu, retired, "mem", text);
            }
            TraceEvent::Trap {
                pc,
                trap,
                interrupt,
                name,
            } => {
                let kind = if *interrupt { "irq" } else { "trap" };
                let at = self.place(*pc);
                let text = format_args!("{at} {} {name} {:#x}", trap.cause, trap.value);
                self.line(cpu, retired, kind, text);
            }
            TraceEvent::Dev {
                device,
                access,
                answer,
            } => {
                let (at, bytes) = (access.addr.0, access.width.bytes());
                let way = match access.kind {
                    AccessKind::Load => "read".to_owned(),
                    AccessKind::Store(value) => format!("write {value:#x}"),
                };
                let said = match answer {
                    Answer::Done(value) => format!("{value:#x}"),
                    Answer::Fault(fault) => format!("fault {fault:?}"),
                    Answer::Later(_) => "later".to_owned(),
                };
                let text = format_args!("{device} {at:#x}/{bytes} {way} -> {said}");
                self.line(cpu, retired, "dev", text);
            }
            TraceEvent::Line {
                device,
                line,
                level,
            } => {
                let text = format_args!("{device} line {line} {}", u8::from(*level));
                self.line(cpu, retired, "irq", text);
            }
            TraceEvent::Call { text } => self.line(cpu, retired, "sbi", format_args!("{text}")),
            TraceEvent::Message { addr, data } => {
                self.line(
                    cpu,
                    retired,
                    "irq",
                    format_args!("message {:#x} {data:#x}", addr.0),
                );
            }
        }
    }
}

impl Drop for TraceWriter {
    fn drop(&mut self) {
        let _ = self.out.flush();
    }
}
