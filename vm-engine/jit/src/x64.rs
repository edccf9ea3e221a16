//! The few x86-64 instructions that `finish` reads and writes.

/// A comparison of a register with memory at the beginning of `code`: the register's number, and
/// how long the instruction is.
pub fn compare_with_memory(code: &[u8]) -> Option<(u8, usize)> {
    let [rex, opcode, modrm, rest @ ..] = code else {
        return None;
    };
    // REX.W, and `cmp r64, r/m64` or `cmp r/m64, r64`.
    if rex & 0xf8 != 0x48 || !matches!(opcode, 0x3b | 0x39) {
        return None;
    }
    let (mode, base) = (modrm >> 6, modrm & 7);
    let (index, base) = match (base, rest) {
        (4, [sib, ..]) => (1, sib & 7),
        (4, []) => return None,
        _ => (0, base),
    };
    let displacement = match mode {
        // Relative to the instruction, or without a base: never how an entry is addressed.
        0 if base == 5 => return None,
        0 => 0,
        1 => 1,
        2 => 4,
        _ => return None,
    };
    let register = modrm >> 3 & 7 | (rex >> 2 & 1) << 3;
    Some((register, 3 + index + displacement))
}

/// A conditional jump with a distance of 32 bits at the beginning of `code`: the distance from
/// behind it.
pub fn jump_if(code: &[u8]) -> Option<i32> {
    match code {
        [0x0f, condition, a, b, c, d, ..] if condition & 0xf0 == 0x80 => {
            Some(i32::from_le_bytes([*a, *b, *c, *d]))
        }
        _ => None,
    }
}

/// How long [`jump_if`] is.
pub const JUMP_IF_BYTES: usize = 6;

/// `push rbp; mov rbp, rsp`
pub const FRAME: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
/// `mov rsp, rbp; pop rbp`
pub const NO_FRAME: [u8; 4] = [0x48, 0x89, 0xec, 0x5d];
/// `nop`
pub const NOP: [u8; 4] = [0x0f, 0x1f, 0x40, 0x00];

/// Whether `code` is one jump to where a register or memory says.
pub fn is_indirect_jump(code: &[u8]) -> bool {
    let code = match code {
        [rex, rest @ ..] if rex & 0xf0 == 0x40 => rest,
        code => code,
    };
    let [0xff, modrm, rest @ ..] = code else {
        return false;
    };
    let (mode, base) = (modrm >> 6, modrm & 7);
    let index = usize::from(mode != 3 && base == 4);
    let displacement = match mode {
        0 if base == 5 => 4,
        0 | 3 => 0,
        1 => 1,
        _ => 4,
    };
    modrm >> 3 & 7 == 4 && rest.len() == index + displacement
}

/// How much more [`take_instead`] finds compared than is to be subtracted: some small numbers are
/// not compared as they stand.
pub const COMPARED: i64 = 16;

/// Where `code` copies the fuel's register, compares the copy with a number and ends with a jump
/// if it is less, or is not, has the number subtracted instead. What else stands there are moves.
pub fn take_instead(code: &mut [u8]) -> Option<()> {
    let [rex, 0x89, modrm, ..] = *code else {
        return None;
    };
    // `mov to, r15`
    if rex & !1 != 0x4c || modrm & !7 != 0xf8 {
        return None;
    }
    let copy = (rex & 1, modrm & 7);
    let (at, number, length) = (3..code.len()).find_map(|at| {
        let (number, length, of) = compare_with_number(&code[at..])?;
        // A copy that has been elsewhere meanwhile may be in another register.
        if at == 3 && of != copy {
            return None;
        }
        let jump = &code[at + length..];
        let less = matches!(jump, [0x0f, 0x8c | 0x8d, ..]) && jump_if(jump).is_some();
        less.then_some((at, number, length))
    })?;
    let number = number.checked_sub(COMPARED as i32).filter(|n| *n >= 0)?;
    let [a, b, c, d] = number.to_le_bytes();
    let long = [0x49, 0x81, 0xef, a, b, c, d];
    if at == 3 || length != 4 {
        // In the longer form it takes the room of both; nobody else wants the copy.
        code.copy_within(3..at, 0);
        code[at - 3..at + 4].copy_from_slice(&long);
        leave_out(&mut code[at + 4..at + length]);
    } else {
        code[..3].copy_from_slice(&[0x0f, 0x1f, 0x00]);
        code[at..at + 4].copy_from_slice(&[0x49, 0x83, 0xef, number as u8]);
    }
    Some(())
}

/// A comparison of a register with a number at the beginning of `code`: the number, how long the
/// instruction is, and the register: whether it is an upper one, and its number.
fn compare_with_number(code: &[u8]) -> Option<(i32, usize, (u8, u8))> {
    match *code {
        [rex @ (0x48 | 0x49), 0x83, modrm @ 0xf8..=0xff, number, ..] => {
            Some((i32::from(number as i8), 4, (rex & 1, modrm & 7)))
        }
        [
            rex @ (0x48 | 0x49),
            0x81,
            modrm @ 0xf8..=0xff,
            a,
            b,
            c,
            d,
            ..,
        ] => {
            let number = i32::from_le_bytes([a, b, c, d]);
            Some((number, 7, (rex & 1, modrm & 7)))
        }
        // `cmp rax, number`
        [0x48, 0x3d, a, b, c, d, ..] => Some((i32::from_le_bytes([a, b, c, d]), 6, (0, 0))),
        _ => None,
    }
}

/// The instructions at the beginning of `code` that save registers on the stack.
pub fn saves(code: &[u8]) -> &[u8] {
    let mut length = 0;
    // `mov [rsp + number], register`
    while let [rex @ (0x48 | 0x4c), 0x89, modrm, 0x24, ..] = code[length..] {
        // Those that functions have to keep: `rbx`, and `r12` to `r15`.
        let keeps = (rex == 0x4c) == (modrm & 0x20 != 0) && (rex == 0x4c || modrm & 0x38 == 0x18);
        length += match modrm & !0x38 {
            _ if !keeps => break,
            0x04 => 4,
            0x44 => 5,
            0x84 => 8,
            _ => break,
        };
    }
    code.get(..length).unwrap_or_default()
}

/// What loads again what [`saves`] has saved.
pub fn loads(saves: &[u8]) -> Vec<u8> {
    let mut loads = saves.to_vec();
    let mut at = 0;
    while let Some([_, opcode, modrm, _]) = loads.get_mut(at..at + 4) {
        *opcode = 0x8b;
        at += match *modrm & !0x38 {
            0x04 => 4,
            0x44 => 5,
            _ => 8,
        };
    }
    loads
}

/// Fills `code` with instructions that do nothing.
pub fn leave_out(code: &mut [u8]) {
    // The longest that every host takes in one step.
    const LONGEST: [u8; 9] = [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
    let some: [&[u8]; 10] = [
        &[],
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &NOP,
        &[0x0f, 0x1f, 0x44, 0, 0],
        &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
        &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
        &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
        &LONGEST,
    ];
    for piece in code.chunks_mut(LONGEST.len()) {
        piece.copy_from_slice(some[piece.len()]);
    }
}

/// Writes instructions.
#[derive(Default)]
pub struct Writer {
    /// What was written.
    pub bytes: Vec<u8>,
}

impl Writer {
    /// Where the next instruction stands.
    pub fn here(&self) -> usize {
        self.bytes.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A distance from behind itself.
    fn distance(&mut self, to: usize) {
        let behind = self.here() as i64 + 4;
        self.put(&((to as i64 - behind) as i32).to_le_bytes());
    }

    /// `sub r15, by`
    pub fn take_fuel(&mut self, by: u8) {
        self.put(&[0x49, 0x83, 0xef, by]);
    }

    /// `add r15, by`
    pub fn give_fuel_back(&mut self, by: u8) {
        self.put(&[0x49, 0x83, 0xc7, by]);
    }

    /// The length of [`Self::enter`].
    pub const ENTRY_BYTES: usize = 10;

    /// `mov edx, number; jmp to`
    pub fn enter(&mut self, number: u32, to: usize) {
        self.put(&[0xba]);
        self.put(&number.to_le_bytes());
        self.jump(to);
    }

    /// `jl to`
    pub fn jump_if_less(&mut self, to: usize) {
        self.put(&[0x0f, 0x8c]);
        self.distance(to);
    }

    /// `jmp to`
    pub fn jump(&mut self, to: usize) {
        self.put(&[0xe9]);
        self.distance(to);
    }

    /// `push [at]`, relative to the instruction
    pub fn push_from(&mut self, at: usize) {
        self.put(&[0xff, 0x35]);
        self.distance(at);
    }

    /// `push number`
    pub fn push(&mut self, number: u32) {
        self.put(&[0x68]);
        self.put(&number.to_le_bytes());
    }

    /// `call [rbp + at]`
    pub fn call_by_frame(&mut self, at: i32) {
        self.put(&[0xff, 0x95]);
        self.put(&at.to_le_bytes());
    }

    /// `jmp [rbp + at]`
    pub fn jump_by_frame(&mut self, at: i32) {
        self.put(&[0xff, 0xa5]);
        self.put(&at.to_le_bytes());
    }

    /// Writes over a distance that stands at `at`.
    pub fn retarget(&mut self, at: usize, to: usize) {
        let distance = (to as i64 - (at as i64 + 4)) as i32;
        self.bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }
}
