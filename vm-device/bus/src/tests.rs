//! Tests of routing, wiring and saving.
