//! `extlinux.conf`, as U-Boot reads it and Debian's `u-boot-menu` writes it.

use super::{Found, key_value, resolve};
use crate::entry::MAX_ENTRIES;
use crate::volume::Volume;
use crate::{Body, Entry, Method};

const FILES: [&str; 4] = [
    "/boot/extlinux/extlinux.conf",
    "/extlinux/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
    "/syslinux/syslinux.cfg",
];

/// A label as it is read.
#[derive(Default)]
struct Label {
    name: String,
    title: String,
    kernel: Option<String>,
    initrds: Vec<String>,
    options: String,
    tree: bool,
}

/// The entries of a partition.
pub(super) fn find(volume: &Volume, _all: &[Volume]) -> Option<Found> {
    let (path, text) = FILES
        .iter()
        .find_map(|path| Some((*path, volume.text(path)?)))?;
    let (labels, wanted) = parse(&text);
    let mut default = 0;
    let mut entries = Vec::new();
    for label in labels {
        if Some(&label.name) == wanted.as_ref() {
            default = entries.len();
        }
        entries.extend(entry(volume, path, label));
    }
    if entries.is_empty() {
        volume
            .notes
            .add(format!("{}: names no kernel", volume.place(path)));
        return None;
    }
    Some(Found {
        default: default.min(entries.len() - 1),
        entries,
    })
}

/// The labels, and the name of the one that is preferred.
fn parse(text: &str) -> (Vec<Label>, Option<String>) {
    let mut labels: Vec<Label> = Vec::new();
    let mut default = None;
    for (key, value) in text.lines().filter_map(key_value) {
        let key = key.to_ascii_lowercase();
        if key == "label" {
            // LIMIT: see the constant.
            if labels.len() == MAX_ENTRIES {
                break;
            }
            labels.push(Label {
                name: value.to_owned(),
                ..Label::default()
            });
            continue;
        }
        let Some(label) = labels.last_mut() else {
            if key == "default" || key == "ontimeout" {
                default = Some(value.to_owned());
            }
            continue;
        };
        match key.as_str() {
            "menu" => {
                match key_value(value).map(|(key, value)| (key.to_ascii_lowercase(), value)) {
                    Some((key, title)) if key == "label" => label.title = title.replace('^', ""),
                    Some((key, _)) if key == "default" => default = Some(label.name.clone()),
                    _ => {}
                }
            }
            "kernel" | "linux" => label.kernel = Some(value.to_owned()),
            "initrd" => label.initrds = value.split(',').map(str::to_owned).collect(),
            "append" => value.clone_into(&mut label.options),
            "fdt" | "devicetree" => label.tree = true,
            _ => {}
        }
    }
    (labels, default)
}

fn entry(volume: &Volume, path: &str, label: Label) -> Option<Entry> {
    let kernel = label.kernel?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let place = |path: &str| volume.place(&resolve(volume, folder, path));
    // Syslinux also takes the RAM disk from the command line.
    let mut initrds = label.initrds;
    let mut options = Vec::new();
    for word in label.options.split_whitespace() {
        match word.strip_prefix("initrd=") {
            Some(files) if initrds.is_empty() => {
                initrds = files.split(',').map(str::to_owned).collect();
            }
            Some(_) => {}
            None => options.push(word),
        }
    }
    let mut notes = Vec::new();
    if label.tree {
        notes.push("its device tree is left out: the machine has one of its own".to_owned());
    }
    Some(Entry {
        title: if label.title.is_empty() {
            label.name.clone()
        } else {
            label.title
        },
        version: String::new(),
        id: label.name,
        method: Method::Extlinux,
        config: volume.place(path),
        body: Body::Files {
            kernel: place(&kernel),
            initrds: initrds.iter().map(|path| place(path)).collect(),
        },
        options: options.join(" "),
        arch: None,
        problem: None,
        notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_u_boot_reads_them() {
        let text = "\
## /boot/extlinux/extlinux.conf
default l0
menu title U-Boot menu
prompt 0
timeout 50

label l0
\tmenu label Debian GNU/Linux 13 (trixie) 6.12.48+deb13-riscv64
\tlinux /boot/vmlinux-6.12.48+deb13-riscv64
\tinitrd /boot/initrd.img-6.12.48+deb13-riscv64
\tfdtdir /usr/lib/linux-image-6.12.48+deb13-riscv64/
\tappend root=UUID=1 ro quiet

LABEL l0r
\tMENU LABEL ^Rescue
\tKERNEL /boot/vmlinux-6.12.48+deb13-riscv64
\tAPPEND root=UUID=1 ro single initrd=/a,/b
";
        let (labels, default) = parse(text);
        assert_eq!(default.as_deref(), Some("l0"));
        let [first, second] = labels.as_slice() else {
            panic!("{}", labels.len());
        };
        assert_eq!(
            first.title,
            "Debian GNU/Linux 13 (trixie) 6.12.48+deb13-riscv64"
        );
        assert_eq!(
            first.kernel.as_deref(),
            Some("/boot/vmlinux-6.12.48+deb13-riscv64")
        );
        assert_eq!(first.initrds, ["/boot/initrd.img-6.12.48+deb13-riscv64"]);
        assert_eq!(first.options, "root=UUID=1 ro quiet");
        assert_eq!(second.title, "Rescue");
        assert_eq!(second.options, "root=UUID=1 ro single initrd=/a,/b");
    }
}
