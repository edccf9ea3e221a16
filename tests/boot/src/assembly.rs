//! Bare-metal programs from assembly text.

use std::collections::HashMap;

use vm_frontend_riscv64::assemble;

/// Where bare-metal programs stand.
const RAM: u64 = 0x8000_0000;

/// A program's bytes: lines of assembly text, `name:` for a label and `@name` for its address.
///
/// # Panics
///
/// If a line is no instruction, or a label is not there.
#[must_use]
pub fn program(text: &str) -> Vec<u8> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut labels = HashMap::new();
    let mut pc = RAM;
    for line in lines() {
        if let Some(label) = line.strip_suffix(':') {
            labels.insert(label, pc);
        } else {
            // Every address that can be reached takes the same length.
            let (before, label) = line.split_once('@').unwrap_or((line, ""));
            let at = if label.is_empty() {
                String::new()
            } else {
                format!("{pc:#x}")
            };
            pc += encoded(&format!("{before}{at}"), pc).1;
        }
    }
    let mut code = Vec::new();
    for line in lines().filter(|line| !line.ends_with(':')) {
        let pc = RAM + code.len() as u64;
        let text = match line.split_once('@') {
            Some((before, name)) => match labels.get(name) {
                Some(target) => format!("{before}{target:#x}"),
                None => panic!("there is no label `{name}`"),
            },
            None => line.to_owned(),
        };
        let (word, bytes) = encoded(&text, pc);
        code.extend_from_slice(&word.to_le_bytes()[..bytes as usize]);
    }
    code
}

fn encoded(text: &str, pc: u64) -> (u32, u64) {
    match assemble(text, pc) {
        Some((word, bytes)) => (word, bytes as u64),
        None => panic!("`{text}` is no instruction"),
    }
}
