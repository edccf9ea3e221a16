//! Datagrams: each pair of addresses that the guest uses has a socket of the host for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::host::{Ends, Got, Host, Interest, Listener, Socket};
use crate::icmp::{Why, unreachable};
use crate::output::Output;
use crate::plan::{DOMAIN, GATEWAY, NAMES, Plan};
use crate::wire::{Datagram, datagram};

/// How many conversations there are at a time; a new one drives out the oldest.
// LIMIT: each has a socket of the host, of which a process may have 1024.
pub(crate) const FLOWS: usize = 256;
/// How long a silent conversation is kept.
pub(crate) const IDLE_US: u64 = 60_000_000;
/// How long one with a name server is: one question, one answer.
pub(crate) const IDLE_NAMES_US: u64 = 10_000_000;
/// How long a name server may think before the next one is asked.
const PATIENCE_US: u64 = 1_000_000;
/// The longest datagram.
const LONGEST: usize = 65_507;
/// How many datagrams of one socket are taken in a row.
// LIMIT: the others have to get their turn.
const BATCH: usize = 64;
/// The first port that is given to those who call the guest.
const FIRST_PORT: u16 = 49_152;

/// Where the other end of a conversation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outside {
    /// A socket of its own.
    Own(Socket),
    /// Somebody who called at a listener.
    Caller(Listener, SocketAddr),
}

struct Flow {
    outside: Outside,
    used_us: u64,
    /// The start of the guest's last packet, for word of what went wrong.
    last: Vec<u8>,
    /// Which of the name servers is asked, and whether it has answered.
    server: usize,
    answered: bool,
}

/// All conversations.
#[derive(Default)]
pub(crate) struct UdpFlows {
    flows: BTreeMap<Ends, Flow>,
    sockets: BTreeMap<Socket, Ends>,
    callers: BTreeMap<(Listener, SocketAddr), Ends>,
    ready: BTreeSet<Socket>,
    ready_listeners: BTreeSet<Listener>,
    next_port: u16,
}

impl UdpFlows {
    /// Takes a datagram of the guest.
    pub fn send(
        &mut self,
        now_us: u64,
        datagram: &Datagram,
        whole: &[u8],
        plan: &Plan,
        out: &mut Output,
        host: &mut dyn Host,
    ) {
        let ends = Ends {
            guest: datagram.from,
            remote: datagram.to,
        };
        if !self.flows.contains_key(&ends) {
            let to = plan.leads(datagram.to);
            let Some(socket) = to.and_then(|to| self.open(to, host)) else {
                let why = if to.is_none() {
                    Why::Forbidden
                } else {
                    Why::Host
                };
                out.packet(unreachable(GATEWAY, whole, *datagram.from.ip(), why));
                return;
            };
            self.add(ends, Outside::Own(socket), now_us, host);
        } else if *datagram.to.ip() == NAMES {
            self.ask_next(now_us, &ends, plan, host);
        }
        let Some(flow) = self.flows.get_mut(&ends) else {
            return;
        };
        flow.used_us = now_us;
        flow.last = whole.get(..60).unwrap_or(whole).to_vec();
        match flow.outside {
            Outside::Own(socket) => {
                if host.write(socket, datagram.payload) == Got::Broken {
                    // An error of an earlier datagram stands in the way of this one.
                    host.write(socket, datagram.payload);
                }
            }
            Outside::Caller(listener, to) => host.send(listener, to, datagram.payload),
        }
    }

    /// A question that is asked again goes to the next name server.
    fn ask_next(&mut self, now_us: u64, ends: &Ends, plan: &Plan, host: &mut dyn Host) {
        let Some(flow) = self.flows.get_mut(ends) else {
            return;
        };
        let answered = std::mem::take(&mut flow.answered);
        let soon = now_us.saturating_sub(flow.used_us) < PATIENCE_US;
        if answered || soon || plan.names.len() < 2 {
            return;
        }
        flow.server = (flow.server + 1) % plan.names.len();
        let next = plan.names.get(flow.server).copied();
        if let Some(socket) = next.and_then(|to| host.datagrams(to)) {
            let old = std::mem::replace(&mut flow.outside, Outside::Own(socket));
            self.sockets.insert(socket, *ends);
            if let Outside::Own(old) = old {
                self.sockets.remove(&old);
                host.close(old, false);
            }
        }
    }

    /// Opens a socket, driving out the oldest conversation if the host has no more.
    fn open(&mut self, to: SocketAddr, host: &mut dyn Host) -> Option<Socket> {
        if let Some(socket) = host.datagrams(to) {
            return Some(socket);
        }
        self.drive_out(host);
        host.datagrams(to)
    }

    fn add(&mut self, ends: Ends, outside: Outside, now_us: u64, host: &mut dyn Host) {
        while self.flows.len() >= FLOWS {
            self.drive_out(host);
        }
        match outside {
            Outside::Own(socket) => drop(self.sockets.insert(socket, ends)),
            Outside::Caller(listener, from) => drop(self.callers.insert((listener, from), ends)),
        }
        let flow = Flow {
            outside,
            used_us: now_us,
            last: Vec::new(),
            server: 0,
            answered: false,
        };
        self.flows.insert(ends, flow);
    }

    fn drive_out(&mut self, host: &mut dyn Host) {
        let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.used_us);
        if let Some(ends) = oldest.map(|(ends, _)| *ends) {
            self.remove(&ends, host);
        }
    }

    fn remove(&mut self, ends: &Ends, host: &mut dyn Host) {
        match self.flows.remove(ends).map(|flow| flow.outside) {
            Some(Outside::Own(socket)) => {
                self.sockets.remove(&socket);
                self.ready.remove(&socket);
                host.close(socket, false);
            }
            Some(Outside::Caller(listener, from)) => {
                self.callers.remove(&(listener, from));
            }
            None => {}
        }
    }

    /// A socket can be read; false if it is none of these.
    pub fn ready(&mut self, socket: Socket) -> bool {
        let ours = self.sockets.contains_key(&socket);
        if ours {
            self.ready.insert(socket);
        }
        ours
    }

    /// A listener can be read.
    pub fn ready_listener(&mut self, listener: Listener) {
        self.ready_listeners.insert(listener);
    }

    /// Brings the guest what has come.
    pub fn work(&mut self, now_us: u64, plan: &Plan, out: &mut Output, host: &mut dyn Host) {
        for socket in std::mem::take(&mut self.ready) {
            if let Some(ends) = self.sockets.get(&socket).copied() {
                self.receive(now_us, ends, socket, out, host);
            }
        }
        for listener in std::mem::take(&mut self.ready_listeners) {
            self.called(now_us, listener, plan, out, host);
        }
        let old = self.flows.iter();
        let old = old.filter(|(ends, flow)| end_us(ends, flow) <= now_us);
        for ends in old.map(|(ends, _)| *ends).collect::<Vec<_>>() {
            self.remove(&ends, host);
        }
    }

    fn receive(
        &mut self,
        now_us: u64,
        ends: Ends,
        socket: Socket,
        out: &mut Output,
        host: &mut dyn Host,
    ) {
        let mut bytes = vec![0; LONGEST];
        for _ in 0..BATCH {
            let got = host.read(socket, &mut bytes);
            let Some(flow) = self.flows.get_mut(&ends) else {
                return;
            };
            match got {
                Got::Bytes(count) => {
                    flow.used_us = now_us;
                    flow.answered = true;
                    let payload = bytes.get(..count).unwrap_or_default();
                    out.packet(datagram(ends.remote, ends.guest, payload));
                }
                Got::Nothing => return,
                Got::End | Got::Broken => {
                    // What a server that is not there answers to one that is.
                    let (last, to) = (std::mem::take(&mut flow.last), *ends.guest.ip());
                    out.packet(unreachable(*ends.remote.ip(), &last, to, Why::Port));
                    return self.remove(&ends, host);
                }
            }
        }
    }

    /// Somebody on the host sends to a port that stands for one of the guest's.
    fn called(
        &mut self,
        now_us: u64,
        listener: Listener,
        plan: &Plan,
        out: &mut Output,
        host: &mut dyn Host,
    ) {
        let Some(forward) = plan.forwards.get(listener.0) else {
            return;
        };
        let guest = SocketAddrV4::new(crate::plan::GUEST, forward.guest);
        let mut bytes = vec![0; LONGEST];
        for _ in 0..BATCH {
            let Some((count, from)) = host.receive(listener, &mut bytes) else {
                return;
            };
            let ends = match self.callers.get(&(listener, from)) {
                Some(ends) => *ends,
                None => {
                    let remote = SocketAddrV4::new(GATEWAY, self.free_port(guest, from.port()));
                    let ends = Ends { guest, remote };
                    self.add(ends, Outside::Caller(listener, from), now_us, host);
                    ends
                }
            };
            if let Some(flow) = self.flows.get_mut(&ends) {
                flow.used_us = now_us;
            }
            let payload = bytes.get(..count).unwrap_or_default();
            out.packet(datagram(ends.remote, ends.guest, payload));
        }
    }

    /// A port of the gateway that this port of the guest does not talk with: the caller's own if
    /// that is so.
    fn free_port(&mut self, guest: SocketAddrV4, own: u16) -> u16 {
        let mut port = own;
        let taken = |port: u16| {
            let remote = SocketAddrV4::new(GATEWAY, port);
            port == 0 || self.flows.contains_key(&Ends { guest, remote })
        };
        let mut next = self.next_port;
        // There are fewer conversations than ports, so one is free.
        while taken(port) {
            next = next.wrapping_add(1).max(FIRST_PORT);
            port = next;
        }
        self.next_port = next;
        port
    }

    /// What is waited for.
    pub fn interests(&self, into: &mut Vec<Interest>) {
        into.extend(self.sockets.keys().map(|socket| Interest::Socket {
            socket: *socket,
            read: true,
            write: false,
        }));
    }

    /// When the next conversation is too old.
    pub fn due_us(&self) -> Option<u64> {
        self.flows
            .iter()
            .map(|(ends, flow)| end_us(ends, flow))
            .min()
    }

    /// Whether something may still come.
    pub fn any(&self) -> bool {
        !self.flows.is_empty()
    }

    /// Ends all conversations.
    pub fn clear(&mut self, host: &mut dyn Host) {
        for socket in self.sockets.keys() {
            host.close(*socket, false);
        }
        *self = Self::default();
    }
}

/// When a conversation is over if nothing more is said.
fn end_us(ends: &Ends, flow: &Flow) -> u64 {
    let names = ends.remote.port() == DOMAIN;
    flow.used_us
        .saturating_add(if names { IDLE_NAMES_US } else { IDLE_US })
}

/// Whether a datagram is meant for nobody that could be reached.
pub(crate) fn is_noise(to: Ipv4Addr) -> bool {
    to.is_multicast() || to.is_broadcast() || to == crate::plan::BROADCAST
}
