//! The host's sockets, as the stack uses them.

use std::net::{SocketAddr, SocketAddrV4};

/// Names a socket of the host for as long as it is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Socket(pub u64);

/// Names something that listens: its place in [`crate::Plan::forwards`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Listener(pub usize);

/// What came of reading or writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Got {
    /// So many bytes were moved.
    Bytes(usize),
    /// It would have to wait.
    Nothing,
    /// The peer sends no more.
    End,
    /// The connection is broken.
    Broken,
}

/// Why a connection can not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Nobody listens there.
    Refused,
    /// There is no way to there, or nobody answers.
    Unreachable,
}

/// What the stack waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    /// A socket that can be read, or written, or both.
    Socket {
        /// Which one.
        socket: Socket,
        /// That bytes or an end can be read.
        read: bool,
        /// That bytes can be written, or that it is connected.
        write: bool,
    },
    /// Somebody who calls.
    Listener(Listener),
}

/// Sockets of the host; nothing here blocks.
pub trait Host {
    /// Begins to connect.
    fn connect(&mut self, to: SocketAddr) -> Result<Socket, Refusal>;

    /// Whether a connection that was begun stands; nothing while that is open.
    fn connected(&mut self, socket: Socket) -> Option<Result<(), Refusal>>;

    /// A socket for datagrams to and from this address alone.
    fn datagrams(&mut self, to: SocketAddr) -> Option<Socket>;

    /// Reads bytes, or one datagram.
    fn read(&mut self, socket: Socket, into: &mut [u8]) -> Got;

    /// Writes bytes, or one datagram.
    fn write(&mut self, socket: Socket, bytes: &[u8]) -> Got;

    /// Tells the peer that no more will be written.
    fn end_writing(&mut self, socket: Socket);

    /// Closes a socket; `abort` tells the peer that something went wrong.
    fn close(&mut self, socket: Socket, abort: bool);

    /// The next connection that somebody has made to a listener.
    fn accept(&mut self, listener: Listener) -> Option<Socket>;

    /// The next datagram that came to a listener, its length and who sent it.
    fn receive(&mut self, listener: Listener, into: &mut [u8]) -> Option<(usize, SocketAddr)>;

    /// Sends a datagram from a listener.
    fn send(&mut self, listener: Listener, to: SocketAddr, bytes: &[u8]);
}

/// Both ends of a conversation, as the guest sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub(crate) struct Ends {
    pub guest: SocketAddrV4,
    pub remote: SocketAddrV4,
}
