//! Keeps others from using a disk that is written, or from writing one that is read.
//!
//! There are two kinds of locks that do not see each other: `flock`, which this program takes,
//! and record locks, which QEMU takes. The first is what protects one run from another; the
//! second is taken too for a disk that is written, so that others refuse it, and looked for.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use rustix::fs::{FlockOperation, fcntl_lock};

use super::holder::{Holder, has_writer};
use crate::VmError;

/// Locks a disk until its file is closed.
pub fn lock(file: &File, path: &Path, shared: bool) -> Result<(), VmError> {
    let refused = |holder: Option<Holder>| VmError::DiskInUse {
        path: path.to_owned(),
        holder,
    };
    let known = file.metadata();
    let known = known.map_err(VmError::file(path, "can not be opened as a disk"))?;
    let locked = if shared {
        file.try_lock_shared()
    } else {
        file.try_lock()
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(refused(Holder::find(&known))),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => {
            return Err(VmError::file(path, "can not be locked as a disk")(error));
        }
    }
    if !shared {
        // A record lock belongs to the process; a failure is a lock of somebody else.
        let taken = fcntl_lock(file, FlockOperation::NonBlockingLockExclusive);
        if matches!(
            taken,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS)
        ) {
            return Err(refused(Holder::find(&known)));
        }
        return Ok(());
    }
    // Two readers are no trouble to each other.
    let list = fs::read_to_string("/proc/locks").unwrap_or_default();
    if has_writer(&list, &known) {
        return Err(refused(Holder::find(&known)));
    }
    Ok(())
}
