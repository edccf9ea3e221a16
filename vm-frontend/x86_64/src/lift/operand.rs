//! Operands: registers, memory, immediates; Intel SDM volume 1, section 3.7.

use iced_x86::{OpKind, Register};
use vm_ir::Type::{I8, I16, I32, I64};
use vm_ir::{MemArg, Op, Order, SlotId, Type, Val};

use super::{Lift, TSO, type_of};
use crate::slots;

/// Where a memory operand is.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    addr: Val<'a>,
    offset: i32,
}

/// Whether a register is the second byte of another one.
const fn is_high(register: Register) -> bool {
    matches!(
        register,
        Register::AH | Register::CH | Register::DH | Register::BH
    )
}

/// The slot that holds a general register.
fn slot_of(register: Register) -> SlotId {
    slots::general(register.full_register().number() as u16)
}

impl<'a> Lift<'a> {
    /// The type of an operand; an immediate has that of the first operand.
    #[must_use]
    pub fn ty(&self, operand: u32) -> Type {
        match self.insn.op_kind(operand) {
            OpKind::Register => type_of(self.insn.op_register(operand).size()),
            _ if self.is_memory(operand) => type_of(self.insn.memory_size().size()),
            _ if operand > 0 => self.ty(0),
            _ => I64,
        }
    }

    /// Whether an operand is in memory.
    #[must_use]
    pub fn is_memory(&self, operand: u32) -> bool {
        self.insn.op_kind(operand) == OpKind::Memory
    }

    /// Whether the instruction updates memory in one step.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.insn.has_lock_prefix()
    }

    /// Reads a general register, whole or in part.
    #[must_use]
    pub fn register(&self, register: Register) -> Val<'a> {
        let slot = slot_of(register);
        if is_high(register) {
            self.get(I64, slot).extract(8, 8).trunc(I8)
        } else {
            self.get(type_of(register.size()), slot)
        }
    }

    /// Writes a general register: a 32-bit part clears what stands above, narrower ones keep it.
    pub fn set_register(&self, register: Register, value: Val<'a>) {
        let slot = slot_of(register);
        let whole = match value.ty {
            I64 | I32 => value.zext(I64),
            _ => {
                let from = if is_high(register) { 8 } else { 0 };
                let field = value.zext(I64);
                self.get(I64, slot).deposit(from, value.ty.bits(), field)
            }
        };
        self.out.set(slot, whole);
    }

    /// The accumulator in a type.
    #[must_use]
    pub fn accumulator(&self, ty: Type) -> Val<'a> {
        self.get(ty, slots::RAX)
    }

    /// Writes the accumulator.
    pub fn set_accumulator(&self, value: Val<'a>) {
        self.set_register(part(Register::RAX, value.ty), value);
    }

    /// Writes the register of high halves.
    pub fn set_high(&self, value: Val<'a>) {
        self.set_register(part(Register::RDX, value.ty), value);
    }

    /// Reads an operand.
    #[must_use]
    pub fn read(&self, operand: u32) -> Val<'a> {
        match self.insn.op_kind(operand) {
            OpKind::Register => self.register(self.insn.op_register(operand)),
            OpKind::Memory => self.load(self.place(operand), self.ty(operand)),
            _ => self.constant(self.ty(operand), self.immediate(operand)),
        }
    }

    /// An immediate operand, sign-extended as the instruction says.
    #[must_use]
    pub fn immediate(&self, operand: u32) -> u64 {
        self.insn.try_immediate(operand).unwrap_or(0)
    }

    /// Writes an operand; memory must be written before anything else is.
    pub fn write(&self, operand: u32, value: Val<'a>) {
        if self.is_memory(operand) {
            self.store(self.place(operand), value);
        } else {
            self.set_register(self.insn.op_register(operand), value);
        }
    }

    /// Loads.
    #[must_use]
    pub fn load(&self, place: Place<'a>, ty: Type) -> Val<'a> {
        self.out.load(ty, place.addr, place.arg())
    }

    /// Stores.
    pub fn store(&self, place: Place<'a>, value: Val<'a>) {
        self.out.store(place.addr, value, place.arg());
    }

    /// Exchanges memory in one step; what it held.
    #[must_use]
    pub fn amo(&self, op: Op, place: Place<'a>, value: Val<'a>) -> Val<'a> {
        self.out.amo(op, place.addr, value, place.locked_arg())
    }

    /// Stores the second if memory holds the first, in one step; what it held.
    #[must_use]
    pub fn cas(&self, place: Place<'a>, held: Val<'a>, value: Val<'a>) -> Val<'a> {
        let ids = [place.addr.id, held.id, value.id];
        self.out
            .push(Op::Cas, value.ty, &ids, place.locked_arg().pack())
    }

    /// A place at an address.
    #[must_use]
    pub fn at(&self, addr: Val<'a>) -> Place<'a> {
        Place { addr, offset: 0 }
    }

    /// Where a memory operand is.
    #[must_use]
    pub fn place(&self, operand: u32) -> Place<'a> {
        debug_assert!(self.is_memory(operand), "only memory has a place");
        self.place_behind(None)
    }

    /// Where the memory operand is, with a distance that a bit string or a stack pointer adds.
    #[must_use]
    pub fn place_behind(&self, distance: Option<Val<'a>>) -> Place<'a> {
        let (sum, offset) = self.effective(distance);
        let addr = match self.segment_base() {
            Some(base) => sum + base,
            None => sum,
        };
        Place { addr, offset }
    }

    /// The address of the memory operand inside its segment, cut or zero-extended to a type.
    #[must_use]
    pub fn effective_address(&self, ty: Type) -> Val<'a> {
        let (sum, offset) = self.effective(None);
        let sum = if offset == 0 {
            sum
        } else {
            sum + i64::from(offset)
        };
        self.fit(sum, ty)
    }

    fn segment_base(&self) -> Option<Val<'a>> {
        match self.insn.memory_segment() {
            Register::FS => Some(self.get(I64, slots::FS_BASE)),
            Register::GS => Some(self.get(I64, slots::GS_BASE)),
            // The other segments begin at 0 in 64-bit mode.
            _ => None,
        }
    }

    /// Base, index and displacement; what can be left to the access is the second part.
    fn effective(&self, distance: Option<Val<'a>>) -> (Val<'a>, i32) {
        let (base, index) = (self.insn.memory_base(), self.insn.memory_index());
        let displacement = self.insn.memory_displacement64() as i64;
        if base == Register::RIP || base == Register::EIP {
            // Decoded at address 0, so this is the distance from the instruction.
            let mut addr = self.out.pc(displacement);
            if let Some(distance) = distance {
                addr = addr + distance;
            }
            let narrow = base == Register::EIP;
            return (
                if narrow {
                    addr.trunc(I32).zext(I64)
                } else {
                    addr
                },
                0,
            );
        }
        let mut sum = distance;
        let mut narrow = false;
        for (register, scale) in [(base, 1), (index, self.insn.memory_index_scale())] {
            if register == Register::None {
                continue;
            }
            narrow = register.size() == 4;
            let mut value = self.get(I64, slot_of(register));
            if scale > 1 {
                value = value << i64::from(scale.trailing_zeros());
            }
            sum = Some(sum.map_or(value, |sum| sum + value));
        }
        match (sum, i32::try_from(displacement)) {
            (None, _) => (self.out.imm(displacement), 0),
            (Some(sum), _) if narrow => ((sum + displacement).trunc(I32).zext(I64), 0),
            (Some(sum), Ok(offset)) => (sum, offset),
            (Some(sum), Err(_)) => (sum + displacement, 0),
        }
    }
}

impl Place<'_> {
    /// A locked access is a full barrier.
    fn locked_arg(&self) -> MemArg {
        MemArg {
            offset: self.offset,
            ..MemArg::ordered(Order::Sequential)
        }
    }

    fn arg(&self) -> MemArg {
        MemArg {
            offset: self.offset,
            ..TSO
        }
    }
}

/// The low part of a 64-bit register that has this type (`al`, `dx`, `ecx` ...).
pub(super) fn part(register: Register, ty: Type) -> Register {
    let number = register.full_register().number() as u32;
    let first = match ty {
        I64 => Register::RAX,
        I32 => Register::EAX,
        I16 => Register::AX,
        _ => Register::AL,
    };
    first + number
}
