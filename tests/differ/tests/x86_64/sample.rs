//! Random instructions that have a row, each with a state that it can work on.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use vm_frontend_x86_64::isa::{Row, row_of};

use crate::state::{DATA, DATA_BYTES, INSN, PAGE, Random, State};

/// Rows that a traced process can not show: they are the tracer's own means.
pub const EXCLUDED: [Mnemonic; 2] = [Mnemonic::Int3, Mnemonic::Syscall];

/// Values on which meanings turn.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// An address that nobody has mapped.
const NOWHERE: u64 = 0x0dea_d000;

/// Opcodes of one byte: first and last of each run.
const ONE: [(u8, u8); 37] = [
    (0x00, 0x05),
    (0x08, 0x0d),
    (0x10, 0x15),
    (0x18, 0x1d),
    (0x20, 0x25),
    (0x28, 0x2d),
    (0x30, 0x35),
    (0x38, 0x3d),
    (0x50, 0x5f),
    (0x63, 0x63),
    (0x68, 0x6b),
    (0x70, 0x7f),
    (0x80, 0x81),
    (0x83, 0x8b),
    (0x8d, 0x8d),
    (0x8f, 0x8f),
    (0x90, 0x97),
    (0x98, 0x99),
    (0x9e, 0x9f),
    (0xa0, 0xa3),
    (0xa4, 0xa7),
    (0xa4, 0xa7),
    (0xa8, 0xaf),
    (0xaa, 0xaf),
    (0xb0, 0xbf),
    (0xc0, 0xc3),
    (0xc6, 0xc7),
    (0xc9, 0xc9),
    (0xd0, 0xd3),
    (0xd0, 0xd3),
    (0xe8, 0xe9),
    (0xeb, 0xeb),
    (0xf4, 0xf5),
    (0xf6, 0xf7),
    (0xf6, 0xf7),
    (0xf8, 0xfd),
    (0xfe, 0xff),
];

/// Opcodes behind 0f: first and last of each run.
const TWO: [(u8, u8); 14] = [
    (0x0b, 0x0b),
    (0x1e, 0x1f),
    (0x40, 0x4f),
    (0x80, 0x8f),
    (0x90, 0x9f),
    (0xa3, 0xa5),
    (0xab, 0xad),
    (0xaf, 0xb1),
    (0xb3, 0xb3),
    (0xb6, 0xb8),
    (0xba, 0xbb),
    (0xbc, 0xbf),
    (0xc0, 0xc1),
    (0xc8, 0xcf),
];

/// What random bytes hardly ever are: `endbr64` and `pause`.
const RARE: [&[u8]; 2] = [&[0xf3, 0x0f, 0x1e, 0xfa], &[0xf3, 0x90]];

/// A sample.
pub struct Sample {
    /// The instruction's bytes.
    pub code: Vec<u8>,
    /// The instruction.
    pub insn: Instruction,
    /// Its row.
    pub row: &'static Row,
    /// The state before.
    pub state: State,
}

/// The sample of a seed and a number.
pub fn sample(seed: u64, number: u64) -> Sample {
    let mut random = Random(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    loop {
        let mut code = encoding(&mut random);
        let Some((insn, row)) = accepted(&code) else {
            continue;
        };
        code.truncate(insn.len());
        let mut state = state(&mut random);
        let insn = place(&mut random, &mut code, insn, &mut state);
        prepare(&mut random, &insn, &mut state);
        return Sample {
            code,
            insn,
            row,
            state,
        };
    }
}

/// Bytes that may be an instruction.
fn encoding(random: &mut Random) -> Vec<u8> {
    if random.once_in(500) {
        return random.one_of(&RARE).to_vec();
    }
    let mut code = Vec::with_capacity(32);
    let runs: &[(u8, u8)] = if random.once_in(2) { &ONE } else { &TWO };
    let (first, last) = random.one_of(runs);
    let opcode = first + random.below(u64::from(last - first) + 1) as u8;
    let one_byte = std::ptr::eq(runs, &ONE[..]);
    let string = one_byte && matches!(opcode, 0xa4..=0xa7 | 0xaa..=0xaf);
    for (prefix, in_how_many) in [(0x66, 4), (0x67, 16), (0x64, 24), (0x65, 24), (0xf0, 6)] {
        if random.once_in(in_how_many) {
            code.push(prefix);
        }
    }
    let repeat = random.once_in(if string { 2 } else { 6 });
    if repeat {
        code.push(random.one_of(&[0xf2, 0xf3]));
    }
    if random.once_in(2) {
        code.push(0x40 | random.below(16) as u8);
    }
    if !one_byte {
        code.push(0x0f);
    }
    code.push(opcode);
    for _ in 0..2 {
        code.extend(random.next().to_le_bytes());
    }
    code
}

/// The instruction, if it has a live row and judges do not differ about it.
fn accepted(code: &[u8]) -> Option<(Instruction, &'static Row)> {
    let code = code.get(..15).unwrap_or(code);
    let mut decoder = Decoder::with_ip(64, code, INSN, DecoderOptions::NONE);
    let insn = decoder.decode();
    if insn.is_invalid() {
        return None;
    }
    let row = row_of(&insn).filter(|row| row.meaning.is_some())?;
    // Makers differ about near branches with an operand-size prefix.
    let prefixes = code.iter().take_while(|byte| is_prefix(**byte));
    let narrow = prefixes.clone().any(|byte| *byte == 0x66);
    let branch = insn.flow_control() != iced_x86::FlowControl::Next;
    // With REX.B this is an exchange with R8 for processors, and not for the decoder.
    let rex = insn
        .len()
        .checked_sub(2)
        .and_then(|at| code.get(at))
        .copied()
        .unwrap_or(0);
    let pause = insn.mnemonic() == Mnemonic::Pause && rex & 0xf1 == 0x41;
    let left_open = narrow && branch || pause || is_left_open(&insn);
    (!left_open && !EXCLUDED.contains(&insn.mnemonic())).then_some((insn, row))
}

fn is_prefix(byte: u8) -> bool {
    matches!(
        byte,
        0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3
    )
}

/// Results that the manuals leave open.
fn is_left_open(insn: &Instruction) -> bool {
    match insn.mnemonic() {
        // Of a 16-bit register.
        Mnemonic::Bswap => insn.op0_register().size() == 2,
        // By more than the width.
        Mnemonic::Shld | Mnemonic::Shrd => {
            let narrow = insn.op_register(1).size() == 2;
            let by = insn.try_immediate(2);
            narrow && by.map_or(true, |by| by & 31 > 16)
        }
        // The width of what is read; the result is the same.
        Mnemonic::Movsxd => insn.code() == Code::Movsxd_r16_rm16,
        _ => false,
    }
}

fn value(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.one_of(&EDGES),
        1 => random.next() & 0xff,
        2 => random.next() >> random.below(64),
        _ => random.next(),
    }
}

fn state(random: &mut Random) -> State {
    let mut data = Vec::with_capacity(DATA_BYTES as usize);
    let same = random.once_in(4).then(|| random.next() & 0xff);
    while data.len() < DATA_BYTES as usize {
        let word = same.map_or_else(|| random.next(), |byte| byte * 0x0101_0101_0101_0101);
        data.extend(word.to_le_bytes());
    }
    let mut general = [0; 16];
    for register in &mut general {
        *register = value(random);
    }
    if let (Some(byte), true) = (same, random.once_in(2)) {
        general[0] = byte * 0x0101_0101_0101_0101;
    }
    general[4] = DATA + PAGE / 2 + random.below(PAGE);
    State {
        general,
        rip: INSN,
        flags: random.next() & crate::state::FLAGS,
        bases: [random.below(0x80) * 0x1000, random.below(0x8000)],
        data,
    }
}

/// Where a memory operand is to be.
fn target(random: &mut Random, insn: &Instruction) -> u64 {
    let atomic = insn.has_lock_prefix() || insn.mnemonic() == Mnemonic::Xchg;
    match random.below(64) {
        0 => NOWHERE + random.below(PAGE),
        // Over the end of data, or over a page border; an atomic access may not do that yet.
        1 if !atomic => DATA + DATA_BYTES - 1,
        2..=5 if !atomic => DATA + PAGE - random.below(8),
        _ => DATA + random.below(2) * PAGE + 0x200 + random.below(0xc00),
    }
}

/// Gives the registers of the memory operand values that lead into data; if it has none, its
/// displacement is changed.
fn place(
    random: &mut Random,
    code: &mut [u8],
    insn: Instruction,
    state: &mut State,
) -> Instruction {
    if !(0..insn.op_count()).any(|i| insn.op_kind(i) == OpKind::Memory) {
        return insn;
    }
    let mut wanted = target(random, &insn);
    match insn.memory_segment() {
        Register::FS => wanted -= state.bases[0],
        Register::GS => wanted -= state.bases[1],
        _ => {}
    }
    let (base, index) = (insn.memory_base(), insn.memory_index());
    let number = |register: Register| register.full_register().number();
    let scale = u64::from(insn.memory_index_scale());
    let displacement = insn.memory_displacement64();
    let dirt = |random: &mut Random, register: Register, value: u64| {
        // What stands above a 32-bit address is not part of it.
        if register.size() == 4 {
            value & 0xffff_ffff | random.next() << 32
        } else {
            value
        }
    };
    if base == Register::None || base == Register::RIP || base == Register::EIP {
        let mut rest = wanted;
        if index != Register::None {
            let value = random.below(0x1000);
            state.general[number(index)] = dirt(random, index, value);
            rest = wanted.wrapping_sub(value * scale);
        } else if base != Register::None {
            rest = wanted.wrapping_sub(INSN + insn.len() as u64);
        }
        return displaced(code, insn, rest);
    }
    if index == Register::None {
        let value = wanted.wrapping_sub(displacement);
        state.general[number(base)] = dirt(random, base, value);
    } else if number(index) == number(base) {
        let value = (wanted.wrapping_sub(displacement) as i64).wrapping_div(scale as i64 + 1);
        state.general[number(base)] = dirt(random, base, value as u64);
    } else {
        let value = random.next() >> random.below(64);
        state.general[number(index)] = value;
        let value = wanted
            .wrapping_sub(displacement)
            .wrapping_sub(value.wrapping_mul(scale));
        state.general[number(base)] = dirt(random, base, value);
    }
    insn
}

/// The instruction with another displacement.
fn displaced(code: &mut [u8], insn: Instruction, displacement: u64) -> Instruction {
    let mut decoder = Decoder::with_ip(64, code, INSN, DecoderOptions::NONE);
    let _ = decoder.decode();
    let offsets = decoder.get_constant_offsets(&insn);
    let (at, bytes) = (offsets.displacement_offset(), offsets.displacement_size());
    code[at..at + bytes].copy_from_slice(&displacement.to_le_bytes()[..bytes]);
    Decoder::with_ip(64, code, INSN, DecoderOptions::NONE).decode()
}

/// What single instructions need besides, so that they do more than fault.
fn prepare(random: &mut Random, insn: &Instruction, state: &mut State) {
    let inside = |random: &mut Random| DATA + 0x100 + random.below(DATA_BYTES - 0x200);
    match insn.mnemonic() {
        Mnemonic::Leave => state.general[5] = inside(random),
        Mnemonic::Bt | Mnemonic::Bts | Mnemonic::Btr | Mnemonic::Btc => {
            let memory = insn.op0_kind() == OpKind::Memory;
            if memory && insn.op1_kind() == OpKind::Register {
                let number = insn.op1_register().full_register().number();
                let used = [insn.memory_base(), insn.memory_index()];
                // An address register that also names the bit leads anywhere; let it.
                if used
                    .iter()
                    .all(|r| *r == Register::None || r.full_register().number() != number)
                {
                    let bit = random.below(4000) as i64 - 2000;
                    let bits = insn.op1_register().size() as u32 * 8;
                    let mask = u64::MAX >> (64 - bits);
                    state.general[number] = random.next() & !mask | bit as u64 & mask;
                }
            }
        }
        Mnemonic::Div | Mnemonic::Idiv if random.once_in(2) => {
            // A quotient that fits.
            let small = random.once_in(2);
            let high = if small {
                0
            } else {
                ((state.general[0] as i64) >> 63) as u64
            };
            state.general[2] = high;
            if insn.op0_kind() == OpKind::Register && insn.op0_register().size() == 1 {
                state.general[0] = state.general[0] & 0xff | random.below(4) << 8;
            }
        }
        Mnemonic::Cmpxchg if random.once_in(2) && insn.op0_kind() == OpKind::Register => {
            let number = insn.op0_register().full_register().number();
            state.general[number] = state.general[0] ^ random.below(2) << 63;
        }
        Mnemonic::Jmp | Mnemonic::Call | Mnemonic::Ret => canonical(random, insn, state),
        _ => {}
    }
    let string = (0..insn.op_count()).any(|i| {
        matches!(
            insn.op_kind(i),
            OpKind::MemorySegESI | OpKind::MemorySegRSI | OpKind::MemoryESEDI | OpKind::MemoryESRDI
        )
    });
    if string {
        let base = match insn.memory_segment() {
            Register::FS => state.bases[0],
            Register::GS => state.bases[1],
            _ => 0,
        };
        state.general[1] = random.below(4);
        let source = (0..insn.op_count())
            .any(|i| matches!(insn.op_kind(i), OpKind::MemorySegESI | OpKind::MemorySegRSI));
        state.general[6] = inside(random) - if source { base } else { 0 };
        state.general[7] = inside(random);
    }
}

/// Where an indirect jump leads must be an address that could be one.
fn canonical(random: &mut Random, insn: &Instruction, state: &mut State) {
    let target = random.next() >> 18;
    let place = match (insn.mnemonic(), insn.op0_kind()) {
        (Mnemonic::Ret, _) => state.general[4],
        (_, OpKind::Register) => {
            state.general[insn.op0_register().full_register().number()] = target;
            return;
        }
        (_, OpKind::Memory) => address(insn, state),
        _ => return,
    };
    let offset = place.wrapping_sub(DATA);
    if offset <= DATA_BYTES - 8 {
        let at = offset as usize;
        state.data[at..at + 8].copy_from_slice(&target.to_le_bytes());
    }
}

/// Where the first operand is.
fn address(insn: &Instruction, state: &State) -> u64 {
    let register = |register: Register, _, _| match register {
        Register::FS => Some(state.bases[0]),
        Register::GS => Some(state.bases[1]),
        _ if register.is_gpr() => {
            let mask = u64::MAX >> (64 - 8 * register.size());
            Some(state.general[register.full_register().number()] & mask)
        }
        _ => Some(0),
    };
    insn.virtual_address(0, 0, register).unwrap_or(0)
}
