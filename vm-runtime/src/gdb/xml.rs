//! The description of a machine's registers, as GDB reads it.

use std::fmt::Write;

use vm_ir::Target;

/// The description of the target.
pub fn describe(target: &Target) -> String {
    let mut text = "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n\
                    <target version=\"1.0\">\n"
        .to_owned();
    let _ = writeln!(text, "<architecture>{}</architecture>", target.architecture);
    let mut number = 0;
    for feature in &target.features {
        let _ = writeln!(text, "<feature name=\"{}\">", feature.name);
        for register in &feature.registers {
            let _ = writeln!(
                text,
                "<reg name=\"{}\" bitsize=\"{}\" type=\"{}\" regnum=\"{number}\" group=\"{}\"/>",
                register.name, register.bits, register.kind, register.group
            );
            number += 1;
        }
        text.push_str("</feature>\n");
    }
    text.push_str("</target>\n");
    text
}
