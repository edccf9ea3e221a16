//! What of the engine's work a run is to show.

use std::path::PathBuf;

use serde_json::Value;
use vm_runtime::{CodeDump, PerfMap, Vm};

use crate::args::{Manner, RunArgs};
use crate::diagnose::file;
use crate::report::Report;
use crate::symbols::no_symbol;
use crate::{dump, out, units};

const UNWRITTEN: &str = "can not be written as a map for perf";

/// What is shown of the engine's work.
pub struct Watching {
    /// The addresses whose code is shown, as they were named.
    wanted: Vec<(String, u64)>,
    /// Where the map of native code is.
    pub map: Option<PathBuf>,
}

/// Whether the arguments name places that symbols must be asked for.
pub fn has_names(args: &RunArgs) -> bool {
    args.dump_code.iter().any(|pc| units::number(pc).is_err())
}

/// Whether the arguments ask for something that is better with symbols.
pub fn likes_names(args: &RunArgs) -> bool {
    args.perf_map || !args.dump_code.is_empty()
}

impl Watching {
    /// Has the machine tell what the arguments ask for.
    pub fn begin(args: &RunArgs, vm: &mut Vm) -> Result<Self, Report> {
        let wanted: Result<Vec<_>, _> = args
            .dump_code
            .iter()
            .map(|named| {
                let symbols = vm.symbols();
                let symbol = symbols.and_then(|symbols| symbols.resolve(named));
                let addr = symbol.or_else(|| units::number(named).ok());
                Ok((named.clone(), addr.ok_or_else(|| no_symbol(named))?))
            })
            .collect();
        let wanted = wanted?;
        let map = args.perf_map.then(PerfMap::create).transpose();
        let map = map.map_err(|(path, error)| file(&path, UNWRITTEN, &error))?;
        let path = map.as_ref().map(|map| map.path().to_owned());
        if likes_names(args) {
            let addresses: Vec<u64> = wanted.iter().map(|wanted| wanted.1).collect();
            vm.watch_code(&addresses, map);
        }
        Ok(Self { wanted, map: path })
    }

    /// What was found out.
    pub fn end(self, vm: &Vm) -> Watched {
        let (dumps, left_out) = vm.code_dumps();
        Watched {
            wanted: self.wanted,
            dumps,
            left_out,
            map: self.map,
            failed: vm.perf_map_failure(),
        }
    }
}

/// What was found out of the engine's work.
pub struct Watched {
    wanted: Vec<(String, u64)>,
    dumps: Vec<CodeDump>,
    left_out: u64,
    map: Option<PathBuf>,
    failed: Option<(PathBuf, std::io::Error)>,
}

impl Watched {
    /// Tells people what was found out, and anybody what went wrong.
    pub fn tell(&self, common: &Manner) -> Result<(), Report> {
        if !common.json {
            self.show(common);
        }
        match &self.failed {
            Some((path, error)) => Err(file(path, UNWRITTEN, error)),
            None => Ok(()),
        }
    }

    fn show(&self, common: &Manner) {
        if let (Some(path), false) = (&self.map, common.quiet) {
            out::tell(&format!("names for perf: {}\n", path.display()));
        }
        if !self.wanted.is_empty() {
            let view = dump::View {
                columns: out::columns(),
                colors: out::colors(common.color),
            };
            out::tell(&dump::text(&self.wanted, &self.dumps, self.left_out, view));
        }
    }

    /// The same for programs; nothing if nothing was asked for.
    pub fn json(&self) -> (Option<Value>, Option<Value>) {
        let code = (!self.wanted.is_empty()).then(|| dump::json(&self.dumps));
        let map = self.map.as_ref();
        let map = map.map(|path| Value::from(path.display().to_string()));
        (code, map)
    }
}
