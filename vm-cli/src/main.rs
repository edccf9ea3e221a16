//! The command vm.

fn main() {}
