//! A network for one guest that needs no privileges: frames go in, frames come out, and whatever
//! lies outside is reached through sockets of the host, which stand behind the trait [`Host`].
//!
//! The guest sees a small network, 10.0.2.0/24, as other emulators have it: itself at 10.0.2.15,
//! a gateway at 10.0.2.2 and a name server at 10.0.2.3.
//! [`Stack`] answers what belongs to that network (ARP, DHCP, ICMP echo, its own names), ends
//! TCP connections with a TCP of its own and starts others from the host in their place, and does
//! the same with UDP datagrams.
//! It makes no socket, reads no clock and starts no thread: who owns it does, and tells it the
//! time and which sockets are ready.
//! Only IPv4 is carried.
//!
//! **Invariant**: nothing that a guest or a peer sends makes it panic, and all tables have a
//! bound; who goes beyond one loses the oldest of his own.
//!
//! **Invariant**: of the host's own services a guest reaches only those behind the gateway's
//! address, and of its link nothing.

mod dhcp;
mod dns;
mod fragment;
mod host;
mod icmp;
mod output;
mod plan;
mod stack;
mod tcp;
mod tcp_flow;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod udp;
mod wire;

pub use host::{Got, Host, Interest, Listener, Refusal, Socket};
pub use plan::{Forward, GATEWAY, GUEST, NAMES, Plan, Protocol};
pub use stack::Stack;
