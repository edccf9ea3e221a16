//! Back ends: the host side of a device, as the device sees it.
//!
//! Every back end is asked without blocking; it tells the runtime when it has something, and the
//! runtime wakes the device at the guest time that the machine's time mode demands.

use vm_core::GuestPhys;
use vm_mem::GuestRam;

/// A piece of guest memory that a request reads or fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Where it starts.
    pub addr: GuestPhys,
    /// How long it is.
    pub bytes: u32,
}

/// What a disk is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskOp {
    /// Fill the segments from the disk.
    Read,
    /// Write the segments to the disk.
    Write,
    /// Make all finished writes durable.
    Flush,
    /// The guest no longer needs this range.
    Discard(u64),
    /// This range reads as zeroes from now on.
    WriteZeroes(u64),
}

/// One request to a disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskRequest {
    /// The device's own name for the request.
    pub token: u64,
    /// What to do.
    pub op: DiskOp,
    /// The first byte on the disk.
    pub offset: u64,
    /// The guest memory, in order.
    pub segments: Vec<Segment>,
}

/// A finished request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskDone {
    /// The request's token.
    pub token: u64,
    /// What came of it.
    pub result: Result<(), DiskError>,
}

/// Why a request failed; the host's own words are logged by the back end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// The host could not read or write.
    Io,
    /// The disk can not be written.
    ReadOnly,
    /// The range lies outside the disk, or the memory outside RAM.
    OutOfRange,
    /// The disk does not know this request.
    Unsupported,
}

/// A disk.
pub trait Disk: Send {
    /// Its size in bytes.
    fn bytes(&self) -> u64;
    /// Whether the guest may write.
    fn read_only(&self) -> bool;
    /// A short name that stays the same for the same disk.
    fn serial(&self) -> &str;
    /// Takes a request; its end is told by [`Disk::finished`].
    fn submit(&mut self, ram: &GuestRam, request: DiskRequest);
    /// The next finished request.
    fn finished(&mut self) -> Option<DiskDone>;
    /// Blocks until one more request has finished; false if none is under way.
    ///
    /// Disks that finish each request inside [`Disk::submit`] need not say more than this.
    fn wait(&mut self) -> bool {
        false
    }
}

/// A byte stream with a person or a script at the other end.
pub trait Console: Send {
    /// Takes what the guest prints.
    fn write(&mut self, bytes: &[u8]);
    /// Gives input, at most as much as fits; zero if there is none now.
    fn read(&mut self, into: &mut [u8]) -> usize;
    /// The size of the screen in columns and rows, if it has one.
    fn size(&self) -> Option<(u16, u16)> {
        None
    }
}

/// A network.
///
/// Frames are Ethernet frames without the check sequence behind them.
pub trait Net: Send {
    /// Takes a frame that the guest sends; one that finds no room is lost, as on any network.
    fn send(&mut self, frame: &[u8]);
    /// Gives a frame for the guest.
    fn receive(&mut self) -> Option<Vec<u8>>;
    /// Whether the checksums in frames for the guest need no second look: a network that made
    /// the frames itself says so.
    fn vouches(&self) -> bool {
        false
    }
    /// Whether the cable is plugged in.
    fn link_up(&self) -> bool {
        true
    }
    /// Whether it takes packets of TCP over IPv4 that are larger than a frame.
    fn takes_large(&self) -> bool {
        false
    }
    /// Says whether the guest takes such packets; until then it does not.
    fn give_large(&mut self, on: bool) {
        let _ = on;
    }
    /// The guest's card has lost all it knew: so should whoever talked with it.
    fn reset(&mut self) {}
}

/// A shared folder; its requests are defined with the first device that offers one.
pub trait Share: Send {
    /// The name under which the guest mounts it.
    fn tag(&self) -> &str;
}

/// A console at which nobody sits.
#[derive(Debug, Default, Clone, Copy)]
pub struct NullConsole;

impl Console for NullConsole {
    fn write(&mut self, _bytes: &[u8]) {}

    fn read(&mut self, _into: &mut [u8]) -> usize {
        0
    }
}
