//! The files of a folder for a guest: a small web server on the host's loopback.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The variable that stands for the server's address.
pub const VARIABLE: &str = "serve";

/// What stands for its value while a file is checked.
pub const STAND_IN: &str = "10.0.2.2:65535";

/// Where a guest finds the host's loopback.
const GATEWAY: &str = "10.0.2.2";
/// The most bytes of a request.
// LIMIT: a name of a file, and what clients say of themselves.
const REQUEST_LIMIT: u64 = 16 << 10;
/// The most connections at a time.
// LIMIT: each is a thread; a guest that wants more is told so.
const CONNECTIONS: usize = 32;
/// How long a client may be silent, in host time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the files of a folder until the process ends; gives the address for the guest.
pub fn serve(folder: &Path) -> io::Result<String> {
    let root = folder.canonicalize()?;
    if !root.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let root: Arc<Path> = root.into();
    thread::Builder::new()
        .name("serve".to_owned())
        .spawn(move || accept(&listener, &root))?;
    Ok(format!("{GATEWAY}:{port}"))
}

fn accept(listener: &TcpListener, root: &Arc<Path>) {
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // No descriptor is free, for one; some will be.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if busy.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            busy.fetch_sub(1, Ordering::Relaxed);
            let _ = head(&stream, "503 Too many connections", 0);
            continue;
        }
        let (root, done) = (root.clone(), busy.clone());
        let begun = thread::Builder::new().spawn(move || {
            // A client that goes away is its own affair.
            let _ = answer(&stream, &root).and_then(|()| part(&stream));
            done.fetch_sub(1, Ordering::Relaxed);
        });
        if begun.is_err() {
            busy.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Reads one request and answers it.
fn answer(mut stream: &TcpStream, root: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream).take(REQUEST_LIMIT);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.trim_end().is_empty() {
        line.clear();
    }
    let mut words = request.split_ascii_whitespace();
    let (verb, target) = (words.next(), words.next().unwrap_or_default());
    if !matches!(verb, Some("GET" | "HEAD")) {
        return head(stream, "405 Only GET and HEAD", 0);
    }
    let Some((mut file, bytes)) = find(root, target).and_then(|path| open(&path)) else {
        return head(stream, "404 No such file", 0);
    };
    head(stream, "200 OK", bytes)?;
    if verb == Some("GET") {
        io::copy(&mut (&mut file).take(bytes), &mut stream)?;
    }
    stream.flush()
}

/// Ends a connection so that the answer arrives: what was sent and is not read would break it off.
fn part(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(REQUEST_LIMIT), &mut io::sink()).map(drop)
}

fn head(mut stream: &TcpStream, status: &str, bytes: u64) -> io::Result<()> {
    let head = format!("HTTP/1.0 {status}\r\nContent-Length: {bytes}\r\n\r\n");
    stream.write_all(head.as_bytes())
}

/// A plain file, and its length.
fn open(path: &Path) -> Option<(File, u64)> {
    // Looked at before it is opened: a pipe would wait for its other end.
    let plain = path.metadata().ok()?.is_file();
    let file = plain.then(|| File::open(path))?.ok()?;
    let bytes = file.metadata().ok()?.len();
    Some((file, bytes))
}

/// The file that a request names, if it stands below the folder, links followed.
fn find(root: &Path, target: &str) -> Option<PathBuf> {
    let target = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let name = PathBuf::from(unescape(target)?);
    let plain = |part| matches!(part, Component::Normal(_));
    let path = name.components().all(plain).then(|| root.join(name))?;
    let path = path.canonicalize().ok()?;
    path.starts_with(root).then_some(path)
}

/// A name without the escapes of a web address.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn ask(port: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a server");
        stream.write_all(request.as_bytes()).expect("a connection");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8(answer).expect("text")
    }

    #[test]
    fn only_files_of_the_folder_are_given() {
        let outside = tempfile::tempdir().expect("a folder");
        let folder = outside.path().join("served");
        fs::create_dir_all(folder.join("in")).expect("a folder");
        fs::write(outside.path().join("secret"), "secret").expect("a file");
        fs::write(folder.join("a b"), "one").expect("a file");
        fs::write(folder.join("in/c"), "two").expect("a file");
        symlink("../secret", folder.join("out")).expect("a link");
        symlink("in/c", folder.join("link")).expect("a link");
        let address = serve(&folder).expect("a server");
        let port = address.strip_prefix("10.0.2.2:").expect("an address");
        let ok = |body: &str| {
            let bytes = body.len();
            format!("HTTP/1.0 200 OK\r\nContent-Length: {bytes}\r\n\r\n{body}")
        };
        for (line, want) in [
            ("GET /a%20b HTTP/1.0", ok("one")),
            ("GET /in/c HTTP/1.1\r\nHost: x", ok("two")),
            ("GET /link?x#y HTTP/1.0", ok("two")),
            ("HEAD /in/c HTTP/1.0", ok("two").replace("two", "")),
        ] {
            assert_eq!(ask(port, &format!("{line}\r\n\r\n")), want, "{line}");
        }
        let long = format!("GET /{}", "a".repeat(20_000));
        for (line, status) in [
            ("GET /out HTTP/1.0", "404"),
            ("GET /../secret HTTP/1.0", "404"),
            ("GET /in/../../secret HTTP/1.0", "404"),
            ("GET /%2e%2e/secret HTTP/1.0", "404"),
            ("GET //etc/passwd HTTP/1.0", "404"),
            ("GET /in HTTP/1.0", "404"),
            ("GET / HTTP/1.0", "404"),
            ("GET /%zz HTTP/1.0", "404"),
            ("GET /% HTTP/1.0", "404"),
            ("GET", "404"),
            (&long, "404"),
            ("PUT /a HTTP/1.0", "405"),
            ("", "405"),
        ] {
            let answer = ask(port, &format!("{line}\r\n\r\n"));
            let wanted = format!("HTTP/1.0 {status} ");
            assert!(answer.starts_with(&wanted), "{line:.40}: {answer}");
        }
        assert!(serve(&folder.join("a b")).is_err());
        assert!(serve(&folder.join("nowhere")).is_err());
    }
}
