//! Mapping memory for host code, and advice about memory: one file an operating system, chosen
//! here.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(target_os = "windows", path = "windows.rs")]
mod other;

pub(crate) use other::{advise, enlarge, map, map_without_file, publish, unmap};
