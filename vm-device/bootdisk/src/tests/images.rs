//! Disks as `mke2fs`, `mkfs.fat`, `mcopy` and `sfdisk` make them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A program that not every machine has; administrators' folders are looked at too.
///
/// What is lacking is said, and is an error where everything must be there.
pub fn tool(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders
        .map(|folder: PathBuf| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "there is no {name}"
        );
        // Not `eprintln!`: the test runner would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIP there is no {name}");
    }
    found.map(Command::new)
}

/// Runs a program that must succeed; gives what it printed.
pub fn run(command: &mut Command, input: &str) -> String {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = started.spawn().expect("a program that was found starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin
        .write_all(input.as_bytes())
        .expect("it reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A kernel: a RISC-V Image header and something that tells it from others.
pub fn kernel(mark: &str) -> Vec<u8> {
    let mut image = vec![0; 4096];
    image[16..24].copy_from_slice(&4096_u64.to_le_bytes());
    image[56..60].copy_from_slice(b"RSC\x05");
    image[64..64 + mark.len()].copy_from_slice(mark.as_bytes());
    image
}

/// A folder with these files; a name that ends in `@` is a link.
pub fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        match name.strip_suffix('@') {
            Some(link) => {
                let path = folder.path().join(link.trim_start_matches('/'));
                let target = std::str::from_utf8(content).expect("a target");
                std::os::unix::fs::symlink(target, path).expect("a link");
            }
            None => fs::write(path, content).expect("a file"),
        }
    }
    folder
}

/// A file system of the ext family with the content of a folder.
pub fn ext(options: &str, from: &Path, bytes: usize) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ext.img");
    fs::write(&file, vec![0; bytes]).expect("an empty disk");
    let mut command = tool("mke2fs")?;
    command.args([
        "-q",
        "-F",
        "-U",
        "0b1c2d3e-4f50-4a61-9b72-8c93a4b5c6d7",
        "-d",
    ]);
    command.arg(from).args(options.split(' ')).arg(&file);
    run(&mut command, "");
    Some(fs::read(&file).expect("the disk"))
}

/// A FAT with the content of a folder.
pub fn fat(bits: u32, from: &Path, bytes: usize) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fat.img");
    fs::write(&file, vec![0; bytes]).expect("an empty disk");
    let mut make = tool("mkfs.fat")?;
    let mut copy = tool("mcopy")?;
    // Small clusters, so that a small disk has enough of them for its width.
    let clusters = if bits == 12 { "4" } else { "1" };
    let bits = bits.to_string();
    run(
        make.args(["-F", &bits, "-s", clusters, "-i", "1234abcd", "-n", "EFI"])
            .arg(&file),
        "",
    );
    let all = fs::read_dir(from)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path());
    run(copy.args(["-s", "-i"]).arg(&file).args(all).arg("::"), "");
    Some(fs::read(&file).expect("the disk"))
}

/// A disk with partitions, described as `sfdisk` wants it and filled with these bytes.
pub fn divided(script: &str, bytes: usize, parts: &[(usize, &[u8])]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("disk.img");
    fs::write(&file, vec![0; bytes]).expect("an empty disk");
    let mut command = tool("sfdisk")?;
    run(command.arg("-q").arg(&file), script);
    let mut disk = fs::read(&file).expect("the disk");
    for (sector, content) in parts {
        disk[sector * 512..][..content.len()].copy_from_slice(content);
    }
    Some(disk)
}

/// A GPT with an ESP of a FAT and a root of an ext4, of 8 MiB each at most.
pub fn usual(esp: &[(&str, &[u8])], root: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let esp = fat(12, tree(esp).path(), 4 << 20)?;
    let root = ext("-t ext4 -b 1024", tree(root).path(), 8 << 20)?;
    let script = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n\
        start=2048, size=8192, type=U, uuid=aaaaaaaa-0000-0000-0000-000000000001\n\
        start=10240, size=16384, type=L, uuid=aaaaaaaa-0000-0000-0000-000000000002, name=root\n";
    divided(script, 14 << 20, &[(2048, &esp), (10240, &root)])
}
