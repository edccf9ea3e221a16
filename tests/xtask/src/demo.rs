//! Builds the freestanding guests of `tests/guests`, whose images are committed.
//!
//! An image stands beside its sources, so that a machine with nothing but Rust can run it. Next to
//! it, `NAME.map` has its functions in the form of a `System.map`, and `NAME.fresh` records the
//! compiler, a hash of the sources and hashes of image and map. Checking compares the hashes; with
//! the same compiler and the guest's target at hand it also builds the image again and wants the
//! same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

/// Folders of `tests/guests`; each is a package whose binary has the folder's name.
const GUESTS: [&str; 2] = ["demo", "priv"];
/// What the guests are built for.
const TARGET: &str = "riscv64gc-unknown-linux-gnu";
/// Settings of the caller that would change the image.
const UNWANTED: [&str; 5] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTC_WRAPPER",
];

/// The task: `--check` only checks.
pub fn main(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [] => build(false)?,
        [flag] if flag == "--check" => build(true)?,
        _ => bail!("the only argument is --check"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds every guest and its record, or checks that what is committed is up to date.
pub fn build(check: bool) -> Result<()> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../guests")
        .canonicalize()?;
    for name in GUESTS {
        let guest = Guest {
            name,
            folder: guests.join(name),
        };
        if check { guest.check() } else { guest.build() }
            .with_context(|| format!("guest {name}"))?;
    }
    Ok(())
}

struct Guest {
    name: &'static str,
    folder: PathBuf,
}

impl Guest {
    fn image(&self) -> PathBuf {
        self.folder.join(format!("{}.bin", self.name))
    }

    fn map(&self) -> PathBuf {
        self.folder.join(format!("{}.map", self.name))
    }

    fn record(&self) -> PathBuf {
        self.folder.join(format!("{}.fresh", self.name))
    }

    fn build(&self) -> Result<()> {
        ensure!(
            target_is_installed()?,
            "the target {TARGET} is missing; `rustup target add {TARGET}` brings it"
        );
        let (image, map) = self.compile()?;
        fs::write(self.image(), &image)?;
        fs::write(self.map(), &map)?;
        fs::write(self.record(), self.describe(&compiler()?, &image, &map)?)?;
        Ok(())
    }

    fn check(&self) -> Result<()> {
        let image = fs::read(self.image())?;
        let map = fs::read_to_string(self.map())?;
        let record = fs::read_to_string(self.record())?;
        let built_by = record.lines().next().unwrap_or_default().to_owned();
        ensure!(
            record == self.describe(&built_by, &image, &map)?,
            "the image is not the one of these sources; build it again"
        );
        if built_by == compiler()? && target_is_installed()? {
            ensure!(
                self.compile()? == (image, map),
                "the same compiler now makes other bytes"
            );
        }
        Ok(())
    }

    /// The record: the compiler's line, and one line for each hash.
    fn describe(&self, compiler: &str, image: &[u8], map: &str) -> Result<String> {
        let mut sources = Hash::new();
        for path in self.sources()? {
            let text = fs::read(&path).with_context(|| path.display().to_string())?;
            let name = path.file_name().unwrap_or_default();
            sources.add(name.as_encoded_bytes());
            sources.add(&text);
        }
        let hash = |bytes: &[u8]| {
            let mut hash = Hash::new();
            hash.add(bytes);
            hash.0
        };
        let mut record = String::new();
        writeln!(record, "{compiler}")?;
        writeln!(record, "sources {:016x}", sources.0)?;
        writeln!(record, "image   {:016x}", hash(image))?;
        writeln!(record, "map     {:016x}", hash(map.as_bytes()))?;
        Ok(record)
    }

    /// Every file that the image is made from, in a fixed order.
    fn sources(&self) -> Result<Vec<PathBuf>> {
        let mut sources = vec![
            self.folder.join("../.cargo/config.toml"),
            self.folder.join("Cargo.toml"),
            self.folder.join("link.ld"),
        ];
        let mut modules = Vec::new();
        for entry in fs::read_dir(self.folder.join("src"))? {
            modules.push(entry?.path());
        }
        modules.sort();
        sources.append(&mut modules);
        Ok(sources)
    }

    /// The image, and the map of its functions.
    fn compile(&self) -> Result<(Vec<u8>, String)> {
        let root = self.folder.join("../../..");
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder))
            .join("guests");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.folder)
            .args(["rustc", "--release", "--locked", "--quiet"]);
        cargo.arg("--target-dir").arg(&target);
        let map = target.join(format!("{}.map", self.name));
        cargo.args(["--", &format!("-Clink-arg=-Map={}", map.display())]);
        for name in UNWANTED {
            cargo.env_remove(name);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"CARGO_PROFILE_") {
                cargo.env_remove(name);
            }
        }
        if !cargo.status().context("cargo does not start")?.success() {
            bail!("the build failed");
        }
        let image = target.join(TARGET).join("release").join(self.name);
        let map = fs::read_to_string(&map).context("the linker's map")?;
        Ok((fs::read(image)?, functions(&map)))
    }
}

/// The functions of a linker's map, in the form of a `System.map`.
fn functions(map: &str) -> String {
    let mut text = String::new();
    for line in map.lines() {
        // Four numbers, and behind them two columns of blanks before a symbol's name.
        let columns = (line.get(..16), line.get(49..65), line.get(65..));
        let (Some(addr), Some(blank), Some(name)) = columns else {
            continue;
        };
        // Only the output section `.text` has functions.
        if line.ends_with(" .rodata") {
            break;
        }
        let plain = !name.starts_with([' ', '$', '.', '/']) && !name.contains(" = ");
        if let (true, true, Ok(addr)) = (
            plain,
            blank.trim().is_empty(),
            u64::from_str_radix(addr.trim(), 16),
        ) {
            let _ = writeln!(text, "{addr:016x} T {}", readable(name));
        }
    }
    text
}

/// A function's name without the compiler's number, and without blanks.
fn readable(name: &str) -> String {
    let plain = name.rsplit_once("::h").filter(|(_, hash)| {
        hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let mut text = plain.map_or(name, |(plain, _)| plain).to_owned();
    for (from, to) in [
        ("_$LT$", "<"),
        ("$LT$", "<"),
        ("$GT$", ">"),
        ("$RF$", "&"),
        ("$u20$", "_"),
        ("..", "::"),
        (" ", "_"),
    ] {
        text = text.replace(from, to);
    }
    text
}

/// FNV-1a: enough to notice a change, which is all it is for.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes and their number, so that text moving between files changes the hash.
    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for &byte in bytes.iter().chain(&length) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc")
        .args(arguments)
        .output()
        .context("rustc does not start")?;
    ensure!(
        output.status.success(),
        "rustc {} failed",
        arguments.join(" ")
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn compiler() -> Result<String> {
    rustc(&["--version"])
}

fn target_is_installed() -> Result<bool> {
    let folder = rustc(&["--print", "target-libdir", "--target", TARGET])?;
    Ok(fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

#[cfg(test)]
mod tests {
    use super::{Hash, build, functions};

    #[test]
    fn committed_images_are_those_of_their_sources() {
        build(true).unwrap();
    }

    #[test]
    fn functions_are_found_in_a_linkers_map() {
        let map = "             VMA              LMA     Size Align Out     In      Symbol
        80200000         80200000     4916     4 .text
        80200000         80200000       a6     1         /x/demo.o:(.text.header)
        80200000         80200000        0     1                 $x
        80200000         80200000        0     1                 _start
        80200258         80200258       10     1                 _$LT$$RF$T as fmt..Display$GT$::fmt
        8020190e         8020190e      172     1                 stop::panic::h741cbb863635ae4f
        80204920         80204920      100    16 .rodata
        80204920         80204920      100    16                 a_table
";
        let want = "0000000080200000 T _start
0000000080200258 T <&T_as_fmt::Display>::fmt
000000008020190e T stop::panic
";
        assert_eq!(functions(map), want);
    }

    #[test]
    fn hash_sees_text_move_between_files() {
        let hash = |parts: &[&str]| {
            let mut hash = Hash::new();
            parts.iter().for_each(|part| hash.add(part.as_bytes()));
            hash.0
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["ab"]), hash(&["ab", ""]));
    }
}
