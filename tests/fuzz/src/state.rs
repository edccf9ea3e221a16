//! Saved states.

use vm_core::{Image, StateHash};

use crate::Feed;
use crate::wires::Wired;

/// The first byte chooses: a file as it is, or a machine's state with some of its bytes changed.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    if feed.once_in(2) {
        file(feed.rest());
    } else {
        changed(&mut feed);
    }
}

/// A file that is taken writes itself again.
fn file(bytes: &[u8]) {
    let Ok(image) = Image::from_bytes(bytes) else {
        return;
    };
    for name in image.names() {
        assert!(image.section(name).is_ok());
    }
    let mut hash = StateHash::new();
    image.add_to(&mut hash);
    let again = Image::from_bytes(&image.to_bytes());
    assert!(again.is_ok_and(|again| again.to_bytes() == image.to_bytes()));
}

/// A machine takes what it can have been, and then saves just that; anything else it refuses.
fn changed(feed: &mut Feed) {
    let mut wired = Wired::new(1);
    let mut image = Image::new();
    wired.machine.bus.save(&mut image);
    let mut bytes = image.to_bytes();
    for _ in 0..1 + feed.u8() % 4 {
        let at = feed.below(bytes.len() as u64) as usize;
        bytes[at] ^= feed.u8();
    }
    let Ok(image) = Image::from_bytes(&bytes) else {
        return;
    };
    if wired.machine.bus.restore(&image).is_ok() {
        let mut after = Image::new();
        wired.machine.bus.save(&mut after);
        assert!(
            image.to_bytes() == after.to_bytes(),
            "a device takes what it does not keep"
        );
    }
}
