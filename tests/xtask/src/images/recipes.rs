//! How each image is made from unpacked packages and our own sources.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::build::Trees;
use super::products::{BUSYBOX, HOST_BUSYBOX, KERNEL, OPENSBI, QEMU_SYSTEM, QEMU_USER};
use super::{apt, host, initrd, program};

pub fn kernel(trees: &Trees, out: &Path) -> Result<()> {
    let kernel = only_file(&trees.of(&KERNEL).join("boot"))?;
    // "RISC-V boot image header": the magic stands at offset 56.
    let bytes = fs::read(&kernel)?;
    if bytes.get(56..60) != Some(b"RSC\x05") {
        bail!("{} is not a flat RISC-V Image", kernel.display());
    }
    Ok(fs::write(out, bytes)?)
}

pub fn initrd_ready(trees: &Trees, out: &Path) -> Result<()> {
    busybox_initrd(trees, out, &[])
}

pub fn initrd_bench(trees: &Trees, out: &Path) -> Result<()> {
    let bench = trees.scratch("bench-riscv64")?;
    program::compile(program::GUEST_COMPILER, &bench)?;
    let run = program::RUN.as_bytes().to_vec();
    busybox_initrd(
        trees,
        out,
        &[
            ("bench/bench", fs::read(bench.join("bench"))?),
            ("bench/run.sh", run),
        ],
    )
}

pub fn host_bench(trees: &Trees, out: &Path) -> Result<()> {
    let bench = trees.scratch("bench-host")?;
    program::compile(program::HOST_COMPILER, &bench)?;
    copy(&bench.join("bench"), out)
}

fn busybox_initrd(trees: &Trees, out: &Path, extra: &[(&str, Vec<u8>)]) -> Result<()> {
    let busybox = trees.of(&BUSYBOX).join("usr/bin/busybox");
    let host_busybox = trees.of(&HOST_BUSYBOX).join("usr/bin/busybox");
    let contents = initrd::busybox(extra);
    let bytes = initrd::build(&contents, &busybox, &trees.of(&KERNEL), &host_busybox)?;
    Ok(fs::write(out, bytes)?)
}

pub fn opensbi_dynamic(trees: &Trees, out: &Path) -> Result<()> {
    opensbi(trees, out, "fw_dynamic.bin")
}

pub fn opensbi_jump(trees: &Trees, out: &Path) -> Result<()> {
    opensbi(trees, out, "fw_jump.bin")
}

fn opensbi(trees: &Trees, out: &Path, name: &str) -> Result<()> {
    let folder = trees
        .of(&OPENSBI)
        .join("usr/lib/riscv64-linux-gnu/opensbi/generic");
    copy(&folder.join(name), out)
}

pub fn qemu_riscv64(trees: &Trees, out: &Path) -> Result<()> {
    qemu_user(trees, out, "qemu-riscv64")
}

pub fn qemu_aarch64(trees: &Trees, out: &Path) -> Result<()> {
    qemu_user(trees, out, "qemu-aarch64")
}

fn qemu_user(trees: &Trees, out: &Path, name: &str) -> Result<()> {
    copy(&trees.of(&QEMU_USER).join("usr/bin").join(name), out)?;
    is_version_10(out, name)
}

/// The emulator with the libraries of its own release, and a script that brings them together:
/// the host may be an older release.
pub fn qemu_system(trees: &Trees, out: &Path) -> Result<()> {
    let tree = trees.of(&QEMU_SYSTEM);
    let usr = out.join("usr");
    for part in [
        "bin/qemu-system-riscv64",
        "lib",
        "lib64",
        "share/qemu",
        "share/seabios",
    ] {
        let from = tree.join("usr").join(part);
        if from.exists() {
            let to = usr.join(part);
            fs::create_dir_all(to.parent().context("a part has a folder")?)?;
            fs::rename(&from, &to).with_context(|| format!("moving {}", from.display()))?;
        }
    }
    let libraries = host::library_folder(&usr.join("lib"))?;
    let loader = host::loader(&[usr.join("lib64"), usr.join("lib"), libraries.clone()])?;
    forget_folder(
        &usr.join("bin/qemu-system-riscv64"),
        &format!("/{}/qemu", libraries.strip_prefix(out)?.display()),
    )?;
    let below = |path: &Path| -> Result<String> {
        Ok(path.strip_prefix(out)?.to_string_lossy().into_owned())
    };
    let script = format!(
        "#!/bin/sh\n\
         # Runs the unpacked emulator with the libraries of its own release.\n\
         here=$(dirname \"$(readlink -f \"$0\")\")\n\
         export QEMU_MODULE_DIR=\"$here/{}/qemu\"\n\
         exec \"$here/{}\" --library-path \"$here/{}\" \\\n    \
         \"$here/usr/bin/qemu-system-riscv64\" -L \"$here/usr/share/qemu\" \"$@\"\n",
        below(&libraries)?,
        below(&loader)?,
        below(&libraries)?,
    );
    let run = out.join("qemu-system-riscv64");
    fs::write(&run, script)?;
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755))?;
    is_version_10(&run, "QEMU emulator")?;
    // It also loads modules; setting up a machine shows that they are found.
    let blob = trees.scratch("qemu-system")?.join("virt.dtb");
    let machine = format!("virt,dumpdtb={}", blob.display());
    apt::run(Command::new(&run).args(["-nographic", "-M", &machine])).map(drop)
}

/// Makes `program` forget the folder that was built into it.
///
/// The emulator looks for modules in its built-in folder too, and stops when it finds those of
/// another version there: on a host with another QEMU installed it would not start. No option
/// changes that, so the copy's string is overwritten by a path that leads nowhere.
fn forget_folder(program: &Path, folder: &str) -> Result<()> {
    let mut bytes = fs::read(program)?;
    let string = format!("\0{folder}\0").into_bytes();
    let found = bytes
        .windows(string.len())
        .position(|window| *window == *string);
    let at = found.with_context(|| format!("{} has no {folder} in it", program.display()))?;
    // Between the NUL before, the leading slash, and the NUL after.
    bytes[at + 2..at + string.len() - 1].fill(b'-');
    Ok(fs::write(program, bytes)?)
}

/// Runs the program once, so that one that this host cannot run is never called made.
fn is_version_10(program: &Path, name: &str) -> Result<()> {
    let text = apt::run(Command::new(program).arg("--version"))?;
    if !text.starts_with(&format!("{name} version 10.")) {
        let line = text.lines().next().unwrap_or_default();
        bail!("{name} says it is {line:?}, not version 10");
    }
    Ok(())
}

/// Copies content and permission bits.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

pub fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let paths: Vec<_> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    match paths.as_slice() {
        [path] => Ok(path.clone()),
        _ => bail!("{} holds {} files, not one", folder.display(), paths.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::forget_folder;

    #[test]
    fn a_built_in_folder_is_forgotten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("program");
        fs::write(&program, b"a\0/lib/q/x\0/lib/q\0b").expect("write");
        forget_folder(&program, "/lib/q").expect("it is in there");
        assert_eq!(fs::read(&program).expect("read"), b"a\0/lib/q/x\0/-----\0b");
        assert!(forget_folder(&program, "/lib/q").is_err());
    }
}
