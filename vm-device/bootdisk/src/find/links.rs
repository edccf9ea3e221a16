//! Kernels by their names, where no configuration names one.

use super::{Found, compare_versions};
use crate::entry::MAX_ENTRIES;
use crate::volume::Volume;
use crate::{Body, Entry, Method};

/// Names without a version, kernel and RAM disks, in the order of preference.
#[rustfmt::skip] // A table.
const LINKS: &[(&str, &[&str])] = &[
    ("/vmlinuz",      &["/initrd.img"]),
    ("/vmlinux",      &["/initrd.img"]),
    ("/boot/vmlinuz", &["/boot/initrd.img", "/boot/initramfs.img", "/boot/initrd"]),
    ("/boot/vmlinux", &["/boot/initrd.img", "/boot/initramfs.img", "/boot/initrd"]),
    ("/boot/Image",   &["/boot/initrd.img", "/boot/initrd", "/boot/initrd.gz"]),
    ("/Image",        &["/initrd.img", "/initrd", "/initrd.gz"]),
    ("/boot/vmlinuz-linux", &["/boot/initramfs-linux.img"]),
    ("/boot/vmlinuz-lts",   &["/boot/initramfs-lts"]),
];
const FOLDERS: [&str; 2] = ["/boot", "/"];

/// The entries of a partition.
pub(super) fn find(volume: &Volume, all: &[Volume]) -> Option<Found> {
    let mut found: Vec<(String, Option<String>, String)> = Vec::new();
    for (kernel, initrds) in LINKS {
        if volume.is_file(kernel) {
            let initrd = initrds.iter().find(|path| volume.is_file(path));
            found.push((
                (*kernel).to_owned(),
                initrd.map(|path| (*path).to_owned()),
                String::new(),
            ));
        }
    }
    let mut versions = Vec::new();
    for folder in FOLDERS {
        let folder = folder.trim_end_matches('/');
        for name in volume.names(&format!("{folder}/")) {
            let begins = ["vmlinuz-", "vmlinux-", "Image-"];
            let version = begins.iter().find_map(|begin| name.strip_prefix(begin));
            let path = format!("{folder}/{name}");
            let known = LINKS.iter().any(|(kernel, _)| *kernel == path);
            if let Some(version) = version.filter(|_| !known) {
                versions.push((path, folder, version.to_owned()));
            }
        }
    }
    versions.sort_by(|a, b| compare_versions(&b.2, &a.2));
    versions.truncate(MAX_ENTRIES - found.len());
    for (path, folder, version) in versions {
        found.push((path, with_version(volume, folder, &version), version));
    }
    if found.is_empty() {
        return None;
    }
    let entries = found
        .into_iter()
        .map(|(kernel, initrd, version)| entry(volume, all, &kernel, initrd.as_deref(), version));
    Some(Found {
        entries: entries.collect(),
        default: 0,
    })
}

/// The RAM disk of a version, by the names that distributions give.
fn with_version(volume: &Volume, folder: &str, version: &str) -> Option<String> {
    [
        format!("{folder}/initrd.img-{version}"),
        format!("{folder}/initramfs-{version}.img"),
        format!("{folder}/initrd-{version}"),
        format!("{folder}/initrd-{version}.img"),
        format!("{folder}/initramfs-{version}"),
    ]
    .into_iter()
    .find(|path| volume.is_file(path))
}

fn entry(
    volume: &Volume,
    all: &[Volume],
    kernel: &str,
    initrd: Option<&str>,
    version: String,
) -> Entry {
    let root = root_of(volume, all);
    let options = format!("root={} ro", root_name(root, initrd.is_some()));
    let name = kernel.rsplit('/').next().unwrap_or_default();
    Entry {
        title: kernel.to_owned(),
        version,
        id: name.to_owned(),
        method: Method::Links,
        config: volume.place(kernel),
        body: Body::Files {
            kernel: volume.place(kernel),
            initrds: initrd.into_iter().map(|path| volume.place(path)).collect(),
        },
        notes: vec![format!("no configuration names a command line: {options}")],
        options,
        arch: None,
        problem: None,
    }
}

/// The root file system: where the kernel is, if that has an init; else where there is one.
fn root_of<'a>(volume: &'a Volume, all: &'a [Volume]) -> &'a Volume {
    let is_root = |volume: &&Volume| {
        [
            "/sbin/init",
            "/usr/lib/systemd/systemd",
            "/bin/sh",
            "/etc/fstab",
            "/init",
        ]
        .iter()
        .any(|path| volume.is_file(path))
    };
    let others = all.iter().filter(|other| other.index != volume.index);
    [volume]
        .into_iter()
        .chain(others)
        .find(is_root)
        .unwrap_or(volume)
}

/// What the kernel calls a file system: its own names need no RAM disk.
fn root_name(volume: &Volume, with_initrd: bool) -> String {
    let partition = &volume.partition;
    match &partition.uuid {
        _ if with_initrd && !volume.fs.uuid().is_empty() => format!("UUID={}", volume.fs.uuid()),
        Some(uuid) => format!("PARTUUID={uuid}"),
        None if partition.number == 0 => "/dev/vda".to_owned(),
        None => format!("/dev/vda{}", partition.number),
    }
}
