//! What a user can ask of the machine with `monitor`.

use std::fmt::Write;

use super::Session;
use crate::Vm;
use crate::symbols::Symbols;

/// What was said, and what happens then.
pub struct Said {
    /// The text, in lines.
    pub text: String,
    /// What happens.
    pub then: Then,
}

/// What happens after a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Nothing.
    Stay,
    /// The machine starts again from power-on.
    Restart,
    /// The run ends.
    Quit,
}

/// A command: its words, what it does, and what carries it out.
struct Command {
    words: &'static [&'static str],
    usage: &'static str,
    doc: &'static str,
    run: fn(&mut Session, &mut Vm, &str) -> Result<String, String>,
}

#[rustfmt::skip] // A table: the words, what follows them, what it does, who does it.
const COMMANDS: &[Command] = &[
    Command { words: &["help"], usage: "", doc: "these lines", run: |_, _, _| Ok(help()) },
    Command { words: &["info", "registers"], usage: "[CPU]", doc: "every register of a CPU, system registers too", run: registers },
    Command { words: &["info", "cpus"], usage: "", doc: "what each CPU does and where it stands", run: cpus },
    Command { words: &["walk"], usage: "ADDR|SYMBOL", doc: "each step of the page walk of an address", run: walk },
    Command { words: &["phys"], usage: "on|off", doc: "whether memory is read and written at physical addresses", run: phys },
    Command { words: &["symbols"], usage: "[SYMBOL|ADDR|again]", doc: "where a symbol is, or which one an address is in; `again` looks for the kernel once more", run: symbols },
    Command { words: &["break"], usage: "ADDR|SYMBOL", doc: "stop there; without anything, list", run: set_break },
    Command { words: &["delete"], usage: "[ADDR|SYMBOL]", doc: "remove one of these breakpoints, or all", run: delete },
    Command { words: &["time"], usage: "", doc: "guest time, and instructions executed", run: time },
    Command { words: &["reset"], usage: "", doc: "press the reset button; then `maintenance flush register-cache`", run: |_, _, _| Ok("the machine stands at its reset\n".to_owned()) },
    Command { words: &["quit"], usage: "", doc: "end the run", run: |_, _, _| Ok(String::new()) },
];

/// Carries out a line.
pub fn carry_out(session: &mut Session, vm: &mut Vm, line: &str) -> Said {
    let given: Vec<&str> = line.split_whitespace().collect();
    let found = COMMANDS.iter().find(|command| {
        let words = given.get(..command.words.len());
        words.is_some_and(|words| words == command.words)
    });
    let Some(command) = found else {
        let text = format!(
            "there is no command `{}`; `monitor help` lists them\n",
            plain(line)
        );
        return Said {
            text,
            then: Then::Stay,
        };
    };
    let rest = given
        .get(command.words.len()..)
        .unwrap_or_default()
        .join(" ");
    let then = match command.words {
        ["reset"] => Then::Restart,
        ["quit"] => Then::Quit,
        _ => Then::Stay,
    };
    match (command.run)(session, vm, &rest) {
        Ok(text) => Said { text, then },
        Err(why) => Said {
            text: format!("{}\n", plain(&why)),
            then: Then::Stay,
        },
    }
}

/// Text that may hold a stranger's bytes, without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// A CPU in a line.
pub fn about(session: &Session, vm: &Vm, cpu: usize) -> String {
    let pc = vm.pc(cpu);
    let place = session.symbols.as_ref().or(vm.symbols());
    let place = place.and_then(|symbols| symbols.lookup(pc));
    let place = place.map_or_else(|| format!("{pc:#x}"), |place| place.to_string());
    let privilege = vm.register(cpu, "priv");
    let privilege = privilege.map_or(String::new(), |level| format!(", privilege {level}"));
    format!("cpu{cpu} {}{privilege}, at {place}", vm.cpu_state(cpu))
}

fn help() -> String {
    let mut text = String::new();
    for command in COMMANDS {
        let name = format!("{} {}", command.words.join(" "), command.usage);
        let _ = writeln!(text, "{name:<28} {}", command.doc);
    }
    text
}

fn registers(session: &mut Session, vm: &mut Vm, rest: &str) -> Result<String, String> {
    let cpu = match rest {
        "" => session.cpu,
        number => number
            .parse()
            .map_err(|_| format!("`{number}` is no CPU"))?,
    };
    if cpu >= vm.cpus() {
        return Err(format!("there are CPUs 0 to {}", vm.cpus() - 1));
    }
    let mut text = String::new();
    let mut column = 0;
    let target = vm.target();
    let features = target.iter().flat_map(|target| &target.features);
    for register in features.flat_map(|feature| &feature.registers) {
        let Some(value) = vm.register(cpu, &register.own) else {
            continue;
        };
        column += 1;
        let end = if column % 4 == 0 { "\n" } else { "  " };
        let _ = write!(text, "{:<13} {value:016x}{end}", register.name);
    }
    if column % 4 != 0 {
        text.push('\n');
    }
    Ok(text)
}

fn cpus(session: &mut Session, vm: &mut Vm, _rest: &str) -> Result<String, String> {
    let _ = known(session, vm);
    let lines = (0..vm.cpus()).map(|cpu| about(session, vm, cpu) + "\n");
    Ok(lines.collect())
}

fn walk(session: &mut Session, vm: &mut Vm, rest: &str) -> Result<String, String> {
    let addr = address(session, vm, rest)?;
    let translation = vm.translate(session.cpu, addr);
    let mut text: String = translation
        .steps
        .iter()
        .map(|step| format!("{step}\n"))
        .collect();
    let _ = match translation.phys {
        Some(phys) => writeln!(text, "{addr:#x} is at physical {:#x}", phys.0),
        None => writeln!(text, "{addr:#x} is mapped nowhere"),
    };
    Ok(text)
}

fn phys(session: &mut Session, _vm: &mut Vm, rest: &str) -> Result<String, String> {
    match rest {
        "on" => session.physical = true,
        "off" => session.physical = false,
        _ => {}
    }
    let kind = if session.physical {
        "physical"
    } else {
        "virtual"
    };
    Ok(format!("memory is read and written at {kind} addresses\n"))
}

fn symbols(session: &mut Session, vm: &mut Vm, rest: &str) -> Result<String, String> {
    if rest == "again" {
        session.symbols = None;
    }
    let symbols = known(session, vm)?;
    if rest.is_empty() || rest == "again" {
        let slide = match symbols.slide() {
            0 => String::new(),
            slide => format!(", moved by {slide:#x}"),
        };
        return Ok(format!("{} symbols{slide}\n", symbols.len()));
    }
    if let Some(addr) = symbols.resolve(rest) {
        return Ok(format!("{rest} is at {addr:#x}\n"));
    }
    let addr = number(rest).ok_or_else(|| format!("there is no symbol `{rest}`"))?;
    match symbols.lookup(addr) {
        Some(place) => Ok(format!("{addr:#x} is {place}\n")),
        None => Err(format!("{addr:#x} is in no symbol")),
    }
}

fn set_break(session: &mut Session, vm: &mut Vm, rest: &str) -> Result<String, String> {
    if !rest.is_empty() {
        let addr = address(session, vm, rest)?;
        if !session.points.set_own(addr, plain(rest)) {
            return Err("there are too many breakpoints".to_owned());
        }
    }
    let mut text = String::new();
    for (addr, name) in &session.points.own {
        let _ = writeln!(text, "{addr:#018x} {name}");
    }
    Ok(text)
}

fn delete(session: &mut Session, vm: &mut Vm, rest: &str) -> Result<String, String> {
    if rest.is_empty() {
        session.points.own.clear();
        return Ok(String::new());
    }
    let addr = address(session, vm, rest)?;
    match session.points.own.remove(&addr) {
        Some(_) => Ok(String::new()),
        None => Err(format!("there is no breakpoint at {addr:#x}")),
    }
}

fn time(_session: &mut Session, vm: &mut Vm, _rest: &str) -> Result<String, String> {
    let (ns, count) = (vm.guest_ns(), vm.instructions());
    Ok(format!("guest time {ns} ns, {count} instructions\n"))
}

/// The symbols that were given, or else those of the kernel in guest RAM.
fn known<'a>(session: &'a mut Session, vm: &Vm) -> Result<&'a Symbols, String> {
    if session.symbols.is_none() {
        let found = match vm.symbols() {
            Some(given) => {
                let mut symbols = given.clone();
                vm.settle_symbols(&mut symbols);
                symbols
            }
            None => vm.guest_symbols().map_err(|error| error.to_string())?,
        };
        session.symbols = Some(found);
    }
    session.symbols.as_ref().ok_or_else(String::new)
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix('*')) {
        Some(digits) => u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok(),
        None => text.parse().ok(),
    }
}

/// An address: a number, a symbol, or a distance behind one.
fn address(session: &mut Session, vm: &Vm, text: &str) -> Result<u64, String> {
    if let Some(addr) = number(text) {
        return Ok(addr);
    }
    let symbols = known(session, vm)?;
    let found = symbols.resolve(text);
    found.ok_or_else(|| format!("there is no symbol `{text}`"))
}
