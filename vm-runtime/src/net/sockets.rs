//! Sockets of the host for the guest's network.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};
use vm_device_usernet::{Got, Host, Listener, Refusal, Socket};

use super::{PortForward, Protocol};
use crate::VmError;

/// How long listeners rest when the host has no more sockets.
const REST: Duration = Duration::from_millis(100);

/// An open socket.
enum Open {
    Stream(TcpStream),
    Datagrams(UdpSocket),
}

/// What listens.
enum Bound {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

/// All sockets; none of them blocks.
#[derive(Default)]
pub(super) struct Sockets {
    open: BTreeMap<Socket, Open>,
    next: u64,
    listeners: Vec<Bound>,
    rest_until: Option<Instant>,
}

impl Sockets {
    /// Begins to listen at these ports.
    pub fn listen(forwards: &[PortForward]) -> Result<Self, VmError> {
        let mut sockets = Self::default();
        for forward in forwards {
            let bound = bind(forward).map_err(|source| VmError::Forward {
                forward: *forward,
                source,
            })?;
            sockets.listeners.push(bound);
        }
        Ok(sockets)
    }

    /// What can be polled for a socket.
    pub fn fd(&self, socket: Socket) -> Option<BorrowedFd<'_>> {
        self.open.get(&socket).map(|open| match open {
            Open::Stream(stream) => stream.as_fd(),
            Open::Datagrams(socket) => socket.as_fd(),
        })
    }

    /// What can be polled for a listener; none while listeners rest.
    pub fn listener_fd(&self, listener: Listener) -> Option<BorrowedFd<'_>> {
        if self.rest().is_some() {
            return None;
        }
        self.listeners.get(listener.0).map(|bound| match bound {
            Bound::Tcp(listener) => listener.as_fd(),
            Bound::Udp(socket) => socket.as_fd(),
        })
    }

    /// How long listeners still rest.
    pub fn rest(&self) -> Option<Duration> {
        let left = self.rest_until?.saturating_duration_since(Instant::now());
        Some(left).filter(|left| !left.is_zero())
    }

    fn add(&mut self, open: Open) -> Socket {
        self.next += 1;
        let socket = Socket(self.next);
        self.open.insert(socket, open);
        socket
    }
}

fn bind(forward: &PortForward) -> std::io::Result<Bound> {
    let at = SocketAddr::new(forward.bind, forward.host);
    Ok(match forward.protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind(at)?;
            listener.set_nonblocking(true)?;
            Bound::Tcp(listener)
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(at)?;
            socket.set_nonblocking(true)?;
            Bound::Udp(socket)
        }
    })
}

/// A stream that is being connected.
fn begin(to: SocketAddr) -> Result<TcpStream, Refusal> {
    let family = match to {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None);
    let stream = TcpStream::from(socket.map_err(refusal)?);
    stream
        .set_nonblocking(true)
        .map_err(|_| Refusal::Unreachable)?;
    // Small writes of the guest leave at once, as it meant them to.
    let _ = stream.set_nodelay(true);
    match rustix::net::connect(&stream, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(stream),
        Err(error) => Err(refusal(error)),
    }
}

fn refusal(error: Errno) -> Refusal {
    if error == Errno::CONNREFUSED {
        Refusal::Refused
    } else {
        Refusal::Unreachable
    }
}

/// What reading or writing came to.
fn got(mut once: impl FnMut() -> std::io::Result<usize>) -> Got {
    loop {
        match once() {
            Ok(count) => return Got::Bytes(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Got::Nothing,
            Err(_) => return Got::Broken,
        }
    }
}

impl Host for Sockets {
    fn connect(&mut self, to: SocketAddr) -> Result<Socket, Refusal> {
        begin(to).map(|stream| self.add(Open::Stream(stream)))
    }

    fn connected(&mut self, socket: Socket) -> Option<Result<(), Refusal>> {
        let Some(Open::Stream(stream)) = self.open.get(&socket) else {
            return Some(Err(Refusal::Unreachable));
        };
        match stream.take_error() {
            Ok(None) => {}
            Ok(Some(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                return Some(Err(Refusal::Refused));
            }
            _ => return Some(Err(Refusal::Unreachable)),
        }
        stream.peer_addr().is_ok().then_some(Ok(()))
    }

    fn datagrams(&mut self, to: SocketAddr) -> Option<Socket> {
        let any = match to {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        let socket = UdpSocket::bind(any).ok()?;
        socket.set_nonblocking(true).ok()?;
        // Connected: the host's kernel keeps all other senders away.
        socket.connect(to).ok()?;
        Some(self.add(Open::Datagrams(socket)))
    }

    fn read(&mut self, socket: Socket, into: &mut [u8]) -> Got {
        match self.open.get(&socket) {
            Some(Open::Stream(stream)) => match got(|| (&mut &*stream).read(into)) {
                Got::Bytes(0) => Got::End,
                other => other,
            },
            Some(Open::Datagrams(socket)) => got(|| socket.recv(into)),
            None => Got::Broken,
        }
    }

    fn write(&mut self, socket: Socket, bytes: &[u8]) -> Got {
        match self.open.get(&socket) {
            Some(Open::Stream(stream)) => got(|| (&mut &*stream).write(bytes)),
            Some(Open::Datagrams(socket)) => got(|| socket.send(bytes)),
            None => Got::Broken,
        }
    }

    fn end_writing(&mut self, socket: Socket) {
        if let Some(Open::Stream(stream)) = self.open.get(&socket) {
            // A connection that is broken already has told its peer more than this.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, socket: Socket, abort: bool) {
        if let (Some(Open::Stream(stream)), true) = (self.open.remove(&socket), abort) {
            // Without lingering the peer is told that this was no orderly end.
            let _ = sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        }
    }

    fn accept(&mut self, listener: Listener) -> Option<Socket> {
        let Some(Bound::Tcp(bound)) = self.listeners.get(listener.0) else {
            return None;
        };
        match bound.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(true).ok()?;
                let _ = stream.set_nodelay(true);
                Some(self.add(Open::Stream(stream)))
            }
            Err(error) => {
                let usual = [ErrorKind::WouldBlock, ErrorKind::Interrupted];
                if !usual.contains(&error.kind()) {
                    // Without a file descriptor for it the caller stays where he is.
                    self.rest_until = Some(Instant::now() + REST);
                }
                None
            }
        }
    }

    fn receive(&mut self, listener: Listener, into: &mut [u8]) -> Option<(usize, SocketAddr)> {
        match self.listeners.get(listener.0) {
            Some(Bound::Udp(socket)) => socket.recv_from(into).ok(),
            _ => None,
        }
    }

    fn send(&mut self, listener: Listener, to: SocketAddr, bytes: &[u8]) {
        if let Some(Bound::Udp(socket)) = self.listeners.get(listener.0) {
            // A datagram that can not be sent is lost, as datagrams are.
            let _ = socket.send_to(bytes, to);
        }
    }
}
