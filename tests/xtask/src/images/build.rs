//! Runs the recipes: which images are lacking, fetch, unpack, make, put in place.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};

use super::apt::{self, Apt};
use super::args::Args;
use super::lock::Lock;
use super::products::{PRODUCTS, Package, Product};
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
    Ok(())
}

/// The unpacked packages that a recipe works from.
pub struct Trees {
    folder: PathBuf,
}

impl Trees {
    /// The folder into which `package` was unpacked.
    pub fn of(&self, package: &Package) -> PathBuf {
        self.folder.join(package.name.replace(':', "_"))
    }
}

/// One run: a working folder that goes away with it, and the packages unpacked there so far.
struct Work<'a> {
    cache: &'a Path,
    apt: &'a Apt,
    folder: PathBuf,
    trees: Trees,
    /// Each package with its file's name.
    unpacked: Vec<(&'static Package, String)>,
}

impl<'a> Work<'a> {
    fn new(cache: &'a Path, apt: &'a Apt) -> Result<Self> {
        let folder = cache.join("work");
        // What a killed run left behind; the lock says that no other run is using it.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let trees = Trees {
            folder: folder.join("trees"),
        };
        Ok(Self {
            cache,
            apt,
            folder,
            trees,
            unpacked: Vec::new(),
        })
    }

    /// Makes `product` unless the one at hand is from the same packages and recipe.
    fn bring(&mut self, product: &Product) -> Result<()> {
        let mut debs = Vec::new();
        for package in product.packages {
            debs.push(self.find(package)?);
        }
        let files: Vec<String> = debs.iter().map(|deb| deb.file.clone()).collect();
        let text = stamp::text(product, &files);
        let current = stamp::read(self.cache, product.name).join("\n") + "\n";
        let place = self.cache.join(product.name);
        if current == text && place.exists() {
            println!("images: have {}", product.name);
            return Ok(());
        }
        for (package, deb) in product.packages.iter().zip(&debs) {
            self.unpack(package, deb)?;
        }
        println!("images: make {}", product.name);
        let made = self.folder.join("made");
        product.make(&self.trees, &made)?;
        let stamp = stamp::file(self.cache, product.name);
        fs::create_dir_all(place.parent().context("a product is in a folder")?)?;
        if let Err(error) = fs::remove_file(&stamp)
            && stamp.exists()
        {
            return Err(error).with_context(|| format!("removing {}", stamp.display()));
        }
        fs::rename(&made, &place).with_context(|| format!("writing {}", place.display()))?;
        let made = self.folder.join("stamp");
        fs::write(&made, text)?;
        Ok(fs::rename(made, stamp)?)
    }

    fn find(&self, package: &Package) -> Result<apt::Deb> {
        if package.stands_for.is_empty() {
            return self.apt.find(package.name);
        }
        self.apt
            .find(&self.apt.dependency(package.name, package.stands_for)?)
    }

    fn unpack(&mut self, package: &'static Package, deb: &apt::Deb) -> Result<()> {
        if self
            .unpacked
            .iter()
            .any(|(known, file)| *known == package && *file == deb.file)
        {
            return Ok(());
        }
        let file = self.apt.download(deb)?;
        println!("images: unpack {}", deb.file);
        apt::unpack(&file, package.members, &self.trees.of(package))?;
        self.unpacked.push((package, deb.file.clone()));
        Ok(())
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
