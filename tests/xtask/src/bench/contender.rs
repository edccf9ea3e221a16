//! Who takes part: the host itself, QEMU, and `vm` with each of its engines.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::args::Args;
use super::boots::Boot;
use super::measure::Clock;
use crate::images::{self, run};

/// One way to run the workloads.
pub struct Contender {
    /// The heading of its column.
    pub name: &'static str,
    /// Which program it is, with its version.
    pub about: String,
    /// Whose clock counts.
    pub clock: Clock,
    kind: Kind,
    program: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    Qemu,
    Vm,
}

/// The names that `--only` takes.
pub const NAMES: &[&str] = &["native", "qemu", "interp", "jit", "hybrid"];

/// Guest RAM, and with it the most that a workload may use.
pub const RAM_MIB: u64 = 512;

const KERNEL: &str = "riscv64/kernel";
const HOST_BENCH: &str = "host/bench";

impl Contender {
    /// The contender called `name`; `vm` is the emulator to use.
    pub fn new(name: &'static str, vm: &Path) -> Result<Self> {
        let (kind, program) = match name {
            "native" => (Kind::Native, image(HOST_BENCH)?),
            "qemu" => (Kind::Qemu, qemu()),
            _ => (Kind::Vm, vm.to_owned()),
        };
        Ok(Self {
            name,
            about: match kind {
                Kind::Native => "this host".to_owned(),
                Kind::Qemu | Kind::Vm => version(&program)?,
            },
            clock: match kind {
                Kind::Native => Clock::Own,
                Kind::Qemu | Kind::Vm => Clock::Host,
            },
            kind,
            program,
        })
    }

    /// The command of one run; none where it takes no part: the host boots nothing, and has
    /// other compilers and interpreters.
    pub fn command(&self, boot: Boot, args: &Args) -> Result<Option<Command>> {
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::Native if boot == Boot::Bench => {
                command.args(["-s", &args.scale.to_string()]);
                command.args(&args.rows);
            }
            Kind::Native => return Ok(None),
            Kind::Qemu => self.qemu(&mut command, boot, args)?,
            Kind::Vm => self.vm(&mut command, boot, args)?,
        }
        Ok(Some(command))
    }

    fn qemu(&self, command: &mut Command, boot: Boot, args: &Args) -> Result<()> {
        command
            .args(["-M", "virt", "-nographic", "-no-reboot"])
            .args(["-m", &RAM_MIB.to_string()])
            .arg("-kernel")
            .arg(image(KERNEL)?)
            .arg("-initrd")
            .arg(image(boot.initrd())?)
            .args(["-append", &boot.append(args.scale, &args.rows)]);
        if let Some(disk) = boot.disk() {
            // A comma in a value is written twice.
            let file = path_text(&image(disk)?)?.replace(',', ",,");
            let drive = format!("file={file},format=raw,snapshot=on,if=none,id=disk");
            command
                .args(["-drive", &drive])
                .args(["-device", "virtio-blk-pci,drive=disk"])
                .args(["-device", "virtio-rng-pci"]);
        }
        Ok(())
    }

    fn vm(&self, command: &mut Command, boot: Boot, args: &Args) -> Result<()> {
        command
            .args(["run", "--no-config", "--engine", self.name])
            .args(["--stats", "--json", "--net", "none"])
            .args(["-m", &format!("{RAM_MIB}M")])
            .arg("-k")
            .arg(image(KERNEL)?)
            .arg("-i")
            .arg(image(boot.initrd())?)
            .args(["--append", &boot.append(args.scale, &args.rows)]);
        if let Some(disk) = boot.disk() {
            command.arg("--ephemeral").arg("--drive").arg(image(disk)?);
        }
        Ok(())
    }
}

/// The images that a run needs.
pub fn images(boots: &[Boot], only: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    if only.contains(&"native") {
        names.push(HOST_BENCH);
    }
    if only.iter().any(|name| *name != "native") {
        names.push(KERNEL);
        names.extend(boots.iter().map(|boot| boot.initrd()));
        names.extend(boots.iter().filter_map(|boot| boot.disk()));
    }
    names
}

/// Debian 13's QEMU if its image is made, else the one that is installed.
fn qemu() -> PathBuf {
    let unpacked = images::path("qemu/system").map(|folder| folder.join("qemu-system-riscv64"));
    unpacked.unwrap_or_else(|| PathBuf::from("qemu-system-riscv64"))
}

fn image(name: &str) -> Result<PathBuf> {
    let path = images::path(name);
    path.with_context(|| format!("image {name} has not been made; run `cargo xtask images {name}`"))
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

#[cfg(test)]
mod tests {
    use super::super::boots::Boot;
    use super::{KERNEL, NAMES, images};

    #[test]
    fn only_what_is_needed_is_made() {
        assert_eq!(images(&[Boot::Bench], &["native"]), ["host/bench"]);
        assert_eq!(
            images(&[Boot::Debian], &["qemu", "hybrid"]),
            [
                KERNEL,
                "riscv64/debian-initrd.cpio.gz",
                "riscv64/debian.img"
            ]
        );
        // Each is an image that can be made.
        for name in images(&Boot::ALL, NAMES) {
            assert!(images::PRODUCTS.iter().any(|other| other.name == name));
        }
    }
}
