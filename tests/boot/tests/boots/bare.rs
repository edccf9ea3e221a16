//! Bare programs of a few instructions that do what no sane guest does.

use tests_boot::{Boot, Guest};
use vm_runtime::Outcome;

/// `j .`
const HERE: u32 = 0x0000_006f;
/// `wfi`
const WFI: u32 = 0x1050_0073;
/// `j` to the instruction before
const BACK: u32 = 0xffdf_f06f;
/// Instructions of the boot ROM, which every hart begins with.
const ROM: u64 = 6;

fn check(words: &[u32], limit: u64, outcome: Outcome) -> Boot {
    let guest = Guest::words(words).limit(limit);
    let boot = guest.clone().run().ends(outcome);
    let virtually = guest.clone().seed(1).run().ends(outcome);
    assert_eq!(virtually.hash(), guest.seed(1).run().hash());
    boot
}

#[test]
fn waiting_for_nothing_is_noticed() {
    check(&[WFI, BACK], 100_000, Outcome::Hung);
    let boot = Guest::words(&[WFI, BACK]).cpus(3).limit(100_000).run();
    assert_eq!(boot.ends(Outcome::Hung).ending.instructions, 3 * (ROM + 1));
}

#[test]
fn the_limit_is_exact() {
    for limit in [1, 2, 49_999, 50_000, 50_001, 1_000_003] {
        let boot = check(&[HERE], limit, Outcome::Limit);
        assert_eq!(boot.ending.instructions, limit);
        let boot = Guest::words(&[HERE]).cpus(3).seed(1).limit(limit).run();
        assert_eq!(boot.ends(Outcome::Limit).ending.instructions, limit);
    }
}

#[test]
fn traps_without_a_handler_end_the_run() {
    // An illegal instruction; the handler would be at 0, where nothing is.
    let trapping = Outcome::Trapping { cpu: 0 };
    let boot = check(&[0], 2_000_000, Outcome::Limit);
    assert_eq!(boot.ending.instructions, ROM, "nothing else was executed");
    let boot = check(&[0], 10_000_000, trapping);
    assert_eq!(boot.ending.instructions, ROM, "nothing else was executed");
    // A handler that is itself illegal:
    // auipc t0, 0; addi t0, t0, 12; csrw mtvec, t0; illegal
    let own_handler = [0x0000_0297, 0x00c2_8293, 0x3052_9073, 0];
    let boot = check(&own_handler, 10_000_000, trapping);
    assert_eq!(boot.ending.instructions, ROM + 3);
    // Supervisor mode, where no page may be executed, with a handler at 0. An interrupt of machine
    // mode could still come, if one is enabled.
    for (enabled, ends) in [(0, trapping), (0x80, Outcome::Limit)] {
        let lower = [
            0x0020_0293,                 // li t0, 2
            0x3022_9073,                 // csrw medeleg, t0
            0x0000_0293 | enabled << 20, // li t0, enabled
            0x3042_9073,                 // csrw mie, t0
            0x0000_12b7,                 // lui t0, 1
            0x8002_8293,                 // addi t0, t0, -2048
            0x3002_9073,                 // csrw mstatus, t0
            0x3020_0073,                 // mret
        ];
        let boot = check(&lower, 10_000_000, ends);
        assert_eq!(boot.ending.instructions, ROM + 8);
    }
    // The same on one hart of two while the other one works.
    let other_works = [
        0xf140_2373, // csrr t1, mhartid
        0x0003_1463, // bnez t1, over
        HERE,
        0, // over: illegal
    ];
    let boot = Guest::words(&other_works)
        .cpus(2)
        .seed(1)
        .limit(10_000_000)
        .run();
    let executed = boot.ends(Outcome::Limit).ending.instructions;
    assert!((4_000_000..6_000_000).contains(&executed), "{executed}");
}

/// Stores to the address that stands at 0x8000_2000, loads from it, jumps to it, counts the
/// causes of the traps in hexadecimal digits, and ends with them as its code.
#[rustfmt::skip] // One instruction a line.
const REACH: [u32; 28] = [
    0x0000_0297, // auipc t0, 0
    0x0442_8293, // addi t0, t0, handler
    0x3052_9073, // csrw mtvec, t0
    0x0000_0413, // li s0, 0
    0x4000_1337, // lui t1, 0x40001
    0x0013_1313, // slli t1, t1, 1
    0x0003_3303, // ld t1, 0(t1)
    0x0003_3023, // sd zero, 0(t1)
    0x0003_3383, // ld t2, 0(t1)
    0x0003_00e7, // jalr ra, 0(t1)
    0x0104_1413, // slli s0, s0, 16
    0x0000_32b7, // lui t0, 3
    0x3332_8293, // addi t0, t0, 0x333
    0x0054_6433, // or s0, s0, t0
    0x0010_02b7, // lui t0, 0x100
    0x0082_a023, // sw s0, 0(t0)
    HERE,
    // handler:
    0x3420_2e73, // csrr t3, mcause
    0x0044_1413, // slli s0, s0, 4
    0x01c4_6433, // or s0, s0, t3
    0x3410_2ef3, // csrr t4, mepc
    0x004e_8e93, // addi t4, t4, 4
    0x0010_0f13, // li t5, 1
    0x01ee_1463, // bne t3, t5, set
    0x0000_8e93, // mv t4, ra
    // set:
    0x341e_9073, // csrw mepc, t4
    0x3020_0073, // mret
    HERE,
];

#[test]
fn what_reaches_for_nothing_gets_an_access_fault() {
    for addr in [
        0,
        0x20_0000,
        0x0fff_fff8,
        0x2fff_fff8,
        0x8100_0000,
        0x00ff_ffff_ffff_fff8,
        0xffff_ffff_ffff_fff8,
    ] {
        let mut machine = Guest::words(&REACH).limit(10_000).machine();
        machine
            .vm
            .write_memory(0x8000_2000, &u64::to_le_bytes(addr))
            .expect("RAM");
        let ending = machine.vm.run().expect("the machine runs");
        // Store, load, fetch.
        assert_eq!(ending.outcome, Outcome::Failed(0x751), "{addr:#x}");
    }
}
