//! Reads a block from text.

use std::collections::HashMap;

use thiserror::Error;

use super::ORDERS;
use super::line::Line;
use crate::block::{Block, Effect, End, Hint, Id, Inst, MAX_INSTS, MemArg, NONE, Order};
use crate::{Helper, Layout, Op, Type};

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Wrong {
    /// Something else should stand here.
    #[error("expected {wanted}, found `{found}`")]
    Expected {
        /// What should stand here.
        wanted: &'static str,
        /// What does.
        found: String,
    },
    /// There is no such operation.
    #[error("there is no operation `{0}`")]
    Op(String),
    /// There is no such type.
    #[error("there is no type `{0}`")]
    Type(String),
    /// There is no such slot.
    #[error("there is no slot `{0}`")]
    Slot(String),
    /// There is no such helper.
    #[error("there is no helper `{0}`")]
    Helper(String),
    /// A value is used that no earlier line makes.
    #[error("no line above makes `{0}`")]
    Undefined(String),
    /// A value is made twice.
    #[error("`{0}` is made twice")]
    Twice(String),
    /// An operation without a result is given a name, or one with a result is not.
    #[error("`{0}` has another kind of result")]
    Result(&'static str),
    /// The text stops before the block's end.
    #[error("the block has no end")]
    NoEnd,
    /// Something follows the block's end.
    #[error("something follows the end of the block")]
    AfterEnd,
    /// There are too many lines.
    #[error("the block has more than {MAX_INSTS} operations")]
    TooLong,
}

/// A line that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {wrong}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub wrong: Wrong,
}

/// Reads a block; whether it is valid is for [`verify`](crate::verify::verify) to say.
pub fn parse(text: &str, layout: &Layout, helpers: &[Helper]) -> Result<Block, SyntaxError> {
    let mut parser = Parser {
        layout,
        helpers,
        insts: Vec::new(),
        names: HashMap::new(),
    };
    let mut head = None;
    let mut end = None;
    let mut last = 0;
    for (i, line) in text.lines().enumerate() {
        let at = |wrong| SyntaxError { line: i + 1, wrong };
        let mut line = Line::new(line);
        if line.is_empty() {
            continue;
        }
        last = i + 1;
        if head.is_none() {
            head = Some(parse_head(&mut line).map_err(at)?);
        } else if end.is_some() {
            return Err(at(Wrong::AfterEnd));
        } else {
            end = parser.end(line).map_err(at)?;
            if end.is_none() {
                parser.inst(line).map_err(at)?;
            }
        }
    }
    let no_end = || SyntaxError {
        line: last,
        wrong: Wrong::NoEnd,
    };
    let (insns, bytes) = head.ok_or_else(no_end)?;
    Ok(Block {
        end: end.ok_or_else(no_end)?,
        insts: parser.insts,
        insns,
        bytes,
    })
}

fn parse_head(line: &mut Line) -> Result<(u32, u32), Wrong> {
    line.expect("block")?;
    let insns = line.number32()?;
    line.expect("insns")?;
    let bytes = line.number32()?;
    line.expect("bytes")?;
    line.finish()?;
    Ok((insns, bytes))
}

struct Parser<'a> {
    layout: &'a Layout,
    helpers: &'a [Helper],
    insts: Vec<Inst>,
    names: HashMap<String, Id>,
}

impl Parser<'_> {
    fn inst(&mut self, mut line: Line) -> Result<(), Wrong> {
        if self.insts.len() >= MAX_INSTS {
            return Err(Wrong::TooLong);
        }
        let mut first = line.expect_word()?;
        let name = line.takes("=").then_some(first);
        if name.is_some() {
            first = line.expect_word()?;
        }
        let (op, ty) = match first.split_once('.') {
            Some((op, ty)) => (op, Some(named_type(ty)?)),
            None => (first, None),
        };
        let op = Op::named(op).ok_or_else(|| Wrong::Op(op.to_owned()))?;
        if op.has_result() != name.is_some() {
            return Err(Wrong::Result(op.shape().text));
        }
        let mut inst = Inst {
            op,
            ty: ty.unwrap_or(Type::I64),
            args: [NONE; 4],
            imm: 0,
        };
        self.rest(&mut inst, &mut line)?;
        line.finish()?;
        let stored = match op {
            Op::Set => inst.args[0],
            Op::SetAt => inst.args[1],
            _ => NONE,
        };
        if ty.is_none()
            && let Some(stored) = self.insts.get(usize::from(stored))
        {
            inst.ty = stored.value_type();
        }
        if let Some(name) = name {
            let id = self.insts.len() as Id;
            if self.names.insert(name.to_owned(), id).is_some() {
                return Err(Wrong::Twice(name.to_owned()));
            }
        }
        self.insts.push(inst);
        Ok(())
    }

    /// Operands and the fixed part.
    fn rest(&self, inst: &mut Inst, line: &mut Line) -> Result<(), Wrong> {
        match inst.op {
            Op::Const => inst.imm = line.number()?,
            Op::Pc => inst.imm = line.signed()? as u64,
            Op::Insn => {
                let offset = line.signed()?;
                let offset = u32::try_from(offset).map_err(|_| line.wrong("a small offset"))?;
                inst.imm = u64::from(offset) | u64::from(line.number32()?) << 32;
            }
            Op::Extract | Op::Deposit => {
                self.operands(inst, line)?;
                line.expect("bits")?;
                let from = line.number32()? & 0xff;
                line.expect("+")?;
                inst.imm = u64::from(from) | u64::from(line.number32()?) << 8;
            }
            Op::Get => inst.imm = self.slot(line)?,
            Op::Set => {
                inst.imm = self.slot(line)?;
                line.expect(",")?;
                self.operands(inst, line)?;
            }
            Op::GetAt | Op::SetAt => {
                let first = self.slot(line)? & 0xffff;
                line.expect("[")?;
                inst.imm = first | u64::from(line.number32()?) << 16;
                line.expect("]")?;
                line.expect(",")?;
                self.operands(inst, line)?;
            }
            Op::Fence => {
                let order = order(line).ok_or_else(|| line.wrong("an ordering"))?;
                inst.imm = order as u64;
            }
            Op::TrapIf => {
                self.operands(inst, line)?;
                line.expect("cause")?;
                inst.imm = line.number()?;
            }
            Op::Call => {
                inst.imm = self.helper(line)?;
                self.operands(inst, line)?;
            }
            op if op.effect() == Effect::Memory => self.memory(inst, line)?,
            _ => self.operands(inst, line)?,
        }
        Ok(())
    }

    fn value(&self, line: &mut Line) -> Result<Id, Wrong> {
        let word = line.expect_word()?;
        let found = self.names.get(word).copied();
        found.ok_or_else(|| Wrong::Undefined(word.to_owned()))
    }

    fn operands(&self, inst: &mut Inst, line: &mut Line) -> Result<(), Wrong> {
        if line.is_empty() {
            return Ok(());
        }
        for arg in &mut inst.args {
            *arg = self.value(line)?;
            if !line.takes(",") {
                break;
            }
        }
        Ok(())
    }

    fn memory(&self, inst: &mut Inst, line: &mut Line) -> Result<(), Wrong> {
        inst.args[0] = self.value(line)?;
        let mut arg = MemArg::plain(0);
        if line.has_sign() {
            let at = *line;
            let offset = i32::try_from(line.signed()?);
            arg.offset = offset.map_err(|_| at.wrong("a smaller number"))?;
        }
        for other in &mut inst.args[1..] {
            if !line.takes(",") {
                break;
            }
            *other = self.value(line)?;
        }
        arg.order = order(line).unwrap_or(Order::Relaxed);
        arg.big_endian = line.takes("be");
        inst.imm = arg.pack();
        Ok(())
    }

    fn slot(&self, line: &mut Line) -> Result<u64, Wrong> {
        let word = line.expect_word()?;
        let by_name = || self.layout.slots.iter().position(|slot| slot.name == word);
        let found = numbered(word).or_else(|| by_name().map(|slot| slot as u64));
        found.ok_or_else(|| Wrong::Slot(word.to_owned()))
    }

    fn helper(&self, line: &mut Line) -> Result<u64, Wrong> {
        let word = line.expect_word()?;
        let by_name = || self.helpers.iter().position(|helper| helper.name == word);
        let found = numbered(word).or_else(|| by_name().map(|helper| helper as u64));
        found.ok_or_else(|| Wrong::Helper(word.to_owned()))
    }

    /// The block's end, if the line is one.
    fn end(&self, mut line: Line) -> Result<Option<End>, Wrong> {
        let end = match line.word().unwrap_or_default() {
            "goto" => End::Goto(line.signed()?),
            "next" => End::Next(line.signed()?),
            "leave" => End::Leave,
            "branch" => {
                let cond = self.value(&mut line)?;
                let taken = line.signed()?;
                line.expect("else")?;
                let fall = line.signed()?;
                End::Branch { cond, taken, fall }
            }
            "jump" => {
                let target = self.value(&mut line)?;
                let hint = if line.takes("call") {
                    Hint::Call
                } else if line.takes("return") {
                    Hint::Return
                } else {
                    Hint::Plain
                };
                End::Jump { target, hint }
            }
            "trap" => {
                let value = self.value(&mut line)?;
                line.expect("cause")?;
                let cause = line.number32()?;
                End::Trap { cause, value }
            }
            _ => return Ok(None),
        };
        line.finish()?;
        Ok(Some(end))
    }
}

/// `#` and a number.
fn numbered(word: &str) -> Option<u64> {
    word.strip_prefix('#')?.parse().ok()
}

fn named_type(text: &str) -> Result<Type, Wrong> {
    let found = Type::ALL.into_iter().find(|ty| ty.name() == text);
    found.ok_or_else(|| Wrong::Type(text.to_owned()))
}

fn order(line: &mut Line) -> Option<Order> {
    let found = ORDERS.iter().find(|(name, _)| line.takes(name));
    found.map(|(_, order)| *order)
}
