//! Exceptions by their vectors: Intel SDM volume 3, table 7-1.

/// Divide error.
pub const DIVIDE: u32 = 0;
/// Breakpoint (`int3`).
pub const BREAKPOINT: u32 = 3;
/// Invalid opcode.
pub const INVALID_OPCODE: u32 = 6;
/// General protection.
pub const PROTECTION: u32 = 13;
/// Page fault; the value is the address.
pub const PAGE_FAULT: u32 = 14;
/// `syscall`: no exception on hardware; whoever runs a program without a kernel takes it here.
pub const SYSCALL: u32 = 0x100;

/// The name of a vector.
pub(crate) fn name(cause: u32) -> String {
    let name = match cause {
        DIVIDE => "#DE divide error",
        BREAKPOINT => "#BP breakpoint",
        INVALID_OPCODE => "#UD invalid opcode",
        PROTECTION => "#GP general protection",
        PAGE_FAULT => "#PF page fault",
        SYSCALL => "system call",
        _ => return format!("vector {cause}"),
    };
    name.to_owned()
}
