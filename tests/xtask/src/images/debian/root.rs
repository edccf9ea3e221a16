//! What the packages' own scripts would do, had they been run: the scripts are programs of the
//! guest, and nothing of the guest runs here.

use anyhow::Result;

use super::accounts;
use super::tree::Tree;

/// The file system's identity, which the boot loader's configuration names.
pub const ROOT_UUID: &str = "7b6f0a5e-2f0e-4c57-9b1d-64656269616e";

/// Folders that hold nothing that a test machine reads.
const UNREAD: &[&str] = &[
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
];

/// Units that are of no use here: there is no swap to hibernate to, no trusted platform module
/// and no other format of programs; nobody configures kernel objects; and the indexes of
/// libraries, hardware and messages are not made.
const MASKED: &[&str] = &[
    "ldconfig.service",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-kernel-config.mount",
    "systemd-hibernate-clear.service",
    "systemd-hwdb-update.service",
    "systemd-journal-catalog-update.service",
    "systemd-pstore.service",
    "systemd-tpm2-setup.service",
    "systemd-tpm2-setup-early.service",
    "tmp.mount",
];

/// The blanks in the templates of package libpam-runtime, and what its own tool fills in.
const PAM: &[(&str, &str, &str)] = &[
    (
        "common-account",
        "account",
        "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so",
    ),
    (
        "common-auth",
        "auth",
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok",
    ),
    (
        "common-password",
        "password",
        "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt",
    ),
    (
        "common-session",
        "session",
        "session\t[default=1]\tpam_permit.so",
    ),
    (
        "common-session-noninteractive",
        "session_nonint",
        "session\t[default=1]\tpam_permit.so",
    ),
];

/// Files of the machine's owner.
const OWN: &[(&str, &str)] = &[
    ("etc/hostname", "debian\n"),
    (
        "etc/hosts",
        "127.0.0.1\tlocalhost debian\n::1\t\tlocalhost\n",
    ),
    // A machine that has one is not at its first boot.
    ("etc/machine-id", "6465626961006d009d00746573740001\n"),
    ("etc/locale.conf", "LANG=C.UTF-8\n"),
    ("etc/timezone", "Etc/UTC\n"),
    (
        "etc/shells",
        "/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n",
    ),
    ("etc/environment", ""),
    ("etc/adjtime", "0.0 0 0.0\n0\nUTC\n"),
];

/// Turns the unpacked packages into a system that boots.
pub fn configure(tree: &mut Tree, release: &str) -> Result<()> {
    tree.keep(|name| !UNREAD.contains(&name));
    accounts::write(tree)?;
    for (from, to) in [
        ("usr/share/base-files/dot.profile", "root/.profile"),
        ("usr/share/base-files/dot.bashrc", "root/.bashrc"),
        ("usr/share/base-files/profile", "etc/profile"),
        ("usr/share/base-files/motd", "etc/motd"),
        ("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"),
    ] {
        let text = tree.read(from)?.to_vec();
        tree.file(to, 0o644, text)?;
    }
    for (name, blank, line) in PAM {
        let template = tree.text(&format!("usr/share/pam/{name}"))?;
        let more = match *blank {
            "session" | "session_nonint" => "session\trequired\tpam_unix.so",
            _ => "",
        };
        let text = template
            .replace(&format!("${blank}_primary"), line)
            .replace(&format!("${blank}_additional"), more);
        tree.file(&format!("etc/pam.d/{name}"), 0o644, text)?;
    }
    for (name, text) in OWN {
        tree.file(name, 0o644, *text)?;
    }
    tree.file(
        "etc/fstab",
        0o644,
        format!("UUID={ROOT_UUID} / ext4 errors=remount-ro 0 0\n"),
    )?;
    for folder in ["media", "mnt", "opt", "srv", "var/opt"] {
        tree.folder(folder, 0o755)?;
    }
    tree.link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")?;
    tree.link("usr/bin/awk", "mawk")?;
    tree.link("usr/bin/pager", "more")?;
    for unit in MASKED {
        tree.link(&format!("etc/systemd/system/{unit}"), "/dev/null")?;
    }
    // What has to be done once after an update of /usr has been done here.
    for folder in ["etc", "var"] {
        tree.file(&format!("{folder}/.updated"), 0o644, "")?;
    }
    boot_menu(tree, release)
}

/// The menu as the package u-boot-menu writes it, and the links in the root folder that Debian
/// has for older boot loaders.
fn boot_menu(tree: &mut Tree, release: &str) -> Result<()> {
    let (kernel, initrd) = (
        format!("vmlinux-{release}"),
        format!("initrd.img-{release}"),
    );
    let menu = format!(
        "## /boot/extlinux/extlinux.conf\n\
         \n\
         default l0\n\
         menu title U-Boot menu\n\
         prompt 1\n\
         timeout 50\n\
         \n\
         \n\
         label l0\n\
         \tmenu label Debian GNU/Linux 13 (trixie) {release}\n\
         \tlinux /boot/{kernel}\n\
         \tinitrd /boot/{initrd}\n\
         \tappend {append}\n\
         \n\
         label l0r\n\
         \tmenu label Debian GNU/Linux 13 (trixie) {release} (rescue target)\n\
         \tlinux /boot/{kernel}\n\
         \tinitrd /boot/{initrd}\n\
         \tappend {append} single\n",
        append = format_args!("root=UUID={ROOT_UUID} ro console=ttyS0"),
    );
    tree.file("boot/extlinux/extlinux.conf", 0o644, menu)?;
    tree.link("vmlinuz", &format!("boot/{kernel}"))?;
    tree.link("initrd.img", &format!("boot/{initrd}"))
}
