//! Tests of the network as a whole, seen from the guest's card and from the host's sockets.

mod calls;
mod connections;
mod datagrams;
mod limits;
mod local;
mod storm;
