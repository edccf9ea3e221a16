//! Composition: VM life cycle, scheduling, host files, snapshots.
