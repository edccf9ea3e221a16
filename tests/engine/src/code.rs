//! Code runs as it now stands, wherever it is seen from and whoever changed it.

use vm_core::{Exit, Flush, GuestPhys, GuestVirt, Vcpu};

use super::rig::{R, RAM, RW, RWX, RX, Rig, word};

/// A function that adds one to `s0`, called for ever; `s1` counts the calls.
const CALLS: &str = "
loop:
    addi s1, s1, 1
    jal ra, @leaf
    jal zero, @loop
leaf:
    addi s0, s0, 1
    jalr zero, 0(ra)
";

/// Instructions of one call.
const CALL: u64 = 5;

#[test]
fn a_device_that_writes_code_is_noticed_in_the_next_slice() {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, CALLS);
    rig.run(0, 10 * CALL);
    assert_eq!(rig.get(0, "s0"), 10);
    let new = (word("addi s0, s0, 100") as u32).to_le_bytes();
    rig.ram.write(GuestPhys(labels["leaf"]), &new).unwrap();
    rig.run(0, 10 * CALL);
    assert_eq!(rig.get(0, "s0"), 1010);
}

#[test]
fn another_cpu_that_writes_code_is_noticed_in_the_next_slice() {
    let mut rig = Rig::new(2);
    let labels = rig.put(RAM, CALLS);
    // The second CPU may write the page before it holds code, and knows so.
    rig.put(RAM + 0x800, "sd zero, 0(a1)\nsw a0, 0(a2)");
    rig.set(1, "pc", RAM + 0x800);
    rig.set(1, "a0", word("addi s0, s0, 100"));
    rig.set(1, "a1", RAM + 0xf00);
    rig.set(1, "a2", labels["leaf"]);
    assert_eq!(rig.run(1, 1), Exit::Budget);
    rig.run(0, 10 * CALL);
    assert_eq!(rig.run(1, 1), Exit::Budget);
    rig.run(0, 10 * CALL);
    assert_eq!(rig.get(0, "s0"), 1010);
}

/// Rewrites an instruction at `a1` with `a0`, then runs what is there.
fn check_own_store(before: &str, what: &str) {
    let mut rig = Rig::new(1);
    let program = format!(
        "
        loop:
            {before}
            sw a0, 0(a1)
            fence.i
        target:
            addi s0, s0, 1
            sw a2, 0(a1)
            fence.i
            jal zero, @loop"
    );
    let labels = rig.put(RAM, &program);
    rig.set(0, "a0", word("addi s0, s0, 100"));
    rig.set(0, "a1", labels["target"]);
    rig.set(0, "a2", word("addi s0, s0, 7"));
    rig.set(0, "t0", RAM + 0x2000);
    for turn in 1..=20 {
        assert_eq!(rig.run(0, 7), Exit::Budget);
        assert_eq!(rig.get(0, "s0"), 100 * turn, "{what}");
    }
}

#[test]
fn code_that_rewrites_itself_runs_anew_behind_a_fence() {
    check_own_store("addi t1, t1, 1", "a plain store");
    // The TLB knows a page of data for the same entry.
    check_own_store("sw a0, 0(t0)", "behind another store");
}

#[test]
fn a_store_into_the_running_block_is_seen_by_the_next_one() {
    let mut rig = Rig::new(1);
    let labels = rig.put(
        RAM,
        "
        loop:
            sw a0, 0(a1)
            jal zero, @target
        target:
            addi s0, s0, 1
            jal zero, @loop",
    );
    rig.set(0, "a0", word("addi s0, s0, 100"));
    rig.set(0, "a1", labels["target"]);
    rig.run(0, 4);
    assert_eq!(rig.get(0, "s0"), 100);
    rig.run(0, 4);
    assert_eq!(rig.get(0, "s0"), 200);
}

#[test]
fn data_beside_code_does_not_drop_it() {
    let mut rig = Rig::new(1);
    rig.put(RAM, "loop:\nsd s0, 0(a0)\naddi s0, s0, 1\njal zero, @loop");
    rig.set(0, "a0", RAM + 0x100);
    for slice in 0..50 {
        rig.run(0, 60);
        assert_eq!(rig.load(RAM + 0x100), slice * 20 + 19);
    }
    let stats = rig.engine.stats();
    assert!(stats.dropped_pages == 0 && stats.made < 10, "{stats:?}");
    rig.set(0, "a0", RAM + 0x20);
    rig.run(0, 6);
    assert!(rig.engine.stats().dropped_pages > 0);
}

/// Two pages of one address space, each beginning with the same program.
const JUMPER: &str = "
loop:
    addi s0, s0, 1
    jal zero, @end
end:
    jal zero, @loop
";

#[test]
fn one_page_at_two_addresses_keeps_to_the_address_it_runs_at() {
    let mut rig = Rig::new(1);
    let root = rig.root();
    rig.put(
        RAM + 0x4000,
        "auipc s0, 0\nadd s1, s1, s0\njalr zero, 0(a0)",
    );
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.map(root, 0x20000, RAM + 0x4000, RX, false);
    rig.translate(0, root, 1);
    for turn in 1..=10 {
        for (pc, other) in [(0x10000, 0x20000), (0x20000, 0x10000)] {
            rig.set(0, "a0", other);
            rig.set(0, "pc", pc);
            rig.run(0, 3);
            assert_eq!(
                (rig.get(0, "s0"), rig.get(0, "pc")),
                (pc, other),
                "turn {turn}"
            );
        }
    }
    assert_eq!(rig.get(0, "s1"), 10 * 0x30000);
}

#[test]
fn a_jump_between_two_views_of_a_page_follows_the_mapping() {
    let mut rig = Rig::new(1);
    let root = rig.root();
    // Both views show the same page; the jump goes from the first to the second.
    rig.put(RAM + 0x4000, "addi s0, s0, 1\njal zero, 0x80005008");
    rig.put(RAM + 0x4008, "addi s1, s1, 1\njalr zero, 0(a0)");
    rig.put(RAM + 0x6008, "addi s2, s2, 1\njalr zero, 0(a0)");
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.map(root, 0x11000, RAM + 0x4000, RX, false);
    rig.translate(0, root, 1);
    rig.set(0, "a0", 0x10000);
    rig.set(0, "pc", 0x10000);
    rig.run(0, 40);
    assert_eq!((rig.get(0, "s1"), rig.get(0, "s2")), (10, 0));
    rig.map(root, 0x11000, RAM + 0x6000, RX, false);
    rig.cpus[0].flush(Flush::Page(GuestVirt(0x11000), None));
    rig.run(0, 40);
    assert_eq!((rig.get(0, "s1"), rig.get(0, "s2")), (10, 10));
}

/// Remaps a page under running code, by each way to say so.
fn check_remap(what: Flush, large: bool) {
    let mut rig = Rig::new(1);
    let root = rig.root();
    let (bytes, virt) = if large {
        (0x20_0000, 0x40_0000)
    } else {
        (0x1000, 0x40_0000)
    };
    // RAM is smaller than a large page, but its beginning is enough.
    let (old, new) = if large {
        (RAM, RAM)
    } else {
        (RAM + 0x4000, RAM + 0x5000)
    };
    let at = if large { 0x4000 } else { 0 };
    rig.put(RAM + 0x4000, JUMPER);
    rig.map(root, virt, old, RWX, large);
    rig.translate(0, root, 1);
    rig.set(0, "pc", virt + at);
    rig.run(0, 30);
    assert_eq!(rig.get(0, "s0"), 10);
    if large {
        // The same addresses, now by small pages.
        let table = rig.root();
        let middle = rig.load(root) >> 10 << 12;
        rig.store(middle + (virt >> 21 & 511) * 8, table >> 12 << 10 | 1);
        rig.map(root, virt + at, RAM + 0x5000, RWX, false);
    } else {
        rig.map(root, virt, new, RWX, false);
    }
    rig.put(RAM + 0x5000, &JUMPER.replace("1\n", "100\n"));
    rig.cpus[0].flush(what);
    rig.run(0, 30);
    assert_eq!(rig.get(0, "s0"), 1010, "{what:?} of {bytes:#x}");
}

#[test]
fn a_remapped_page_runs_its_new_code() {
    check_remap(Flush::All, false);
    check_remap(Flush::Space(1), false);
    check_remap(Flush::Page(GuestVirt(0x40_0000), None), false);
    check_remap(Flush::Page(GuestVirt(0x40_0000), Some(1)), false);
    // Any address of a large page names all of it.
    check_remap(Flush::Page(GuestVirt(0x40_0000), None), true);
    check_remap(Flush::Page(GuestVirt(0x40_4000), None), true);
}

#[test]
fn an_instruction_on_two_pages_follows_both() {
    let mut rig = Rig::new(1);
    let root = rig.root();
    // Four bytes over the border: the low half says `addi s0, s0`, the high half how much.
    let halves = |by: u64| word(&format!("addi s0, s0, {by}"));
    rig.put(RAM + 0x4ff8, "addi s1, s1, 1\nc.addi s2, 1");
    rig.ram
        .write(GuestPhys(RAM + 0x4ffe), &(halves(1) as u16).to_le_bytes())
        .unwrap();
    for (page, by) in [(0x5000, 1), (0x6000, 100)] {
        let high = ((halves(by) >> 16) as u16).to_le_bytes();
        rig.ram.write(GuestPhys(RAM + page), &high).unwrap();
        rig.put(RAM + page + 2, "jalr zero, 0(a0)");
    }
    rig.map(root, 0x10000, RAM + 0x4000, RX, false);
    rig.translate(0, root, 1);
    rig.set(0, "a0", 0x10ff8);
    rig.set(0, "stvec", 0x10ff8);
    let mut wanted = 0;
    let made = rig.engine.stats().made;
    for turn in 0..40 {
        let (page, by) = if turn % 2 == 0 {
            (0x5000, 1)
        } else {
            (0x6000, 100)
        };
        rig.map(root, 0x11000, RAM + page, RX, false);
        rig.cpus[0].flush(Flush::Page(GuestVirt(0x11000), None));
        rig.set(0, "pc", 0x10ff8);
        rig.run(0, 8);
        wanted += 2 * by;
        assert_eq!(rig.get(0, "s0"), wanted, "turn {turn}");
    }
    assert!(rig.engine.stats().made > made);
    // A write to the second page alone.
    let high = ((halves(7) >> 16) as u16).to_le_bytes();
    rig.ram.write(GuestPhys(RAM + 0x6000), &high).unwrap();
    rig.run(0, 4);
    assert_eq!(rig.get(0, "s0"), wanted + 7);
    // The second page gone: the trap names its first byte.
    rig.map(root, 0x11000, 0, 0, false);
    rig.cpus[0].flush(Flush::Page(GuestVirt(0x11000), None));
    rig.set(0, "medeleg", 1 << 12);
    rig.set(0, "pc", 0x10ff8);
    rig.run(0, 3);
    let found = ["sepc", "stval", "scause", "pc"].map(|name| rig.get(0, name));
    assert_eq!(found, [0x10ffe, 0x11000, 12, 0x10ffc]);
}

#[test]
fn a_page_that_is_no_longer_executable_does_not_run() {
    for rights in [R, RW, 0] {
        let mut rig = Rig::new(1);
        let root = rig.root();
        rig.put(RAM + 0x4000, JUMPER);
        rig.put(RAM + 0x7000, "loop:\njal zero, @loop");
        rig.map(root, 0x10000, RAM + 0x4000, RX, false);
        rig.map(root, 0x20000, RAM + 0x7000, RX, false);
        rig.translate(0, root, 1);
        rig.set(0, "medeleg", 1 << 12);
        rig.set(0, "stvec", 0x20000);
        rig.set(0, "pc", 0x10000);
        rig.run(0, 31);
        rig.map(root, 0x10000, RAM + 0x4000, rights, false);
        rig.cpus[0].flush(Flush::Page(GuestVirt(0x10000), None));
        rig.run(0, 5);
        assert_eq!((rig.get(0, "s0"), rig.get(0, "scause")), (11, 12));
        assert_eq!((rig.get(0, "sepc"), rig.get(0, "pc")), (0x10004, 0x20000));
    }
}

#[test]
fn what_is_linked_is_lifted_for_the_mode_that_the_run_has_come_to() {
    // In the second round the run comes from one mode into the other without a stop, and leaves
    // by an exit that was never left by before; from the third on, by the link that it got.
    let mut rig = Rig::new(1);
    rig.put(
        RAM,
        "
        again:
            csrrs zero, mstatus, a0
            addi s0, s0, -1
            beq s0, zero, @floats
            csrrc zero, mstatus, a0
            jal zero, @again
        floats:
            fmv.d.x fa0, s1
            fmv.x.d s2, fa0
            addi s3, s3, 1
            csrrc zero, mstatus, a0
            addi s0, zero, 1
            jal zero, @again
        ",
    );
    for (name, value) in [
        ("a0", 0x6000),
        ("s0", 2),
        ("s1", 77),
        ("mtvec", RAM + 0x800),
    ] {
        rig.set(0, name, value);
    }
    rig.run(0, 200);
    assert_eq!((rig.get(0, "s2"), rig.get(0, "mcause")), (77, 0));
    assert!(rig.get(0, "s3") > 10);
}

/// An instruction on two pages is found as fast as any other, until one of its pages moves.
#[test]
fn an_instruction_on_two_pages_is_kept_until_either_page_moves() {
    const FIRST: u64 = 0x1_0000;
    const SECOND: u64 = FIRST + 0x1000;
    // Its halves: the number that is added stands in the second one.
    let halves = |number| {
        let word = word(&format!("addi s0, s0, {number}")) as u32;
        (word as u16, (word >> 16) as u16)
    };
    assert_ne!(halves(1).1, halves(2).1);
    for (fence, moved) in [
        ("sfence.vma zero, zero", SECOND),
        ("sfence.vma a1, zero", SECOND),
        ("sfence.vma zero, a2", SECOND),
        ("sfence.vma a1, a2", SECOND),
        ("sfence.vma a1, zero", FIRST),
    ] {
        let mut rig = Rig::new(1);
        let root = rig.root();
        let labels = rig.put(
            RAM + 0x3000,
            &format!(
                "begin:
                    {fence}
                loop:
                    jalr ra, 0(a0)
                    addi s1, s1, -1
                    bne s1, zero, @loop
                end:
                    jal zero, @end"
            ),
        );
        let put = |at, half: u16| rig.ram.write(GuestPhys(RAM + at), &half.to_le_bytes());
        // The destination register stands in the first half: `s0` or `s2`.
        let other = word("addi s2, s0, 1") as u16;
        for (at, half) in [
            (0x4ffe, halves(1).0),
            (0x7ffe, other),
            (0x5000, halves(1).1),
            (0x6000, halves(2).1),
        ] {
            put(at, half).expect("RAM");
        }
        for at in [0x5002, 0x6002] {
            rig.put(RAM + at, "jalr zero, 0(ra)");
        }
        rig.map(root, 0x8000, RAM + 0x3000, RX, false);
        rig.map(root, FIRST, RAM + 0x4000, RX, false);
        rig.map(root, SECOND, RAM + 0x5000, RX, false);
        rig.translate(0, root, 1);
        let begin = 0x8000 + (labels["begin"] & 0xfff);
        for (name, value) in [("a0", FIRST + 0xffe), ("a1", moved), ("a2", 1)] {
            rig.set(0, name, value);
        }
        let turns = |rig: &mut Rig| {
            let before = rig.engine.run_stats().indirect;
            rig.set(0, "s1", 100);
            rig.set(0, "pc", begin);
            rig.run(0, 1 + 5 * 100);
            assert_eq!(rig.get(0, "s1"), 0, "{fence}");
            rig.engine.run_stats().indirect - before
        };
        turns(&mut rig);
        assert_eq!(rig.get(0, "s0"), 100, "{fence}");
        let given_up = turns(&mut rig);
        assert_eq!(rig.get(0, "s0"), 200, "{fence}");
        assert!(given_up < 10, "{fence}: {given_up} of 100 were looked for");
        let to = if moved == SECOND { 0x6000 } else { 0x7000 };
        rig.map(root, moved, RAM + to, RX, false);
        turns(&mut rig);
        let found = [rig.get(0, "s0"), rig.get(0, "s2")];
        let wanted = if moved == SECOND {
            [400, 0]
        } else {
            [200, 201]
        };
        assert_eq!(found, wanted, "{fence}");
    }
}
