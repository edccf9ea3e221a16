//! Each operation of the shared IR as Cranelift instructions.
