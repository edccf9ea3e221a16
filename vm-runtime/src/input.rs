//! Reads what the user types, or what a pipe brings, on a thread of its own.

use std::io::{ErrorKind, Read};
use std::thread;

/// Who gets the input.
pub trait InputSink: Send {
    /// Takes bytes; false ends the reading.
    fn bytes(&mut self, bytes: &[u8]) -> bool;

    /// No more will come: the input ended or failed.
    fn end(&mut self);
}

/// Reads until the input ends or the sink has had enough.
///
/// The thread is never joined: a read from a terminal can not be called off, and the end of the
/// process ends it.
pub fn read_input(
    mut from: impl Read + Send + 'static,
    mut to: impl InputSink + 'static,
) -> std::io::Result<()> {
    let read = move || {
        let mut buffer = [0; 4096];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break to.end(),
                Ok(count) => {
                    if !to.bytes(&buffer[..count]) {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break to.end(),
            }
        }
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(read)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Told(Sender<Vec<u8>>, usize);

    impl InputSink for Told {
        fn bytes(&mut self, bytes: &[u8]) -> bool {
            self.0
                .send(bytes.to_vec())
                .is_ok_and(|()| bytes.len() < self.1)
        }

        fn end(&mut self) {
            let _ = self.0.send(b"END".to_vec());
        }
    }

    #[test]
    fn input_is_handed_on_in_order_until_it_ends_or_is_enough() {
        for (text, enough, want) in [
            ("", 9, &["END"][..]),
            ("hello", 9, &["hello", "END"]),
            ("hello", 5, &["hello"]),
        ] {
            let (sender, receiver) = channel();
            read_input(Cursor::new(text), Told(sender, enough)).expect("a thread");
            let got: Vec<Vec<u8>> = receiver.iter().collect();
            let want: Vec<&[u8]> = want.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(got, want, "{text:?}");
        }
    }
}
