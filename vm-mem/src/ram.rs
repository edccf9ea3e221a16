//! Guest RAM.
#![expect(unsafe_code, reason = "reads and writes a mapping; see UNSAFETY")]
// UNSAFETY: hashing, saving and comparing read whole pages as bytes while no vCPU runs, single
// values are loaded and stored as atomics, which page walks do all the time; everything else
// goes through vm-memory's volatile accessors.

use std::sync::atomic::Ordering::Relaxed;

use vm_core::{Fields, GuestPhys, PAGE_BITS, PAGE_BYTES, Section, StateError, StateHash, Width};
use vm_memory::bitmap::Bitmap;
use vm_memory::{
    Address, Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion, GuestRegionMmap,
    MmapRegion,
};

use crate::{Exchange as _, HostCell, Mmap, PageMarks, RamError, RamFault, sys};

/// A page of RAM as an engine sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostPage {
    /// The host address of the page's first byte.
    pub host: u64,
    /// Whether code was translated from it.
    pub code: bool,
}

/// Guest RAM; clones share the memory.
#[derive(Clone, Debug)]
pub struct GuestRam {
    memory: Mmap,
    regions: Vec<Region>,
}

#[derive(Clone, Debug)]
struct Region {
    base: GuestPhys,
    bytes: u64,
    host: u64,
    marks: PageMarks,
}

impl Region {
    /// The value at an offset that `locate` gave, if it is aligned.
    fn cell(&self, offset: u64, width: Width) -> Option<HostCell> {
        // SAFETY: the mapping lives as long as the memory that this region is a part of, and
        // `locate` has checked the range.
        unsafe { HostCell::new((self.host + offset) as *mut u8, width) }
    }

    fn wrote(&self, offset: u64, width: Width) {
        let (offset, bytes) = (offset as usize, width.bytes() as usize);
        self.marks.mark_dirty(offset, bytes);
    }
}

impl GuestRam {
    /// RAM of zeroes in these regions (first address and length).
    pub fn new(regions: &[(GuestPhys, u64)]) -> Result<Self, RamError> {
        let mut maps = Vec::new();
        for (base, bytes) in regions {
            let layout = || RamError::Layout {
                base: *base,
                bytes: *bytes,
            };
            let whole = usize::try_from(*bytes)
                .ok()
                .filter(|n| n % PAGE_BYTES as usize == 0);
            let size = whole.filter(|n| *n > 0).ok_or_else(layout)?;
            let map = MmapRegion::<PageMarks>::new(size).map_err(|error| RamError::Map {
                bytes: *bytes,
                reason: error.to_string(),
            })?;
            sys::advise(map.as_ptr(), size);
            maps.push(GuestRegionMmap::new(map, GuestAddress(base.0)).ok_or_else(layout)?);
        }
        let overlap = |_| {
            let (base, bytes) = regions.first().copied().unwrap_or((GuestPhys(0), 0));
            RamError::Layout { base, bytes }
        };
        let memory = Mmap::from_regions(maps).map_err(overlap)?;
        let regions = memory
            .iter()
            .map(|region| Region {
                base: GuestPhys(region.start_addr().raw_value()),
                bytes: region.len(),
                host: region.as_ptr() as u64,
                marks: MmapRegion::bitmap(region).clone(),
            })
            .collect();
        Ok(Self { memory, regions })
    }

    /// The regions: first address and length.
    pub fn regions(&self) -> impl Iterator<Item = (GuestPhys, u64)> {
        self.regions
            .iter()
            .map(|region| (region.base, region.bytes))
    }

    /// The memory as the `vm-memory` family sees it.
    #[must_use]
    pub fn memory(&self) -> &Mmap {
        &self.memory
    }

    /// Whether all of a range is RAM (in one region).
    #[must_use]
    pub fn contains(&self, addr: GuestPhys, bytes: u64) -> bool {
        self.locate(addr, bytes).is_some()
    }

    /// Copies memory out.
    pub fn read(&self, addr: GuestPhys, out: &mut [u8]) -> Result<(), RamFault> {
        let fault = RamFault {
            addr,
            bytes: out.len() as u64,
        };
        self.locate(addr, fault.bytes).ok_or(fault)?;
        self.memory
            .read_slice(out, GuestAddress(addr.0))
            .map_err(|_| fault)
    }

    /// Copies bytes in.
    pub fn write(&self, addr: GuestPhys, bytes: &[u8]) -> Result<(), RamFault> {
        let fault = RamFault {
            addr,
            bytes: bytes.len() as u64,
        };
        self.locate(addr, fault.bytes).ok_or(fault)?;
        self.memory
            .write_slice(bytes, GuestAddress(addr.0))
            .map_err(|_| fault)
    }

    /// Loads one little-endian value, as one access if it is aligned.
    #[must_use]
    #[inline]
    pub fn load(&self, addr: GuestPhys, width: Width) -> Option<u64> {
        let (offset, region) = self.locate(addr, width.bytes())?;
        if let Some(cell) = region.cell(offset, width) {
            return Some(cell.load(Relaxed));
        }
        self.load_split(addr, width)
    }

    /// Loads a value that is not aligned.
    #[cold]
    fn load_split(&self, addr: GuestPhys, width: Width) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(addr, &mut bytes[..width.bytes() as usize]).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// Stores one little-endian value, as one access if it is aligned; false if it is not RAM.
    pub fn store(&self, addr: GuestPhys, width: Width, value: u64) -> bool {
        let Some((offset, region)) = self.locate(addr, width.bytes()) else {
            return false;
        };
        let Some(cell) = region.cell(offset, width) else {
            let bytes = &value.to_le_bytes()[..width.bytes() as usize];
            return self.write(addr, bytes).is_ok();
        };
        cell.store(value, Relaxed);
        region.wrote(offset, width);
        true
    }

    /// Changes one aligned little-endian value from `old` to `new`, as one access that nothing
    /// comes between; if it is another one, that one. `None` if it is not RAM or not aligned.
    pub fn compare_exchange(
        &self,
        addr: GuestPhys,
        width: Width,
        old: u64,
        new: u64,
    ) -> Option<Result<(), u64>> {
        let (offset, region) = self.locate(addr, width.bytes())?;
        let done = region.cell(offset, width)?.compare_exchange(old, new);
        if done.is_ok() {
            region.wrote(offset, width);
        }
        Some(done)
    }

    /// The host's page behind a guest page, for a software TLB.
    #[must_use]
    #[inline]
    pub fn page(&self, addr: GuestPhys) -> Option<HostPage> {
        let (offset, region) = self.locate(addr.page(), PAGE_BYTES)?;
        let host = region.host + offset;
        let code = region.marks.is_code((offset >> PAGE_BITS) as usize);
        Some(HostPage { host, code })
    }

    /// The guest page that stands at a host address.
    #[must_use]
    #[inline]
    pub fn guest_of(&self, host: u64) -> Option<GuestPhys> {
        self.regions.iter().find_map(|region| {
            let offset = host
                .checked_sub(region.host)
                .filter(|offset| *offset < region.bytes)?;
            Some(region.base + offset)
        })
    }

    /// Marks a range as written, for writes that went through a host address.
    pub fn mark_dirty(&self, addr: GuestPhys, bytes: u64) {
        if let Some((offset, region)) = self.locate(addr, bytes) {
            region.marks.mark_dirty(offset as usize, bytes as usize);
        }
    }

    /// Marks a page as written, without asking whether it holds translated code: for engines,
    /// which see to that themselves.
    #[inline]
    pub fn mark_dirty_only(&self, addr: GuestPhys) {
        if let Some((offset, region)) = self.locate(addr.page(), PAGE_BYTES) {
            region.marks.mark_written((offset >> PAGE_BITS) as usize);
        }
    }

    /// Marks a page as holding translated code, or no longer.
    ///
    /// The mark comes before the bytes are read: then a write that races with the reading is
    /// either read or noticed.
    pub fn mark_code(&self, addr: GuestPhys, code: bool) {
        if let Some((offset, region)) = self.locate(addr.page(), PAGE_BYTES) {
            let page = (offset >> PAGE_BITS) as usize;
            if code {
                region.marks.mark_code(page);
            } else {
                region.marks.clear_code(page);
            }
        }
    }

    /// The code pages that were written since the last call.
    #[must_use]
    pub fn take_stale(&self) -> Vec<GuestPhys> {
        self.collect(PageMarks::take_stale)
    }

    /// The pages that were written since the last call; there is one who asks. A CPU that may
    /// write a page without asking marks it anew only when that right has been taken back.
    #[must_use]
    pub fn take_dirty(&self) -> Vec<GuestPhys> {
        self.collect(PageMarks::take_dirty)
    }

    /// Adds all of RAM to a hash.
    pub fn add_to(&self, hash: &mut StateHash) {
        self.each_page(|addr, bytes| {
            if bytes.iter().any(|byte| *byte != 0) {
                hash.word(addr.0);
                hash.bytes(bytes);
            }
        });
    }

    /// Writes RAM down: the pages that are not all zeroes.
    pub fn save(&self, out: &mut Section) {
        let (mut pages, mut content) = (Vec::new(), Vec::new());
        self.each_page(|addr, bytes| {
            if bytes.iter().any(|byte| *byte != 0) {
                pages.push(addr.0);
                content.extend_from_slice(bytes);
            }
        });
        let regions: Vec<u64> = self
            .regions()
            .flat_map(|(base, bytes)| [base.0, bytes])
            .collect();
        out.words("regions", &regions);
        out.words("pages", &pages);
        out.bytes("content", &content);
    }

    /// Whether a page has the same bytes in another RAM of the same regions; both are still.
    #[must_use]
    pub fn same_page(&self, other: &Self, addr: GuestPhys) -> bool {
        self.page_bytes(addr) == other.page_bytes(addr)
    }

    /// Fills RAM with zeroes.
    pub fn clear(&self) {
        let mut used = Vec::new();
        self.each_page(|addr, bytes| {
            if bytes.iter().any(|byte| *byte != 0) {
                used.push(addr);
            }
        });
        for addr in used {
            let written = self.write(addr, &[0; PAGE_BYTES as usize]);
            assert!(written.is_ok(), "the page was found in RAM just now");
        }
    }

    /// Replaces RAM by what was saved; the regions must be the same.
    pub fn restore(&self, from: &Fields) -> Result<(), StateError> {
        let regions: Vec<u64> = self
            .regions()
            .flat_map(|(base, bytes)| [base.0, bytes])
            .collect();
        if from.words("regions")? != regions {
            return Err(from.bad("regions"));
        }
        let pages = from.words("pages")?;
        let (content, rest) = from
            .bytes("content")?
            .as_chunks::<{ PAGE_BYTES as usize }>();
        if content.len() != pages.len() || !rest.is_empty() {
            return Err(from.bad("content"));
        }
        self.clear();
        for (addr, bytes) in pages.iter().zip(content) {
            self.write(GuestPhys(*addr), bytes)
                .map_err(|_| from.bad("pages"))?;
        }
        Ok(())
    }

    /// Hands out each page that may hold something, as bytes.
    fn each_page(&self, mut visit: impl FnMut(GuestPhys, &[u8; PAGE_BYTES as usize])) {
        for region in &self.regions {
            for offset in (0..region.bytes).step_by(PAGE_BYTES as usize) {
                let addr = region.base + offset;
                self.page_bytes(addr)
                    .into_iter()
                    .for_each(|page| visit(addr, page));
            }
        }
    }

    /// A page, as bytes.
    fn page_bytes(&self, addr: GuestPhys) -> Option<&[u8; PAGE_BYTES as usize]> {
        let (offset, region) = self.locate(addr.page(), PAGE_BYTES)?;
        // SAFETY: the mapping lives as long as `self`, the page lies inside it, and no vCPU or
        // device runs while a state is saved, hashed, restored or compared.
        Some(unsafe { &*((region.host + offset) as *const [u8; PAGE_BYTES as usize]) })
    }

    fn collect(&self, take: impl Fn(&PageMarks) -> Vec<usize>) -> Vec<GuestPhys> {
        let mut all = Vec::new();
        for region in &self.regions {
            let pages = take(&region.marks).into_iter();
            all.extend(pages.map(|page| region.base + ((page as u64) << PAGE_BITS)));
        }
        all
    }

    /// The offset in its region, and the region, of a range that lies inside one.
    #[inline]
    fn locate(&self, addr: GuestPhys, bytes: u64) -> Option<(u64, &Region)> {
        self.regions.iter().find_map(|region| {
            let offset = addr.0.checked_sub(region.base.0)?;
            let end = offset.checked_add(bytes)?;
            (end <= region.bytes).then_some((offset, region))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: GuestPhys = GuestPhys(0x8000_0000);

    fn ram() -> GuestRam {
        GuestRam::new(&[
            (BASE, 4 * PAGE_BYTES),
            (GuestPhys(0x1_0000_0000), PAGE_BYTES),
        ])
        .unwrap()
    }

    #[test]
    fn accesses_stay_inside_one_region() {
        let ram = ram();
        let end = BASE + 4 * PAGE_BYTES;
        for (addr, bytes, inside) in [
            (BASE, 1, true),
            (GuestPhys(BASE.0 - 1), 2, false),
            (GuestPhys(end.0 - 8), 8, true),
            (GuestPhys(end.0 - 7), 8, false),
            (GuestPhys(u64::MAX), 8, false),
            (GuestPhys(0x1_0000_0000), PAGE_BYTES, true),
        ] {
            assert_eq!(ram.contains(addr, bytes), inside, "{addr} {bytes}");
            assert_eq!(ram.read(addr, &mut vec![0; bytes as usize]).is_ok(), inside);
            assert_eq!(ram.write(addr, &vec![0; bytes as usize]).is_ok(), inside);
        }
    }

    #[test]
    fn values_of_every_width_and_alignment_come_back() {
        let ram = ram();
        for width in [Width::B1, Width::B2, Width::B4, Width::B8] {
            for at in 0..9 {
                let value = 0x8877_6655_4433_2211 & width.mask();
                assert!(ram.store(BASE + at, width, value));
                assert_eq!(ram.load(BASE + at, width), Some(value), "{width:?} at {at}");
            }
        }
    }

    #[test]
    fn an_exchange_compares_all_of_the_value_and_marks_its_page() {
        let ram = ram();
        for width in [Width::B1, Width::B2, Width::B4, Width::B8] {
            let (old, new) = (0x8877_6655_4433_2211 & width.mask(), 5);
            let _ = (ram.store(BASE + 8, width, old), ram.take_dirty());
            let exchange = |old| ram.compare_exchange(BASE + 8, width, old, new);
            assert_eq!(exchange(old ^ 1 << (width.bytes() * 8 - 1)), Some(Err(old)));
            assert_eq!(ram.take_dirty(), [], "nothing was written");
            assert_eq!(exchange(old), Some(Ok(())));
            assert_eq!(
                (ram.load(BASE + 8, width), ram.take_dirty()),
                (Some(new), vec![BASE])
            );
        }
        assert_eq!(
            ram.compare_exchange(BASE + 4, Width::B8, 0, 0),
            None,
            "not aligned"
        );
        assert_eq!(
            ram.compare_exchange(GuestPhys(0), Width::B8, 0, 0),
            None,
            "no RAM"
        );
    }

    #[test]
    fn threads_that_count_in_one_value_lose_nothing() {
        let ram = ram();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let mut old = ram.load(BASE, Width::B4).unwrap();
                        while let Some(Err(now)) =
                            ram.compare_exchange(BASE, Width::B4, old, old + 1)
                        {
                            old = now;
                        }
                    }
                });
            }
        });
        assert_eq!(ram.load(BASE, Width::B8), Some(40_000));
    }

    #[test]
    fn writes_mark_pages_dirty_and_code_stale() {
        let ram = ram();
        let _ = ram.take_dirty();
        ram.mark_code(BASE + PAGE_BYTES, true);
        ram.write(BASE + (2 * PAGE_BYTES - 1), &[1, 2]).unwrap();
        assert_eq!(ram.take_stale(), [BASE + PAGE_BYTES]);
        assert_eq!(ram.take_dirty(), [BASE + PAGE_BYTES, BASE + 2 * PAGE_BYTES]);
        assert_eq!((ram.take_stale(), ram.take_dirty()), (vec![], vec![]));
        assert!(ram.page(BASE + PAGE_BYTES).unwrap().code);
        ram.mark_code(BASE + PAGE_BYTES, false);
        assert!(!ram.page(BASE + PAGE_BYTES).unwrap().code);
    }

    #[test]
    fn a_restored_ram_has_the_same_hash_and_one_bit_changes_it() {
        let hash = |ram: &GuestRam| {
            let mut hash = StateHash::new();
            ram.add_to(&mut hash);
            hash.finish()
        };
        let (first, second) = (ram(), ram());
        first.write(BASE + 5000, b"content").unwrap();
        second.write(BASE, b"to be forgotten").unwrap();
        let mut section = Section::new("ram", 1);
        first.save(&mut section);
        second.restore(&section.fields()).unwrap();
        assert_eq!(hash(&first), hash(&second));
        second.store(BASE + 9000, Width::B1, 1);
        assert_ne!(hash(&first), hash(&second));
    }
}
