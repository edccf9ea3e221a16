//! Gates on x86-64 hosts.
//!
//! Native code keeps the fuel in `r15` and the CPU in `rbp`; arguments come as in the System V
//! convention, on every system.
#![expect(unsafe_code, reason = "assembly; see UNSAFETY")]
// UNSAFETY: native code and handlers share no calling convention that the language knows, so the
// crossings are written by hand. Functions called from here follow the System V convention; they
// get the CPU that native code runs for, and a block that is alive.

#[path = "hooks.rs"]
mod hooks;

use std::arch::naked_asm;
use std::mem::offset_of;

use super::gates::Table;
use super::{Miss, Places};
use crate::cpu::Cpu;
use crate::flat::{Code, Flat, Handler};
use hooks::Out;

hooks::hooks_as!(to, "sysv64");

/// A piece of assembly.
pub type Gate = unsafe extern "sysv64" fn();

/// Whether native code can be run.
pub const AVAILABLE: bool = true;

/// Whether native code keeps the frames that its compiler makes. Then the fuel is its fourth
/// argument; gates that it calls get the fuel as their last argument, and [`super::Gates::miss_at`]
/// the CPU before it.
pub const KEEPS_FRAMES: bool = false;

/// The gates of this host.
pub const GATES: Table<Gate> = Table {
    left_by: [left_by_first, left_by_second, left_by_third],
    unknown,
    flat,
    dead,
    miss,
    miss_float,
    fuel,
    pages,
    next,
    trap,
    call,
    special,
    miss_at,
};

/// The handler that stands first in a block which has native code.
pub const HOOK: Handler = hook;

/// Enters a block from outside: saves what handlers and native code may change.
///
/// # Safety
///
/// As for [`enter`].
#[unsafe(naked)]
pub unsafe extern "sysv64" fn run(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [rdi + {stack}], rsp",
        "lea rax, [rsp - {calls}]",
        "mov [rdi + {stack_end}], rax",
        "mov rbp, rdi",
        "call {enter}",
        // Gates that unwind come here, too.
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        stack = const offset_of!(Cpu, stack),
        stack_end = const offset_of!(Cpu, stack_end),
        calls = const CALLS,
        enter = sym to::begin,
    )
}

/// How much of the stack calls may take.
// LIMIT: sixteen bytes each; who goes deeper returns by the jump cache.
const CALLS: usize = 64 << 10;

/// From handlers to native code: the fuel is checked again there, and what is given back is what
/// was taken, even if the block has died meanwhile. Who returns from more than was called since
/// then, wherever to, does so as if the jump cache did not know where to.
#[unsafe(naked)]
unsafe extern "C" fn hook(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    naked_asm!(
        "mov rsi, [rdi + {code}]",
        "mov r15, rdx",
        "add r15, [rsi + {insns}]",
        "add rdi, {bias}",
        "push 1",
        "lea rax, [rip + {nowhere}]",
        "push rax",
        "jmp [rsi]",
        nowhere = sym unknown,
        bias = const Places::BIAS,
        code = const offset_of!(Cpu, code),
        insns = const offset_of!(Code, insns),
    )
}

/// A gate that jumps to a function with the fuel as third argument and the block that was left
/// as fourth. What calls have left on the stack goes.
macro_rules! way_out {
    ($($name:ident $to:ident, $($first:literal)?;)+) => { $(
        #[unsafe(naked)]
        unsafe extern "sysv64" fn $name() {
            naked_asm!(
                "mov rdi, rbp",
                "mov rcx, rdx",
                "mov rdx, r15",
                "mov rsp, [rdi + {stack}]",
                "sub rsp, 8",
                $($first,)?
                "jmp {to}",
                stack = const offset_of!(Cpu, stack),
                to = sym to::$to,
            )
        }
    )+ };
}

way_out! {
    left_by_first left_by, "xor esi, esi";
    left_by_second left_by, "mov esi, 1";
    left_by_third left_by, "mov esi, 2";
    unknown unknown,;
    flat flat,;
    dead dead,;
    fuel fuel,;
    pages pages,;
    next next,;
    trap trap,;
}

/// A gate that calls a function with the arguments that it got, with the stack as functions want
/// it, and returns if that returns zero.
macro_rules! call_out {
    ($($name:ident $to:ident;)+) => { $(
        #[unsafe(naked)]
        unsafe extern "sysv64" fn $name() {
            naked_asm!(
                "mov rdi, rbp",
                "mov [rdi + {fuel}], r15",
                "push rbx",
                "mov rbx, rsp",
                "and rsp, -16",
                "call {to}",
                "mov rsp, rbx",
                "pop rbx",
                "test rax, rax",
                "jnz 2f",
                "ret",
                "2:",
                "lea rsp, [rax - 8]",
                "mov rax, rdx",
                "ret",
                fuel = const offset_of!(Cpu, fuel),
                to = sym to::$to,
            )
        }
    )+ };
}

call_out! {
    call call;
    special special;
}

/// What the gates below call when they have saved the registers.
unsafe extern "sysv64" fn missed(
    cpu: *mut Cpu,
    what: u64,
    registers: *const [u64; 16],
    code: *const Code,
    fuel: i64,
) -> Out {
    // SAFETY: see UNSAFETY; the gate has saved the registers.
    unsafe {
        let addr = (*registers)[usize::from(Miss::unpack(what).register)];
        hooks::miss(cpu, what, addr, code, fuel)
    }
}

/// A gate that keeps all registers; on the stack stand the return address, the miss, the block.
macro_rules! keeping {
    ($name:ident, [$($save:literal)*], [$($load:literal)*]) => {
        #[unsafe(naked)]
        unsafe extern "sysv64" fn $name() {
            naked_asm!(
                "sub rsp, 128",
                "mov [rsp], rax",
                "mov [rsp + 8], rcx",
                "mov [rsp + 16], rdx",
                "mov [rsp + 24], rbx",
                "mov [rsp + 40], rbp",
                "mov [rsp + 48], rsi",
                "mov [rsp + 56], rdi",
                "mov [rsp + 64], r8",
                "mov [rsp + 72], r9",
                "mov [rsp + 80], r10",
                "mov [rsp + 88], r11",
                "mov [rsp + 96], r12",
                "mov [rsp + 104], r13",
                "mov [rsp + 112], r14",
                "mov rdi, rbp",
                "mov rsi, [rsp + 136]",
                "mov rdx, rsp",
                "mov rcx, [rsp + 144]",
                "mov r8, r15",
                "mov rbx, rsp",
                "and rsp, -16",
                $($save,)*
                "call {miss}",
                $($load,)*
                "mov rsp, rbx",
                "test rax, rax",
                "jnz 2f",
                "mov rax, [rsp]",
                "mov rcx, [rsp + 8]",
                "mov rdx, [rsp + 16]",
                "mov rbx, [rsp + 24]",
                "mov rsi, [rsp + 48]",
                "mov rdi, [rsp + 56]",
                "mov r8, [rsp + 64]",
                "mov r9, [rsp + 72]",
                "mov r10, [rsp + 80]",
                "mov r11, [rsp + 88]",
                "add rsp, 128",
                "ret 16",
                "2:",
                "lea rsp, [rax - 8]",
                "mov rax, rdx",
                "ret",
                miss = sym missed,
            )
        }
    };
}

keeping!(miss, [], []);

keeping!(
    miss_float,
    [
        "sub rsp, 256"
        "movaps [rsp], xmm0"
        "movaps [rsp + 16], xmm1"
        "movaps [rsp + 32], xmm2"
        "movaps [rsp + 48], xmm3"
        "movaps [rsp + 64], xmm4"
        "movaps [rsp + 80], xmm5"
        "movaps [rsp + 96], xmm6"
        "movaps [rsp + 112], xmm7"
        "movaps [rsp + 128], xmm8"
        "movaps [rsp + 144], xmm9"
        "movaps [rsp + 160], xmm10"
        "movaps [rsp + 176], xmm11"
        "movaps [rsp + 192], xmm12"
        "movaps [rsp + 208], xmm13"
        "movaps [rsp + 224], xmm14"
        "movaps [rsp + 240], xmm15"
    ],
    [
        "movaps xmm0, [rsp]"
        "movaps xmm1, [rsp + 16]"
        "movaps xmm2, [rsp + 32]"
        "movaps xmm3, [rsp + 48]"
        "movaps xmm4, [rsp + 64]"
        "movaps xmm5, [rsp + 80]"
        "movaps xmm6, [rsp + 96]"
        "movaps xmm7, [rsp + 112]"
        "movaps xmm8, [rsp + 128]"
        "movaps xmm9, [rsp + 144]"
        "movaps xmm10, [rsp + 160]"
        "movaps xmm11, [rsp + 176]"
        "movaps xmm12, [rsp + 192]"
        "movaps xmm13, [rsp + 208]"
        "movaps xmm14, [rsp + 224]"
        "movaps xmm15, [rsp + 240]"
    ]
);

/// A gate that keeps all registers; the arguments are in registers.
#[unsafe(naked)]
unsafe extern "sysv64" fn miss_at() {
    // The other gate finds on the stack what stubs have pushed; the address, which came in the
    // register that is number six, is found among those that it saves.
    naked_asm!(
        "push rdx",
        "push rdi",
        "call {miss}",
        "ret",
        miss = sym miss_float,
    )
}
