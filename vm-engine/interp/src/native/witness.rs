//! Somebody who is told what code is made, for people; where there is nobody, nothing is told.

use super::listing::Listing;
use crate::Maker;
use crate::flat::Code;

/// A block of the guest's, where code was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The virtual address at which it was first met; it may be found at others, too.
    pub pc: u64,
    /// The physical address of its first byte.
    pub phys: u64,
    /// The mode bits it depends on.
    pub mode: u64,
    /// The length of the guest code in bytes.
    pub bytes: u32,
    /// How many instructions that is.
    pub insns: u32,
}

impl Origin {
    /// Whether an address, virtual or physical, lies in the block.
    #[must_use]
    pub fn has(&self, addr: u64) -> bool {
        let inside = |first: u64| addr.wrapping_sub(first) < u64::from(self.bytes);
        inside(self.pc) || inside(self.phys)
    }

    /// The block that some code is for.
    pub(crate) fn of(code: &Code) -> Self {
        Self {
            pc: code.pc,
            phys: code.phys,
            mode: code.mode,
            bytes: code.bytes,
            insns: code.sites.len() as u32,
        }
    }
}

/// Code that was made, or that could not be made.
#[derive(Debug)]
pub struct Birth<'a> {
    /// By whom it is run.
    pub maker: Maker,
    /// The blocks that it was made of, in the order of the listing.
    pub blocks: &'a [Origin],
    /// Where native code stands from now on, and its length.
    pub place: Option<(u64, usize)>,
    /// How it was made, if that was wanted; without that and a place, it could not be made.
    pub listing: Option<&'a Listing>,
}

/// Is told what code is made, while no CPU runs any.
///
/// What it does must not depend on the guest, nor change anything that the guest sees.
pub trait Witness: Send {
    /// Whether it wants to know how code for a block is made.
    fn wants(&self, block: &Origin) -> bool;

    /// Code was made.
    fn made(&mut self, birth: &Birth);
}

/// Nobody, or somebody.
pub(crate) type Someone = Option<Box<dyn Witness>>;

/// Whether somebody wants to know how code for a block is made.
pub(crate) fn wants(witness: &Someone, block: impl FnOnce() -> Origin) -> bool {
    witness.as_ref().is_some_and(|who| who.wants(&block()))
}

/// Tells about code for one block.
pub(crate) fn tell(
    witness: &mut Someone,
    maker: Maker,
    code: &Code,
    place: Option<(u64, usize)>,
    listing: Option<&Listing>,
) {
    if let Some(witness) = witness {
        witness.made(&Birth {
            maker,
            blocks: &[Origin::of(code)],
            place,
            listing,
        });
    }
}
