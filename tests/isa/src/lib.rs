//! Case files of every guest ISA.
