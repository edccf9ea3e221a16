//! Split rings, on top of the crate `virtio-queue`.
//!
//! VIRTIO 1.3, section 2.7, "Split Virtqueues".
//! Only this file names that crate, because it does not build on every host.

use std::sync::atomic::Ordering;

use virtio_queue::desc::split::Descriptor;
use virtio_queue::{DescriptorChain, Queue, QueueOwnedT, QueueT};
use vm_core::{GuestPhys, Width};
use vm_device_bus::Segment;
use vm_mem::{GuestRam, Mmap};
use vm_memory::GuestAddress;

use crate::queue::{Broken, Chain, Layout, Ring};

/// `VIRTQ_AVAIL_F_NO_INTERRUPT`: the driver does not want interrupts.
const NO_INTERRUPT: u64 = 1;

/// The rings of one enabled queue.
pub(crate) struct SplitRing {
    queue: Queue,
    event_index: bool,
}

impl SplitRing {
    /// Rings at this place, of which `position` says how far they were used; `None` if size or
    /// alignment are not permitted.
    pub fn new(layout: Layout, max: u16, position: (u16, u16)) -> Option<Self> {
        let mut queue = Queue::new(max).ok()?;
        queue.try_set_size(layout.size).ok()?;
        let at = |addr| GuestAddress(addr);
        queue
            .try_set_desc_table_address(at(layout.descriptors))
            .ok()?;
        queue.try_set_avail_ring_address(at(layout.driver)).ok()?;
        queue.try_set_used_ring_address(at(layout.device)).ok()?;
        queue.set_next_avail(position.0);
        queue.set_next_used(position.1);
        queue.set_ready(true);
        Some(Self {
            queue,
            event_index: false,
        })
    }

    /// Whether all of the rings is RAM.
    pub fn fits(&self, ram: &GuestRam) -> bool {
        self.queue.is_valid(ram.memory())
    }

    /// Copies the descriptors of a chain, then looks at the copies.
    fn collect(&self, chain: DescriptorChain<&Mmap>, ram: &GuestRam) -> Result<Chain, Broken> {
        let head = chain.head_index();
        // LIMIT: section 2.7.5.3.1 forbids chains longer than the queue, indirect ones too.
        let limit = usize::from(self.queue.max_size());
        let copies: Vec<Descriptor> = chain.take(limit + 1).collect();
        // The iterator ends early at whatever it can not follow: the last one tells.
        let whole = copies.last().is_some_and(|last| !last.has_next());
        if !whole || copies.len() > limit {
            return Err(Broken);
        }
        let (mut readable, mut writable) = (Vec::new(), Vec::new());
        for copy in copies {
            let (addr, bytes) = (GuestPhys(copy.addr().0), copy.len());
            if !copy.is_write_only() && !writable.is_empty() {
                return Err(Broken);
            }
            if bytes == 0 {
                continue;
            }
            if !ram.contains(addr, u64::from(bytes)) {
                return Err(Broken);
            }
            let direction = if copy.is_write_only() {
                &mut writable
            } else {
                &mut readable
            };
            direction.push(Segment { addr, bytes });
        }
        Ok(Chain {
            head,
            readable,
            writable,
        })
    }
}

impl Ring for SplitRing {
    fn pop(&mut self, ram: &GuestRam) -> Result<Option<Chain>, Broken> {
        let chain = self.queue.iter(ram.memory()).map_err(|_| Broken)?.next();
        chain.map(|chain| self.collect(chain, ram)).transpose()
    }

    fn rearm(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        self.queue
            .enable_notification(ram.memory())
            .map_err(|_| Broken)
    }

    fn push(&mut self, ram: &GuestRam, head: u16, written: u32) -> Result<(), Broken> {
        self.queue
            .add_used(ram.memory(), head, written)
            .map_err(|_| Broken)
    }

    fn interrupt_wanted(&mut self, ram: &GuestRam) -> Result<bool, Broken> {
        if self.event_index {
            return self
                .queue
                .needs_notification(ram.memory())
                .map_err(|_| Broken);
        }
        // The crate does not look at the flags, so it is done here.
        std::sync::atomic::fence(Ordering::SeqCst);
        let flags = ram
            .load(GuestPhys(self.queue.avail_ring()), Width::B2)
            .ok_or(Broken)?;
        Ok(flags & NO_INTERRUPT == 0)
    }

    fn use_event_index(&mut self, on: bool) {
        self.event_index = on;
        self.queue.set_event_idx(on);
    }

    fn position(&self) -> (u16, u16) {
        (self.queue.next_avail(), self.queue.next_used())
    }
}
