//! Memory for blocks: each is one piece, with its ops and sites behind it.
//!
//! Blocks are many, and the next one may be any of them: on small pages, a host's TLB would have
//! to look for most of those that are entered.
#![expect(unsafe_code, reason = "hands out memory; see UNSAFETY")]
// UNSAFETY: a slab is one allocation that is freed with its store; each piece of it counts as an
// owner of the store, and is handed out once until it is given back. A row lies in the piece of
// the block that it belongs to, or in memory that its maker has promised.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use vm_mem::prefer_large_pages;

use crate::flat::{Code, Flat, Site};
use crate::interpreter::lock;

/// How much is asked of the host at once: a large page.
const SLAB: usize = 2 << 20;
/// Pieces have lengths and addresses that are multiples of this.
const STEP: usize = 16;
/// From this length on, pieces are as long as a power of two.
const LONG: usize = 4096;
/// The lengths that pieces have.
const CLASSES: usize = LONG / STEP + (SLAB / LONG).ilog2() as usize;

/// A row of ops or sites, behind their block.
// Packed, since a block has two of them.
#[repr(Rust, packed(4))]
pub struct Row<T> {
    first: NonNull<T>,
    count: u32,
}

// SAFETY: a row is part of its block, and its items are plain data.
unsafe impl<T: Send> Send for Row<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Row<T> {}

impl<T> Row<T> {
    /// The first item; no reference to any of them is made.
    #[inline(always)]
    pub fn as_ptr(&self) -> *const T {
        self.first.as_ptr()
    }

    /// Where the row begins and ends.
    pub fn as_ptr_range(&self) -> Range<*const T> {
        // SAFETY: the row is part of one piece.
        let end = unsafe { self.as_ptr().add(self.count as usize) };
        self.as_ptr()..end
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T> Deref for Row<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: see UNSAFETY; what changes of an op is changed by atomics (see `link`).
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len()) }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Row<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

/// A block, and the memory it stands in.
#[repr(transparent)]
pub struct Piece(NonNull<Code>);

// SAFETY: a piece owns its block, as a box would; its store is locked when it is given back.
unsafe impl Send for Piece {}
// SAFETY: as above.
unsafe impl Sync for Piece {}

impl Piece {
    /// Where the block stands, as long as there is the piece.
    pub fn place(&self) -> *const Code {
        self.0.as_ptr()
    }

    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        length(class(wanted(self.ops.len(), self.sites.len())))
    }
}

impl Deref for Piece {
    type Target = Code;

    fn deref(&self) -> &Code {
        // SAFETY: the piece owns the block.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Piece {
    fn deref_mut(&mut self) -> &mut Code {
        // SAFETY: the piece owns the block.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let class = class(wanted(self.ops.len(), self.sites.len()));
        let first: NonNull<u8> = self.0.cast();
        // SAFETY: the block is not used again, and neither are its rows. It stands in a slab, at
        // the beginning of which its store is named, and it counts as one of the owners.
        unsafe {
            self.0.drop_in_place();
            let slab = first.as_ptr().map_addr(|at| at & !(SLAB - 1));
            let store = Arc::from_raw(slab.cast::<*const Mutex<Shelves>>().read());
            lock(&store).take_back(first, class);
        }
    }
}

/// How many bytes a block needs.
fn wanted(ops: usize, sites: usize) -> usize {
    size_of::<Code>() + ops * size_of::<Flat>() + sites * size_of::<Site>()
}

const _: () = assert!(
    align_of::<Code>() <= STEP
        && align_of::<Flat>() <= align_of::<Code>()
        && size_of::<Code>().is_multiple_of(align_of::<Flat>())
        && align_of::<Site>() <= align_of::<Flat>(),
    "rows may stand behind their block"
);

/// The class of pieces that have room for so many bytes.
fn class(bytes: usize) -> usize {
    if bytes < LONG {
        bytes.div_ceil(STEP)
    } else {
        LONG / STEP + (bytes.next_power_of_two() / LONG).ilog2() as usize
    }
}

/// How long the pieces of a class are.
fn length(class: usize) -> usize {
    match class.checked_sub(LONG / STEP) {
        None => class * STEP,
        Some(doubled) => LONG << doubled,
    }
}

/// Memory for the blocks of a machine.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Shelves>>);

impl Store {
    /// A block, with its ops and sites behind it.
    pub fn keep(
        &self,
        ops: impl ExactSizeIterator<Item = Flat>,
        sites: &[Site],
        (phys, mode): (u64, u64),
        bytes: u32,
    ) -> Piece {
        let count = ops.len();
        let class = class(wanted(count, sites.len()));
        let first = lock(&self.0).hand_out(class, &self.0);
        // SAFETY: the piece is long enough for the block and both rows, one behind the other, and
        // aligned for them.
        unsafe {
            let code: NonNull<Code> = first.cast();
            let first_op: NonNull<Flat> = code.add(1).cast();
            let first_site: NonNull<Site> = first_op.add(count).cast();
            let mut behind = first_op;
            for op in ops.take(count) {
                behind.write(op);
                behind = behind.add(1);
            }
            assert!(behind.cast() == first_site, "as many ops as were announced");
            first_site.copy_from_nonoverlapping(NonNull::from(sites).cast(), sites.len());
            let ops = Row {
                first: first_op,
                count: count as u32,
            };
            let sites = Row {
                first: first_site,
                count: sites.len() as u32,
            };
            code.write(Code::new(ops, sites, phys, mode, bytes));
            Piece(code)
        }
    }

    /// How much memory the host has been asked for.
    pub fn bytes(&self) -> usize {
        lock(&self.0).slabs.len() * SLAB
    }
}

/// What is written into a piece that nobody has: the next one of its class.
type Free = Option<NonNull<u8>>;

struct Shelves {
    slabs: Vec<NonNull<u8>>,
    /// What has never been handed out of the last slab.
    fresh: (NonNull<u8>, usize),
    free: [Free; CLASSES],
    /// How many pieces somebody has.
    out: usize,
}

// SAFETY: it owns its slabs.
unsafe impl Send for Shelves {}

impl Default for Shelves {
    fn default() -> Self {
        Self {
            slabs: Vec::new(),
            fresh: (NonNull::dangling(), 0),
            free: [None; CLASSES],
            out: 0,
        }
    }
}

impl Shelves {
    fn hand_out(&mut self, class: usize, own: &Arc<Mutex<Self>>) -> NonNull<u8> {
        let bytes = length(class);
        assert!(bytes <= SLAB - STEP, "no block is as long as a slab");
        self.out += 1;
        // Given back when the piece is.
        let owner = Arc::into_raw(own.clone());
        if let Some(piece) = self.free[class] {
            // SAFETY: nobody has it, so the next one of its class stands there.
            self.free[class] = unsafe { piece.cast::<Free>().read() };
            return piece;
        }
        if self.fresh.1 < bytes {
            self.add_slab(owner);
        }
        self.cut(bytes)
    }

    /// Cuts a piece off what has never been handed out.
    fn cut(&mut self, bytes: usize) -> NonNull<u8> {
        let (piece, left) = self.fresh;
        // SAFETY: so much is left of the slab.
        self.fresh = (unsafe { piece.add(bytes) }, left - bytes);
        piece
    }

    fn add_slab(&mut self, owner: *const Mutex<Self>) {
        // What is left of the last one is as long as pieces of some class are.
        while self.fresh.1 > 0 {
            let mut class = class(self.fresh.1);
            if length(class) > self.fresh.1 {
                class -= 1;
            }
            let piece = self.cut(length(class));
            self.put(piece, class);
        }
        // SAFETY: the layout is that of some bytes.
        let slab = unsafe { alloc(SLAB_LAYOUT) };
        let Some(slab) = NonNull::new(slab) else {
            handle_alloc_error(SLAB_LAYOUT);
        };
        // SAFETY: the slab was just made, and is longer and better aligned than an address.
        unsafe {
            let room: NonNull<MaybeUninit<u8>> = slab.cast();
            prefer_large_pages(std::slice::from_raw_parts_mut(room.as_ptr(), SLAB));
            slab.cast::<*const Mutex<Self>>().write(owner);
            self.fresh = (slab.add(STEP), SLAB - STEP);
        }
        self.slabs.push(slab);
    }

    fn put(&mut self, piece: NonNull<u8>, class: usize) {
        // SAFETY: the piece lies in a slab, and nobody has it any more.
        unsafe { piece.cast::<Free>().write(self.free[class]) };
        self.free[class] = Some(piece);
    }

    /// Takes a piece back, and frees all slabs with the last one.
    fn take_back(&mut self, piece: NonNull<u8>, class: usize) {
        self.put(piece, class);
        self.out -= 1;
        if self.out == 0 {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.free = [None; CLASSES];
        self.fresh = (NonNull::dangling(), 0);
        for slab in self.slabs.drain(..) {
            // SAFETY: the slab was made with this layout, and nobody has a piece of it.
            unsafe { dealloc(slab.as_ptr(), SLAB_LAYOUT) };
        }
    }
}

/// A slab begins where its pieces can find it.
const SLAB_LAYOUT: Layout = match Layout::from_size_align(SLAB, SLAB) {
    Ok(layout) => layout,
    Err(_) => panic!("a large page has a size that is a power of two"),
};

impl Drop for Shelves {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::HOOK;

    fn flat(imm: u64) -> Flat {
        Flat {
            run: HOOK,
            words: [0; 4],
            imm,
        }
    }

    fn keep(store: &Store, ops: u64, sites: u16) -> Piece {
        let site = |flat| Site { flat, offset: 7 };
        let sites: Vec<Site> = (0..sites).map(site).collect();
        store.keep(
            (0..ops as usize).map(|n| flat(n as u64)),
            &sites,
            (ops, 3),
            4,
        )
    }

    fn check(piece: &Piece) {
        assert!(piece.ops.iter().map(|op| op.imm).eq(0..piece.phys));
        assert_eq!(piece.ops.len() as u64, piece.phys);
        let sites = piece.sites.iter().map(|site| (site.flat, site.offset));
        assert!(sites.eq((0..piece.insns as u16).map(|n| (n, 7))));
        assert!(wanted(piece.ops.len(), piece.sites.len()) <= piece.bytes());
    }

    #[test]
    fn every_length_has_a_class_that_wastes_little() {
        for bytes in (1..20_000).chain([SLAB / 2 - 1, SLAB / 2]) {
            let (length, least) = (
                length(class(bytes)),
                if bytes < LONG { STEP } else { bytes },
            );
            assert!(length >= bytes && length < bytes + least, "{bytes}");
            assert!(class(bytes) < CLASSES);
        }
    }

    #[test]
    fn blocks_of_all_lengths_stand_beside_each_other_and_take_each_others_places() {
        let store = Store::default();
        let mut kept = Vec::new();
        for round in 0..3 {
            for n in 0..3000_u64 {
                kept.push(keep(&store, n * 7 % 331, (n % 65) as u16));
            }
            kept.iter().for_each(check);
            if round == 0 {
                kept.push(keep(&store, 20_000, 64));
            }
            let mut n = 0;
            kept.retain(|_| {
                n += 1;
                n % 3 != 0
            });
            kept.iter().for_each(check);
        }
    }

    #[test]
    fn memory_is_used_again_and_goes_with_the_last_block() {
        let store = Store::default();
        let many = || -> Vec<Piece> { (0..20_000).map(|n| keep(&store, n % 20, 5)).collect() };
        let first = many();
        let bytes = store.bytes();
        let used: usize = first.iter().map(Piece::bytes).sum();
        assert!(used <= bytes && bytes < used + 2 * SLAB);
        let one = keep(&store, 3, 3);
        drop(first);
        let again = many();
        assert_eq!(store.bytes(), bytes);
        drop(again);
        check(&one);
        drop(one);
        assert_eq!(store.bytes(), 0);
    }

    #[test]
    fn a_block_keeps_the_memory_it_stands_in() {
        let store = Store::default();
        let piece = keep(&store, 9, 3);
        drop(store);
        check(&piece);
        let other = std::thread::spawn(move || check(&piece));
        assert!(other.join().is_ok());
    }
}
