//! The socket that a debugger connects to, and the thread that reads from it.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::Waker;

/// The port if none is given: the one that other emulators use.
const PORT: u16 = 1234;
/// How many pieces of input wait for a machine that does not look.
// LIMIT: of 4 KiB each; beyond that the other end waits.
const PIECES: usize = 64;
/// How long the other end may take to read an answer.
// LIMIT: a debugger that does not read must not hold the machine for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a debugger connects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// An address and a port.
    Net(SocketAddr),
    /// A socket in the file system.
    File(PathBuf),
}

impl Default for Address {
    fn default() -> Self {
        Self::Net((Ipv4Addr::LOCALHOST, PORT).into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Net(addr) => addr.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    /// A port, an address with a port, or a path.
    fn from_str(text: &str) -> Result<Self, String> {
        let local = |port| Self::Net((Ipv4Addr::LOCALHOST, port).into());
        let bare = text.strip_prefix("localhost").unwrap_or(text);
        let bare = bare.strip_prefix("tcp:").unwrap_or(bare);
        if let Ok(port) = bare.strip_prefix(':').unwrap_or(bare).parse() {
            return Ok(local(port));
        }
        if let Ok(addr) = bare.parse() {
            return Ok(Self::Net(addr));
        }
        let path = text.strip_prefix("unix:").unwrap_or(text);
        if path.contains('/') || path.ends_with(".sock") {
            return Ok(Self::File(PathBuf::from(path)));
        }
        Err(format!(
            "`{text}` is no address: write a port, ADDRESS:PORT, or a path with a / in it"
        ))
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum Stream {
    Net(TcpStream),
    File(UnixStream),
    /// No socket at all: what is sent is kept.
    Kept(Answers),
}

/// What was sent to somebody who said everything beforehand: see [`Server::prepared`].
#[derive(Clone, Debug, Default)]
pub struct Answers(Arc<Mutex<Vec<u8>>>);

impl Answers {
    /// All that was sent so far.
    #[must_use]
    pub fn all(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, bytes: &[u8]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
    }
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Net(stream) => Self::Net(stream.try_clone()?),
            Self::File(stream) => Self::File(stream.try_clone()?),
            Self::Kept(answers) => Self::Kept(answers.clone()),
        })
    }

    fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Net(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(PATIENCE))
            }
            Self::File(stream) => stream.set_write_timeout(Some(PATIENCE)),
            Self::Kept(_) => Ok(()),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Net(stream) => stream.read(into),
            Self::File(stream) => stream.read(into),
            Self::Kept(_) => Ok(0),
        }
    }

    /// Sends everything.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Net(stream) => stream.write_all(bytes),
            Self::File(stream) => stream.write_all(bytes),
            Self::Kept(answers) => {
                answers.add(bytes);
                Ok(())
            }
        }
    }

    /// Ends the connection.
    pub fn close(&self) {
        // The other end may have done so already.
        let _ = match self {
            Self::Net(stream) => stream.shutdown(std::net::Shutdown::Both),
            Self::File(stream) => stream.shutdown(std::net::Shutdown::Both),
            Self::Kept(_) => Ok(()),
        };
    }
}

/// What happens at the socket.
#[derive(Debug)]
pub(super) enum Event {
    /// Somebody has connected.
    Connected(Stream),
    /// Bytes have come.
    Bytes(Vec<u8>),
    /// The connection has ended.
    Gone,
}

enum Listener {
    Net(TcpListener),
    File(UnixListener),
}

impl Listener {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Net(listener) => listener.accept().map(|(stream, _)| Stream::Net(stream)),
            Self::File(listener) => listener.accept().map(|(stream, _)| Stream::File(stream)),
        }
    }
}

/// A socket with its thread.
#[derive(Debug)]
pub struct Server {
    pub(super) events: Receiver<Event>,
    address: Address,
}

impl Server {
    /// Listens; `waker` is woken whenever something happens.
    ///
    /// The thread is never joined: waiting for a connection can not be called off, and the end of
    /// the process ends it.
    pub fn listen(address: &Address, waker: Waker) -> io::Result<Self> {
        let (listener, address) = match address {
            Address::Net(addr) => {
                let listener = TcpListener::bind(addr)?;
                let bound = Address::Net(listener.local_addr()?);
                (Listener::Net(listener), bound)
            }
            Address::File(path) => {
                // What a run that was killed has left behind; one that lives answers.
                let left = UnixStream::connect(path);
                if left.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                    std::fs::remove_file(path)?;
                }
                (Listener::File(UnixListener::bind(path)?), address.clone())
            }
        };
        let (sender, events) = sync_channel(PIECES);
        thread::Builder::new()
            .name("gdb".to_owned())
            .spawn(move || serve(&listener, &sender, &waker))?;
        Ok(Self { events, address })
    }

    /// A server without a socket, at which somebody has connected, has said all of this, and does
    /// not wait for answers: for tests that must not depend on threads.
    #[must_use]
    pub fn prepared(pieces: Vec<Vec<u8>>) -> (Self, Answers) {
        let answers = Answers::default();
        let (sender, events) = sync_channel(pieces.len() + 1);
        let said = pieces.into_iter().map(Event::Bytes);
        for event in std::iter::once(Event::Connected(Stream::Kept(answers.clone()))).chain(said) {
            // There is room for all of them, and the receiver is here.
            let _ = sender.try_send(event);
        }
        let address = Address::default();
        (Self { events, address }, answers)
    }

    /// Where it listens: with the port that the host has chosen, if it was to.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Address::File(path) = &self.address {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Serves one debugger after the other, until nobody listens to what they say.
fn serve(listener: &Listener, to: &SyncSender<Event>, waker: &Waker) {
    let tell = |event| {
        let told = to.send(event).is_ok();
        waker.wake();
        told
    };
    loop {
        let Ok(mut stream) = listener.accept() else {
            // A connection that broke before it was taken, or too many open files.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let Ok(own) = stream.prepare().and_then(|()| stream.try_clone()) else {
            continue;
        };
        if !tell(Event::Connected(own)) {
            return;
        }
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if !tell(Event::Bytes(bytes)) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if !tell(Event::Gone) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_ports_addresses_and_paths() {
        for (text, want) in [
            ("1234", Some("127.0.0.1:1234")),
            (":99", Some("127.0.0.1:99")),
            ("localhost:5", Some("127.0.0.1:5")),
            ("tcp::77", Some("127.0.0.1:77")),
            ("0.0.0.0:1", Some("0.0.0.0:1")),
            ("[::1]:8", Some("[::1]:8")),
            ("./gdb", Some("./gdb")),
            ("unix:/tmp/x", Some("/tmp/x")),
            ("a.sock", Some("a.sock")),
            ("disk.img", None),
            ("99999", None),
            ("", None),
        ] {
            let got = text
                .parse::<Address>()
                .ok()
                .map(|address| address.to_string());
            assert_eq!(got.as_deref(), want, "{text:?}");
        }
    }
}
