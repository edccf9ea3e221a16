//! One connection: its guest's end is a TCP of ours, its other end a socket of the host.

use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket as Tcp, SocketBuffer, State};
use smoltcp::time::Instant;

use crate::host::{Got, Host, Interest, Socket};
use crate::output::Output;

/// The bytes that a connection holds in each direction.
// LIMIT: times the number of connections this is 64 MiB; a guest that answers within
// a millisecond is served 60 MB a second.
const BUFFER: usize = 64 << 10;
/// How long a guest may take to answer a call.
const RINGS_US: u64 = 30_000_000;

/// What has been reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The host's socket is being connected; the guest has heard nothing yet.
    Connecting,
    /// The guest has been called and has not answered.
    Calling { since_us: u64 },
    /// Bytes flow.
    Open,
}

/// What became of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It goes on.
    Lives,
    /// It is over, on both sides.
    Over,
    /// It never came to be: the guest's first packet is to be refused.
    Refused(crate::host::Refusal),
}

/// One connection.
pub(crate) struct Flow {
    sockets: SocketSet<'static>,
    tcp: SocketHandle,
    host: Socket,
    stage: Stage,
    /// The guest's first packet, until it is answered.
    pub syn: Vec<u8>,
    /// The host's peer sends no more.
    host_ended: bool,
    /// The host's peer was told that the guest sends no more.
    guest_ended: bool,
    /// The host's socket takes no more at the moment.
    blocked: bool,
    /// The host's socket is closed.
    closed: bool,
    /// When it has to be looked at again.
    pub due_us: Option<u64>,
    /// When something last happened.
    pub used_us: u64,
}

impl Flow {
    fn new(host: Socket, stage: Stage, now_us: u64) -> Self {
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let mut tcp = Tcp::new(buffer(), buffer());
        // What the host's peer wrote at once shall arrive at once.
        tcp.set_nagle_enabled(false);
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let tcp = sockets.add(tcp);
        Self {
            sockets,
            tcp,
            host,
            stage,
            syn: Vec::new(),
            host_ended: false,
            guest_ended: false,
            blocked: false,
            closed: false,
            due_us: None,
            used_us: now_us,
        }
    }

    /// A connection that the guest wants: the host's socket comes first.
    pub fn wanted(host: Socket, syn: &[u8], now_us: u64) -> Self {
        let mut flow = Self::new(host, Stage::Connecting, now_us);
        flow.syn = syn.to_vec();
        flow
    }

    /// A connection that somebody on the host has made: the guest is called.
    pub fn called(
        host: Socket,
        ends: crate::host::Ends,
        now_us: u64,
        iface: &mut Interface,
    ) -> Option<Self> {
        let mut flow = Self::new(host, Stage::Calling { since_us: now_us }, now_us);
        let tcp = flow.sockets.get_mut::<Tcp>(flow.tcp);
        let remote = (*ends.guest.ip(), ends.guest.port());
        let local = (*ends.remote.ip(), ends.remote.port());
        tcp.connect(iface.context(), remote, local).ok()?;
        Some(flow)
    }

    /// The host's socket.
    pub fn host(&self) -> Socket {
        self.host
    }

    /// Whether it only waits for stray packets.
    pub fn lingers(&self) -> bool {
        self.state() == State::TimeWait
    }

    fn state(&self) -> State {
        self.sockets.get::<Tcp>(self.tcp).state()
    }

    fn tcp(&mut self) -> &mut Tcp<'static> {
        self.sockets.get_mut::<Tcp>(self.tcp)
    }

    /// Takes a packet of the guest.
    pub fn packet(&mut self, now_us: u64, packet: &[u8], iface: &mut Interface, out: &mut Output) {
        self.used_us = now_us;
        if self.stage == Stage::Connecting {
            // The guest asks again; it is answered when there is an answer.
            return;
        }
        enter(now_us, packet, &mut self.sockets, iface, out);
    }

    /// Moves what can be moved.
    pub fn work(
        &mut self,
        now_us: u64,
        iface: &mut Interface,
        out: &mut Output,
        host: &mut dyn Host,
    ) -> Fate {
        if self.stage == Stage::Connecting {
            match host.connected(self.host) {
                None => return Fate::Lives,
                Some(Err(refusal)) => {
                    self.close(true, host);
                    return Fate::Refused(refusal);
                }
                Some(Ok(())) => self.answer(now_us, iface, out),
            }
        }
        if let Stage::Calling { since_us } = self.stage {
            match self.state() {
                State::Established | State::CloseWait => self.stage = Stage::Open,
                _ if now_us.saturating_sub(since_us) >= RINGS_US => self.tcp().abort(),
                _ => {}
            }
        }
        if self.stage == Stage::Open && !self.closed {
            self.feed_host(host);
            self.feed_guest(host);
        }
        self.emit(now_us, iface, out);
        self.settle(now_us, iface, out, host)
    }

    /// The host's socket is connected: the guest's first packet is answered.
    fn answer(&mut self, now_us: u64, iface: &mut Interface, out: &mut Output) {
        self.stage = Stage::Open;
        let syn = std::mem::take(&mut self.syn);
        let Some(packet) = crate::wire::Packet::read(&syn) else {
            return;
        };
        let port = crate::wire::word(packet.payload, 2).unwrap_or_default();
        if self.tcp().listen((packet.to, port)).is_ok() {
            enter(now_us, &syn, &mut self.sockets, iface, out);
        }
    }

    /// What the guest has sent goes to the host's peer.
    fn feed_host(&mut self, host: &mut dyn Host) {
        let socket = self.host;
        self.blocked = false;
        while self.tcp().can_recv() {
            let mut got = Got::Nothing;
            let ended = self.guest_ended;
            let moved = self.tcp().recv(|bytes| {
                // What a guest sends behind its own end is nothing.
                got = if ended {
                    Got::Bytes(bytes.len())
                } else {
                    host.write(socket, bytes)
                };
                match got {
                    Got::Bytes(count) => (count.min(bytes.len()), ()),
                    _ => (0, ()),
                }
            });
            match got {
                Got::Bytes(count) if count > 0 && moved.is_ok() => {}
                Got::Broken | Got::End => return self.tcp().abort(),
                _ => {
                    self.blocked = true;
                    return;
                }
            }
        }
        let over = matches!(
            self.state(),
            State::CloseWait | State::LastAck | State::Closing | State::TimeWait
        );
        if over && !self.guest_ended {
            self.guest_ended = true;
            host.end_writing(socket);
        }
    }

    /// What the host's peer has sent goes to the guest.
    fn feed_guest(&mut self, host: &mut dyn Host) {
        let socket = self.host;
        while !self.host_ended && self.tcp().can_send() {
            let mut got = Got::Nothing;
            let moved = self.tcp().send(|room| {
                got = host.read(socket, room);
                match got {
                    Got::Bytes(count) => (count.min(room.len()), ()),
                    _ => (0, ()),
                }
            });
            match got {
                Got::Bytes(count) if count > 0 && moved.is_ok() => {}
                Got::Bytes(_) | Got::End => {
                    self.host_ended = true;
                    self.tcp().close();
                }
                Got::Broken => return self.tcp().abort(),
                Got::Nothing => return,
            }
        }
    }

    /// Sends the guest what its windows and our room permit.
    fn emit(&mut self, now_us: u64, iface: &mut Interface, out: &mut Output) {
        let now = instant(now_us);
        let mut lane = Lane { input: None, out };
        while !lane.out.is_full()
            && iface.poll_egress(now, &mut lane, &mut self.sockets)
                == PollResult::SocketStateChanged
        {}
    }

    /// Finds out whether it is over, and when it has to be looked at again.
    fn settle(
        &mut self,
        now_us: u64,
        iface: &mut Interface,
        out: &Output,
        host: &mut dyn Host,
    ) -> Fate {
        let state = self.state();
        let ended = self.host_ended && self.guest_ended;
        // After an abort one last packet tells the guest.
        let next = iface.poll_at(instant(now_us), &self.sockets);
        let next = next.map(|at| at.total_micros().max(0) as u64);
        let waits_for_room = out.is_full() && next.is_some_and(|at| at <= now_us);
        if matches!(state, State::Closed | State::Listen) && !waits_for_room {
            self.close(!ended, host);
            return Fate::Over;
        }
        if ended && matches!(state, State::TimeWait | State::Closing | State::LastAck) {
            self.close(false, host);
        }
        self.due_us = match self.stage {
            Stage::Connecting => None,
            // Whoever makes room comes by himself.
            _ if waits_for_room => None,
            Stage::Calling { since_us } => {
                let end = since_us + RINGS_US;
                Some(next.map_or(end, |next| {
                    next.clamp(now_us + 1000, end.max(now_us + 1000))
                }))
            }
            Stage::Open => next.map(|next| next.max(now_us + 1000)),
        };
        Fate::Lives
    }

    /// What is waited for.
    pub fn interest(&self) -> Option<Interest> {
        let tcp = self.sockets.get::<Tcp>(self.tcp);
        let (read, write) = match self.stage {
            Stage::Connecting => (false, true),
            Stage::Calling { .. } => (false, false),
            Stage::Open => (!self.host_ended && tcp.can_send(), self.blocked),
        };
        let any = !self.closed && (read || write);
        any.then_some(Interest::Socket {
            socket: self.host,
            read,
            write,
        })
    }

    /// Ends it at once, on both sides.
    pub fn abort(&mut self, now_us: u64, iface: &mut Interface, out: &mut Output) {
        self.tcp().abort();
        self.emit(now_us, iface, out);
    }

    /// Closes the host's socket.
    pub fn close(&mut self, abort: bool, host: &mut dyn Host) {
        if !std::mem::replace(&mut self.closed, true) {
            host.close(self.host, abort);
        }
    }
}

/// The time as the TCP counts it.
pub(crate) fn instant(now_us: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX))
}

/// Hands a packet of the guest to a set of at most one socket; without one it is refused.
pub(crate) fn enter(
    now_us: u64,
    packet: &[u8],
    sockets: &mut SocketSet<'static>,
    iface: &mut Interface,
    out: &mut Output,
) {
    let input = Some(packet);
    let mut lane = Lane { input, out };
    iface.poll_ingress_single(instant(now_us), &mut lane, sockets);
}

/// One packet in, any number out: what the TCP takes for its network card.
pub(crate) struct Lane<'a> {
    pub input: Option<&'a [u8]>,
    pub out: &'a mut Output,
}

pub(crate) struct In<'a>(&'a [u8]);
pub(crate) struct Out<'a>(&'a mut Output);

impl Device for Lane<'_> {
    type RxToken<'t>
        = In<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Out<'t>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(In<'_>, Out<'_>)> {
        Some((In(self.input.take()?), Out(self.out)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Out<'_>> {
        Some(Out(self.out))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        // The guest's own limit, which it tells when it connects, is smaller.
        capabilities.max_transmission_unit = usize::from(u16::MAX);
        capabilities
    }
}

impl RxToken for In<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, body: F) -> R {
        body(self.0)
    }
}

impl TxToken for Out<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, bytes: usize, body: F) -> R {
        self.0.packet_with(bytes, body)
    }
}
