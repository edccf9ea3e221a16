//! Pairs of ops that often follow each other, as one handler: half the dispatches.
//!
//! The kinds below are those that a kernel boot and the benchmark programs execute most.
//! A pair does what its two ops do, one after the other; if the first one can not, it is done
//! again alone, and so is the second.
#![expect(unsafe_code, reason = "handlers follow raw pointers; see UNSAFETY")]
// UNSAFETY: as in `handlers`.

use vm_ir::{Op, Type};

use crate::control::{Control, jump_to, leave_by};
use crate::cpu::Cpu;
use crate::flat::{A, B, Flat, Handler};
use crate::flatten::Kind;
use crate::handlers::{Arithmetic, calculate, next, set_word, word};
use crate::memory::{Memory, try_load, try_store};

const fn binary(op: Op, ty: Type, imm: bool, sext: bool) -> Kind {
    Kind::Arithmetic(Arithmetic::Binary { op, ty, imm, sext })
}

const fn load(ty: Type, sext: bool) -> Kind {
    Kind::Memory(Memory::Load { ty, sext })
}

const fn store(ty: Type) -> Kind {
    Kind::Memory(Memory::Store { ty })
}

const fn branch(op: Op, imm: bool) -> Kind {
    Kind::Control(Control::Branch {
        op,
        ty: Type::I64,
        imm,
    })
}

/// How many of [`KINDS`] can be the first of a pair: the others end a block.
const FIRST: usize = 20;
/// How many kinds there are.
const COUNT: usize = 30;

/// The kinds that pairs are made of.
const KINDS: [Kind; COUNT] = [
    load(Type::I64, false),
    store(Type::I64),
    binary(Op::Add, Type::I64, true, false),
    binary(Op::Add, Type::I64, false, false),
    load(Type::I8, false),
    binary(Op::Shl, Type::I64, true, false),
    Kind::Arithmetic(Arithmetic::Mask),
    binary(Op::Xor, Type::I64, false, false),
    Kind::Arithmetic(Arithmetic::Const),
    binary(Op::Or, Type::I64, false, false),
    binary(Op::ShrU, Type::I64, true, false),
    Kind::Arithmetic(Arithmetic::Pc),
    binary(Op::And, Type::I64, false, false),
    binary(Op::And, Type::I64, true, false),
    binary(Op::Add, Type::I32, true, true),
    binary(Op::Add, Type::I32, false, true),
    binary(Op::Sub, Type::I64, false, false),
    binary(Op::LtU, Type::I64, false, false),
    load(Type::I32, true),
    store(Type::I8),
    branch(Op::Ne, true),
    branch(Op::Eq, true),
    branch(Op::LtU, false),
    branch(Op::Eq, false),
    branch(Op::Ne, false),
    branch(Op::GeU, false),
    branch(Op::GeS, false),
    branch(Op::LtS, false),
    Kind::Control(Control::Goto),
    Kind::Control(Control::Jump { even: true }),
];

/// The handler for two ops that follow each other, if there is one.
pub fn handler(first: Kind, second: Kind) -> Option<Handler> {
    let first = KINDS[..FIRST].iter().position(|kind| *kind == first)?;
    let second = KINDS.iter().position(|kind| *kind == second)?;
    Some(PAIRS[first][second])
}

unsafe extern "C" fn pair<const K: u8, const L: u8>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY; a pair's second op stands right behind its first.
    unsafe {
        if !step::<K>(cpu, ip) {
            return alone::<K>(cpu, ip, fuel);
        }
        let ip = ip.add(1);
        match const { KINDS[L as usize] } {
            Kind::Control(Control::Branch { op, ty, imm }) => {
                let b = if imm { (*ip).imm } else { word(cpu, ip, B) };
                if calculate(op, ty, word(cpu, ip, A), b, 0) != 0 {
                    leave_by(cpu, ip.add(1), fuel)
                } else {
                    leave_by(cpu, ip.add(2), fuel)
                }
            }
            Kind::Control(Control::Jump { even }) => jump_to(cpu, ip, even, fuel),
            Kind::Control(_) => leave_by(cpu, ip, fuel),
            Kind::Arithmetic(_) | Kind::Memory(_) => {
                if step::<L>(cpu, ip) {
                    next(cpu, ip, fuel)
                } else {
                    alone::<L>(cpu, ip, fuel)
                }
            }
        }
    }
}

/// Does one op; false if it needs its slow path.
#[inline(always)]
unsafe fn step<const K: u8>(cpu: *mut Cpu, ip: *const Flat) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let value = match const { KINDS[K as usize] } {
            Kind::Memory(Memory::Load { ty, sext }) => return try_load(cpu, ip, ty, sext),
            Kind::Memory(Memory::Store { ty }) => return try_store(cpu, ip, ty),
            Kind::Arithmetic(Arithmetic::Binary { op, ty, imm, sext }) => {
                let b = if imm { (*ip).imm } else { word(cpu, ip, B) };
                let value = calculate(op, ty, word(cpu, ip, A), b, 0);
                if sext { ty.sign_extend(value) } else { value }
            }
            Kind::Arithmetic(Arithmetic::Mask) => word(cpu, ip, A) & (*ip).imm,
            Kind::Arithmetic(Arithmetic::Const) => (*ip).imm,
            Kind::Arithmetic(Arithmetic::Pc) => (*cpu).pc.wrapping_add((*ip).imm),
            Kind::Arithmetic(_) | Kind::Memory(_) | Kind::Control(_) => return false,
        };
        set_word(cpu, ip, value);
        true
    }
}

/// Runs one op by its own handler.
#[cold]
#[inline(never)]
unsafe extern "C" fn alone<const K: u8>(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    let Some(handler) = KINDS[K as usize].handler() else {
        unreachable!("every kind has a handler");
    };
    // SAFETY: see UNSAFETY.
    unsafe { handler(cpu, ip, fuel) }
}

macro_rules! row {
    ($first:literal: $($second:literal)+) => { [$(pair::<$first, $second> as Handler),+] };
}

macro_rules! table {
    ($($first:literal)+) => {
        [$(row!($first: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
            20 21 22 23 24 25 26 27 28 29)),+]
    };
}

static PAIRS: [[Handler; COUNT]; FIRST] = table!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
