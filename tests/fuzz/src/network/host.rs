//! A host whose sockets lead nowhere: what peers do is in the feed's hands.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};

use vm_device_usernet::{Got, Host, Listener, Refusal, Socket};

use crate::Feed;

/// One socket.
#[derive(Default)]
struct Peer {
    connected: Option<Result<(), Refusal>>,
    /// How many bytes, or datagrams, wait to be read, each of so many bytes.
    inbox: VecDeque<usize>,
    ended: bool,
    broken: bool,
    room: usize,
    end_written: bool,
}

/// All sockets.
#[derive(Default)]
pub struct Peers {
    sockets: BTreeMap<Socket, Peer>,
    /// Who has called and was not taken yet.
    pub callers: VecDeque<Socket>,
    datagrams: VecDeque<(SocketAddr, usize)>,
    outcome: u8,
    next: u64,
}

impl Peers {
    /// How many sockets are open.
    pub fn open(&self) -> usize {
        self.sockets.len()
    }

    fn add(&mut self) -> Socket {
        self.next += 1;
        let peer = Peer {
            connected: match self.outcome % 4 {
                0 | 1 => Some(Ok(())),
                2 => Some(Err(Refusal::Refused)),
                _ => None,
            },
            room: usize::MAX,
            ..Peer::default()
        };
        self.sockets.insert(Socket(self.next), peer);
        Socket(self.next)
    }

    fn get(&mut self, socket: Socket) -> &mut Peer {
        let peer = self.sockets.get_mut(&socket);
        peer.unwrap_or_else(|| panic!("{socket:?} is used after its end"))
    }

    fn is_exhausted(&self) -> bool {
        self.outcome >= 0xf0
    }

    /// Somebody outside calls, or sends to a port that was published.
    pub fn call(&mut self, feed: &mut Feed) {
        if feed.once_in(2) {
            let socket = self.add();
            self.callers.push_back(socket);
        } else {
            let port = u16::from(feed.u8() % 16);
            self.datagrams.push_back((
                (Ipv4Addr::LOCALHOST, port).into(),
                usize::from(feed.u8()) * 16,
            ));
        }
    }

    /// Something happens at one of the sockets, or to those to come.
    pub fn disturb(&mut self, feed: &mut Feed) {
        let all: Vec<Socket> = self.sockets.keys().copied().collect();
        let what = feed.u8() % 8;
        if all.is_empty() || what == 0 {
            self.outcome = feed.u8();
            return;
        }
        let peer = self.get(feed.one(&all));
        match what {
            1 => peer.ended = true,
            2 => peer.broken = true,
            3 => peer.room = usize::from(feed.u8()),
            4 => peer.connected = Some(feed.one(&[Ok(()), Err(Refusal::Unreachable)])),
            _ => peer.inbox.push_back(feed.one(&[1, 100, 1460, 9000])),
        }
    }
}

impl Host for Peers {
    fn connect(&mut self, _to: SocketAddr) -> Result<Socket, Refusal> {
        if self.is_exhausted() {
            return Err(Refusal::Unreachable);
        }
        Ok(self.add())
    }

    fn connected(&mut self, socket: Socket) -> Option<Result<(), Refusal>> {
        self.get(socket).connected
    }

    fn datagrams(&mut self, _to: SocketAddr) -> Option<Socket> {
        (!self.is_exhausted()).then(|| self.add())
    }

    fn read(&mut self, socket: Socket, into: &mut [u8]) -> Got {
        let peer = self.get(socket);
        let Some(bytes) = peer.inbox.pop_front() else {
            return match (peer.broken, peer.ended) {
                (true, _) => Got::Broken,
                (_, true) => Got::End,
                _ => Got::Nothing,
            };
        };
        let count = bytes.min(into.len());
        into[..count].fill(7);
        if count < bytes {
            peer.inbox.push_front(bytes - count);
        }
        Got::Bytes(count)
    }

    fn write(&mut self, socket: Socket, bytes: &[u8]) -> Got {
        let peer = self.get(socket);
        assert!(!peer.end_written, "bytes behind the end");
        if peer.broken {
            return Got::Broken;
        }
        let count = bytes.len().min(peer.room);
        if count == 0 && !bytes.is_empty() {
            return Got::Nothing;
        }
        peer.room -= count;
        Got::Bytes(count)
    }

    fn end_writing(&mut self, socket: Socket) {
        self.get(socket).end_written = true;
    }

    fn close(&mut self, socket: Socket, _abort: bool) {
        assert!(
            self.sockets.remove(&socket).is_some(),
            "{socket:?} is closed twice"
        );
    }

    fn accept(&mut self, _listener: Listener) -> Option<Socket> {
        self.callers.pop_front()
    }

    fn receive(&mut self, _listener: Listener, into: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (from, bytes) = self.datagrams.pop_front()?;
        let count = bytes.min(into.len());
        into[..count].fill(5);
        Some((count, from))
    }

    fn send(&mut self, _listener: Listener, _to: SocketAddr, bytes: &[u8]) {
        assert!(bytes.len() <= 65_507, "a datagram of {} bytes", bytes.len());
    }
}
