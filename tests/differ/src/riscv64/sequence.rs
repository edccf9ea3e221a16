//! Random sequences of instructions that run from front to end.

use vm_frontend_riscv64::disassemble;

use super::form::{Around, Form};
use super::program::{SCRATCH, SCRATCH_BYTES};
use super::{encode, values};
use crate::random::Random;

/// A random instruction, with what stands around it so that it does no harm.
#[derive(Clone, Debug)]
pub struct Item {
    /// The name of its row.
    pub name: &'static str,
    /// Behind its last byte.
    pub end: u64,
}

/// The state that a sequence begins with.
#[derive(Clone, Debug)]
pub struct Start {
    /// Integer registers.
    pub x: [u64; 32],
    /// Floating-point registers.
    pub f: [u64; 32],
    /// Rounding mode and flags.
    pub fcsr: u64,
    /// The scratch memory.
    pub scratch: Vec<u64>,
}

/// A sequence and the state that it begins with.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Where it stands.
    pub pc: u64,
    /// The register that nothing in it writes, by which all others are loaded and stored.
    pub kept: u32,
    /// The instructions.
    pub code: Vec<u8>,
    /// Which bytes belong to which instruction.
    pub items: Vec<Item>,
    /// The state.
    pub start: Start,
}

impl Sequence {
    /// A random sequence of `count` instructions at `pc`.
    #[must_use]
    pub fn random(random: &mut Random, forms: &[Form], count: usize, pc: u64) -> Self {
        // The stack pointer and the link register have meanings of their own in compressed
        // instructions, so they are never the register that is kept.
        let kept = 3 + random.below(29) as u32;
        let start = Start {
            x: std::array::from_fn(|_| values::integer(random)),
            f: std::array::from_fn(|_| values::float(random)),
            fcsr: random.below(5) << 5 | random.below(32),
            scratch: (0..SCRATCH_BYTES / 8)
                .map(|_| values::integer(random))
                .collect(),
        };
        let mut sequence = Self {
            pc,
            kept,
            code: Vec::new(),
            items: Vec::new(),
            start,
        };
        while sequence.items.len() < count {
            sequence.add(random, forms);
        }
        sequence
    }

    /// The first `count` instructions.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        let mut short = self.clone();
        short.items.truncate(count);
        let end = short.items.last().map_or(self.pc, |item| item.end);
        short.code.truncate((end - self.pc) as usize);
        short
    }

    /// The text of what stands from one address to another.
    #[must_use]
    pub fn text(&self, from: u64, to: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let mut pc = from;
        while pc < to {
            let code = &self.code[(pc - self.pc) as usize..];
            let shown = disassemble(code, pc);
            let hex: String = code[..shown.bytes]
                .iter()
                .rev()
                .map(|b| format!("{b:02x}"))
                .collect();
            lines.push(format!("{pc:x}  {hex:8}  {}", shown.text));
            pc += shown.bytes as u64;
        }
        lines
    }

    fn here(&self) -> u64 {
        self.pc + self.code.len() as u64
    }

    fn put(&mut self, words: &[u32]) {
        for word in words {
            self.code.extend(word.to_le_bytes());
        }
    }

    fn put_row(&mut self, form: &Form, encoding: u32) {
        self.code
            .extend(&encoding.to_le_bytes()[..form.row.bytes as usize]);
    }

    /// Adds one instruction of any row.
    fn add(&mut self, random: &mut Random, forms: &[Form]) {
        let form = &forms[random.below(forms.len() as u64) as usize];
        let encoding = form.sample(random);
        if form.register('d', encoding) == Some(self.kept) {
            return;
        }
        let done = match form.around {
            Around::Plain => {
                self.put_row(form, encoding);
                true
            }
            Around::Memory => self.memory(random, form, encoding),
            Around::Distance if random.once_in(4) => self.back(random, forms, form, encoding),
            Around::Distance => self.forward(random, forms, form, encoding),
            Around::Jump => self.indirect(random, forms, form, encoding),
            Around::Control => self.control(random, form, encoding),
        };
        if done {
            let end = self.here();
            let name = form.row.name;
            self.items.push(Item { name, end });
        }
    }

    /// The address that a base register must have, and the register; `None` if it can not.
    fn base(&self, form: &Form, encoding: u32) -> Option<u32> {
        let base = form.register('a', encoding).unwrap_or(2);
        (base != 0 && base != self.kept).then_some(base)
    }

    fn memory(&mut self, random: &mut Random, form: &Form, encoding: u32) -> bool {
        let Some(base) = self.base(form, encoding) else {
            return false;
        };
        let align = form.align.max(random.one_of(&[1, 8]));
        let at = SCRATCH + random.below(SCRATCH_BYTES - 8) / align * align;
        let offset = form.immediate(encoding);
        self.put(&encode::address(base, at.wrapping_add_signed(-offset)));
        self.put_row(form, encoding);
        if form.row.name.starts_with("LR_") {
            return self.conditional(random, form, at);
        }
        true
    }

    /// A store-conditional behind a load-reserved, mostly to the same place.
    ///
    /// There always is one, so that no other finds a reservation of another width: the judge then
    /// stores and reports that it did not, which the manual does not permit.
    fn conditional(&mut self, random: &mut Random, reserved: &Form, at: u64) -> bool {
        let funct = if reserved.row.name == "LR_W" { 2 } else { 3 };
        let mut register = |used: &[u32]| loop {
            let number = random.below(32) as u32;
            if !used.contains(&number) {
                break number;
            }
        };
        let (d, a, b) = (
            register(&[self.kept]),
            register(&[self.kept, 0]),
            register(&[]),
        );
        let at = if random.once_in(8) { at ^ 8 } else { at };
        self.put(&encode::address(a, at));
        if random.once_in(4) {
            // A store in between: what it may do to the reservation is a choice of ours, which
            // is the judge's too.
            self.put(&[encode::sd(b, a, 0)]);
        }
        self.put(&[3 << 27 | b << 20 | a << 15 | funct << 12 | d << 7 | 0x2f]);
        true
    }

    /// Up to two instructions that a branch passes over, or not.
    fn filler(&mut self, random: &mut Random, forms: &[Form]) {
        for _ in 0..random.below(3) {
            let form = &forms[random.below(forms.len() as u64) as usize];
            let encoding = form.sample(random);
            let free = form.register('d', encoding) != Some(self.kept);
            if free && form.around == Around::Plain {
                self.put_row(form, encoding);
            }
        }
    }

    fn forward(&mut self, random: &mut Random, forms: &[Form], form: &Form, e: u32) -> bool {
        let at = self.code.len();
        self.put_row(form, e);
        self.filler(random, forms);
        self.patch(form, e, at, self.code.len())
    }

    /// Writes the distance to `to` into the instruction at `at`; takes back everything from there
    /// on if it can not hold it.
    fn patch(&mut self, form: &Form, encoding: u32, at: usize, to: usize) -> bool {
        let Some(e) = form.with('i', to as i64 - at as i64, encoding) else {
            self.code.truncate(at);
            return false;
        };
        let bytes = form.row.bytes as usize;
        self.code[at..at + bytes].copy_from_slice(&e.to_le_bytes()[..bytes]);
        true
    }

    /// A branch that goes back over a filler, once: jump to it, filler, jump behind it, branch.
    fn back(&mut self, random: &mut Random, forms: &[Form], form: &Form, e: u32) -> bool {
        let first = self.code.len();
        self.put(&[0]);
        let target = self.code.len();
        self.filler(random, forms);
        let leave = self.code.len();
        self.put(&[0]);
        let branch = self.code.len();
        self.put_row(form, e);
        if !self.patch(form, e, branch, target) {
            self.code.truncate(first);
            return false;
        }
        let end = self.code.len();
        for (at, to) in [(first, branch), (leave, end)] {
            let jump = encode::jump(to as i64 - at as i64);
            self.code[at..at + 4].copy_from_slice(&jump.to_le_bytes());
        }
        true
    }

    fn indirect(&mut self, random: &mut Random, forms: &[Form], form: &Form, e: u32) -> bool {
        let Some(base) = self.base(form, e) else {
            return false;
        };
        let at = self.code.len();
        self.put(&[0, 0]);
        self.put_row(form, e);
        self.filler(random, forms);
        // The lowest bit of the address is ignored.
        let target = self.here() + random.below(2);
        let value = target.wrapping_add_signed(-form.immediate(e));
        let words = encode::address(base, value);
        self.code[at..at + 4].copy_from_slice(&words[0].to_le_bytes());
        self.code[at + 4..at + 8].copy_from_slice(&words[1].to_le_bytes());
        true
    }

    /// A control register of floating point; behind it the rounding mode is a valid one again.
    fn control(&mut self, random: &mut Random, form: &Form, encoding: u32) -> bool {
        let csr = random.one_of(&[1, 2, 3]);
        let Some(encoding) = form.with('n', csr, encoding) else {
            return false;
        };
        self.put_row(form, encoding);
        let d = random.below(32) as u32;
        let d = if d == self.kept { 0 } else { d };
        self.put(&[encode::write_frm(d, random.below(5) as u32)]);
        true
    }
}
