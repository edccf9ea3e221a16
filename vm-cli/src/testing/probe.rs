//! Test files and their steps without files, processes and terminals, for those who try what
//! strangers can hand over.

use std::path::Path;

use vm_runtime::{Config, Firmware, Source as Program, TimeMode, Vm};

use super::listener::Listener;
use super::load;
use super::one::{from_json, to_json};
use super::pattern::Variables;
use super::play::play;
use super::serve::{STAND_IN, VARIABLE};
use super::source::Source;
use super::suite::Suite;

/// The size of RAM of a machine that steps are tried on.
const RAM_BYTES: u64 = 1 << 20;

/// A test file that was read.
#[derive(Debug)]
pub struct File(Suite);

/// Why a test file is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The exit code.
    pub exit: u8,
    /// What is said.
    pub text: String,
}

/// What came of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: &'static str,
    /// What happened; empty for a pass.
    pub detail: String,
    /// The step at which it happened.
    pub place: String,
    /// The hash of the machine's whole state.
    pub state_hash: Option<u64>,
}

impl File {
    /// Reads what would stand in a test file.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let path = Path::new("probe.boot.toml");
        let source = Source::of(path, bytes.to_vec());
        let suite = source.and_then(|source| load::read(&source, path));
        suite.map(Self).map_err(|report| Refusal {
            exit: report.code.exit,
            text: report.text(false),
        })
    }

    /// How many tests there are.
    #[must_use]
    pub fn tests(&self) -> usize {
        self.0.cases.len()
    }

    /// Carries out the steps of a test on a machine with this bare-metal program, whatever the
    /// test says of its machine, in at most so much guest time; `None` if its texts are refused.
    #[must_use]
    pub fn play(&self, test: usize, program: &'static [u8], most_ns: u64) -> Option<Outcome> {
        let mut case = self.0.cases.get(test)?.clone();
        let setup = &mut case.setup;
        setup.timeout_ns = Some(setup.timeout_ns.unwrap_or(most_ns).min(most_ns));
        let forbidden = case.setup.forbid.iter().map(|template| {
            let pattern = template.pattern(&Variables::new()).ok()?;
            Some((template.text.clone(), pattern))
        });
        let listener = Listener::new(forbidden.collect::<Option<_>>()?);
        let hub = listener.console();
        hub.close();
        let config = Config {
            kernel: Some(Program::BuiltIn("a program", program)),
            firmware: Firmware::None,
            ram_bytes: RAM_BYTES,
            time: TimeMode::Virtual,
            end_on_panic: true,
            ..Config::default()
        };
        let mut vm = Vm::new(config, hub, None).ok()?;
        // Nothing is served, as nothing of the machine is what the test says.
        let served = case.setup.serve.iter();
        let served = served.map(|_| (VARIABLE.to_owned(), STAND_IN.to_owned()));
        let played = play(&case, served.collect(), &mut vm, &listener);
        // What the process of a test says is what its parent reads.
        let back = from_json(&to_json(&played).to_string())?;
        Some(Outcome {
            verdict: back.verdict.word(),
            detail: back.detail,
            place: back.place,
            state_hash: back.state_hash,
        })
    }
}
