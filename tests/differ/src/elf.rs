//! Static ELF files: a header, program headers, and what they load.

use crate::Program;

const HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;
const PAGE: u64 = 4096;

/// The bytes of an executable file: code that may not be written, data that may.
pub fn write(program: &Program) -> Vec<u8> {
    let code_at = PAGE;
    let data_at = (code_at + program.code.len() as u64).next_multiple_of(PAGE);
    let mut out = Vec::new();
    out.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // An executable for this machine, version 1.
    half(&mut out, 2);
    half(&mut out, program.elf_machine);
    word(&mut out, 1);
    long(&mut out, program.code_addr);
    long(&mut out, HEADER);
    long(&mut out, 0);
    word(&mut out, program.elf_flags);
    half(&mut out, HEADER as u16);
    half(&mut out, PROGRAM_HEADER as u16);
    half(&mut out, 2);
    for _ in 0..3 {
        half(&mut out, 0);
    }
    let code = (5, code_at, program.code_addr, program.code.len() as u64);
    let data = (6, data_at, program.data_addr, program.data.len() as u64);
    for (rights, offset, addr, bytes) in [code, data] {
        word(&mut out, 1);
        word(&mut out, rights);
        for value in [offset, addr, addr, bytes, bytes, PAGE] {
            long(&mut out, value);
        }
    }
    out.resize(code_at as usize, 0);
    out.extend(&program.code);
    out.resize(data_at as usize, 0);
    out.extend(&program.data);
    out
}

fn half(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn long(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}
