//! Where the images are, and the rule for a test that needs one.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::products::PRODUCTS;
use super::stamp;

/// The folder that holds the images: `$VM_IMAGES`, else `$XDG_CACHE_HOME/vm-images`, else
/// `~/.cache/vm-images`; `None` when none of these variables is set.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    cache_dir_from(|name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    })
}

fn cache_dir_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    variable("VM_IMAGES")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("vm-images")))
        .or_else(|| Some(variable("HOME")?.join(".cache").join("vm-images")))
}

/// The path of image `name` if it has been made by the present recipe.
///
/// # Panics
/// When no product is called `name`: that is a mistake in the test.
#[must_use]
pub fn path(name: &str) -> Option<PathBuf> {
    let product = PRODUCTS
        .iter()
        .find(|product| product.name == name)
        .unwrap_or_else(|| panic!("no image is called {name:?}; see `cargo xtask images --list`"));
    let cache = cache_dir()?;
    let file = cache.join(product.name);
    (stamp::is_current(&cache, product) && file.exists()).then_some(file)
}

/// The path of image `name` for a test that cannot run without it.
///
/// The rule: where `CI=true` is set a lacking image is a failure; elsewhere the test prints a
/// line that starts with `SKIP` on the standard error, past the test runner's capture, gets
/// `None` and returns.
///
/// # Panics
/// When the image is lacking and `CI=true`.
#[must_use]
pub fn need(name: &str) -> Option<PathBuf> {
    let found = path(name);
    if found.is_none() {
        skip(&not_made(name));
    }
    found
}

/// A program of the host for a test that cannot run without it, by the same rule; administrators'
/// folders are looked at too.
///
/// # Panics
/// When the program is lacking and `CI=true`.
#[must_use]
pub fn tool(name: &str) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders
        .map(|folder: PathBuf| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("there is no {name}"));
    }
    found.map(Command::new)
}

fn skip(fact: &str) {
    refuse_in_ci(fact, in_ci());
    // Not `eprintln!`: the test runner would swallow it. A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIP {}: {fact}", test_name());
}

fn not_made(name: &str) -> String {
    format!("image {name} has not been made; run `cargo xtask images`")
}

/// In CI what is lacking is the end of the test.
fn refuse_in_ci(fact: &str, in_ci: bool) {
    assert!(!in_ci, "{fact}");
}

/// Whether what is lacking is a failure.
pub(super) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn test_name() -> String {
    std::thread::current().name().unwrap_or("test").to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::cache_dir_from;

    fn check(variables: &[(&str, &str)], want: Option<&str>) {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        assert_eq!(
            cache_dir_from(lookup).as_deref(),
            want.map(Path::new),
            "{variables:?}"
        );
    }

    #[test]
    fn cache_folder_follows_the_environment() {
        check(&[], None);
        check(&[("HOME", "h")], Some("h/.cache/vm-images"));
        check(
            &[("HOME", "h"), ("XDG_CACHE_HOME", "x")],
            Some("x/vm-images"),
        );
        check(&[("XDG_CACHE_HOME", "x"), ("VM_IMAGES", "i")], Some("i"));
    }

    #[test]
    fn at_home_a_lacking_image_is_a_reason() {
        super::refuse_in_ci(&super::not_made("a/b"), false);
    }

    #[test]
    #[should_panic(expected = "run `cargo xtask images`")]
    fn in_ci_a_lacking_image_is_a_failure() {
        super::refuse_in_ci(&super::not_made("a/b"), true);
    }

    #[test]
    fn a_tool_is_found_and_runs() {
        let mut shell = super::tool("sh").expect("every host has one");
        let status = shell.args(["-c", "exit 7"]).status();
        assert_eq!(status.expect("it starts").code(), Some(7));
    }

    #[test]
    #[should_panic(expected = "no image is called")]
    fn unknown_name_is_a_mistake() {
        let _ = super::path("riscv64/kernle");
    }
}
