//! Encoders for the few instructions that the checks are made of.
//!
//! Formats as in "The RISC-V Instruction Set Manual, Volume I", chapter "RV32/64G Instruction Set
//! Listings".

/// x0.
pub const ZERO: u32 = 0;
/// x1.
pub const RA: u32 = 1;
/// x10.
pub const A0: u32 = 10;
/// x11.
pub const A1: u32 = 11;
/// x12.
pub const A2: u32 = 12;
/// x13.
pub const A3: u32 = 13;

/// `ecall`.
pub const ECALL: u32 = 0x0000_0073;
/// `ebreak`.
pub const EBREAK: u32 = 0x0010_0073;
/// `mret`.
pub const MRET: u32 = 0x3020_0073;
/// `sret`.
pub const SRET: u32 = 0x1020_0073;
/// `wfi`.
pub const WFI: u32 = 0x1050_0073;
/// `sfence.vma x0, x0`.
pub const SFENCE_VMA: u32 = 0x1200_0073;
/// `sfence.w.inval`.
pub const SFENCE_W_INVAL: u32 = 0x1800_0073;
/// `sfence.inval.ir`.
pub const SFENCE_INVAL_IR: u32 = 0x1810_0073;
/// `sinval.vma x0, x0`.
pub const SINVAL_VMA: u32 = 0x1600_0073;
/// `fence.i`.
pub const FENCE_I: u32 = 0x0000_100f;
/// `cbo.inval` of the block at a0.
pub const CBO_INVAL: u32 = cbo(0);
/// `cbo.clean` of the block at a0.
pub const CBO_CLEAN: u32 = cbo(1);
/// `cbo.flush` of the block at a0.
pub const CBO_FLUSH: u32 = cbo(2);
/// `cbo.zero` of the block at a0.
pub const CBO_ZERO: u32 = cbo(4);
/// `nop`.
pub const NOP: u32 = 0x0000_0013;

/// The I format.
const fn i(opcode: u32, funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    (immediate as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

/// A cache-block operation on a0.
const fn cbo(number: i32) -> u32 {
    i(0x0f, 2, 0, A0, number)
}

/// The R format.
const fn r(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

/// `addi`.
pub const fn addi(rd: u32, rs1: u32, immediate: i32) -> u32 {
    i(0x13, 0, rd, rs1, immediate)
}

/// `add`.
pub const fn add(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 0, 0, rd, rs1, rs2)
}

/// `csrrw`.
pub const fn csrrw(rd: u32, csr: u32, rs1: u32) -> u32 {
    csr << 20 | rs1 << 15 | 1 << 12 | rd << 7 | 0x73
}

/// `csrrs`.
pub const fn csrrs(rd: u32, csr: u32, rs1: u32) -> u32 {
    csr << 20 | rs1 << 15 | 2 << 12 | rd << 7 | 0x73
}

/// `csrrc`.
pub const fn csrrc(rd: u32, csr: u32, rs1: u32) -> u32 {
    csr << 20 | rs1 << 15 | 3 << 12 | rd << 7 | 0x73
}

/// A load of `1 << size` bytes, sign extended.
pub const fn load(size: u32, rd: u32, rs1: u32, offset: i32) -> u32 {
    i(0x03, size, rd, rs1, offset)
}

/// A store of `1 << size` bytes.
pub const fn store(size: u32, rs2: u32, rs1: u32, offset: i32) -> u32 {
    let offset = offset as u32;
    (offset >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | size << 12 | (offset & 31) << 7 | 0x23
}

/// `ld`.
pub const fn ld(rd: u32, rs1: u32, offset: i32) -> u32 {
    load(3, rd, rs1, offset)
}

/// `sd`.
pub const fn sd(rs2: u32, rs1: u32, offset: i32) -> u32 {
    store(3, rs2, rs1, offset)
}

/// `jalr`.
pub const fn jalr(rd: u32, rs1: u32, offset: i32) -> u32 {
    i(0x67, 0, rd, rs1, offset)
}

/// `bne` over `offset` bytes.
pub const fn bne(rs1: u32, rs2: u32, offset: i32) -> u32 {
    let offset = offset as u32;
    (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3f) << 25
        | rs2 << 20
        | rs1 << 15
        | 1 << 12
        | (offset >> 1 & 15) << 8
        | (offset >> 11 & 1) << 7
        | 0x63
}

/// `sfence.vma rs1, rs2`.
pub const fn sfence_vma(rs1: u32, rs2: u32) -> u32 {
    r(0x73, 0, 0x09, 0, rs1, rs2)
}

/// An atomic of `1 << size` bytes: `funct5` as in the A chapter.
pub const fn amo(funct5: u32, size: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x2f, size, funct5 << 2, rd, rs1, rs2)
}

/// `lr`.
pub const fn lr(size: u32, rd: u32, rs1: u32) -> u32 {
    amo(0b00010, size, rd, rs1, 0)
}

/// `sc`.
pub const fn sc(size: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    amo(0b00011, size, rd, rs1, rs2)
}

/// `fld`.
pub const fn fld(fd: u32, rs1: u32, offset: i32) -> u32 {
    i(0x07, 3, fd, rs1, offset)
}

/// `fadd.d` with the dynamic rounding mode.
pub const fn fadd_d(fd: u32, fs1: u32, fs2: u32) -> u32 {
    r(0x53, 7, 0x01, fd, fs1, fs2)
}

/// `fdiv.d` with the dynamic rounding mode.
pub const fn fdiv_d(fd: u32, fs1: u32, fs2: u32) -> u32 {
    r(0x53, 7, 0x0d, fd, fs1, fs2)
}

/// `fmv.d.x`.
pub const fn fmv_d_x(fd: u32, rs1: u32) -> u32 {
    r(0x53, 0, 0x79, fd, rs1, 0)
}

/// `fmv.x.d`.
pub const fn fmv_x_d(rd: u32, fs1: u32) -> u32 {
    r(0x53, 0, 0x71, rd, fs1, 0)
}
