//! What a guest has written to a throw-away disk.
//!
//! The blocks stand at their own places in a file without a name, which is gone when the run is
//! over; the map says which of them are there.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// The unit in which the map counts.
const BLOCK: u64 = 4096;
/// Blocks of one entry of the map.
const GROUP: u64 = 64;

/// How much a guest may write to all places of a throw-away disk together.
// LIMIT: a run of a test or a build writes some GiB; a guest must not fill the host's disk.
const MOST: u64 = 16 << 30;

/// The blocks that were written.
#[derive(Debug)]
pub struct Overlay {
    file: File,
    /// A bit for each block that is in the file, by groups of blocks.
    written: HashMap<u64, u64>,
    /// Bytes in the file, and how many there may be.
    bytes: u64,
    most: u64,
}

impl Overlay {
    /// Nothing is written; the file goes to this folder.
    pub fn new(folder: impl AsRef<Path>) -> io::Result<Self> {
        Self::with_limit(folder.as_ref(), MOST)
    }

    fn with_limit(folder: &Path, most: u64) -> io::Result<Self> {
        Ok(Self {
            file: nameless(folder)?,
            written: HashMap::new(),
            bytes: 0,
            most,
        })
    }

    /// Reads what was written here, and the rest from `base`.
    pub fn read(&self, base: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.pieces(at, bytes.len(), |range, place, here| {
            let part = &mut bytes[range];
            if here {
                self.file.read_exact_at(part, place)
            } else {
                base.read_exact_at(part, place)
            }
        })
    }

    /// Writes; what `base` has around it in the same blocks comes along.
    pub fn write(&mut self, base: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (first, last) = (at / BLOCK, (at + bytes.len() as u64 - 1) / BLOCK);
        let fresh = (first..=last).filter(|block| !self.has(*block)).count() as u64 * BLOCK;
        if self.bytes.saturating_add(fresh) > self.most {
            return Err(io::Error::from(io::ErrorKind::QuotaExceeded));
        }
        let end = at + bytes.len() as u64;
        for (block, cut) in [
            (first, !at.is_multiple_of(BLOCK)),
            (last, !end.is_multiple_of(BLOCK)),
        ] {
            if cut && !self.has(block) {
                self.bring(base, block)?;
            }
        }
        self.file.write_all_at(bytes, at)?;
        // Only what is in the file for certain is noted.
        (first..=last).for_each(|block| self.note(block));
        Ok(())
    }

    /// Copies a block of `base`, whose last one may be cut off.
    fn bring(&mut self, base: &File, block: u64) -> io::Result<()> {
        let mut whole = [0; BLOCK as usize];
        let mut filled = 0;
        while filled < whole.len() {
            let at = block * BLOCK + filled as u64;
            match base.read_at(&mut whole[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.file.write_all_at(&whole, block * BLOCK)
    }

    /// Calls `each` for pieces of a range that are all here or all not: where in the range, at
    /// which place, and whether here.
    fn pieces(
        &self,
        at: u64,
        len: usize,
        mut each: impl FnMut(std::ops::Range<usize>, u64, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let place = at + done as u64;
            let here = self.has(place / BLOCK);
            let mut end = done;
            while end < len && self.has((at + end as u64) / BLOCK) == here {
                let next = ((at + end as u64) / BLOCK + 1) * BLOCK;
                end = len.min((next - at) as usize);
            }
            each(done..end, place, here)?;
            done = end;
        }
        Ok(())
    }

    fn has(&self, block: u64) -> bool {
        let group = self.written.get(&(block / GROUP));
        group.is_some_and(|bits| bits >> (block % GROUP) & 1 == 1)
    }

    fn note(&mut self, block: u64) {
        let bits = self.written.entry(block / GROUP).or_default();
        let bit = 1 << (block % GROUP);
        if *bits & bit == 0 {
            *bits |= bit;
            self.bytes += BLOCK;
        }
    }
}

/// A new file that nobody else can find and that goes away by itself.
fn nameless(folder: &Path) -> io::Result<File> {
    for attempt in 0..100 {
        let name = format!("vm-{}-{attempt}.overlay", std::process::id());
        let path = folder.join(name);
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o600);
        match options.open(&path) {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const DISK: usize = 40 << 10;

    fn base() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("base");
        let content: Vec<u8> = (0..DISK).map(|at| (at / 512 + 1) as u8).collect();
        File::create(&path)
            .and_then(|mut file| file.write_all(&content))
            .expect("a file");
        let file = File::open(&path).expect("the file");
        (folder, file)
    }

    #[test]
    fn reads_see_the_last_write_and_else_the_base() {
        let (folder, base) = base();
        let mut overlay = Overlay::with_limit(folder.path(), MOST).expect("an overlay");
        let mut want = vec![0; DISK];
        base.read_exact_at(&mut want, 0).expect("the base");
        let untouched = want.clone();
        for (round, (at, len)) in [
            (0, 512),
            (512, 512),
            (3584, 1024),
            (8192, 8192),
            (1024, 20_480),
            (DISK - 512, 512),
            (0, 0),
        ]
        .into_iter()
        .enumerate()
        {
            let bytes = vec![100 + round as u8; len];
            overlay.write(&base, &bytes, at as u64).expect("a write");
            want[at..at + len].copy_from_slice(&bytes);
            for (at, len) in [(0, DISK), (at, len), (512, 8192), (3584, 30_000)] {
                let mut got = vec![0; len];
                overlay.read(&base, &mut got, at as u64).expect("a read");
                assert!(got == want[at..at + len], "round {round}, {len} at {at}");
            }
        }
        let mut now = vec![0; DISK];
        base.read_exact_at(&mut now, 0).expect("the base");
        assert_eq!(now, untouched);
        // Nothing of it is left in the folder.
        assert_eq!(
            std::fs::read_dir(folder.path())
                .expect("the folder")
                .count(),
            1
        );
    }

    #[test]
    fn what_is_written_has_a_bound() {
        let (folder, base) = base();
        let mut overlay = Overlay::with_limit(folder.path(), 2 * BLOCK).expect("an overlay");
        overlay.write(&base, &[1; 512], 0).expect("one block");
        overlay.write(&base, &[2; 512], 9000).expect("two blocks");
        overlay
            .write(&base, &[3; 4096], 0)
            .expect("a block that is there");
        let refused = overlay
            .write(&base, &[4; 512], 5000)
            .expect_err("a third block");
        assert_eq!(refused.kind(), io::ErrorKind::QuotaExceeded);
        let mut bytes = [0; 512];
        overlay.read(&base, &mut bytes, 5120).expect("a read");
        assert_eq!(bytes, [11; 512]);
    }
}
