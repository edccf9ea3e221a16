//! Device trees.

use vm_device_boot::fdt::{blob, bytes, json, text};
use vm_device_bus::{Node, Value};
use vm_device_machine::riscv64_virt::Chosen;

use crate::Feed;
use crate::wires::Wired;

/// The deepest nest of nodes.
const DEPTH: u32 = 8;

/// The first byte chooses: any tree, or a machine's with this command line.
pub fn run(input: &[u8]) {
    let mut feed = Feed::new(input);
    if feed.once_in(4) {
        let wired = Wired::new(1 + u32::from(feed.u8() % 8));
        let initrd = feed.odd();
        let tree = wired.machine.tree(&Chosen {
            initrd: (initrd != 0).then_some(initrd..initrd.saturating_add(u64::from(feed.u16()))),
            seed: feed.bytes(32).to_vec(),
            command_line: String::from_utf8_lossy(feed.rest()).into_owned(),
        });
        check(&tree);
    } else {
        check(&node(&mut feed, "", DEPTH));
    }
}

fn check(tree: &Node) {
    let _ = (text(tree), json(tree).to_string());
    if let Ok(blob) = blob(tree) {
        let mut lines = Vec::new();
        expect(tree, &mut lines);
        assert_eq!(read(&blob).as_deref(), Some(&lines[..]));
    }
}

fn node(feed: &mut Feed, name: &str, depth: u32) -> Node {
    let mut out = Node::new(name);
    for _ in 0..feed.u8() % 4 {
        let value = match feed.u8() % 6 {
            0 => Value::Flag,
            1 => Value::Cells(vec![feed.u32(); usize::from(feed.u8() % 4)]),
            2 => Value::Wide(vec![feed.u64(); usize::from(feed.u8() % 4)]),
            3 => Value::Text(vec![word(feed); usize::from(feed.u8() % 3)]),
            4 => Value::Bytes(feed.bytes(9).to_vec()),
            _ => Value::Phandle(feed.u32()),
        };
        let name = word(feed);
        out = out.with(&name, value);
    }
    if depth > 0 {
        for _ in 0..feed.u8() % 3 {
            let name = word(feed);
            out = out.child(node(feed, &name, depth - 1));
        }
    }
    out
}

fn word(feed: &mut Feed) -> String {
    let most = usize::from(feed.u8() % 40);
    String::from_utf8_lossy(feed.bytes(most)).into_owned()
}

/// A tree as lines: names, properties as bytes, ends.
fn expect(tree: &Node, lines: &mut Vec<Vec<u8>>) {
    lines.push(tree.name.clone().into_bytes());
    for (name, value) in &tree.values {
        lines.push([name.as_bytes(), &bytes(value)].concat());
    }
    for child in &tree.children {
        expect(child, lines);
    }
    lines.push(vec![b'}']);
}

/// Reads a blob by the Devicetree Specification, version 0.4, chapter 5.
fn read(blob: &[u8]) -> Option<Vec<Vec<u8>>> {
    let word = |at: usize| Some(u32::from_be_bytes(blob.get(at..at + 4)?.try_into().ok()?));
    let string = |at: usize| {
        let from = blob.get(at..)?;
        from.get(..from.iter().position(|byte| *byte == 0)?)
    };
    let (mut at, strings) = (word(8)? as usize, word(12)? as usize);
    let mut lines = Vec::new();
    loop {
        let tag = word(at)?;
        at += 4;
        match tag {
            1 => {
                let name = string(at)?;
                at += (name.len() + 4) & !3;
                lines.push(name.to_vec());
            }
            2 => lines.push(vec![b'}']),
            3 => {
                let (length, name) = (word(at)? as usize, word(at + 4)? as usize);
                let value = blob.get(at + 8..at + 8 + length)?;
                at += 8 + ((length + 3) & !3);
                lines.push([string(strings + name)?, value].concat());
            }
            9 => return Some(lines),
            _ => return None,
        }
    }
}
