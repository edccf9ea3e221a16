//! ARM64: 100,000 random encodings against QEMU's user mode.

use std::sync::Arc;

use tests_differ::{arm64, compare, judge, ours};
use vm_frontend_arm64::Arm64;

#[test]
fn random_encodings_do_what_the_judge_says() {
    let Some(emulator) = tests_xtask::images::need(arm64::JUDGE) else {
        return;
    };
    let frontend = Arc::new(Arm64::new());
    let mut encodings = 0;
    for seed in 1..=4 {
        let program = arm64::program(seed, 400, 64);
        let theirs = judge::run(&program, &emulator, &arm64::JUDGE_ARGS).expect("the judge");
        let ours = ours::run(&program, frontend.clone()).expect("our run");
        if let Some(difference) = compare(&program, &*frontend, &theirs, &ours) {
            panic!("seed {seed}, {difference}");
        }
        encodings += program.encodings;
    }
    assert!(encodings >= 100_000, "{encodings}");
}
