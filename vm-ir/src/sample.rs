//! Random valid blocks and a small world to run them in, for tests of passes and engines.
//!
//! The blocks are made to be simplified: few slots, edge values, operands used again.

use vm_core::{Entropy, RegisterKind, Trap};

use crate::block::{Block, Effect, End, Hint, Id, Inst, MemArg, NONE, Order};
use crate::ops::Kind;
use crate::reference::{Outside, Purpose};
use crate::{Effects, Helper, HelperCx, Layout, Op, SlotId, SlotInfo, Type};

/// A layout with 64 plain slots `s0` to `s63`, then `pc`, `flags` and the reservation.
#[must_use]
pub fn layout() -> Layout {
    let plain = (0..64).map(|i| format!("s{i}"));
    let others = ["pc", "flags", "res_addr", "res_value", "res_bytes"];
    let slot = |name| SlotInfo {
        name,
        kind: RegisterKind::General,
        bits: 64,
    };
    Layout {
        slots: plain.chain(others.map(String::from)).map(slot).collect(),
        pc: SlotId(64),
        fp_flags: SlotId(65),
        reservation: SlotId(66),
    }
}

/// Helpers of all kinds: `sum` touches nothing, `peek` reads slots, `poke` writes them and
/// `refuse` traps if its first word is odd.
pub const HELPERS: &[Helper] = &[
    helper("sum", sum, [false, false, false]),
    helper("peek", peek, [true, false, false]),
    helper("poke", poke, [true, true, false]),
    helper("refuse", refuse, [false, false, true]),
];

type Run = fn(&mut HelperCx, [u64; 4]) -> Result<u64, Trap>;

const fn helper(name: &'static str, run: Run, [reads, writes, traps]: [bool; 3]) -> Helper {
    let effects = Effects {
        reads,
        writes,
        traps,
    };
    Helper { name, run, effects }
}

fn sum(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(0, cx.slots, args)
}

fn peek(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(1, cx.slots, args)
}

fn poke(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(2, cx.slots, args)
}

fn refuse(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    call(3, cx.slots, args)
}

/// What the helpers do.
fn call(helper: u32, slots: &mut [u64], args: [u64; 4]) -> Result<u64, Trap> {
    let [a, b, c, d] = args;
    let slot = (a & 7) as usize;
    match helper {
        1 => Ok(slots[slot]),
        2 => Ok(std::mem::replace(&mut slots[slot], b)),
        3 if a & 1 == 1 => Err(Trap::new(3, a)),
        _ => Ok(a.wrapping_add(b).wrapping_add(c).wrapping_add(d)),
    }
}

/// A page of memory that is everywhere, with holes; it remembers what was done to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// The page.
    pub bytes: Vec<u8>,
    /// One address in so many traps; zero: none does.
    pub holes: u64,
    /// What was written and called: address or helper, value.
    pub log: Vec<(u64, u64)>,
}

/// The size of the page.
const PAGE: u64 = 4096;

impl World {
    /// A page of zeroes.
    #[must_use]
    pub fn new(holes: u64) -> Self {
        Self {
            bytes: vec![0; PAGE as usize],
            holes,
            log: Vec::new(),
        }
    }

    fn places(addr: u64, ty: Type, arg: MemArg) -> impl Iterator<Item = (usize, u64)> {
        let last = ty.bytes() - 1;
        (0..=last).map(move |i| {
            let at = addr.wrapping_add(i) % PAGE;
            let significance = if arg.big_endian { last - i } else { i };
            (at as usize, 8 * significance)
        })
    }
}

impl Outside for World {
    fn load(&mut self, addr: u64, ty: Type, arg: MemArg) -> Result<u64, Trap> {
        self.probe(addr, ty, Purpose::Load)?;
        let places = Self::places(addr, ty, arg);
        Ok(places.fold(0, |value, (at, shift)| {
            value | u64::from(self.bytes[at]) << shift
        }))
    }

    fn store(&mut self, addr: u64, ty: Type, arg: MemArg, value: u64) -> Result<(), Trap> {
        self.probe(addr, ty, Purpose::Store)?;
        for (at, shift) in Self::places(addr, ty, arg) {
            self.bytes[at] = (value >> shift) as u8;
        }
        self.log.push((addr, value));
        Ok(())
    }

    fn probe(&mut self, addr: u64, _: Type, purpose: Purpose) -> Result<u64, Trap> {
        if (addr >> 3).checked_rem(self.holes) == Some(1) {
            return Err(Trap::new(13 + purpose as u32, addr));
        }
        Ok(addr % PAGE)
    }

    fn call(
        &mut self,
        helper: u32,
        slots: &mut [u64],
        pc: u64,
        args: [u64; 4],
    ) -> Result<u64, Trap> {
        self.log.push((u64::from(helper), pc));
        call(helper, slots, args)
    }
}

/// A random valid block of up to `insns` instructions over [`layout`] and [`HELPERS`].
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
