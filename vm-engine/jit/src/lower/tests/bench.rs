//! Compiles single operations and runs them.
#![expect(
    unsafe_code,
    reason = "maps memory and runs what stands in it; see UNSAFETY"
)]
// UNSAFETY: the mappings are private to `Code`, which unmaps them; what is entered was made by
// Cranelift for this host with the signature that `Entry` has.

use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, Value, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use vm_ir::Type;
use vm_ir::float::Rules;

use crate::lower::lowering::int_type;
use crate::lower::{Helpers, Host, Lowering, Places, Scratch};

/// A CPU's struct as generated code sees it.
#[repr(C)]
pub struct Cpu {
    /// Where the block was entered.
    pub entry_pc: u64,
    /// The entries.
    pub helpers: Helpers,
    /// The sticky floating-point flags.
    pub flags: u64,
}

const PLACES: Places = Places {
    helpers: std::mem::offset_of!(Cpu, helpers) as i32,
    fp_flags: std::mem::offset_of!(Cpu, flags) as i32,
    entry_pc: std::mem::offset_of!(Cpu, entry_pc) as i32,
};

/// The address at which every test's block is entered.
pub const PC: u64 = 0xffff_ffff_8000_1000;

/// How many operands a test function has.
pub const OPERANDS: usize = 4;

impl Cpu {
    pub fn new(rules: Rules) -> Box<Self> {
        let (flags, helpers) = (PLACES.fp_flags as isize, PLACES.helpers as isize);
        Box::new(Self {
            entry_pc: PC,
            helpers: Helpers::new(rules, flags - helpers),
            flags: 0,
        })
    }
}

type Entry = extern "C" fn(*mut Cpu, u64, u64, u64, u64) -> u64;

/// What compiles.
pub struct Bench {
    isa: Arc<dyn TargetIsa>,
    host: Host,
    rules: Rules,
    context: Context,
    functions: FunctionBuilderContext,
    scratch: Scratch,
    control: ControlPlane,
}

impl Bench {
    pub fn new(rules: Rules) -> Self {
        let mut flags = settings::builder();
        flags.set("opt_level", "none").expect("a known setting");
        flags.set("is_pic", "true").expect("a known setting");
        let isa = cranelift_native::builder()
            .expect("Cranelift knows the host")
            .finish(settings::Flags::new(flags))
            .expect("the settings fit");
        Self {
            host: Host::of(&*isa),
            rules,
            isa,
            context: Context::new(),
            functions: FunctionBuilderContext::new(),
            scratch: Scratch::default(),
            control: ControlPlane::default(),
        }
    }

    /// The host as the tests' own code has it, to be changed for other forms.
    pub fn host(&mut self) -> &mut Host {
        &mut self.host
    }

    /// Compiles a function of the CPU and four words.
    pub fn compile(
        &mut self,
        build: impl FnOnce(&mut Lowering, [Value; OPERANDS]) -> Value,
    ) -> Vec<u8> {
        self.context.clear();
        let mut signature = Signature::new(self.isa.default_call_conv());
        let word = AbiParam::new(types::I64);
        signature.params = vec![word; 1 + OPERANDS];
        signature.returns = vec![word];
        self.context.func.signature = signature;
        let mut builder = FunctionBuilder::new(&mut self.context.func, &mut self.functions);
        let block = builder.create_block();
        builder.append_block_params_for_function_params(block);
        builder.switch_to_block(block);
        builder.seal_block(block);
        let [cpu, operands @ ..] = builder.block_params(block) else {
            unreachable!("the function has parameters");
        };
        let (cpu, operands) = (
            *cpu,
            *operands.first_chunk().expect("one for each parameter"),
        );
        let (host, scratch) = (self.host, &mut self.scratch);
        let rules = self.rules;
        let mut cx = Lowering::new(&mut builder, cpu, &host, rules, PLACES, scratch);
        let value = build(&mut cx, operands);
        let value = cx.int(value);
        let wide = match builder.func.dfg.value_type(value) {
            types::I64 => value,
            _ => builder.ins().uextend(types::I64, value),
        };
        builder.ins().return_(&[wide]);
        builder.finalize(self.isa.frontend_config());
        let compiled = self
            .context
            .compile(&*self.isa, &mut self.control)
            .unwrap_or_else(|error| panic!("{error:?}"));
        assert!(
            compiled.buffer.relocs().is_empty(),
            "code that can be moved"
        );
        compiled.code_buffer().to_vec()
    }
}

/// An operand as a value of its type, with whatever stands above it.
pub fn operand(cx: &mut Lowering, ty: Type, word: Value) -> Value {
    match int_type(ty) {
        types::I64 => word,
        ty => cx.builder.ins().ireduce(ty, word),
    }
}

/// Functions in executable memory.
pub struct Code {
    base: *mut libc::c_void,
    bytes: usize,
    starts: Vec<usize>,
}

impl Code {
    pub fn new(functions: &[Vec<u8>]) -> Self {
        let mut starts = Vec::new();
        let mut image = Vec::new();
        for function in functions {
            starts.push(image.len());
            image.extend_from_slice(function);
            image.resize(image.len().next_multiple_of(16), 0);
        }
        let bytes = image.len().max(1);
        // SAFETY: see UNSAFETY; the mapping is new and as long as what is copied.
        let base = unsafe {
            let (rw, rx) = (
                libc::PROT_READ | libc::PROT_WRITE,
                libc::PROT_READ | libc::PROT_EXEC,
            );
            let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), bytes, rw, private, -1, 0);
            assert!(base != libc::MAP_FAILED, "no memory for code");
            std::ptr::copy_nonoverlapping(image.as_ptr(), base.cast(), image.len());
            assert_eq!(libc::mprotect(base, bytes, rx), 0, "no executable memory");
            base
        };
        publish(base as usize, bytes);
        Self {
            base,
            bytes,
            starts,
        }
    }

    /// Calls a function by its place.
    pub fn run(&self, function: usize, cpu: &mut Cpu, operands: [u64; OPERANDS]) -> u64 {
        let [a, b, c, d] = operands;
        // SAFETY: see UNSAFETY.
        let entry: Entry =
            unsafe { std::mem::transmute(self.base.cast::<u8>().add(self.starts[function])) };
        entry(cpu, a, b, c, d)
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: see UNSAFETY; nothing runs there any more.
        let done = unsafe { libc::munmap(self.base, self.bytes) };
        assert_eq!(done, 0, "the mapping is ours");
    }
}

/// Makes written code visible to instruction fetch.
// HOST-ARCH: x86-64 sees it by itself.
#[cfg(target_arch = "x86_64")]
fn publish(_: usize, _: usize) {}

/// Makes written code visible to instruction fetch.
// HOST-ARCH: AArch64 cleans and invalidates by address.
#[cfg(target_arch = "aarch64")]
fn publish(base: usize, bytes: usize) {
    // The smallest line that any implementation has.
    for line in (base..base + bytes).step_by(16) {
        // SAFETY: maintenance of lines that are mapped changes no data.
        unsafe {
            std::arch::asm!(
                "dc cvau, {line}",
                "dsb ish",
                "ic ivau, {line}",
                line = in(reg) line,
            );
        }
    }
    // SAFETY: as above.
    unsafe { std::arch::asm!("dsb ish", "isb") };
}

/// Makes written code visible to instruction fetch.
// HOST-ARCH: RISC-V has a fence for the executing hart, which is where tests run.
#[cfg(target_arch = "riscv64")]
fn publish(_: usize, _: usize) {
    // SAFETY: a fence changes no data.
    unsafe { std::arch::asm!("fence.i") };
}
