//! The engine against the operation table and the reference run, without any guest architecture.

mod guest;
mod ops;
mod outside;
mod random;
// HOST-ARCH: reads x86-64 machine code from an ELF file; another host needs its own decoder.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod shape;
