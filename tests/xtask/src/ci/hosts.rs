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

/// What makes native code, and what holds it to what engines owe a guest.
const COMPILERS: &[&str] = &["vm-engine-jit", "tests-engine"];

/// Which of their tests: each operation by the block compiler and by the region compiler, and
/// guests on both. The interpreter has its own tests, and there are no templates.
const TESTS: &[&str] = &["lower::", "region::", "jit::", "regions::"];

/// Those among them that take an emulated host too long, and find little that others do not.
// LIMIT: the step may take some five minutes.
const SKIPPED: &[&str] = &[
    "jit::suite::ops",
    "constant_operands",
    "calls_stop_at_every_instruction",
    "stopping_and_going_on_changes_nothing",
    "tables_that_stay",
    "a_full_cache",
];

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

/// A command or two for each host.
pub fn commands() -> Vec<Command> {
    let checks = CHECKED.iter().map(|target| {
        let mut command = cargo(&["check", "--target", target]);
        command.args(packages(MEMBERS));
        command
    });
    let tests = EMULATED.iter().flat_map(|host| {
        let mut compilers = host.tests(COMPILERS);
        compilers.args(["--lib", "--"]).args(TESTS);
        compilers.args(SKIPPED.iter().flat_map(|name| ["--skip", name]));
        [host.tests(TESTED), compilers]
    });
    checks.chain(tests).collect()
}

impl Emulated {
    /// The tests of some packages.
    fn tests(&self, members: &'static [&'static str]) -> Command {
        let mut command = cargo(&["test", "--no-fail-fast", "--target", self.target]);
        command.args(packages(members));
        let variable = |name: &str| {
            let target = self.target.to_uppercase().replace('-', "_");
            format!("CARGO_TARGET_{target}_{name}")
        };
        command.env(variable("LINKER"), self.linker);
        command.env(variable("RUNNER"), self.runner);
        // Nobody debugs there, and it builds sooner.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        command
    }
}

fn packages(members: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    members.iter().flat_map(|member| ["-p", member])
}
