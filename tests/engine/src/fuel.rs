//! A budget is kept to the instruction.

use vm_core::{Clock, Exit, Vcpu};

use super::rig::{DEVICE, RAM, Rig};

/// Loops, calls, traps, a store to a page of code, an access to a device.
const PROGRAM: &str = "
    addi s0, zero, 0
loop:
    addi s0, s0, 1
    c.addi s1, 3
    c.addi s1, 4
    ld t0, 0(a0)
    sd s0, 8(a0)
    andi t1, s0, 3
    bne t1, zero, @over
    ecall
    jal ra, @leaf
over:
    lw t2, 0(a1)
    csrrs t3, instret, zero
    mul t4, t0, t2
    jal zero, @loop
leaf:
    add s2, s2, t4
    jalr zero, 0(ra)
handler:
    csrrs t5, mepc, zero
    addi t5, t5, 4
    csrrw zero, mepc, t5
    mret
";

fn machine() -> Rig {
    let mut rig = Rig::new(1);
    let labels = rig.put(RAM, PROGRAM);
    rig.set(0, "mtvec", labels["handler"]);
    rig.set(0, "a0", RAM + 0x800);
    rig.set(0, "a1", DEVICE);
    rig
}

/// The program counters and counts of a run in steps of one.
fn steps() -> Vec<(u64, u64)> {
    let mut rig = machine();
    let mut seen = Vec::new();
    for _ in 0..300 {
        rig.run_cut(1, || 1);
        seen.push((rig.get(0, "pc"), rig.get(0, "t3")));
    }
    seen
}

#[test]
fn every_budget_is_used_up_exactly() {
    let steps = steps();
    for insns in 1..=200 {
        let mut rig = machine();
        rig.run_cut(insns, || u64::MAX);
        assert_eq!(rig.cpus[0].retired(), insns);
        let found = (rig.get(0, "pc"), rig.get(0, "t3"));
        assert_eq!(found, steps[insns as usize - 1], "after {insns}");
    }
}

#[test]
fn an_access_is_met_with_what_is_left_of_a_budget() {
    let mut rig = machine();
    let (exit, used) = rig.slice(0, 1000);
    assert!(matches!(exit, Exit::Access(_)), "{exit:?}");
    assert_eq!(used, 8);
    // Asked again, it is met again, and nothing is retired.
    assert_eq!(rig.slice(0, 1000), (exit, 0));
    assert_eq!(rig.slice(0, 0), (Exit::Budget, 0));
}

#[test]
fn a_handler_that_traps_at_once_ends_the_run() {
    let mut rig = Rig::new(1);
    rig.put(RAM, "ecall");
    for vector in [DEVICE, 0, u64::MAX - 3] {
        rig.set(0, "pc", RAM);
        rig.set(0, "mtvec", vector);
        assert_eq!(rig.slice(0, 100), (Exit::Budget, 0), "{vector:#x}");
    }
}

/// In host time a slice may end in front of a block that does not fit, and never takes more.
#[test]
fn by_the_hosts_clock_slices_end_between_blocks_and_lose_nothing() {
    let mut rig = Rig::at(Clock::host_time(|| 0), 1, |_| {});
    rig.put(
        RAM,
        "
        loop:
            addi s0, s0, 1
            addi s0, s0, 1
            addi s0, s0, 1
            addi s0, s0, 1
            addi s0, s0, 1
            addi s0, s0, 1
            jal zero, @loop",
    );
    let mut last = 0;
    for budget in [100, 100, 3, 1, 100, 6, 5000, 12, 2] {
        let exit = rig.cpus[0].run(budget);
        let now = rig.cpus[0].retired();
        let (used, all) = (now - last, exit == Exit::Budget);
        assert!(all || exit == Exit::Kicked, "{exit:?}");
        assert_eq!(used == budget, all, "{used} of {budget}");
        assert!(used > budget.saturating_sub(7), "{used} of {budget}");
        let (rounds, rest) = (now / 7, now % 7);
        assert_eq!(rig.get(0, "s0"), rounds * 6 + rest);
        last = now;
    }
}
