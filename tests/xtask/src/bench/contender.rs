//! Who takes part: the host itself, QEMU, and `vm` with each of its engines.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::measure::Clock;
use crate::images::{self, run};

/// One way to run the bench program.
pub struct Contender {
    /// The heading of its column.
    pub name: &'static str,
    /// Which program it is, with its version.
    pub about: String,
    /// Whose clock counts.
    pub clock: Clock,
    program: PathBuf,
    arguments: Vec<String>,
}

impl Contender {
    /// The command of one run.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

/// The names that `--only` takes.
pub const NAMES: &[&str] = &["native", "qemu", "interp", "jit", "hybrid"];

/// Guest RAM, and with it the most that a workload may use.
const RAM_MIB: &str = "512";

/// The contender called `name` at `scale` percent of the work; `vm` is the emulator to use.
pub fn contender(name: &'static str, scale: u32, vm: &Path) -> Result<Contender> {
    match name {
        "native" => Ok(Contender {
            name,
            about: "this host".to_owned(),
            clock: Clock::Own,
            program: image("host/bench")?,
            arguments: vec!["-s".to_owned(), scale.to_string()],
        }),
        "qemu" => qemu(name, scale),
        _ => emulator(name, scale, vm),
    }
}

/// Debian 13's QEMU if its image is made, else the one that is installed.
fn qemu(name: &'static str, scale: u32) -> Result<Contender> {
    let unpacked = images::path("qemu/system").map(|folder| folder.join("qemu-system-riscv64"));
    let program = unpacked.unwrap_or_else(|| PathBuf::from("qemu-system-riscv64"));
    let arguments = [
        "-M",
        "virt",
        "-m",
        RAM_MIB,
        "-nographic",
        "-no-reboot",
        "-kernel",
        &path_text(&image("riscv64/kernel")?)?,
        "-initrd",
        &path_text(&image("riscv64/initrd-bench.cpio.gz")?)?,
        "-append",
        &append(scale),
    ];
    Ok(Contender {
        name,
        about: version(&program)?,
        clock: Clock::Host,
        program,
        arguments: arguments.map(str::to_owned).to_vec(),
    })
}

fn emulator(name: &'static str, scale: u32, vm: &Path) -> Result<Contender> {
    let arguments = [
        "run",
        "--engine",
        name,
        "-m",
        &format!("{RAM_MIB}M"),
        "-k",
        &path_text(&image("riscv64/kernel")?)?,
        "-i",
        &path_text(&image("riscv64/initrd-bench.cpio.gz")?)?,
        "--append",
        &append(scale),
    ];
    Ok(Contender {
        name,
        about: version(vm)?,
        clock: Clock::Host,
        program: vm.to_owned(),
        arguments: arguments.map(str::to_owned).to_vec(),
    })
}

fn append(scale: u32) -> String {
    format!("console=ttyS0 vmtest=bench benchscale={scale}")
}

fn image(name: &str) -> Result<PathBuf> {
    let path = images::path(name);
    path.with_context(|| format!("image {name} has not been made; run `cargo xtask images`"))
}

fn path_text(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

fn version(program: &Path) -> Result<String> {
    let text = run(Command::new(program).arg("--version"))?;
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    if line.is_empty() {
        bail!("{} does not say its version", program.display());
    }
    Ok(line)
}

/// The emulator that a release build makes: this program's neighbour.
pub fn built_vm() -> Result<PathBuf> {
    let this = env::current_exe().context("finding this program")?;
    let target = this
        .ancestors()
        .nth(2)
        .context("this program is in no target folder")?;
    Ok(target.join("release").join("vm"))
}
