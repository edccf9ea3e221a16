//! The network as a whole: where each frame goes.

use std::net::Ipv4Addr;

use crate::fragment::Pieces;
use crate::host::{Host, Interest, Listener, Socket};
use crate::output::Output;
use crate::plan::{BROADCAST, DOMAIN, GATEWAY, GATEWAY_MAC, NAMES, Plan, Protocol};
use crate::tcp::TcpFlows;
use crate::udp::{UdpFlows, is_noise};
use crate::wire::{
    Datagram, Frame, ICMP, KIND_ARP, KIND_IPV4, Mac, Packet, TCP, UDP, address, datagram, frame,
    word,
};
use crate::{dhcp, dns, icmp};

/// The guest's network.
///
/// Its owner hands it frames ([`Stack::frame`]) and says what is ready, then lets it
/// [`Stack::work`], takes frames ([`Stack::take`]), and waits for [`Stack::interests`] until
/// [`Stack::due_us`].
pub struct Stack {
    plan: Plan,
    out: Output,
    pieces: Pieces,
    tcp: TcpFlows,
    udp: UdpFlows,
}

impl Stack {
    /// A network of this plan; `seed` is chance that nobody else knows.
    #[must_use]
    pub fn new(plan: Plan, seed: u64) -> Self {
        Self {
            out: Output::new(plan.mac),
            plan,
            pieces: Pieces::default(),
            tcp: TcpFlows::new(seed),
            udp: UdpFlows::default(),
        }
    }

    /// Takes a frame that the guest sends.
    pub fn frame(&mut self, now_us: u64, bytes: &[u8], host: &mut dyn Host) {
        let Some(frame) = Frame::read(bytes) else {
            return;
        };
        match frame.kind {
            KIND_ARP => self.arp(frame.payload),
            KIND_IPV4 => {
                if let Some(packet) = Packet::read(frame.payload) {
                    self.packet(now_us, frame.from, &packet, host);
                }
            }
            _ => {}
        }
    }

    /// Says who has which address (RFC 826).
    fn arp(&mut self, bytes: &[u8]) {
        let Some(request) = bytes.get(..28) else {
            return;
        };
        let own = (address(request, 14), address(request, 24));
        let (Some(asker), Some(wanted)) = own else {
            return;
        };
        let Ok(mac) = Mac::try_from(&request[8..14]) else {
            return;
        };
        if request[..6] != [0, 1, 8, 0, 6, 4] {
            return;
        }
        if is_guest(asker) {
            self.out.learn(asker, mac);
        }
        if word(request, 6) == Some(1) && (wanted == GATEWAY || wanted == NAMES) {
            let mut reply = frame(mac, GATEWAY_MAC, KIND_ARP, 28);
            reply.extend([0, 1, 8, 0, 6, 4, 0, 2]);
            reply.extend(GATEWAY_MAC);
            reply.extend(wanted.octets());
            reply.extend(mac);
            reply.extend(asker.octets());
            self.out.frame(reply);
        }
    }

    fn packet(&mut self, now_us: u64, mac: Mac, packet: &Packet, host: &mut dyn Host) {
        if packet.from.is_unspecified() && dhcp::is_request(packet) {
            return self.dhcp(packet);
        }
        // Who sends under another's address gets no answer.
        if !is_guest(packet.from) {
            return;
        }
        self.out.learn(packet.from, mac);
        if packet.is_fragment() {
            let whole = self.pieces.add(now_us, packet);
            if let Some(packet) = whole.as_deref().and_then(Packet::read) {
                self.whole(now_us, &packet, host);
            }
            return;
        }
        self.whole(now_us, packet, host);
    }

    fn whole(&mut self, now_us: u64, packet: &Packet, host: &mut dyn Host) {
        match packet.protocol {
            TCP => {
                let Self { tcp, plan, out, .. } = self;
                tcp.packet(now_us, packet, plan, out, host);
            }
            UDP => self.udp(now_us, packet, host),
            ICMP if packet.to == GATEWAY || packet.to == NAMES => {
                if let Some(reply) = icmp::echo(packet) {
                    self.out.packet(reply);
                }
            }
            _ => {}
        }
    }

    fn udp(&mut self, now_us: u64, packet: &Packet, host: &mut dyn Host) {
        let Some(message) = Datagram::read(packet) else {
            return;
        };
        if dhcp::is_request(packet) {
            let ours = [GATEWAY, Ipv4Addr::BROADCAST, BROADCAST];
            if ours.contains(&packet.to) {
                self.dhcp(packet);
            }
            return;
        }
        if is_noise(*message.to.ip()) {
            return;
        }
        if *message.to.ip() == NAMES && message.to.port() == DOMAIN {
            let own = dns::own(message.payload);
            let nobody = self.plan.names.is_empty();
            let answer = own.or_else(|| nobody.then(|| dns::failed(message.payload))?);
            if let Some(answer) = answer {
                self.out.packet(datagram(message.to, message.from, &answer));
                return;
            }
        }
        let Self { udp, plan, out, .. } = self;
        udp.send(now_us, &message, packet.whole, plan, out, host);
    }

    fn dhcp(&mut self, packet: &Packet) {
        let answer = Datagram::read(packet).and_then(|request| dhcp::answer(&request));
        if let Some((mac, answer)) = answer {
            self.out.packet_to(mac, &answer);
        }
    }

    /// Says whether the guest takes packets of TCP that are larger than a frame.
    pub fn set_large(&mut self, on: bool) {
        self.tcp.large = on;
    }

    /// A socket can be read or written, or its connection has failed.
    pub fn ready(&mut self, socket: Socket) {
        if !self.tcp.ready(socket) {
            self.udp.ready(socket);
        }
    }

    /// Somebody has called.
    pub fn ready_listener(&mut self, listener: Listener) {
        match self.plan.forwards.get(listener.0) {
            Some(forward) if forward.protocol == Protocol::Tcp => self.tcp.ready_listener(listener),
            Some(_) => self.udp.ready_listener(listener),
            None => {}
        }
    }

    /// Does all there is to do; `room` is how many frames the guest's side takes now.
    pub fn work(&mut self, now_us: u64, room: usize, host: &mut dyn Host) {
        self.out.set_room(room);
        let Self {
            tcp,
            udp,
            plan,
            out,
            ..
        } = self;
        tcp.work(now_us, plan, out, host);
        udp.work(now_us, plan, out, host);
    }

    /// The next frame for the guest.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.out.take()
    }

    /// Whether connections wait for nothing but room for frames.
    #[must_use]
    pub fn wants_room(&self) -> bool {
        self.tcp.wants_room()
    }

    /// What is waited for.
    pub fn interests(&self, into: &mut Vec<Interest>) {
        self.tcp.interests(&self.plan, into);
        self.udp.interests(into);
        let all = self.plan.forwards.iter().enumerate();
        let udp = all.filter(|(_, forward)| forward.protocol == Protocol::Udp);
        into.extend(udp.map(|(number, _)| Interest::Listener(Listener(number))));
    }

    /// When [`Stack::work`] has to be called although nothing was ready.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        [self.tcp.due_us(), self.udp.due_us()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether something may come that the guest did not ask for just now.
    #[must_use]
    pub fn may_bring(&self) -> bool {
        !self.plan.forwards.is_empty() || self.tcp.any() || self.udp.any()
    }

    /// The guest has forgotten everything: so does its network.
    pub fn reset(&mut self, host: &mut dyn Host) {
        self.tcp.clear(host);
        self.udp.clear(host);
        self.out.clear();
        self.pieces = Pieces::default();
    }

    /// How many connections there are.
    #[cfg(test)]
    pub(crate) fn connections(&self) -> usize {
        self.tcp.count()
    }
}

/// Whether this address may be one of the guest's side.
fn is_guest(addr: Ipv4Addr) -> bool {
    crate::tcp::is_guest(addr) && addr != BROADCAST
}
