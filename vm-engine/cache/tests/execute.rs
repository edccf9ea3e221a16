//! Code that was placed is run, by one thread and by several while windows come and go.
#![expect(unsafe_code, reason = "jumps to code that was placed; see UNSAFETY")]
// UNSAFETY: the functions called are the few instructions of `returning`, found in cells that
// lead to places of an arena, by CPUs that are inside.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use vm_engine_cache::{Arena, Entry, Epochs, NoRoom, Policy, WINDOW_BYTES, WindowView};

/// Any window, in an order that is the same in every run.
struct Scattered(u64);

impl Policy for Scattered {
    fn victim(&mut self, windows: &[WindowView]) -> usize {
        random(&mut self.0) as usize % windows.len()
    }
}

fn random(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f);
    *state >> 33
}

/// A function that returns a number below 2048, padded so that windows fill quickly.
fn returning(number: u32, bytes: usize) -> Vec<u8> {
    // HOST-ARCH: `mov eax, number; ret`
    #[cfg(target_arch = "x86_64")]
    let mut code = [&[0xb8][..], &number.to_le_bytes(), &[0xc3]].concat();
    // HOST-ARCH: `movz w0, #number; ret`
    #[cfg(target_arch = "aarch64")]
    let mut code = [0x5280_0000 | number << 5, 0xd65f_03c0_u32]
        .map(u32::to_le_bytes)
        .concat();
    // HOST-ARCH: `addi a0, zero, number; ret`
    #[cfg(target_arch = "riscv64")]
    let mut code = [0x0000_0513 | number << 20, 0x0000_8067_u32]
        .map(u32::to_le_bytes)
        .concat();
    code.resize(bytes.max(code.len()), 0);
    code
}

/// Runs the function that a cell leads to.
fn run(entry: u64) -> u32 {
    // SAFETY: see UNSAFETY.
    let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(entry as usize) };
    function()
}

#[test]
fn what_was_placed_runs() {
    let mut arena = Arena::new(1 << 20, Box::new(Scattered(1))).unwrap();
    let numbers = (0..2048).step_by(61);
    let places: Vec<_> = numbers
        .map(|number| (number, arena.place((), &returning(number, 999), 1).unwrap()))
        .collect();
    for (number, place) in places {
        assert!(arena.span().contains(&place.entry));
        assert_eq!(run(place.entry), number);
    }
}

const CPUS: usize = 3;
const CELLS: u32 = 2048;
/// Where cells lead that have no code.
const NOWHERE: *mut u8 = std::ptr::null_mut();

/// One CPU: jumps through cells until it is told to stop; how often it found code.
fn cpu(number: usize, epochs: &Epochs, cells: &[Entry<u8>], stop: &AtomicBool) -> u64 {
    let (mut seed, mut runs) = (number as u64, 0);
    while !stop.load(Relaxed) {
        let mut inside = epochs.enter(number);
        for _ in 0..1000 {
            let cell = random(&mut seed) as u32 % CELLS;
            let entry = cells[cell as usize].leads_to();
            if entry != NOWHERE {
                assert_eq!(run(entry.expose_provenance() as u64), cell);
                runs += 1;
            }
            let _ = inside.pass();
        }
    }
    runs
}

/// A place as a cell has it.
fn at(entry: u64) -> *mut u8 {
    std::ptr::with_exposed_provenance_mut(entry as usize)
}

/// The owner: places units, and lets windows go, until enough of them came back.
fn own(arena: &mut Arena<u32>, epochs: &Epochs, cells: &[Entry<u8>]) {
    let mut seed = 7;
    while arena.stats().reclaimed < 100 {
        let cell = random(&mut seed) as u32 % CELLS;
        if cells[cell as usize].leads_to() == NOWHERE {
            let bytes = WINDOW_BYTES / 64 - random(&mut seed) as usize % 200;
            match arena.place(cell, &returning(cell, bytes), 1) {
                Ok(place) => cells[cell as usize].lead_to(at(place.entry)),
                Err(NoRoom::Full) => std::thread::yield_now(),
                Err(NoRoom::TooLong) => unreachable!("units are short"),
            }
        }
        if arena.short()
            && let Some(evicted) = arena.evict()
        {
            for unit in &evicted.units {
                cells[unit.key as usize].lead_to(NOWHERE);
            }
            arena.retire(evicted, epochs);
        }
        arena.reclaim(epochs);
    }
}

#[test]
fn cpus_run_while_windows_come_and_go() {
    let mut arena = Arena::new(2 << 20, Box::new(Scattered(2))).unwrap();
    let epochs = Epochs::new(CPUS);
    let cells: Vec<_> = (0..CELLS).map(|_| Entry::new(NOWHERE)).collect();
    let (stop, runs) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..CPUS {
            let (epochs, cells, stop, runs) = (&epochs, &cells, &stop, &runs);
            scope.spawn(move || runs.fetch_add(cpu(number, epochs, cells, stop), Relaxed));
        }
        own(&mut arena, &epochs, &cells);
        stop.store(true, Relaxed);
    });
    let stats = arena.stats();
    assert!(runs.load(Relaxed) > 1000, "{runs:?} {stats:?}");
    assert!(stats.evicted > 5000, "{stats:?}");
}
