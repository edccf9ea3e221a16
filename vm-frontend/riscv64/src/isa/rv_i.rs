//! RV64I: The RISC-V Instruction Set Manual, volume I, "RV64I Base
//! Integer Instruction Set", with the hints of Zihintpause and Zihintntl, which do nothing.

use vm_ir::Hint;
use vm_ir::Type::{I8, I16, I32, I64};

#[rustfmt::skip] // One row an instruction.
vm_ir::rows! {
    "I"
    LUI    "i[31:12] ddddd 0110111"                     "lui {d}, {i:upper}"      |t, d, i| t.set_x(d, t.imm(i));
    AUIPC  "i[31:12] ddddd 0010111"                     "auipc {d}, {i:upper}"    |t, d, i| t.set_x(d, t.pc(i));
    JAL    "i[20|10:1|11|19:12] ddddd 1101111"          "jal {d}, {i:to}"         |t, d, i| { t.link(d); t.goto(i); };
    JALR   "i[11:0] aaaaa 000 ddddd 1100111"            "jalr {d}, {i:s}({a})"    |t, d, a, i| t.jump(d, a, i);

    BEQ    "i[12|10:5] bbbbb aaaaa 000 i[4:1|11] 1100011" "beq {a}, {b}, {i:to}"  |t, a, b, i| t.branch(t.x(a).eq(t.x(b)), i);
    BNE    "i[12|10:5] bbbbb aaaaa 001 i[4:1|11] 1100011" "bne {a}, {b}, {i:to}"  |t, a, b, i| t.branch(t.x(a).ne(t.x(b)), i);
    BLT    "i[12|10:5] bbbbb aaaaa 100 i[4:1|11] 1100011" "blt {a}, {b}, {i:to}"  |t, a, b, i| t.branch(t.x(a).lts(t.x(b)), i);
    BGE    "i[12|10:5] bbbbb aaaaa 101 i[4:1|11] 1100011" "bge {a}, {b}, {i:to}"  |t, a, b, i| t.branch(t.x(a).ges(t.x(b)), i);
    BLTU   "i[12|10:5] bbbbb aaaaa 110 i[4:1|11] 1100011" "bltu {a}, {b}, {i:to}" |t, a, b, i| t.branch(t.x(a).ltu(t.x(b)), i);
    BGEU   "i[12|10:5] bbbbb aaaaa 111 i[4:1|11] 1100011" "bgeu {a}, {b}, {i:to}" |t, a, b, i| t.branch(t.x(a).geu(t.x(b)), i);

    LB     "i[11:0] aaaaa 000 ddddd 0000011"            "lb {d}, {i:s}({a})"      |t, d, a, i| t.set_x(d, t.load(I8, a, i).sext(I64));
    LH     "i[11:0] aaaaa 001 ddddd 0000011"            "lh {d}, {i:s}({a})"      |t, d, a, i| t.set_x(d, t.load(I16, a, i).sext(I64));
    LW     "i[11:0] aaaaa 010 ddddd 0000011"            "lw {d}, {i:s}({a})"      |t, d, a, i| t.set_x(d, t.load(I32, a, i).sext(I64));
    LD     "i[11:0] aaaaa 011 ddddd 0000011"            "ld {d}, {i:s}({a})"      |t, d, a, i| t.set_x(d, t.load(I64, a, i));
    LBU    "i[11:0] aaaaa 100 ddddd 0000011"            "lbu {d}, {i:s}({a})"     |t, d, a, i| t.set_x(d, t.load(I8, a, i).zext(I64));
    LHU    "i[11:0] aaaaa 101 ddddd 0000011"            "lhu {d}, {i:s}({a})"     |t, d, a, i| t.set_x(d, t.load(I16, a, i).zext(I64));
    LWU    "i[11:0] aaaaa 110 ddddd 0000011"            "lwu {d}, {i:s}({a})"     |t, d, a, i| t.set_x(d, t.load(I32, a, i).zext(I64));
    SB     "i[11:5] bbbbb aaaaa 000 i[4:0] 0100011"     "sb {b}, {i:s}({a})"      |t, a, b, i| t.store(a, i, t.x_as(I8, b));
    SH     "i[11:5] bbbbb aaaaa 001 i[4:0] 0100011"     "sh {b}, {i:s}({a})"      |t, a, b, i| t.store(a, i, t.x_as(I16, b));
    SW     "i[11:5] bbbbb aaaaa 010 i[4:0] 0100011"     "sw {b}, {i:s}({a})"      |t, a, b, i| t.store(a, i, t.w(b));
    SD     "i[11:5] bbbbb aaaaa 011 i[4:0] 0100011"     "sd {b}, {i:s}({a})"      |t, a, b, i| t.store(a, i, t.x(b));

    ADDI   "i[11:0] aaaaa 000 ddddd 0010011"            "addi {d}, {a}, {i:s}"    |t, d, a, i| t.set_x(d, t.x_plus(a, i));
    SLTI   "i[11:0] aaaaa 010 ddddd 0010011"            "slti {d}, {a}, {i:s}"    |t, d, a, i| t.set_x(d, t.x(a).lts(t.imm(i)).zext(I64));
    SLTIU  "i[11:0] aaaaa 011 ddddd 0010011"            "sltiu {d}, {a}, {i:s}"   |t, d, a, i| t.set_x(d, t.x(a).ltu(t.imm(i)).zext(I64));
    XORI   "i[11:0] aaaaa 100 ddddd 0010011"            "xori {d}, {a}, {i:s}"    |t, d, a, i| t.set_x(d, t.x(a) ^ i);
    ORI    "i[11:0] aaaaa 110 ddddd 0010011"            "ori {d}, {a}, {i:s}"     |t, d, a, i| t.set_x(d, t.x(a) | i);
    ANDI   "i[11:0] aaaaa 111 ddddd 0010011"            "andi {d}, {a}, {i:s}"    |t, d, a, i| t.set_x(d, t.x(a) & i);
    SLLI   "000000 iiiiii aaaaa 001 ddddd 0010011"      "slli {d}, {a}, {i:sh}"   |t, d, a, i| t.set_x(d, t.x(a) << i);
    SRLI   "000000 iiiiii aaaaa 101 ddddd 0010011"      "srli {d}, {a}, {i:sh}"   |t, d, a, i| t.set_x(d, t.x(a) >> i);
    SRAI   "010000 iiiiii aaaaa 101 ddddd 0010011"      "srai {d}, {a}, {i:sh}"   |t, d, a, i| t.set_x(d, t.x(a).shrs(t.imm(i)));
    ADDIW  "i[11:0] aaaaa 000 ddddd 0011011"            "addiw {d}, {a}, {i:s}"   |t, d, a, i| t.set_w(d, t.w_plus(a, i));
    SLLIW  "0000000 iiiii aaaaa 001 ddddd 0011011"      "slliw {d}, {a}, {i:sh}"  |t, d, a, i| t.set_w(d, t.w(a) << i);
    SRLIW  "0000000 iiiii aaaaa 101 ddddd 0011011"      "srliw {d}, {a}, {i:sh}"  |t, d, a, i| t.set_w(d, t.w(a) >> i);
    SRAIW  "0100000 iiiii aaaaa 101 ddddd 0011011"      "sraiw {d}, {a}, {i:sh}"  |t, d, a, i| t.set_w(d, t.w(a).shrs(t.imm_w(i)));

    ADD    "0000000 bbbbb aaaaa 000 ddddd 0110011"      "add {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) + t.x(b));
    SUB    "0100000 bbbbb aaaaa 000 ddddd 0110011"      "sub {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) - t.x(b));
    SLL    "0000000 bbbbb aaaaa 001 ddddd 0110011"      "sll {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) << t.x(b));
    SLT    "0000000 bbbbb aaaaa 010 ddddd 0110011"      "slt {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).lts(t.x(b)).zext(I64));
    SLTU   "0000000 bbbbb aaaaa 011 ddddd 0110011"      "sltu {d}, {a}, {b}"      |t, d, a, b| t.set_x(d, t.x(a).ltu(t.x(b)).zext(I64));
    XOR    "0000000 bbbbb aaaaa 100 ddddd 0110011"      "xor {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) ^ t.x(b));
    SRL    "0000000 bbbbb aaaaa 101 ddddd 0110011"      "srl {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) >> t.x(b));
    SRA    "0100000 bbbbb aaaaa 101 ddddd 0110011"      "sra {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a).shrs(t.x(b)));
    OR     "0000000 bbbbb aaaaa 110 ddddd 0110011"      "or {d}, {a}, {b}"        |t, d, a, b| t.set_x(d, t.x(a) | t.x(b));
    AND    "0000000 bbbbb aaaaa 111 ddddd 0110011"      "and {d}, {a}, {b}"       |t, d, a, b| t.set_x(d, t.x(a) & t.x(b));
    ADDW   "0000000 bbbbb aaaaa 000 ddddd 0111011"      "addw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a) + t.w(b));
    SUBW   "0100000 bbbbb aaaaa 000 ddddd 0111011"      "subw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a) - t.w(b));
    SLLW   "0000000 bbbbb aaaaa 001 ddddd 0111011"      "sllw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a) << t.w(b));
    SRLW   "0000000 bbbbb aaaaa 101 ddddd 0111011"      "srlw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a) >> t.w(b));
    SRAW   "0100000 bbbbb aaaaa 101 ddddd 0111011"      "sraw {d}, {a}, {b}"      |t, d, a, b| t.set_w(d, t.w(a).shrs(t.w(b)));

    FENCE     "---- pppp ssss ----- 000 ----- 0001111"  "fence {p:fence}, {s:fence}" |t, p, s| t.fence(p, s);
    FENCE_TSO "1000 0011 0011 ----- 000 ----- 0001111"  "fence.tso"               |t| t.fence_tso();
    PAUSE     "0000 0001 0000 00000 000 00000 0001111"  "pause"                   |t| t.nothing();
    ECALL     "000000000000 00000 000 00000 1110011"    "ecall"                   |t| t.environment_call();
    EBREAK    "000000000001 00000 000 00000 1110011"    "ebreak"                  |t| t.breakpoint();
}

/// The link registers, by which calls and returns are told from other jumps (section 2.5.1).
pub(crate) const fn jump_hint(d: u8, a: u8) -> Hint {
    match (d, a) {
        (1 | 5, _) => Hint::Call,
        (_, 1 | 5) => Hint::Return,
        _ => Hint::Plain,
    }
}
