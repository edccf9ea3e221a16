//! A private apt: own package lists, own configuration, nothing of the machine's changed.
//!
//! `apt-get` and `dpkg-deb` do the fetching, the signature checks and the unpacking; this file
//! only keeps them away from the machine's own state. Proxies and the like that the machine's
//! `apt.conf` sets stay in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Output, Stdio};

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
        let deb = text.lines().find_map(parse_print_uris);
        deb.with_context(|| format!("{SUITE} has no package {package}"))
    }

    /// `package` and all that it depends on, down to the C library: what an empty machine would
    /// have to install.
    pub fn find_closure(&self, package: &str) -> Result<Vec<Deb>> {
        let text = run(self.command("apt-get").args([
            "-qq",
            "--no-install-recommends",
            "--print-uris",
            "install",
            package,
        ]))?;
        let debs: Vec<_> = text.lines().filter_map(parse_print_uris).collect();
        if debs.is_empty() {
            bail!("{SUITE} has no package {package}");
        }
        Ok(debs)
    }

    /// `packages` and all that they depend on, as an empty machine of the guest's architecture
    /// would have to install them.
    pub fn find_system(&self, packages: &[&str]) -> Result<Vec<Deb>> {
        let own = format!("APT::Architecture={GUEST_ARCH}");
        let mut command = self.command("apt-get");
        command.args(["-o", &own, "-qq", "--no-install-recommends", "--print-uris"]);
        let text = run(command.arg("install").args(packages))?;
        let debs: Vec<_> = text.lines().filter_map(parse_print_uris).collect();
        if debs.is_empty() {
            bail!("{SUITE} has none of the packages {}", packages.join(" "));
        }
        Ok(debs)
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

    /// The files of `debs`; those that are not present are fetched.
    pub fn download(&self, debs: &[Deb]) -> Result<Vec<PathBuf>> {
        let packages = self.cache.join("packages");
        let lacking: Vec<_> = debs
            .iter()
            .filter(|deb| !packages.join(&deb.file).exists())
            .collect();
        if !lacking.is_empty() {
            let partial = packages.join("partial");
            let _ = fs::remove_dir_all(&partial);
            fs::create_dir_all(&partial)?;
            let fetched = self.fetch(&lacking, &partial, &packages);
            let _ = fs::remove_dir_all(&partial);
            fetched?;
        }
        Ok(debs.iter().map(|deb| packages.join(&deb.file)).collect())
    }

    /// Fetches into `partial` and moves what has come whole to `packages`.
    fn fetch(&self, debs: &[&Deb], partial: &Path, packages: &Path) -> Result<()> {
        match debs {
            [deb] => println!("images: download {} ({} KiB)", deb.file, deb.bytes / 1024),
            debs => {
                let bytes: u64 = debs.iter().map(|deb| deb.bytes).sum();
                println!(
                    "images: download {} packages ({} KiB)",
                    debs.len(),
                    bytes / 1024
                );
            }
        }
        let names = debs.iter().map(|deb| &deb.name);
        run(self
            .command("apt-get")
            .args(["-qq", "download"])
            .args(names)
            .current_dir(partial))?;
        for deb in debs {
            fs::rename(partial.join(&deb.file), packages.join(&deb.file))
                .with_context(|| format!("apt-get downloaded no file called {}", deb.file))?;
        }
        Ok(())
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
    with_files(deb, |archive| {
        let tar = Command::new("tar")
            .args(["-x", "--no-same-owner", "--wildcards", "-C"])
            .arg(folder)
            .args(patterns)
            .stdin(archive)
            .output();
        checked(tar.context("starting tar")?, "tar").map(drop)
    })
}

/// Hands the archive of files in package file `deb` to `read`.
pub fn with_files<R>(deb: &Path, read: impl FnOnce(ChildStdout) -> Result<R>) -> Result<R> {
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .context("starting dpkg-deb")?;
    let archive = dpkg.stdout.take().context("dpkg-deb has no output")?;
    let result = read(archive);
    let status = dpkg.wait()?;
    let result = result.with_context(|| format!("unpacking {}", deb.display()))?;
    if !status.success() {
        bail!("dpkg-deb cannot read {}: {status}", deb.display());
    }
    Ok(result)
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

/// The line `'URI' FILE BYTES HASH` of `apt-get --print-uris`, where FILE is
/// `NAME_VERSION_ARCHITECTURE.deb`.
fn parse_print_uris(line: &str) -> Option<Deb> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    let mut words = rest.split(' ');
    let file = words.next()?;
    let bytes = words.next()?.parse().ok()?;
    let (name, rest) = file.strip_suffix(".deb")?.split_once('_')?;
    let (_, arch) = rest.rsplit_once('_')?;
    let name = if arch == "all" {
        name.to_owned()
    } else {
        format!("{name}:{arch}")
    };
    Some(Deb {
        file: file.to_owned(),
        bytes,
        name,
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

    fn check_line(line: &str, want: Option<(&str, u64, &str)>) {
        let want = want.map(|(file, bytes, name)| Deb {
            file: file.to_owned(),
            bytes,
            name: name.to_owned(),
        });
        assert_eq!(parse_print_uris(line), want, "{line}");
    }

    #[test]
    fn print_uris_line() {
        check_line(
            "'x:/o/o_1_all.deb' o_1_all.deb 42 SHA256:00",
            Some(("o_1_all.deb", 42, "o")),
        );
        check_line(
            "'x:/b_1.deb' b_1%3a1.37_riscv64.deb 7",
            Some(("b_1%3a1.37_riscv64.deb", 7, "b:riscv64")),
        );
        check_line("W: something", None);
        check_line("'x:/o' o.deb 42", None);
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
