//! A file system in memory, between the packages it comes from and the disk it goes to.
//!
//! Owners and modes are numbers in it, so nothing has to be done as another user, and its order
//! is that of the names, so the same content always gives the same disk.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

/// The latest time that a file may have: the first second of 2026, when runs in virtual time
/// begin, so that no file is from the future.
pub const LATEST: u64 = 1_767_225_600;

/// A file, a folder or a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Permissions, with the bits for set-user-id and the like.
    pub mode: u32,
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// When it was last written, in seconds since 1970.
    pub mtime: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file with its content.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Link(String),
}

/// A file system; names have no slash at either end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// All nodes in the order of their names; a folder comes before what is in it.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// Adds or replaces a node; a folder that is there keeps its own facts.
    pub fn insert(&mut self, name: &str, mut node: Node) -> Result<()> {
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            bail!("{name:?} is not the name of a file in a tree");
        }
        node.mtime = node.mtime.min(LATEST);
        match self.nodes.get(name) {
            Some(there) if there.kind == Kind::Folder && node.kind == Kind::Folder => {}
            Some(there) if (there.kind == Kind::Folder) != (node.kind == Kind::Folder) => {
                bail!("{name} is a folder in one place and none in another");
            }
            _ => drop(self.nodes.insert(name.to_owned(), node)),
        }
        Ok(())
    }

    /// A file of root's, with its folders.
    pub fn file(&mut self, name: &str, mode: u32, data: impl Into<Vec<u8>>) -> Result<()> {
        self.parents(name)?;
        self.insert(name, own(mode, Kind::File(data.into())))
    }

    /// A folder of root's, with those above it.
    pub fn folder(&mut self, name: &str, mode: u32) -> Result<()> {
        self.parents(name)?;
        self.insert(name, own(mode, Kind::Folder))
    }

    /// A symbolic link, with its folders.
    pub fn link(&mut self, name: &str, target: &str) -> Result<()> {
        self.parents(name)?;
        self.insert(name, own(0o777, Kind::Link(target.to_owned())))
    }

    /// Changes who owns a node and what may be done with it.
    pub fn own(&mut self, name: &str, uid: u32, gid: u32, mode: u32) -> Result<()> {
        let node = self.nodes.get_mut(name);
        let node = node.with_context(|| format!("there is no {name} in the tree"))?;
        (node.uid, node.gid, node.mode) = (uid, gid, mode);
        Ok(())
    }

    /// The content of a file.
    pub fn read(&self, name: &str) -> Result<&[u8]> {
        match self.nodes.get(name).map(|node| &node.kind) {
            Some(Kind::File(data)) => Ok(data),
            _ => bail!("there is no file {name} in the tree"),
        }
    }

    /// The content of a file as text.
    pub fn text(&self, name: &str) -> Result<&str> {
        std::str::from_utf8(self.read(name)?).with_context(|| format!("{name} is not text"))
    }

    /// Whether there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    /// Removes all nodes, with what is below them, whose name is not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.nodes.retain(|name, _| {
            let mut above = name.match_indices('/').map(|(at, _)| &name[..at]);
            wanted(name) && above.all(&wanted)
        });
    }

    fn parents(&mut self, name: &str) -> Result<()> {
        for (at, _) in name.match_indices('/') {
            if !self.nodes.contains_key(&name[..at]) {
                self.insert(&name[..at], own(0o755, Kind::Folder))?;
            }
        }
        Ok(())
    }
}

fn own(mode: u32, kind: Kind) -> Node {
    Node {
        mode,
        uid: 0,
        gid: 0,
        mtime: LATEST,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, LATEST, Node, Tree};

    fn names(tree: &Tree) -> Vec<&str> {
        tree.nodes().map(|(name, _)| name).collect()
    }

    #[test]
    fn folders_come_before_what_is_in_them() {
        let mut tree = Tree::default();
        tree.file("a/b/c", 0o644, "x").expect("new");
        tree.file("a-b", 0o644, "y").expect("new");
        tree.link("a/l", "b/c").expect("new");
        assert_eq!(names(&tree), ["a", "a-b", "a/b", "a/b/c", "a/l"]);
        assert_eq!(tree.text("a/b/c").expect("there"), "x");
        assert!(tree.read("a/l").is_err() && tree.read("a").is_err());
    }

    #[test]
    fn what_is_unwanted_goes_with_all_below_it() {
        let mut tree = Tree::default();
        for name in ["doc/x/y", "doc-base/x", "docs/z", "e"] {
            tree.file(name, 0o644, "").expect("new");
        }
        // In the order of names `doc-base` stands between `doc` and what is in it.
        tree.keep(|name| name != "doc" && name != "doc-base");
        assert_eq!(names(&tree), ["docs", "docs/z", "e"]);
    }

    #[test]
    fn names_times_and_kinds_are_checked() {
        let node = |kind| Node {
            mode: 0o755,
            uid: 1,
            gid: 2,
            mtime: u64::MAX,
            kind,
        };
        let mut tree = Tree::default();
        for name in ["", "a//b", "../a", "a/."] {
            assert!(tree.insert(name, node(Kind::Folder)).is_err(), "{name:?}");
        }
        tree.insert("a", node(Kind::Folder)).expect("new");
        tree.folder("a", 0o700).expect("there");
        let (_, there) = tree.nodes().next().expect("one");
        assert_eq!((there.mode, there.uid, there.mtime), (0o755, 1, LATEST));
        assert!(tree.file("a", 0o644, "").is_err());
        assert!(tree.own("b", 0, 0, 0).is_err());
    }
}
