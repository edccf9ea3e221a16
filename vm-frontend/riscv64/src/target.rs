//! How debuggers know this architecture: "Standard Target Features", "RISC-V Features" of the
//! manual of GDB.

use vm_core::RegisterKind;
use vm_ir::{Feature, Target, TargetRegister};

use crate::slots as s;
use crate::{csr, state};

/// The registers in the groups and the order that GDB prescribes.
pub(crate) fn target() -> Target {
    let layout = &s::layout();
    let of_kind = |kind: RegisterKind| {
        let slots = layout.slots.iter().enumerate();
        slots.filter(move |(_, slot)| slot.kind == kind)
    };
    let file = |kind: RegisterKind| {
        of_kind(kind).map(move |(index, slot)| {
            let name = state::text_name(layout, vm_ir::SlotId(index as u16));
            let (kind, group) = match name {
                "pc" | "ra" => ("code_ptr", "general"),
                "sp" | "gp" | "tp" | "s0" => ("data_ptr", "general"),
                _ if kind == RegisterKind::Float => ("ieee_double", "float"),
                _ => ("int", "general"),
            };
            // GDB's own name for the frame pointer.
            let name = if name == "s0" { "fp" } else { name };
            register(name, &slot.name, slot.bits, kind, group)
        })
    };
    // The cells of `fcsr` stand with the control and status registers.
    let floats = file(RegisterKind::Float).filter(|register| register.bits == 64);
    let csrs = csr::timeless().map(|name| register(&name, &name, 64, "int", "system"));
    let feature = |name, registers| Feature { name, registers };
    Target {
        architecture: "riscv:rv64",
        watches_before: true,
        features: vec![
            feature(
                "org.gnu.gdb.riscv.cpu",
                file(RegisterKind::General).collect(),
            ),
            feature("org.gnu.gdb.riscv.fpu", floats.collect()),
            feature("org.gnu.gdb.riscv.csr", csrs.collect()),
            feature(
                "org.gnu.gdb.riscv.virtual",
                vec![register("priv", "priv", 64, "int", "system")],
            ),
        ],
    }
}

fn register(
    name: &str,
    own: &str,
    bits: u32,
    kind: &'static str,
    group: &'static str,
) -> TargetRegister {
    TargetRegister {
        name: name.to_owned(),
        own: own.to_owned(),
        bits,
        kind,
        group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_of_the_target_can_be_read() {
        let (layout, mut slots) = (s::layout(), vec![0; s::SLOTS]);
        state::reset(&mut slots, 0);
        let target = target();
        let counts: Vec<usize> = target.features.iter().map(|f| f.registers.len()).collect();
        assert_eq!(counts[..2], [33, 32]);
        assert!(counts[2] > 100 && counts[3] == 1, "{counts:?}");
        let first: Vec<&str> = target.features[0].registers[..9]
            .iter()
            .map(|register| register.name.as_str())
            .collect();
        assert_eq!(
            first,
            ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp"]
        );
        for register in target.features.iter().flat_map(|f| &f.registers) {
            let read = state::register(&layout, &slots, &register.own);
            assert!(read.is_some(), "{register:?}");
            assert_eq!(register.bits, 64, "{register:?}");
        }
    }
}
