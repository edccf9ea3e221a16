//! The handlers that can stop in the middle of a block: memory, helpers, traps, floating point.
#![expect(unsafe_code, reason = "handlers follow raw pointers; see UNSAFETY")]
// UNSAFETY: as in `handlers`. The addend of a TLB entry leads to a page of guest RAM, which is
// mapped as long as the engine lives, and a tag matches only for accesses inside that page.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use vm_core::PAGE_MASK;
use vm_ir::{MemArg, Op, Type, eval_float};
use vm_mem::TlbTable;

use crate::cpu::{Cpu, Stop, StopKind};
use crate::flat::{A, B, C, Flat, Handler};
use crate::handlers::{next, set_word, type_of, word};

/// The host address behind a guest address, if the TLB knows it.
#[inline(always)]
unsafe fn host<const STORE: bool>(cpu: *mut Cpu, addr: u64, bytes: u64) -> Option<*mut u8> {
    // SAFETY: see UNSAFETY.
    unsafe {
        let entry = (*cpu).tlb.add(TlbTable::index(addr));
        let tag = if STORE { (*entry).write } else { (*entry).read };
        (tag == addr & (PAGE_MASK | (bytes - 1)))
            .then(|| addr.wrapping_add((*entry).addend) as *mut u8)
    }
}

/// Loads by the TLB; false if it does not know the address.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn try_load(cpu: *mut Cpu, ip: *const Flat, ty: Type, sext: bool) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let addr = word(cpu, ip, A).wrapping_add((*ip).imm);
        let Some(host) = host::<false>(cpu, addr, ty.bytes()) else {
            return false;
        };
        let value = read(host, ty);
        set_word(cpu, ip, if sext { ty.sign_extend(value) } else { value });
        true
    }
}

/// Stores by the TLB; false if it does not know the address or the page must be asked.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn try_store(cpu: *mut Cpu, ip: *const Flat, ty: Type) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let addr = word(cpu, ip, A).wrapping_add((*ip).imm);
        let Some(host) = host::<true>(cpu, addr, ty.bytes()) else {
            return false;
        };
        write(host, ty, word(cpu, ip, B));
        true
    }
}

/// Whether an op does nothing but ask for the right to access, and the TLB gives it.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn try_probe(cpu: *mut Cpu, op: Op, ty: Type, addr: u64, imm: u64) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let addr = addr.wrapping_add_signed(i64::from(MemArg::unpack(imm).offset));
        match op {
            Op::ProbeLoad => host::<false>(cpu, addr, ty.bytes()).is_some(),
            Op::ProbeStore => host::<true>(cpu, addr, ty.bytes()).is_some(),
            _ => false,
        }
    }
}

unsafe extern "C" fn load<const TY: u8, const SEXT: bool>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if try_load(cpu, ip, type_of(TY), SEXT) {
            next(cpu, ip, fuel)
        } else {
            load_slow::<TY, SEXT>(cpu, ip, fuel)
        }
    }
}

#[cold]
#[inline(never)]
unsafe extern "C" fn load_slow<const TY: u8, const SEXT: bool>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if !finish_load(cpu, ip, TY) {
            return fuel;
        }
        let value = (*cpu).result;
        set_word(
            cpu,
            ip,
            if SEXT {
                type_of(TY).sign_extend(value)
            } else {
                value
            },
        );
        next(cpu, ip, fuel)
    }
}

/// Loads without the TLB; false if the CPU must stop. The value is in [`Cpu::result`], so that
/// the caller has nothing on the stack.
#[inline(never)]
unsafe fn finish_load(cpu: *mut Cpu, ip: *const Flat, ty: u8) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let addr = word(cpu, ip, A).wrapping_add((*ip).imm);
        let loaded = (*(*cpu).slow).load(&mut *cpu, ip, addr, type_of(ty));
        settle(&mut *cpu, ip, loaded)
    }
}

unsafe extern "C" fn store<const TY: u8>(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if try_store(cpu, ip, type_of(TY)) {
            next(cpu, ip, fuel)
        } else {
            store_slow::<TY>(cpu, ip, fuel)
        }
    }
}

#[cold]
#[inline(never)]
unsafe extern "C" fn store_slow<const TY: u8>(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if finish_store(cpu, ip, TY) {
            next(cpu, ip, fuel)
        } else {
            fuel
        }
    }
}

#[inline(never)]
unsafe fn finish_store(cpu: *mut Cpu, ip: *const Flat, ty: u8) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let addr = word(cpu, ip, A).wrapping_add((*ip).imm);
        let value = word(cpu, ip, B) & type_of(ty).mask();
        let stored = (*(*cpu).slow).store(&mut *cpu, ip, addr, type_of(ty), value);
        settle(&mut *cpu, ip, stored.map(|()| 0))
    }
}

/// Notes the result of a slow path; whether the CPU goes on.
pub fn settle(cpu: &mut Cpu, ip: *const Flat, result: Result<u64, Stop>) -> bool {
    match result {
        Ok(value) => {
            cpu.result = value;
            true
        }
        Err(why) => {
            cpu.ip = ip;
            cpu.set_stop(why);
            false
        }
    }
}

/// Reads with the order that x86 gives every load: more than most guests ask for, and on such
/// hosts as cheap as none.
#[inline(always)]
unsafe fn read(host: *mut u8, ty: Type) -> u64 {
    // SAFETY: the tag matched, so the access is aligned and inside its page.
    unsafe {
        match ty {
            Type::I1 | Type::I8 => u64::from(AtomicU8::from_ptr(host).load(Acquire)),
            Type::I16 => u64::from(u16::from_le(AtomicU16::from_ptr(host.cast()).load(Acquire))),
            Type::I32 => u64::from(u32::from_le(AtomicU32::from_ptr(host.cast()).load(Acquire))),
            Type::I64 => u64::from_le(AtomicU64::from_ptr(host.cast()).load(Acquire)),
        }
    }
}

/// Writes with the order that x86 gives every store.
#[inline(always)]
unsafe fn write(host: *mut u8, ty: Type, value: u64) {
    // SAFETY: as for `read`.
    unsafe {
        match ty {
            Type::I1 | Type::I8 => AtomicU8::from_ptr(host).store(value as u8, Release),
            Type::I16 => AtomicU16::from_ptr(host.cast()).store((value as u16).to_le(), Release),
            Type::I32 => AtomicU32::from_ptr(host.cast()).store((value as u32).to_le(), Release),
            Type::I64 => AtomicU64::from_ptr(host.cast()).store(value.to_le(), Release),
        }
    }
}

/// Memory operations that are not plain loads and stores.
unsafe extern "C" fn atomic<const OP: u8, const TY: u8>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let op = const { Op::ALL[OP as usize] };
        let known = try_probe(cpu, op, type_of(TY), word(cpu, ip, A), (*ip).imm);
        if !known && !finish_special(cpu, ip, OP, TY) {
            return fuel;
        }
        if op.has_result() {
            set_word(cpu, ip, (*cpu).result);
        }
        next(cpu, ip, fuel)
    }
}

#[inline(never)]
unsafe fn finish_special(cpu: *mut Cpu, ip: *const Flat, op: u8, ty: u8) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let (op, ty) = (Op::ALL[usize::from(op)], type_of(ty));
        let (addr, imm) = (word(cpu, ip, A), (*ip).imm);
        let values = [word(cpu, ip, B) & ty.mask(), word(cpu, ip, C) & ty.mask()];
        let done = (*(*cpu).slow).special(&mut *cpu, ip, op, ty, addr, values, imm);
        settle(&mut *cpu, ip, done)
    }
}

/// Calls a helper: `imm` holds its number and, in the high half, the word of the fourth operand.
unsafe extern "C" fn call(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if !finish_call(cpu, ip, fuel) {
            return fuel;
        }
        set_word(cpu, ip, (*cpu).result);
        next(cpu, ip, fuel)
    }
}

#[inline(never)]
unsafe fn finish_call(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> bool {
    // SAFETY: see UNSAFETY.
    unsafe {
        let fourth = (&(*cpu).words)[((*ip).imm >> 32) as usize];
        let args = [word(cpu, ip, A), word(cpu, ip, B), word(cpu, ip, C), fourth];
        let done = (*(*cpu).slow).call(&mut *cpu, ip, (*ip).imm as u32, args, fuel);
        settle(&mut *cpu, ip, done)
    }
}

unsafe extern "C" fn trap_if(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if word(cpu, ip, A) & 1 == 0 {
            return next(cpu, ip, fuel);
        }
        (*cpu).ip = ip;
        (*cpu).trap = vm_core::Trap::new((*ip).imm as u32, word(cpu, ip, B));
        (*cpu).stop = StopKind::Trap;
        fuel
    }
}

/// Goes on `imm` ops further if the word holds: at the exit behind the last instruction.
unsafe extern "C" fn skip_if(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY; the exit stands in the same block.
    unsafe {
        let ahead = if word(cpu, ip, A) & 1 == 0 {
            1
        } else {
            (*ip).imm
        };
        let ip = ip.add(ahead as usize);
        ((*ip).run)(cpu, ip, fuel)
    }
}

/// Floating point: the rounding mode is the last operand; `imm` holds the third word's number
/// for a fused product, the operand's type for a conversion, and the flags' slot above them.
unsafe extern "C" fn float<const OP: u8, const TY: u8>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        calculate::<OP, TY>(cpu, ip);
        next(cpu, ip, fuel)
    }
}

/// A call of its own, so that the handler has nothing on the stack.
#[inline(never)]
unsafe fn calculate<const OP: u8, const TY: u8>(cpu: *mut Cpu, ip: *const Flat) {
    // SAFETY: see UNSAFETY.
    unsafe {
        let (op, ty) = (const { Op::ALL[OP as usize] }, type_of(TY));
        let imm = (*ip).imm;
        let from = Type::ALL[(imm & 7) as usize];
        let cut = if matches!(op, Op::FConvert | Op::FToS | Op::FToU | Op::SToF | Op::UToF) {
            from.mask()
        } else {
            ty.mask()
        };
        let (flags, fourth) = ((imm >> 8 & 0xffff) as usize, (imm >> 24 & 0xffff) as usize);
        // The rounding mode is a small number and survives the cut.
        let words = &mut (*cpu).words;
        let operand = |which: usize| words[usize::from((*ip).words[which])];
        let args = [
            operand(A) & cut,
            operand(B) & cut,
            operand(C) & cut,
            words[fourth],
        ];
        let rules = (*(*cpu).slow).rules;
        let sticky = vm_ir::float::Flags(words[flags] as u8);
        if let Some(out) = eval_float(op, ty, from, args, rules, sticky) {
            words[flags] |= u64::from(out.flags.0);
            set_word(cpu, ip, out.bits);
        }
    }
}

/// Which handler runs an op that can stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Memory {
    /// A plain load; `sext` extends the sign to 64 bits.
    Load { ty: Type, sext: bool },
    /// A plain store.
    Store { ty: Type },
    /// Any other access.
    Special { op: Op, ty: Type },
    /// A helper.
    Call,
    /// A trap on a condition.
    TrapIf,
    /// A way out of the block on a condition.
    SkipIf,
    /// Floating point.
    Float { op: Op, ty: Type },
}

impl Memory {
    /// The handler.
    pub fn handler(self) -> Option<Handler> {
        Some(match self {
            Self::Load { ty, sext } => LOADS[usize::from(sext)][ty as usize],
            Self::Store { ty } => STORES[ty as usize],
            Self::Special { op, ty } => special_handler(op, ty)?,
            Self::Call => call,
            Self::TrapIf => trap_if,
            Self::SkipIf => skip_if,
            Self::Float { op, ty } => float_handler(op, ty)?,
        })
    }
}

static LOADS: [[Handler; 5]; 2] = [
    [
        load::<1, false>,
        load::<1, false>,
        load::<2, false>,
        load::<3, false>,
        load::<4, false>,
    ],
    [
        load::<1, true>,
        load::<1, true>,
        load::<2, true>,
        load::<3, true>,
        load::<4, true>,
    ],
];

static STORES: [Handler; 5] = [store::<1>, store::<1>, store::<2>, store::<3>, store::<4>];

macro_rules! table {
    ($name:ident $handler:ident: $($op:ident)+) => {
        fn $name(op: Op, ty: Type) -> Option<Handler> {
            match op {
                $(Op::$op => {
                    const OP: u8 = Op::$op as u8;
                    static TABLE: [Handler; 5] = [
                        $handler::<OP, 0>, $handler::<OP, 1>, $handler::<OP, 2>,
                        $handler::<OP, 3>, $handler::<OP, 4>,
                    ];
                    Some(TABLE[ty as usize])
                })+
                _ => None,
            }
        }
    };
}

table! { special_handler atomic:
    Load Store LoadRes StoreCond Cas AmoSwap AmoAdd AmoAnd AmoOr AmoXor AmoMinS AmoMaxS AmoMinU
    AmoMaxU ProbeLoad ProbeStore Fence
}

table! { float_handler float:
    FAdd FSub FMul FDiv FSqrt FMulAdd FMin FMax FEq FLt FLe FClass FConvert FToS FToU SToF UToF
}
