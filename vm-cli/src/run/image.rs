//! `vm run IMAGE`: what the image is, what it boots, and how that is said.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use vm_runtime::boot::Arch;
use vm_runtime::bootdisk::{Entry, FileKind, Menu};
use vm_runtime::{Boot, Booted, Config, DiskConfig, DiskFormat, Firmware, Source, VmError};
use vm_runtime::{boot_disk, disk_error, image_kind, wanted_archs};

use crate::args::Manner;
use crate::diagnose::diagnose;
use crate::report::{Report, printable};
use crate::{codes, out};

/// Puts the image where it belongs: as the kernel if it is one, else as the first disk.
pub fn take(
    config: &mut Config,
    image: &DiskConfig,
    entry: Option<&str>,
    quiet: bool,
) -> Result<(), Report> {
    if image.format == DiskFormat::Qcow2 {
        let path = image.path.clone();
        return Err(diagnose(&VmError::Format { path }));
    }
    // Without the built-in firmware somebody else looks at the disk.
    let boots = config.firmware == Firmware::BuiltIn;
    let kind = image_kind(&image.path).map_err(|error| diagnose(&error))?;
    if boots && config.kernel.is_none() {
        match kind {
            FileKind::Program => {
                if !quiet {
                    let path = printable(&image.path.display().to_string());
                    out::tell(&format!(
                        "  image   {path} is a kernel: started as with -k\n"
                    ));
                }
                config.kernel = Some(Source::File(image.path.clone()));
                return Ok(());
            }
            FileKind::Raw => {}
            other => return Err(refuse(&image.path, other)),
        }
    }
    config.disks.insert(0, image.clone());
    if boots {
        config.boot = Some(Boot {
            entry: entry.map(str::to_owned),
        });
    }
    Ok(())
}

/// Warns of raw disks whose content looks like another format's.
pub fn warn(config: &Config) {
    let raw = |disk: &&DiskConfig| disk.format == DiskFormat::Raw;
    for disk in config.disks.iter().filter(raw) {
        if let Ok(FileKind::Format(format)) = image_kind(&disk.path) {
            let path = printable(&disk.path.display().to_string());
            out::tell(&format!(
                "warning: {path} begins as a {format} image does, but it is taken as a raw disk\n"
            ));
        }
    }
}

/// The complaint about a file that is known, but nothing to boot.
fn refuse(path: &Path, kind: FileKind) -> Report {
    let shown = path.display().to_string();
    match kind {
        FileKind::Format(name) => Report::new(
            codes::DISK_FORMAT,
            format!("disks in the format {name} can not be used yet"),
        )
        .at(shown, format!("it begins as a {name} image does"))
        .help(convert(path, name)),
        FileKind::Compressed(name) => {
            let tool = match name {
                "gzip" => "gzip -dk",
                "bzip2" => "bzip2 -dk",
                "xz" => "xz -dk",
                "zip" => "unzip",
                other => &format!("{other} -d"),
            };
            Report::new(codes::PACKED, "the image is compressed")
                .at(&shown, format!("it begins as a {name} file does"))
                .help(format!("unpack it first: {tool} {shown}"))
        }
        FileKind::Iso => Report::new(codes::ISO, "installation discs can not be booted directly")
            .at(shown, "it has an ISO 9660 file system")
            .help("a firmware may start it: vm run --firmware FILE --drive DISC,ro")
            .help(
                "or take kernel and RAM disk from it: vm run -k KERNEL -i INITRD --drive DISC,ro",
            ),
        FileKind::Program | FileKind::Raw => {
            Report::new(codes::IMAGE_BOOT, codes::IMAGE_BOOT.title)
                .at(shown, "was given as an image")
        }
    }
}

/// The command that makes a raw disk of another format.
pub fn convert(path: &Path, format: &str) -> String {
    let raw = path.with_extension("raw");
    format!(
        "make a raw disk of it: qemu-img convert -f {format} -O raw {} {}",
        path.display(),
        raw.display()
    )
}

/// The complaint about a choice where there is nothing to choose from.
pub fn no_menu() -> Report {
    Report::new(codes::USAGE, "--boot chooses from the menu of a disk image")
        .at("--boot", "no disk image is booted")
        .help("vm run IMAGE --boot list")
}

/// Prints the menu of a disk.
pub fn list(config: &Config, common: &Manner) -> Result<u8, Report> {
    let Some(path) = config.disks.first().map(|disk| disk.path.as_path()) else {
        return Err(no_menu());
    };
    let disk = boot_disk(path).map_err(|error| diagnose(&error))?;
    let menu = disk.menu(&wanted_archs(config.arch));
    let menu = menu.map_err(|source| diagnose(&disk_error(path, source)))?;
    if common.json {
        let entries = menu.entries.iter().enumerate();
        let all = json!({
            "schema": 1,
            "image": path.display().to_string(),
            "summary": disk.summary(),
            "default": menu.default + 1,
            "entries": entries.map(|(index, entry)| entry_json(index, entry)).collect::<Vec<_>>(),
            "notes": disk.notes(),
        });
        out::print(&format!("{all}\n"))?;
        return Ok(0);
    }
    out::print(&table(&menu))?;
    for note in disk.notes() {
        out::tell(&format!("note: {}\n", printable(&note)));
    }
    Ok(0)
}

fn table(menu: &Menu) -> String {
    let rows: Vec<[String; 5]> = (menu.entries.iter().enumerate())
        .map(|(index, entry)| {
            let mark = if index == menu.default { "*" } else { "" };
            let kernel = match &entry.problem {
                None => entry.body.kernel().to_string(),
                Some(problem) => format!("not possible: {problem}"),
            };
            [
                format!("{}{mark}", index + 1),
                printable(&entry.title),
                entry.arch.map_or("?", Arch::name).to_owned(),
                entry.method.name().to_owned(),
                printable(&kernel),
            ]
        })
        .collect();
    let head = ["ENTRY", "TITLE", "ARCH", "FROM", "KERNEL"].map(str::to_owned);
    let widths: Vec<usize> = (0..4)
        .map(|column| {
            let all = rows.iter().chain([&head]);
            all.map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in [&head].into_iter().chain(&rows) {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", row[4]);
    }
    text
}

fn entry_json(index: usize, entry: &Entry) -> Value {
    json!({
        "number": index + 1,
        "title": entry.title,
        "id": entry.id,
        "version": entry.version,
        "arch": entry.arch.map(Arch::name),
        "from": entry.method.name(),
        "config": entry.config.to_string(),
        "kernel": entry.body.kernel().to_string(),
        "options": entry.options,
        "problem": entry.problem,
        "notes": entry.notes,
    })
}

/// What was found and why, in lines for people.
pub fn lines(booted: &Booted, config: &Config) -> String {
    let mut text = String::new();
    let mut line = |head: &str, said: &str| {
        let _ = writeln!(text, "  {head:<8}{}", printable(said));
    };
    let arch = booted.arch.as_ref();
    let of = arch.map_or(String::new(), |(arch, _)| format!(" -> {}", arch.name()));
    line(
        "image",
        &format!(
            "{}: raw, {}, {}{of}",
            booted.disk.display(),
            size(booted.bytes),
            booted.summary
        ),
    );
    if let Some(entry) = &booted.entry {
        let (number, count) = booted.number;
        let (method, config) = (entry.method.name(), &entry.config);
        line(
            "boot",
            &format!(
                "{}  (entry {number} of {count}; {method}: {config})",
                entry.title
            ),
        );
        if booted.kernel_bytes > 0 {
            let initrd = booted.initrd_bytes.map_or("no initrd".to_owned(), |bytes| {
                format!("initrd {}", size(bytes))
            });
            let kernel = entry.body.kernel();
            line(
                "kernel",
                &format!("{kernel}, {}; {initrd}", size(booted.kernel_bytes)),
            );
        }
    }
    let kernel = config.kernel.as_ref().map(source_name);
    for path in [kernel, config.initrd.as_deref()].into_iter().flatten() {
        line("instead", &path.display().to_string());
    }
    let added = booted.console_added.map_or(String::new(), |console| {
        format!("  (console={console} added: it named none)")
    });
    line("options", &format!("{}{added}", booted.options));
    let cpus = if config.cpus == 1 { "CPU" } else { "CPUs" };
    line(
        "machine",
        &format!(
            "{}, {} {cpus}, {}, engine {}",
            config.machine,
            config.cpus,
            size(config.ram_bytes),
            config.engine.name()
        ),
    );
    for note in &booted.notes {
        line("note", note);
    }
    text
}

fn source_name(source: &Source) -> &Path {
    match source {
        Source::File(path) => path,
        Source::BuiltIn(name, _) => Path::new(name),
    }
}

/// The same for programs.
pub fn boot_json(booted: &Booted) -> Value {
    let entry = booted.entry.as_ref();
    json!({
        "image": booted.disk.display().to_string(),
        "summary": booted.summary,
        "arch": booted.arch.as_ref().map(|(arch, _)| arch.name()),
        "arch_from": booted.arch.as_ref().map(|(_, place)| place),
        "entry": entry.map(|entry| entry_json(booted.number.0.saturating_sub(1), entry)),
        "entries": booted.number.1,
        "kernel_bytes": booted.kernel_bytes,
        "initrd_bytes": booted.initrd_bytes,
        "options": booted.options,
        "console_added": booted.console_added,
        "notes": booted.notes,
    })
}

/// A size for people.
fn size(bytes: u64) -> String {
    let (unit, shift) = match bytes {
        0..0x10_0000 => ("KiB", 10),
        0x10_0000..0x4000_0000 => ("MiB", 20),
        _ => ("GiB", 30),
    };
    let tenths = ((bytes >> (shift - 10)) * 10) >> 10;
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, want) in [
            (0, "0 KiB"),
            (1536, "1.5 KiB"),
            (64 << 20, "64 MiB"),
            (8 << 30, "8 GiB"),
            (31 << 20 | 0x8_0000, "31.5 MiB"),
        ] {
            assert_eq!(size(bytes), want);
        }
    }
}
