//! The boot ROM: the first instructions of a RISC-V hart, and what they hand on.
//!
//! A hart comes out of reset here, in M-mode; the few instructions load what firmware expects
//! (`a0` the hart, `a1` the device tree, `a2` the information for OpenSBI's `fw_dynamic`) and
//! jump.
//! Layout of the information: OpenSBI, "OpenSBI Firmware with Dynamic Information".

/// Where the boot ROM stands.
pub const ROM_BASE: u64 = 0x1000;
/// How long it is.
pub const ROM_BYTES: u64 = 0xf000;

/// The name of the information, in its first word.
const INFO_MAGIC: u64 = 0x4942_534f;
const INFO_VERSION: u64 = 2;
/// The mode in which the next stage is entered: S-mode.
const NEXT_MODE_S: u64 = 1;

/// Distances from the first instruction.
const START: u32 = 0x20;
const FDT: u32 = 0x28;
const INFO: u32 = 0x30;

const A0: u32 = 10;
const A1: u32 = 11;
const A2: u32 = 12;
const T0: u32 = 5;

/// The content of the boot ROM: jump to `start` with the device tree at `fdt`, and tell a
/// dynamic firmware to go on at `next` (zero: the firmware knows itself).
#[must_use]
pub fn riscv64(start: u64, fdt: u64, next: u64) -> Vec<u8> {
    let code = [
        auipc(T0),
        addi(A2, T0, INFO),
        csrr_mhartid(A0),
        ld(A1, T0, FDT),
        ld(T0, T0, START),
        jr(T0),
        // Never reached; zeroes are illegal instructions.
        0,
        0,
    ];
    let boot_hart = 0;
    let data = [
        start,
        fdt,
        INFO_MAGIC,
        INFO_VERSION,
        next,
        NEXT_MODE_S,
        0,
        boot_hart,
    ];
    let code = code.into_iter().flat_map(u32::to_le_bytes);
    code.chain(data.into_iter().flat_map(u64::to_le_bytes))
        .collect()
}

/// `auipc rd, 0`: the address of this instruction.
const fn auipc(rd: u32) -> u32 {
    rd << 7 | 0x17
}

const fn addi(rd: u32, rs1: u32, imm: u32) -> u32 {
    imm << 20 | rs1 << 15 | rd << 7 | 0x13
}

const fn csrr_mhartid(rd: u32) -> u32 {
    0xf14 << 20 | 2 << 12 | rd << 7 | 0x73
}

const fn ld(rd: u32, rs1: u32, imm: u32) -> u32 {
    imm << 20 | rs1 << 15 | 3 << 12 | rd << 7 | 0x03
}

const fn jr(rs1: u32) -> u32 {
    rs1 << 15 | 0x67
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_are_those_an_assembler_makes() {
        let rom = riscv64(0x8000_0000, 0x87e0_0000, 0x8020_0000);
        let word = |at: usize| u32::from_le_bytes(rom[at..at + 4].try_into().unwrap());
        for (at, bits, text) in [
            (0x00, 0x0000_0297, "auipc t0, 0"),
            (0x04, 0x0302_8613, "addi a2, t0, 48"),
            (0x08, 0xf140_2573, "csrr a0, mhartid"),
            (0x0c, 0x0282_b583, "ld a1, 40(t0)"),
            (0x10, 0x0202_b283, "ld t0, 32(t0)"),
            (0x14, 0x0002_8067, "jr t0"),
        ] {
            assert_eq!(word(at), bits, "{text}");
        }
        let wide = |at: u32| {
            let at = at as usize;
            u64::from_le_bytes(rom[at..at + 8].try_into().unwrap())
        };
        assert_eq!((wide(START), wide(FDT)), (0x8000_0000, 0x87e0_0000));
        let info: Vec<u64> = (0..6).map(|i| wide(INFO + 8 * i)).collect();
        assert_eq!(info, [0x4942_534f, 2, 0x8020_0000, 1, 0, 0]);
    }
}
