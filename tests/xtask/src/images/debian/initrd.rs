//! The initial RAM disk of an installed system: finds the root and hands over.

use crate::images::initrd::Contents;

/// Its init script.
pub const INIT: &str = include_str!("../../../../guests/debian/init");

/// What stands between the stock kernel and an ext4 file system on a virtio disk. The checksum
/// module is named because ext4 asks for it by its function, which the kernel leaves to a tool.
pub const MODULES: &[&str] = &["virtio_mmio", "virtio_blk", "crc32c_generic", "ext4"];

const APPLETS: &[&str] = &[
    "cat",
    "echo",
    "findfs",
    "insmod",
    "mount",
    "sh",
    "sleep",
    "switch_root",
];

const FOLDERS: &[&str] = &["bin", "dev", "lib", "lib/modules", "mnt", "proc", "sys"];

/// What is in it.
pub fn contents() -> Contents<'static> {
    Contents {
        init: INIT,
        folders: FOLDERS,
        applets: APPLETS,
        modules: MODULES,
        extra: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{APPLETS, INIT};

    #[test]
    fn the_script_calls_only_what_is_linked() {
        for applet in APPLETS {
            assert!(INIT.contains(applet), "{applet} is no longer used");
        }
    }
}
