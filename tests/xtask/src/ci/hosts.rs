//! Hosts other than the one this runs on.

use std::process::Command;

use super::steps::cargo;

/// What must build everywhere: everything up to the engines.
const MEMBERS: &[&str] = &[
    "vm-core",
    "vm-ir",
    "vm-mem",
    "vm-frontend-riscv64",
    "vm-frontend-arm64",
    "vm-frontend-x86_64",
    "vm-engine-interp",
];

/// What depends on the host's instructions, and is tested on them.
const TESTED: &[&str] = &["vm-mem", "vm-engine-interp"];

/// Hosts whose compiler and system libraries are not at hand: the types are checked.
const CHECKED: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// A host that is emulated: its target, its linker, and what runs its programs.
struct Emulated {
    target: &'static str,
    linker: &'static str,
    runner: &'static str,
}

const EMULATED: &[Emulated] = &[
    Emulated {
        target: "aarch64-unknown-linux-gnu",
        linker: "aarch64-linux-gnu-gcc",
        runner: "qemu-aarch64-static -L /usr/aarch64-linux-gnu",
    },
    Emulated {
        target: "riscv64gc-unknown-linux-gnu",
        linker: "riscv64-linux-gnu-gcc",
        runner: "qemu-riscv64-static -L /usr/riscv64-linux-gnu",
    },
];

/// One command a host.
pub fn commands() -> Vec<Command> {
    let checks = CHECKED.iter().map(|target| {
        let mut command = cargo(&["check", "--target", target]);
        command.args(packages(MEMBERS));
        command
    });
    let tests = EMULATED.iter().map(|host| {
        let mut command = cargo(&["test", "--no-fail-fast", "--target", host.target]);
        command.args(packages(TESTED));
        let variable = |name: &str| {
            let target = host.target.to_uppercase().replace('-', "_");
            format!("CARGO_TARGET_{target}_{name}")
        };
        command.env(variable("LINKER"), host.linker);
        command.env(variable("RUNNER"), host.runner);
        command
    });
    checks.chain(tests).collect()
}

fn packages(members: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    members.iter().flat_map(|member| ["-p", member])
}
