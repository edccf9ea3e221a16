//! Reads the tar archives inside packages, and writes one for the program that makes the file
//! system.
//!
//! The format is the POSIX "ustar" header (POSIX.1-2017, `pax`, "ustar Interchange Format") with
//! GNU's entries `L` and `K` for long names; nothing else stands in packages, and anything else
//! is an error.

use std::io::Read;

use anyhow::{Context as _, Result, bail};

use super::tree::{Kind, Node, Tree};

const BLOCK: usize = 512;
/// The longest name or link target.
// LIMIT: that of a path in Linux.
const NAME_LIMIT: u64 = 4096;
/// The largest file.
// LIMIT: a compiler is some 40 MiB.
const FILE_LIMIT: u64 = 1 << 30;

/// Adds what stands in an archive to a tree.
pub fn read(mut from: impl Read, tree: &mut Tree) -> Result<()> {
    let (mut long_name, mut long_link) = (None, None);
    loop {
        let mut header = [0; BLOCK];
        from.read_exact(&mut header).context("reading an archive")?;
        if header == [0; BLOCK] {
            return std::io::copy(&mut from, &mut std::io::sink())
                .map(drop)
                .context("reading an archive's end");
        }
        let header = Header(header);
        header.check()?;
        let bytes = header.number(124, 12)?;
        match header.0[156] {
            b'L' => long_name = Some(name_in(&data(&mut from, bytes, NAME_LIMIT)?)?),
            b'K' => long_link = Some(name_in(&data(&mut from, bytes, NAME_LIMIT)?)?),
            kind => {
                let name = long_name.take().map_or_else(|| header.name(), Ok)?;
                let link = long_link.take();
                let link = link.map_or_else(|| header.text(157, 100), Ok)?;
                let data = data(&mut from, bytes, FILE_LIMIT)?;
                let name = name.trim_start_matches("./").trim_matches('/');
                if matches!(name, "" | ".") {
                    continue;
                }
                let kind = match kind {
                    b'0' | 0 => Kind::File(data),
                    b'2' => Kind::Link(link),
                    b'5' => Kind::Folder,
                    // The same file again; disks are made without such links.
                    b'1' => Kind::File(tree.read(link.trim_start_matches("./"))?.to_vec()),
                    other => bail!("{name} is of the unknown kind {:?}", char::from(other)),
                };
                tree.insert(name, header.node(kind)?)?;
            }
        }
    }
}

struct Header([u8; BLOCK]);

impl Header {
    fn check(&self) -> Result<()> {
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        let field: u64 = self.0[148..156].iter().map(|byte| u64::from(*byte)).sum();
        // The sum is taken as if its own field held blanks.
        if sum - field + 8 * u64::from(b' ') != self.number(148, 8)? {
            bail!("a header of the archive is damaged");
        }
        Ok(())
    }

    fn text(&self, at: usize, len: usize) -> Result<String> {
        name_in(&self.0[at..at + len])
    }

    fn number(&self, at: usize, len: usize) -> Result<u64> {
        let text = self.text(at, len)?;
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Ok(0);
        }
        u64::from_str_radix(text, 8).with_context(|| format!("{text:?} is not octal"))
    }

    fn name(&self) -> Result<String> {
        let (name, prefix) = (self.text(0, 100)?, self.text(345, 155)?);
        // GNU's own archives use the place of the prefix for other things.
        let posix = &self.0[257..263] == b"ustar\0";
        Ok(if posix && !prefix.is_empty() {
            format!("{prefix}/{name}")
        } else {
            name
        })
    }

    fn node(&self, kind: Kind) -> Result<Node> {
        let small = |at| u32::try_from(self.number(at, 8)?).context("a number is too large");
        Ok(Node {
            mode: small(100)? & 0o7777,
            uid: small(108)?,
            gid: small(116)?,
            mtime: self.number(136, 12)?,
            kind,
        })
    }
}

/// What stands before the first NUL.
fn name_in(bytes: &[u8]) -> Result<String> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let name = &bytes[..end.unwrap_or(bytes.len())];
    String::from_utf8(name.to_vec()).context("a name in the archive is not UTF-8")
}

/// The content of an entry, and what fills its last block.
fn data(from: &mut impl Read, bytes: u64, limit: u64) -> Result<Vec<u8>> {
    if bytes > limit {
        bail!("an entry of the archive has {bytes} bytes, more than {limit}");
    }
    let mut data = Vec::new();
    let padded = bytes.next_multiple_of(BLOCK as u64);
    from.take(padded).read_to_end(&mut data)?;
    if data.len() as u64 != padded {
        bail!("the archive is cut off");
    }
    data.truncate(bytes as usize);
    Ok(data)
}

/// The tree as an archive.
pub fn write(tree: &Tree) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (name, node) in tree.nodes() {
        let name = match node.kind {
            Kind::Folder => format!("./{name}/"),
            _ => format!("./{name}"),
        };
        let (kind, data, link) = match &node.kind {
            Kind::Folder => (b'5', &[][..], ""),
            Kind::File(data) => (b'0', &data[..], ""),
            Kind::Link(target) => (b'2', &[][..], target.as_str()),
        };
        for (kind, long) in [(b'K', link), (b'L', name.as_str())] {
            if long.len() > 100 {
                let text = [long.as_bytes(), &[0]].concat();
                entry(&mut out, "././@LongLink", kind, "", None, &text)?;
            }
        }
        entry(&mut out, &name, kind, link, Some(node), data)?;
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn entry(
    out: &mut Vec<u8>,
    name: &str,
    kind: u8,
    link: &str,
    node: Option<&Node>,
    data: &[u8],
) -> Result<()> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    let (mode, uid, gid, mtime) = node.map_or((0o644, 0, 0, 0), |node| {
        (node.mode, node.uid, node.gid, node.mtime)
    });
    put(100, format!("{mode:07o}").as_bytes());
    put(108, format!("{uid:07o}").as_bytes());
    put(116, format!("{gid:07o}").as_bytes());
    put(124, format!("{:011o}", data.len()).as_bytes());
    put(136, format!("{mtime:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, &link.as_bytes()[..link.len().min(100)]);
    put(257, b"ustar  \0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend(header);
    out.extend(data);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    if out.len() as u64 > 4 * FILE_LIMIT {
        bail!("the archive is too large");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{read, write};

    fn sample() -> Tree {
        let mut tree = Tree::default();
        let long = format!("usr/{}/{}", "d".repeat(90), "f".repeat(90));
        tree.file(&long, 0o644, vec![7; 1000]).expect("new");
        tree.file("usr/bin/su", 0o4755, "program").expect("new");
        tree.own("usr/bin/su", 0, 42, 0o4755).expect("there");
        tree.link("bin", "usr/bin").expect("new");
        tree.link("far", &"t/".repeat(80)).expect("new");
        tree.folder("tmp", 0o1777).expect("new");
        tree
    }

    #[test]
    fn what_is_written_is_read_again() {
        let archive = write(&sample()).expect("written");
        let mut got = Tree::default();
        read(&archive[..], &mut got).expect("read");
        assert_eq!(got, sample());
    }

    #[test]
    fn other_programs_read_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.tar");
        std::fs::write(&file, write(&sample()).expect("written")).expect("write");
        let list = std::process::Command::new("tar")
            .args(["--numeric-owner", "-tvf"])
            .arg(&file)
            .output()
            .expect("tar starts");
        let text = String::from_utf8_lossy(&list.stdout).into_owned();
        assert!(list.status.success() && list.stderr.is_empty(), "{text}");
        for want in [
            "-rwsr-xr-x 0/42 ",
            " ./bin -> usr/bin\n",
            "drwxrwxrwt 0/0 ",
            &format!("{}\n", "f".repeat(90)),
            &format!(" -> {}\n", "t/".repeat(80)),
        ] {
            assert!(text.contains(want), "no {want:?} in\n{text}");
        }
    }

    #[test]
    fn damage_is_noticed() {
        let archive = write(&sample()).expect("written");
        for (at, what) in [(0, "a name"), (126, "a size"), (150, "a checksum")] {
            let mut bad = archive.clone();
            bad[at] ^= 1;
            assert!(read(&bad[..], &mut Tree::default()).is_err(), "{what}");
        }
        for len in [0, 100, 600, archive.len() - 1100] {
            let cut = &archive[..len];
            assert!(read(cut, &mut Tree::default()).is_err(), "{len}");
        }
    }
}
