//! Project tasks: tidy, images, coverage, bench, bless.

fn main() {}
