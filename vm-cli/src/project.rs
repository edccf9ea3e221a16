//! `vm.toml`: what a folder wants of `vm run`.
//!
//! Every key is a flag of `vm run` without its dashes, so that there is one table of both.
//! A flag on the command line wins over the file, and the chosen profile over the rest of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::ops::Range;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::args::Cli;
use crate::codes;
use crate::diagnose::file;
use crate::report::Report;

/// The file that is looked for in the current folder.
pub const FILE: &str = "vm.toml";
/// The most bytes that are read of it.
// LIMIT: a file of settings has some hundred bytes; what is larger is something else.
const FILE_BYTES: u64 = 1 << 20;
/// What says by itself what is started: a command line that has one of them means no other.
const STARTS: &[&str] = &["image", "kernel", "firmware", "restore"];
/// What belongs to what is started, and goes with it.
const COMPANIONS: &[&str] = &["initrd", "append", "boot"];

/// One setting of the file, as words of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its words.
    pub words: Vec<OsString>,
    /// Where it stands.
    pub place: String,
}

/// The settings of the file by the name of their argument.
pub type Settings = BTreeMap<String, Setting>;

/// The command line with what the file adds to it, and the settings that were added.
pub fn merge(
    words: &[OsString],
    matches: &ArgMatches,
) -> Result<(Vec<OsString>, Settings), Report> {
    let Some(run) = matches.subcommand_matches("run") else {
        return Ok((words.to_vec(), Settings::new()));
    };
    let profile = run.get_one::<String>("profile");
    let mut settings = if run.get_flag("no_config") {
        Settings::new()
    } else {
        read(profile.map(String::as_str))?
    };
    let given = |id: &str| run.value_source(id) == Some(ValueSource::CommandLine);
    let starts = STARTS.iter().any(|id| given(id));
    settings.retain(|id, _| {
        let id = id.as_str();
        !given(id) && !(starts && (STARTS.contains(&id) || COMPANIONS.contains(&id)))
    });
    let at = words.iter().position(|word| word == "run");
    let at = at.map_or(words.len(), |index| index + 1);
    let added = settings.values().flat_map(|setting| setting.words.clone());
    let mut all = words[..at].to_vec();
    all.extend(added);
    all.extend_from_slice(&words[at..]);
    Ok((all, settings))
}

/// Reads the file of the current folder; no file means no settings.
fn read(profile: Option<&str>) -> Result<Settings, Report> {
    let text = match std::fs::metadata(FILE) {
        Ok(found) if found.len() > FILE_BYTES => {
            return Err(bad("", "it has more than a MiB").help("a file of settings is small"));
        }
        Ok(_) => std::fs::read_to_string(FILE),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => settings(&text, profile, &flags()),
        Err(error) if error.kind() == ErrorKind::NotFound => match profile {
            None => Ok(Settings::new()),
            Some(name) => Err(Report::new(codes::PROFILE, "there is no such profile")
                .at(
                    format!("--profile {name}"),
                    format!("there is no {FILE} here"),
                )
                .help(format!("profiles stand in {FILE} as [profile.{name}]"))),
        },
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(bad("", "it is not text in UTF-8").help("write it anew"))
        }
        Err(error) => Err(file(FILE.as_ref(), "can not be read", &error)),
    }
}

/// The parser's description of `vm run`.
pub fn flags() -> Command {
    let mut all = Cli::command();
    all.build();
    let run = all.find_subcommand("run").cloned();
    run.unwrap_or_default()
}

fn settings(text: &str, profile: Option<&str>, run: &Command) -> Result<Settings, Report> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = error
            .span()
            .map_or(String::new(), |span| place(text, &span));
        bad(&place, error.message()).help("see https://toml.io for how such files are written")
    })?;
    let mut found = Settings::new();
    let mut profiles = Vec::new();
    for (key, value) in table.get_ref() {
        let at = place(text, &key.span());
        match (&**key.get_ref(), value.get_ref()) {
            ("vm", DeValue::Table(table)) => take(&mut found, text, table, run)?,
            ("profile", DeValue::Table(table)) => profiles.extend(table.iter()),
            (other, _) => {
                let message = format!("`{other}` is no part of this file");
                return Err(bad(&at, &message).help("its parts are [vm] and [profile.NAME]"));
            }
        }
    }
    for (key, value) in &profiles {
        let DeValue::Table(table) = value.get_ref() else {
            let at = place(text, &key.span());
            return Err(bad(&at, "a profile is a table").help("write [profile.NAME]"));
        };
        // A profile that is not chosen must be sound too.
        let mut of_profile = Settings::new();
        take(&mut of_profile, text, table, run)?;
        if profile == Some(&**key.get_ref()) {
            found.extend(of_profile);
        }
    }
    match profile {
        Some(name) if !profiles.iter().any(|(key, _)| **key.get_ref() == *name) => {
            let names: Vec<&str> = profiles.iter().map(|(key, _)| &**key.get_ref()).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            Err(Report::new(codes::PROFILE, "there is no such profile")
                .at(
                    format!("--profile {name}"),
                    format!("{FILE} has these: {names}"),
                )
                .help(format!("write [profile.{name}] into {FILE}")))
        }
        _ => Ok(found),
    }
}

/// Takes the settings of one table.
fn take(found: &mut Settings, text: &str, table: &DeTable, run: &Command) -> Result<(), Report> {
    for (key, value) in table {
        let name = &**key.get_ref();
        let at = place(text, &key.span());
        let Some(arg) = run.get_arguments().find(|arg| is_called(arg, name)) else {
            let near = nearest(name, run);
            return Err(bad(&at, &format!("there is no setting `{name}`"))
                .help(near.map_or(String::new(), |near| format!("did you mean `{near}`?")))
                .help("keys are the flags of `vm run --help` without their dashes"));
        };
        let words = words(arg, value.get_ref()).map_err(|wanted| {
            let at = place(text, &value.span());
            bad(&at, &format!("`{name}` wants {wanted}")).help("see `vm run --help`")
        })?;
        let setting = Setting {
            words,
            place: format!("{FILE}:{}", at.split(':').next().unwrap_or_default()),
        };
        found.insert(arg.get_id().as_str().to_owned(), setting);
    }
    Ok(())
}

/// Whether a key of the file means this argument.
fn is_called(arg: &Arg, key: &str) -> bool {
    let own = arg.get_long() == Some(key) || (arg.is_positional() && arg.get_id() == key);
    let other = arg.get_all_aliases().is_some_and(|all| all.contains(&key));
    (own || other) && !arg.is_global_set() && !is_about_the_file(arg)
}

fn is_about_the_file(arg: &Arg) -> bool {
    ["help", "profile", "no_config"].contains(&arg.get_id().as_str())
}

/// The setting whose name begins as this one does.
fn nearest(key: &str, run: &Command) -> Option<String> {
    let names = run.get_arguments().filter_map(Arg::get_long);
    let alike = |name: &&str| {
        name.chars()
            .zip(key.chars())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let best = names.max_by_key(alike)?;
    (alike(&best) >= 3).then(|| best.to_owned())
}

/// A value as words of the command line, or what would have been one.
fn words(arg: &Arg, value: &DeValue) -> Result<Vec<OsString>, &'static str> {
    let flag = |value: &str| match arg.get_long() {
        Some(long) => OsString::from(format!("--{long}={value}")),
        // A file name that looks like a flag is none.
        None if value.starts_with('-') => OsString::from(format!("./{value}")),
        None => OsString::from(value),
    };
    match (arg.get_action(), value) {
        (ArgAction::SetTrue, DeValue::Boolean(false)) => Ok(Vec::new()),
        (ArgAction::SetTrue, DeValue::Boolean(true)) => {
            let long = arg.get_long().unwrap_or_default();
            Ok(vec![OsString::from(format!("--{long}"))])
        }
        (ArgAction::SetTrue, _) => Err("true or false"),
        (ArgAction::Append, DeValue::Array(all)) => {
            let one = |value: &Spanned<DeValue>| {
                let text = scalar(value.get_ref()).ok_or("a list of texts")?;
                Ok(flag(&text))
            };
            all.iter().map(one).collect()
        }
        (_, value) => {
            let text = scalar(value).ok_or("a text or a number")?;
            Ok(vec![flag(&text)])
        }
    }
}

fn scalar(value: &DeValue) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            let prefix = if number.radix() == 16 { "0x" } else { "" };
            Some(format!("{prefix}{}", number.as_str()))
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// Line and column of the beginning of a span.
fn place(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |row| row.chars().count())
        + 1;
    format!("{line}:{column}")
}

fn bad(place: &str, message: &str) -> Report {
    let at = if place.is_empty() {
        FILE.to_owned()
    } else {
        format!("{FILE}:{place}")
    };
    Report::new(codes::PROJECT, codes::PROJECT.title).at(at, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[vm]\nkernel = \"Image\"\ncpus = 2\nmemory = \"1G\"\n\
        drive = [\"a\", \"b,ro\"]\nno-reboot = false\n[profile.ci]\ntime = \"virtual\"\n\
        seed = 0x10\ncpus = 4\n";

    fn merged(line: &str, profile: Option<&str>) -> String {
        let run = flags();
        let found = settings(TEXT, profile, &run).expect("the file is sound");
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let matches = Cli::command().try_get_matches_from(&words).expect(line);
        let given = matches.subcommand_matches("run").expect("run");
        let used = found
            .iter()
            .filter(|(id, _)| given.value_source(id) != Some(ValueSource::CommandLine));
        let words = used.flat_map(|(_, setting)| setting.words.clone());
        words
            .map(|word| word.into_string().expect("text"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn flags_win_over_the_profile_and_the_profile_over_the_rest() {
        for (line, profile, want) in [
            (
                "vm run",
                None,
                "--cpus=2 --drive=a --drive=b,ro --kernel=Image --memory=1G",
            ),
            (
                "vm run -m 2G --drive c",
                Some("ci"),
                "--cpus=4 --kernel=Image --seed=0x10 --time=virtual",
            ),
        ] {
            assert_eq!(merged(line, profile), want, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named_with_its_place() {
        for (text, profile, code, words) in [
            (
                "[vm]\ncpu = 2\n",
                None,
                codes::PROJECT,
                &["vm.toml:2:1", "`cpu`", "`cpus`"][..],
            ),
            ("[vm\n", None, codes::PROJECT, &["vm.toml:1:"]),
            (
                "[vm]\nno-reboot = 1\n",
                None,
                codes::PROJECT,
                &["2:13", "true or false"],
            ),
            (
                "[vm]\ndrive = [[1]]\n",
                None,
                codes::PROJECT,
                &["2:9", "texts"],
            ),
            ("[vm]\nhelp = true\n", None, codes::PROJECT, &["`help`"]),
            ("[vm]\njson = true\n", None, codes::PROJECT, &["`json`"]),
            (
                "[other]\n",
                None,
                codes::PROJECT,
                &["`other`", "[profile.NAME]"],
            ),
            ("profile = 1\n", None, codes::PROJECT, &["`profile`"]),
            (
                "[profile.a]\nx = 1\n",
                None,
                codes::PROJECT,
                &["2:1", "`x`"],
            ),
            (
                "[profile.a]\n",
                Some("b"),
                codes::PROFILE,
                &["--profile b", "a"],
            ),
        ] {
            let report = settings(text, profile, &flags()).expect_err(text);
            let said = report.text(false);
            assert_eq!(report.code, code, "{text}: {said}");
            for word in words {
                assert!(said.contains(word), "{text} does not say {word}: {said}");
            }
        }
    }
}
