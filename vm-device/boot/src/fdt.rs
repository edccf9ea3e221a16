//! A machine's description as a flattened device tree, as text and as JSON.
//!
//! The blob follows the Devicetree Specification, version 0.4, chapter 5.

use serde_json::{Map, Value as Json, json};
use vm_device_bus::{Node, Value};
use vm_fdt::FdtWriter;

use crate::BootError;
pub use crate::fdt_text::text;

/// The blob of a tree.
pub fn blob(root: &Node) -> Result<Vec<u8>, BootError> {
    let write = || {
        let mut writer = FdtWriter::new()?;
        node(&mut writer, root)?;
        writer.finish()
    };
    write().map_err(|error: vm_fdt::Error| BootError::Tree(error.to_string()))
}

fn node(writer: &mut FdtWriter, from: &Node) -> Result<(), vm_fdt::Error> {
    let open = writer.begin_node(&from.name)?;
    for (name, value) in &from.values {
        writer.property(name, &bytes(value))?;
    }
    for child in &from.children {
        node(writer, child)?;
    }
    writer.end_node(open)
}

/// A value as it stands in the blob: big-endian.
#[must_use]
pub fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Flag => Vec::new(),
        Value::Cells(cells) => cells.iter().flat_map(|cell| cell.to_be_bytes()).collect(),
        Value::Wide(numbers) => numbers.iter().flat_map(|n| n.to_be_bytes()).collect(),
        Value::Text(strings) => strings
            .iter()
            .flat_map(|text| text.bytes().chain([0]))
            .collect(),
        Value::Bytes(bytes) => bytes.clone(),
        Value::Phandle(phandle) => phandle.to_be_bytes().to_vec(),
    }
}

/// The tree as JSON: each node an object of its name, its properties and its children.
#[must_use]
pub fn json(root: &Node) -> Json {
    let values = root.values.iter().map(|(name, value)| {
        let value = match value {
            Value::Flag => json!(true),
            Value::Cells(cells) => json!(cells),
            Value::Wide(numbers) => json!(numbers),
            Value::Text(strings) => json!(strings),
            Value::Bytes(bytes) => json!({ "bytes": bytes }),
            Value::Phandle(phandle) => json!({ "phandle": phandle }),
        };
        (name.clone(), value)
    });
    json!({
        "name": root.name,
        "properties": values.collect::<Map<_, _>>(),
        "children": root.children.iter().map(json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Node {
        Node::new("")
            .cells("#address-cells", &[2])
            .text("compatible", &["one,two", "three"])
            .child(
                Node::new("soc")
                    .flag("ranges")
                    .wide("reg", &[0x1_0000_0000, 0x100])
                    .with("interrupt-parent", Value::Phandle(3))
                    .with("seed", Value::Bytes(vec![1, 0xab])),
            )
            .child(Node::new("empty"))
    }

    /// Reads a blob back by the specification, properties as bytes.
    fn read(blob: &[u8]) -> Vec<String> {
        let word = |at: usize| u32::from_be_bytes(blob[at..at + 4].try_into().unwrap());
        let string = |at: usize| {
            let end = blob[at..].iter().position(|byte| *byte == 0).unwrap();
            String::from_utf8(blob[at..at + end].to_vec()).unwrap()
        };
        assert_eq!((word(0), word(4) as usize), (0xd00d_feed, blob.len()));
        let (mut at, strings) = (word(8) as usize, word(12) as usize);
        let mut lines = Vec::new();
        loop {
            let tag = word(at);
            at += 4;
            match tag {
                1 => {
                    let name = string(at);
                    at += (name.len() + 4) & !3;
                    lines.push(format!("{name} {{"));
                }
                2 => lines.push("}".to_owned()),
                3 => {
                    let (length, name) = (word(at) as usize, word(at + 4) as usize);
                    let value = &blob[at + 8..at + 8 + length];
                    lines.push(format!("{} {value:x?}", string(strings + name)));
                    at += 8 + ((length + 3) & !3);
                }
                9 => return lines,
                other => panic!("tag {other}"),
            }
        }
    }

    #[test]
    fn a_blob_holds_what_the_tree_said() {
        let expected = [
            " {",
            "#address-cells [0, 0, 0, 2]",
            "compatible [6f, 6e, 65, 2c, 74, 77, 6f, 0, 74, 68, 72, 65, 65, 0]",
            "soc {",
            "ranges []",
            "reg [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]",
            "interrupt-parent [0, 0, 0, 3]",
            "seed [1, ab]",
            "}",
            "empty {",
            "}",
            "}",
        ];
        assert_eq!(read(&blob(&tree()).unwrap()), expected);
    }

    #[test]
    fn names_that_are_not_possible_are_refused() {
        let bad = Node::new("").child(Node::new("two words"));
        assert!(matches!(blob(&bad), Err(BootError::Tree(_))));
    }

    #[test]
    fn json_keeps_names_and_numbers() {
        let json = json(&tree());
        assert_eq!(
            json["children"][0]["properties"]["reg"][0],
            0x1_0000_0000u64
        );
        assert_eq!(json["properties"]["compatible"][1], "three");
    }
}
