//! Malformed files for the program itself: `strangers VM [DISKS [TESTS]]` runs `vm run IMAGE` and
//! `vm test FILE` on so many of them and says what came of it.
//!
//! Each run is bounded in processor time, in real time and in memory; a run that ends by a
//! signal, with an exit code that is not documented, or without a word, is a finding.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use tests_fuzz::files;
use vm_core::Entropy;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The memory of each process, in KiB: the program itself, a guest of 64 MiB, and a disk's worth.
const MEMORY_KIB: u64 = 512 << 10;
/// What `vm` may end with, by `vm explain exit-codes`.
const CODES: &[i32] = &[0, 1, 2, 69, 75, 124, 130, 134, 135];

/// What came of the runs of a kind.
#[derive(Default)]
struct Tally {
    codes: BTreeMap<i32, u32>,
    errors: BTreeMap<String, u32>,
    longest: Duration,
    most_words: usize,
    findings: Vec<String>,
}

fn main() -> io::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    let vm = PathBuf::from(words.next().unwrap_or_else(|| "vm".to_owned()));
    let mut count = |default| {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(default)
    };
    let (disks, tests) = (count(500), count(200));
    let folder = std::env::temp_dir().join(format!("strangers-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let mut dice = Entropy::new(1);
    let mut all = Vec::new();
    all.push((
        "vm run IMAGE",
        tally(&vm, disks, |number| {
            let path = folder.join(format!("{number}.img"));
            fs::write(&path, files::disk(&mut dice))?;
            Ok((
                path,
                &["run", "--memory", "64M", "--limit-insns", "200000"][..],
            ))
        })?,
    ));
    all.push((
        "vm test FILE",
        tally(&vm, tests, |number| {
            let path = folder.join(format!("{number}.boot.toml"));
            fs::write(&path, files::test_file(&mut dice))?;
            Ok((path, &["test"][..]))
        })?,
    ));
    fs::remove_dir_all(&folder)?;
    let mut good = true;
    for (name, tally) in all {
        println!("{name}: exit codes {:?}", tally.codes);
        println!("  complaints {:?}", tally.errors);
        println!(
            "  longest {:.2} s, {} bytes said; findings {:#?}",
            tally.longest.as_secs_f64(),
            tally.most_words,
            tally.findings
        );
        good &= tally.findings.is_empty();
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes files and runs the program on each.
fn tally<'a>(
    vm: &Path,
    count: u32,
    mut make: impl FnMut(u32) -> io::Result<(PathBuf, &'a [&'a str])>,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for number in 0..count {
        let (path, words) = make(number)?;
        let begin = Instant::now();
        let (status, said) = bounded(vm, words, &path)?;
        tally.longest = tally.longest.max(begin.elapsed());
        tally.most_words = tally.most_words.max(said.len());
        let code = status.code().unwrap_or(-1);
        *tally.codes.entry(code).or_default() += 1;
        let error = said
            .split_once("error[")
            .and_then(|(_, rest)| rest.split_once(']'));
        if let Some((error, _)) = error {
            *tally.errors.entry(error.to_owned()).or_default() += 1;
        }
        // Whoever is refused is told why, by a code that `vm explain` knows.
        // A test that could not begin says so in the list of tests.
        let silent = code == 2 && !said.contains("[VM");
        if !CODES.contains(&code) || silent || begin.elapsed() > PATIENCE {
            tally
                .findings
                .push(format!("{}: {status}: {said}", path.display()));
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(tally)
}

/// Runs the program with bounds; what runs too long is ended, by a signal.
fn bounded(vm: &Path, words: &[&str], path: &Path) -> io::Result<(ExitStatus, String)> {
    let said = path.with_extension("said");
    let words_file = fs::File::create(&said)?;
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {MEMORY_KIB}; ulimit -t 30; exec \"$0\" \"$@\""),
        ])
        .arg(vm)
        .args(words)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(words_file.try_clone()?)
        .stderr(words_file)
        .spawn()?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            child.kill()?;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let words = fs::read(&said)?;
    fs::remove_file(&said)?;
    Ok((status, String::from_utf8_lossy(&words).into_owned()))
}
