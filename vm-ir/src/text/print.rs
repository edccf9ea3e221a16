//! Writes a block as text.

use std::fmt::{self, Display, Formatter, Write};

use super::ORDERS;
use crate::block::{Block, Effect, End, Hint, Inst, MemArg, Order};
use crate::{Helper, Layout, Op};

/// The text form of a block.
#[must_use]
pub fn print(block: &Block, layout: &Layout, helpers: &[Helper]) -> String {
    let printer = Printer {
        block,
        layout,
        helpers,
    };
    printer.to_string()
}

struct Printer<'a> {
    block: &'a Block,
    layout: &'a Layout,
    helpers: &'a [Helper],
}

/// An offset with its sign.
struct Offset(i64);

impl Display for Offset {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(out, "{sign}{:#x}", self.0.unsigned_abs())
    }
}

impl Display for Printer<'_> {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        let Block { insns, bytes, .. } = self.block;
        writeln!(out, "block {insns} insns {bytes} bytes")?;
        for (i, inst) in self.block.insts.iter().enumerate() {
            out.write_str("  ")?;
            if inst.op.has_result() {
                write!(out, "v{i} = ")?;
            }
            self.inst(out, inst)?;
            out.write_char('\n')?;
        }
        self.end(out)
    }
}

impl Printer<'_> {
    fn inst(&self, out: &mut Formatter, inst: &Inst) -> fmt::Result {
        let imm = inst.imm;
        out.write_str(inst.op.shape().text)?;
        if !self.type_is_plain(inst) {
            write!(out, ".{}", inst.ty.name())?;
        }
        match inst.op {
            Op::Const => write!(out, " {imm:#x}"),
            Op::Pc => write!(out, " {}", Offset(imm as i64)),
            Op::Insn => {
                let (offset, bytes) = (imm as u32, imm >> 32);
                write!(out, " {} {bytes}", Offset(i64::from(offset)))
            }
            Op::Extract | Op::Deposit => {
                operands(out, inst, None)?;
                write!(out, " bits {}+{}", imm & 0xff, imm >> 8)
            }
            Op::Get => self.slot(out, imm),
            Op::Set => {
                self.slot(out, imm)?;
                operands(out, inst, Some(", "))
            }
            Op::GetAt | Op::SetAt => {
                self.slot(out, imm & 0xffff)?;
                write!(out, "[{}]", imm >> 16)?;
                operands(out, inst, Some(", "))
            }
            Op::Fence => write!(out, " {}", order(MemArg::unpack(imm << 32).order)),
            Op::TrapIf => {
                operands(out, inst, None)?;
                write!(out, " cause {imm}")
            }
            Op::Call => {
                let helper = usize::try_from(imm).ok();
                match helper.and_then(|helper| self.helpers.get(helper)) {
                    Some(helper) => write!(out, " {}", helper.name)?,
                    None => write!(out, " #{imm}")?,
                }
                operands(out, inst, None)
            }
            op if op.effect() == Effect::Memory => memory(out, inst),
            _ => operands(out, inst, None),
        }
    }

    /// Whether the type goes without saying.
    fn type_is_plain(&self, inst: &Inst) -> bool {
        let operand = match inst.op {
            Op::Insn | Op::Call | Op::TrapIf | Op::SkipIf | Op::Fence => return true,
            Op::Set => inst.args[0],
            Op::SetAt => inst.args[1],
            _ => return false,
        };
        let operand = self.block.insts.get(usize::from(operand));
        operand.is_some_and(|operand| operand.value_type() == inst.ty)
    }

    fn slot(&self, out: &mut Formatter, slot: u64) -> fmt::Result {
        match self.layout.slots.get(slot as usize) {
            Some(info) => write!(out, " {}", info.name),
            None => write!(out, " #{slot}"),
        }
    }

    fn end(&self, out: &mut Formatter) -> fmt::Result {
        match self.block.end {
            End::Goto(to) => writeln!(out, "goto {}", Offset(to)),
            End::Branch { cond, taken, fall } => {
                let (taken, fall) = (Offset(taken), Offset(fall));
                writeln!(out, "branch v{cond} {taken} else {fall}")
            }
            End::Jump { target, hint } => {
                let hint = match hint {
                    Hint::Plain => "",
                    Hint::Call => " call",
                    Hint::Return => " return",
                };
                writeln!(out, "jump v{target}{hint}")
            }
            End::Next(to) => writeln!(out, "next {}", Offset(to)),
            End::Leave => writeln!(out, "leave"),
            End::Trap { cause, value } => writeln!(out, "trap v{value} cause {cause}"),
        }
    }
}

/// The operands; what stands before the first one is a blank if nothing else is said.
fn operands(out: &mut Formatter, inst: &Inst, before: Option<&str>) -> fmt::Result {
    for (i, id) in inst.operands().enumerate() {
        let between = if i == 0 { before.unwrap_or(" ") } else { ", " };
        write!(out, "{between}v{id}")?;
    }
    Ok(())
}

fn memory(out: &mut Formatter, inst: &Inst) -> fmt::Result {
    let arg = MemArg::unpack(inst.imm);
    for (i, id) in inst.operands().enumerate() {
        write!(out, "{}v{id}", if i == 0 { " " } else { ", " })?;
        if i == 0 && arg.offset != 0 {
            write!(out, "{:+}", arg.offset)?;
        }
    }
    if arg.order != Order::Relaxed {
        write!(out, " {}", order(arg.order))?;
    }
    out.write_str(if arg.big_endian { " be" } else { "" })
}

fn order(order: Order) -> &'static str {
    let found = ORDERS.iter().find(|(_, known)| *known == order);
    found.map_or("", |(name, _)| name)
}
