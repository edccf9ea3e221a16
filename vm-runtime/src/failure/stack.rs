//! Who called whom: by frame pointers, or else by whatever on the stack looks like it.

use vm_ir::StackRules;

use super::{Names, Spot};
use crate::Vm;

/// The most calls that are told.
// LIMIT: deeper ones are recursion without an end, or a stack made to look so.
const FRAMES: usize = 48;
/// How many bytes of a stack are searched.
// LIMIT: kernels have stacks of 8 to 32 KiB.
const SCAN: u64 = 16 << 10;
/// The most finds of a search.
const FINDS: usize = 24;

/// How a back trace was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceKind {
    /// By frame pointers: each call was waiting for the one before it.
    Frames,
    /// By searching the stack: some may be left over from calls that have returned.
    Scan,
    /// Not at all: only where the CPU stands is known.
    None,
}

/// Who called whom, the innermost function first.
#[derive(Clone, Debug)]
pub struct BackTrace {
    /// How it was found.
    pub kind: TraceKind,
    /// Where the CPU stands, and where calls return to.
    pub frames: Vec<Spot>,
}

/// A stack that is looked at.
struct Stack<'a> {
    vm: &'a Vm,
    cpu: usize,
    names: &'a Names,
    rules: &'a StackRules,
}

/// The back trace of a CPU.
pub(super) fn back_trace(
    vm: &Vm,
    cpu: usize,
    names: &Names,
    rules: Option<&StackRules>,
) -> BackTrace {
    let here = names.spot(vm.pc(cpu));
    let found = rules.and_then(|rules| {
        let stack = Stack {
            vm,
            cpu,
            names,
            rules,
        };
        let frames = stack.walk();
        if !frames.is_empty() {
            return Some((TraceKind::Frames, frames));
        }
        let finds = stack.scan();
        (!finds.is_empty()).then_some((TraceKind::Scan, finds))
    });
    let (kind, callers) = found.unwrap_or((TraceKind::None, Vec::new()));
    let callers = callers.into_iter().map(|addr| names.return_spot(addr));
    BackTrace {
        kind,
        frames: std::iter::once(here).chain(callers).collect(),
    }
}

impl Stack<'_> {
    /// Addresses that are returned to, by frame pointers.
    fn walk(&self) -> Vec<u64> {
        let mut found = Vec::new();
        let rules = self.rules;
        let Some(mut frame) = self.register(rules.frame) else {
            return found;
        };
        let mut first = true;
        while found.len() < FRAMES {
            let saved = self.word(frame, rules.saved_link);
            let caller = self.word(frame, rules.saved_frame);
            let leaf = rules.leaf_frame.filter(|_| first);
            let (to, up) = match (saved, caller) {
                (Some(to), Some(up)) if self.may_return_to(to) => (to, up),
                _ => match leaf.and_then(|at| self.leaf(frame, at)) {
                    Some(both) => both,
                    None => break,
                },
            };
            found.push(to);
            first = false;
            // A frame that is its own caller never ends.
            if up == frame {
                break;
            }
            frame = up;
        }
        found
    }

    /// A function that calls nobody: its return address is in a register still.
    fn leaf(&self, frame: u64, at: i64) -> Option<(u64, u64)> {
        let link = self.register(self.rules.link?)?;
        let up = self.word(frame, at)?;
        let above = up > frame && up - frame < SCAN;
        (above && self.may_return_to(link)).then_some((link, up))
    }

    /// Whatever lies on the stack and may be returned to.
    fn scan(&self) -> Vec<u64> {
        let mut found = Vec::new();
        let link = self.rules.link.and_then(|link| self.register(link));
        found.extend(link.filter(|link| self.may_return_to(*link)));
        let Some(pointer) = self.register(self.rules.pointer) else {
            return found;
        };
        for at in (0..SCAN).step_by(8) {
            let Some(word) = self.word(pointer & !7, at as i64) else {
                break;
            };
            if found.last() != Some(&word) && self.may_return_to(word) {
                found.push(word);
            }
            if found.len() == FINDS {
                break;
            }
        }
        found
    }

    fn register(&self, name: &str) -> Option<u64> {
        self.vm.register(self.cpu, name)
    }

    /// The word at a distance from an aligned address.
    fn word(&self, addr: u64, distance: i64) -> Option<u64> {
        let mut bytes = [0; 8];
        let at = addr.wrapping_add_signed(distance);
        let whole = at.is_multiple_of(8) && self.vm.read_virtual(self.cpu, at, &mut bytes) == 8;
        whole.then(|| u64::from_le_bytes(bytes))
    }

    /// Whether a call stands in front of an address, in a function if there are names.
    fn may_return_to(&self, addr: u64) -> bool {
        if addr == 0 || self.names.is_known() && self.names.place(addr.wrapping_sub(1)).is_none() {
            return false;
        }
        let mut code = [0; StackRules::CALL_BYTES];
        let bytes = StackRules::CALL_BYTES as u64;
        let from = addr.wrapping_sub(bytes);
        let read = self.vm.read_virtual(self.cpu, from, &mut code);
        read == code.len() && (self.rules.ends_with_call)(&code)
    }
}
