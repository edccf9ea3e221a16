//! Symbols of the stock kernel: what is found in its file and in guest RAM, against what the
//! kernel itself says.

use tests_xtask::images::need;
use vm_runtime::{Symbols, read_symbols};

/// Every how manieth symbol is compared.
const STEP: usize = 251;

#[test]
fn the_kernels_table_is_what_the_kernel_says_it_is() {
    let line = format!("awk NR%{STEP}==1 /proc/kallsyms; echo ---; poweroff -f");
    let Some(machine) = super::shell::typed(&line, 6_000_000_000) else {
        return;
    };
    let text = machine.text();
    let (_, said) = text
        .split_once("poweroff -f\n")
        .expect("the line is echoed");
    let (said, _) = said.split_once("---\n").expect("the output ends");
    // Modules have a fourth column.
    let said: Vec<&str> = said.lines().filter(|line| !line.contains('[')).collect();

    let in_ram = machine.vm.guest_symbols().expect("a table in guest RAM");
    let path = need("riscv64/kernel").expect("the kernel was booted");
    let in_file = read_symbols(&path).expect("a table in the file");
    for symbols in [&in_ram, &in_file] {
        let ours = symbols.iter().step_by(STEP);
        let ours: Vec<String> = ours
            .map(|symbol| format!("{:016x} {} {}", symbol.addr, symbol.kind, symbol.name))
            .collect();
        let common = ours.len().min(said.len());
        assert!(common > 300, "{common} {:.600}", said.join("|"));
        assert_eq!(ours[..common], said[..common]);
        assert_eq!(ours.len(), said.len());
    }
    check_places(&in_ram);
}

/// The kernel runs at physical addresses first, and is known there too.
fn check_places(symbols: &Symbols) {
    let start = symbols.find("start_kernel").expect("every kernel has it");
    let range = symbols.range("start_kernel").expect("it has an end");
    assert!(
        range.start == start && (64..65536).contains(&(range.end - start)),
        "{range:x?}"
    );
    let text = symbols.find("_start").expect("every kernel has it");
    for addr in [start + 4, start + 4 - text + 0x8020_0000] {
        let place = symbols.lookup(addr).map(|place| place.to_string());
        assert_eq!(place.as_deref(), Some("start_kernel+0x4"), "{addr:#x}");
    }
    assert_eq!(symbols.lookup(0x1000), None);
    assert_eq!(symbols.resolve("start_kernel+0x10"), Some(start + 16));
}
