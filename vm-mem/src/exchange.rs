//! Reading, changing and writing a value with nothing between, by comparing and exchanging.

use std::sync::atomic::Ordering;

/// Atomic operations of guests are in one order that all CPUs agree on, whatever they ask for.
const ORDER: Ordering = Ordering::SeqCst;

/// A value that can be compared and exchanged in one access.
pub trait Exchange: Copy {
    /// The value.
    fn now(self, order: Ordering) -> u64;

    /// Changes the value from `old` to `new`; if it is another one, that one.
    fn try_exchange(self, old: u64, new: u64, order: Ordering) -> Result<(), u64>;

    /// Changes the value from `old` to `new`; if it is another one, that one.
    fn compare_exchange(self, old: u64, new: u64) -> Result<(), u64> {
        self.try_exchange(old, new, ORDER)
    }

    /// Changes the value to what a function makes of it, unless that is `None`; the old value,
    /// and the new one if there is one. The function may be called several times.
    fn update(self, mut change: impl FnMut(u64) -> Option<u64>) -> (u64, Option<u64>) {
        let mut old = self.now(ORDER);
        loop {
            let Some(new) = change(old) else {
                return (old, None);
            };
            match self.compare_exchange(old, new) {
                Ok(()) => return (old, Some(new)),
                Err(found) => old = found,
            }
        }
    }
}
