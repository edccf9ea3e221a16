//! The C file of middle size that the guest's compiler is given: one part, repeated with other
//! types and sizes, so that the compiler has as much to do with each.

/// What all parts share.
pub const HEAD: &str = include_str!("../../../guests/bench/programs/head.c");

/// A part: a table, a parser, a machine, sorting, matrices, text.
pub const PART: &str = include_str!("../../../guests/bench/programs/part.c");

/// The type of numbers in each part.
const NUMBERS: &[&str] = &["long", "int", "double", "short", "float", "long long"];

/// The whole file. `SCALE` is the percentage of it that is compiled.
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    for (index, number) in NUMBERS.iter().enumerate() {
        let part = PART
            .replace("_N", &format!("_{index}"))
            .replace("NUMBER", number)
            .replace("SIZE", &(25 + 8 * index).to_string())
            .replace("SEED", &format!("{}u", 2_166_136_261_usize + 6 * index));
        let from = 100 * index / NUMBERS.len();
        text.push_str(&format!("\n#if SCALE > {from}\n{part}#endif\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::text;

    #[test]
    fn it_is_of_middle_size_and_nothing_is_left_open() {
        let text = text();
        let lines = text.lines().count();
        assert!((1500..3000).contains(&lines), "{lines}");
        for blank in ["_N", "NUMBER", "SIZE", "SEED"] {
            let left = text
                .lines()
                .find(|line| !line.starts_with("/*") && line.contains(blank));
            assert_eq!(left, None, "{blank}");
        }
    }

    #[test]
    fn compilers_take_all_of_it_and_any_part() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("unit.c");
        std::fs::write(&file, text()).expect("write");
        for scale in [1, 50, 100] {
            let output = Command::new("cc")
                .args(["-fsyntax-only", "-Wall", "-Wextra", "-Werror"])
                .arg(format!("-DSCALE={scale}"))
                .arg(&file)
                .output();
            let Ok(output) = output else {
                // Where Rust can link there is a C compiler, but it may have another name.
                return;
            };
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{scale}: {errors}");
        }
    }
}
