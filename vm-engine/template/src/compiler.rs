//! From a piece of guest code to native code.

use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vm_engine_interp::native::{self, Compiler, HELPERS, Listing, Native, Work};
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::verify::verify;
use vm_ir::{Block, Builder, Frontend, Lifted};

use crate::body::{Body, Notes};
use crate::memory::CODE;
use crate::survey::survey;

/// Where native code is entered.
pub const ENTRY: usize = 16;

const _: () = assert!(ENTRY >= CODE + 8, "the block's address has room");

/// The template compiler of one guest architecture.
pub struct Templates {
    frontend: Arc<dyn Frontend>,
    /// What compilers that are not at work have left.
    idle: Mutex<Vec<Bench>>,
}

/// What one compilation works with; kept for its memory.
struct Bench {
    builder: Builder,
    scratch: Scratch,
    notes: Notes,
}

/// What a panic has left behind is whole: only memory that is used again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Templates {
    /// A compiler for guests of this architecture; `None` if it can not write for this host.
    #[must_use]
    pub fn new(frontend: Arc<dyn Frontend>) -> Option<Self> {
        let known = native::AVAILABLE && host_is_known();
        known.then(|| Self {
            frontend,
            idle: Mutex::default(),
        })
    }

    fn bench(&self) -> Bench {
        let idle = lock(&self.idle).pop();
        idle.unwrap_or_else(|| Bench {
            builder: Builder::new(),
            scratch: Scratch::new(self.frontend.layout(), self.frontend.helpers()),
            notes: Notes::default(),
        })
    }

    fn compile_at(
        &self,
        bench: &mut Bench,
        work: &Work,
        told: Option<&mut Listing>,
    ) -> Option<Native> {
        bench.builder.clear();
        let lifted = self
            .frontend
            .lift(&work.bytes, work.mode, work.insns, &mut bench.builder);
        let block = bench.builder.block();
        let same = (block.insns, block.bytes) == (work.insns, work.length);
        if lifted != Lifted::Done || !same {
            return None;
        }
        optimise(block, &mut bench.scratch, Passes::ALL);
        debug_assert_eq!(
            verify(block, self.frontend.layout(), self.frontend.helpers()),
            Ok(()),
            "what the frontend wrote and the passes made of it is valid"
        );
        bench.notes.marks = told.as_ref().map(|_| Vec::new());
        let native = self.native(block, &mut bench.notes, work.page_offset)?;
        if let (Some(listing), Some(marks)) = (told, bench.notes.marks.take()) {
            let code = &work.bytes[..work.length as usize];
            listing.add(0, code, block, &*self.frontend);
            (listing.host, listing.marks) = (native.bytes.clone(), marks);
            listing.sort();
        }
        Some(native)
    }

    fn native(&self, block: &Block, notes: &mut Notes, page_offset: u64) -> Option<Native> {
        survey(block, &mut notes.facts);
        let mut body = Body::new(block, notes, page_offset, self.frontend.layout());
        body.asm.bytes.resize(ENTRY, 0);
        body.write()?;
        Some(Native {
            distances: body.distances,
            ways: Some(body.ways),
            bytes: body.asm.bytes,
            entry: ENTRY,
            code: CODE,
        })
    }
}

impl Compiler for Templates {
    fn compile(&self, work: &Work) -> Option<Native> {
        let mut bench = self.bench();
        let native = self.compile_at(&mut bench, work, None);
        lock(&self.idle).push(bench);
        native
    }

    fn explain(&self, work: &Work) -> Option<Listing> {
        let (mut bench, mut listing) = (self.bench(), Listing::default());
        let native = self.compile_at(&mut bench, work, Some(&mut listing));
        lock(&self.idle).push(bench);
        native.map(|_| listing)
    }

    /// Its code calls nothing but gates.
    fn furnish(&self, _: &mut [MaybeUninit<u64>; HELPERS]) {}
}

/// Whether the host counts bits as templates do.
// HOST-ARCH: templates are x86-64 code.
#[cfg(target_arch = "x86_64")]
fn host_is_known() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("lzcnt") && has!("bmi1") && has!("popcnt")
}

/// Whether the host counts bits as templates do.
// HOST-ARCH: there are no templates for other hosts.
#[cfg(not(target_arch = "x86_64"))]
fn host_is_known() -> bool {
    false
}
