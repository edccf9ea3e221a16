//! From the text of a test file to a suite; every complaint names file, line and column.

use std::collections::BTreeSet;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fields::Fields;
use super::keys::{SETUP, TEST, TOP};
use super::serve;
use super::setup;
use super::source::Source;
use super::steps;
use super::suite::{Case, Setup, Suite};
use crate::codes;
use crate::report::Report;

/// The most characters of a test's name.
// LIMIT: it has to fit a line.
const NAME_LIMIT: usize = 120;

/// Reads a test file.
pub fn load(path: &Path) -> Result<Suite, Report> {
    let source = Source::read(path)?;
    let table = match DeTable::parse(&source.text) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let fact = error.message().replace('\n', ", ");
            let message = "the test file is not TOML";
            return Err(source
                .complain(codes::TEST_SYNTAX, &span, message, fact)
                .help("a test file begins with [suite] or [[test]]; texts stand in quotes"));
        }
    };
    let whole = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    let top = Fields::read(&source, "a test file", &[TOP], &whole)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let base = match top.value("suite") {
        Some(value) => {
            let fields = Fields::read(&source, "[suite]", &[SETUP], value)?;
            setup::read(&source, &fields, folder)?
        }
        None => Setup::default(),
    };
    let tests = top.list("test")?.unwrap_or_default();
    if tests.is_empty() {
        let message = "the test file has no test";
        return Err(top
            .complain(codes::NO_TESTS, message, "there is no [[test]]")
            .help("[[test]] with a name and steps is a test"));
    }
    let (mut cases, mut names) = (Vec::new(), BTreeSet::new());
    for value in tests {
        let case = case(&source, folder, &base, value, &mut names)?;
        cases.push(case);
    }
    Ok(Suite {
        path: path.to_owned(),
        name: name_of(path),
        cases,
    })
}

/// What a suite is called: its file's name up to the first dot.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

fn case(
    source: &Source,
    folder: &Path,
    base: &Setup,
    value: &Spanned<DeValue>,
    names: &mut BTreeSet<String>,
) -> Result<Case, Report> {
    let fields = Fields::read(source, "[[test]]", &[TEST, SETUP], value)?;
    let Some(name) = fields.text("name")? else {
        return Err(fields
            .complain(
                codes::TEST_NAME,
                "a test has no name",
                "the key `name` is lacking",
            )
            .help("name = \"what the test shows\""));
    };
    let fault = |message: String, fact: &str, help: &str| {
        let report = source.complain(codes::TEST_NAME, &name.span, message, fact);
        Err(report.help(help))
    };
    let plain = !name.value.chars().any(char::is_control);
    if name.value.trim().is_empty() || !plain || name.value.chars().count() > NAME_LIMIT {
        return fault(
            "this can not be the name of a test".to_owned(),
            "a name is a line of at most 120 characters",
            "name = \"what the test shows\"",
        );
    }
    if !names.insert(name.value.clone()) {
        return fault(
            format!("two tests have the name `{}`", name.value),
            "this is the second one",
            "give each test of a file a name of its own",
        );
    }
    let setup = setup::read(source, &fields, folder)?.over(base);
    setup::check(source, &fields, &setup)?;
    let served = setup.serve.as_ref();
    let known = served.map(|_| (serve::VARIABLE.to_owned(), serve::STAND_IN.to_owned()));
    let steps = steps::read(source, &fields, known.into_iter().collect())?;
    Ok(Case {
        name: name.value,
        setup,
        steps,
    })
}
