//! The words all others share: addresses, clock, events, traps, exits, the state format.
