//! A reader for flattened device trees: "Devicetree Specification", version 0.4, chapter 5.
//!
//! It never copies and never trusts an offset; whatever does not parse ends the walk.

use crate::mmio;

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
/// LIMIT: no tree of a machine with a few harts comes near this size.
const MAX_BYTES: usize = 1 << 20;
/// LIMIT: the trees of these machines are four deep.
const MAX_DEPTH: usize = 8;

/// A device tree in memory.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
    /// Bytes from header to end.
    pub bytes: usize,
}

/// How many 32-bit cells an address and a size take below some node.
#[derive(Clone, Copy)]
struct Cells {
    address: usize,
    size: usize,
}

/// One node, with the properties that follow it.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// Zero for the root.
    pub depth: usize,
    /// The name with its unit address.
    pub name: &'a str,
    properties: Properties<'a>,
    cells: Cells,
}

/// The big-endian word at `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}

/// The text up to the first NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    core::str::from_utf8(bytes.get(..end)?).ok()
}

/// The number in one or two cells.
pub fn number(value: &[u8]) -> Option<u64> {
    match value.len() {
        4 => word(value, 0).map(u64::from),
        8 => Some(u64::from(word(value, 0)?) << 32 | u64::from(word(value, 4)?)),
        _ => None,
    }
}

impl Tree<'static> {
    /// The tree at `address`, if there is one.
    pub fn at(address: usize) -> Option<Self> {
        if address == 0 || !address.is_multiple_of(4) {
            return None;
        }
        let header = mmio::firmware_bytes(address, 40);
        let bytes = word(header, 4)? as usize;
        if word(header, 0)? != MAGIC || !(40..=MAX_BYTES).contains(&bytes) {
            return None;
        }
        let whole = mmio::firmware_bytes(address, bytes);
        Some(Self {
            structure: whole.get(word(header, 8)? as usize..)?,
            strings: whole.get(word(header, 12)? as usize..)?,
            bytes,
        })
    }
}

impl<'a> Tree<'a> {
    /// All nodes in the order of the tree.
    pub fn nodes(self) -> Nodes<'a> {
        let cells = [Cells {
            address: 2,
            size: 1,
        }; MAX_DEPTH];
        Nodes {
            tree: self,
            position: 0,
            depth: 0,
            cells,
        }
    }
}

/// The walk over all nodes.
pub struct Nodes<'a> {
    tree: Tree<'a>,
    position: usize,
    depth: usize,
    cells: [Cells; MAX_DEPTH],
}

impl<'a> Nodes<'a> {
    fn enter(&mut self) -> Option<Node<'a>> {
        let name = text(self.tree.structure.get(self.position..)?)?;
        self.position = (self.position + name.len() + 1).next_multiple_of(4);
        let properties = Properties {
            tree: self.tree,
            position: self.position,
        };
        let cells = *self.cells.get(self.depth)?;
        let node = Node {
            depth: self.depth,
            name,
            properties,
            cells,
        };
        self.depth += 1;
        let count = |name, usual| {
            node.property(name)
                .and_then(number)
                .map_or(usual, |n| n as usize)
        };
        *self.cells.get_mut(self.depth)? = Cells {
            address: count("#address-cells", 2),
            size: count("#size-cells", 1),
        };
        Some(node)
    }
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let token = word(self.tree.structure, self.position)?;
            self.position += 4;
            match token {
                BEGIN_NODE => return self.enter(),
                END_NODE => self.depth = self.depth.checked_sub(1)?,
                PROPERTY => {
                    let length = word(self.tree.structure, self.position)? as usize;
                    self.position = self.position.checked_add(length)?.next_multiple_of(4) + 8;
                }
                NOP => {}
                _ => return None,
            }
        }
    }
}

/// The walk over the properties of one node.
#[derive(Clone, Copy)]
pub struct Properties<'a> {
    tree: Tree<'a>,
    position: usize,
}

impl<'a> Iterator for Properties<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = word(self.tree.structure, self.position)?;
            self.position += 4;
            match token {
                NOP => {}
                PROPERTY => break,
                _ => return None,
            }
        }
        let length = word(self.tree.structure, self.position)? as usize;
        let name = word(self.tree.structure, self.position + 4)? as usize;
        let start = self.position + 8;
        let value = self.tree.structure.get(start..start.checked_add(length)?)?;
        self.position = (start + length).next_multiple_of(4);
        Some((text(self.tree.strings.get(name..)?)?, value))
    }
}

impl<'a> Node<'a> {
    /// The bytes of a property.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        self.properties
            .into_iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// A property that is one or two cells.
    pub fn number(&self, name: &str) -> Option<u64> {
        number(self.property(name)?)
    }

    /// The first string of a property.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        text(self.property(name)?)
    }

    /// Whether `compatible` lists this device.
    pub fn is(&self, device: &str) -> bool {
        self.property("compatible").is_some_and(|list| {
            list.split(|&byte| byte == 0)
                .any(|one| one == device.as_bytes())
        })
    }

    /// The first range of `reg`: (start, bytes).
    pub fn range(&self) -> Option<(usize, usize)> {
        let value = self.property("reg")?;
        let (address, rest) = value.split_at_checked(self.cells.address.checked_mul(4)?)?;
        let size = rest.get(..self.cells.size.checked_mul(4)?)?;
        Some((
            number(address)? as usize,
            number(size).unwrap_or(0) as usize,
        ))
    }
}
