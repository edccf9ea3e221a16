//! A machine's description of itself: the tree that FDT or ACPI is made from.

/// A node of the description, in device-tree terms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// The name, with its unit address (`serial@10000000`).
    pub name: String,
    /// The properties, in order.
    pub values: Vec<(String, Value)>,
    /// The nodes below.
    pub children: Vec<Node>,
}

/// A property's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Present, without a value.
    Flag,
    /// 32-bit cells.
    Cells(Vec<u32>),
    /// 64-bit numbers, each two cells.
    Wide(Vec<u64>),
    /// Strings.
    Text(Vec<String>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A reference to the node with this label, as a phandle.
    Phandle(u32),
}

/// Where a device stands in its machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Site {
    /// The first address.
    pub base: u64,
    /// The length of its region.
    pub bytes: u64,
    /// The interrupts it is wired to, in the order of its output lines.
    pub interrupts: Interrupts,
    /// The phandle that others use to refer to it.
    pub phandle: u32,
    /// The phandles of the CPUs' interrupt controllers, in the order of the CPUs.
    pub cpus: Vec<u32>,
}

/// The interrupts of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interrupts {
    /// The phandle of the controller.
    pub parent: u32,
    /// The cells of each interrupt, as the controller's binding demands.
    pub cells: Vec<Vec<u32>>,
}

impl Node {
    /// An empty node.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// A node for the device at this site, with its `reg`.
    #[must_use]
    pub fn at(name: &str, site: &Site) -> Self {
        Self::new(format!("{name}@{:x}", site.base)).wide("reg", &[site.base, site.bytes])
    }

    /// With one property more.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.values.push((name.to_owned(), value));
        self
    }

    /// With a property without a value.
    #[must_use]
    pub fn flag(self, name: &str) -> Self {
        self.with(name, Value::Flag)
    }

    /// With a property of 32-bit cells.
    #[must_use]
    pub fn cells(self, name: &str, cells: &[u32]) -> Self {
        self.with(name, Value::Cells(cells.to_vec()))
    }

    /// With a property of 64-bit numbers.
    #[must_use]
    pub fn wide(self, name: &str, numbers: &[u64]) -> Self {
        self.with(name, Value::Wide(numbers.to_vec()))
    }

    /// With a property of strings.
    #[must_use]
    pub fn text(self, name: &str, strings: &[&str]) -> Self {
        self.with(
            name,
            Value::Text(strings.iter().map(|s| (*s).to_owned()).collect()),
        )
    }

    /// With the interrupts of its site, if it has any.
    #[must_use]
    pub fn interrupts(self, site: &Site) -> Self {
        if site.interrupts.cells.is_empty() {
            return self;
        }
        self.with("interrupt-parent", Value::Phandle(site.interrupts.parent))
            .cells("interrupts", &site.interrupts.cells.concat())
    }

    /// With a node below.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The node below that has this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The value of a property.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }
}
