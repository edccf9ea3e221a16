//! What is said when native code and the interpreter have come to different states.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vm_runtime::{Difference, Vm};

use crate::diagnose::diagnose;
use crate::failure::{self, Row};
use crate::out;

/// The most lines of a list that text has.
const LINES: usize = 24;

/// The rows of a report.
#[must_use]
pub fn rows(found: &Difference) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |label: &str, lines: Vec<String>| {
        let more = lines.len().saturating_sub(LINES);
        let more = (more > 0).then(|| format!("... and {more} more"));
        for (number, line) in lines.into_iter().take(LINES).chain(more).enumerate() {
            let label = if number == 0 { label } else { "" };
            rows.push((label.to_owned(), line));
        }
    };
    let unseen = "somewhere in the run that begins below: it did not show again when repeated";
    let at = match (&found.culprit, found.repeats) {
        (Some(spot), _) => format!("{spot}, whose result differs first"),
        (None, true) => "some instruction of the code below".to_owned(),
        (None, false) => unseen.to_owned(),
    };
    add("at", vec![at]);
    let Difference {
        cpu,
        block,
        tier,
        retired,
        insns,
        ..
    } = found;
    add(
        &format!("cpu{cpu}"),
        vec![format!(
            "before {block}, after {retired} instructions; {insns} more differ; tier: {tier}"
        )],
    );
    if let Some((one, other)) = &found.exits {
        add("stops", vec![format!("{one}, in the interpreter {other}")]);
    }
    let words = |name: &str, one: u64, other: u64| {
        format!("{name:<18} {one:016x}  in the interpreter {other:016x}")
    };
    let registers = found.registers.iter();
    let registers = registers.map(|(name, one, other)| words(name, *one, *other));
    add("registers", registers.collect());
    let memory = found.memory.iter();
    let memory = memory.map(|(at, one, other)| words(&format!("{at:#x}"), *one, *other));
    add("memory", memory.collect());
    let culprit = found.culprit.as_ref().map(|spot| spot.addr);
    let code = found.code.iter().map(|(pc, text)| {
        let mark = if Some(*pc) == culprit { ">" } else { " " };
        format!("{mark} {pc:#x}  {text}")
    });
    add("code", code.collect());
    add("ir", found.ir.lines().map(str::to_owned).collect());
    rows
}

/// The same for programs.
#[must_use]
pub fn json(found: &Difference, state: Option<&Path>) -> Value {
    let pair = |(name, one, other): &(String, u64, u64)| both("name", name, *one, *other);
    let word = |(at, one, other): &(u64, u64, u64)| both("address", &hex(*at), *one, *other);
    let code = |(pc, text): &(u64, String)| json!({"pc": format!("{pc:#x}"), "text": text});
    json!({
        "cpu": found.cpu,
        "pc": found.culprit.as_ref().map(|spot| format!("{:#x}", spot.addr)),
        "place": found.culprit.as_ref().and_then(|spot| spot.place.clone()),
        "block": format!("{:#x}", found.block.addr),
        "block_place": found.block.place,
        "tier": found.tier,
        "instructions_before": found.retired,
        "instructions": found.insns,
        "repeats": found.repeats,
        "stops": found.exits,
        "registers": found.registers.iter().map(pair).collect::<Vec<_>>(),
        "memory": found.memory.iter().map(word).collect::<Vec<_>>(),
        "code": found.code.iter().map(code).collect::<Vec<_>>(),
        "ir": found.ir,
        "state": state.map(|path| path.display().to_string()),
    })
}

/// What has two values, and what it is.
fn both(key: &str, what: &str, one: u64, other: u64) -> Value {
    json!({key: what, "native": hex(one), "interpreter": hex(other)})
}

fn hex(value: u64) -> String {
    format!("{value:#x}")
}

/// Writes the machine down as it stands before what differs, and says how to go on from there;
/// where it stands, if it could be written. With `--save` that has been done.
pub fn keep(vm: &mut Vm, saved: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = saved {
        return Some(path.to_owned());
    }
    let path = PathBuf::from(format!("vm-verify-{}.state", vm.instructions()));
    match vm.snapshot().write(&path) {
        Ok(()) => Some(path),
        Err(error) => {
            out::tell(&diagnose(&error).text(false));
            None
        }
    }
}

/// The report as text, and how to go on from the state that was kept.
#[must_use]
pub fn text(found: &Difference, state: Option<&Path>) -> String {
    let mut rows = rows(found);
    if let Some(path) = state {
        let path = path.display();
        let way = format!("{path}: the machine before it; --restore {path} with the same flags");
        rows.push(("state".to_owned(), way));
    }
    failure::text(&rows)
}

#[cfg(test)]
mod tests {
    use vm_runtime::Spot;

    use super::*;

    fn found() -> Difference {
        let spot = |addr, place: &str| Spot {
            addr,
            place: Some(place.to_owned()),
        };
        Difference {
            cpu: 1,
            block: spot(0x8000_0004, "sum+0x4"),
            tier: "template",
            retired: 18,
            insns: 3,
            culprit: Some(spot(0x8000_0008, "sum+0x8")),
            repeats: true,
            code: vec![
                (0x8000_0004, "addi s1, s1, 3".to_owned()),
                (0x8000_0008, "addi s3, s3, 1".to_owned()),
                (0x8000_000c, "sd s3, 16(sp)".to_owned()),
            ],
            ir: "block 3 insns 12 bytes\n  insn +0x0 4\n".to_owned(),
            exits: None,
            registers: vec![("s3".to_owned(), 3, 2)],
            memory: vec![(0x8000_1010, 3, 2)],
        }
    }

    #[test]
    fn the_report_names_the_instruction_and_both_values() {
        let told = text(&found(), Some(Path::new("a.state")));
        let wanted = "          at  sum+0x8 (0x80000008), whose result differs first
        cpu1  before sum+0x4 (0x80000004), after 18 instructions; 3 more differ; tier: template
   registers  s3                 0000000000000003  in the interpreter 0000000000000002
      memory  0x80001010         0000000000000003  in the interpreter 0000000000000002
        code    0x80000004  addi s1, s1, 3
              > 0x80000008  addi s3, s3, 1
                0x8000000c  sd s3, 16(sp)
          ir  block 3 insns 12 bytes
                insn +0x0 4
       state  a.state: the machine before it; --restore a.state with the same flags
";
        assert_eq!(told, wanted);
        let json = json(&found(), None);
        assert_eq!(json["pc"], "0x80000008");
        assert_eq!(json["registers"][0]["interpreter"], "0x2");
        assert!(json["state"].is_null());
    }

    #[test]
    fn what_did_not_show_again_and_long_lists_are_told_as_such() {
        let registers = (0..30).map(|number| (format!("x{number}"), 1, 2));
        let told = text(
            &Difference {
                repeats: false,
                culprit: None,
                registers: registers.collect(),
                exits: Some(("Budget".to_owned(), "Idle".to_owned())),
                ..found()
            },
            None,
        );
        for part in [
            "did not show again",
            "... and 6 more",
            "Budget, in the interpreter Idle",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
