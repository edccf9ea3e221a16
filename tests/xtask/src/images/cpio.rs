//! Writes the "newc" cpio format that Linux unpacks into its initramfs.
//!
//! The format is described in the kernel's documentation, driver-api/early-userspace,
//! "initramfs buffer format": a header of 110 ASCII characters, the name, the data, each padded
//! to four bytes. Owner, times and inode numbers are fixed, so the same content gives the same
//! bytes on every machine.

/// File type bits of the mode field.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// An archive that grows one entry at a time; parents have to come before their children.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// A directory that all may read.
    pub fn directory(&mut self, name: &str) {
        self.entry(name, DIRECTORY | 0o755, (0, 0), &[]);
    }

    /// A file; `mode` holds its permission bits.
    pub fn file(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entry(name, REGULAR | mode, (0, 0), data);
    }

    /// A symbolic link.
    pub fn symlink(&mut self, name: &str, target: &str) {
        self.entry(name, SYMLINK | 0o777, (0, 0), target.as_bytes());
    }

    /// A character device.
    pub fn device(&mut self, name: &str, mode: u32, major: u32, minor: u32) {
        self.entry(name, CHARACTER | mode, (major, minor), &[]);
    }

    /// The finished archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.header("TRAILER!!!", 0, 0, (0, 0), 0);
        // Some readers want whole blocks of 512 bytes.
        let len = self.bytes.len().next_multiple_of(512);
        self.bytes.resize(len, 0);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) {
        let len = u32::try_from(data.len()).expect("an initramfs member is below 4 GiB");
        self.entries += 1;
        self.header(name, self.entries, mode, device, len);
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn header(&mut self, name: &str, inode: u32, mode: u32, device: (u32, u32), len: u32) {
        let name_len = u32::try_from(name.len() + 1).expect("a name is short");
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let (uid, gid, mtime, check) = (0, 0, 0, 0);
        let fields = [
            inode, mode, uid, gid, links, mtime, len, 0, 0, device.0, device.1, name_len, check,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
    }

    fn pad(&mut self) {
        let len = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn one_file_byte_for_byte() {
        let mut archive = Archive::default();
        archive.file("init", 0o755, b"hello");
        let bytes = archive.finish();
        let header = "070701\
                      00000001000081ed0000000000000000\
                      00000001000000000000000500000000\
                      00000000000000000000000000000005\
                      00000000init\0";
        // The header and the name are 115 bytes; one more brings the data to a multiple of four.
        assert_eq!(&bytes[..115], header.as_bytes());
        assert_eq!(&bytes[115..124], b"\0hello\0\0\0");
        assert_eq!(&bytes[124..130], b"070701");
        assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
        assert_eq!(bytes.len() % 512, 0);
    }

    #[test]
    fn kinds_have_their_type_bits() {
        let mut archive = Archive::default();
        archive.directory("d");
        archive.symlink("s", "d");
        archive.device("c", 0o600, 5, 1);
        let text = String::from_utf8(archive.finish()).expect("ASCII");
        let headers: Vec<_> = text
            .match_indices("070701")
            .map(|(at, _)| &text[at..])
            .collect();
        let modes: Vec<_> = headers.iter().map(|header| &header[14..22]).collect();
        assert_eq!(modes, ["000041ed", "0000a1ff", "00002180", "00000000"]);
        assert_eq!(&headers[2][78..94], "0000000500000001");
    }
}
