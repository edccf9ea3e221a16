//! What gates lead to; each host enters it by the convention that its gates have.
#![expect(unsafe_code, reason = "follows the pointers of a CPU; see UNSAFETY")]
// UNSAFETY: as in `control`: gates are reached from native code only, which runs for a CPU that
// is alive, from blocks that are alive or were when the run began.

use std::sync::atomic::Ordering::Relaxed;

use vm_core::{PAGE_BYTES, PAGE_MASK};
use vm_ir::{Op, Type};
use vm_mem::Access;

use crate::control::{enter, enter_apart, found, go_on};
use crate::cpu::{Cpu, Jump, Stop, StopKind};
use crate::flat::{Code, Flat};
use crate::memory::{settle, try_probe};
use crate::native::gates::{Call, Miss};

/// What a slow path gives back: zero to go on, or the stack pointer to unwind to; the fuel.
#[repr(C)]
pub struct Out {
    stack: u64,
    fuel: i64,
}

impl Out {
    const GO_ON: Self = Self { stack: 0, fuel: 0 };
}

/// The functions of this module, with a convention.
macro_rules! entered {
    ($abi:literal; $($name:ident($($arg:ident: $ty:ty),+) -> $out:ty;)+) => { $(
        pub unsafe extern $abi fn $name($($arg: $ty),+) -> $out {
            // SAFETY: as the gate has promised.
            unsafe { super::hooks::$name($($arg),+) }
        }
    )+ };
}

/// All that gates lead to, with the convention that they have, as a module of this name.
macro_rules! hooks_as {
    ($module:ident, $abi:literal) => {
        mod $module {
            use super::hooks::Out;
            use crate::cpu::Cpu;
            use crate::flat::Code;

            super::hooks::entered! {
                $abi;
                begin(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64;
                flat(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                dead(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                fuel(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                pages(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                unknown(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                next(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                trap(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64;
                left_by(cpu: *mut Cpu, exit: usize, fuel: i64, from: *const Code) -> i64;
                call(cpu: *mut Cpu, what: u64, a: u64, b: u64, c: u64, d: u64) -> Out;
                special(cpu: *mut Cpu, what: u64, addr: u64, a: u64, b: u64, imm: u64) -> Out;
            }
        }
    };
}

pub(super) use {entered, hooks_as};

/// Where a block stands in the address space in force.
unsafe fn pc_of(cpu: *mut Cpu, code: *const Code) -> u64 {
    // SAFETY: see UNSAFETY.
    unsafe { (*cpu).pc & PAGE_MASK | (*code).phys & !PAGE_MASK }
}

/// Gives control back.
unsafe fn stop(cpu: *mut Cpu, why: StopKind, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        (*cpu).stop = why;
        fuel
    }
}

/// Goes on in a block.
#[inline(always)]
pub unsafe fn begin(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { enter(cpu, code, pc, fuel) }
}

/// Goes on in a block that has no native code.
#[inline(always)]
pub unsafe fn flat(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { enter(cpu, code, pc_of(cpu, code), fuel) }
}

/// The block is no longer what stands there.
#[inline(always)]
pub unsafe fn dead(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY; dead blocks are not freed while anything leads to them.
    unsafe {
        (*cpu).pc = pc_of(cpu, code);
        stop(cpu, StopKind::Fuel, fuel)
    }
}

/// The block does not fit the fuel.
#[inline(always)]
pub unsafe fn fuel(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { dead(cpu, code, fuel) }
}

/// A region on several pages is entered, which have to be looked at first.
#[inline(always)]
pub unsafe fn pages(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let pc = pc_of(cpu, code);
        if sees_pages(cpu, code, pc) {
            return enter(cpu, code, pc, fuel);
        }
        enter_apart(cpu, code, pc, fuel)
    }
}

/// Apart from its caller, as [`link`] is.
#[inline(never)]
unsafe fn sees_pages(cpu: *mut Cpu, code: *const Code, pc: u64) -> bool {
    // SAFETY: see UNSAFETY; what slow paths work with is valid while native code runs.
    unsafe { (*(*cpu).slow).sees_pages(&*code, pc) }
}

/// The jump cache does not know the program counter.
#[inline(always)]
pub unsafe fn unknown(cpu: *mut Cpu, _: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let pc = (*cpu).pc;
        let code = found(cpu);
        if code.is_null() {
            return stop(cpu, StopKind::LookupIndirect, fuel);
        }
        enter(cpu, code, pc, fuel)
    }
}

/// The block has ended, and everything may have changed.
#[inline(always)]
pub unsafe fn next(cpu: *mut Cpu, _: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { go_on(cpu, fuel) }
}

/// The last instruction of the block traps; the trap is noted already.
#[inline(always)]
pub unsafe fn trap(cpu: *mut Cpu, code: *const Code, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let sites = &(*code).sites;
        let last = sites.len().saturating_sub(1);
        at_site(cpu, code, last as u8);
        stop(cpu, StopKind::Trap, fuel)
    }
}

/// Leaves by an exit that is not linked, and links it if it can be.
///
/// Exits that have a cell lead to their own page, in every address space.
#[inline(always)]
pub unsafe fn left_by(cpu: *mut Cpu, exit: usize, fuel: i64, from: *const Code) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let distance = (&(*from).distances)[exit].load(Relaxed);
        let pc = pc_of(cpu, from).wrapping_add_signed(distance);
        (*cpu).pc = pc;
        let at = Jump::place(pc, (*cpu).jump_mask);
        let jump: *const Jump = (*cpu).jumps.byte_add(at);
        let code = if (*jump).pc == pc {
            (*jump).code
        } else {
            found(cpu)
        };
        if code.is_null() {
            return stop(cpu, StopKind::LookupIndirect, fuel);
        }
        link(cpu, exit, from, code);
        enter(cpu, code, pc, fuel)
    }
}

/// Links an exit if it can be.
///
/// Apart from its caller, so that nothing stands on the stack there, and it enters the block in
/// tail position.
#[inline(never)]
unsafe fn link(cpu: *mut Cpu, exit: usize, from: *const Code, to: *const Code) {
    // SAFETY: see UNSAFETY; the blocks were just left and found.
    unsafe {
        let blocks = &mut *(*(*cpu).slow).blocks;
        blocks.link(&*from, exit, &*to);
    }
}

/// Puts the CPU at an instruction of a block; its first op.
unsafe fn at_site(cpu: *mut Cpu, code: *const Code, site: u8) -> *const Flat {
    // SAFETY: see UNSAFETY; sites name ops of their block.
    unsafe {
        (*cpu).pc = pc_of(cpu, code);
        (*cpu).code = code;
        let first = (&(*code).sites)[usize::from(site)].flat;
        let ip = (*code).ops.as_ptr().add(usize::from(first));
        (*cpu).ip = ip;
        ip
    }
}

/// A load or store whose page the TLB does not know.
///
/// The address is cut as it was compared, to page, and low bits if it is not aligned; or it is
/// whole, and only the page's end matters.
#[inline(always)]
pub unsafe fn miss(cpu: *mut Cpu, what: u64, addr: u64, code: *const Code, fuel: i64) -> Out {
    // SAFETY: see UNSAFETY.
    unsafe {
        let miss = Miss::unpack(what);
        let access = if miss.store {
            Access::Store
        } else {
            Access::Load
        };
        let inside = match miss.bytes {
            0 => addr & !PAGE_MASK == 0,
            bytes => (addr & !PAGE_MASK) + u64::from(bytes) <= PAGE_BYTES,
        };
        let known = !miss.alone && inside;
        if known && (*(*cpu).slow).fill(&mut *cpu, addr & PAGE_MASK, access) {
            return Out::GO_ON;
        }
        at_site(cpu, code, miss.site);
        (*cpu).stop = StopKind::Alone;
        if !miss.alone && !inside && miss.bytes == 0 {
            (*(*(*cpu).slow).blocks).misaligned(&*code);
        }
        Out {
            stack: (*cpu).stack,
            fuel,
        }
    }
}

/// Calls a helper of the guest architecture.
#[inline(always)]
pub unsafe fn call(cpu: *mut Cpu, what: u64, a: u64, b: u64, c: u64, d: u64) -> Out {
    // SAFETY: see UNSAFETY.
    unsafe {
        let what = Call::unpack(what);
        let ip = at_site(cpu, (*cpu).code, what.site);
        let (slow, fuel) = ((*cpu).slow, (*cpu).fuel);
        let at = (*slow).position_of(&*(*cpu).code, usize::from(what.site), fuel);
        let done = (*slow).call_at(&mut *cpu, at, what.what, [a, b, c, d]);
        finish(&mut *cpu, ip, done)
    }
}

/// Does a memory operation that is not a plain load or store.
#[inline(always)]
pub unsafe fn special(
    cpu: *mut Cpu,
    what: u64,
    addr: u64,
    first: u64,
    second: u64,
    imm: u64,
) -> Out {
    // SAFETY: see UNSAFETY.
    unsafe {
        let what = Call::unpack(what);
        let op = Op::ALL[what.what as usize];
        let ty = Type::ALL[usize::from(what.ty)];
        if try_probe(cpu, op, ty, addr, imm) {
            return Out::GO_ON;
        }
        let ip = at_site(cpu, (*cpu).code, what.site);
        let slow = (*cpu).slow;
        let done = (*slow).special(&mut *cpu, ip, op, ty, addr, [first, second], imm);
        finish(&mut *cpu, ip, done)
    }
}

fn finish(cpu: &mut Cpu, ip: *const Flat, done: Result<u64, Stop>) -> Out {
    if settle(cpu, ip, done) {
        return Out::GO_ON;
    }
    Out {
        stack: cpu.stack,
        fuel: cpu.fuel,
    }
}
