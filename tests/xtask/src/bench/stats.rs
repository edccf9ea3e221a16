//! What `vm run --stats --json` says of a run.

use serde_json::Value;

/// The figures that tell why a run was fast or slow.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Instructions of the guest.
    pub instructions: f64,
    /// Seconds that compilers took.
    pub compiling_s: f64,
    /// Page walks.
    pub tlb_misses: f64,
    /// Blocks that were translated.
    pub blocks: f64,
    /// How often all of them were thrown away.
    pub flushes: f64,
    /// In whose code slices ended: the interpreter's, templates, blocks, regions; none if the
    /// emulator does not tell.
    pub residency: Option<[f64; 4]>,
}

/// The line of the result among those of the guest, if this is it.
pub fn parse(line: &str) -> Option<Stats> {
    let line = line.trim();
    if !line.starts_with('{') {
        return None;
    }
    let result: Value = serde_json::from_str(line).ok()?;
    let stats = result.get("stats")?;
    let number = |path: &str| stats.pointer(path).and_then(Value::as_f64);
    let compilers = ["templates", "blocks", "regions"];
    let ns = compilers.map(|name| number(&format!("/native/{name}/ns")).unwrap_or(0.0));
    let homes = ["interpreter", "templates", "blocks", "regions"];
    let residency = homes.map(|name| number(&format!("/residency/{name}")));
    Some(Stats {
        instructions: result.get("instructions")?.as_f64()?,
        compiling_s: ns.iter().sum::<f64>() / 1e9,
        tlb_misses: number("/tlb_misses")?,
        blocks: number("/code/blocks")?,
        flushes: number("/code/flushes")?,
        residency: match residency {
            [Some(a), Some(b), Some(c), Some(d)] => Some([a, b, c, d]),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    const OLD: &str = r#"{"instructions":1000,"stats":{"tlb_misses":5,
        "code":{"blocks":7,"flushes":1},"native":{"templates":{"ns":1500000000},
        "blocks":{"ns":0},"regions":{"ns":500000000}}}}"#;

    #[test]
    fn figures_are_found_and_other_lines_are_not_taken_for_them() {
        let stats = parse(&OLD.replace('\n', "")).expect("a result");
        assert!((stats.compiling_s - 2.0).abs() < 1e-9);
        let counts = (stats.instructions, stats.tlb_misses, stats.blocks);
        assert_eq!(counts, (1000.0, 5.0, 7.0));
        assert_eq!(stats.residency, None);
        for line in ["", "{ echo a; }", "{}", r#"{"stats":{}}"#, "BENCH a 1 2 3"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_interpreter_alone_compiles_nothing_and_residency_is_told_if_known() {
        let line = r#"{"instructions":1,"stats":{"tlb_misses":0,"native":null,
            "code":{"blocks":0,"flushes":0},
            "residency":{"interpreter":4,"templates":3,"blocks":2,"regions":1}}}"#;
        let stats = parse(&line.replace('\n', "")).expect("a result");
        assert!(stats.compiling_s.abs() < 1e-9);
        assert_eq!(stats.residency, Some([4.0, 3.0, 2.0, 1.0]));
    }
}
