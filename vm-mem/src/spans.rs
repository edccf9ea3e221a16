//! Ranges of addresses that large mappings were used for.

/// How many separate ranges are kept.
// LIMIT: a kernel has three or four (linear map, image, device trees); more are joined.
const SPANS: usize = 8;

/// Ranges of addresses, each with the first and the last one.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds a range; what touches is joined, and everything if there are too many.
    pub fn note(&mut self, first: u64, last: u64) {
        let near = |span: &&mut (u64, u64)| {
            first <= span.1.saturating_add(1) && span.0 <= last.saturating_add(1)
        };
        if let Some(span) = self.0.iter_mut().find(near) {
            *span = (span.0.min(first), span.1.max(last));
        } else if self.0.len() < SPANS {
            self.0.push((first, last));
        } else {
            let all = self.0.iter().copied().chain([(first, last)]);
            let all = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            self.0.clear();
            self.0.extend(all);
        }
    }

    /// Adds those that others are.
    pub fn note_all(&mut self, others: &Self) {
        for (first, last) in &others.0 {
            self.note(*first, *last);
        }
    }

    /// The range that an address is in.
    #[must_use]
    pub fn around(&self, addr: u64) -> Option<(u64, u64)> {
        let inside = |span: &&(u64, u64)| (span.0..=span.1).contains(&addr);
        self.0.iter().find(inside).copied()
    }

    /// Takes out the range that an address is in.
    pub fn take(&mut self, addr: u64) -> Option<(u64, u64)> {
        let span = self.around(addr)?;
        self.0.retain(|other| *other != span);
        Some(span)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_is_joined_and_too_many_become_one() {
        let mut spans = Spans::default();
        spans.note(0x1000, 0x1fff);
        spans.note(0x4000, 0x4fff);
        spans.note(0x2000, 0x2fff);
        assert_eq!(spans.around(0x1000), Some((0x1000, 0x2fff)));
        assert_eq!(spans.around(0x3000), None);
        assert_eq!(spans.take(0x2fff), Some((0x1000, 0x2fff)));
        assert_eq!(spans.around(0x1000), None);
        for n in 0..SPANS as u64 {
            spans.note(n << 20, (n << 20) + 1);
        }
        assert_eq!(spans.around(0x8_0000), Some((0, 0x70_0001)));
        let mut heir = Spans::default();
        heir.note(1 << 30, (1 << 30) + 1);
        heir.note_all(&spans);
        assert_eq!(heir.around(0x70_0000), Some((0, 0x70_0001)));
        assert_eq!(heir.around(1 << 30), Some((1 << 30, (1 << 30) + 1)));
        spans.clear();
        assert_eq!(spans.around(0), None);
    }
}
