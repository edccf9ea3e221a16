//! Files that strangers might hand over, for the program itself: made of chance by the targets'
//! own rules.

use vm_core::Entropy;

use crate::{Feed, bootdisk, testfiles};

/// So many bytes of chance.
fn chance(dice: &mut Entropy, most: u64) -> Vec<u8> {
    let mut bytes = vec![0; (dice.next_u64() % most) as usize + 16];
    dice.fill(&mut bytes);
    bytes
}

/// A disk with volumes, files and damage.
#[must_use]
pub fn disk(dice: &mut Entropy) -> Vec<u8> {
    let bytes = chance(dice, 2000);
    let disk = bootdisk::disk(&mut Feed::new(&bytes));
    // LIMIT: a disk of FAT32 has 33 MiB; two of them and their table fit.
    disk.get(0, disk.bytes.min(80 << 20) as usize)
}

/// A test file: nearly right, and now and then words in any order.
#[must_use]
pub fn test_file(dice: &mut Entropy) -> Vec<u8> {
    let bytes = chance(dice, 300);
    let mut feed = Feed::new(&bytes);
    if feed.once_in(8) {
        testfiles::content(&mut feed)
    } else {
        testfiles::nearly_right(&mut feed)
    }
}
