//! Runs a target over the files of folders: `replay TARGET FOLDER...`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(target) = words.next().and_then(|name| tests_fuzz::find(&name)) else {
        let names: Vec<_> = tests_fuzz::TARGETS
            .iter()
            .map(|target| target.name)
            .collect();
        eprintln!("replay TARGET FOLDER...; targets: {}", names.join(", "));
        return ExitCode::from(2);
    };
    let mut count = 0;
    for folder in words {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Ok(bytes) = std::fs::read(entry.path()) {
                (target.run)(&bytes);
                count += 1;
            }
        }
    }
    println!("{count} inputs\n{}", target.sources.join("\n"));
    ExitCode::SUCCESS
}
