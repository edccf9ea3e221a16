//! One run at a time: a lock file in the image folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Holds the image folder until dropped; the kernel frees it if the process dies.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `cache`, waiting for another run to finish if there is one.
    pub fn take(cache: &Path) -> Result<Self> {
        let path = cache.join("lock");
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                println!("images: waiting for another run to finish");
                file.lock()
                    .with_context(|| format!("locking {}", path.display()))?;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, TryLockError};

    use super::Lock;

    #[test]
    fn a_second_run_has_to_wait() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let lock = Lock::take(cache.path()).expect("free");
        let other = File::create(cache.path().join("lock")).expect("open");
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(lock);
        assert!(other.try_lock().is_ok());
    }
}
