//! Runs a script of GRUB's language for its effect on the menu.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::block;
use super::lex::{Piece, Word};
use super::parse::{Block, Statement, parse};
use crate::volume::{Place, Volume};

/// How much may be done, in commands and bytes of their words.
// LIMIT: a menu of a hundred kernels takes a hundredth of it; functions that call themselves and
// variables that double end here.
pub(super) const WORK: u64 = 4 << 20;
// LIMIT: a kernel takes no longer command line, and no variable holds more than that.
const MAX_WORD: usize = 16 << 10;
// LIMIT: a script sets a few dozen.
const MAX_VARIABLES: usize = 1024;
// LIMIT: calls, sources and menus in one another; each costs stack.
const MAX_DEPTH: u32 = 24;
// LIMIT: entries of all menus.
const MAX_ITEMS: usize = 512;

/// An entry of a menu, or a menu below it.
#[derive(Debug)]
pub(super) struct Item {
    pub title: String,
    pub id: String,
    pub below: Option<Vec<Item>>,
    content: Block,
    variables: Rc<Variables>,
}

/// What an entry would start.
#[derive(Debug)]
pub(super) struct Boot {
    pub kernel: Place,
    pub initrds: Vec<Place>,
    pub options: String,
    pub tree: bool,
}

type Variables = BTreeMap<String, String>;

/// A GRUB without a screen.
pub(super) struct Machine<'a> {
    pub(super) volumes: &'a [Volume],
    variables: Variables,
    functions: BTreeMap<String, Block>,
    arguments: Vec<String>,
    /// Whether the last command succeeded.
    good: bool,
    work: u64,
    depth: u32,
    items: Vec<Item>,
    count: usize,
    boot: Option<Boot>,
}

/// What a real GRUB of today says of itself.
const FEATURES: &[&str] = &[
    "feature_chainloader_bpb",
    "feature_ntldr",
    "feature_platform_search_hint",
    "feature_default_font_path",
    "feature_all_video_module",
    "feature_menuentry_id",
    "feature_menuentry_options",
    "feature_200_final",
    "feature_nativedisk_cmd",
    "feature_timeout_style",
];

/// Commands that change nothing about what is started.
const SILENT: &[&str] = &[
    "insmod",
    "echo",
    "export",
    "save_env",
    "terminal_output",
    "terminal_input",
    "terminal",
    "serial",
    "background_image",
    "clear",
    "sleep",
    "play",
    "true",
    "gfxmode",
    "cutmem",
    "badram",
    "loadkeys",
    "rmmod",
    "normal",
];

impl<'a> Machine<'a> {
    /// A GRUB that has this file as its configuration.
    pub fn new(volumes: &'a [Volume], volume: &Volume, path: &str) -> Self {
        let device = device(volume);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut variables: Variables = FEATURES
            .iter()
            .map(|name| ((*name).to_owned(), "y".to_owned()))
            .collect();
        let prefix = format!("({device}){folder}");
        for (name, value) in [
            ("root", device.as_str()),
            ("grub_platform", "efi"),
            ("prefix", &prefix),
            ("config_directory", &prefix),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        Self {
            volumes,
            variables,
            functions: BTreeMap::new(),
            arguments: Vec::new(),
            good: true,
            work: WORK,
            depth: 0,
            items: Vec::new(),
            count: 0,
            boot: None,
        }
    }

    /// Runs a configuration and gives its menu.
    pub fn menu(&mut self, text: &str) -> Result<Vec<Item>, String> {
        let script = parse(text)?;
        self.run(&script)?;
        Ok(std::mem::take(&mut self.items))
    }

    /// Runs an entry and gives what it would start; `None` if that is no Linux.
    pub fn boot(&mut self, item: &Item) -> Result<Option<Boot>, String> {
        self.spend(size(&item.variables))?;
        self.variables = item.variables.as_ref().clone();
        // The entry before may have ended in the middle of something.
        (self.depth, self.arguments) = (0, Vec::new());
        self.set("chosen", &item.id)?;
        self.boot = None;
        let content = item.content.clone();
        self.run(&content)?;
        Ok(self.boot.take())
    }

    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    fn spend(&mut self, work: usize) -> Result<(), String> {
        let left = self.work.checked_sub(work as u64 + 1);
        self.work = left.ok_or("the script does not come to an end")?;
        Ok(())
    }

    fn run(&mut self, block: &Block) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("calls go more than {MAX_DEPTH} deep"));
        }
        for statement in block.iter() {
            self.statement(statement)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), String> {
        match statement {
            Statement::Command(words) => {
                let words = self.expand(words)?;
                self.command(&words)
            }
            Statement::If(branches, otherwise) => {
                for (condition, then) in branches {
                    self.run(condition)?;
                    if self.good {
                        return self.run(then);
                    }
                }
                self.good = true;
                self.run(otherwise)
            }
            Statement::Function(name, content) => {
                self.spend(name.len())?;
                self.functions.insert(name.clone(), content.clone());
                Ok(())
            }
            Statement::Menu {
                words,
                content,
                sub,
            } => {
                let words = self.expand(words)?;
                self.entry(&words, content, *sub)
            }
        }
    }

    /// Words with their variables filled in.
    fn expand(&mut self, words: &[Word]) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        for word in words {
            // A word grows while pieces without white space follow one another.
            let mut open = word.quoted.then(String::new);
            for piece in &word.pieces {
                let (value, quoted) = match piece {
                    Piece::Text(text) => (text.clone(), true),
                    Piece::Variable { name, quoted } => (self.value(name), *quoted),
                };
                self.spend(value.len())?;
                if quoted {
                    open.get_or_insert_default().push_str(&value);
                } else {
                    split(&value, &mut open, &mut out);
                }
                if open.as_ref().is_some_and(|word| word.len() > MAX_WORD) {
                    return Err(format!("a word has more than {MAX_WORD} bytes"));
                }
            }
            out.extend(open);
        }
        Ok(out)
    }

    fn value(&self, name: &str) -> String {
        match name {
            "?" => if self.good { "0" } else { "1" }.to_owned(),
            "#" => self.arguments.len().to_string(),
            "*" | "@" => self.arguments.join(" "),
            _ => match name.parse::<usize>() {
                Ok(number) => {
                    let argument = number.checked_sub(1).and_then(|n| self.arguments.get(n));
                    argument.cloned().unwrap_or_default()
                }
                Err(_) => self.variable(name).to_owned(),
            },
        }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if self.variables.len() >= MAX_VARIABLES && !self.variables.contains_key(name) {
            return Err(format!("there are more than {MAX_VARIABLES} variables"));
        }
        self.variables.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn command(&mut self, words: &[String]) -> Result<(), String> {
        let nots = words.iter().take_while(|word| *word == "!").count();
        self.plain_command(&words[nots..])?;
        self.good ^= nots % 2 == 1;
        Ok(())
    }

    fn plain_command(&mut self, words: &[String]) -> Result<(), String> {
        let Some((name, rest)) = words.split_first() else {
            return Ok(());
        };
        self.spend(16)?;
        if let Some(content) = self.functions.get(name).cloned() {
            let outer = std::mem::replace(&mut self.arguments, rest.to_vec());
            let done = self.run(&content);
            self.arguments = outer;
            return done;
        }
        let mut good = true;
        match name.as_str() {
            "set" => {
                for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                    self.set(name, value)?;
                }
            }
            "unset" => rest.iter().for_each(|name| {
                self.variables.remove(name);
            }),
            "[" | "test" => good = self.test(rest),
            "search" => good = self.search(rest)?,
            "search.fs_uuid" | "search.fs_label" | "search.file" => {
                good = self.search_short(name, rest)?;
            }
            "load_env" => good = self.load_env(rest)?,
            "source" | "." | "configfile" => good = self.source(rest)?,
            "linux" | "linux16" | "linuxefi" => good = self.linux(rest),
            "initrd" | "initrd16" | "initrdefi" => self.initrd(rest),
            "devicetree" => {
                if let Some(boot) = &mut self.boot {
                    boot.tree = true;
                }
            }
            name if SILENT.contains(&name) => {}
            name => match name.split_once('=') {
                Some((name, value)) => self.set(name, value)?,
                None => good = false,
            },
        }
        self.good = good;
        Ok(())
    }

    fn entry(&mut self, words: &[String], content: &Block, sub: bool) -> Result<(), String> {
        self.count += 1;
        if self.count > MAX_ITEMS {
            return Err(format!("the menu has more than {MAX_ITEMS} entries"));
        }
        let (mut title, mut id) = (None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--id" => id = words.next().cloned(),
                "--class" | "--users" | "--hotkey" => {
                    words.next();
                }
                "--unrestricted" => {}
                word => match word.strip_prefix("--id=") {
                    Some(given) => id = Some(given.to_owned()),
                    None if word.starts_with("--") => {}
                    None => title = title.or_else(|| Some(word.to_owned())),
                },
            }
        }
        let title = title.unwrap_or_default();
        let variables = self.variables.clone();
        self.spend(size(&variables))?;
        let mut below = None;
        if sub {
            let outer = std::mem::take(&mut self.items);
            self.run(content)?;
            below = Some(std::mem::replace(&mut self.items, outer));
            // A menu below has its own copy of the variables.
            self.variables.clone_from(&variables);
        }
        self.items.push(Item {
            id: id.unwrap_or_else(|| title.clone()),
            title,
            below,
            content: content.clone(),
            variables: Rc::new(variables),
        });
        Ok(())
    }

    fn linux(&mut self, words: &[String]) -> bool {
        let mut words = words.iter().skip_while(|word| word.starts_with("--"));
        let kernel = words.next().and_then(|path| self.locate(path));
        let Some((volume, path)) = kernel else {
            return false;
        };
        let options: Vec<String> = words.map(|word| requoted(word)).collect();
        self.boot = Some(Boot {
            kernel: volume.place(&path),
            initrds: Vec::new(),
            options: options.join(" "),
            tree: false,
        });
        true
    }

    fn initrd(&mut self, words: &[String]) {
        let files = words.iter().filter(|word| !word.starts_with("--"));
        let places: Vec<Place> = files
            .filter_map(|file| self.locate(file))
            .map(|(v, path)| v.place(&path))
            .collect();
        if let Some(boot) = &mut self.boot {
            boot.initrds = places;
        }
    }

    /// The volume and the path that a file name of GRUB means.
    pub(super) fn locate(&self, name: &str) -> Option<(&'a Volume, String)> {
        let (device, path) = match name.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((device, path)) => (device, path),
            None => (self.variable("root"), name),
        };
        let device = if device.is_empty() {
            self.variable("root")
        } else {
            device
        };
        let volume = self
            .volumes
            .iter()
            .find(|volume| is_device(volume, device))?;
        Some((volume, path.to_owned()))
    }

    fn load_env(&mut self, words: &[String]) -> Result<bool, String> {
        let mut words = words.iter();
        let mut file = format!("{}/grubenv", self.variable("prefix"));
        let mut only = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-f" | "--file" => file = words.next().cloned().unwrap_or_default(),
                word if word.starts_with('-') => {}
                word => only.push(word.to_owned()),
            }
        }
        let text = self
            .locate(&file)
            .and_then(|(volume, path)| volume.text(&path));
        let Some(text) = text else {
            return Ok(false);
        };
        self.spend(text.len())?;
        for (name, value) in block(&text) {
            if only.is_empty() || only.contains(&name) {
                self.set(&name, &value)?;
            }
        }
        Ok(true)
    }

    fn source(&mut self, words: &[String]) -> Result<bool, String> {
        let file = words.first().and_then(|file| self.locate(file));
        let Some(text) = file.and_then(|(volume, path)| volume.text(&path)) else {
            return Ok(false);
        };
        self.spend(text.len())?;
        let script = parse(&text)?;
        self.run(&script)?;
        Ok(true)
    }
}

/// The memory that variables take.
fn size(variables: &Variables) -> usize {
    variables
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// White space in an unquoted value ends a word; `open` is the one that is being made.
fn split(value: &str, open: &mut Option<String>, out: &mut Vec<String>) {
    for (index, part) in value.split([' ', '\t', '\n']).enumerate() {
        if index > 0 {
            out.extend(open.take());
        }
        if !part.is_empty() {
            open.get_or_insert_default().push_str(part);
        }
    }
}

/// A word of a command line whose white space must not end it.
fn requoted(word: &str) -> String {
    if word.contains(char::is_whitespace) {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}

/// What GRUB would call a volume of the first disk.
pub(super) fn device(volume: &Volume) -> String {
    match volume.partition.number {
        0 => "hd0".to_owned(),
        number => format!("hd0,{number}"),
    }
}

/// Whether a device's name means this volume: `hd0,gpt2`, `hd0,msdos2`, `hd0,2`.
fn is_device(volume: &Volume, device: &str) -> bool {
    let number = match device.split_once(',') {
        Some((_, part)) => part
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok(),
        None => Some(0),
    };
    number == Some(volume.partition.number)
}
