//! Which accesses of a block the TLB's last answer is likely to hold for, and how they are asked
//! about at once.
//!
//! A slot *drifts* in a loop if it is only ever set to sums and parts of slots that drift: what
//! it points to is mostly on the page of the time before. Of an access at a bounded distance
//! from such a slot as the block finds it, the page is known where the block begins: all that
//! are near one another are one [`Check`] there. Of an access at another sum of such slots the
//! page is compared where it is made, with that of the time before. What was loaded drifts
//! nowhere, so a chain of pointers is left to the TLB: comparing would mostly fail, and cost more.

use vm_ir::{Block, Effect, End, Id, Inst, MemArg, Op, Type};

use super::chases::chases;
use super::flow::Slots;
use super::nest::Loops;

/// The most bytes from the first to the last access of a check.
// LIMIT: the more, the more often they lie on two pages, and are asked about one by one.
const REACH: i64 = 256;

/// The most bytes that a bounded index may reach.
// LIMIT: half a page; a table of more is seldom on one.
const TABLE: i64 = 2048;

/// How far the slot of a check with one access moves at most on each turn.
// LIMIT: beginning again takes as long as asking some eight times, and comes after each page.
const LEAP: u64 = 4096 / 8;

/// The most checks of a block.
// LIMIT: each is four instructions where the block begins.
const CHECKS: usize = 6;

/// The most places that remember the page of the time before.
// LIMIT: each is two more values that are alive all through the region.
const SITES: usize = 6;

/// Accesses of a block that lie near one another, from a slot as the block finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    /// The slot, by its number in [`Slots`].
    pub root: usize,
    /// Which answer is asked.
    pub class: usize,
    /// The first byte, from the slot's value.
    pub first: i64,
    /// Behind the last byte.
    pub end: i64,
    store: bool,
    accesses: usize,
}

/// Accesses that are likely to be on one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    slots: usize,
    /// Some store.
    pub store: bool,
    /// The most bytes of a check.
    pub longest: i64,
}

/// How the address of an access is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// The TLB is asked.
    Asked,
    /// The TLB is asked, but what it has to add is guessed meanwhile.
    Guessed,
    /// By a check of the block.
    Checked(usize),
    /// By comparing with the page of the time before at this place.
    Kept(usize),
}

/// What was found out about a region.
#[derive(Default, Debug)]
pub struct Spans {
    /// The answers that are kept.
    pub classes: Vec<Class>,
    /// The checks of each block.
    pub checks: Vec<Vec<Check>>,
    /// How the address of each operation is found.
    pub ways: Vec<Vec<Way>>,
    /// How far the slot of each check is moved on each turn, for blocks that lead to themselves
    /// and move all of them by fixed numbers.
    pub steps: Vec<Option<Vec<i64>>>,
    /// How many places remember a page, and whether they may be stored to.
    pub sites: Vec<bool>,
}

/// What is known of a value.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Form {
    /// It is at most so far from what the block finds in a slot, or from zero.
    pub near: Option<(Option<usize>, i64, i64)>,
    drifts: bool,
}

impl Form {
    fn number(first: i64, last: i64) -> Self {
        Self {
            near: Some((None, first, last)),
            drifts: true,
        }
    }

    /// Its bounds, if it is a number.
    fn bounds(self) -> Option<(i64, i64)> {
        match self.near {
            Some((None, first, last)) => Some((first, last)),
            _ => None,
        }
    }

    fn plus(self, other: Self) -> Option<(Option<usize>, i64, i64)> {
        let ((root, a, b), (None, c, d)) = (self.near?, other.near?) else {
            return None;
        };
        Some((root, a.checked_add(c)?, b.checked_add(d)?))
    }
}

impl Spans {
    /// Of these blocks, whose successors are `next`.
    pub fn of(blocks: &[Block], next: &[Vec<usize>], slots: &Slots) -> Self {
        let loops = Loops::of(next);
        let mut drifts: Vec<Vec<bool>> = Vec::new();
        for (inside, around) in loops.blocks.iter().zip(&loops.around) {
            let mut own = drifting(blocks, inside, slots);
            // Several blocks may turn just a few times, and then begin somewhere else; of one
            // block, what it costs to begin is divided among more.
            if let (Some(around), 2..) = (around, inside.len()) {
                let there: &Vec<bool> = &drifts[*around];
                own.iter_mut()
                    .zip(there)
                    .for_each(|(own, there)| *own &= there);
            }
            drifts.push(own);
        }
        let mut joined: Vec<usize> = (0..slots.numbers.len()).collect();
        let all: Vec<Vec<Form>> = blocks
            .iter()
            .enumerate()
            .map(|(at, block)| {
                let none = vec![false; slots.numbers.len()];
                let drift = loops.of[at].map_or(&none, |number| &drifts[number]);
                forms(block, slots, drift, |slot, form| {
                    if let Some((Some(root), ..)) = form.near {
                        join(&mut joined, slot, root);
                    }
                })
            })
            .collect();
        let mut spans = Self::default();
        for (at, (block, forms)) in blocks.iter().zip(&all).enumerate() {
            let again = next[at].iter().filter(|to| **to == at).count();
            let known = matches!(block.end, End::Goto(_) | End::Branch { .. });
            spans.add(block, forms, slots, (&joined, again == 1 && known));
        }
        for inside in &loops.blocks {
            let ways = &spans.ways;
            let asked = |at: usize, n: usize| ways[at][n] == Way::Asked;
            for (at, n) in chases((blocks, next), slots, inside, asked) {
                spans.ways[at][n] = Way::Guessed;
            }
        }
        spans
    }

    /// Adds a block, which `turns` if it leads to itself.
    fn add(
        &mut self,
        block: &Block,
        forms: &[Form],
        slots: &Slots,
        (joined, turns): (&[usize], bool),
    ) {
        let step = |slot: usize| step(block, forms, slots, slot).filter(|_| turns);
        let (mut checks, mut ways) = checks(block, forms, slots, |_| true);
        let leaps = |check: &Check| step(check.root).is_some_and(|step| leaps(check, step));
        let leaping: Vec<usize> = checks.iter().filter(|c| leaps(c)).map(|c| c.root).collect();
        if !leaping.is_empty() {
            (checks, ways) = self::checks(block, forms, slots, |slot| !leaping.contains(&slot));
        }
        let steps: Option<Vec<i64>> = checks.iter().map(|check| step(check.root)).collect();
        let few = checks.iter().map(|check| check.accesses).sum::<usize>() < 2;
        let short = |check: &Check| check.end - check.first <= 8;
        if few && steps.is_none() && checks.iter().all(short) {
            checks.clear();
        }
        // Where nothing is checked, nothing moves too far.
        let steps = if checks.is_empty() {
            Some(vec![])
        } else {
            steps
        };
        self.steps.push(steps.filter(|_| turns));
        for check in &mut checks {
            check.class = self.class(joined[check.root], *check);
        }
        let mut places: Vec<(Id, i32, usize)> = Vec::new();
        for (n, inst) in block.insts.iter().enumerate() {
            let access = matches!(inst.op, Op::Load | Op::Store);
            let checked = !checks.is_empty() && matches!(ways[n], Way::Checked(_));
            if !access || checked {
                continue;
            }
            let form = forms[usize::from(inst.args[0])];
            let leaps = matches!(form.near, Some((Some(root), ..)) if leaping.contains(&root));
            ways[n] = Way::Asked;
            if form.drifts && !leaps {
                let (base, offset) = (inst.args[0], MemArg::unpack(inst.imm).offset);
                let known = places.iter().find(|(b, o, _)| (*b, *o) == (base, offset));
                let site = match known {
                    Some((.., site)) => *site,
                    None if self.sites.len() < SITES => {
                        self.sites.push(false);
                        places.push((base, offset, self.sites.len() - 1));
                        self.sites.len() - 1
                    }
                    None => continue,
                };
                self.sites[site] |= inst.op == Op::Store;
                ways[n] = Way::Kept(site);
            }
        }
        self.checks.push(checks);
        self.ways.push(ways);
    }

    /// Whether some access guesses.
    pub fn guess(&self) -> bool {
        self.ways.iter().flatten().any(|way| *way == Way::Guessed)
    }

    fn class(&mut self, slots: usize, check: Check) -> usize {
        let same = |class: &Class| (class.slots, class.store) == (slots, check.store);
        let at = self.classes.iter().position(same).unwrap_or_else(|| {
            self.classes.push(Class {
                slots,
                store: check.store,
                longest: 0,
            });
            self.classes.len() - 1
        });
        let class = &mut self.classes[at];
        class.longest = class.longest.max(check.end - check.first);
        at
    }
}

/// The checks of a block from slots at which `wanted` says so, and how the address of each of its
/// operations is found with them.
fn checks(
    block: &Block,
    forms: &[Form],
    slots: &Slots,
    wanted: impl Fn(usize) -> bool,
) -> (Vec<Check>, Vec<Way>) {
    let mut checks: Vec<Check> = Vec::new();
    let mut ways = vec![Way::Asked; block.insts.len()];
    for (n, inst) in block.insts.iter().enumerate() {
        if !matches!(inst.op, Op::Load | Op::Store) {
            continue;
        }
        let form = forms[usize::from(inst.args[0])];
        let span = span(inst, form, slots).filter(|span| wanted(span.root));
        if let Some(at) = span.and_then(|span| put(&mut checks, span)) {
            ways[n] = Way::Checked(at);
        }
    }
    (checks, ways)
}

/// Whether a check whose slot is moved by so much on each turn holds for so few turns that asking
/// for each access costs less than beginning again.
fn leaps(check: &Check, step: i64) -> bool {
    step.unsigned_abs() > LEAP * check.accesses as u64
}

/// How far a block moves a slot, if by a fixed number.
fn step(block: &Block, forms: &[Form], slots: &Slots, slot: usize) -> Option<i64> {
    let sets = |inst: &&Inst| inst.op == Op::Set && slots.index(inst.imm) == Some(slot);
    let Some(last) = block.insts.iter().rev().find(sets) else {
        return Some(0);
    };
    match forms[usize::from(last.args[0])].near {
        Some((Some(root), by, same)) if root == slot && by == same => Some(by),
        _ => None,
    }
}

/// The bytes that an access may touch, if they are near a slot that drifts.
fn span(inst: &Inst, form: Form, slots: &Slots) -> Option<Check> {
    let (Some(root), first, last) = form.near? else {
        return None;
    };
    let offset = i64::from(MemArg::unpack(inst.imm).offset);
    let (first, last) = (first.checked_add(offset)?, last.checked_add(offset)?);
    let end = last.checked_add(inst.ty.bytes() as i64)?;
    let near = i32::try_from(first).is_ok() && end - first <= TABLE;
    let integer = slots.types[root].is_int();
    (form.drifts && near && integer).then_some(Check {
        root,
        class: 0,
        first,
        end,
        store: inst.op == Op::Store,
        accesses: 1,
    })
}

/// Puts an access to one of the checks; which it is, if there is room.
fn put(checks: &mut Vec<Check>, new: Check) -> Option<usize> {
    let both = |check: &Check| (check.first.min(new.first), check.end.max(new.end));
    let fits = |check: &Check| {
        let (first, end) = both(check);
        let own = (check.end - check.first).max(new.end - new.first);
        check.root == new.root && end - first <= own.max(REACH)
    };
    if let Some(at) = checks.iter().position(fits) {
        let check = &mut checks[at];
        (check.first, check.end) = both(check);
        check.store |= new.store;
        check.accesses += 1;
        return Some(at);
    }
    (checks.len() < CHECKS).then(|| {
        checks.push(new);
        checks.len() - 1
    })
}

fn join(joined: &mut [usize], a: usize, b: usize) {
    let (from, to) = (joined[a], joined[b]);
    for slot in joined.iter_mut().filter(|slot| **slot == from) {
        *slot = to;
    }
}

/// The slots that drift in a loop.
fn drifting(blocks: &[Block], inside: &[usize], slots: &Slots) -> Vec<bool> {
    let mut drifts = vec![true; slots.numbers.len()];
    loop {
        let mut changed = false;
        let known = drifts.clone();
        for at in inside {
            forms(&blocks[*at], slots, &known, |slot, form| {
                changed |= drifts[slot] && !form.drifts;
                drifts[slot] &= form.drifts;
            });
        }
        if !changed {
            return drifts;
        }
    }
}

/// What is known of the values of a block; tells of each slot that is set.
pub(super) fn forms(
    block: &Block,
    slots: &Slots,
    drifts: &[bool],
    mut set: impl FnMut(usize, Form),
) -> Vec<Form> {
    let mut now: Vec<Form> = (0..slots.numbers.len())
        .map(|slot| Form {
            near: Some((Some(slot), 0, 0)),
            drifts: drifts[slot],
        })
        .collect();
    let mut forms = Vec::with_capacity(block.insts.len());
    for inst in &block.insts {
        let form = match (inst.op, slots.index(inst.imm)) {
            (Op::Get, Some(slot)) if inst.ty == Type::I64 => now[slot],
            (Op::Get, Some(slot)) => Form {
                near: None,
                drifts: now[slot].drifts,
            },
            (Op::Set, Some(slot)) => {
                let form = forms[usize::from(inst.args[0])];
                now[slot] = form;
                set(slot, form);
                Form::default()
            }
            _ if inst.op.effect() == Effect::Pure => pure(block, inst, &forms),
            _ => Form::default(),
        };
        forms.push(form);
    }
    forms
}

/// What is known of the value of a pure operation.
fn pure(block: &Block, inst: &Inst, forms: &[Form]) -> Form {
    let of = |id: Id| forms.get(usize::from(id)).copied().unwrap_or_default();
    let [a, b, c, _] = inst.args.map(of);
    let wide = inst.ty == Type::I64;
    let from = block.insts.get(usize::from(inst.args[0]));
    let from = from.map_or(inst.ty, Inst::value_type);
    let both = a.drifts && b.drifts;
    let known = |near, drifts| Form { near, drifts };
    let bounds = match (inst.op, a.bounds(), b.bounds()) {
        (Op::Const, ..) if wide => return Form::number(inst.imm as i64, inst.imm as i64),
        (Op::Const, ..) => {
            let number = (inst.imm & inst.ty.mask()) as i64;
            return Form::number(number, number);
        }
        (Op::Add, ..) if wide => {
            let near = a.plus(b).or_else(|| b.plus(a));
            return known(near, both || small(near));
        }
        (Op::Sub, _, Some((first, last))) if wide => {
            let negated = last.checked_neg().zip(first.checked_neg());
            let negated = negated.map(|(first, last)| (None, first, last));
            return known(a.plus(known(negated, true)), both);
        }
        (Op::And, Some((0.., most)), _) | (Op::And, _, Some((0.., most))) => Some((0, most)),
        (Op::Shl, Some((0.., most)), Some((by @ 0..32, same))) if by == same && most < 4096 => {
            Some((0, most << by))
        }
        (Op::Zext | Op::Trunc, Some((0.., most)), _) if most < 128 => Some((0, most)),
        (Op::Zext | Op::Sext, Some((0.., most)), _) if most < 4096 && from > Type::I8 => {
            Some((0, most))
        }
        (Op::Zext, ..) if from <= Type::I8 => Some((0, from.mask() as i64)),
        (Op::Extract, ..) if inst.imm >> 8 < 12 => Some((0, (1 << (inst.imm >> 8)) - 1)),
        _ => None,
    };
    let near = bounds
        .filter(|(_, most)| *most as u64 <= inst.ty.mask() >> 1)
        .map(|(first, most)| (None, first, most));
    let drifts = match inst.op {
        Op::Add | Op::Sub | Op::Shl | Op::ShrU | Op::ShrS | Op::And => both,
        Op::MinS | Op::MinU | Op::MaxS | Op::MaxU => both,
        Op::Zext | Op::Sext | Op::Trunc | Op::Extract => a.drifts,
        Op::Select => b.drifts && c.drifts,
        Op::Const | Op::Pc => true,
        _ => false,
    };
    known(near, drifts || small(near))
}

/// Whether it is a number that reaches no further than a table.
fn small(near: Option<(Option<usize>, i64, i64)>) -> bool {
    matches!(near, Some((None, first, last)) if last - first <= TABLE)
}
