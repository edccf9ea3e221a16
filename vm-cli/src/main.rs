//! The program `vm`: see the crate.

fn main() -> std::process::ExitCode {
    vm_cli::main()
}
