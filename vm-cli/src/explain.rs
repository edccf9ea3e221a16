//! `vm explain`.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::args::Manner;
use crate::codes::{self, CODES, Code};
use crate::exits::EXITS;
use crate::out;
use crate::report::Report;

/// Explains a code, the exit codes, or lists all codes.
pub fn explain(what: Option<&str>, common: &Manner) -> Result<u8, Report> {
    let (text, json) = match what {
        None => (
            list(),
            json!(CODES.iter().map(code_json).collect::<Vec<_>>()),
        ),
        Some("exit" | "exits") => (exits(), exits_json()),
        Some(written) => {
            let code = codes::find(written).ok_or_else(|| {
                Report::new(
                    codes::NO_EXPLANATION,
                    format!("there is no code `{written}`"),
                )
                .help("`vm explain` lists all codes, `vm explain exit` the exit codes")
            })?;
            let text = format!(
                "{code}: {}\n\n{}\n\nA command that fails so ends with exit code {}.\n",
                code.title, code.text, code.exit
            );
            (text, code_json(&code))
        }
    };
    if common.json {
        out::print(&format!("{}\n", json!({"schema": 1, "explained": json})))?;
    } else {
        out::print(&text)?;
    }
    Ok(0)
}

fn list() -> String {
    let mut text = "code    exit  meaning\n".to_owned();
    for code in CODES {
        let _ = writeln!(text, "{code}  {:>4}  {}", code.exit, code.title);
    }
    text
}

/// The table of exit codes as text.
fn exits() -> String {
    let mut text = "exit  meaning\n".to_owned();
    for row in EXITS {
        let _ = writeln!(text, "{:>4}  {}", row.code, row.text);
    }
    text
}

fn exits_json() -> Value {
    EXITS
        .iter()
        .map(|row| json!({"exit": row.code, "meaning": row.text}))
        .collect()
}

fn code_json(code: &Code) -> Value {
    json!({"code": code.to_string(), "exit": code.exit, "title": code.title, "text": code.text})
}
