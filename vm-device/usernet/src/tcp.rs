//! All connections, by the two ends that the guest sees.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::host::{Ends, Host, Interest, Listener, Refusal, Socket};
use crate::icmp::{Why, unreachable};
use crate::output::Output;
use crate::plan::{GATEWAY, GUEST, LARGE, Plan, Protocol};
use crate::tcp_flow::{Fate, Flow, Lane, enter, instant};
use crate::wire::{Packet, TCP, checksum, pseudo, word};

/// How many connections there are at a time; a new one drives out the oldest.
// LIMIT: each has a socket of the host, of which a process may have 1024, and 128 KiB.
pub(crate) const FLOWS: usize = 512;
/// The first port that is given to those who call the guest.
const FIRST_PORT: u16 = 49_152;
/// How many callers of one listener are taken in a row.
// LIMIT: the others have to get their turn.
const BATCH: usize = 16;

/// Options of TCP: the end of them, one that means nothing, the largest segment.
const END: u8 = 0;
const PAD: u8 = 1;
const MSS: u8 = 2;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACKED: u8 = 16;

/// All connections.
pub(crate) struct TcpFlows {
    iface: Interface,
    flows: BTreeMap<Ends, Box<Flow>>,
    sockets: BTreeMap<Socket, Ends>,
    /// Those that have something to do.
    busy: BTreeSet<Ends>,
    ready_listeners: BTreeSet<Listener>,
    next_port: u16,
    /// Whether the guest takes packets that are larger than a frame.
    pub large: bool,
}

impl TcpFlows {
    /// None yet; `seed` is what sequence numbers grow from.
    pub fn new(seed: u64) -> Self {
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut out = Output::new([0; 6]);
        let mut lane = Lane {
            input: None,
            out: &mut out,
        };
        let mut iface = Interface::new(config, &mut lane, instant(0));
        iface.update_ip_addrs(|list| {
            // There is room for two, and this is the first one.
            let _ = list.push(IpCidr::new(IpAddress::Ipv4(GATEWAY), 24));
        });
        iface.set_any_ip(true);
        Self {
            iface,
            flows: BTreeMap::new(),
            sockets: BTreeMap::new(),
            busy: BTreeSet::new(),
            ready_listeners: BTreeSet::new(),
            next_port: FIRST_PORT,
            large: false,
        }
    }

    /// Takes a packet of the guest.
    pub fn packet(
        &mut self,
        now_us: u64,
        packet: &Packet,
        plan: &Plan,
        out: &mut Output,
        host: &mut dyn Host,
    ) {
        let head = (word(packet.payload, 0), word(packet.payload, 2));
        let ((Some(from), Some(to)), Some(flags)) = (head, packet.payload.get(13)) else {
            return;
        };
        let ends = Ends {
            guest: SocketAddrV4::new(packet.from, from),
            remote: SocketAddrV4::new(packet.to, to),
        };
        let enlarged = if self.large && flags & SYN != 0 {
            enlarge(packet)
        } else {
            None
        };
        let whole = enlarged.as_deref().unwrap_or(packet.whole);
        let begins = flags & (SYN | ACKED | RST | FIN) == SYN;
        if begins && self.flows.get(&ends).is_some_and(|flow| flow.lingers()) {
            self.remove(&ends, host);
        }
        if let Some(flow) = self.flows.get_mut(&ends) {
            flow.packet(now_us, whole, &mut self.iface, out);
            self.busy.insert(ends);
            return;
        }
        if !begins {
            // Nobody is there: the TCP says so.
            return self.refuse(now_us, packet.whole, out);
        }
        let Some(to) = plan.leads(ends.remote) else {
            return self.refuse(now_us, packet.whole, out);
        };
        self.make_room(now_us, out, host);
        match host.connect(to) {
            Ok(socket) => {
                let flow = Flow::wanted(socket, whole, now_us);
                self.add(ends, flow);
            }
            Err(refusal) => self.turn_away(now_us, packet.whole, refusal, out),
        }
    }

    fn add(&mut self, ends: Ends, flow: Flow) {
        self.sockets.insert(flow.host(), ends);
        self.flows.insert(ends, Box::new(flow));
        self.busy.insert(ends);
    }

    /// Answers a packet for which there is no connection.
    fn refuse(&mut self, now_us: u64, packet: &[u8], out: &mut Output) {
        let mut nobody = SocketSet::new(Vec::new());
        enter(now_us, packet, &mut nobody, &mut self.iface, out);
    }

    /// Tells the guest why its connection can not be made.
    fn turn_away(&mut self, now_us: u64, syn: &[u8], refusal: Refusal, out: &mut Output) {
        match (refusal, Packet::read(syn)) {
            (Refusal::Unreachable, Some(packet)) => {
                out.packet(unreachable(GATEWAY, syn, packet.from, Why::Host));
            }
            _ => self.refuse(now_us, syn, out),
        }
    }

    /// Ends the oldest connection if there are too many.
    fn make_room(&mut self, now_us: u64, out: &mut Output, host: &mut dyn Host) {
        while self.flows.len() >= FLOWS {
            let age = |flow: &Flow| (!flow.lingers(), flow.used_us);
            let oldest = self.flows.iter().min_by_key(|(_, flow)| age(flow));
            let Some(ends) = oldest.map(|(ends, _)| *ends) else {
                return;
            };
            let flow = self.flows.get_mut(&ends);
            if let Some(flow) = flow.filter(|flow| !flow.lingers()) {
                flow.abort(now_us, &mut self.iface, out);
            }
            self.remove(&ends, host);
        }
    }

    fn remove(&mut self, ends: &Ends, host: &mut dyn Host) {
        if let Some(mut flow) = self.flows.remove(ends) {
            self.sockets.remove(&flow.host());
            flow.close(!flow.lingers(), host);
        }
        self.busy.remove(ends);
    }

    /// A socket can be read or written; false if it is none of these.
    pub fn ready(&mut self, socket: Socket) -> bool {
        let ends = self.sockets.get(&socket);
        if let Some(ends) = ends {
            self.busy.insert(*ends);
        }
        ends.is_some()
    }

    /// Somebody has connected to a listener.
    pub fn ready_listener(&mut self, listener: Listener) {
        self.ready_listeners.insert(listener);
    }

    /// Moves what can be moved.
    pub fn work(&mut self, now_us: u64, plan: &Plan, out: &mut Output, host: &mut dyn Host) {
        for listener in std::mem::take(&mut self.ready_listeners) {
            self.called(now_us, listener, plan, host);
        }
        let due = self.flows.iter();
        let due = due.filter(|(_, flow)| flow.due_us.is_some_and(|due| due <= now_us));
        self.busy.extend(due.map(|(ends, _)| *ends));
        for ends in std::mem::take(&mut self.busy) {
            let Some(flow) = self.flows.get_mut(&ends) else {
                continue;
            };
            match flow.work(now_us, &mut self.iface, out, host) {
                Fate::Lives if out.is_full() => drop(self.busy.insert(ends)),
                Fate::Lives => {}
                Fate::Over => self.remove(&ends, host),
                Fate::Refused(refusal) => {
                    let syn = std::mem::take(&mut flow.syn);
                    self.remove(&ends, host);
                    self.turn_away(now_us, &syn, refusal, out);
                }
            }
        }
    }

    /// Whether some wait for nothing but room.
    pub fn wants_room(&self) -> bool {
        !self.busy.is_empty()
    }

    /// Somebody on the host has connected to a port that stands for one of the guest's.
    fn called(&mut self, now_us: u64, listener: Listener, plan: &Plan, host: &mut dyn Host) {
        let Some(forward) = plan.forwards.get(listener.0) else {
            return;
        };
        let guest = SocketAddrV4::new(GUEST, forward.guest);
        for _ in 0..BATCH {
            if self.flows.len() >= FLOWS {
                return;
            }
            let Some(socket) = host.accept(listener) else {
                return;
            };
            let remote = SocketAddrV4::new(GATEWAY, self.free_port(guest));
            let ends = Ends { guest, remote };
            match Flow::called(socket, ends, now_us, &mut self.iface) {
                Some(flow) => self.add(ends, flow),
                None => host.close(socket, true),
            }
        }
    }

    /// A port of the gateway that this port of the guest does not talk with.
    fn free_port(&mut self, guest: SocketAddrV4) -> u16 {
        // There are fewer connections than ports, so one is free.
        loop {
            self.next_port = self.next_port.wrapping_add(1).max(FIRST_PORT);
            let remote = SocketAddrV4::new(GATEWAY, self.next_port);
            if !self.flows.contains_key(&Ends { guest, remote }) {
                return self.next_port;
            }
        }
    }

    /// What is waited for.
    pub fn interests(&self, plan: &Plan, into: &mut Vec<Interest>) {
        into.extend(self.flows.values().filter_map(|flow| flow.interest()));
        // Whoever calls a guest with too many connections waits.
        if self.flows.len() < FLOWS {
            let all = plan.forwards.iter().enumerate();
            let tcp = all.filter(|(_, forward)| forward.protocol == Protocol::Tcp);
            into.extend(tcp.map(|(number, _)| Interest::Listener(Listener(number))));
        }
    }

    /// When something has to be done by itself.
    pub fn due_us(&self) -> Option<u64> {
        self.flows.values().filter_map(|flow| flow.due_us).min()
    }

    /// Whether something may still come.
    pub fn any(&self) -> bool {
        self.flows.values().any(|flow| !flow.lingers())
    }

    /// How many connections there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.flows.len()
    }

    /// Ends all connections.
    pub fn clear(&mut self, host: &mut dyn Host) {
        for flow in self.flows.values_mut() {
            flow.close(true, host);
        }
        self.flows.clear();
        self.sockets.clear();
        self.busy.clear();
        self.ready_listeners.clear();
    }
}

/// The guest's first packet of a connection with a larger limit for what it is sent: it stands
/// for the guest's card, which cuts large packets to the limit that the guest has named.
fn enlarge(packet: &Packet) -> Option<Vec<u8>> {
    let length = packet.payload.len();
    let pseudo = pseudo(TCP, packet.from, packet.to, length);
    if checksum(&[&pseudo, packet.payload]) != 0 {
        return None;
    }
    let mut tcp = packet.payload.to_vec();
    let options = tcp.get_mut(20..usize::from(packet.payload.get(12)? >> 4) * 4)?;
    let mut at = 0;
    loop {
        match options.get(at..)? {
            [MSS, 4, _, _, ..] => break,
            [PAD, ..] => at += 1,
            [END, ..] | [_, 0 | 1, ..] => return None,
            [_, length, ..] => at += usize::from(*length),
            _ => return None,
        }
    }
    options
        .get_mut(at + 2..at + 4)?
        .copy_from_slice(&LARGE.to_be_bytes());
    tcp.get_mut(16..18)?.fill(0);
    let check = checksum(&[&pseudo, &tcp]);
    tcp.get_mut(16..18)?.copy_from_slice(&check.to_be_bytes());
    Some(crate::wire::packet(TCP, packet.from, packet.to, &tcp))
}

/// Whether a connection could have this address at the guest's end.
pub(crate) fn is_guest(addr: Ipv4Addr) -> bool {
    crate::plan::is_local(addr) && addr != GATEWAY && addr != crate::plan::NAMES
}
