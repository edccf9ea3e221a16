//! The trace of a run.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use vm_runtime::{Symbols, Trace, TraceFilter, TraceFormat, TraceWriter};

use crate::args::{Privilege, RunArgs};
use crate::diagnose::file;
use crate::report::Report;
use crate::symbols::no_symbol;
use crate::{codes, out, units};

/// What the names of files end in that become timelines.
const TIMELINES: [&str; 3] = ["perfetto", "perfetto-trace", "pftrace"];

/// A trace, or none.
pub struct Tracing {
    writer: Option<Arc<Mutex<TraceWriter>>>,
    /// Where it goes, for complaints.
    place: String,
}

impl Tracing {
    /// The trace that the arguments ask for.
    pub fn new(args: &RunArgs) -> Result<Self, Report> {
        let Some(to) = &args.trace else {
            return Ok(Self {
                writer: None,
                place: String::new(),
            });
        };
        let path = match (&args.trace_file, &to.file) {
            (Some(_), Some(_)) => {
                return Err(Report::new(codes::USAGE, "the trace has two files")
                    .help("name it with --trace-file or behind the colon of --trace"));
            }
            (one, other) => one.as_ref().or(other.as_ref()),
        };
        let filter = TraceFilter {
            privilege: args.trace_priv.map(|privilege| match privilege {
                Privilege::U => 0,
                Privilege::S => 1,
                Privilege::M => 3,
            }),
            ranges: Vec::new(),
            window: args.trace_window.clone(),
        };
        let sink: Box<dyn Write + Send> = match path {
            None if io::stdin().is_terminal() && io::stderr().is_terminal() => {
                Box::new(BufWriter::new(Returning(io::stderr())))
            }
            None => Box::new(BufWriter::new(io::stderr())),
            Some(path) => {
                let created = File::create(path);
                let what = "can not be written as a trace";
                Box::new(BufWriter::new(
                    created.map_err(|error| file(path, what, &error))?,
                ))
            }
        };
        let place = path.map_or("standard error".to_owned(), |path| {
            path.display().to_string()
        });
        let format = match path.and_then(|path| path.extension()) {
            Some(extension) if TIMELINES.iter().any(|known| extension == *known) => {
                TraceFormat::Perfetto
            }
            _ => TraceFormat::Lines,
        };
        let writer = TraceWriter::new(to.kinds, filter, sink).format(format);
        Ok(Self {
            writer: Some(Arc::new(Mutex::new(writer))),
            place,
        })
    }

    /// Puts names into the trace, and keeps it to the ranges that the arguments ask for.
    pub fn use_symbols(&self, args: &RunArgs, symbols: Option<Arc<Symbols>>) -> Result<(), Report> {
        let Some(writer) = &self.writer else {
            return Ok(());
        };
        let ranges = ranges(args, symbols.as_deref())?;
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.set_ranges(ranges);
        if let Some(symbols) = symbols {
            writer.set_symbols(symbols);
        }
        Ok(())
    }

    /// The trace as the machine takes it.
    pub fn shared(&self) -> Option<Arc<Mutex<dyn Trace>>> {
        self.writer.clone().map(|writer| writer as _)
    }

    /// Ends the trace; the machine must be gone.
    pub fn finish(self) -> Result<(), Report> {
        let Some(writer) = self.writer else {
            return Ok(());
        };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.end();
        let failed = writer.failed.take();
        match failed {
            None => Ok(()),
            Some(error) => {
                out::tell("vm: the trace ends before the run does\n");
                Err(Report::new(codes::OUTPUT, "the trace can not be written")
                    .at(self.place, error.to_string())
                    .help("look for permissions and free space"))
            }
        }
    }
}

/// Whether the arguments name places that symbols must be asked for.
pub fn has_names(args: &RunArgs) -> bool {
    let named = |text: &String| units::range(text).is_err();
    !args.trace_symbol.is_empty() || args.trace_range.as_ref().is_some_and(named)
}

/// The ranges of addresses that the arguments name.
fn ranges(args: &RunArgs, symbols: Option<&Symbols>) -> Result<Vec<Range<u64>>, Report> {
    let function = |name: &String| {
        let found = symbols.and_then(|symbols| symbols.range(name));
        found.ok_or_else(|| no_symbol(name))
    };
    let mut ranges: Vec<_> = args
        .trace_symbol
        .iter()
        .map(function)
        .collect::<Result<_, _>>()?;
    if let Some(text) = &args.trace_range {
        ranges.push(match (units::range(text), text.split_once("..")) {
            (Ok(range), _) => range,
            (Err(_), None) => function(text)?,
            (Err(wrong), Some((from, to))) => {
                let place = |text: &str| match symbols.and_then(|symbols| symbols.resolve(text)) {
                    Some(addr) => Ok(addr),
                    None => units::number(text).map_err(|_| no_symbol(text)),
                };
                let (from, to) = (place(from)?, place(to)?);
                if from >= to {
                    return Err(Report::new(
                        codes::VALUE,
                        "the value of --trace-range is not possible",
                    )
                    .at("--trace-range", wrong)
                    .help("see `vm run --help`"));
                }
                from..to
            }
        });
    }
    Ok(ranges)
}

/// Lines for a terminal that the guest has: there a line feed only goes down.
struct Returning<W>(W);

impl<W: Write> Write for Returning<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) => {
                    self.0.write_all(text)?;
                    self.0.write_all(b"\r\n")?;
                }
                None => self.0.write_all(line)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
