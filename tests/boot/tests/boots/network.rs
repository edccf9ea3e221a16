//! The stock kernel with a network: it gets its address, fetches a file and sends it back, asks
//! for a name, and is called from the host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tests_boot::Guest;
use vm_runtime::{Network, Outcome, PortForward, Protocol, UserNetwork};

const PROMPT: &str = "~ # ";
/// What `udhcpc` calls when it has got an address; typed so that the echo says nothing.
const BOUND: &str = "echo '#!/bin/sh' > /tmp/bound; \
    echo '[ $1 = bound ] && ip addr add $ip/24 dev $interface && \
    ip route add default via $router && \
    echo VM-BOUND $ip $router $dns $mtu' >> /tmp/bound; chmod +x /tmp/bound";
const DHCP: &str = "ip link set eth0 up; udhcpc -n -q -i eth0 -s /tmp/bound";

/// Bytes that do not repeat.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

/// Calls the guest through a published port and gives what it answers.
fn call(port: u16) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a published port");
    stream.write_all(b"hello, guest\n").expect("a connection");
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("an echo");
    line
}

/// Serves `/file`, and `/call`, for which it calls the guest at `published`.
fn serve(file: Vec<u8>, published: u16) -> u16 {
    let (listener, port) = listener();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut request = String::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                request.push_str(&std::mem::take(&mut line));
            }
            let body = if request.starts_with("GET /file ") {
                file.clone()
            } else {
                format!("the guest says: {}", call(published)).into_bytes()
            };
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let mut stream = reader.into_inner();
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    port
}

/// Takes all bytes of one connection.
fn take() -> (u16, Receiver<Vec<u8>>) {
    let (listener, port) = listener();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    (port, receiver)
}

/// A name server for which every name stands for 192.0.2.77.
fn names() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let addr = socket.local_addr().expect("its address");
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((count, from)) = socket.recv_from(&mut query) {
            let mut reply = query[..count].to_vec();
            (reply[2], reply[3]) = (0x81, 0x80);
            // Addresses of the sixth version there are none.
            if reply[count - 3] == 1 {
                reply[7] = 1;
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
            }
            let _ = socket.send_to(&reply, from);
        }
    });
    addr
}

/// A port that is free now.
fn free_port() -> u16 {
    listener().1
}

fn network(host: u16, guest: u16, names: Option<SocketAddr>) -> Network {
    let forward = PortForward {
        protocol: Protocol::Tcp,
        bind: Ipv4Addr::LOCALHOST.into(),
        host,
        guest,
    };
    Network::User(UserNetwork {
        forwards: vec![forward],
        names,
    })
}

#[test]
fn a_stock_kernel_reaches_the_host_and_is_reached() {
    let Some(guest) = Guest::linux("shell modules=1") else {
        return;
    };
    let file = noise(4 << 20);
    let published = free_port();
    let server = serve(file.clone(), published);
    let (sink, sent_back) = take();
    let boot = guest
        .network(network(published, 7777, Some(names())))
        .send(PROMPT, &format!("{BOUND}\n"))
        .send(PROMPT, &format!("{DHCP}\n"))
        .send(PROMPT, "ping -c 1 10.0.2.2\n")
        .send(
            PROMPT,
            &format!("wget -q -O /tmp/f http://10.0.2.2:{server}/file\n"),
        )
        .send(PROMPT, &format!("nc 10.0.2.2 {sink} < /tmp/f\n"))
        .send(PROMPT, "nslookup some.test 10.0.2.3\n")
        .send(PROMPT, "nslookup host.internal 10.0.2.3\n")
        .send(PROMPT, "(nc -l -p 7777 -e cat &)\n")
        .send(PROMPT, "while ! netstat -ltn | grep -q :7777; do :; done\n")
        .send(
            PROMPT,
            &format!("wget -q -O - http://10.0.2.2:{server}/call\n"),
        )
        .send(PROMPT, "wget -O - http://10.0.2.2:1/\n")
        .send(PROMPT, "poweroff -f\n")
        .run();
    let _ = boot.ends(Outcome::PowerOff).says(&[
        "VM-BOUND 10.0.2.15 10.0.2.2 10.0.2.3 1500\n",
        "1 packets received",
        "Address: 192.0.2.77\n",
        "Address: 10.0.2.2\n",
        "the guest says: hello, guest\n",
        "Connection refused",
        "reboot: Power down",
    ]);
    let back = sent_back.recv().expect("what the guest has sent back");
    assert_eq!(back.len(), file.len());
    assert!(back == file, "the file came back changed");
}

#[test]
fn in_virtual_time_the_guest_waits_for_the_host() {
    let Some(guest) = Guest::linux("shell modules=1") else {
        return;
    };
    let file = noise(100_000);
    let (server, (sink, sent_back)) = (serve(file.clone(), 0), take());
    let boot = guest
        .seed(3)
        .network(Network::User(UserNetwork::default()))
        .send(PROMPT, &format!("{BOUND}\n"))
        .send(PROMPT, &format!("{DHCP}\n"))
        .send(
            PROMPT,
            &format!("wget -q -O /tmp/f http://10.0.2.2:{server}/file\n"),
        )
        .send(PROMPT, &format!("nc 10.0.2.2 {sink} < /tmp/f\n"))
        .send(PROMPT, "poweroff -f\n")
        .run();
    let wanted = ["VM-BOUND 10.0.2.15 ", "reboot: Power down"];
    let _ = boot.ends(Outcome::PowerOff).says(&wanted);
    assert!(sent_back.recv().expect("what came back") == file);
}
