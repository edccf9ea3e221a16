//! Every operation in every type, compiled alone and run, against the table.

mod bench;
mod float;
mod integer;
mod spoil;

pub(super) use spoil::spoil;
