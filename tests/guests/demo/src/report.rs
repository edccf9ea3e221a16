//! What the machine tells about itself: banner, `cpu`, `time`, `irq`, `dt`.

use core::fmt;

use crate::fdt::Node;
use crate::machine::Machine;
use crate::mmio::Registers;
use crate::{paging, print, println, riscv, sbi, timer, trap};

/// Columns of a terminal.
const COLUMNS: usize = 79;

/// A number of thousandths, printed with a decimal point.
pub struct Thousandths(pub u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// The first screen.
pub fn banner(machine: &Machine, since_reset: u64) {
    println!();
    println!(r"  __   ___ __ ___");
    println!(r"  \ \ / / '_ ` _ \    a whole machine in one program");
    println!(r"   \ V /| | | | | |   RISC-V64 demo guest");
    println!(r"    \_/ |_| |_| |_|");
    println!();
    let harts = machine.harts().len();
    println!(
        "{} MiB of memory, {harts} hart{}, {} ms since reset",
        machine.ram.1 >> 20,
        if harts == 1 { "" } else { "s" },
        Thousandths(timer::microseconds(since_reset)),
    );
    println!("Type help. Ctrl-] then q leaves.");
    println!();
}

/// Prints the extensions, broken between them, each further line indented.
fn wrapped(text: &str, indent: usize) {
    let mut column = indent;
    for (index, part) in text.split('_').enumerate() {
        if index != 0 {
            print!("_");
            column += 1;
            if column + part.len() >= COLUMNS {
                print!("\n{:indent$}", "");
                column = indent;
            }
        }
        print!("{part}");
        column += part.len();
    }
    println!();
}

/// The `cpu` command.
pub fn cpu(machine: &mut Machine) {
    print!("harts     ");
    for &hart in machine.harts() {
        print!(" {hart} ({})", sbi::hart_state(hart));
    }
    println!(", this is {}", machine.hart);
    print!("isa        ");
    wrapped(machine.isa, 11);
    let widest = machine.mmu.strip_prefix("riscv,").unwrap_or(machine.mmu);
    if paging::is_on() {
        println!(
            "mmu        {widest}; sv39 in use, {} GiB mapped one to one",
            paging::GIBS
        );
    } else {
        println!("mmu        {widest}; translation is off");
    }
    println!(
        "timebase   {} Hz, timer by {}",
        machine.timebase,
        timer::source()
    );
    let (major, minor) = sbi::version();
    let (number, version) = sbi::implementation();
    println!(
        "sbi        {major}.{minor}, implementation {number} ({}) version {version:#x}",
        sbi::implementation_name(number)
    );
    print!("sbi has    BASE");
    for (extension, name) in sbi::EXTENSIONS {
        if sbi::has(extension) {
            print!(" {name}");
        }
    }
    println!();
    let (vendor, architecture, implementation) = sbi::identity();
    println!(
        "identity   mvendorid {vendor:#x}, marchid {architecture:#x}, mimpid {implementation:#x}"
    );
}

/// Year, month and day of a day counted from 1 January 1970, by the usual era arithmetic:
/// years start in March, so that the leap day is the last one.
fn date(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (
        era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

/// The `time` command.
pub fn time(machine: &mut Machine) {
    let since_reset = timer::microseconds(riscv::time());
    println!(
        "{}.{:06} s since reset, counted at {} Hz",
        since_reset / 1_000_000,
        since_reset % 1_000_000,
        machine.timebase
    );
    let Some(clock) = machine.clock else {
        println!("no wall clock in the device tree");
        return;
    };
    let clock = Registers::at(clock);
    // Reading the low half latches the high half.
    let low = u64::from(clock.read32(0));
    let seconds = (u64::from(clock.read32(4)) << 32 | low) / 1_000_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    println!(
        "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC",
        seconds % 60
    );
}

/// The `irq` command.
pub fn irq(machine: &mut Machine) {
    /// Timer interrupts to measure.
    const SHOTS: u64 = 16;
    let counts = trap::counts();
    println!(
        "timer    {:>8}   one a second, by {}",
        counts.timer,
        timer::source()
    );
    println!(
        "serial   {:>8}   line {} of the PLIC",
        counts.uart, machine.uart.line
    );
    println!("other    {:>8}", counts.other);
    let millisecond = machine.timebase / 1000;
    let (mut sum, mut least, mut most) = (0, u64::MAX, 0);
    for _ in 0..SHOTS {
        let late = timer::nap(millisecond);
        sum += late;
        least = least.min(late);
        most = most.max(late);
    }
    // In nanoseconds, so that three decimals of a microsecond come out.
    let scale = |ticks: u64| Thousandths(timer::microseconds(ticks * 1000));
    println!(
        "late by  {} us at best, {} us on average, {} us at worst, over {SHOTS} timers",
        scale(least),
        scale(sum / SHOTS),
        scale(most)
    );
}

/// The `dt` command: the tree down to the devices.
pub fn device_tree(machine: &mut Machine) {
    let Some(tree) = machine.tree else {
        println!("no device tree came with the start; the usual places are assumed");
        return;
    };
    for node in tree.nodes().filter(|node: &Node<'_>| node.depth <= 2) {
        let name = if node.depth == 0 { "/" } else { node.name };
        let indent = 2 * node.depth;
        let width = 32 - indent;
        match node.text("compatible").or(node.text("device_type")) {
            Some(what) => println!("{:indent$}{name:<width$} {what}", ""),
            None => println!("{:indent$}{name}", ""),
        }
    }
}
