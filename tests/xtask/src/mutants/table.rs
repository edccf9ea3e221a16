//! The wrong meanings: one row of an operation table, an instruction table or the choice of a
//! floating-point function, and what is written in it instead.

/// One wrong meaning.
pub struct Mutant {
    /// The file, from the root.
    pub file: &'static str,
    /// The first word of the row.
    pub row: &'static str,
    /// What stands there.
    pub right: &'static str,
    /// What is put there.
    pub wrong: &'static str,
}

const fn wrong(
    file: &'static str,
    row: &'static str,
    right: &'static str,
    wrong: &'static str,
) -> Mutant {
    Mutant {
        file,
        row,
        right,
        wrong,
    }
}

const OPS: &str = "vm-ir/src/ops.rs";
const FLOAT: &str = "vm-ir/src/float_ops.rs";
const RV_I: &str = "vm-frontend/riscv64/src/isa/rv_i.rs";
const RV_M: &str = "vm-frontend/riscv64/src/isa/rv_m.rs";
const RV_A: &str = "vm-frontend/riscv64/src/isa/rv_a.rs";
const RV_C: &str = "vm-frontend/riscv64/src/isa/rv_c.rs";
const RV_F: &str = "vm-frontend/riscv64/src/isa/rv_f.rs";
const RV_D: &str = "vm-frontend/riscv64/src/isa/rv_d.rs";
const ZFHMIN: &str = "vm-frontend/riscv64/src/isa/rv_zfhmin.rs";
const ZBA: &str = "vm-frontend/riscv64/src/isa/zba.rs";
const ZBB: &str = "vm-frontend/riscv64/src/isa/zbb.rs";
const ZBC: &str = "vm-frontend/riscv64/src/isa/zbc.rs";
const ZBS: &str = "vm-frontend/riscv64/src/isa/zbs.rs";
const ZICOND: &str = "vm-frontend/riscv64/src/isa/zicond.rs";
const ZICSR: &str = "vm-frontend/riscv64/src/isa/zicsr.rs";
const A64_REG: &str = "vm-frontend/arm64/src/isa/registers.rs";
const A64_LOADS: &str = "vm-frontend/arm64/src/isa/loads.rs";
const X86_ARITH: &str = "vm-frontend/x86_64/src/isa/arithmetic.rs";
const X86_BITS: &str = "vm-frontend/x86_64/src/isa/bits.rs";
const X86_SHIFT: &str = "vm-frontend/x86_64/src/isa/shift.rs";

/// All of them; those of one crate stand together, so that little is built between them.
#[rustfmt::skip] // One row a wrong meaning.
pub const MUTANTS: &[Mutant] = &[
    wrong(OPS, "Add",      "a.wrapping_add(b)", "a.wrapping_sub(b)"),
    wrong(OPS, "Sub",      "a.wrapping_sub(b)", "b.wrapping_sub(a)"),
    wrong(OPS, "MulHu",    "(a as u128 * b as u128)", "(n.s(a) as i128 * n.s(b) as i128)"),
    wrong(OPS, "MulHs",    "n.s(b) as i128", "b as i128"),
    wrong(OPS, "MulHsu",   "b as i128", "n.s(b) as i128"),
    wrong(OPS, "DivU",     "u64::MAX", "0"),
    wrong(OPS, "DivS",     "n.s(a).wrapping_div(n.s(b)) as u64", "a / b"),
    wrong(OPS, "RemU",     "None => a", "None => u64::MAX"),
    wrong(OPS, "RemS",     "wrapping_rem(", "wrapping_rem_euclid("),
    wrong(OPS, "DivWideS", "wide_signed(n, a, b)", "(wide(n, a, b) as i128)"),
    wrong(OPS, "AndNot",   "a & !b", "!a & b"),
    wrong(OPS, "Neg",      "a.wrapping_neg()", "!a"),
    wrong(OPS, "ShrU",     "a >> n.amount(b)", "(n.s(a) >> n.amount(b)) as u64"),
    wrong(OPS, "ShrS",     "(n.s(a) >> n.amount(b)) as u64", "a >> n.amount(b)"),
    wrong(OPS, "RotL",     "turn(n, a, n.amount(b))", "turn(n, a, (n.bits - n.amount(b)) & (n.bits - 1))"),
    wrong(OPS, "Clz",      "(a.leading_zeros() - (64 - n.bits))", "a.leading_zeros()"),
    wrong(OPS, "Ctz",      "n.bits as u64", "64"),
    wrong(OPS, "OrBytes",  "or_bytes(a)", "a"),
    wrong(OPS, "ClMulR",   "n.bits - 1", "n.bits"),
    wrong(OPS, "MinS",     "n.s(a) < n.s(b)", "a < b"),
    wrong(OPS, "MaxU",     "a > b", "n.s(a) > n.s(b)"),
    wrong(OPS, "LtU",      "(a < b)", "(a <= b)"),
    wrong(OPS, "GeS",      "n.s(a) >= n.s(b)", "n.s(a) > n.s(b)"),
    wrong(OPS, "Select",   "{ b } else { c }", "{ c } else { b }"),
    wrong(OPS, "Carry",    " + c as u128", ""),
    wrong(OPS, "Borrow",   "(a as u128) < ", "(a as u128) <= "),
    wrong(OPS, "OverAdd",  " + c as i128", ""),
    wrong(OPS, "OverSub",  "- n.s(b) as i128", "+ n.s(b) as i128"),
    wrong(OPS, "Sext",     "n.from.sign_extend(a)", "a"),

    wrong(FLOAT, "Op::FSub",     "fast::sub(", "fast::add("),
    wrong(FLOAT, "Op::FMulAdd",  "rm(d)", "rm(0)"),
    wrong(FLOAT, "Op::FMin",     "float::min(", "float::max("),
    wrong(FLOAT, "Op::FLt",      "float::lt(", "float::le("),
    wrong(FLOAT, "Op::FToU",     "to_int(false)", "to_int(true)"),
    wrong(FLOAT, "Op::UToF",     "false", "true"),

    wrong(X86_ARITH, "row(M::Adc",  "t.flag(CF)", "t.no()"),
    wrong(X86_BITS,  "row(M::Setbe", "C::BE", "C::B"),
    wrong(X86_SHIFT, "open(M::Sar", "Way::RightSigned", "Way::Right"),

    wrong(A64_REG,   "BICS_reg", "andnot(t.shifted(I64, b, h))", "andnot(t.x(b))"),
    wrong(A64_REG,   "CSINC",    "t.x(b) + 1", "t.x(b)"),
    wrong(A64_REG,   "SBCS_w",   "t.sbcs(", "t.adcs("),
    wrong(A64_LOADS, "LDRSH_pre", "Sign64", "Zero"),

    wrong(RV_I, "JALR",   "t.jump(d, a, i)", "t.jump(d, a, 0)"),
    wrong(RV_I, "BGE",    ".ges(", ".geu("),
    wrong(RV_I, "LW",     ".sext(I64)", ".zext(I64)"),
    wrong(RV_I, "SB",     "x_as(I8, b)", "x_as(I16, b)"),
    wrong(RV_I, "SLTIU",  ".ltu(", ".lts("),
    wrong(RV_I, "SRAIW",  "t.w(a).shrs(t.imm_w(i))", "t.w(a) >> i"),
    wrong(RV_I, "SUBW",   "t.w(a) - t.w(b)", "t.w(b) - t.w(a)"),
    wrong(RV_M, "MULHSU", "t.x(a).mulhsu(t.x(b))", "t.x(b).mulhsu(t.x(a))"),
    wrong(RV_M, "REMUW",  ".remu(", ".rems("),
    wrong(RV_A, "SC_D",   "(!t.store_conditional(a, t.x(b), o))", "t.store_conditional(a, t.x(b), o)"),
    wrong(RV_A, "AMOMAX_W", "t.amo(AmoMaxS,", "t.amo(AmoMaxU,"),
    wrong(RV_C, "C_ADDIW", "t.set_w(d, t.w_plus(d, i))", "t.set_x(d, t.x_plus(d, i))"),
    wrong(RV_C, "C_JALR", "t.jump(RA, a, 0)", "t.jump(ZERO, a, 0)"),
    wrong(RV_F, "FMSUB_S", "t.negate(t.f(I32, c))", "t.f(I32, c)"),
    wrong(RV_F, "FMV_X_W", ".sext(I64)", ".zext(I64)"),
    wrong(RV_D, "FSGNJX_D", "Sign::Product", "Sign::Other"),
    wrong(RV_D, "FCVT_WU_D", ".sext(I64)", ".zext(I64)"),
    wrong(ZFHMIN, "FCVT_H_D", "t.convert(FConvert, I16,", "t.convert(FConvert, I32,"),
    wrong(ZBA, "SH2ADD_UW", "t.w(a).zext(I64)", "t.w(a).sext(I64)"),
    wrong(ZBB, "XNOR",    "!(t.x(a) ^ t.x(b))", "t.x(a) ^ t.x(b)"),
    wrong(ZBB, "RORIW",   ".rotr(", ".rotl("),
    wrong(ZBC, "CLMULH",  ".clmulh(", ".clmulr("),
    wrong(ZBS, "BINVI",   "t.x(a) ^ 1 << i", "t.x(a) | 1 << i"),
    wrong(ZICOND, "CZERO_NEZ", ".ne(", ".eq("),
    wrong(ZICSR, "CSRRC", "t.csr_clear(", "t.csr_set("),
];
