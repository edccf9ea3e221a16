//! The handlers that end a block.
#![expect(unsafe_code, reason = "handlers follow raw pointers; see UNSAFETY")]
// UNSAFETY: as in `handlers`. A link is set by the dispatcher to a block of the same page, and
// blocks are freed only when no link, jump cache or CPU can reach them.

use std::sync::atomic::Ordering::Relaxed;

use vm_core::PAGE_MASK;
use vm_ir::{Op, Type};

use crate::cpu::{Cpu, Jump, StopKind};
use crate::flat::{A, Code, Flat, Handler};
use crate::handlers::{eval, second, word};

/// Goes on in a block, if the fuel reaches through it.
///
/// # Safety
///
/// `code` is alive, and stands at `pc` in the context in force.
#[inline(always)]
pub unsafe fn enter(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    // SAFETY: as above.
    unsafe {
        let left = begin(cpu, code, pc, fuel);
        if left < 0 {
            return stop(cpu, StopKind::Fuel, fuel);
        }
        let heat = (*code).heat.load(Relaxed).wrapping_sub(1);
        (*code).heat.store(heat, Relaxed);
        if heat == 0 {
            crate::native::heated(cpu, code);
        }
        let ip = (*code).ops.as_ptr();
        crate::link::first(ip)(cpu, ip, left)
    }
}

/// Goes on in a block by its handlers, whatever native code there is.
///
/// # Safety
///
/// As for [`enter`].
#[inline(always)]
pub unsafe fn enter_apart(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    // SAFETY: as above.
    unsafe {
        let left = begin(cpu, code, pc, fuel);
        if left < 0 {
            return stop(cpu, StopKind::Fuel, fuel);
        }
        let ip = (*code).ops.as_ptr();
        ((*code).first)(cpu, ip, left)
    }
}

/// The CPU comes to a block; the fuel that is left behind it, which is negative if it does not
/// reach, and then the CPU is not in the block.
#[inline(always)]
unsafe fn begin(cpu: *mut Cpu, code: *const Code, pc: u64, fuel: i64) -> i64 {
    // SAFETY: as for `enter`.
    unsafe {
        (*cpu).pc = pc;
        let left = fuel.wrapping_sub((*code).toll.fuel());
        if left >= 0 {
            (*cpu).code = code;
            (*cpu).recent.note(pc);
        }
        left
    }
}

/// Gives control back. Only a number is written, since an op that keeps something on the stack
/// can not call the next one in tail position.
#[inline(always)]
unsafe fn stop(cpu: *mut Cpu, why: StopKind, fuel: i64) -> i64 {
    // SAFETY: `cpu` is alive.
    unsafe {
        (*cpu).stop = why;
        fuel
    }
}

/// Goes on at `pc`, by the jump cache.
#[inline(always)]
unsafe fn look_up(cpu: *mut Cpu, pc: u64, miss: StopKind, fuel: i64) -> i64 {
    // SAFETY: the jump cache in force holds live blocks of the context in force.
    unsafe {
        let at = Jump::place(pc, (*cpu).jump_mask);
        let jump: *const Jump = (*cpu).jumps.byte_add(at);
        if (*jump).pc == pc {
            return enter(cpu, (*jump).code, pc, fuel);
        }
        (*cpu).pc = pc;
        if miss as u32 == StopKind::LookupIndirect as u32 {
            let code = found(cpu);
            if !code.is_null() {
                return enter(cpu, code, pc, fuel);
            }
        }
        stop(cpu, miss, fuel)
    }
}

/// The code at the program counter, if the jump cache does not know it, or null; apart from
/// handlers, so that their own way on needs no room on the stack.
///
/// # Safety
///
/// As for every handler.
#[inline(never)]
pub unsafe fn found(cpu: *mut Cpu) -> *const Code {
    // SAFETY: see UNSAFETY; what slow paths work with is valid while handlers run.
    unsafe {
        let slow = (*cpu).slow;
        (*slow).found(&mut *cpu).unwrap_or_default()
    }
}

/// Leaves by the exit at `ip`: over its link, or by the jump cache.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn leave_by(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let pc = (*cpu).pc.wrapping_add_signed((*ip).distance());
        let link = crate::link::linked(ip);
        if link.is_null() {
            (*cpu).ip = ip;
            // Only what stays on the page is worth a link.
            let miss = if (pc ^ (*cpu).pc) & PAGE_MASK == 0 {
                StopKind::Lookup
            } else {
                StopKind::LookupIndirect
            };
            return look_up(cpu, pc, miss, fuel);
        }
        enter(cpu, link, pc, fuel)
    }
}

unsafe extern "C" fn goto(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { leave_by(cpu, ip, fuel) }
}

/// The two exits stand behind the branch: taken, then not taken.
unsafe extern "C" fn branch<const OP: u8, const TY: u8, const IMM: bool>(
    cpu: *mut Cpu,
    ip: *const Flat,
    fuel: i64,
) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let taken = eval::<OP, TY>(word(cpu, ip, A), second::<IMM>(cpu, ip), 0) != 0;
        // Two tails rather than one with a choice, so that the host's predictor sees two jumps.
        if taken {
            leave_by(cpu, ip.add(1), fuel)
        } else {
            leave_by(cpu, ip.add(2), fuel)
        }
    }
}

unsafe extern "C" fn branch_word(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let exit = if word(cpu, ip, A) & 1 != 0 { 1 } else { 2 };
        leave_by(cpu, ip.add(exit), fuel)
    }
}

/// To the word plus the constant; with `EVEN`, to the even address at or below it.
unsafe extern "C" fn jump<const EVEN: bool>(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe { jump_to(cpu, ip, EVEN, fuel) }
}

/// Jumps as the op at `ip` says.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn jump_to(cpu: *mut Cpu, ip: *const Flat, even: bool, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        let target = word(cpu, ip, A).wrapping_add((*ip).imm);
        let target = if even { target & !1 } else { target };
        look_up(cpu, target, StopKind::LookupIndirect, fuel)
    }
}

unsafe extern "C" fn go_next(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        (*cpu).pc = (*cpu).pc.wrapping_add_signed((*ip).distance());
        go_on(cpu, fuel)
    }
}

/// Goes on at the program counter, where everything may have changed.
///
/// # Safety
///
/// As for every handler.
#[inline(always)]
pub unsafe fn go_on(cpu: *mut Cpu, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        if !goes_on(cpu) {
            return stop(cpu, StopKind::Next, fuel);
        }
        look_up(cpu, (*cpu).pc, StopKind::LookupIndirect, fuel)
    }
}

/// Apart from handlers, so that their own way on needs no room on the stack.
#[inline(never)]
unsafe fn goes_on(cpu: *mut Cpu) -> bool {
    // SAFETY: see UNSAFETY; what slow paths work with is valid while handlers run.
    unsafe {
        let slow = (*cpu).slow;
        (*slow).goes_on(&mut *cpu)
    }
}

/// The helper has written the program counter's slot, which the dispatcher reads.
unsafe extern "C" fn leave(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        (*cpu).pc = (&(*cpu).words)[(*ip).imm as usize];
        go_on(cpu, fuel)
    }
}

unsafe extern "C" fn trap(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        (*cpu).ip = ip;
        (*cpu).trap = vm_core::Trap::new((*ip).imm as u32, word(cpu, ip, A));
        stop(cpu, StopKind::Trap, fuel)
    }
}

/// Which handler ends a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// An exit.
    Goto,
    /// A comparison and two exits behind it.
    Branch { op: Op, ty: Type, imm: bool },
    /// A truth value and two exits behind it.
    BranchWord,
    /// To an address.
    Jump { even: bool },
    /// To the dispatcher.
    Next,
    /// To the dispatcher, with the program counter from its slot.
    Leave,
    /// Into a trap.
    Trap,
}

impl Control {
    /// The handler.
    pub fn handler(self) -> Option<Handler> {
        Some(match self {
            Self::Goto => goto,
            Self::Branch { op, ty, imm } => branch_handler(op, ty, imm)?,
            Self::BranchWord => branch_word,
            Self::Jump { even: false } => jump::<false>,
            Self::Jump { even: true } => jump::<true>,
            Self::Next => go_next,
            Self::Leave => leave,
            Self::Trap => trap,
        })
    }
}

macro_rules! branch_table {
    ($($op:ident)+) => {
        fn branch_handler(op: Op, ty: Type, imm: bool) -> Option<Handler> {
            match op {
                $(Op::$op => {
                    const OP: u8 = Op::$op as u8;
                    static TABLE: [[Handler; 5]; 2] = [
                        [branch::<OP, 0, false>, branch::<OP, 1, false>, branch::<OP, 2, false>,
                            branch::<OP, 3, false>, branch::<OP, 4, false>],
                        [branch::<OP, 0, true>, branch::<OP, 1, true>, branch::<OP, 2, true>,
                            branch::<OP, 3, true>, branch::<OP, 4, true>],
                    ];
                    Some(TABLE[usize::from(imm)][ty as usize])
                })+
                _ => None,
            }
        }
    };
}

branch_table! { Eq Ne LtU LtS GeU GeS }
