//! Writes blocks, in a form that reads like the manual.

use std::cell::RefCell;
use std::ops;

use crate::block::{Block, End, Hint, Id, Inst, MAX_INSTS, MemArg, NONE};
use crate::{Op, SlotId, Type};

/// Writes one block.
///
/// Methods take `&self`, so that values can hold the builder and an instruction's meaning can be
/// one expression.
#[derive(Debug)]
pub struct Builder {
    block: RefCell<Block>,
    /// Where the current guest instruction begins, and its length.
    insn: RefCell<(u32, u32)>,
    ended: std::cell::Cell<bool>,
}

/// A value of the block being written.
#[derive(Clone, Copy, Debug)]
pub struct Val<'a> {
    builder: &'a Builder,
    /// The operation that makes it.
    pub id: Id,
    /// Its type.
    pub ty: Type,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A builder with an empty block.
    #[must_use]
    pub fn new() -> Self {
        let block = Block {
            insts: Vec::with_capacity(64),
            end: End::Goto(0),
            insns: 0,
            bytes: 0,
        };
        Self {
            block: RefCell::new(block),
            insn: RefCell::new((0, 0)),
            ended: std::cell::Cell::new(false),
        }
    }

    /// Empties the block, keeping its memory.
    pub fn clear(&mut self) {
        let block = self.block.get_mut();
        block.insts.clear();
        block.end = End::Goto(0);
        (block.insns, block.bytes) = (0, 0);
        *self.insn.get_mut() = (0, 0);
        self.ended.set(false);
    }

    /// The block as written so far.
    #[must_use]
    pub fn block(&mut self) -> &mut Block {
        self.block.get_mut()
    }

    /// The finished block.
    #[must_use]
    pub fn finish(self) -> Block {
        self.block.into_inner()
    }

    /// Begins a guest instruction of `bytes` bytes right behind the one before.
    pub fn begin_insn(&self, bytes: u32) {
        let offset = self.block.borrow().bytes;
        *self.insn.borrow_mut() = (offset, bytes);
        self.push(
            Op::Insn,
            Type::I64,
            &[],
            u64::from(offset) | u64::from(bytes) << 32,
        );
        let mut block = self.block.borrow_mut();
        block.insns += 1;
        block.bytes += bytes;
    }

    /// The offset of the current guest instruction, and its length.
    #[must_use]
    pub fn insn(&self) -> (u32, u32) {
        *self.insn.borrow()
    }

    /// Whether the block has been ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.get()
    }

    /// Whether there is room for one more instruction of any kind.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.block.borrow().insts.len() < MAX_INSTS - 256
    }

    /// Ends the block.
    pub fn end(&self, end: End) {
        self.block.borrow_mut().end = end;
        self.ended.set(true);
    }

    /// Writes one operation and gives its value.
    #[inline]
    pub fn push(&self, op: Op, ty: Type, args: &[Id], imm: u64) -> Val<'_> {
        let mut inst = Inst {
            op,
            ty,
            args: [NONE; 4],
            imm,
        };
        for (to, from) in inst.args.iter_mut().zip(args) {
            *to = *from;
        }
        let mut block = self.block.borrow_mut();
        let id = block.insts.len() as Id;
        block.insts.push(inst);
        let ty = op.result().of(ty).unwrap_or(ty);
        Val {
            builder: self,
            id,
            ty,
        }
    }

    /// A constant.
    pub fn constant(&self, ty: Type, value: u64) -> Val<'_> {
        self.push(Op::Const, ty, &[], value & ty.mask())
    }

    /// A 64-bit constant.
    pub fn imm(&self, value: i64) -> Val<'_> {
        self.constant(Type::I64, value as u64)
    }

    /// The address `offset` bytes behind the start of the current guest instruction.
    pub fn pc(&self, offset: i64) -> Val<'_> {
        let at = i64::from(self.insn.borrow().0).wrapping_add(offset);
        self.push(Op::Pc, Type::I64, &[], at as u64)
    }

    /// Reads a slot.
    pub fn get(&self, ty: Type, slot: SlotId) -> Val<'_> {
        self.push(Op::Get, ty, &[], u64::from(slot.0))
    }

    /// Writes a slot.
    pub fn set(&self, slot: SlotId, value: Val) {
        self.push(Op::Set, value.ty, &[value.id], u64::from(slot.0));
    }

    /// Loads.
    pub fn load<'a>(&'a self, ty: Type, addr: Val<'a>, arg: MemArg) -> Val<'a> {
        self.push(Op::Load, ty, &[addr.id], arg.pack())
    }

    /// Stores.
    pub fn store(&self, addr: Val, value: Val, arg: MemArg) {
        self.push(Op::Store, value.ty, &[addr.id, value.id], arg.pack());
    }

    /// Exchanges memory in one step, with one of the `amo` operations; what memory held.
    pub fn amo<'a>(&'a self, op: Op, addr: Val<'a>, value: Val<'a>, arg: MemArg) -> Val<'a> {
        self.push(op, value.ty, &[addr.id, value.id], arg.pack())
    }

    /// The second if the condition holds, else the third.
    pub fn select<'a>(&'a self, cond: Val<'a>, yes: Val<'a>, no: Val<'a>) -> Val<'a> {
        self.push(Op::Select, yes.ty, &[cond.id, yes.id, no.id], 0)
    }

    /// An operation of any shape on these values.
    pub fn op<'a>(&'a self, op: Op, ty: Type, args: &[Val<'a>]) -> Val<'a> {
        let mut ids = [NONE; 4];
        for (id, value) in ids.iter_mut().zip(args) {
            *id = value.id;
        }
        self.push(op, ty, &ids[..args.len()], 0)
    }

    /// Calls a helper of the guest architecture.
    pub fn call<'a>(&'a self, helper: u32, args: &[Val<'a>]) -> Val<'a> {
        let mut ids = [NONE; 4];
        for (id, value) in ids.iter_mut().zip(args) {
            *id = value.id;
        }
        self.push(Op::Call, Type::I64, &ids[..args.len()], u64::from(helper))
    }

    /// Traps if the condition holds.
    pub fn trap_if(&self, cond: Val, cause: u32, value: Val) {
        self.push(
            Op::TrapIf,
            Type::I64,
            &[cond.id, value.id],
            u64::from(cause),
        );
    }

    /// Goes on behind the current guest instruction, which must be the block's last, if the
    /// condition holds.
    pub fn skip_if(&self, cond: Val) {
        self.push(Op::SkipIf, Type::I64, &[cond.id], 0);
    }

    /// Ends the block with a trap.
    pub fn trap(&self, cause: u32, value: Val) {
        self.end(End::Trap {
            cause,
            value: value.id,
        });
    }

    /// Ends the block with a jump to an offset from the current guest instruction.
    pub fn goto(&self, offset: i64) {
        let at = i64::from(self.insn.borrow().0).wrapping_add(offset);
        self.end(End::Goto(at));
    }

    /// Ends the block with a branch to an offset from the current guest instruction, or on to
    /// the next instruction.
    pub fn branch(&self, cond: Val, offset: i64) {
        let (at, bytes) = self.insn();
        let (taken, fall) = (i64::from(at).wrapping_add(offset), i64::from(at + bytes));
        self.end(End::Branch {
            cond: cond.id,
            taken,
            fall,
        });
    }

    /// Ends the block with a jump to an address.
    pub fn jump(&self, target: Val, hint: Hint) {
        self.end(End::Jump {
            target: target.id,
            hint,
        });
    }

    /// Ends the block behind the current guest instruction, because what translations depend on
    /// may have changed.
    pub fn next(&self) {
        let (at, bytes) = self.insn();
        self.end(End::Next(i64::from(at + bytes)));
    }
}

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident $op:ident;)+) => {
        impl<'a> Val<'a> {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(self, other: Val<'a>) -> Val<'a> {
                self.builder.push(Op::$op, self.ty, &[self.id, other.id], 0)
            })+
        }
    };
}

binary! {
    /// High half of the unsigned product.
    mulhu MulHu;
    /// High half of the signed product.
    mulhs MulHs;
    /// High half of the product of a signed and an unsigned number.
    mulhsu MulHsu;
    /// Unsigned quotient.
    divu DivU;
    /// Signed quotient.
    divs DivS;
    /// Unsigned remainder.
    remu RemU;
    /// Signed remainder.
    rems RemS;
    /// Bits that this has and the other has not.
    andnot AndNot;
    /// Shifted right, the sign coming in.
    shrs ShrS;
    /// Turned left.
    rotl RotL;
    /// Turned right.
    rotr RotR;
    /// The smaller unsigned number.
    minu MinU;
    /// The smaller signed number.
    mins MinS;
    /// The larger unsigned number.
    maxu MaxU;
    /// The larger signed number.
    maxs MaxS;
    /// Equal.
    eq Eq;
    /// Not equal.
    ne Ne;
    /// Less, unsigned.
    ltu LtU;
    /// Less, signed.
    lts LtS;
    /// Greater or equal, unsigned.
    geu GeU;
    /// Greater or equal, signed.
    ges GeS;
    /// Carry-less product, low half.
    clmul ClMul;
    /// Carry-less product, high half.
    clmulh ClMulH;
    /// Carry-less product, from the width less one upwards.
    clmulr ClMulR;
}

macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident $op:ident;)+) => {
        impl<'a> Val<'a> {
            $($(#[$doc])*
            #[must_use]
            pub fn $method(self) -> Val<'a> {
                self.builder.push(Op::$op, self.ty, &[self.id], 0)
            })+
        }
    };
}

unary! {
    /// How many zeroes stand above the highest one.
    clz Clz;
    /// How many zeroes stand below the lowest one.
    ctz Ctz;
    /// How many ones.
    popcnt PopCnt;
    /// The bytes in the other order.
    bswap BSwap;
    /// The bits in the other order.
    bitrev BitRev;
    /// Each byte all ones if it has any one.
    orbytes OrBytes;
}

impl<'a> Val<'a> {
    /// Zero-extended to a wider type; itself if it has it.
    #[must_use]
    pub fn zext(self, ty: Type) -> Val<'a> {
        if ty == self.ty {
            self
        } else {
            self.builder.push(Op::Zext, ty, &[self.id], 0)
        }
    }

    /// Sign-extended to a wider type; itself if it has it.
    #[must_use]
    pub fn sext(self, ty: Type) -> Val<'a> {
        if ty == self.ty {
            self
        } else {
            self.builder.push(Op::Sext, ty, &[self.id], 0)
        }
    }

    /// Cut to a narrower type; itself if it has it.
    #[must_use]
    pub fn trunc(self, ty: Type) -> Val<'a> {
        if ty == self.ty {
            self
        } else {
            self.builder.push(Op::Trunc, ty, &[self.id], 0)
        }
    }

    /// The field of `bits` bits from bit `from` upwards, zero-extended.
    #[must_use]
    pub fn extract(self, from: u32, bits: u32) -> Val<'a> {
        let imm = u64::from(from) | u64::from(bits) << 8;
        self.builder.push(Op::Extract, self.ty, &[self.id], imm)
    }

    /// This with the field of `bits` bits from bit `from` upwards replaced.
    #[must_use]
    pub fn deposit(self, from: u32, bits: u32, field: Val<'a>) -> Val<'a> {
        let imm = u64::from(from) | u64::from(bits) << 8;
        self.builder
            .push(Op::Deposit, self.ty, &[self.id, field.id], imm)
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident;)+) => {
        $(impl<'a> ops::$trait for Val<'a> {
            type Output = Val<'a>;
            fn $method(self, other: Val<'a>) -> Val<'a> {
                self.builder.push(Op::$op, self.ty, &[self.id, other.id], 0)
            }
        }

        impl<'a> ops::$trait<i64> for Val<'a> {
            type Output = Val<'a>;
            fn $method(self, other: i64) -> Val<'a> {
                let other = self.builder.constant(self.ty, other as u64);
                self.builder.push(Op::$op, self.ty, &[self.id, other.id], 0)
            }
        })+
    };
}

operator! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
    Shl shl Shl;
    Shr shr ShrU;
}

impl<'a> ops::Not for Val<'a> {
    type Output = Val<'a>;
    fn not(self) -> Val<'a> {
        self.builder.push(Op::Not, self.ty, &[self.id], 0)
    }
}

impl<'a> ops::Neg for Val<'a> {
    type Output = Val<'a>;
    fn neg(self) -> Val<'a> {
        self.builder.push(Op::Neg, self.ty, &[self.id], 0)
    }
}
