//! The list of machines.

use vm_device_boot::Arch;

/// One machine that can be built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MachineKind {
    /// Its name on the command line.
    pub name: &'static str,
    /// The architecture of its guests.
    pub arch: Arch,
    /// What it is, in a line.
    pub doc: &'static str,
}

/// All machines.
pub const MACHINES: &[MachineKind] = &[MachineKind {
    name: "virt",
    arch: Arch::Riscv64,
    doc: "1 to 8 harts, PLIC, ACLINT, 16550A, virtio by MMIO and PCIe; the map of QEMU's virt",
}];

/// The machine of an architecture with this name.
#[must_use]
pub fn find(arch: Arch, name: &str) -> Option<&'static MachineKind> {
    MACHINES
        .iter()
        .find(|machine| machine.arch == arch && machine.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_within_an_architecture() {
        for (index, machine) in MACHINES.iter().enumerate() {
            let first = MACHINES
                .iter()
                .position(|other| (other.arch, other.name) == (machine.arch, machine.name));
            assert_eq!(first, Some(index), "{}", machine.name);
            assert_eq!(find(machine.arch, machine.name), Some(machine));
        }
        assert_eq!(find(Arch::Arm64, "virt"), None);
    }
}
