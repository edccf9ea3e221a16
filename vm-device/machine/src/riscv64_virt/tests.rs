//! The machine against its blessed description, its wires, and its start.

use std::path::PathBuf;

use vm_core::{Access, AccessKind, Answer, Entropy, Events, Fault, Image, Width};
use vm_device_boot::{BootError, Images, Kernel, Mode, fdt};
use vm_device_bus::{Env, Node, NullConsole, Request, Value};
use vm_device_virtio::{PciFunction, Rng};
use vm_mem::GuestRam;

use super::*;

const ISA: &str = "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_sstc_svpbmt";

fn config(cpus: u32, mib: u64) -> Config {
    Config {
        cpus,
        ram_bytes: mib * MIB,
        cpu: CpuDescription {
            isa: ISA.to_owned(),
            mmu: "riscv,sv57".to_owned(),
            cache_block: 64,
        },
        console: Box::new(NullConsole),
        virtio_mmio: vec![Box::new(Rng)],
        pci: vec![Box::new(PciFunction::new(Box::new(Rng)))],
        fw_cfg: FwCfg::new(),
        flash: [None, None],
        sswi: false,
        epoch_ns: 0,
    }
}

fn machine(cpus: u32, mib: u64) -> Riscv64Virt {
    Riscv64Virt::new(config(cpus, mib)).unwrap()
}

/// A machine with all that a bus needs.
struct Board {
    machine: Riscv64Virt,
    ram: GuestRam,
    events: Events,
    entropy: Entropy,
}

impl Board {
    fn new(cpus: u32) -> Self {
        let machine = machine(cpus, 16);
        Self {
            ram: GuestRam::new(&machine.ram_regions()).unwrap(),
            machine,
            events: Events::new(),
            entropy: Entropy::new(1),
        }
    }

    fn access(&mut self, addr: u64, width: Width, kind: AccessKind) -> Answer {
        let mut env = Env {
            now_ns: 1000,
            ram: &self.ram,
            events: &mut self.events,
            entropy: &mut self.entropy,
        };
        let access = Access {
            space: Space::Memory,
            addr: GuestPhys(addr),
            width,
            kind,
        };
        self.machine.bus.access(access, &mut env)
    }

    fn store(&mut self, addr: u64, value: u64) {
        let answer = self.access(addr, Width::B4, AccessKind::Store(value));
        assert!(matches!(answer, Answer::Done(_)), "{addr:#x}: {answer:?}");
    }
}

/// Compares a text with a file that `BLESS=1` writes.
fn blessed(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("blessed")
        .join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{name} differs; if that is right, test with BLESS=1:\n{text}"
    );
}

#[test]
fn descriptions_are_as_blessed() {
    for (cpus, mib) in [(1, 128), (4, 2048)] {
        let chosen = Chosen {
            command_line: "console=ttyS0".to_owned(),
            initrd: Some(0x8400_0000..0x8480_0001),
            seed: vec![1, 2, 3, 4],
        };
        let tree = machine(cpus, mib).tree(&chosen);
        blessed(&format!("riscv64-virt-{cpus}.dts"), &fdt::text(&tree));
        assert!(fdt::blob(&tree).is_ok());
    }
}

#[test]
fn the_largest_description_leaves_room_for_a_long_command_line() {
    let tree = machine(MAX_CPUS, 128).tree(&Chosen::default());
    let bytes = fdt::blob(&tree).unwrap().len() as u64;
    assert!(bytes < vm_device_boot::FDT_ROOM / 2, "{bytes}");
}

#[test]
fn phandles_are_unique_and_every_reference_leads_somewhere() {
    fn walk<'a>(node: &'a Node, all: &mut Vec<(&'a str, &'a Value)>) {
        all.extend(
            node.values
                .iter()
                .map(|(name, value)| (name.as_str(), value)),
        );
        node.children.iter().for_each(|child| walk(child, all));
    }
    let tree = machine(MAX_CPUS, 128).tree(&Chosen::default());
    let mut values = Vec::new();
    walk(&tree, &mut values);
    let mut labels = Vec::new();
    for (name, value) in &values {
        if let ("phandle", Value::Cells(cells)) = (*name, value) {
            labels.push(cells[0]);
        }
    }
    let count = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!((labels.len(), count), (18, 18));
    for (name, value) in &values {
        let references: Vec<u32> = match (*name, value) {
            (_, Value::Phandle(phandle)) => vec![*phandle],
            ("interrupt-map", Value::Cells(cells)) => {
                cells.chunks(6).map(|entry| entry[4]).collect()
            }
            ("regmap", Value::Cells(cells)) => cells.clone(),
            ("interrupts-extended", Value::Cells(cells)) => {
                cells.chunks(2).map(|pair| pair[0]).collect()
            }
            _ => continue,
        };
        for reference in references {
            assert!(labels.contains(&reference), "{name} {reference}");
        }
    }
}

#[test]
fn interrupts_reach_the_bits_of_mip() {
    let mut board = Board::new(2);
    let lines = |board: &mut Board| {
        let changes = board.machine.bus.take_cpu_lines();
        let change = |(line, level): &(CpuLine, bool)| (line.cpu, line.line, *level);
        changes.iter().map(change).collect::<Vec<_>>()
    };
    board.store(0x200_0004, 1);
    assert_eq!(lines(&mut board), [(1, MSIP, true)]);
    board.access(0x200_4008, Width::B8, AccessKind::Store(0));
    assert_eq!(lines(&mut board), [(1, MTIP, true)]);
    // Source 10, the serial line: priority 1, enabled for hart 0 in S-mode and hart 1 in M-mode.
    board.store(0xc00_0028, 1);
    board.store(0xc00_2080, 1 << 10);
    board.store(0xc00_2100, 1 << 10);
    board.access(0x1000_0001, Width::B1, AccessKind::Store(2));
    assert_eq!(lines(&mut board), [(0, SEIP, true), (1, MEIP, true)]);
    let claim = board.access(0xc20_1004, Width::B4, AccessKind::Load);
    assert_eq!(claim, Answer::Done(10));
}

#[test]
fn devices_stand_where_the_map_says() {
    let mut board = Board::new(1);
    board.store(0x10_0000, 0x5555);
    assert_eq!(board.machine.bus.take_requests(), [Request::PowerOff]);
    for (addr, value) in [
        (0x1000_1000, 0x7472_6976),
        (0x1000_1008, 4),
        (0x1000_8000, 0x7472_6976),
        (0x1000_8008, 0),
        (0x1010_0000, 0x554d_4551),
        (0x3000_0000, 0x0008_1b36),
        (0x3000_8000, 0x1044_1af4),
        (0x3001_0000, 0xffff_ffff),
        (0x0300_0000, 0xffff_ffff),
        (0x4_0000_0000, 0xffff_ffff),
    ] {
        let answer = board.access(addr, Width::B4, AccessKind::Load);
        assert_eq!(answer, Answer::Done(value), "{addr:#x}");
    }
    let nothing = board.access(0x1000_9000, Width::B4, AccessKind::Load);
    assert_eq!(nothing, Answer::Fault(Fault::NoRegister));
}

#[test]
fn a_restored_machine_is_the_saved_one() {
    let mut board = Board::new(4);
    board.store(0x200_0004, 1);
    board.store(0xc00_0028, 5);
    board.access(0x200_4008, Width::B8, AccessKind::Store(77));
    let mut saved = Image::new();
    board.machine.bus.save(&mut saved);
    let mut other = machine(4, 16);
    other.bus.restore(&saved).unwrap();
    let mut again = Image::new();
    other.bus.save(&mut again);
    assert_eq!(saved.to_bytes(), again.to_bytes());
    let mut fresh = Image::new();
    machine(4, 16).bus.save(&mut fresh);
    assert_ne!(saved.to_bytes(), fresh.to_bytes());
}

#[test]
fn options_stand_in_the_map_when_they_are_wanted() {
    let mut config = config(2, 16);
    config.sswi = true;
    config.flash = [None, Pflash::new(FLASH_BYTES, b"flash", true).ok()];
    let mut board = Board::new(2);
    board.machine = Riscv64Virt::new(config).unwrap();
    board.store(0x2f0_0004, 1);
    let lines = board.machine.bus.take_cpu_lines();
    let ssip = CpuLine { cpu: 1, line: SSIP };
    assert_eq!(lines, [(ssip, true), (ssip, false)]);
    let content = board.access(0x2200_0000, Width::B4, AccessKind::Load);
    assert_eq!(content, Answer::Done(0x7361_6c66));
    let tree = board.machine.tree(&Chosen::default());
    let soc = tree.find("soc").unwrap();
    let there = ["sswi@2f00000", "flash@20000000", "flash@22000000"].map(|n| soc.find(n).is_some());
    assert_eq!(there, [true, false, true]);
}

#[test]
fn what_can_not_be_built_is_refused() {
    let refuse = |change: fn(&mut Config), message: &str| {
        let mut config = config(1, 128);
        change(&mut config);
        let error = Riscv64Virt::new(config).err().unwrap();
        assert_eq!(error.to_string(), message);
    };
    refuse(
        |c| c.cpus = 0,
        "0 CPUs are not possible, the machine has 1 to 8",
    );
    refuse(
        |c| c.cpus = 9,
        "9 CPUs are not possible, the machine has 1 to 8",
    );
    let pages = "1 to 262144 MiB in pages of 4 KiB";
    refuse(
        |c| c.ram_bytes = 0,
        &format!("0 bytes of memory are not possible: {pages}"),
    );
    refuse(
        |c| c.ram_bytes = (1 << 38) + 4096,
        &format!("274877911040 bytes of memory are not possible: {pages}"),
    );
    refuse(
        |c| c.ram_bytes = (1 << 20) + 1,
        &format!("1048577 bytes of memory are not possible: {pages}"),
    );
    refuse(
        |c| c.virtio_mmio = (0..9).map(|_| Box::new(Rng) as Box<_>).collect(),
        "there are 9 virtio-mmio devices, the machine has 8 slots for them",
    );
    refuse(
        |c| {
            let function = || Box::new(PciFunction::new(Box::new(Rng))) as Box<_>;
            c.pci = (0..32).map(|_| function()).collect();
        },
        "there are 32 PCIe devices, the machine has 30 slots for them",
    );
    refuse(
        |c| c.cpu.isa = "rv32i".to_owned(),
        "`rv32i` does not describe a 64-bit RISC-V processor: it does not begin with rv64i",
    );
}

#[test]
fn a_load_fills_memory_and_says_where_each_hart_begins() {
    let mut board = Board::new(2);
    let kernel = Kernel::parse(b"program".into()).unwrap();
    let images = Images {
        kernel: Some(&kernel),
        firmware: None,
        initrd: None,
    };
    let mut load = |mode| {
        let entropy = &mut board.entropy;
        board
            .machine
            .load(&board.ram, &images, mode, "quiet", entropy)
    };
    let direct = load(Mode::Direct).unwrap_err();
    assert!(matches!(
        direct,
        MachineError::Boot(BootError::NotAKernel(_))
    ));
    let start = load(Mode::Bare).unwrap();
    assert_eq!(start.registers, vec![vec![("pc", 0x1000)]; 2]);
    let word = |addr| board.ram.load(GuestPhys(addr), Width::B8);
    assert_eq!(
        (word(0x1020), word(0x1028)),
        (Some(RAM_BASE), Some(start.plan.fdt))
    );
    let mut program = [0; 7];
    board.ram.read(GuestPhys(RAM_BASE), &mut program).unwrap();
    assert_eq!(&program, b"program");
    let magic = board.ram.load(GuestPhys(start.plan.fdt), Width::B4);
    assert_eq!(magic, Some(0xedfe_0dd0));
    let chosen = start.tree.find("chosen").unwrap();
    assert_eq!(
        chosen.value("bootargs"),
        Some(&Value::Text(vec!["quiet".to_owned()]))
    );
    let again = load(Mode::Bare).unwrap();
    let seed = |start: &Start| {
        start
            .tree
            .find("chosen")
            .unwrap()
            .value("rng-seed")
            .cloned()
    };
    assert_ne!(seed(&start), seed(&again));
}

#[test]
fn a_direct_start_is_in_supervisor_mode_with_the_tree() {
    let mut file = vec![0; 4096];
    file[8..16].copy_from_slice(&(2 * MIB).to_le_bytes());
    file[56..60].copy_from_slice(b"RSC\x05");
    let kernel = Kernel::parse(file.into()).unwrap();
    let images = Images {
        kernel: Some(&kernel),
        firmware: None,
        initrd: Some(b"disk"),
    };
    let mut board = Board::new(2);
    let start = board
        .machine
        .load(&board.ram, &images, Mode::Direct, "", &mut board.entropy)
        .unwrap();
    let value = |name: &str| {
        start.registers[0]
            .iter()
            .find(|(n, _)| *n == name)
            .map(|r| r.1)
    };
    assert_eq!(
        (value("pc"), value("priv")),
        (Some(RAM_BASE + 2 * MIB), Some(1))
    );
    assert_eq!((value("a0"), value("a1")), (Some(0), Some(start.plan.fdt)));
    assert_eq!(start.registers[1], vec![]);
    let chosen = start.tree.find("chosen").unwrap();
    let initrd = start.plan.initrd.unwrap();
    assert_eq!(
        chosen.value("linux,initrd-end"),
        Some(&Value::Wide(vec![initrd.end]))
    );
}
