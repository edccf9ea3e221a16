//! The device tree as people read and write it.

use std::fmt::Write;

use vm_device_bus::{Node, Value};

/// The tree in the source format of the Devicetree Specification, chapter 6, which `dtc` reads.
#[must_use]
pub fn text(root: &Node) -> String {
    let mut out = "/dts-v1/;\n\n".to_owned();
    node(&mut out, root, 0);
    out
}

fn node(out: &mut String, from: &Node, depth: usize) {
    let indent = "\t".repeat(depth);
    let name = if from.name.is_empty() {
        "/"
    } else {
        &from.name
    };
    // Writing to a string can not fail.
    let _ = writeln!(out, "{indent}{name} {{");
    for (name, value) in &from.values {
        let _ = match value {
            Value::Flag => writeln!(out, "{indent}\t{name};"),
            other => writeln!(out, "{indent}\t{name} = {};", value_text(other)),
        };
    }
    for (index, child) in from.children.iter().enumerate() {
        if index > 0 || !from.values.is_empty() {
            out.push('\n');
        }
        node(out, child, depth + 1);
    }
    let _ = writeln!(out, "{indent}}};");
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Flag => String::new(),
        Value::Cells(cells) => angles(cells.iter().copied()),
        Value::Wide(numbers) => angles(numbers.iter().flat_map(|n| [(n >> 32) as u32, *n as u32])),
        Value::Text(strings) => {
            let quoted: Vec<_> = strings.iter().map(|text| quoted(text)).collect();
            quoted.join(", ")
        }
        Value::Bytes(bytes) => {
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[{}]", digits.join(" "))
        }
        Value::Phandle(phandle) => angles([*phandle].into_iter()),
    }
}

fn angles(cells: impl Iterator<Item = u32>) -> String {
    let cells: Vec<_> = cells.map(|cell| format!("{cell:#x}")).collect();
    format!("<{}>", cells.join(" "))
}

/// A string with everything escaped that could end it or reach a terminal's controls.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.as_bytes().escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_has_its_form() {
        let tree = Node::new("")
            .cells("cells", &[1, 0x20])
            .child(
                Node::new("a@1")
                    .flag("flag")
                    .wide("wide", &[0x1_0000_0002])
                    .text("text", &["x \"y\"\n", "z"])
                    .with("bytes", Value::Bytes(vec![0, 0xff]))
                    .with("parent", Value::Phandle(7)),
            )
            .child(Node::new("b"));
        let expected = "/dts-v1/;\n\n/ {\n\tcells = <0x1 0x20>;\n\n\ta@1 {\n\t\tflag;\n\
            \t\twide = <0x1 0x2>;\n\t\ttext = \"x \\\"y\\\"\\n\", \"z\";\n\
            \t\tbytes = [00 ff];\n\t\tparent = <0x7>;\n\t};\n\n\tb {\n\t};\n};\n";
        assert_eq!(text(&tree), expected);
    }
}
