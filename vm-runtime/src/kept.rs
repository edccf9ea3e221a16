//! Files that a restart needs again.
//!
//! The guest has to find at every restart what it was started with. A copy in memory would be as
//! large as kernel and RAM disk together for as long as the machine runs, and a mapping would end
//! the process when somebody cuts the file off. So a file is held open and read again, and it has
//! to be what it was.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use vm_core::StateHash;

use crate::VmError;

/// The largest file that is read.
// LIMIT: kernels and RAM disks beyond this do not fit the memory of any machine we test on.
const FILE_LIMIT: u64 = 4 << 30;

/// A file that gives the same bytes as often as it is read.
pub struct Kept {
    path: PathBuf,
    /// What it means that it can not be read.
    what: &'static str,
    content: Content,
}

enum Content {
    /// Held open, so that a file that was removed, or another put in its place, is still there;
    /// with the hash of what was read first.
    File(File, Option<u64>),
    /// A pipe has given all it had; what is built in needs no file.
    Bytes(Cow<'static, [u8]>),
}

impl Kept {
    /// Opens a file; what is no file, like a pipe, is read at once.
    pub fn open(path: &Path, what: &'static str) -> Result<Self, VmError> {
        let file = open(path, what)?;
        let known = file.metadata().map_err(VmError::file(path, what))?;
        let content = if known.is_file() {
            Content::File(file, None)
        } else {
            Content::Bytes(read_all(&file, path, what)?.into())
        };
        let path = path.to_owned();
        Ok(Self {
            path,
            what,
            content,
        })
    }

    /// What is part of the program; `name` is for messages.
    pub fn built_in(name: &str, bytes: &'static [u8]) -> Self {
        Self {
            path: PathBuf::from(name),
            what: "",
            content: Content::Bytes(bytes.into()),
        }
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of it.
    pub fn read(&mut self) -> Result<Vec<u8>, VmError> {
        let (mut file, before) = match &mut self.content {
            Content::File(file, before) => (&*file, before),
            Content::Bytes(bytes) => return Ok(bytes.to_vec()),
        };
        let begin = file.seek(SeekFrom::Start(0));
        begin.map_err(VmError::file(&self.path, self.what))?;
        let bytes = read_all(file, &self.path, self.what)?;
        let mut hash = StateHash::new();
        hash.bytes(&bytes);
        let hash = hash.finish();
        if *before.get_or_insert(hash) == hash {
            Ok(bytes)
        } else {
            let path = self.path.clone();
            Err(VmError::FileChanged { path })
        }
    }
}

/// Reads a whole file of a sensible size.
pub fn read_file(path: &Path, what: &'static str) -> Result<Vec<u8>, VmError> {
    read_all(&open(path, what)?, path, what)
}

fn open(path: &Path, what: &'static str) -> Result<File, VmError> {
    File::open(path).map_err(VmError::file(path, what))
}

/// Reads what is left of a file.
fn read_all(file: &File, path: &Path, what: &'static str) -> Result<Vec<u8>, VmError> {
    let wrong = |source: std::io::Error| VmError::file(path, what)(source);
    let too_large = |bytes: u64| VmError::FileSize {
        path: path.to_owned(),
        bytes,
        limit: FILE_LIMIT,
    };
    let known = file.metadata().map_err(wrong)?;
    if known.is_dir() {
        return Err(wrong(std::io::ErrorKind::IsADirectory.into()));
    }
    if known.len() > FILE_LIMIT {
        return Err(too_large(known.len()));
    }
    let mut bytes = Vec::new();
    let room = bytes.try_reserve_exact(known.len() as usize);
    room.map_err(|_| wrong(std::io::ErrorKind::OutOfMemory.into()))?;
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    const WHAT: &str = "can not be read";

    #[test]
    fn a_file_is_what_it_was_or_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let other = folder.path().join("other");
        let check = |about: &str, is_same: bool, change: &dyn Fn()| {
            fs::write(&path, b"what it was").expect("a file");
            let mut kept = Kept::open(&path, WHAT).expect("it is there");
            for _ in 0..2 {
                assert_eq!(kept.read().expect("unchanged"), b"what it was");
            }
            change();
            match kept.read() {
                Ok(bytes) => assert!(is_same && bytes == b"what it was", "{about}"),
                Err(VmError::FileChanged { path: named }) => {
                    assert!(!is_same && named == path, "{about}");
                }
                Err(error) => panic!("{about}: {error}"),
            }
        };
        let write = |bytes: &[u8]| fs::write(&path, bytes).expect("a file");
        check("left alone", true, &|| ());
        check("written anew with the same", true, &|| {
            write(b"what it was");
        });
        check("removed", true, &|| fs::remove_file(&path).expect("a file"));
        check("replaced", true, &|| {
            fs::write(&other, b"another").expect("a file");
            fs::rename(&other, &path).expect("a name");
        });
        check("of the same length", false, &|| write(b"what it is!"));
        check("longer", false, &|| write(b"what it was, and more"));
        check("cut off", false, &|| write(b"what"));
        check("empty", false, &|| write(b""));
    }

    #[test]
    fn what_is_there_only_once_is_kept() {
        let (read, mut write) = std::io::pipe().expect("a pipe");
        // As a shell names what another program writes.
        let path = PathBuf::from(format!(
            "/dev/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(&read)
        ));
        write.write_all(b"once").expect("it has room");
        drop(write);
        let mut pipe = Kept::open(&path, WHAT).expect("a pipe");
        let mut built_in = Kept::built_in("name", b"always");
        for _ in 0..2 {
            assert_eq!(pipe.read().expect("it is kept"), b"once");
            assert_eq!(built_in.read().expect("it is kept"), b"always");
        }
    }
}
