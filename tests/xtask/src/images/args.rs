//! The command line of `cargo xtask images`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::products::{PRODUCTS, Product};

/// What the command line asks for.
#[derive(Default)]
pub struct Args {
    /// Only print what there is.
    pub list: bool,
    /// Look for newer packages even where an image is present.
    pub refresh: bool,
    /// The mirror to use instead of the one of the machine's own configuration.
    pub mirror: Option<String>,
    /// The folder to fill instead of the default one.
    pub cache: Option<PathBuf>,
    /// Names of products or of their folders; empty means all that are made by themselves.
    names: Vec<String>,
}

impl Args {
    /// Reads the words after `images`.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut args = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "--list" => args.list = true,
                "--refresh" => args.refresh = true,
                "--mirror" => args.mirror = Some(value()?.clone()),
                "--cache" => args.cache = Some(PathBuf::from(value()?)),
                flag if flag.starts_with('-') => bail!(
                    "no option is called {flag}; there are \
                     --list, --refresh, --mirror URL and --cache DIR"
                ),
                name if products_named(name).next().is_none() => {
                    bail!("no image is called {name:?}; `cargo xtask images --list` prints them")
                }
                name => args.names.push(name.to_owned()),
            }
        }
        Ok(args)
    }

    /// The products to make, in the table's order.
    pub fn products(&self) -> Vec<&'static Product> {
        let wanted = |product: &&Product| {
            let mut named = self.names.iter().flat_map(|name| products_named(name));
            let by_itself = self.names.is_empty() && !product.on_request;
            by_itself || named.any(|other| other.name == product.name)
        };
        PRODUCTS.iter().filter(wanted).collect()
    }

    /// Whether `product` was asked for by its own full name.
    pub fn names_exactly(&self, product: &Product) -> bool {
        self.names.iter().any(|name| name == product.name)
    }
}

/// A name means itself, or all products in the folder it names.
fn products_named(name: &str) -> impl Iterator<Item = &'static Product> {
    PRODUCTS.iter().filter(move |product| {
        let rest = product.name.strip_prefix(name.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn check(line: &str, want: Result<&[&str], &str>) {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        match (Args::parse(&words), want) {
            (Ok(args), Ok(want)) => {
                let got: Vec<_> = args.products().iter().map(|product| product.name).collect();
                assert_eq!(got, want, "{line}");
            }
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{error}"),
            (Ok(_), Err(want)) => panic!("{line:?} was accepted, {want:?} was to be the error"),
            (Err(error), Ok(_)) => panic!("{line:?}: {error}"),
        }
    }

    #[test]
    fn names_and_folders() {
        check("riscv64/kernel", Ok(&["riscv64/kernel"]));
        check(
            "qemu/qemu-aarch64 --mirror x:/d",
            Ok(&["qemu/qemu-aarch64"]),
        );
        check(
            "qemu/qemu-aarch64 riscv64/kernel",
            Ok(&["riscv64/kernel", "qemu/qemu-aarch64"]),
        );
        check("riscv64/kern", Err("no image is called"));
        check("--mirror", Err("needs a value"));
        check("--fast", Err("no option is called --fast"));
    }

    #[test]
    fn without_names_only_what_is_made_by_itself() {
        let names = |words: &[String]| -> Vec<_> {
            let args = Args::parse(words).expect("names");
            args.products().iter().map(|product| product.name).collect()
        };
        let all = names(&[]);
        let large = "riscv64/debian-bench.img";
        assert!(all.contains(&"riscv64/debian.img") && !all.contains(&large));
        assert_eq!(names(&[large.to_owned()]), [large]);
    }

    #[test]
    fn folder_means_all_in_it() {
        let args = Args::parse(&["riscv64/".to_owned()]).expect("a folder");
        assert!(args.products().len() >= 3);
        assert!(
            args.products()
                .iter()
                .all(|product| product.name.starts_with("riscv64/"))
        );
    }
}
