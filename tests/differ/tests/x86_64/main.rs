//! Random x86-64 instructions against the processor that runs this test.
//!
//! Each sample is an encoding and a state, made from a seed; a traced child process executes the
//! one instruction on the host, the interpreter executes it on the shared IR, and registers,
//! flags, memory and faults are compared. Flags that the manuals leave open are not compared; a
//! row says which.
//!
//! `VM_DIFFER_SEED` sets the seed, `VM_DIFFER_FIRST` the number of the first sample and
//! `VM_DIFFER_COUNT` how many there are, so that a line of a failure can be run again.

// HOST-ARCH: the judge is the host's own processor.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod compare;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod native;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod ours;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod sample;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod state;

// HOST-ARCH: see above.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn random_instructions_agree_with_the_host() {
    eprintln!("skipped: the judge is an x86-64 processor under Linux");
}
