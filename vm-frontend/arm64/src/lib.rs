//! ARM64: rows, registers.
