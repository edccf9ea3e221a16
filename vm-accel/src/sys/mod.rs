//! The part that only one operating system has: one file a system, chosen here.

// HOST-ARCH: the bindings of KVM know three host processors; any other Linux host has no KVM
// that we could talk to.
#[cfg_attr(
    all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64"
        )
    ),
    path = "linux.rs"
)]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(target_os = "windows", path = "windows.rs")]
mod other;

pub(crate) use other::ask;
