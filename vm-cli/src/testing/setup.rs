//! The machine of a test, as its file describes it.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;
use vm_runtime::{Config, DiskAccess, DiskFormat, Firmware, Terminal, TimeMode};

use super::fields::{At, Fields};
use super::keys::{DRIVE, PATTERN};
use super::pattern::{Template, Variables};
use super::source::Source;
use super::suite::{Drive, Setup};
use super::variables::expand;
use crate::codes;
use crate::diagnose::diagnose;
use crate::ports::{NetChoice, net};
use crate::report::Report;
use crate::units::{disk, duration, size};

/// The most bytes of an empty disk.
// LIMIT: it is a sparse file, but some file systems take no larger one.
const EMPTY_LIMIT: u64 = 1 << 40;

/// Reads what `[suite]` or `[[test]]` says about the machine.
pub fn read(source: &Source, fields: &Fields, folder: &Path) -> Result<Setup, Report> {
    let cpus = fields.number("cpus")?;
    Ok(Setup {
        image: path(source, fields, "image", folder)?,
        kernel: path(source, fields, "kernel", folder)?,
        initrd: path(source, fields, "initrd", folder)?,
        append: fields.text("append")?.map(|text| text.value),
        firmware: firmware(source, fields, folder)?,
        machine: fields.text("machine")?.map(|text| text.value),
        memory: fields.parsed("memory", size)?,
        cpus: cpus.map(|cpus| u32::try_from(cpus.value).unwrap_or(u32::MAX)),
        drives: drives(source, fields, folder)?,
        terminal: fields.parsed("terminal", |word| match word {
            "serial" => Ok(Terminal::Serial),
            "virtio" => Ok(Terminal::Virtio),
            other => Err(format!("`{other}` is no terminal")),
        })?,
        net: fields.parsed("net", net)?,
        serve: path(source, fields, "serve", folder)?,
        time: fields.parsed("time", |word| match word {
            "virtual" => Ok(TimeMode::Virtual),
            "host" => Ok(TimeMode::Host),
            other => Err(format!("`{other}` is no kind of time")),
        })?,
        seed: fields.number("seed")?.map(|seed| seed.value),
        timeout_ns: fields.parsed("timeout", duration)?,
        watchdog_ns: fields.parsed("watchdog", duration)?,
        limit_insns: fields.number("limit-insns")?.map(|limit| limit.value),
        forbid: forbid(source, fields)?,
    })
}

/// Refuses what no machine can be, before anything is run.
pub fn check(source: &Source, fields: &Fields, setup: &Setup) -> Result<(), Report> {
    if setup.serve.is_some() && setup.net == Some(NetChoice::None) {
        let message = "files are served over a network, and there is none";
        let fact = "`net` is \"none\"";
        return Err(source
            .complain(codes::TEST_VALUE, &fields.place("net"), message, fact)
            .help("leave `net` or `serve` out"));
    }
    let default = Config::default();
    let config = Config {
        machine: setup.machine.clone().unwrap_or(default.machine.clone()),
        cpus: setup.cpus.unwrap_or(default.cpus),
        ram_bytes: setup.memory.unwrap_or(default.ram_bytes),
        ..default
    };
    let Err(error) = vm_runtime::describe(&config) else {
        return Ok(());
    };
    let found = diagnose(&error);
    let key = match found.code {
        codes::CPUS => "cpus",
        codes::MEMORY => "memory",
        _ => "machine",
    };
    let fact = found.fact.as_deref().unwrap_or(found.code.title).to_owned();
    let span = fields.place(key);
    Err(source
        .complain(found.code, &span, found.message, fact)
        .help(format!("look at `{key}`, here or in [suite]")))
}

/// The name of a file: variables of the environment are put in, and a relative name begins in
/// the folder of the test file.
fn resolve(source: &Source, text: &At<String>, folder: &Path) -> Result<PathBuf, Report> {
    let refuse = |(message, help): (String, String)| {
        let fact = format!("in {:?}", text.value);
        let report = source.complain(codes::TEST_VARIABLE, &text.span, message, fact);
        report.help(help)
    };
    let expanded = expand(&text.value, |name| std::env::var_os(name)).map_err(refuse)?;
    if expanded.is_empty() {
        let message = "the name of a file is empty";
        return Err(source
            .complain(codes::TEST_VALUE, &text.span, message, "found: \"\"")
            .help("leave the key out, or name a file"));
    }
    Ok(folder.join(expanded))
}

fn path(
    source: &Source,
    fields: &Fields,
    key: &str,
    folder: &Path,
) -> Result<Option<PathBuf>, Report> {
    let text = fields.text(key)?;
    text.map(|text| resolve(source, &text, folder)).transpose()
}

fn firmware(source: &Source, fields: &Fields, folder: &Path) -> Result<Option<Firmware>, Report> {
    let Some(text) = fields.text("firmware")? else {
        return Ok(None);
    };
    Ok(Some(match text.value.as_str() {
        "none" => Firmware::None,
        "builtin" => Firmware::BuiltIn,
        _ => Firmware::File(resolve(source, &text, folder)?),
    }))
}

fn drives(source: &Source, fields: &Fields, folder: &Path) -> Result<Option<Vec<Drive>>, Report> {
    let Some(list) = fields.list("drive")? else {
        return Ok(None);
    };
    let mut drives = Vec::new();
    for value in list {
        drives.push(match value.get_ref().as_str() {
            Some(text) => file_drive(source, value, text, folder)?,
            None => empty_drive(source, value)?,
        });
    }
    Ok(Some(drives))
}

fn file_drive(
    source: &Source,
    value: &Spanned<DeValue>,
    text: &str,
    folder: &Path,
) -> Result<Drive, Report> {
    let span = value.span();
    let config = disk(text).and_then(|config| match config.format {
        DiskFormat::Raw => Ok(config),
        DiskFormat::Qcow2 => Err("only raw disks can be used yet".to_owned()),
    });
    let config = config.map_err(|fact| {
        let message = "the value of `drive` is not possible";
        let report = source.complain(codes::TEST_VALUE, &span, message, fact);
        report.help("\"FILE\", \"FILE,ro\" or { empty = \"16M\" }")
    })?;
    let name = At {
        value: config.path.to_string_lossy().into_owned(),
        span,
    };
    Ok(Drive::File {
        path: resolve(source, &name, folder)?,
        read_only: config.access == DiskAccess::ReadOnly,
    })
}

fn empty_drive(source: &Source, value: &Spanned<DeValue>) -> Result<Drive, Report> {
    let fields = Fields::read(source, "a disk", &[DRIVE], value)?;
    match fields.parsed("empty", size)? {
        Some(bytes) if bytes > 0 && bytes.is_multiple_of(512) && bytes <= EMPTY_LIMIT => {
            Ok(Drive::Empty { bytes })
        }
        Some(bytes) => Err(fields
            .complain(
                codes::TEST_VALUE,
                "an empty disk of this size is not possible",
                &format!("it would have {bytes} bytes"),
            )
            .help("a disk has sectors of 512 bytes, and at most 1T")),
        None => Err(fields
            .complain(codes::TEST_VALUE, "a disk is nothing", "an empty table")
            .help("\"FILE\", \"FILE,ro\" or { empty = \"16M\" }")),
    }
}

fn forbid(source: &Source, fields: &Fields) -> Result<Vec<Template>, Report> {
    let mut patterns = Vec::new();
    for value in fields.list("forbid")?.unwrap_or_default() {
        let (text, regex) = match value.get_ref() {
            DeValue::String(text) => (text.clone().into_owned(), false),
            DeValue::Table(_) => {
                let inner = Fields::read(source, "a forbidden text", &[PATTERN], value)?;
                let text = inner.text("regex")?.map(|text| text.value);
                (text.unwrap_or_default(), true)
            }
            other => return Err(fields.wrong("forbid", value, other.type_str())),
        };
        let template = Template { text, regex };
        check_pattern(source, &template, &value.span(), &Variables::new())?;
        patterns.push(template);
    }
    Ok(patterns)
}

/// Refuses a pattern that is empty or no expression.
pub fn check_pattern(
    source: &Source,
    template: &Template,
    span: &std::ops::Range<usize>,
    variables: &Variables,
) -> Result<(), Report> {
    if template.text.is_empty() {
        let message = "an empty text is found everywhere";
        return Err(source
            .complain(codes::TEST_VALUE, span, message, "found: \"\"")
            .help("write what the guest prints"));
    }
    let compiled = template.pattern(variables);
    compiled.map(drop).map_err(|fact| {
        let message = "the regular expression is not understood";
        let report = source.complain(codes::TEST_PATTERN, span, message, fact);
        report.help("single quotes keep backslashes: '\\d+ ok$'")
    })
}
