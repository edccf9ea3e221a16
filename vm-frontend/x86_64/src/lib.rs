//! x86-64: rows, registers; decoding by iced-x86.
