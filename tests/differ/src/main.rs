//! Random encodings against outside judges.

fn main() {}
