//! The handlers against the operation table, without any guest architecture.

mod deaths;
mod machine;
mod ops;
// HOST-ARCH: reads x86-64 machine code from an ELF file; another host needs its own decoder.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod shape;
