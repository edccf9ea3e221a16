//! Runs the recipes: which images are lacking, fetch, unpack, make, put in place.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

use super::apt::{self, Apt, Deb};
use super::args::Args;
use super::lock::Lock;
use super::products::{Extent, PRODUCTS, Package, Product};
use super::{mirror, stamp, store};

/// `cargo xtask images [NAME...] [--list] [--refresh] [--mirror URL] [--cache DIR]`
pub fn main(words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words)?;
    let cache = args.cache.clone().or_else(store::cache_dir).context(
        "no folder for images: none of VM_IMAGES, XDG_CACHE_HOME and HOME is set; give --cache",
    )?;
    // Other programs are run with the folder as an argument and in other working folders.
    let cache = std::path::absolute(&cache)?;
    if args.list {
        list(&cache);
        return Ok(ExitCode::SUCCESS);
    }
    fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
    let _lock = Lock::take(&cache)?;
    let mut wanted = Vec::new();
    for product in args.products() {
        match product.tool.filter(|tool| !is_on_path(tool)) {
            Some(tool) if args.names_exactly(product) || store::in_ci() => {
                bail!(
                    "{} needs the program {tool}, which is not installed",
                    product.name
                )
            }
            Some(tool) => println!("images: SKIP {}: {tool} is not installed", product.name),
            None if !args.refresh && is_made(&cache, product) => {
                println!("images: have {}", product.name);
            }
            None => wanted.push(product),
        }
    }
    if !wanted.is_empty() {
        make_all(&cache, &wanted, &args)?;
    }
    println!("images: all in {}", cache.display());
    Ok(ExitCode::SUCCESS)
}

fn list(cache: &Path) {
    println!("images in {}:", cache.display());
    for product in PRODUCTS {
        let state = if is_made(cache, product) {
            "made"
        } else {
            "lacking"
        };
        println!("  {:<8} {:<30} {}", state, product.name, product.doc);
        for package in stamp::read(cache, product.name).iter().skip(1) {
            println!("           {:<30} from {package}", "");
        }
    }
}

fn is_made(cache: &Path, product: &Product) -> bool {
    stamp::is_current(cache, product) && cache.join(product.name).exists()
}

fn is_on_path(tool: &str) -> bool {
    let mut probe = Command::new(tool);
    probe
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn make_all(cache: &Path, wanted: &[&Product], args: &Args) -> Result<()> {
    let named = args.mirror.clone().or_else(|| env::var("VM_MIRROR").ok());
    let source = match named.filter(|uri| !uri.is_empty()) {
        Some(uri) => mirror::named(&uri)?,
        None => mirror::from_apt(Path::new("/etc/apt"))?,
    };
    let apt = Apt::new(cache, &source)?;
    apt.update()?;
    let mut work = Work::new(cache, &apt)?;
    for product in wanted {
        work.bring(product)
            .with_context(|| format!("making {}", product.name))?;
    }
    prune(cache)
}

/// Removes package files that no image is made from any more.
fn prune(cache: &Path) -> Result<()> {
    let used: Vec<String> = PRODUCTS
        .iter()
        .flat_map(|product| stamp::read(cache, product.name))
        .collect();
    for entry in fs::read_dir(cache.join("packages"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".deb") && !used.iter().any(|file| *file == *name) {
            println!("images: drop {name}");
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The unpacked packages that a recipe works from.
pub struct Trees {
    folder: PathBuf,
    /// Packages that stay packed, and their files.
    packed: Vec<(&'static Package, Vec<PathBuf>)>,
}

impl Trees {
    /// The folder into which `package` was unpacked.
    pub fn of(&self, package: &Package) -> PathBuf {
        self.folder.join(package.name.replace(':', "_"))
    }

    /// The files of `package`, which stays packed.
    pub fn packed(&self, package: &Package) -> &[PathBuf] {
        let found = self.packed.iter().find(|(other, _)| *other == package);
        found.map_or(&[], |(_, files)| files)
    }

    /// A new, empty folder to work in.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join("scratch").join(name);
        remove(&folder)?;
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// One run: a working folder that goes away with it, and the packages unpacked there so far.
struct Work<'a> {
    cache: &'a Path,
    apt: &'a Apt,
    folder: PathBuf,
    trees: Trees,
    /// The packages that `trees` holds.
    unpacked: Vec<&'static Package>,
    /// The package files found so far, so that apt is asked once for each package.
    found: Vec<(&'static Package, Vec<Deb>)>,
}

impl<'a> Work<'a> {
    fn new(cache: &'a Path, apt: &'a Apt) -> Result<Self> {
        let folder = cache.join("work");
        // What a killed run left behind; the lock says that no other run is using it.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let trees = Trees {
            folder: folder.join("trees"),
            packed: Vec::new(),
        };
        Ok(Self {
            cache,
            apt,
            folder,
            trees,
            unpacked: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Makes `product` unless the one at hand is from the same packages and recipe.
    fn bring(&mut self, product: &Product) -> Result<()> {
        let mut files = Vec::new();
        for package in product.packages {
            files.extend(self.find(package)?.iter().map(|deb| deb.file.clone()));
        }
        let text = stamp::text(product, &files);
        let current = stamp::read(self.cache, product.name).join("\n") + "\n";
        let place = self.cache.join(product.name);
        if current == text && place.exists() {
            println!("images: have {}", product.name);
            return Ok(());
        }
        for package in product.packages {
            self.unpack(package)?;
        }
        println!("images: make {}", product.name);
        let made = self.folder.join("made");
        product.make(&self.trees, &made)?;
        let stamp = stamp::file(self.cache, product.name);
        fs::create_dir_all(place.parent().context("a product is in a folder")?)?;
        remove(&stamp).with_context(|| format!("removing {}", stamp.display()))?;
        remove(&place).with_context(|| format!("removing {}", place.display()))?;
        fs::rename(&made, &place).with_context(|| format!("writing {}", place.display()))?;
        let made = self.folder.join("stamp");
        fs::write(&made, text)?;
        Ok(fs::rename(made, stamp)?)
    }

    fn find(&mut self, package: &'static Package) -> Result<&[Deb]> {
        let known = self.found.iter().position(|(other, _)| *other == package);
        let index = match known {
            Some(index) => index,
            None => {
                let debs = match package.extent {
                    Extent::Itself => vec![self.apt.find(package.name)?],
                    Extent::StandsFor(prefix) => {
                        vec![self.apt.find(&self.apt.dependency(package.name, prefix)?)?]
                    }
                    Extent::Closure => self.apt.find_closure(package.name)?,
                    Extent::System(names) => self.apt.find_system(&names.concat())?,
                };
                self.found.push((package, debs));
                self.found.len() - 1
            }
        };
        Ok(&self.found[index].1)
    }

    fn unpack(&mut self, package: &'static Package) -> Result<()> {
        if self.unpacked.contains(&package) {
            return Ok(());
        }
        let apt = self.apt;
        let folder = self.trees.of(package);
        let files = apt.download(self.find(package)?)?;
        if matches!(package.extent, Extent::System(_)) {
            self.trees.packed.push((package, files));
            self.unpacked.push(package);
            return Ok(());
        }
        println!("images: unpack {}", package.name);
        for file in files {
            apt::unpack(&file, package.members, &folder)?;
        }
        self.unpacked.push(package);
        Ok(())
    }
}

/// Removes a file or a folder with what is in it, if there is one.
fn remove(path: &Path) -> std::io::Result<()> {
    match path.symlink_metadata() {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::products::PRODUCTS;
    use super::{prune, remove, stamp};

    #[test]
    fn only_packages_of_present_images_stay() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let packages = cache.path().join("packages");
        let stamp = stamp::file(cache.path(), PRODUCTS[0].name);
        fs::create_dir_all(stamp.parent().expect("a parent")).expect("mkdir");
        fs::write(&stamp, stamp::text(&PRODUCTS[0], &["new.deb".to_owned()])).expect("write");
        fs::create_dir_all(&packages).expect("mkdir");
        for name in ["new.deb", "old.deb", "note"] {
            fs::write(packages.join(name), "").expect("write");
        }
        prune(cache.path()).expect("prune");
        assert!(packages.join("new.deb").exists() && packages.join("note").exists());
        assert!(!packages.join("old.deb").exists());
    }

    #[test]
    fn remove_takes_files_folders_and_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a");
        remove(&path).expect("nothing there");
        fs::write(&path, "").expect("write");
        remove(&path).expect("a file");
        fs::create_dir_all(path.join("b")).expect("mkdir");
        remove(&path).expect("a folder");
        assert!(!path.exists());
    }
}
