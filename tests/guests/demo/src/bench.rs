//! The `bench` command: small loops that each stress one part of the machine.
//!
//! Each runs a few million instructions, so that all of them together take a third of a second on
//! a machine of a hundred million instructions a second.

use core::hint::black_box;

use crate::machine::Machine;
use crate::riscv::{self, csr};
use crate::{println, sbi, timer};

/// Memory for the two loops that need it.
const SCRATCH_BYTES: usize = 1 << 20;

struct Kernel {
    name: &'static str,
    /// What is counted.
    unit: &'static str,
    /// Does the work and says how many units it was.
    run: fn(&mut [u64]) -> u64,
}

#[rustfmt::skip] // One kernel a line.
const KERNELS: [Kernel; 9] = [
    Kernel { name: "integer",   unit: "add, shift, xor",     run: integer },
    Kernel { name: "multiply",  unit: "multiply",            run: multiply },
    Kernel { name: "divide",    unit: "divide",              run: divide },
    Kernel { name: "branch",    unit: "unforeseeable branch", run: branch },
    Kernel { name: "call",      unit: "call and return",     run: call },
    Kernel { name: "float",     unit: "add, multiply",       run: float },
    Kernel { name: "copy",      unit: "byte",                run: copy },
    Kernel { name: "chase",     unit: "dependent load",      run: chase },
    Kernel { name: "firmware",  unit: "call to the firmware", run: firmware },
];

fn integer(_scratch: &mut [u64]) -> u64 {
    const ROUNDS: u64 = 500_000;
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    let mut sum = 0_u64;
    for _ in 0..ROUNDS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        sum = sum.wrapping_add(state);
    }
    black_box(sum);
    7 * ROUNDS
}

fn multiply(_scratch: &mut [u64]) -> u64 {
    const ROUNDS: u64 = 500_000;
    let (mut low, mut high) = (black_box(1_u64), 1_u64);
    for _ in 0..ROUNDS {
        low = low
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let wide = u128::from(low) * u128::from(high | 1);
        high = (wide >> 64) as u64 ^ low;
    }
    black_box(high);
    2 * ROUNDS
}

fn divide(_scratch: &mut [u64]) -> u64 {
    const ROUNDS: u64 = 300_000;
    let mut value = black_box(u64::MAX);
    let mut sum = 0_u64;
    for round in 1..=ROUNDS {
        sum = sum
            .wrapping_add(value / round)
            .wrapping_add(value % (round + 7));
        value = value.wrapping_sub(sum);
    }
    black_box(sum);
    2 * ROUNDS
}

/// Collatz walks: whether a number is even is as good as a coin.
fn branch(_scratch: &mut [u64]) -> u64 {
    const STARTS: u64 = 10_000;
    let mut steps = 0_u64;
    for start in 1..=STARTS {
        let mut value = start;
        while value != 1 {
            value = if black_box(value) & 1 == 0 {
                value / 2
            } else {
                3 * value + 1
            };
            steps += 1;
        }
    }
    steps
}

#[inline(never)]
fn fibonacci(n: u64) -> u64 {
    // Opaque, or the compiler turns one of the two calls into a loop.
    if n < 2 {
        n
    } else {
        black_box(fibonacci(n - 1)) + black_box(fibonacci(n - 2))
    }
}

fn call(_scratch: &mut [u64]) -> u64 {
    const N: u64 = 24;
    // The walk makes 2 fib(n + 1) - 1 calls.
    let calls = 2 * 75_025 - 1;
    black_box(fibonacci(black_box(N)));
    calls
}

/// Points of the Mandelbrot set that never escape.
fn float(_scratch: &mut [u64]) -> u64 {
    const ROUNDS: u64 = 300_000;
    let (c_re, c_im) = (black_box(-0.1_f64), black_box(0.65_f64));
    let (mut re, mut im) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        let next = re * re - im * im + c_re;
        im = 2.0 * re * im + c_im;
        re = next;
    }
    black_box((re, im));
    8 * ROUNDS
}

fn copy(scratch: &mut [u64]) -> u64 {
    const TIMES: u64 = 16;
    let (from, to) = scratch.split_at_mut(scratch.len() / 2);
    for _ in 0..TIMES {
        black_box(&mut *to).copy_from_slice(black_box(&*from));
    }
    TIMES * 8 * to.len() as u64
}

/// Follows indexes through all of the scratch memory in an order no prefetcher guesses.
fn chase(scratch: &mut [u64]) -> u64 {
    const STEPS: u64 = 600_000;
    let mask = scratch.len() as u64 - 1;
    for (index, word) in scratch.iter_mut().enumerate() {
        // A full-period step modulo a power of two, so the walk visits every word.
        *word = (index as u64)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(12_345)
            & mask;
    }
    let mut at = 0_usize;
    for _ in 0..STEPS {
        at = scratch.get(at).copied().unwrap_or(0) as usize;
    }
    black_box(at);
    STEPS
}

fn firmware(_scratch: &mut [u64]) -> u64 {
    const CALLS: u64 = 20_000;
    for _ in 0..CALLS {
        black_box(sbi::ping());
    }
    CALLS
}

/// `count` things in `microseconds`, as hundredths of millions a second.
fn hundredths_of_millions(count: u64, microseconds: u64) -> (u64, u64) {
    let hundredths = count * 100 / microseconds;
    (hundredths / 100, hundredths % 100)
}

/// The `bench` command.
pub fn command(machine: &mut Machine) {
    let Some(scratch) = machine.scratch(SCRATCH_BYTES) else {
        println!("too little memory to bench in");
        return;
    };
    let counted = riscv::try_read::<{ csr::INSTRET }>().is_some();
    let instructions = || {
        if counted {
            riscv::read::<{ csr::INSTRET }>()
        } else {
            0
        }
    };
    println!(
        "{:<10}{:>10}  {:<24}{:>9}{:>10}",
        "", "million/s", "of", "ms", "MIPS"
    );
    let (mut all_instructions, mut all_microseconds) = (0, 0);
    for kernel in &KERNELS {
        let (started, retired) = (riscv::time(), instructions());
        let count = (kernel.run)(scratch);
        let retired = instructions().wrapping_sub(retired);
        let microseconds = timer::microseconds(riscv::time() - started).max(1);
        let (whole, part) = hundredths_of_millions(count, microseconds);
        println!(
            "{:<10}{whole:>7}.{part:02}  {:<24}{:>7}.{}{:>10}",
            kernel.name,
            kernel.unit,
            microseconds / 1000,
            microseconds / 100 % 10,
            retired / microseconds
        );
        all_instructions += retired;
        all_microseconds += microseconds;
    }
    println!(
        "{} million instructions in {} ms: {} MIPS",
        all_instructions / 1_000_000,
        all_microseconds / 1000,
        all_instructions / all_microseconds
    );
}
