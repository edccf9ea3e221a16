//! Jumps by a register that mostly lead to blocks inside.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, JumpTableData, Value, types};
use vm_ir::Id;

use super::writer::Writer;

/// From how many targets on a table is better than comparisons.
const TABLE: usize = 4;
/// The most entries of a table.
// LIMIT: 4 bytes each; the targets of a switch stand close together.
const ENTRIES: u64 = 1024;

/// Where to go on the way to a block, and its head.
type Way = (ir::Block, ir::Block);

impl Writer<'_, '_, '_> {
    /// Ends the block at hand by a jump to a value.
    pub(super) fn jump_inside(&mut self, target: Id) {
        let target = self.word(target);
        let region = self.region;
        let inside = &region.next[self.at];
        if !inside.is_empty() {
            let first = self.first_page();
            let place = self.cx.builder.ins().isub(target, first);
            let places: Vec<i64> = inside.iter().map(|to| region.places[*to]).collect();
            let out = self.cx.builder.create_block();
            let ways: Vec<_> = inside.iter().map(|to| self.way_to(*to)).collect();
            match Table::of(&places) {
                Some(table) => self.by_table(place, &table, &ways, out),
                None => self.by_comparisons(place, &places, &ways, out),
            }
            for (way, head) in ways {
                self.pave(way, head);
            }
            let builder = &mut *self.cx.builder;
            builder.seal_block(out);
            builder.set_cold_block(out);
            builder.switch_to_block(out);
        }
        self.write_back();
        self.jump(target);
    }

    fn by_comparisons(&mut self, place: Value, places: &[i64], ways: &[Way], out: ir::Block) {
        let none: [BlockArg; 0] = [];
        for (n, (known, (way, _))) in places.iter().zip(ways).enumerate() {
            let builder = &mut *self.cx.builder;
            let this = builder.ins().icmp_imm_s(IntCC::Equal, place, *known);
            let last = n + 1 == places.len();
            let other = if last { out } else { builder.create_block() };
            builder.ins().brif(this, *way, &none, other, &none);
            if !last {
                builder.seal_block(other);
                builder.switch_to_block(other);
            }
        }
    }

    fn by_table(&mut self, place: Value, table: &Table, ways: &[Way], out: ir::Block) {
        let none: [BlockArg; 0] = [];
        let builder = &mut *self.cx.builder;
        let above = builder.ins().iadd_imm_s(place, table.first.wrapping_neg());
        // Between two targets the number has bits at the top.
        let number = builder.ins().rotr_imm_u(above, i64::from(table.shift));
        let most = table.entries.len() as i64 - 1;
        let far = IntCC::UnsignedGreaterThan;
        let far = builder.ins().icmp_imm_u(far, number, most);
        let near = builder.create_block();
        builder.ins().brif(far, out, &none, near, &none);
        builder.seal_block(near);
        builder.switch_to_block(near);
        let number = builder.ins().ireduce(types::I32, number);
        let mut block = |to: ir::Block| builder.func.dfg.block_call(to, &none);
        let other = block(out);
        let entries = table.entries.iter().map(|entry| entry.map(|n| ways[n].0));
        let entries: Vec<_> = entries.map(|to| to.map_or(other, &mut block)).collect();
        let table = JumpTableData::new(other, &entries);
        let table = builder.create_jump_table(table);
        builder.ins().br_table(number, table);
    }
}

/// The targets of a jump by the distance of their addresses from the first.
#[derive(PartialEq, Eq, Debug)]
struct Table {
    /// The lowest address.
    first: i64,
    /// How many low bits no distance has.
    shift: u32,
    /// The number of the target at each distance.
    entries: Vec<Option<usize>>,
}

impl Table {
    /// Of addresses, if that is worth while.
    fn of(places: &[i64]) -> Option<Self> {
        let first = places.iter().copied().min()?;
        let far: Vec<u64> = places
            .iter()
            .map(|at| at.wrapping_sub(first) as u64)
            .collect();
        let shift = far.iter().fold(0, |bits, far| bits | far).trailing_zeros();
        let most = far.iter().max()?.checked_shr(shift)?;
        if places.len() <= TABLE || most >= ENTRIES {
            return None;
        }
        let mut entries = vec![None; most as usize + 1];
        for (number, far) in far.iter().enumerate() {
            entries[(far >> shift) as usize] = Some(number);
        }
        Some(Self {
            first,
            shift,
            entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_made_of_many_targets_that_are_near() {
        assert_eq!(Table::of(&[]), None);
        assert_eq!(Table::of(&[8; TABLE]), None);
        assert_eq!(Table::of(&[0, 4, 8, 12, 4 * ENTRIES as i64]), None);
        assert_eq!(Table::of(&[i64::MIN, -8, 0, 8, i64::MAX]), None);
        let table = Table::of(&[12, -4, 28, 4, 36]).expect("five near targets");
        let entries = [Some(1), Some(3), Some(0), None, Some(2), Some(4)];
        assert_eq!(
            (table.first, table.shift, &*table.entries),
            (-4, 3, &entries[..])
        );
    }
}
