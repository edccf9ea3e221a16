//! The queue of things that happen at a guest time.

use std::collections::BTreeMap;

use crate::state::{Fields, Section, StateError};

/// Who an event is for, and which of its events it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token {
    /// The owner, as numbered by the machine.
    pub owner: u32,
    /// The owner's own name for the event; an owner has at most one pending event a tag.
    pub tag: u32,
}

/// Events in the order of guest time; equal times in the order in which they were scheduled.
#[derive(Debug, Default, Clone)]
pub struct Events {
    queue: BTreeMap<(u64, u64), Token>,
    pending: BTreeMap<Token, (u64, u64)>,
    sequence: u64,
}

impl Events {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Schedules an event, in place of one with the same token that is still pending.
    pub fn schedule(&mut self, at_ns: u64, token: Token) {
        self.cancel(token);
        let key = (at_ns, self.sequence);
        self.sequence += 1;
        self.queue.insert(key, token);
        self.pending.insert(token, key);
    }

    /// Forgets an event, if it is pending.
    pub fn cancel(&mut self, token: Token) {
        if let Some(key) = self.pending.remove(&token) {
            self.queue.remove(&key);
        }
    }

    /// When the next event is due.
    #[must_use]
    pub fn next_ns(&self) -> Option<u64> {
        self.queue.keys().next().map(|key| key.0)
    }

    /// Takes the next event that is due at `now_ns`.
    pub fn take_due(&mut self, now_ns: u64) -> Option<Token> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > now_ns {
            return None;
        }
        let token = entry.remove();
        self.pending.remove(&token);
        Some(token)
    }

    /// Writes the queue down.
    pub fn save(&self, out: &mut Section) {
        out.u64("sequence", self.sequence);
        let words = self
            .queue
            .iter()
            .flat_map(|(key, token)| [key.0, key.1, u64::from(token.owner), u64::from(token.tag)]);
        out.words("queue", &words.collect::<Vec<_>>());
    }

    /// Replaces the queue by a saved one.
    pub fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        *self = Self {
            sequence: from.u64("sequence")?,
            ..Self::default()
        };
        for entry in from.words("queue")?.chunks_exact(4) {
            let (key, token) = (
                (entry[0], entry[1]),
                Token {
                    owner: entry[2] as u32,
                    tag: entry[3] as u32,
                },
            );
            self.queue.insert(key, token);
            self.pending.insert(token, key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(tag: u32) -> Token {
        Token { owner: 0, tag }
    }

    #[test]
    fn order_is_time_then_sequence() {
        let mut events = Events::new();
        events.schedule(20, token(1));
        events.schedule(10, token(2));
        events.schedule(20, token(3));
        events.schedule(5, token(1));
        let order: Vec<_> = std::iter::from_fn(|| events.take_due(30))
            .map(|t| t.tag)
            .collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn nothing_happens_early_and_nothing_after_cancel() {
        let mut events = Events::new();
        events.schedule(20, token(1));
        assert_eq!(events.take_due(19), None);
        events.cancel(token(1));
        assert_eq!((events.take_due(21), events.next_ns()), (None, None));
    }

    #[test]
    fn a_restored_queue_keeps_order_and_tokens() {
        let mut events = Events::new();
        events.schedule(20, token(1));
        events.schedule(20, token(2));
        let mut section = Section::new("events", 1);
        events.save(&mut section);
        let mut other = Events::new();
        other.restore(&section.fields()).unwrap();
        other.cancel(token(1));
        assert_eq!(other.take_due(20), Some(token(2)));
    }
}
