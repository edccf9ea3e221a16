//! Flat ops as text.

use vm_ir::{Frontend, Op, Type};

use super::Flattener;
use super::draft::{Draft, Kind};
use crate::control::Control;
use crate::flat::{A, B, C, D, Flat};
use crate::handlers::Arithmetic;
use crate::memory::Memory;
use crate::native::{Line, Whence};
use crate::pairs;

impl Flattener {
    /// The flat ops that were made last, one a line; an op that is run together with the one
    /// behind it, by one handler, ends with a plus.
    pub fn tell(&self, frontend: &dyn Frontend) -> Vec<Line> {
        let layout = &frontend.layout().slots;
        let word = |number: u16| match layout.get(usize::from(number)) {
            Some(slot) => slot.name.to_string(),
            None if number == self.zero => "0".to_owned(),
            None => format!("t{}", number - self.zero),
        };
        // The second op of a pair is not the first of another one.
        let mut second = false;
        let line = |(at, draft): (usize, &Draft)| {
            let next = self.drafts.get(at + 1);
            let pair = next.and_then(|next| pairs::handler(draft.kind, next.kind));
            second = pair.is_some() && !second;
            let plus = if second { " +" } else { "" };
            let insn = self.sites.partition_point(|s| usize::from(s.flat) <= at);
            let insn = insn.checked_sub(1);
            Line {
                whence: insn.map(|insn| Whence { block: 0, insn }),
                text: format!("{}{plus}", text(draft, word)),
            }
        };
        self.drafts.iter().enumerate().map(line).collect()
    }
}

/// The name of an operation in a type.
fn name(op: Op, ty: Type) -> String {
    format!("{}.{}", op.shape().text, ty.name())
}

/// A flat op: what it writes, its name, what it works on.
fn text(draft: &Draft, word: impl Fn(u16) -> String) -> String {
    let [a, b, c] = [A, B, C].map(|which| word(draft.words[which]));
    let imm = draft.imm;
    let number = if imm as i64 >= -4096 && imm as i64 <= 4096 {
        format!("{}", imm as i64)
    } else {
        format!("{imm:#x}")
    };
    let distance = || {
        let by = Flat::distance_of(draft.words);
        let sign = if by < 0 { '-' } else { '+' };
        format!("{sign}{:#x}", by.unsigned_abs())
    };
    let addr = || match imm as i64 {
        0 => format!("[{a}]"),
        offset => format!("[{a}{offset:+}]"),
    };
    let body = match draft.kind {
        Kind::Arithmetic(kind) => arithmetic(kind, [&a, &b, &c], &number),
        Kind::Memory(Memory::Load { ty, sext }) => {
            let sext = if sext { ".sext" } else { "" };
            format!("load.{}{sext} {}", ty.name(), addr())
        }
        Kind::Memory(Memory::Store { ty }) => format!("store.{} {}, {b}", ty.name(), addr()),
        Kind::Memory(Memory::TrapIf) => format!("trapif {a}"),
        Kind::Memory(Memory::SkipIf) => format!("skipif {a}"),
        Kind::Memory(Memory::Special { op, ty } | Memory::Float { op, ty }) => {
            let operands = [&a, &b, &c].map(String::as_str);
            let count = op.shape().args.len().min(operands.len());
            format!("{} {}", name(op, ty), operands[..count].join(", "))
        }
        Kind::Memory(Memory::Call) => format!("call {imm:#x} {a}, {b}, {c}"),
        Kind::Control(Control::Goto) => format!("exit {}", distance()),
        Kind::Control(Control::Branch { op, ty, imm }) => {
            let second = if imm { &number } else { &b };
            format!("branch.{} {a}, {second}", name(op, ty))
        }
        Kind::Control(Control::BranchWord) => format!("branch {a}"),
        Kind::Control(Control::Jump { even }) => {
            let even = if even { ".even" } else { "" };
            format!("jump{even} {a}+{number}")
        }
        Kind::Control(Control::Next) => format!("next {}", distance()),
        Kind::Control(Control::Leave) => "leave".to_owned(),
        Kind::Control(Control::Trap) => format!("trap {a} cause {imm}"),
    };
    if draft.writes() {
        format!("{} = {body}", word(draft.words[D]))
    } else {
        body
    }
}

fn arithmetic(kind: Arithmetic, [a, b, c]: [&str; 3], number: &str) -> String {
    match kind {
        Arithmetic::Binary { op, ty, imm, sext } => {
            let sext = if sext { ".sext" } else { "" };
            let one = op.shape().args.len() == 1;
            match (one, imm) {
                (true, _) => format!("{}{sext} {a}", name(op, ty)),
                (false, true) => format!("{}{sext} {a}, {number}", name(op, ty)),
                (false, false) => format!("{}{sext} {a}, {b}", name(op, ty)),
            }
        }
        Arithmetic::Ternary { op, ty } => format!("{} {a}, {b}, {c}", name(op, ty)),
        Arithmetic::Sext { from, to } => format!("sext.{} {a} from {}", to.name(), from.name()),
        Arithmetic::Mask => format!("mask {a}, {number}"),
        Arithmetic::Const => format!("const {number}"),
        Arithmetic::Pc => format!("pc {number}"),
        Arithmetic::Extract => format!("extract {a}, {number}"),
        Arithmetic::Deposit => format!("deposit {a}, {b}, {number}"),
        Arithmetic::GetAt => format!("getat [{number}], {a}"),
        Arithmetic::SetAt => format!("setat [{number}], {a}, {b}"),
    }
}
