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
    let (first, second) = (NUMBERS[place(first)], NUMBERS[place(second)]);
    let pairs = PAIRS.get(usize::from(first))?;
    pairs.get(usize::from(second)).copied()
}

/// The number of each kind in [`KINDS`], or [`NONE`], by its place.
static NUMBERS: [u8; PLACES] = {
    let mut numbers = [NONE; PLACES];
    let mut n = 0;
    while n < COUNT {
        numbers[place(KINDS[n])] = n as u8;
        n += 1;
    }
    numbers
};

/// What is no part of a pair has this number, and the last of all places.
const NONE: u8 = u8::MAX;

/// How many operations of one kind there may be, with their types and what else tells them apart.
const OPERATIONS: usize = Op::ALL.len() * 32;
/// How many places kinds have.
const PLACES: usize = 2 * OPERATIONS + 64;

/// A place of its own for each kind that may be part of a pair.
const fn place(kind: Kind) -> usize {
    let other = match kind {
        Kind::Arithmetic(Arithmetic::Binary { op, ty, imm, sext }) => {
            return operation(op, ty, imm, sext);
        }
        Kind::Control(Control::Branch { op, ty, imm }) => {
            return OPERATIONS + operation(op, ty, imm, false);
        }
        Kind::Memory(Memory::Load { ty, sext }) => ty as usize * 2 + sext as usize,
        Kind::Memory(Memory::Store { ty }) => 16 + ty as usize,
        Kind::Arithmetic(Arithmetic::Mask) => 32,
        Kind::Arithmetic(Arithmetic::Const) => 33,
        Kind::Arithmetic(Arithmetic::Pc) => 34,
        Kind::Control(Control::Goto) => 35,
        Kind::Control(Control::Jump { even }) => 36 + even as usize,
        Kind::Arithmetic(_) | Kind::Memory(_) | Kind::Control(_) => 63,
    };
    2 * OPERATIONS + other
}

const fn operation(op: Op, ty: Type, imm: bool, sext: bool) -> usize {
    op as usize * 32 + ty as usize * 4 + imm as usize * 2 + sext as usize
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_by_both_of_their_kinds_and_by_nothing_else() {
        for (k, first) in KINDS.into_iter().enumerate() {
            for (l, second) in KINDS.into_iter().enumerate() {
                let found = handler(first, second).map(|found| found as usize);
                let want = PAIRS.get(k).map(|pairs| pairs[l] as usize);
                assert_eq!(found, want, "{first:?} {second:?}");
            }
        }
        let types = [Type::I1, Type::I8, Type::I16, Type::I32, Type::I64];
        let bits = [false, true].map(|a| [false, true].map(|b| (a, b)));
        for (op, ty) in Op::ALL.iter().flat_map(|op| types.map(|ty| (*op, ty))) {
            for (imm, sext) in bits.into_iter().flatten() {
                let kinds = [
                    binary(op, ty, imm, sext),
                    load(ty, sext),
                    store(ty),
                    Kind::Control(Control::Branch { op, ty, imm }),
                    Kind::Arithmetic(Arithmetic::Ternary { op, ty }),
                    Kind::Memory(Memory::Special { op, ty }),
                ];
                for kind in kinds {
                    let number = KINDS.iter().position(|known| *known == kind);
                    let number = number.map_or(NONE, |number| number as u8);
                    assert_eq!(NUMBERS[place(kind)], number, "{kind:?}");
                }
            }
        }
    }
}
