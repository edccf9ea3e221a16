//! A private apt: own package lists, own configuration, nothing of the machine's changed.
//!
//! `apt-get` and `dpkg-deb` do the fetching, the signature checks and the unpacking; this file
//! only keeps them away from the machine's own state. Proxies and the like that the machine's
//! `apt.conf` sets stay in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use super::mirror::Source;

/// The Debian release that the images are made from, Debian 13.
const SUITE: &str = "trixie";
/// The architecture of the guest packages.
const GUEST_ARCH: &str = "riscv64";
/// Debian's own key ring, used when the configuration names none.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A package file as the archive offers it.
#[derive(Debug, PartialEq, Eq)]
pub struct Deb {
    /// Name, version and architecture: `opensbi_1.6-1_all.deb`.
    pub file: String,
    bytes: u64,
    name: String,
}

/// The private apt state in the image folder.
pub struct Apt {
    cache: PathBuf,
    conf: PathBuf,
    mirror: String,
}

impl Apt {
    /// Writes the private configuration; fails with a plain sentence where apt is lacking.
    pub fn new(cache: &Path, source: &Source) -> Result<Self> {
        for tool in ["apt-get", "apt-cache", "dpkg", "dpkg-deb", "tar"] {
            let found = Command::new(tool)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            if found.is_err() {
                bail!(
                    "{tool} is lacking; the images are made from Debian packages, which needs \
                     the tools apt and dpkg (copy the image folder from a machine that has them)"
                );
            }
        }
        let host = run(Command::new("dpkg").arg("--print-architecture"))?;
        let state = cache.join("apt");
        for folder in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(state.join(folder))?;
        }
        fs::create_dir_all(cache.join("packages"))?;
        fs::write(state.join("status"), "")?;
        let conf = state.join("apt.conf");
        fs::write(state.join("sources.list"), source_line(source, host.trim()))?;
        fs::write(&conf, configuration(&state, host.trim()))?;
        Ok(Self {
            cache: cache.to_owned(),
            conf,
            mirror: source.uri.clone(),
        })
    }

    /// Fetches the package lists.
    pub fn update(&self) -> Result<()> {
        println!("images: package lists of {SUITE} from {}", self.mirror);
        run(self
            .command("apt-get")
            .args(["-qq", "--error-on=any", "update"]))
        .map(drop)
    }

    /// The newest version of `package` (`name` or `name:architecture`).
    pub fn find(&self, package: &str) -> Result<Deb> {
        let text = run(self
            .command("apt-get")
            .args(["-qq", "--print-uris", "download", package]))?;
        let deb = text
            .lines()
            .find_map(|line| parse_print_uris(line, package));
        deb.with_context(|| format!("{SUITE} has no package {package}"))
    }

    /// The package that the meta package `meta` stands for: its first dependency that begins
    /// with `prefix`.
    pub fn dependency(&self, meta: &str, prefix: &str) -> Result<String> {
        let text = run(self.command("apt-cache").args(["depends", meta]))?;
        let name = text.lines().find_map(|line| {
            let name = line.trim().strip_prefix("Depends: ")?;
            name.starts_with(prefix).then(|| name.to_owned())
        });
        name.with_context(|| format!("{meta} depends on no package called {prefix}..."))
    }

    /// The file of `deb`, fetched unless it is present.
    pub fn download(&self, deb: &Deb) -> Result<PathBuf> {
        let packages = self.cache.join("packages");
        let file = packages.join(&deb.file);
        if file.exists() {
            return Ok(file);
        }
        println!("images: download {} ({} KiB)", deb.file, deb.bytes / 1024);
        let partial = packages.join("partial");
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial)?;
        let fetch = run(self
            .command("apt-get")
            .args(["-qq", "download", &deb.name])
            .current_dir(&partial));
        let moved = fetch.and_then(|_| {
            fs::rename(partial.join(&deb.file), &file)
                .with_context(|| format!("apt-get downloaded no file called {}", deb.file))
        });
        let _ = fs::remove_dir_all(&partial);
        moved.map(|()| file)
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command
            .arg("-c")
            .arg(&self.conf)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }
}

/// Unpacks the members of package file `deb` that match `patterns` below `folder`.
pub fn unpack(deb: &Path, patterns: &[&str], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting dpkg-deb")?;
    let archive = dpkg.stdout.take().context("dpkg-deb has no output")?;
    let tar = Command::new("tar")
        .args(["-x", "--no-same-owner", "--wildcards", "-C"])
        .arg(folder)
        .args(patterns)
        .stdin(archive)
        .output();
    let status = dpkg.wait()?;
    let output = checked(tar.context("starting tar")?, "tar");
    output.with_context(|| format!("unpacking {}", deb.display()))?;
    if !status.success() {
        bail!("dpkg-deb cannot read {}: {status}", deb.display());
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("starting {name}"))?;
    let output = checked(output, &name)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn checked(output: Output, name: &str) -> Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    bail!("{name} failed ({}): {}", output.status, errors.trim())
}

/// The line `'URI' FILE BYTES HASH` of `apt-get --print-uris`.
fn parse_print_uris(line: &str, package: &str) -> Option<Deb> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    let mut words = rest.split(' ');
    let file = words.next()?.to_owned();
    let bytes = words.next()?.parse().ok()?;
    Some(Deb {
        file,
        bytes,
        name: package.to_owned(),
    })
}

fn source_line(source: &Source, host: &str) -> String {
    let ring = source.signed_by.clone().or_else(|| {
        let ring = PathBuf::from(KEYRING);
        ring.exists().then_some(ring)
    });
    let signed = ring
        .map(|ring| format!(" signed-by={}", ring.display()))
        .unwrap_or_default();
    let arches = architectures(host).join(",");
    format!("deb [arch={arches}{signed}] {} {SUITE} main\n", source.uri)
}

fn architectures(host: &str) -> Vec<&str> {
    if host == GUEST_ARCH {
        vec![host]
    } else {
        vec![host, GUEST_ARCH]
    }
}

fn configuration(state: &Path, host: &str) -> String {
    let state = state.display();
    let arches: String = architectures(host)
        .iter()
        .map(|arch| format!("\"{arch}\"; "))
        .collect();
    format!(
        "#clear APT::Architectures;\n\
         #clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         APT::Architecture \"{host}\";\n\
         APT::Architectures {{ {arches}}};\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::Retries \"3\";\n\
         Dir::Etc::SourceList \"{state}/sources.list\";\n\
         Dir::Etc::SourceParts \"/dev/null\";\n\
         Dir::Etc::Preferences \"/dev/null\";\n\
         Dir::Etc::PreferencesParts \"/dev/null\";\n\
         Dir::State::Lists \"{state}/lists\";\n\
         Dir::State::Status \"{state}/status\";\n\
         Dir::Cache \"{state}/cache\";\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::super::mirror::named;
    use super::{Deb, parse_print_uris, run, source_line};

    #[test]
    fn print_uris_line() {
        let line = "'x:/pool/o/opensbi_1.6-1_all.deb' opensbi_1.6-1_all.deb 204072 SHA256:00";
        let want = Deb {
            file: "opensbi_1.6-1_all.deb".to_owned(),
            bytes: 204_072,
            name: "opensbi".to_owned(),
        };
        assert_eq!(parse_print_uris(line, "opensbi"), Some(want));
        assert_eq!(parse_print_uris("W: something", "opensbi"), None);
    }

    #[test]
    fn source_line_has_both_architectures_once() {
        let mut source = named("x:/d").expect("an address");
        source.signed_by = Some(PathBuf::from("/k/r.gpg"));
        let line = source_line(&source, "amd64");
        assert_eq!(
            line,
            "deb [arch=amd64,riscv64 signed-by=/k/r.gpg] x:/d trixie main\n"
        );
        assert!(source_line(&source, "riscv64").contains("[arch=riscv64 signed"));
    }

    #[test]
    fn a_failed_command_says_what_it_printed() {
        let mut command = Command::new("sh");
        let error = run(command.args(["-c", "echo reason >&2; exit 3"])).expect_err("exit 3");
        let text = error.to_string();
        assert!(
            text.contains("sh failed") && text.contains("reason"),
            "{text}"
        );
    }
}
