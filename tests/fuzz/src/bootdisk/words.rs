//! Words of the languages of boot configurations.

/// Words of GRUB's language.
#[rustfmt::skip] // A list of words.
pub const GRUB: &[&str] = &[
    "\n", " ", ";", "{ ", " }\n", "'", "\"", "$", "${", "}", "\\", "#",
    "menuentry ", "submenu ", "'a' ", "\"b $x\" ", "--id ", "--class c ", "--id=i ", "--unrestricted ",
    "if ", "then\n", "elif ", "else\n", "fi\n", "function f ", "f ", "for ", "while ", "until ",
    "linux /k ", "linux /boot/vmlinuz-6.1 root=/dev/vda1 ", "linuxefi ($root)/k ", "initrd /initrd.img ",
    "initrd /boot/initrd.img-6.1 ", "devicetree /k\n", "insmod ext2\n", "echo ",
    "set ", "unset ", "x=", "default=", "root=", "hd0,gpt2", "hd0,msdos1", "hd0", "prefix=", "(hd0,1)/",
    "[ ", "]", "test ", "-n ", "-z ", "-f ", "-s ", "-d ", "-e ", "! ", "-o ", "-a ", "= ", "!= ", "< ", "> ",
    "-eq ", "-ne ", "-lt ", "-le ", "-gt ", "-ge ", "/k ", "/boot ", "1 ", "0", "a",
    "search ", "--fs-uuid ", "--label ", "--file ", "--set ", "--set=root ", "--hint h ", "--no-floppy ",
    "01020304-0506-0708-090a-0b0c0d0e0f10 ", "1234-ABCD ", "LABEL ",
    "search.fs_uuid ", "search.fs_label ", "search.file ",
    "load_env ", "-f /boot/grub/grubenv ", "saved_entry ", "saved_entry=", "source ", "configfile ",
    "/grub/other.cfg ", "/boot/grub/grub.cfg ", "$x ", "$@ ", "$# ", "$1 ", "$? ", "${x}", "\"$x\" ", "${default}",
    "menuentry 'm' { linux /k x\ninitrd /initrd.img }\n", "submenu 's' {\n", "a>b", "s>m",
    "# GRUB Environment Block\n", "true ", "x=$x$x$x\n", "function g { ", "g $1\n",
];

/// Words of the Boot Loader Specification's files.
#[rustfmt::skip] // A list of words.
pub const BLS: &[&str] = &[
    "\n", " ", "title ", "version ", "6.12 ", "6.9~rc1 ", "machine-id ", "sort-key ", "linux /k\n", "linux ",
    "linux /vmlinuz-6.1\n", "initrd /initrd.img\n", "initrd ", "uki /EFI/Linux/b+0-3.efi\n", "efi ", "options ",
    "root=/dev/vda1 ", "$kernelopts ", "$x ", "devicetree /k\n", "devicetree-overlay ", "architecture riscv64\n",
    "architecture x64\n", "architecture ", "aa64", "default ", "*", "?", "@saved", "b", "a.conf", "b.conf", "timeout 3\n", "# ", "/k",
];

/// Words of `extlinux.conf`.
#[rustfmt::skip] // A list of words.
pub const EXTLINUX: &[&str] = &[
    "\n", " ", "default l0\n", "default ", "ontimeout ", "label l0\n", "label l1\n", "LABEL ", "menu label ^A\n", "menu default\n",
    "menu title T\n", "linux /k\n", "kernel ../k\n", "kernel ", "initrd /initrd.img\n", "initrd a,b\n", "append root=/dev/vda1\n",
    "append ", "initrd=/a,/b ", "fdt /k\n", "devicetree ", "fdtdir x\n", "# ", "/boot/vmlinuz-6.1\n", "prompt 0\n", "x",
];

/// Words of `os-release` and of command lines.
#[rustfmt::skip] // A list of words.
pub const RELEASE: &[&str] = &[
    "\n", " ", "ID=debian\n", "IMAGE_ID=", "PRETTY_NAME=\"Debian 13\"\n", "NAME='N'\n", "VERSION_ID=", "BUILD_ID=2\n", "13",
    "root=/dev/vda2 quiet", "6.12.48", "\0", "=", "\"",
];
