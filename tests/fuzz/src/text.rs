//! Texts as bytes: each stands for a word of a language, or for itself.

use crate::Feed;

/// So many bytes as a text; bytes above all words are characters.
pub fn of(feed: &mut Feed, words: &[&str]) -> Vec<u8> {
    let most = usize::from(feed.u8());
    let mut text = Vec::new();
    for byte in feed.bytes(most) {
        match words.get(usize::from(*byte)) {
            Some(word) => text.extend_from_slice(word.as_bytes()),
            None => text.push(byte.wrapping_sub(words.len() as u8) & 0x7f),
        }
    }
    text
}
