//! What `vm run` and `vm test` do with the flags about engines, from outside.

use serde_json::Value;
use vm_runtime::COMPILES;

use crate::vm::{text, typed};

/// The result of a run of the privileged checks, to which nobody types anything.
fn result(flags: &str) -> Value {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/guests/priv/priv.bin");
    let run = format!("run --firmware none -k {program} --time virtual --json {flags}");
    let output = typed(&run, "");
    let all = text(&output.stdout);
    assert!(output.status.success(), "{flags}: {all}");
    serde_json::from_str(&all).expect("JSON")
}

#[test]
fn what_can_not_be_verified_and_no_size_is_refused_with_the_flag_and_the_remedy() {
    for (flags, code, words) in [
        ("--verify", "VM0083", "--time virtual"),
        (
            "--verify --time virtual --engine interp",
            "VM0083",
            "leave out",
        ),
        ("--verify --engine hybrid", "VM0083", "--time virtual"),
        ("--verify=50 --engine hybrid", "VM0002", "1/50"),
        ("--verify=1/0 --engine hybrid", "VM0002", "1/50"),
        ("--code-cache 64", "VM0002", "64M"),
        (
            "--engine jit --code-cache 1023K",
            "VM0084",
            "--code-cache 64M",
        ),
        ("--engine jit --code-cache 5G", "VM0084", "--code-cache 64M"),
    ] {
        if !COMPILES && code == "VM0084" {
            continue;
        }
        let output = typed(&format!("run {flags}"), "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags}: {said}");
        assert!(
            said.contains(code) && said.contains(words),
            "{flags}: {said}"
        );
    }
}

#[test]
fn a_run_that_is_verified_is_the_same_run() {
    if !COMPILES {
        return;
    }
    let wanted = result("--cpus 2");
    assert!(wanted.get("stats").is_none());
    for flags in [
        "--engine hybrid --verify",
        "--engine jit --jit-region-threshold 1 --verify --stats",
        "--engine jit --code-cache 1M --verify=1/7 --stats",
    ] {
        let found = result(&format!("--cpus 2 {flags}"));
        for key in ["state_hash", "instructions", "verdict"] {
            assert_eq!(found[key], wanted[key], "{flags}: {key}");
        }
        if flags.contains("--stats") {
            let stats = &found["stats"];
            assert!(stats["tlb_misses"].as_u64() > Some(0), "{stats}");
            assert!(
                stats["native"]["templates"]["made"].as_u64() > Some(100),
                "{stats}"
            );
            let samples = |tier: &str| stats["residency"][tier].as_u64();
            let native = samples("templates") > Some(0) || samples("regions") > Some(0);
            assert!(native, "{stats}");
            assert!(stats["tlb_misses_per_1000"].as_f64() > Some(0.0), "{stats}");
            assert!(stats["native"]["wide_regions"].is_u64(), "{stats}");
            let verified = stats["verified"]["instructions"].as_u64();
            let all = found["instructions"].as_u64();
            assert!(verified > Some(0) && verified <= all, "{stats}");
            assert_eq!(verified == all, !flags.contains("1/7"), "{stats}");
        }
    }
}

#[test]
fn the_table_of_what_a_run_has_cost_goes_to_standard_error() {
    for engine in if COMPILES {
        &["interp", "hybrid"][..]
    } else {
        &["interp"]
    } {
        let output = typed(&format!("run --engine {engine} --stats"), "\nbench\noff\n");
        let said = text(&output.stderr);
        for row in ["run\n", "  TLB misses ", "code\n", "  looked up "] {
            assert!(said.contains(row), "{engine}: {row} in {said}");
        }
        for row in ["  templates ", "slices that ended ", "  of more pages "] {
            assert_eq!(said.contains(row), *engine == "hybrid", "{row} in {said}");
        }
        assert!(!text(&output.stdout).contains("TLB misses"));
    }
}

#[test]
fn tests_run_on_the_engine_that_is_asked_for() {
    let suite = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/boot/suite/demo.boot.toml"
    );
    let refused = typed(&format!("test {suite} --verify --engine interp"), "");
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stdout));
    if COMPILES {
        let flags = "--engine jit --code-cache 1M --verify --json";
        let passed = typed(&format!("test {suite} --filter four {flags}"), "");
        assert_eq!(passed.status.code(), Some(0), "{}", text(&passed.stdout));
    }
}
