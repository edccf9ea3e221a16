//! The numbers of the helpers, and what each takes, does and answers.
//!
//! A row calls a helper by these numbers; `helpers` holds the functions in the same order.
//! A helper that takes `insn` uses it as the trap value of an illegal-instruction exception.
//! Rights that the [`Mode`](crate::slots::Mode) bits show are checked by the row, so helpers that
//! do not say "may trap" never do.

/// `()`: makes the floating-point state dirty (`mstatus.FS` = 3); answers 0.
pub const FLOAT_DIRTY: u32 = 0;

/// `(csr, insn)`: answers the CSR's value; writes nothing. May trap (illegal instruction).
pub const CSR_READ: u32 = 1;

/// `(csr, value, insn)`: writes the CSR without reading it; answers 0. May trap.
pub const CSR_WRITE: u32 = 2;

/// `(csr, value, insn)`: writes the CSR; answers its old value. May trap.
pub const CSR_SWAP: u32 = 3;

/// `(csr, mask, insn)`: sets the CSR's bits that `mask` has; answers its old value. It is a write
/// even if `mask` is zero. May trap.
pub const CSR_SET: u32 = 4;

/// `(csr, mask, insn)`: clears the CSR's bits that `mask` has; answers its old value. It is a
/// write even if `mask` is zero. May trap.
pub const CSR_CLEAR: u32 = 5;

/// `()`: returns from a machine-mode trap: privilege, `mstatus`, program counter; answers 0.
pub const MRET: u32 = 6;

/// `()`: returns from a supervisor-mode trap: privilege, `mstatus`, program counter; answers 0.
pub const SRET: u32 = 7;

/// `()`: waits for an interrupt ([`Request::Idle`](vm_ir::Request::Idle)) unless one is pending
/// that ends the wait; answers 0.
pub const WFI: u32 = 8;

/// `(addr, asid, given)`: forgets translations; bit 0 of `given` says that there is an address
/// (`rs1` is not `x0`), bit 1 that there is an address space (`rs2` is not `x0`). Answers 0.
/// `sinval.vma` calls it too.
pub const SFENCE_VMA: u32 = 9;

/// `()`: calls the built-in firmware ([`Request::Call`](vm_ir::Request::Call)); its arguments and
/// answers are in the integer registers, and the program goes on behind the call. Answers 0.
pub const FIRMWARE_CALL: u32 = 10;

/// `(short)`: the hart waits for a change of its reserved memory, at most a short time if `short`
/// is 1; it may go on at once. Answers 0.
pub const WRS: u32 = 11;

/// `(addr)`: traps with a store fault (access or page) and the value `addr` unless the hart may
/// load or store there, as `cbo.clean`, `cbo.flush` and `cbo.inval` demand; answers 0. May trap.
pub const CACHE_BLOCK: u32 = 12;

/// How many helpers there are.
pub const COUNT: usize = 13;
