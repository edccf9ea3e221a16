//! Runs tests in processes of their own, several at a time.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::files::Wanted;
use super::one::from_json;
use super::play::Played;
use super::verdict::Verdict;
use crate::codes;
use crate::report::Report;

/// How long a process that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often progress and signals are looked at while nothing happens.
const NAP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// The most bytes that a process may say.
// LIMIT: its result has a few KiB; a process that says more is out of order.
const SAID_LIMIT: usize = 4 << 20;

/// How often the user has asked to end.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<AtomicU32>);

impl Asked {
    /// The user has asked once more.
    pub fn again(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the user has asked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A folder for disks that goes with its owner.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new folder among the host's temporary files.
    pub fn new() -> Result<Self, Report> {
        let base = std::env::temp_dir();
        let process = std::process::id();
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 0..100 {
            let path = base.join(format!("vm-test-{process}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) => last = error,
            }
        }
        Err(Report::new(codes::TEST_PROCESS, codes::TEST_PROCESS.title)
            .at(base.display(), last.to_string())
            .help("look for free space and permissions; TMPDIR names another folder"))
    }

    fn folder(&self, number: usize) -> PathBuf {
        self.0.join(number.to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can not be removed is left to the host's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A test to be run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The test.
    pub test: Wanted<'a>,
    /// Which of its runs this is, from 0.
    pub round: u32,
    /// Its place among all jobs.
    pub number: usize,
}

/// A test that was run.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// Which.
    pub job: Job<'a>,
    /// What came of it.
    pub played: Played,
    /// How long it took on the host.
    pub seconds: f64,
}

/// A process at work.
struct Running<'a> {
    job: Job<'a>,
    child: Child,
    out: Option<Box<dyn Pipe>>,
    err: Option<Box<dyn Pipe>>,
    said: Vec<u8>,
    complained: Vec<u8>,
    start: Instant,
    folder: PathBuf,
}

trait Pipe: Read + AsFd {}
impl<T: Read + AsFd> Pipe for T {}

/// A pipe until its end, and where what comes from it goes.
type Stream<'a> = (&'a mut Option<Box<dyn Pipe>>, &'a mut Vec<u8>);

/// The processes at work.
pub struct Pool<'a> {
    /// Flags that every process gets.
    flags: Vec<String>,
    scratch: Scratch,
    running: Vec<Running<'a>>,
}

impl<'a> Pool<'a> {
    /// No processes yet.
    pub fn new(flags: Vec<String>) -> Result<Self, Report> {
        Ok(Self {
            flags,
            scratch: Scratch::new()?,
            running: Vec::new(),
        })
    }

    /// How many are at work.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// The names of the tests at work.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let running = self.running.iter();
        running.map(|running| running.job.test.name()).collect()
    }

    /// Starts a process; a host that refuses is what came of the test.
    pub fn start(&mut self, job: Job<'a>) -> Option<Done<'a>> {
        let folder = self.scratch.folder(job.number);
        let made = fs::create_dir(&folder);
        let child = made.and_then(|()| self.spawn(job, &folder));
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                let detail = format!("a process for the test can not be started: {error}");
                let played = nothing(Verdict::Infra, detail);
                return Some(Done {
                    job,
                    played,
                    seconds: 0.0,
                });
            }
        };
        let out = child.stdout.take().map(|pipe| Box::new(pipe) as _);
        let err = child.stderr.take().map(|pipe| Box::new(pipe) as _);
        self.running.push(Running {
            job,
            child,
            out,
            err,
            said: Vec::new(),
            complained: Vec::new(),
            start: Instant::now(),
            folder,
        });
        None
    }

    fn spawn(&self, job: Job, folder: &Path) -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .arg("test")
            .args(&self.flags)
            .arg("--one")
            .arg(job.test.index.to_string())
            .arg("--scratch")
            .arg(folder)
            .arg("--")
            .arg(&job.test.suite.path)
            // A pipe whose end says that nobody waits for the result any more.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// Waits for a process to end, for a while; gives what has ended.
    pub fn wait(&mut self) -> Vec<Done<'a>> {
        self.listen();
        let (ended, running) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(Running::is_silent);
        self.running = running;
        let ended: Vec<Running> = ended;
        ended.into_iter().map(Running::finish).collect()
    }

    /// Reads what the processes say, after waiting for it for a moment.
    fn listen(&mut self) {
        let mut pipes: Vec<Stream> = Vec::new();
        for running in &mut self.running {
            pipes.push((&mut running.out, &mut running.said));
            pipes.push((&mut running.err, &mut running.complained));
        }
        pipes.retain(|(pipe, _)| pipe.is_some());
        let fds: Vec<BorrowedFd> = pipes
            .iter()
            .filter_map(|(pipe, _)| Some(pipe.as_ref()?.as_fd()))
            .collect();
        let mut asked: Vec<PollFd> = fds
            .iter()
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        // A signal that interrupts it is looked at by the caller.
        let _ = poll(&mut asked, Some(&NAP));
        let ready: Vec<bool> = asked.iter().map(|fd| !fd.revents().is_empty()).collect();
        for ((pipe, said), _) in pipes.into_iter().zip(ready).filter(|(_, ready)| *ready) {
            read_some(pipe, said);
        }
    }

    /// Ends all processes: asks them, and after a while does not ask any more.
    pub fn end_all(&mut self) -> Vec<Done<'a>> {
        for running in &mut self.running {
            // The end of its input is what it is asked with.
            drop(running.child.stdin.take());
        }
        let (start, mut done) = (Instant::now(), Vec::new());
        while !self.running.is_empty() {
            done.extend(self.wait());
            if start.elapsed() > PATIENCE {
                for running in &mut self.running {
                    let _ = running.child.kill();
                }
            }
        }
        done
    }
}

/// Reads once from a pipe that has something; its end takes it away.
fn read_some(pipe: &mut Option<Box<dyn Pipe>>, said: &mut Vec<u8>) {
    let mut buffer = [0; 16 << 10];
    let Some(from) = pipe else { return };
    match from.read(&mut buffer) {
        Ok(0) => *pipe = None,
        Ok(count) => {
            let room = SAID_LIMIT.saturating_sub(said.len()).min(count);
            said.extend_from_slice(&buffer[..room]);
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(_) => *pipe = None,
    }
}

impl<'a> Running<'a> {
    fn is_silent(&self) -> bool {
        self.out.is_none() && self.err.is_none()
    }

    fn finish(mut self) -> Done<'a> {
        let status = self.child.wait();
        let seconds = self.start.elapsed().as_secs_f64();
        let _ = fs::remove_dir_all(&self.folder);
        let said = String::from_utf8_lossy(&self.said);
        let played = match (from_json(&said), status) {
            (Some(played), _) => played,
            (None, Ok(status)) => without_result(status, &self.complained),
            (None, Err(error)) => nothing(
                Verdict::Infra,
                format!("the test's process was lost: {error}"),
            ),
        };
        Done {
            job: self.job,
            played,
            seconds,
        }
    }
}

/// A process that has ended without a result: of the ways to do that only a complaint about the
/// test file is no trouble of the host.
fn without_result(status: ExitStatus, complained: &[u8]) -> Played {
    let complained = String::from_utf8_lossy(complained);
    let first = complained.lines().next().unwrap_or_default();
    let verdict = match status.code() {
        Some(2) => Verdict::Error,
        _ => Verdict::Infra,
    };
    nothing(
        verdict,
        format!("the test's process ended with {status}: {first}"),
    )
}

fn nothing(verdict: Verdict, detail: String) -> Played {
    Played {
        verdict,
        detail,
        place: String::new(),
        guest_ns: 0,
        instructions: 0,
        state_hash: None,
        last: Vec::new(),
        failure: None,
    }
}
