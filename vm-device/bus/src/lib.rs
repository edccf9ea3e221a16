//! The device trait, the bus, interrupt lines, back ends.
