//! `vm config show`: what a run would be made of, and where each value comes from.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};
use serde_json::{Map, json};

use crate::args::{Cli, Manner};
use crate::command::refused;
use crate::report::Report;
use crate::{out, project};

/// Prints the values and their places.
pub fn show(flags: &[OsString], common: &Manner) -> Result<u8, Report> {
    let mut words = vec![OsString::from("vm"), OsString::from("run")];
    words.extend_from_slice(flags);
    let parse = |words: &[OsString]| {
        let matches = Cli::command().try_get_matches_from(words);
        matches.map_err(|error| refused(&error, words))
    };
    let given = parse(&words)?;
    let (all, settings) = project::merge(&words, &given)?;
    let merged = parse(&all)?;
    let (Some(given), Some(merged)) = (
        given.subcommand_matches("run"),
        merged.subcommand_matches("run"),
    ) else {
        return Ok(0);
    };
    let mut rows = Vec::new();
    for arg in project::flags().get_arguments() {
        let id = arg.get_id().as_str();
        let Some(value) = value(merged, id) else {
            continue;
        };
        let name = arg.get_long().unwrap_or(id).to_owned();
        let from = match (given.value_source(id), settings.get(id)) {
            (Some(ValueSource::CommandLine), _) => "command line",
            (_, Some(setting)) => &setting.place,
            _ => "default",
        };
        rows.push((name, value, from.to_owned()));
    }
    if common.json {
        let row = |(name, value, from): &(String, String, String)| {
            (name.clone(), json!({"value": value, "from": from}))
        };
        let values: Map<_, _> = rows.iter().map(row).collect();
        out::print(&format!("{}\n", json!({"schema": 1, "values": values})))?;
    } else {
        for (name, value, from) in &rows {
            out::print(&format!("{name:<14} {value:<30} {from}\n"))?;
        }
    }
    Ok(0)
}

/// The value of an argument as it was written; none for what is not set.
fn value(matches: &ArgMatches, id: &str) -> Option<String> {
    // Asking for an argument that is none of the command's is a mistake that panics.
    let known = matches.try_contains_id(id).unwrap_or(false);
    let source = if known {
        matches.value_source(id)
    } else {
        None
    };
    let raw = matches.try_get_raw(id).ok().flatten()?;
    let all: Vec<_> = raw
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let text = all.join(" ");
    (source.is_some() && text != "false").then_some(text)
}
