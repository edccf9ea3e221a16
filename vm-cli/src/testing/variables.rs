//! Variables of the environment in the names of files.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The variable that has a value even where nobody has set it: the folder of guest images.
const IMAGES: &str = "VM_IMAGES";

/// Puts values in for `$NAME` and `${NAME}`; `$$` is a dollar.
///
/// The error is what is wrong, and what helps.
pub fn expand(
    text: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<OsString, (String, String)> {
    let mut expanded = OsString::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        expanded.push(before);
        if let Some(behind) = behind.strip_prefix('$') {
            expanded.push("$");
            rest = behind;
            continue;
        }
        let (name, behind) = name_of(behind).ok_or_else(|| {
            let message = "a dollar without the name of a variable".to_owned();
            (message, "write $NAME or ${NAME}; $$ is a dollar".to_owned())
        })?;
        let value = variable(name).filter(|value| !value.is_empty());
        let value = value.or_else(|| default(name, &variable));
        let Some(value) = value else {
            let message = format!("the environment has no variable `{name}`");
            return Err((message, format!("{name}=... vm test ...")));
        };
        expanded.push(value);
        rest = behind;
    }
    expanded.push(rest);
    Ok(expanded)
}

/// The name at the beginning, and what comes behind it.
fn name_of(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, behind) = braced.split_once('}')?;
        let good = !name.is_empty() && name.chars().all(is_part);
        return good.then_some((name, behind));
    }
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// `$XDG_CACHE_HOME/vm-images`, else `~/.cache/vm-images`, for the folder of guest images.
fn default(name: &str, variable: &impl Fn(&str) -> Option<OsString>) -> Option<OsString> {
    if name != IMAGES {
        return None;
    }
    let set = |name: &str| variable(name).filter(|value: &OsString| !value.is_empty());
    let cache = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(OsStr::new(".cache"))))?;
    Some(cache.join("vm-images").into_os_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_or_named() {
        let known = |name: &str| match name {
            "A" => Some(OsString::from("/a")),
            "HOME" => Some(OsString::from("/h")),
            _ => None,
        };
        for (text, want) in [
            ("plain", Ok("plain")),
            ("$A/k", Ok("/a/k")),
            ("${A}k", Ok("/ak")),
            ("a$$b", Ok("a$b")),
            ("$VM_IMAGES/k", Ok("/h/.cache/vm-images/k")),
            ("$B/k", Err("the environment has no variable `B`")),
            ("$", Err("a dollar without the name of a variable")),
            ("${", Err("a dollar without the name of a variable")),
            ("$ä", Err("a dollar without the name of a variable")),
        ] {
            let got = expand(text, known).map_err(|(message, _)| message);
            let want = want.map(OsString::from).map_err(str::to_owned);
            assert_eq!(got, want, "{text}");
        }
    }
}
