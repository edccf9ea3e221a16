//! From a piece of guest code to native code.
#![expect(
    unsafe_code,
    reason = "puts a table into room of plain words; see UNSAFETY"
)]
// UNSAFETY: the table has no destructor, and nobody but the code made here reads it.

use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable, SetError};
use cranelift_codegen::{CodegenError, Context};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use thiserror::Error;
use vm_engine_interp::native::{self, Compiler, HELPERS, Listing, Native, Work};
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::verify::verify;
use vm_ir::{Block, Builder, Frontend, Lifted};

use crate::body::{Body, Notes};
use crate::finish::{BODY, Refused, finish};
use crate::gates::signature;
use crate::lower::{self, Host, Lowering};

/// Why there is no compiler.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JitError {
    /// The interpreter has no gates for this host.
    #[error("native code is not possible on this host: only on x86-64, AArch64 and RISC-V")]
    Host,
    /// Cranelift does not know the host.
    #[error("the code generator does not know this host: {0}")]
    Unknown(&'static str),
    /// A setting is not as it was when this was written.
    #[error("the code generator does not take a setting")]
    Setting(#[from] SetError),
    /// The host and the settings do not fit.
    #[error("the code generator can not be set up for this host")]
    Isa(#[from] CodegenError),
}

/// The block compiler of one guest architecture.
pub struct Jit {
    frontend: Arc<dyn Frontend>,
    isa: OwnedTargetIsa,
    host: Host,
    /// What compilers that are not at work have left.
    idle: Mutex<Vec<Box<Bench>>>,
    /// Why the last block was refused for which that was so.
    refused: Mutex<Option<Refused>>,
}

/// What one compilation works with; kept for its memory.
struct Bench {
    builder: Builder,
    scratch: Scratch,
    notes: Notes,
    context: Context,
    functions: FunctionBuilderContext,
    lowering: lower::Scratch,
}

/// What a panic has left behind is whole: only memory that is used again.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const FRAMELESS: &str = if native::KEEPS_FRAMES {
    "false"
} else {
    "true"
};

/// How the code generator is set up; the rest is its default.
const SETTINGS: [(&str, &str); 6] = [
    (
        "enable_verifier",
        if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        },
    ),
    ("unwind_info", "false"),
    ("enable_probestack", "false"),
    // Without frames, jumps to other functions need it; the frames are left out afterwards.
    ("preserve_frame_pointers", FRAMELESS),
    // Keeps the register free that holds the fuel.
    ("enable_pinned_reg", FRAMELESS),
    ("enable_nan_canonicalization", "false"),
];

/// The host as the code generator sees it; with `optimise`, what it writes is made better, and
/// no check may change the TLB behind its back.
pub(crate) fn host_isa(optimise: bool) -> Result<OwnedTargetIsa, JitError> {
    if !native::AVAILABLE {
        return Err(JitError::Host);
    }
    let mut flags = settings::builder();
    for (name, value) in SETTINGS {
        flags.set(name, value)?;
    }
    let (level, aliases) = if optimise {
        ("speed", "true")
    } else {
        // Loads of the TLB must not be forwarded over a check that may have changed it.
        ("none", "false")
    };
    flags.set("opt_level", level)?;
    flags.set("enable_alias_analysis", aliases)?;
    let builder = cranelift_native::builder().map_err(JitError::Unknown)?;
    Ok(builder.finish(settings::Flags::new(flags))?)
}

/// Where lowering finds things.
pub(crate) fn places(frontend: &dyn Frontend) -> lower::Places {
    let flags = frontend.layout().fp_flags;
    lower::Places {
        helpers: native::Places::HELPERS,
        fp_flags: native::Places::WORDS + 8 * i32::from(flags.0),
        entry_pc: native::Places::PC,
    }
}

impl Jit {
    /// A compiler for guests of this architecture.
    pub fn new(frontend: Arc<dyn Frontend>) -> Result<Self, JitError> {
        let isa = host_isa(false)?;
        let host = Host::of(&*isa);
        Ok(Self {
            frontend,
            isa,
            host,
            idle: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// Why the last block was refused for which that was so.
    // HOST-ARCH: asked by tests that read x86-64 machine code.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(crate) fn refused(&self) -> Option<Refused> {
        *lock(&self.refused)
    }

    fn bench(&self) -> Box<Bench> {
        let idle = lock(&self.idle).pop();
        idle.unwrap_or_else(|| {
            Box::new(Bench {
                builder: Builder::new(),
                scratch: Scratch::new(self.frontend.layout(), self.frontend.helpers()),
                notes: Notes::default(),
                context: Context::new(),
                functions: FunctionBuilderContext::new(),
                lowering: lower::Scratch::default(),
            })
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
        let block = bench.builder.block().clone();
        self.native(bench, &block, work, told)
    }

    fn native(
        &self,
        bench: &mut Bench,
        block: &Block,
        work: &Work,
        told: Option<&mut Listing>,
    ) -> Option<Native> {
        bench.notes.clear();
        bench.notes.teller.begin(told.is_some());
        bench.context.clear();
        bench.context.func.signature = signature();
        let mut builder = FunctionBuilder::new(&mut bench.context.func, &mut bench.functions);
        let first = builder.create_block();
        builder.append_block_params_for_function_params(first);
        builder.switch_to_block(first);
        builder.seal_block(first);
        let params = builder.block_params(first);
        let (cpu, code, fuel) = (params[0], params[1], params.get(3).copied());
        let layout = self.frontend.layout();
        let places = places(&*self.frontend);
        let rules = self.frontend.float_rules();
        let scratch = &mut bench.lowering;
        let cx = Lowering::new(&mut builder, cpu, &self.host, rules, places, scratch);
        let notes = &mut bench.notes;
        let mut body = Body::new(cx, block, notes, code, work.page_offset, layout);
        (body.odd, body.fuel) = (work.odd, fuel);
        body.write();
        builder.finalize(self.isa.frontend_config());
        let plane = &mut ControlPlane::default();
        let compiled = bench.context.compile(&*self.isa, plane).ok()?;
        let native = finish(compiled, &bench.notes, block.insns)
            .inspect_err(|why| *lock(&self.refused) = Some(*why))
            .ok()?;
        if let (Some(listing), Some(compiled)) = (told, bench.context.compiled_code()) {
            let code = &work.bytes[..work.length as usize];
            listing.add(0, code, block, &*self.frontend);
            let (func, teller) = (&bench.context.func, &bench.notes.teller);
            let code = (&native.bytes[..], BODY);
            teller.tell(listing, func, compiled, code, self.frontend.layout());
        }
        Some(native)
    }
}

impl Compiler for Jit {
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

    fn furnish(&self, room: &mut [MaybeUninit<u64>; HELPERS]) {
        furnish(&*self.frontend, room);
    }
}

/// Writes what native code calls into a CPU.
pub(crate) fn furnish(frontend: &dyn Frontend, room: &mut [MaybeUninit<u64>; HELPERS]) {
    let flags = native::Places::WORDS + 8 * i32::from(frontend.layout().fp_flags.0);
    let from_here = flags - native::Places::HELPERS;
    let helpers = lower::Helpers::new(frontend.float_rules(), from_here as isize);
    const { assert!(size_of::<lower::Helpers>() <= 8 * HELPERS) };
    const { assert!(align_of::<lower::Helpers>() <= 8) };
    // SAFETY: there is room, as was just asserted.
    unsafe { room.as_mut_ptr().cast::<lower::Helpers>().write(helpers) };
}
