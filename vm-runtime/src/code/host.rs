//! Host code as text.

// HOST-ARCH: host code is that of the host.
#[cfg_attr(target_arch = "x86_64", path = "host/x86_64.rs")]
// HOST-ARCH: nothing here reads the code of other hosts yet.
#[cfg_attr(not(target_arch = "x86_64"), path = "host/elsewhere.rs")]
mod reader;

pub use reader::disassemble;

/// An instruction of the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInsn {
    /// Where in the code it begins.
    pub at: usize,
    /// Its length.
    pub bytes: usize,
    /// Its text; places in the code are told as distances from its beginning.
    pub text: String,
    /// What it reads, writes or calls in the CPU's struct, if that is certain.
    pub note: Option<String>,
}
