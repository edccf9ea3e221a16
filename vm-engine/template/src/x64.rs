//! The assembler: one function for each form of instruction that templates use.

mod jumps;
mod locked;

/// A general register, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reg(pub u8);

/// A scratch register: low halves of products, quotients.
pub const RAX: Reg = Reg(0);
/// A scratch register: shift amounts.
pub const RCX: Reg = Reg(1);
/// A scratch register: high halves of products, remainders.
pub const RDX: Reg = Reg(2);
/// The stack.
pub const RSP: Reg = Reg(4);
/// The CPU's struct.
pub const RBP: Reg = Reg(5);
/// The block's struct.
pub const RSI: Reg = Reg(6);
/// The CPU, as [`vm_engine_interp::native::Places`] has it.
pub const RDI: Reg = Reg(7);
/// The fourth word of a call.
pub const R8: Reg = Reg(8);
/// The fifth word of a call.
pub const R9: Reg = Reg(9);
/// The fuel.
pub const R15: Reg = Reg(15);

/// A place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    /// The register that is its base.
    pub base: Reg,
    /// A register to be added.
    pub index: Option<Reg>,
    /// A number to be added.
    pub disp: i32,
}

/// The place so many bytes behind a register.
pub const fn at(base: Reg, disp: i32) -> Mem {
    Mem {
        base,
        index: None,
        disp,
    }
}

/// A register or a place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rm {
    /// The register.
    Reg(Reg),
    /// The place.
    Mem(Mem),
}

impl From<Reg> for Rm {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for Rm {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

/// How much of a register an instruction works on; what is above 32 bits becomes zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// 32 bits.
    Dword,
    /// 64 bits.
    Qword,
}

/// Arithmetic with two operands, by the number in its encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Alu {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// Shifts and rotations, by the number in their encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// Arithmetic with one operand, by the number in its encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Unary {
    Not = 2,
    Neg = 3,
    /// `rdx:rax` from `rax`.
    Mul = 4,
    /// `rdx:rax` from `rax`, signed.
    Imul = 5,
    /// `rax` and `rdx` from `rdx:rax`.
    Div = 6,
    /// `rax` and `rdx` from `rdx:rax`, signed.
    Idiv = 7,
}

/// Counts of bits, by their opcodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Count {
    Ones = 0xb8,
    Trailing = 0xbc,
    Leading = 0xbd,
}

/// Loads that extend, by their opcodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Extend {
    Zero8 = 0xb6,
    Zero16 = 0xb7,
    Sign8 = 0xbe,
    Sign16 = 0xbf,
}

/// A condition, by the number in its encodings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cond {
    Below = 2,
    AboveEqual = 3,
    Equal = 4,
    NotEqual = 5,
    BelowEqual = 6,
    Above = 7,
    Less = 12,
    GreaterEqual = 13,
    LessEqual = 14,
    Greater = 15,
}

impl Cond {
    /// What holds if it does not.
    pub const fn inverted(self) -> Self {
        match self {
            Self::Below => Self::AboveEqual,
            Self::AboveEqual => Self::Below,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::BelowEqual => Self::Above,
            Self::Above => Self::BelowEqual,
            Self::Less => Self::GreaterEqual,
            Self::GreaterEqual => Self::Less,
            Self::LessEqual => Self::Greater,
            Self::Greater => Self::LessEqual,
        }
    }

    /// The same with the operands in the other order.
    pub const fn swapped(self) -> Self {
        match self {
            Self::Below => Self::Above,
            Self::Above => Self::Below,
            Self::BelowEqual => Self::AboveEqual,
            Self::AboveEqual => Self::BelowEqual,
            Self::Less => Self::Greater,
            Self::Greater => Self::Less,
            Self::LessEqual => Self::GreaterEqual,
            Self::GreaterEqual => Self::LessEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

/// A jump whose end is not known yet: where its distance stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a jump has to end somewhere"]
pub struct Jump(usize);

/// What stands before the byte that names the operands.
#[derive(Clone, Copy)]
struct Form<'a> {
    /// A byte before everything else.
    prefix: Option<u8>,
    wide: bool,
    /// A register operand is a byte, so that its low half may need to be asked for.
    byte: bool,
    opcode: &'a [u8],
}

const fn form(size: Size, opcode: &[u8]) -> Form<'_> {
    Form {
        prefix: None,
        wide: matches!(size, Size::Qword),
        byte: false,
        opcode,
    }
}

/// Writes instructions.
#[derive(Default)]
pub struct Assembler {
    /// What was written.
    pub bytes: Vec<u8>,
}

impl Assembler {
    /// Where the next instruction stands.
    pub fn here(&self) -> usize {
        self.bytes.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// An instruction with a register (or a number in its place) and a register or memory.
    fn insn(&mut self, form: Form, reg: u8, rm: Rm) {
        let mut out = [0; 16];
        let mut len = 0;
        let mut put = |byte| {
            out[len] = byte;
            len += 1;
        };
        if let Some(prefix) = form.prefix {
            put(prefix);
        }
        let (base, index) = match rm {
            Rm::Reg(reg) => (reg.0, 0),
            Rm::Mem(mem) => (mem.base.0, mem.index.map_or(0, |reg| reg.0)),
        };
        let rex = u8::from(form.wide) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
        let low_half = matches!(rm, Rm::Reg(Reg(4..8))) || (4..8).contains(&reg);
        if rex != 0 || (form.byte && low_half) {
            put(0x40 | rex);
        }
        for byte in form.opcode {
            put(*byte);
        }
        let reg = (reg & 7) << 3;
        match rm {
            Rm::Reg(rm) => put(0xc0 | reg | rm.0 & 7),
            Rm::Mem(Mem { base, index, disp }) => {
                let low = base.0 & 7;
                let mode = match disp {
                    0 if low != 5 => 0,
                    -128..=127 => 0x40,
                    _ => 0x80,
                };
                if let Some(index) = index {
                    put(mode | reg | 4);
                    put((index.0 & 7) << 3 | low);
                } else if low == 4 {
                    put(mode | reg | 4);
                    put(0x24);
                } else {
                    put(mode | reg | low);
                }
                let disp = disp.to_le_bytes();
                match mode {
                    0 => {}
                    0x40 => put(disp[0]),
                    _ => disp.into_iter().for_each(put),
                }
            }
        }
        self.bytes.extend_from_slice(&out[..len]);
    }

    /// Arithmetic: `dst = dst op src`.
    pub fn alu(&mut self, op: Alu, size: Size, dst: Reg, src: impl Into<Rm>) {
        self.insn(form(size, &[(op as u8) << 3 | 3]), dst.0, src.into());
    }

    /// Arithmetic with a constant, which is sign-extended.
    pub fn alu_imm(&mut self, op: Alu, size: Size, dst: impl Into<Rm>, imm: i32) {
        if let Ok(short) = i8::try_from(imm) {
            self.insn(form(size, &[0x83]), op as u8, dst.into());
            self.put(&short.to_le_bytes());
        } else {
            self.insn(form(size, &[0x81]), op as u8, dst.into());
            self.put(&imm.to_le_bytes());
        }
    }

    /// Compares the bits that two registers share with zero.
    pub fn test(&mut self, size: Size, a: Reg, b: Reg) {
        self.insn(form(size, &[0x85]), b.0, a.into());
    }

    /// Copies into a register.
    pub fn mov(&mut self, size: Size, dst: Reg, src: impl Into<Rm>) {
        self.insn(form(size, &[0x8b]), dst.0, src.into());
    }

    /// A constant into a register; flags stay as they are.
    pub fn mov_imm(&mut self, dst: Reg, imm: u64) {
        if let Ok(short) = u32::try_from(imm) {
            let rex = dst.0 >> 3;
            if rex != 0 {
                self.put(&[0x41]);
            }
            self.put(&[0xb8 | dst.0 & 7]);
            self.put(&short.to_le_bytes());
        } else if let Ok(short) = i32::try_from(imm as i64) {
            self.insn(form(Size::Qword, &[0xc7]), 0, dst.into());
            self.put(&short.to_le_bytes());
        } else {
            self.put(&[0x48 | dst.0 >> 3, 0xb8 | dst.0 & 7]);
            self.put(&imm.to_le_bytes());
        }
    }

    /// Stores so many bytes of a register.
    pub fn store(&mut self, bytes: u64, dst: Mem, src: Reg) {
        self.insn(store_form(bytes, &[0x88], &[0x89]), src.0, dst.into());
    }

    /// Stores so many bytes of a constant; of eight bytes the upper half is its sign.
    pub fn store_imm(&mut self, bytes: u64, dst: Mem, imm: i32) {
        self.insn(store_form(bytes, &[0xc6], &[0xc7]), 0, dst.into());
        let imm = imm.to_le_bytes();
        self.put(&imm[..bytes.min(4) as usize]);
    }

    /// Loads or copies 8 or 16 bits, extended.
    pub fn extend(&mut self, how: Extend, size: Size, dst: Reg, src: impl Into<Rm>) {
        let byte = matches!(how, Extend::Zero8 | Extend::Sign8);
        let opcode = [0x0f, how as u8];
        let form = Form {
            byte,
            ..form(size, &opcode)
        };
        self.insn(form, dst.0, src.into());
    }

    /// 32 bits with their sign as 64.
    pub fn movsxd(&mut self, dst: Reg, src: impl Into<Rm>) {
        self.insn(form(Size::Qword, &[0x63]), dst.0, src.into());
    }

    /// The address of a place.
    pub fn lea(&mut self, size: Size, dst: Reg, src: Mem) {
        self.insn(form(size, &[0x8d]), dst.0, src.into());
    }

    /// A shift by a constant.
    pub fn shift_imm(&mut self, op: Shift, size: Size, dst: Reg, by: u8) {
        self.insn(form(size, &[0xc1]), op as u8, dst.into());
        self.put(&[by]);
    }

    /// A shift by `cl`.
    pub fn shift(&mut self, op: Shift, size: Size, dst: Reg) {
        self.insn(form(size, &[0xd3]), op as u8, dst.into());
    }

    /// Arithmetic with one operand.
    pub fn unary(&mut self, op: Unary, size: Size, operand: impl Into<Rm>) {
        self.insn(form(size, &[0xf7]), op as u8, operand.into());
    }

    /// The low half of a product.
    pub fn imul(&mut self, size: Size, dst: Reg, src: impl Into<Rm>) {
        self.insn(form(size, &[0x0f, 0xaf]), dst.0, src.into());
    }

    /// The sign of `rax` in all of `rdx`.
    pub fn spread_sign(&mut self, size: Size) {
        match size {
            Size::Dword => self.put(&[0x99]),
            Size::Qword => self.put(&[0x48, 0x99]),
        }
    }

    /// Counts bits.
    pub fn count(&mut self, what: Count, size: Size, dst: Reg, src: Reg) {
        let opcode = [0x0f, what as u8];
        let form = Form {
            prefix: Some(0xf3),
            ..form(size, &opcode)
        };
        self.insn(form, dst.0, src.into());
    }

    /// Turns the order of bytes round.
    pub fn bswap(&mut self, size: Size, reg: Reg) {
        let wide = u8::from(size == Size::Qword) << 3;
        self.put(&[0x40 | wide | reg.0 >> 3, 0x0f, 0xc8 | reg.0 & 7]);
    }

    /// One or zero in the lowest byte.
    pub fn set(&mut self, cond: Cond, dst: Reg) {
        let opcode = [0x0f, 0x90 | cond as u8];
        let form = Form {
            byte: true,
            ..form(Size::Dword, &opcode)
        };
        self.insn(form, 0, dst.into());
    }

    /// Copies if the condition holds.
    pub fn mov_if(&mut self, cond: Cond, size: Size, dst: Reg, src: impl Into<Rm>) {
        self.insn(form(size, &[0x0f, 0x40 | cond as u8]), dst.0, src.into());
    }
}

/// A store of so many bytes.
const fn store_form<'a>(bytes: u64, one: &'a [u8], more: &'a [u8]) -> Form<'a> {
    Form {
        prefix: if bytes == 2 { Some(0x66) } else { None },
        wide: bytes == 8,
        byte: bytes == 1,
        opcode: if bytes == 1 { one } else { more },
    }
}

#[cfg(test)]
mod tests;
