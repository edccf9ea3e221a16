//! Which test files there are, and which of their tests are wanted.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::load;
use super::suite::{Case, Suite};
use crate::codes;
use crate::diagnose::file;
use crate::report::Report;

/// What test files in folders end with: other files there may be TOML too.
const ENDING: &str = ".boot.toml";
/// How deep folders are searched.
// LIMIT: a tree of folders that is deeper has a loop in it.
const DEPTH: usize = 16;

/// Reads all test files behind these names; folders are searched.
pub fn suites(paths: &[PathBuf]) -> Result<Vec<Suite>, Report> {
    let mut suites = Vec::new();
    for path in paths {
        let known = path
            .metadata()
            .map_err(|error| file(path, "can not be read as a test file", &error))?;
        if !known.is_dir() {
            suites.push(load(path)?);
            continue;
        }
        let mut found = Vec::new();
        search(path, DEPTH, &mut found)?;
        if found.is_empty() {
            let fact = format!("no file in it ends with {ENDING}");
            return Err(Report::new(codes::NO_TESTS, "the folder has no test files")
                .at(path.display(), fact)
                .help("name the file itself, whatever it ends with"));
        }
        found.sort();
        for path in found {
            suites.push(load(&path)?);
        }
    }
    Ok(suites)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Report> {
    let refused = |error: std::io::Error| file(folder, "can not be searched", &error);
    for entry in fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let path = entry.path();
        // Not followed: a link may lead back.
        let kind = entry.file_type().map_err(refused)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() && depth > 0 && !name.starts_with('.') {
            search(&path, depth - 1, found)?;
        } else if !kind.is_dir() && name.ends_with(ENDING) {
            found.push(path);
        }
    }
    Ok(())
}

/// A test that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its suite.
    pub suite: &'a Suite,
    /// Its number in the suite.
    pub index: usize,
}

impl<'a> Wanted<'a> {
    /// The test.
    #[must_use]
    pub fn case(&self) -> &'a Case {
        &self.suite.cases[self.index]
    }

    /// What it is called among all tests.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}::{}", self.suite.name, self.case().name)
    }
}

/// The tests whose names have a text in them; a text that is the name of one means that one.
#[must_use]
pub fn wanted<'a>(suites: &'a [Suite], filter: Option<&str>) -> Vec<Wanted<'a>> {
    let all = suites
        .iter()
        .flat_map(|suite| (0..suite.cases.len()).map(move |index| Wanted { suite, index }));
    let all: Vec<Wanted> = all.collect();
    let Some(filter) = filter else {
        return all;
    };
    let whole = all.iter().any(|test| test.name() == filter);
    let mut chosen = all;
    chosen.retain(|test| {
        let name = test.name();
        if whole {
            name == filter
        } else {
            name.contains(filter)
        }
    });
    chosen
}
