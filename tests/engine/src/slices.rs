//! A run gives the same result however it is cut into slices.

use vm_core::{Access, Entropy, Section, StateHash, Vcpu};

use crate::rig::{DEVICE, RAM, Rig};

/// Loads, stores, traps, a timer, a device and its interrupt, code that is changed.
pub const PROGRAM: &str = "
    addi t0, zero, 1
    slli t0, t0, 63
    csrrw zero, menvcfg, t0
    csrrs t0, time, zero
    addi t0, t0, 3
    csrrw zero, stimecmp, t0
    addi t0, zero, 0x20
    slli t1, t0, 6
    or t0, t0, t1
    csrrw zero, mie, t0
    csrrsi zero, mstatus, 8
loop:
    addi s0, s0, 1
    c.addi s1, 3
    c.addi s1, 4
    xor s2, s2, s0
    mul s3, s3, s2
    andi t2, s0, 255
    slli t2, t2, 3
    add t2, t2, a0
    ld t3, 0(t2)
    add t3, t3, s3
    sd t3, 3(t2)
    amoadd.d t4, s0, (a0)
    csrrs t5, instret, zero
    add s2, s2, t5
    csrrs t5, time, zero
    add s3, s3, t5
    andi t1, s0, 7
    bne t1, zero, @loop
    ecall
    lw t6, 0(a1)
    add s2, s2, t6
    andi t1, s0, 31
    bne t1, zero, @loop
    sw s0, 8(a1)
    addi t1, zero, 1
    sw t1, 8(a1)
    xori a4, a4, 256
    sw a4, 0(a3)
    fence.i
    jal ra, @changed
    jal zero, @loop
changed:
    addi s4, s4, 1
    jalr zero, 0(ra)
handler:
    csrrs a5, mcause, zero
    add s5, s5, a5
    csrrs a6, mepc, zero
    add s6, s6, a6
    blt a5, zero, @interrupt
    addi a6, a6, 4
    csrrw zero, mepc, a6
    mret
interrupt:
    andi a5, a5, 15
    addi a7, zero, 11
    beq a5, a7, @external
    csrrs a5, time, zero
    addi a5, a5, 7
    csrrw zero, stimecmp, a5
    addi s7, s7, 1
    mret
external:
    sw zero, 8(a1)
    addi s8, s8, 1
    mret
";

pub fn machine() -> Rig {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, PROGRAM);
    for (name, value) in [
        ("mtvec", labels["handler"]),
        ("a0", RAM + 0x4ff8),
        ("a1", DEVICE),
        ("a3", labels["changed"]),
        ("a4", rig.load(labels["changed"]) & 0xffff_ffff),
    ] {
        rig.set(0, name, value);
    }
    rig
}

/// All that is left behind: a hash of state, time and memory, and what the device was asked.
pub fn left(rig: &Rig) -> (String, Vec<Access>) {
    let mut section = Section::new("cpu", 1);
    rig.cpus[0].save(&mut section);
    let mut hash = StateHash::new();
    section.add_to(&mut hash);
    rig.ram.add_to(&mut hash);
    (
        format!("{:?} {}", hash.finish(), rig.clock.now_ns()),
        rig.asked.clone(),
    )
}

#[test]
fn slices_of_any_length_give_the_same_result() {
    const INSNS: u64 = 20_000;
    let mut whole = machine();
    whole.run_cut(INSNS, || u64::MAX);
    let wanted = left(&whole);
    let counts = ["s4", "s7", "s8"].map(|name| whole.get(0, name));
    assert!(
        counts.iter().all(|count| *count > 5),
        "calls, ticks, lines: {counts:?}"
    );
    for seed in 0..24 {
        let mut random = Entropy::new(seed);
        let mut cut = machine();
        let longest = [1, 2, 3, 7, 50, 400][seed as usize % 6];
        cut.run_cut(INSNS, || 1 + random.next_u64() % longest);
        assert!(left(&cut) == wanted, "seed {seed}: {:?}", left(&cut).0);
    }
}

#[test]
fn a_state_saved_in_the_middle_goes_on_in_another_machine() {
    let mut first = machine();
    first.run_cut(7_321, || 97);
    let mut section = Section::new("cpu", 1);
    first.cpus[0].save(&mut section);
    let mut ram = Section::new("ram", 1);
    first.ram.save(&mut ram);
    let mut second = Rig::new(1);
    // Code that stood there before must not be run.
    second.put(RAM, "jal zero, 0x80000000");
    second.run_cut(10, || 3);
    second.ram.restore(&ram.fields()).expect("the RAM fits");
    second.cpus[0]
        .restore(&section.fields())
        .expect("the state is possible");
    second.clock.restore(first.clock.now_ns());
    second.asked.clone_from(&first.asked);
    for rig in [&mut first, &mut second] {
        rig.run_cut(5_000, || 1000);
    }
    assert_eq!(left(&first), left(&second));
    assert_eq!(first.cpus[0].retired(), 12_321);
}
