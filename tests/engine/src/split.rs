//! Rights that end in the middle of a page bind instructions too.

use vm_core::{Exit, GuestPhys};

use super::rig::{RAM, Rig, word};

/// Where the code stands, which user mode runs.
const CODE: u64 = RAM + 0x4000;
/// Where traps lead to: a jump to itself, in machine mode.
const HANDLER: u64 = RAM + 0x7000;

/// Matches by top of range, by four bytes and by a power of two, with all rights.
const TOR: u64 = 0x0f;
const NA4: u64 = 0x17;
const NAPOT: u64 = 0x1f;

fn user(program: &str) -> Rig {
    let mut rig = Rig::new(1);
    rig.put(HANDLER, "loop:\njal zero, @loop");
    rig.put(CODE, program);
    rig.set(0, "mtvec", HANDLER);
    rig
}

/// Sets the protection's first entries, the first one at the lowest bits, then goes on at `pc`.
fn protect(rig: &mut Rig, entries: &[(u64, u64)], pc: u64) {
    // The entries may be changed while the old ones are off.
    rig.set(0, "pmpcfg0", 0);
    let mut config = 0;
    for (index, (addr, entry)) in entries.iter().enumerate() {
        rig.set(0, &format!("pmpaddr{index}"), *addr);
        config |= entry << (8 * index);
    }
    rig.set(0, "pmpcfg0", config);
    rig.set(0, "priv", 0);
    rig.set(0, "pc", pc);
}

/// Runs until the trap: where it came from, what it names, and its cause.
fn trapped(rig: &mut Rig) -> [u64; 3] {
    assert_eq!(rig.run(0, 100), Exit::Budget);
    assert_eq!(rig.get(0, "pc"), HANDLER, "it trapped");
    ["mepc", "mtval", "mcause"].map(|name| rig.get(0, name))
}

const LINE: &str = "
    addi s0, s0, 1
    addi s0, s0, 1
    addi s0, s0, 1
    addi s0, s0, 1
    addi s0, s0, 1
";

const ALL: (u64, u64) = (u64::MAX >> 10, NAPOT);

#[test]
fn straight_code_ends_where_the_rights_end() {
    for (name, entries) in [
        ("top of range", vec![((CODE + 12) >> 2, TOR)]),
        ("four bytes", vec![((CODE + 12) >> 2, NA4 & !4), ALL]),
    ] {
        let mut rig = user(LINE);
        protect(&mut rig, &entries, CODE);
        let found = trapped(&mut rig);
        assert_eq!(found, [CODE + 12, CODE + 12, 1], "{name}");
        assert_eq!(rig.get(0, "s0"), 3, "{name}");
        // Again, with the code made, and all of it after that.
        protect(&mut rig, &entries, CODE);
        assert_eq!(trapped(&mut rig), [CODE + 12, CODE + 12, 1], "{name}");
        protect(&mut rig, &[ALL], CODE);
        rig.run(0, 5);
        assert_eq!(rig.get(0, "s0"), 11, "{name}");
        // A block that was made while all was allowed.
        protect(&mut rig, &entries, CODE);
        assert_eq!(trapped(&mut rig), [CODE + 12, CODE + 12, 1], "{name}");
        assert_eq!(rig.get(0, "s0"), 14, "{name}");
    }
}

#[test]
fn a_jump_within_the_page_asks_too() {
    let mut rig = user("loop:\naddi s0, s0, 1\njal zero, @next\nnext:\njal zero, @loop");
    protect(&mut rig, &[ALL], CODE);
    rig.run(0, 300);
    assert_eq!(rig.get(0, "s0"), 100);
    let entries = [((CODE + 8) >> 2, NA4 & !4), ALL];
    protect(&mut rig, &entries, CODE);
    assert_eq!(trapped(&mut rig), [CODE + 8, CODE + 8, 1]);
    assert_eq!(rig.get(0, "s0"), 101);
}

#[test]
fn an_instruction_must_lie_inside_with_all_its_bytes() {
    // Two bytes, then four over the border at 4.
    let mut rig = user("c.addi s0, 1\naddi s0, s0, 1\naddi s0, s0, 1");
    let entries = [((CODE + 4) >> 2, TOR)];
    protect(&mut rig, &entries, CODE);
    assert_eq!(trapped(&mut rig), [CODE + 2, CODE + 4, 1]);
    assert_eq!(rig.get(0, "s0"), 1);
    // Over the border of a page: its second half may not be fetched, or stands on a split page.
    let at = CODE + 0x1000;
    for (end, trap) in [(at, Some(at)), (at + 4, None)] {
        let mut rig = user("c.addi s0, 1");
        let bytes = (word("addi s0, s0, 1") as u32).to_le_bytes();
        rig.ram.write(GuestPhys(at - 2), &bytes).expect("RAM");
        rig.put(at + 2, "c.addi s0, 1\naddi s0, s0, 1");
        for _ in 0..3 {
            rig.set(0, "s0", 0);
            protect(&mut rig, &[(end >> 2, TOR)], at - 2);
            let found = trapped(&mut rig);
            match trap {
                Some(value) => assert_eq!((found, rig.get(0, "s0")), ([at - 2, value, 1], 0)),
                None => assert_eq!((found, rig.get(0, "s0")), ([at + 4, at + 4, 1], 2)),
            }
        }
    }
}
