//! Makes a program.

use vm_core::Entropy;
use vm_frontend_arm64::isa::{ROWS, Row, Status};

use super::ELF_MACHINE;
use super::assemble::Code;
use super::rules::{excluded, is_atomic, is_literal, is_memory, is_store_exclusive};
use crate::{Exclusions, Program, Sequence};

const CODE_ADDR: u64 = 0x0100_0000;
const DATA_ADDR: u64 = 0x4000_0000;
/// Registers x0 to x30, the stack pointer, the flags.
const RECORD: usize = 33;
const RECORD_BYTES: u64 = RECORD as u64 * 8;
/// Where accesses go; their bases stand in its middle.
const SCRATCH_BYTES: u64 = 0x2_0000;

/// A program of `count` sequences of `length` random encodings.
#[must_use]
pub fn program(seed: u64, count: usize, length: usize) -> Program {
    let records = count as u64 * RECORD_BYTES;
    let mut maker = Maker {
        code: Code {
            addr: CODE_ADDR,
            bytes: Vec::new(),
        },
        random: Entropy::new(seed),
        scratch: DATA_ADDR + records,
        excluded: Exclusions::new(),
        rows: ROWS
            .iter()
            .filter(|row| row.status == Status::Live)
            .collect(),
    };
    let inputs = maker.scratch + SCRATCH_BYTES;
    // Loads by the program counter may reach this far in both directions.
    maker.code.text("b 0x1000100");
    maker.code.bytes.resize(0x100, 0);
    let mut sequences = Vec::with_capacity(count);
    for number in 0..count as u64 {
        maker.load_registers(inputs + number * RECORD_BYTES);
        let start = maker.code.bytes.len();
        for _ in 0..length {
            maker.step();
        }
        let end = maker.code.bytes.len();
        maker.store_registers(DATA_ADDR + number * RECORD_BYTES);
        sequences.push(Sequence { start, end });
    }
    let length_out = records + SCRATCH_BYTES;
    let call = maker.finish(length_out);
    let mut data = vec![0; records as usize];
    data.resize((records + SCRATCH_BYTES) as usize, 0);
    maker.random.fill(&mut data[records as usize..]);
    for _ in 0..count {
        for _ in 0..RECORD {
            data.extend(maker.value().to_le_bytes());
        }
    }
    let registers = (0..31).map(|i| format!("x{i}"));
    let record = registers.chain(["sp".to_owned(), "nzcv".to_owned()]);
    Program {
        elf_machine: ELF_MACHINE,
        elf_flags: 0,
        code_addr: CODE_ADDR,
        code: maker.code.bytes,
        call,
        data_addr: DATA_ADDR,
        data,
        output: (0, length_out as usize),
        record: record.collect(),
        sequences,
        encodings: (count * length) as u64,
        excluded: maker.excluded,
    }
}

struct Maker {
    code: Code,
    random: Entropy,
    scratch: u64,
    excluded: Exclusions,
    rows: Vec<&'static Row>,
}

impl Maker {
    fn below(&mut self, end: u64) -> u64 {
        self.random.next_u64() % end
    }

    /// A value for a register: often one at the edge of something.
    fn value(&mut self) -> u64 {
        let any = self.random.next_u64();
        match self.below(8) {
            0 => any & 0xff,
            1 => (any & 0xff).wrapping_neg(),
            2 => 1 << (any & 63),
            3 => u64::MAX >> (any & 63),
            4 => any & 0xffff_ffff,
            5 => [0, 1 << 31, 1 << 63, u64::MAX >> 1][(any & 3) as usize],
            _ => any,
        }
    }

    fn load_registers(&mut self, from: u64) {
        self.code.address(0, from);
        for (place, by) in [(32, "msr nzcv, x1"), (32, "msr tpidr_el0, x1")] {
            self.code.text(&format!("ldr x1, [x0, #{}]", place * 8));
            self.code.text(by);
        }
        self.code.text("ldr x1, [x0, #248]");
        self.code.text("add sp, x1, #0");
        for reg in (1..31).rev() {
            self.code.text(&format!("ldr x{reg}, [x0, #{}]", reg * 8));
        }
        self.code.text("ldr x0, [x0]");
    }

    fn store_registers(&mut self, to: u64) {
        self.code.text("msr tpidr_el0, x0");
        self.code.address(0, to);
        for reg in 1..31 {
            self.code.text(&format!("str x{reg}, [x0, #{}]", reg * 8));
        }
        self.code.text("mrs x1, nzcv");
        self.code.text("str x1, [x0, #256]");
        self.code.text("add x1, sp, #0");
        self.code.text("str x1, [x0, #248]");
        self.code.text("mrs x1, tpidr_el0");
        self.code.text("str x1, [x0]");
    }

    /// `write(1, output, length)`, `exit(0)`; the place of the first call.
    fn finish(&mut self, length: u64) -> usize {
        self.code.text("movz x0, #1");
        self.code.address(1, DATA_ADDR);
        self.code.address(2, length);
        self.code.text("movz x8, #64");
        let call = self.code.bytes.len();
        self.code.text("svc #0");
        self.code.text("movz x0, #0");
        self.code.text("movz x8, #93");
        self.code.text("svc #0");
        self.code.bytes.resize(self.code.bytes.len() + 0x100, 0);
        call
    }

    /// One random encoding, and what has to go before it.
    fn step(&mut self) {
        loop {
            let number = self.below(self.rows.len() as u64) as usize;
            let row = self.rows[number];
            let random = self.random.next_u64() as u32;
            let Some(insn) = row.sample(random) else {
                continue;
            };
            if let Some(why) = excluded(row, insn) {
                *self.excluded.entry(why).or_default() += 1;
                continue;
            }
            if is_literal(insn) {
                let near = (self.below(64) as u32).wrapping_sub(32) & 0x7_ffff;
                self.code.word(insn & !(0x7_ffff << 5) | near << 5);
            } else if is_memory(insn) {
                self.access(row, insn);
            } else if insn >> 26 & 7 == 5 {
                self.branch(row, insn);
            } else {
                self.code.word(insn);
            }
            return;
        }
    }

    /// A load or store: its base is set to a place in the middle of the scratch, its index to a
    /// small number.
    fn access(&mut self, row: &Row, insn: u32) {
        let (base, index) = (insn >> 5 & 31, insn >> 16 & 31);
        let unaligned = if is_atomic(insn) { 0 } else { self.below(16) };
        let at = self.scratch + SCRATCH_BYTES / 2 + self.below(64) * 16 + unaligned;
        if base == 31 {
            // Any register but the index will do to set the stack pointer.
            let by = if index == 9 { 10 } else { 9 };
            self.code.address(by, at);
            self.code.text(&format!("add sp, x{by}, #0"));
        } else {
            self.code.address(base, at);
        }
        if row.name.contains("_reg") && index != 31 {
            let small = self.below(0x800);
            let op = if self.below(2) == 0 { "movz" } else { "movn" };
            // A word extended without sign must not be negative.
            let op = if insn >> 13 & 7 == 0b010 { "movz" } else { op };
            self.code.text(&format!("{op} x{index}, #{small}"));
        }
        if is_store_exclusive(row.name) {
            if self.below(4) == 0 {
                self.code.text("clrex #15");
            } else {
                // The load of the same width, into nothing.
                self.code.word(insn & !(31 << 16) | 31 | 31 << 16 | 1 << 22);
            }
        }
        self.code.word(insn);
    }

    /// A branch: wherever it goes, one of two instructions is skipped.
    fn branch(&mut self, row: &Row, insn: u32) {
        let marker = self.below(31);
        match row.name {
            "B" | "BL" => self.code.word(insn & !0x3ff_ffff | 2),
            "BR" | "BLR" | "RET" => {
                let reg = insn >> 5 & 31;
                if reg == 31 {
                    return self.code.text("nop");
                }
                let target = self.code.here() + 12;
                self.code.text(&format!("adr x{reg}, {target:#x}"));
                self.code.word(insn);
            }
            "TBZ" | "TBZ_w" | "TBNZ" | "TBNZ_w" => {
                self.code.word(insn & !(0x3fff << 5) | 2 << 5);
            }
            _ if insn >> 24 & 0xff == 0x54 || insn >> 25 & 63 == 0b01_1010 => {
                self.code.word(insn & !(0x7_ffff << 5) | 2 << 5);
            }
            // Hints, barriers and system registers stand in this group too.
            _ => return self.code.word(insn),
        }
        self.code.text(&format!("movn x{marker}, #4660"));
    }
}
