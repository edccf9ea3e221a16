//! What a guest does that can be seen from outside, counted; and whether the host let it down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vm_device_bus::{Disk, DiskDone, DiskError, DiskRequest};
use vm_mem::GuestRam;

/// Counts output, input and requests to disks; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    count: AtomicU64,
    host_failed: AtomicBool,
}

impl Activity {
    /// The guest has done something.
    pub fn note(&self) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Whether a disk of the host has refused what the guest may ask for.
    pub fn host_failed(&self) -> bool {
        self.0.host_failed.load(Ordering::Relaxed)
    }

    fn note_failure(&self) {
        self.0.host_failed.store(true, Ordering::Relaxed);
    }
}

/// A disk whose requests are noted.
pub(crate) struct NotedDisk {
    disk: Box<dyn Disk>,
    activity: Activity,
}

impl NotedDisk {
    /// Notes the requests of a disk.
    pub fn new(disk: Box<dyn Disk>, activity: Activity) -> Self {
        Self { disk, activity }
    }
}

impl Disk for NotedDisk {
    fn bytes(&self) -> u64 {
        self.disk.bytes()
    }

    fn read_only(&self) -> bool {
        self.disk.read_only()
    }

    fn serial(&self) -> &str {
        self.disk.serial()
    }

    fn submit(&mut self, ram: &GuestRam, request: DiskRequest) {
        self.activity.note();
        self.disk.submit(ram, request);
    }

    fn finished(&mut self) -> Option<DiskDone> {
        let done = self.disk.finished()?;
        if done.result == Err(DiskError::Io) {
            self.activity.note_failure();
        }
        Some(done)
    }

    fn wait(&mut self) -> bool {
        self.disk.wait()
    }
}

#[cfg(test)]
mod tests {
    use vm_core::GuestPhys;
    use vm_device_bus::DiskOp;

    use super::*;

    /// A disk whose requests all end in this way.
    struct Ends(Result<(), DiskError>, u64);

    impl Disk for Ends {
        fn bytes(&self) -> u64 {
            512
        }

        fn read_only(&self) -> bool {
            false
        }

        fn serial(&self) -> &str {
            "test"
        }

        fn submit(&mut self, _ram: &GuestRam, request: DiskRequest) {
            self.1 = request.token;
        }

        fn finished(&mut self) -> Option<DiskDone> {
            let (token, result) = (self.1, self.0);
            Some(DiskDone { token, result })
        }
    }

    #[test]
    fn only_the_hosts_own_failure_is_the_hosts() {
        let ram = GuestRam::new(&[(GuestPhys(0), 4096)]).expect("a page of RAM");
        for (result, failed) in [
            (Ok(()), false),
            (Err(DiskError::OutOfRange), false),
            (Err(DiskError::ReadOnly), false),
            (Err(DiskError::Io), true),
        ] {
            let activity = Activity::default();
            let mut disk = NotedDisk::new(Box::new(Ends(result, 0)), activity.clone());
            let request = DiskRequest {
                token: 7,
                op: DiskOp::Flush,
                offset: 0,
                segments: Vec::new(),
            };
            disk.submit(&ram, request);
            assert_eq!(activity.count(), 1);
            let done = disk.finished().expect("it is finished at once");
            assert_eq!((done.token, done.result), (7, result));
            assert_eq!(activity.host_failed(), failed, "{result:?}");
        }
    }
}
