//! The commands by name.

use crate::machine::Machine;
use crate::{bench, memory, println, report, stop};

struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(&mut Machine),
}

#[rustfmt::skip] // One command a line.
const COMMANDS: [Command; 11] = [
    Command { name: "help",   help: "this list", run: help },
    Command { name: "cpu",    help: "harts, extensions, translation, firmware", run: report::cpu },
    Command { name: "mem",    help: "memory, and a quick test of 4 MiB", run: memory::command },
    Command { name: "bench",  help: "how fast this machine is, in a third of a second", run: bench::command },
    Command { name: "time",   help: "time since reset, and the date", run: report::time },
    Command { name: "irq",    help: "interrupts so far, and how late the timer is", run: report::irq },
    Command { name: "dt",     help: "the nodes of the device tree", run: report::device_tree },
    Command { name: "clear",  help: "clear the screen", run: clear },
    Command { name: "panic",  help: "crash like a kernel", run: stop::panic },
    Command { name: "reboot", help: "start again", run: stop::reboot },
    Command { name: "off",    help: "power off", run: stop::off },
];

/// Names that people try, and what they mean here.
const ALIASES: [(&str, &str); 8] = [
    ("?", "help"),
    ("exit", "off"),
    ("quit", "off"),
    ("poweroff", "off"),
    ("halt", "off"),
    ("reset", "reboot"),
    ("date", "time"),
    ("lscpu", "cpu"),
];

/// Runs what was typed.
pub fn run(line: &str, machine: &mut Machine) {
    let name = line.split_ascii_whitespace().next().unwrap_or("");
    if name.is_empty() {
        return;
    }
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, name)| name);
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(machine),
        None => println!("unknown command '{name}'; help lists what there is"),
    }
}

fn help(_machine: &mut Machine) {
    for command in &COMMANDS {
        println!("  {:<8}{}", command.name, command.help);
    }
    println!("Keys: Backspace, Ctrl-U, Ctrl-W, Ctrl-C, Ctrl-L, arrow up. Ctrl-] then q leaves.");
}

fn clear(_machine: &mut Machine) {
    crate::print!("\x1b[H\x1b[2J");
}
