//! Writes random valid blocks.

use vm_core::Entropy;

use crate::block::{Block, Effect, End, Hint, Id, Inst, MemArg, NONE, Order};
use crate::ops::Kind;
use crate::{Op, Type};

/// A random valid block of up to `insns` instructions over [`layout`](super::layout) and
/// [`HELPERS`](super::HELPERS).
#[must_use]
pub fn block(random: &mut Entropy, insns: u32) -> Block {
    let mut writer = Writer {
        random,
        insts: Vec::new(),
    };
    let insns = 1 + writer.below(u64::from(insns.max(1))) as u32;
    let mut bytes = 0;
    let mut torn = false;
    for _ in 0..insns {
        let length = 2 + 2 * writer.below(2);
        writer.push(Op::Insn, Type::I64, &[], bytes | length << 32);
        bytes += length;
        torn = writer.insn();
    }
    let end = writer.end(bytes as i64, torn);
    Block {
        insts: writer.insts,
        end,
        insns,
        bytes: bytes as u32,
    }
}

/// Values that identities and overflows turn on, and the slots that are used.
const EDGES: [u64; 16] = [
    0,
    0,
    0,
    1,
    1,
    2,
    7,
    31,
    64,
    0x7f,
    0x80,
    0x7fff_ffff,
    0x8000_0000,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX,
];
const SLOTS: [u64; 8] = [0, 1, 2, 3, 4, 5, 65, 66];

struct Writer<'a> {
    random: &'a mut Entropy,
    insts: Vec<Inst>,
}

impl Writer<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len() as u64) as usize]
    }

    fn push(&mut self, op: Op, ty: Type, args: &[Id], imm: u64) -> Id {
        let mut inst = Inst {
            op,
            ty,
            args: [NONE; 4],
            imm,
        };
        inst.args[..args.len()].copy_from_slice(args);
        self.insts.push(inst);
        (self.insts.len() - 1) as Id
    }

    fn constant(&mut self, ty: Type) -> Id {
        let value = match self.below(4) {
            0 => self.random.next_u64(),
            1 => self.below(64),
            _ => self.one_of(&EDGES),
        };
        self.push(Op::Const, ty, &[], value & ty.mask())
    }

    /// A value of the type: an old one if luck has it.
    fn value(&mut self, ty: Type) -> Id {
        match self.below(10) {
            0 | 1 => return self.constant(ty),
            2 => {
                let slot = self.one_of(&SLOTS);
                return self.push(Op::Get, ty, &[], slot);
            }
            _ => {}
        }
        let count = self.insts.len() as u64;
        for _ in 0..8 {
            // The last few are the likeliest, so that operations stand on each other.
            let reach = 1 + self.below(24);
            let back = 1 + self.below(count.min(reach));
            let id = (count - back) as usize;
            let inst = self.insts[id];
            if inst.op.has_result() && inst.value_type() == ty {
                return id as Id;
            }
        }
        self.constant(ty)
    }

    /// One instruction; whether it has changed state at its end.
    fn insn(&mut self) -> bool {
        for _ in 0..self.below(5) {
            if self.chance(20) {
                self.trapping();
            } else {
                self.pure();
            }
        }
        let mut torn = self.chance(10);
        if torn {
            self.reservation();
        }
        for _ in 0..self.below(4) {
            torn |= self.changing();
        }
        torn
    }

    /// An operation that changes nothing.
    fn pure(&mut self) {
        let often = [
            Op::Not,
            Op::Select,
            Op::Zext,
            Op::Sext,
            Op::Trunc,
            Op::Add,
            Op::Eq,
            Op::LtU,
        ];
        let op = if self.chance(30) {
            self.one_of(&often)
        } else {
            self.one_of(Op::ALL)
        };
        let ty = self.one_of(&Type::ALL);
        let shape = op.shape();
        let imm = match op {
            Op::Const => {
                self.constant(ty);
                return;
            }
            Op::Pc => {
                let offset = self.below(64);
                self.push(Op::Pc, Type::I64, &[], offset);
                return;
            }
            Op::Get => self.one_of(&SLOTS),
            Op::GetAt => self.group(),
            Op::Extract | Op::Deposit => self.field(ty),
            Op::Zext | Op::Sext | Op::Trunc => {
                self.conversion(op);
                return;
            }
            Op::BSwap | Op::OrBytes if ty == Type::I1 => return,
            Op::FClass if ty < Type::I16 => return,
            _ if matches!(shape.effect, Effect::Pure) => 0,
            _ => return,
        };
        self.with_operands(op, ty, shape.args, imm);
    }

    fn with_operands(&mut self, op: Op, ty: Type, kinds: &[Kind], imm: u64) -> Id {
        let mut args = [NONE; 4];
        for (arg, kind) in args.iter_mut().zip(kinds) {
            *arg = self.value(kind.of(ty).unwrap_or(ty));
        }
        self.push(op, ty, &args[..kinds.len()], imm)
    }

    fn field(&mut self, ty: Type) -> u64 {
        let from = self.below(u64::from(ty.bits()));
        let bits = 1 + self.below(u64::from(ty.bits()) - from);
        from | bits << 8
    }

    fn group(&mut self) -> u64 {
        self.below(4) | 1 << (16 + self.below(3))
    }

    fn conversion(&mut self, op: Op) {
        let narrow = self.below(4) as usize;
        let wide = narrow + 1 + self.below(4 - narrow as u64) as usize;
        let (narrow, wide) = (Type::ALL[narrow], Type::ALL[wide]);
        let (from, to) = if op == Op::Trunc {
            (wide, narrow)
        } else {
            (narrow, wide)
        };
        let value = self.value(from);
        self.push(op, to, &[value], 0);
    }

    fn address(&mut self) -> Id {
        let base = self.value(Type::I64);
        if self.chance(50) {
            let by = self.constant(Type::I64);
            return self.push(Op::Add, Type::I64, &[base, by], 0);
        }
        base
    }

    fn arg(&mut self) -> u64 {
        let offset = self.random.next_u64() as i32 >> self.below(32);
        let order = self.one_of(&[
            Order::Relaxed,
            Order::Acquire,
            Order::Tso,
            Order::Sequential,
        ]);
        let arg = MemArg {
            offset,
            order,
            big_endian: self.chance(20),
        };
        arg.pack()
    }

    /// An operation that may trap and changes no slot.
    fn trapping(&mut self) {
        let ty = self.one_of(&Type::ALL[1..]);
        match self.below(10) {
            0 => {
                let cond = self.value(Type::I1);
                let value = self.value(Type::I64);
                let cause = self.below(32);
                self.push(Op::TrapIf, Type::I64, &[cond, value], cause);
            }
            1 => self.call(&[0, 1, 3]),
            2 => {
                let order = self.below(6);
                self.push(Op::Fence, Type::I64, &[], order);
            }
            _ => {
                let op = self.one_of(Op::ALL);
                let own = matches!(op, Op::LoadRes | Op::StoreCond | Op::Fence);
                if op.effect() != Effect::Memory || own {
                    return;
                }
                let (addr, imm) = (self.address(), self.arg());
                let mut args = [addr, NONE, NONE];
                let kinds = op.shape().args;
                for arg in &mut args[1..kinds.len()] {
                    *arg = self.value(ty);
                }
                self.push(op, ty, &args[..kinds.len()], imm);
            }
        }
    }

    /// Reserves, or stores if the reservation holds.
    fn reservation(&mut self) {
        let ty = self.one_of(&[Type::I32, Type::I64]);
        let (addr, imm) = (self.constant(Type::I64), self.arg());
        if self.chance(50) {
            self.push(Op::LoadRes, ty, &[addr], imm);
        } else {
            let value = self.value(ty);
            self.push(Op::StoreCond, ty, &[addr, value], imm);
        }
    }

    fn call(&mut self, helpers: &[u64]) {
        let helper = self.one_of(helpers);
        let mut args = [NONE; 4];
        let count = self.below(5) as usize;
        for arg in &mut args[..count] {
            *arg = self.value(Type::I64);
        }
        self.push(Op::Call, Type::I64, &args[..count], helper);
    }

    /// Something that may stand behind the last operation that may trap; whether it changes
    /// state.
    fn changing(&mut self) -> bool {
        let ty = self.one_of(&Type::ALL);
        match self.below(12) {
            0 => {
                let index = self.value(Type::I64);
                let value = self.value(ty);
                let group = self.group();
                self.push(Op::SetAt, ty, &[index, value], group);
            }
            1 => self.call(&[2]),
            2 => return self.float(),
            3..5 => {
                self.pure();
                return false;
            }
            _ => {
                let value = self.value(ty);
                let slot = self.one_of(&SLOTS);
                self.push(Op::Set, ty, &[value], slot);
            }
        }
        true
    }

    fn float(&mut self) -> bool {
        let op = self.one_of(Op::ALL);
        let shape = op.shape();
        if shape.effect != Effect::Float {
            return false;
        }
        let floats = [Type::I16, Type::I32, Type::I64];
        let (mut ty, mut from) = (self.one_of(&floats), self.one_of(&floats));
        match op {
            Op::FConvert if from == ty => return false,
            Op::FToS | Op::FToU => ty = self.one_of(&Type::ALL[1..]),
            Op::SToF | Op::UToF => from = self.one_of(&Type::ALL[1..]),
            _ => {}
        }
        let mut args = [NONE; 4];
        for (arg, kind) in args.iter_mut().zip(shape.args) {
            *arg = match kind {
                Kind::Any => self.value(from),
                kind => self.value(kind.of(ty).unwrap_or(ty)),
            };
        }
        self.push(op, ty, &args[..shape.args.len()], 0);
        true
    }

    fn end(&mut self, bytes: i64, torn: bool) -> End {
        match self.below(8) {
            0 => End::Goto(bytes),
            1 => End::Next(bytes),
            2 => End::Leave,
            3 => End::Jump {
                target: self.value(Type::I64),
                hint: self.one_of(&[Hint::Plain, Hint::Call, Hint::Return]),
            },
            4 if !torn => End::Trap {
                cause: self.below(32) as u32,
                value: self.value(Type::I64),
            },
            _ => End::Branch {
                cond: self.value(Type::I1),
                taken: self.below(64) as i64 - 32,
                fall: bytes,
            },
        }
    }
}
