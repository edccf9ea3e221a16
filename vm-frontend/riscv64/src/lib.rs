//! RISC-V64: rows, registers, system state, page walk, traps.
