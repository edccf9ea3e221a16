//! From the arguments to the command, and from its result to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::args::{Cli, ColorWhen, Command, ConfigCommand, MachineCommand, Manner};
use crate::report::Report;
use crate::{
    codes, config, disasm, doctor, explain, legacy, machine, out, project, run, shell, summary,
    symbols, testing,
};

/// Carries out the command line.
pub fn main() -> ExitCode {
    // A panic is our mistake: it has been printed, and must not look like a guest's failure.
    std::panic::catch_unwind(carry_out).unwrap_or(ExitCode::from(codes::INTERNAL.exit))
}

fn carry_out() -> ExitCode {
    let words = legacy::translate(std::env::args_os());
    let cli = match parse(&words) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let common = &cli.common;
    let done = match cli.command {
        None => summary::show(common),
        Some(Command::Run(args)) => run::run(&args, common),
        Some(Command::Test(args)) => testing::test(&args, common),
        Some(Command::Disasm(args)) => disasm::disasm(&args, common),
        Some(Command::Symbols(args)) => symbols::show(&args, common),
        Some(Command::Machine {
            command: MachineCommand::Show(args),
        }) => machine::show(&args, common),
        Some(Command::Doctor) => doctor::doctor(common),
        Some(Command::Explain { code }) => explain::explain(code.as_deref(), common),
        Some(Command::Config {
            command: ConfigCommand::Show { flags },
        }) => config::show(&flags, common),
        Some(Command::Completions { shell }) => shell::completions(shell),
        Some(Command::Man { folder }) => shell::man(folder.as_deref()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(report) => fail(&report, common),
    }
}

/// The command line as the parser sees it, with what the folder's file adds; otherwise, it has
/// been said why not.
fn parse(words: &[OsString]) -> Result<Cli, ExitCode> {
    let json = words.iter().any(|word| word == "--json");
    let plain = Manner {
        json,
        quiet: false,
        verbose: 0,
        color: ColorWhen::Auto,
    };
    let refuse = |error: clap::Error, words: &[OsString]| match refuse(&error, words) {
        // Help and versions were asked for.
        None => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        Some(report) => fail(&report, &plain),
    };
    let given = Cli::command().try_get_matches_from(words);
    let given = given.map_err(|error| refuse(error, words))?;
    let merged = project::merge(words, &given).map_err(|report| fail(&report, &plain))?;
    Cli::try_parse_from(&merged.0).map_err(|error| refuse(error, &merged.0))
}

/// Prints a complaint and gives its exit code.
fn fail(report: &Report, common: &Manner) -> ExitCode {
    out::tell(&report.text(out::colors(common.color)));
    if common.json {
        let code = report.code.exit;
        let all = json!({
            "schema": 1, "verdict": "error", "exit_code": code, "error": report.json(),
        });
        // The complaint has been told; where it can not be told twice, once is enough.
        let _ = out::print(&format!("{all}\n"));
    }
    ExitCode::from(report.code.exit)
}

/// The parser's complaint as ours; nothing if it is no complaint.
fn refuse(error: &clap::Error, words: &[OsString]) -> Option<Report> {
    let code = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return None,
        ErrorKind::ValueValidation => codes::VALUE,
        // The parser takes a value that is lacking for one that is wrong.
        ErrorKind::InvalidValue
            if error.get(ContextKind::InvalidValue)
                != Some(&ContextValue::String(String::new())) =>
        {
            codes::VALUE
        }
        _ => codes::USAGE,
    };
    let rendered = error.render().to_string();
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => Some(flag.clone()),
        _ => None,
    };
    // Our own value parsers say it better than the frame around their words.
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let first = || {
        let text = rendered.split("\n\n").next().unwrap_or_default();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut report = match (cause, flag) {
        (Some(cause), Some(flag)) => {
            Report::new(code, format!("the value of {flag} is not possible")).at(flag, cause)
        }
        _ if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Report::new(code, "a subcommand is missing")
        }
        _ => Report::new(code, first()),
    };
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    let command = text(ContextKind::InvalidSubcommand);
    let unknown = command.into_iter().chain(text(ContextKind::InvalidArg));
    let strange = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
    );
    // A flag with one hyphen is several to the parser.
    let written = words.iter().filter_map(|word| word.to_str());
    let short = written.filter(|word| word.starts_with('-') && !word.starts_with("--"));
    if strange && let Some(way) = legacy::instead(unknown.chain(short)) {
        return Some(report.help(way));
    }
    for line in rendered
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "))
    {
        report = report.help(line);
    }
    if let Some(meant) = command.and_then(swapped) {
        report = report.help(format!("`vm {meant}` has the same letters"));
    }
    Some(report.help(format!("see `{} --help`", command_named(words))))
}

/// The command of which the letters were typed in another order: the parser's own guesses ask for
/// longer words.
fn swapped(word: &str) -> Option<String> {
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let cli = Cli::command();
    let mut names = cli.get_subcommands().map(clap::Command::get_name);
    let meant = names.find(|name| letters(name) == letters(word))?;
    Some(meant.to_owned())
}

/// The parser's complaint as ours, where help can not have been asked for.
pub fn refused(error: &clap::Error, words: &[OsString]) -> Report {
    let asked = || Report::new(codes::USAGE, "help was asked for").help("see `vm run --help`");
    refuse(error, words).unwrap_or_else(asked)
}

/// The command that was meant, as far as it was named.
fn command_named(words: &[OsString]) -> String {
    let (mut command, mut name) = (Cli::command(), "vm".to_owned());
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        match command.find_subcommand(word).cloned() {
            Some(found) => {
                name = format!("{name} {word}");
                command = found;
            }
            None if word.starts_with('-') => {}
            None => break,
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound_and_each_help_begins_with_three_examples() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_help().to_string();
            let examples = help
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with("  vm "));
            assert!(help.starts_with("Examples:\n"), "{help}");
            assert_eq!(examples.count(), 3, "{help}");
        }
    }

    #[test]
    fn wrong_arguments_are_named_with_a_code_and_help() {
        for (line, code, said) in [
            ("vm run --what", codes::USAGE, "--what"),
            ("vm run -m 5", codes::VALUE, "--memory"),
            ("vm run --time never", codes::VALUE, "never"),
            ("vm run --cpus x", codes::VALUE, "--cpus"),
            ("vm run --reboot --no-reboot", codes::USAGE, "--no-reboot"),
            ("vm run -k", codes::USAGE, "--kernel"),
            ("vm what", codes::USAGE, "what"),
            ("vm rnu disk.img", codes::USAGE, "`vm run`"),
            ("vm run disk.img -v .:/src", codes::USAGE, "folders can not"),
            ("vm debug disk.img", codes::USAGE, "--gdb"),
            ("vm run -cdrom disk.img", codes::USAGE, "--drive FILE"),
            ("vm run -k x --root .", codes::USAGE, "folders can not"),
            ("vm machine", codes::USAGE, "subcommand"),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = Cli::try_parse_from(&words).expect_err(line);
            let report = refuse(&error, &words).expect(line);
            assert_eq!(report.code, code, "{line}: {report:?}");
            assert!(
                report.text(false).contains(said),
                "{line}: {}",
                report.text(false)
            );
            assert!(!report.help.is_empty(), "{line}");
        }
    }
}
