//! The trace of a run.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use vm_runtime::{Trace, TraceFilter, TraceWriter};

use crate::args::{Privilege, RunArgs};
use crate::diagnose::file;
use crate::report::Report;
use crate::{codes, out};

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
            range: args.trace_range.clone(),
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
        let writer = TraceWriter::new(to.kinds, filter, sink);
        Ok(Self {
            writer: Some(Arc::new(Mutex::new(writer))),
            place,
        })
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
        let failed = writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failed
            .take();
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
