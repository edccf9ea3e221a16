//! Machines: memory map and devices as one table.
