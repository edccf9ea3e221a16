//! How the Debian disks are made.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::tree::{LATEST, Tree};
use super::{disk, root, tar};
use crate::images::build::Trees;
use crate::images::products::{
    BUSYBOX, DEBIAN, DEBIAN_BENCH, E2FSPROGS, HOST_BUSYBOX, KERNEL, KMOD, LIBARCHIVE, Package,
};
use crate::images::{apt, host, initrd, modules, recipes};

/// What is installed on the small disk; what these need comes with them.
pub const SYSTEM: &[&str] = &[
    "base-files",
    "base-passwd",
    "bash",
    "coreutils",
    "dash",
    "dbus",
    "e2fsprogs",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "iproute2",
    "kmod",
    "libc-bin",
    "libpam-modules",
    "libpam-runtime",
    "login",
    "mount",
    "ncurses-base",
    "netbase",
    "passwd",
    "procps",
    "sed",
    "systemd",
    "systemd-sysv",
    "udev",
    "util-linux",
];
/// What is installed on the large disk beside that.
pub const BENCH: &[&str] = &[
    "gcc",
    "libc6-dev",
    "make",
    "openssl",
    "python3-minimal",
    "tar",
];

/// What the disks are made by, so that a change of it makes them anew.
pub const INPUTS: &[&str] = &[
    super::INIT,
    include_str!("accounts.rs"),
    include_str!("disk.rs"),
    include_str!("initrd.rs"),
    include_str!("recipe.rs"),
    include_str!("root.rs"),
];

/// Modules that a system may ask for once its root is there.
const MODULES: &[&str] = &[
    "virtio_net",
    "virtio-rng",
    "virtio_balloon",
    "virtio_scsi",
    "virtio_input",
    "vmw_vsock_virtio_transport",
    "autofs4",
    "dm-mod",
    "loop",
    "9p",
    "9pnet_virtio",
    "overlay",
    "sd_mod",
    "vfat",
    "nls_ascii",
    "nls_cp437",
    "nvme",
];

/// The size of the small disk; three quarters are in use.
const DISK_BYTES: u64 = 384 << 20;
/// The size of the large disk.
const BENCH_DISK_BYTES: u64 = 1 << 30;

const DISK_GUID: &str = "9d4c1f6e-5a37-4f0b-8e55-64656269616e";
const PARTITION_GUID: &str = "c0a1d3b7-6f62-4f9e-a1c2-64656269616e";

/// The initial RAM disk alone.
pub fn ram_disk(trees: &Trees, out: &Path) -> Result<()> {
    Ok(fs::write(out, packed_ram_disk(trees)?)?)
}

/// The small disk.
pub fn small_disk(trees: &Trees, out: &Path) -> Result<()> {
    make(trees, &DEBIAN, DISK_BYTES, out)
}

/// The large disk.
pub fn large_disk(trees: &Trees, out: &Path) -> Result<()> {
    make(trees, &DEBIAN_BENCH, BENCH_DISK_BYTES, out)
}

fn make(trees: &Trees, system: &Package, bytes: u64, out: &Path) -> Result<()> {
    let kernel = recipes::only_file(&trees.of(&KERNEL).join("boot"))?;
    let name = kernel.file_name().context("a kernel has a name")?;
    let name = name.to_str().context("the kernel's name is not UTF-8")?;
    let release = name.strip_prefix("vmlinux-");
    let release = release.with_context(|| format!("{name} is no name of a kernel"))?;
    let mut tree = Tree::default();
    for file in trees.packed(system) {
        apt::with_files(file, |archive| tar::read(archive, &mut tree))?;
    }
    root::configure(&mut tree, release)?;
    tree.file(&format!("boot/{name}"), 0o644, fs::read(&kernel)?)?;
    let initrd = format!("boot/initrd.img-{release}");
    tree.file(&initrd, 0o644, packed_ram_disk(trees)?)?;
    add_modules(trees, &mut tree, release)?;
    file_system(trees, &tree, bytes, out)
}

fn packed_ram_disk(trees: &Trees) -> Result<Vec<u8>> {
    let busybox = |package| trees.of(package).join("usr/bin/busybox");
    initrd::build(
        &super::initrd::contents(),
        &busybox(&BUSYBOX),
        &trees.of(&KERNEL),
        &busybox(&HOST_BUSYBOX),
    )
}

/// The modules, as they come in their package, and the index that finds them.
fn add_modules(trees: &Trees, tree: &mut Tree, release: &str) -> Result<()> {
    let folder = trees.of(&KERNEL).join("usr/lib/modules").join(release);
    let busybox = trees.of(&HOST_BUSYBOX).join("usr/bin/busybox");
    let wanted: Vec<&str> = super::initrd::MODULES
        .iter()
        .chain(MODULES)
        .copied()
        .collect();
    let unxz = |file: &Path| initrd::decompress(&busybox, file);
    let order = modules::in_load_order(&folder, &wanted, unxz)?;
    let files = modules::files(&folder)?;
    let scratch = trees.scratch("modules")?;
    let copy = scratch.join("usr/lib/modules").join(release);
    std::os::unix::fs::symlink("usr/lib", scratch_link(&scratch)?)?;
    let builtin = [
        "modules.builtin",
        "modules.builtin.modinfo",
        "modules.order",
    ];
    let sources = order.iter().map(|module| files[&module.name].clone());
    for source in sources.chain(builtin.map(|name| folder.join(name))) {
        let to = copy.join(source.strip_prefix(&folder)?);
        fs::create_dir_all(to.parent().context("a module is in a folder")?)?;
        fs::copy(&source, to).with_context(|| format!("copying {}", source.display()))?;
    }
    let mut depmod = host::command(&[trees.of(&KMOD)], "usr/bin/kmod", "depmod")?;
    apt::run(depmod.arg("-b").arg(&scratch).arg(release))?;
    add_folder(tree, &copy, &format!("usr/lib/modules/{release}"))
}

/// Where the tool may look for modules beside `usr/lib`.
fn scratch_link(scratch: &Path) -> Result<std::path::PathBuf> {
    fs::create_dir_all(scratch.join("usr/lib"))?;
    Ok(scratch.join("lib"))
}

fn add_folder(tree: &mut Tree, from: &Path, name: &str) -> Result<()> {
    tree.folder(name, 0o755)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let own = path.file_name().and_then(|name| name.to_str());
        let name = format!("{name}/{}", own.context("a name of a module is not UTF-8")?);
        if path.is_dir() {
            add_folder(tree, &path, &name)?;
        } else {
            tree.file(&name, 0o644, fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// The tree as a disk, with times and identities that are the same in each run.
fn file_system(trees: &Trees, tree: &Tree, bytes: u64, out: &Path) -> Result<()> {
    let scratch = trees.scratch("disk")?;
    let archive = scratch.join("root.tar");
    fs::write(&archive, tar::write(tree)?)?;
    let file = disk::create(out, bytes)?;
    let tools = [trees.of(&E2FSPROGS), trees.of(&LIBARCHIVE)];
    let offset = disk::MARGIN;
    let options = format!(
        "offset={offset},hash_seed={},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
        root::ROOT_UUID
    );
    let mut mke2fs = host::command(&tools, "usr/sbin/mke2fs", "mke2fs")?;
    mke2fs
        .env("MKE2FS_CONFIG", tools[0].join("etc/mke2fs.conf"))
        .env("SOURCE_DATE_EPOCH", LATEST.to_string())
        .args([
            "-q",
            "-F",
            "-t",
            "ext4",
            "-L",
            "root",
            "-U",
            root::ROOT_UUID,
        ])
        .args(["-E", &options, "-d"])
        .arg(&archive)
        .arg(out)
        .arg(format!("{}k", disk::partition_bytes(bytes) / 1024));
    apt::run(&mut mke2fs)?;
    disk::write_tables(&file, bytes, DISK_GUID, PARTITION_GUID)?;
    // The judge of what was made.
    let mut e2fsck = host::command(&tools, "usr/sbin/e2fsck", "e2fsck")?;
    e2fsck
        .arg("-fn")
        .arg(format!("{}?offset={offset}", out.display()));
    apt::run(&mut e2fsck).map(drop)
}
