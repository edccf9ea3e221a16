//! The table of images and the packages they are made from.

use std::path::Path;

use anyhow::Result;

use super::build::Trees;
use super::{debian, initrd, program, recipes};

/// A Debian package that images are made from.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// `name` (this host's architecture) or `name:architecture`.
    pub name: &'static str,
    /// Which package files that name means.
    pub extent: Extent,
    /// Patterns of the members to unpack; none means all.
    pub members: &'static [&'static str],
}

/// Which package files a package's name means.
#[derive(Debug, PartialEq, Eq)]
pub enum Extent {
    /// The one of that name.
    Itself,
    /// The dependency of that name that begins so: the package is a meta package.
    StandsFor(&'static str),
    /// The one of that name and all it depends on, down to the C library.
    Closure,
    /// All these and what they depend on, as a machine of the guest's architecture has them
    /// installed; the files stay packed, because owners and modes count.
    System(&'static [&'static [&'static str]]),
}

/// One image.
pub struct Product {
    /// Its path below the image folder.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Counts up when the way it is made changes.
    pub recipe: u32,
    /// Our own files that go into it.
    pub inputs: &'static [&'static str],
    /// The packages it is made from.
    pub packages: &'static [&'static Package],
    /// A program that has to be on the machine to make it.
    pub tool: Option<&'static str>,
    /// Whether it is made only when it is named.
    pub on_request: bool,
    make: fn(&Trees, &Path) -> Result<()>,
}

impl Product {
    /// Makes the image as file `out`.
    pub fn make(&self, trees: &Trees, out: &Path) -> Result<()> {
        (self.make)(trees, out)
    }
}

/// The stock kernel and its modules.
pub static KERNEL: Package = Package {
    name: "linux-image-riscv64:riscv64",
    extent: Extent::StandsFor("linux-image-"),
    members: &["./boot/vmlinux-*", "./usr/lib/modules/*"],
};
/// The guest's commands.
pub static BUSYBOX: Package = busybox("busybox-static:riscv64");
/// The host's own, for its decompressor.
pub static HOST_BUSYBOX: Package = busybox("busybox-static");
/// An installed system with systemd, on which one can log in.
pub static DEBIAN: Package = whole("debian", Extent::System(&[debian::SYSTEM]));
/// The same with a compiler and an interpreter, to measure with.
pub static DEBIAN_BENCH: Package = whole(
    "debian-bench",
    Extent::System(&[debian::SYSTEM, debian::BENCH]),
);
/// A compiler and an interpreter, to measure with.
pub static PROGRAMS: Package = whole("programs", Extent::System(&[debian::PACKAGES]));
/// The host's programs that make and check file systems, of the guest's release.
pub static E2FSPROGS: Package = whole("e2fsprogs", Extent::Closure);
/// With which these read archives.
pub static LIBARCHIVE: Package = whole("libarchive13t64", Extent::Closure);
/// The host's program that makes the index of kernel modules.
pub static KMOD: Package = whole("kmod", Extent::Closure);
/// Firmware.
pub static OPENSBI: Package = Package {
    name: "opensbi",
    extent: Extent::Itself,
    members: &["./usr/lib/riscv64-linux-gnu/opensbi/generic/*.bin"],
};
/// User emulators, statically linked.
pub static QEMU_USER: Package = Package {
    name: "qemu-user",
    extent: Extent::Itself,
    members: &["./usr/bin/qemu-riscv64", "./usr/bin/qemu-aarch64"],
};
/// The system emulator and the libraries it is linked with.
pub static QEMU_SYSTEM: Package = whole("qemu-system-riscv", Extent::Closure);

const fn busybox(name: &'static str) -> Package {
    Package {
        name,
        extent: Extent::Itself,
        members: &["./usr/bin/busybox"],
    }
}

/// Packages of which every file is wanted.
const fn whole(name: &'static str, extent: Extent) -> Package {
    Package {
        name,
        extent,
        members: &[],
    }
}

/// What a disk with an installed system is made from.
const fn disk(system: &'static Package) -> [&'static Package; 7] {
    [
        system,
        &KERNEL,
        &BUSYBOX,
        &HOST_BUSYBOX,
        &E2FSPROGS,
        &LIBARCHIVE,
        &KMOD,
    ]
}

/// What RAM disks are made from.
const RAM_DISK: &[&Package] = &[&KERNEL, &BUSYBOX, &HOST_BUSYBOX];

/// Every image there is. The kernel package's System.map is a note that the real one is
/// elsewhere, so it is not among them.
pub const PRODUCTS: &[Product] = &[
    Product {
        name: "riscv64/kernel",
        doc: "the stock Debian 13 riscv64 kernel, a flat Image",
        recipe: 1,
        inputs: &[],
        packages: &[&KERNEL],
        tool: None,
        on_request: false,
        make: recipes::kernel,
    },
    Product {
        name: "riscv64/initrd-ready.cpio.gz",
        doc: "busybox initramfs that reports VM-READY, then does what vmtest= says",
        recipe: 1,
        inputs: &[initrd::INIT],
        packages: RAM_DISK,
        tool: None,
        on_request: false,
        make: recipes::initrd_ready,
    },
    Product {
        name: "riscv64/initrd-bench.cpio.gz",
        doc: "the same with the bench program in it, for vmtest=bench",
        recipe: 1,
        inputs: program::INPUTS,
        packages: RAM_DISK,
        tool: Some(program::GUEST_COMPILER),
        on_request: false,
        make: recipes::initrd_bench,
    },
    Product {
        name: "riscv64/debian-initrd.cpio.gz",
        doc: "the initial RAM disk of the Debian disks: finds the root and starts its init",
        recipe: 1,
        inputs: &[debian::INIT],
        packages: RAM_DISK,
        tool: None,
        on_request: false,
        make: debian::ram_disk,
    },
    Product {
        name: "riscv64/debian.img",
        doc: "a disk with an installed Debian 13: systemd, and root logs in without a password",
        recipe: 1,
        inputs: debian::INPUTS,
        packages: &disk(&DEBIAN),
        tool: None,
        on_request: false,
        make: debian::small_disk,
    },
    Product {
        name: "riscv64/debian-bench.img",
        doc: "the same, larger, with gcc and python3 (made only when it is named)",
        recipe: 1,
        inputs: debian::INPUTS,
        packages: &disk(&DEBIAN_BENCH),
        tool: None,
        on_request: true,
        make: debian::large_disk,
    },
    Product {
        name: "riscv64/initrd-programs.cpio",
        doc: "busybox initramfs with gcc and python3, for vmtest=bench (made when it is named)",
        recipe: 1,
        inputs: debian::PROGRAM_INPUTS,
        packages: &[&PROGRAMS, &KERNEL, &BUSYBOX, &HOST_BUSYBOX],
        tool: None,
        on_request: true,
        make: debian::programs,
    },
    Product {
        name: "riscv64/opensbi.bin",
        doc: "Debian's OpenSBI, generic platform, fw_dynamic (the caller says where to go next)",
        recipe: 1,
        inputs: &[],
        packages: &[&OPENSBI],
        tool: None,
        on_request: false,
        make: recipes::opensbi_dynamic,
    },
    Product {
        name: "riscv64/opensbi-jump.bin",
        doc: "Debian's OpenSBI, generic platform, fw_jump (goes on at a fixed address)",
        recipe: 1,
        inputs: &[],
        packages: &[&OPENSBI],
        tool: None,
        on_request: false,
        make: recipes::opensbi_jump,
    },
    Product {
        name: "host/bench",
        doc: "the bench program for this host",
        recipe: 1,
        inputs: program::INPUTS,
        packages: &[],
        tool: Some(program::HOST_COMPILER),
        on_request: false,
        make: recipes::host_bench,
    },
    Product {
        name: "qemu/qemu-riscv64",
        doc: "QEMU 10 user emulator for riscv64 programs, static: the outside judge",
        recipe: 1,
        inputs: &[],
        packages: &[&QEMU_USER],
        tool: None,
        on_request: false,
        make: recipes::qemu_riscv64,
    },
    Product {
        name: "qemu/qemu-aarch64",
        doc: "QEMU 10 user emulator for aarch64 programs, static: the outside judge",
        recipe: 1,
        inputs: &[],
        packages: &[&QEMU_USER],
        tool: None,
        on_request: false,
        make: recipes::qemu_aarch64,
    },
    Product {
        name: "qemu/system",
        doc: "a folder with QEMU 10's qemu-system-riscv64 and its libraries, run in place",
        recipe: 2,
        inputs: &[],
        packages: &[&QEMU_SYSTEM],
        tool: None,
        on_request: false,
        make: recipes::qemu_system,
    },
];

#[cfg(test)]
mod tests {
    use super::PRODUCTS;

    #[test]
    fn rows_are_complete() {
        for (index, product) in PRODUCTS.iter().enumerate() {
            assert!(
                product.name.contains('/'),
                "{} is in no folder",
                product.name
            );
            assert!(!product.doc.is_empty(), "{}", product.name);
            assert!(
                PRODUCTS[..index]
                    .iter()
                    .all(|other| other.name != product.name)
            );
        }
    }
}
