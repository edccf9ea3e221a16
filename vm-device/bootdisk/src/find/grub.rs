//! GRUB's configuration, as `grub-mkconfig` writes it.
//!
//! The file is a script, so it is run: by a small interpreter of GRUB's language with variables,
//! `if`, functions, `menuentry` and `submenu`, `search`, `[ ]`, `load_env` and `source`.
//! A menu entry's body is run too, up to its end, and what its `linux` and `initrd` commands name
//! is the entry.
//! Commands that only concern GRUB's own screen do nothing; commands that are not known fail, as
//! they would in a GRUB whose module is lacking.
//! Loops are not run, because `grub-mkconfig` writes none.
//!
//! **Invariant**: work and memory are bounded, see [`run::WORK`].

mod lex;
mod parse;
mod run;
mod search;
mod test;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::run::{Item, Machine};
use super::Found;
use crate::entry::MAX_ENTRIES;
use crate::volume::Volume;
use crate::{Body, Entry, Method};

const FILES: [&str; 4] = [
    "/boot/grub/grub.cfg",
    "/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/grub2/grub.cfg",
];

/// The entries of a partition.
pub(super) fn find(volume: &Volume, all: &[Volume]) -> Option<Found> {
    let (path, text) = FILES
        .iter()
        .find_map(|path| Some((*path, volume.text(path)?)))?;
    let mut machine = Machine::new(all, volume, path);
    let items = match machine.menu(&text) {
        Ok(items) => items,
        Err(why) => {
            volume.notes.add(format!("{}: {why}", volume.place(path)));
            return None;
        }
    };
    let mut flat = Vec::new();
    flatten(&items, "", &mut flat);
    let wanted = machine.variable("default").to_owned();
    let wanted = choose(&items, &wanted).map(std::ptr::from_ref);
    let (mut entries, mut default) = (Vec::new(), None);
    for (title, item) in flat.into_iter().take(MAX_ENTRIES) {
        let entry = match machine.boot(item) {
            Ok(Some(boot)) => entry(volume, path, &title, item, boot),
            // Firmware settings, other systems' loaders.
            Ok(None) => continue,
            Err(why) => {
                volume
                    .notes
                    .add(format!("{}: `{title}`: {why}", volume.place(path)));
                continue;
            }
        };
        if wanted == Some(std::ptr::from_ref(item)) {
            default = Some(entries.len());
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        volume.notes.add(format!(
            "{}: no menu entry starts Linux",
            volume.place(path)
        ));
        return None;
    }
    Some(Found {
        entries,
        default: default.unwrap_or(0),
    })
}

/// GRUB's environment block on a partition.
pub(super) fn environment(volume: &Volume) -> BTreeMap<String, String> {
    let texts = FILES.iter().filter_map(|path| {
        let folder = path.strip_suffix("grub.cfg")?;
        volume.text(&format!("{folder}grubenv"))
    });
    let mut all = BTreeMap::new();
    for text in texts {
        all.extend(block(&text));
    }
    all
}

/// The variables of an environment block: lines `NAME=VALUE` behind a comment.
fn block(text: &str) -> impl Iterator<Item = (String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    })
}

/// The entries of all submenus in order, each with its title behind those of its menus.
fn flatten<'a>(items: &'a [Item], above: &str, flat: &mut Vec<(String, &'a Item)>) {
    for item in items {
        let title = if above.is_empty() {
            item.title.clone()
        } else {
            format!("{above} > {}", item.title)
        };
        match &item.below {
            Some(below) => flatten(below, &title, flat),
            None => flat.push((title, item)),
        }
    }
}

/// The item that `default` means: a number, a title or an id, with `>` into submenus.
fn choose<'a>(items: &'a [Item], wanted: &str) -> Option<&'a Item> {
    let named = |name: &str| {
        let number = name
            .parse::<usize>()
            .ok()
            .and_then(|number| items.get(number));
        number.or_else(|| {
            items
                .iter()
                .find(|item| item.id == name || item.title == name)
        })
    };
    // A title may have the mark in it.
    let (item, rest) = match named(wanted) {
        Some(item) => (item, ""),
        None => {
            let (first, rest) = wanted.split_once('>')?;
            (named(first.trim())?, rest.trim())
        }
    };
    match &item.below {
        None => Some(item),
        Some(below) if rest.is_empty() => choose(below, "0"),
        Some(below) => choose(below, rest),
    }
}

fn entry(volume: &Volume, path: &str, title: &str, item: &Item, boot: run::Boot) -> Entry {
    let mut notes = Vec::new();
    if boot.tree {
        notes.push("its device tree is left out: the machine has one of its own".to_owned());
    }
    Entry {
        title: title.to_owned(),
        version: String::new(),
        id: item.id.clone(),
        method: Method::Grub,
        config: volume.place(path),
        body: Body::Files {
            kernel: boot.kernel,
            initrds: boot.initrds,
        },
        options: boot.options,
        arch: None,
        problem: None,
        notes,
    }
}
