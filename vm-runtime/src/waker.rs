//! Wakes the thread that runs a machine.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Wakes a sleeping machine; clones wake the same one.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<(Mutex<bool>, Condvar)>);

impl Waker {
    /// Wakes the sleeper, or keeps it from falling asleep next time.
    pub fn wake(&self) {
        let (flag, condition) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        condition.notify_one();
    }

    /// Sleeps until somebody wakes, at most so long.
    pub(crate) fn sleep(&self, at_most: Option<Duration>) {
        let (flag, condition) = &*self.0;
        let guard = flag.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guard = match at_most {
            Some(time) => {
                let waited = condition.wait_timeout_while(guard, time, |woken| !*woken);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = condition.wait_while(guard, |woken| !*woken);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        *guard = false;
    }
}
