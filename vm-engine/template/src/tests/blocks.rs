//! Random blocks do what they do in the reference run.
//!
//! Their accesses stay on pages that the TLB answers for, so that nothing is left to the
//! interpreter: what is tested is where values are, over many operations.

use vm_core::{Entropy, Exit, PAGE_BYTES};
use vm_ir::reference::{self, Stop};
use vm_ir::sample::guest::{Kind, place};
use vm_ir::sample::{self, HELPERS, Memory, World};
use vm_ir::text::print;
use vm_ir::{Block, Builder, End, Hint, MemArg, Op, Order, SlotId, Type, Val, float};

use super::machine::Machine;

/// The operations that are drawn, with two operands of the type.
const BINARY: [Op; 22] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::MulHu,
    Op::MulHs,
    Op::MulHsu,
    Op::DivU,
    Op::DivS,
    Op::RemU,
    Op::RemS,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::AndNot,
    Op::Shl,
    Op::ShrU,
    Op::ShrS,
    Op::RotL,
    Op::RotR,
    Op::MinU,
    Op::MaxS,
    Op::Add,
];
const COMPARE: [Op; 6] = [Op::Eq, Op::Ne, Op::LtU, Op::LtS, Op::GeU, Op::GeS];
const EXCHANGES: [Op; 9] = [
    Op::AmoSwap,
    Op::AmoAdd,
    Op::AmoAnd,
    Op::AmoOr,
    Op::AmoXor,
    Op::AmoMinS,
    Op::AmoMaxS,
    Op::AmoMinU,
    Op::AmoMaxU,
];
const SLOTS: u64 = 10;

/// Values to draw operands from.
struct Pool<'a> {
    out: &'a Builder,
    random: &'a mut Entropy,
    words: Vec<Val<'a>>,
    halves: Vec<Val<'a>>,
    /// How many more instructions there may be.
    room: u64,
}

impl<'a> Pool<'a> {
    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn slot(&mut self) -> SlotId {
        SlotId(self.below(SLOTS) as u16)
    }

    fn word(&mut self) -> Val<'a> {
        let value = match self.below(8) {
            0 => self
                .out
                .imm(self.random.next_u64() as i64 >> self.below(64)),
            1..4 => {
                let slot = self.slot();
                self.out.get(Type::I64, slot)
            }
            _ if self.words.is_empty() => self.out.imm(3),
            _ => {
                let at = self.below(self.words.len() as u64) as usize;
                return self.words[at];
            }
        };
        self.words.push(value);
        value
    }

    fn half(&mut self) -> Val<'a> {
        let value = match self.below(6) {
            0 => {
                let number = self.random.next_u64() >> self.below(64);
                self.out.constant(Type::I32, number)
            }
            1 => {
                let slot = self.slot();
                self.out.get(Type::I32, slot)
            }
            2..4 => self.word().trunc(Type::I32),
            _ if self.halves.is_empty() => self.word().trunc(Type::I32),
            _ => {
                let at = self.below(self.halves.len() as u64) as usize;
                return self.halves[at];
            }
        };
        self.halves.push(value);
        value
    }

    fn operand(&mut self, ty: Type) -> Val<'a> {
        if ty == Type::I64 {
            self.word()
        } else {
            self.half()
        }
    }

    fn keep(&mut self, value: Val<'a>) {
        match value.ty {
            Type::I64 => self.words.push(value),
            Type::I32 => self.halves.push(value),
            _ => {
                let wide = self.out.push(Op::Zext, Type::I64, &[value.id], 0);
                self.words.push(wide);
            }
        }
    }

    fn calculation(&mut self) {
        let ty = [Type::I64, Type::I64, Type::I32][self.below(3) as usize];
        let (a, b) = (self.operand(ty), self.operand(ty));
        let value = match self.below(12) {
            0 => {
                let op = [Op::Sext, Op::Zext][self.below(2) as usize];
                let low = self.half();
                self.out.push(op, Type::I64, &[low.id], 0)
            }
            1 | 2 => {
                let op = COMPARE[self.below(6) as usize];
                let cond = self.out.push(op, ty, &[a.id, b.id], 0);
                let (yes, no) = (self.operand(ty), self.operand(ty));
                self.out.select(cond, yes, no)
            }
            3 => {
                let op = COMPARE[self.below(6) as usize];
                self.out.push(op, ty, &[a.id, b.id], 0)
            }
            4 => {
                let op = [Op::Not, Op::Neg, Op::Clz, Op::BSwap, Op::OrBytes];
                let op = op[self.below(5) as usize];
                self.out.push(op, ty, &[a.id], 0)
            }
            _ => {
                let op = BINARY[self.below(BINARY.len() as u64) as usize];
                self.out.push(op, ty, &[a.id, b.id], 0)
            }
        };
        self.keep(value);
    }

    /// An address on a page that may be read and written, and a distance inside it.
    fn address(&mut self, aligned: u64) -> (Val<'a>, i32) {
        let page = loop {
            let page = self.below(1 << 20) * PAGE_BYTES;
            if Kind::of(page) == Kind::Plain {
                break page;
            }
        };
        let offset = self.below(PAGE_BYTES - 8) / aligned * aligned;
        let low = self.below(offset + 1) / aligned * aligned;
        let base = self.out.imm((page + low) as i64);
        // Not always a constant to the passes.
        let mask = self.word();
        let zero = self
            .out
            .push(Op::And, Type::I64, &[mask.id, self.out.imm(0).id], 0);
        let base = self.out.push(Op::Add, Type::I64, &[base.id, zero.id], 0);
        (base, (offset - low) as i32)
    }

    fn memory(&mut self) {
        let types = [Type::I8, Type::I16, Type::I32, Type::I64, Type::I64];
        let ty = types[self.below(5) as usize];
        match self.below(10) {
            0 | 1 => {
                let op = EXCHANGES[self.below(9) as usize];
                let ty = [Type::I32, Type::I64][self.below(2) as usize];
                let (addr, offset) = self.address(8);
                let value = self.operand(ty);
                let old = self.out.amo(op, addr, value, MemArg::plain(offset));
                // Often nobody wants to know.
                if self.below(2) == 0 {
                    self.keep(old);
                }
            }
            2 => {
                let (addr, _) = self.address(8);
                let (old, new) = (self.word(), self.word());
                let imm = MemArg::ordered(Order::Acquire).pack();
                let ids = [addr.id, old.id, new.id];
                let found = self.out.push(Op::Cas, Type::I64, &ids, imm);
                self.keep(found);
            }
            3 if self.room > 3 => self.reservation(),
            3..6 => {
                let (addr, offset) = self.address(1);
                let value = self.word();
                let value = if ty == Type::I64 {
                    value
                } else {
                    value.trunc(ty)
                };
                self.out.store(addr, value, MemArg::plain(offset));
            }
            _ => {
                let (addr, offset) = self.address(1);
                let value = self.out.load(ty, addr, MemArg::plain(offset));
                let op = [Op::Sext, Op::Zext][self.below(2) as usize];
                if ty == Type::I64 {
                    self.keep(value);
                } else {
                    let wide = self.out.push(op, Type::I64, &[value.id], 0);
                    self.keep(wide);
                }
            }
        }
    }

    /// A load that reserves and a store that depends on it, mostly at the same place, mostly of
    /// the same length, and sometimes with a store between.
    fn reservation(&mut self) {
        let imm = MemArg::ordered(Order::Sequential).pack();
        let types = [Type::I32, Type::I64];
        let ty = types[self.below(2) as usize];
        let (place, _) = self.address(8);
        let old = self.out.push(Op::LoadRes, ty, &[place.id], imm);
        self.keep(old);
        let other = if self.below(8) == 0 {
            self.address(8).0
        } else {
            place
        };
        if self.below(4) == 0 {
            self.begin_insn(4);
            let value = self.operand(ty);
            self.out.store(other, value, MemArg::plain(0));
        }
        self.begin_insn(4);
        let ty = types[if self.below(8) == 0 {
            self.below(2) as usize
        } else {
            usize::from(ty == Type::I64)
        }];
        let value = self.operand(ty);
        let done = self.out.push(Op::StoreCond, ty, &[other.id, value.id], imm);
        self.keep(done);
        self.begin_insn(4);
        self.out
            .push(Op::Fence, Type::I64, &[], Order::Sequential as u64);
    }

    fn begin_insn(&mut self, bytes: u32) {
        self.room -= 1;
        self.out.begin_insn(bytes);
    }

    fn insn(&mut self) {
        let bytes = 2 + 2 * self.below(2) as u32;
        self.begin_insn(bytes);
        let count = self.below(4);
        for _ in 0..count {
            self.calculation();
        }
        match self.below(10) {
            0 => {
                let args = [self.word(), self.word(), self.word(), self.word()];
                let helper = self.below(3) as u32;
                let result = self.out.call(helper, &args);
                self.keep(result);
            }
            1..6 => self.memory(),
            _ => {}
        }
        for _ in 0..self.below(3) {
            let slot = self.slot();
            let value = if self.below(4) == 0 {
                self.half()
            } else {
                self.word()
            };
            self.out.set(slot, value);
        }
    }
}

fn block(random: &mut Entropy, insns: u64) -> Block {
    let out = Builder::new();
    let mut pool = Pool {
        out: &out,
        random,
        words: Vec::new(),
        halves: Vec::new(),
        room: insns,
    };
    for _ in 0..=pool.below(insns) {
        if pool.room > 0 {
            pool.insn();
        }
    }
    let op = COMPARE[pool.below(6) as usize];
    let end = match pool.below(6) {
        0 => End::Goto(64),
        1 => End::Next(0x12_3456),
        2 => End::Jump {
            target: pool.word().id,
            hint: Hint::Plain,
        },
        3 => End::Goto(0x1_0000),
        _ => {
            let (a, b) = (pool.word(), pool.word());
            let cond = pool.out.push(op, Type::I64, &[a.id, b.id], 0).id;
            let (taken, fall) = (128, 64);
            End::Branch { cond, taken, fall }
        }
    };
    out.end(end);
    out.finish()
}

fn check(seeds: std::ops::Range<u64>, insns: u64) {
    let mut machine = Machine::new();
    let (mut run, mut refused) = (0u64, 0u64);
    for seed in seeds {
        let random = &mut Entropy::new(seed);
        let block = block(random, insns);
        if machine.put(&block).is_none() {
            refused += 1;
            continue;
        }
        let slots = machine.layout.slots.iter();
        let mut slots: Vec<u64> = slots
            .map(|_| random.next_u64() >> (random.next_u64() % 64))
            .collect();
        slots[65] = 0;
        let (mut wanted, mut memory) = (slots.clone(), Memory(World::new(0)));
        memory.0.bytes = machine.data();
        let (layout, pc) = (&machine.layout, place(0));
        let outcome = reference::run(&block, layout, float::RISCV, pc, &mut wanted, &mut memory);
        assert!(!matches!(outcome.stop, Stop::Trap(_)), "seed {seed} traps");
        wanted[64] = outcome.pc;
        let exit = machine.run(&slots, u64::from(block.insns));
        assert_eq!(exit, Exit::Budget, "seed {seed}");
        let found = machine.slots();
        let text = || print(&block, &sample::layout(), HELPERS);
        assert_eq!(found, wanted, "seed {seed}\n{}", text());
        assert!(machine.data() == memory.0.bytes, "seed {seed}\n{}", text());
        run += 1;
    }
    assert!(run > 20 * refused, "{run} blocks, {refused} refused");
}

#[test]
fn short_blocks_agree_with_the_reference() {
    check(0..20_000, 3);
}

#[test]
fn long_blocks_agree_with_the_reference() {
    check(100_000..104_000, 24);
}

#[test]
fn the_longest_blocks_agree_with_the_reference() {
    check(200_000..201_000, 63);
}
