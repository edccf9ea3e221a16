//! Four harts on four threads of the host, over one memory.
//!
//! The CPUs of one engine run in turn, under its lock; so each has an engine of its own here, and
//! what they share is guest memory, as it is for CPUs that run side by side.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use vm_core::{Exit, GuestPhys};
use vm_mem::GuestRam;

use super::rig::{RAM, RAM_BYTES, Rig};

const HARTS: usize = 4;
/// Where the data is that they share; everything on a line of its own.
const SHARED: u64 = RAM + 0x2_0000;
/// After so many slices somebody hangs.
const SLICES: u32 = 20_000_000;

/// Machines of one hart each, with one memory and one program.
fn rigs(count: usize, program: &str) -> (Vec<Rig>, u64) {
    let ram = GuestRam::new(&[(GuestPhys(RAM), RAM_BYTES)]).expect("the host has a MiB");
    let mut rigs: Vec<Rig> = (0..count)
        .map(|_| Rig::on(ram.clone(), 1, |_| {}))
        .collect();
    let labels = rigs[0].put(RAM, program);
    for (number, rig) in rigs.iter_mut().enumerate() {
        rig.set(0, "x10", SHARED);
        rig.set(0, "x11", number as u64);
    }
    (rigs, labels["done"])
}

/// Runs all of them at once, until each has come to an address.
fn run(rigs: &mut [Rig], done: u64) {
    let failed = AtomicBool::new(false);
    let start = Barrier::new(rigs.len());
    std::thread::scope(|scope| {
        for (number, rig) in rigs.iter_mut().enumerate() {
            let (failed, start) = (&failed, &start);
            scope.spawn(move || {
                start.wait();
                // Slices of other lengths end elsewhere.
                let length = 301 + 97 * number as u64;
                for _ in 0..SLICES {
                    if rig.get(0, "pc") == done || failed.load(Relaxed) {
                        return;
                    }
                    let exit = rig.run(0, length);
                    if exit != Exit::Budget {
                        failed.store(true, Relaxed);
                        panic!("{exit:?} at {:#x}", rig.get(0, "pc"));
                    }
                }
                failed.store(true, Relaxed);
                panic!("hart {number} hangs at {:#x}", rig.get(0, "pc"));
            });
        }
    });
}

/// Each round: sums, a count by reservations, bits that go on and off, a token that is passed on,
/// the largest and the smallest number so far, and counts behind a lock.
const HAMMER: &str = "
again:
    addi x5, zero, 3
    amoadd.d x6, x5, (x10)
    xor x18, x18, x6
    addi x7, x10, 64
    amoadd.w zero, x5, (x7)
    addi x7, x10, 128
count:
    lr.d x28, (x7)
    addi x28, x28, 1
    sc.d x29, x28, (x7)
    bne x29, zero, @count
    addi x7, x10, 192
half:
    lr.w.aq x28, (x7)
    addi x28, x28, 1
    sc.w.rl x29, x28, (x7)
    bne x29, zero, @half
    addi x7, x10, 256
    amoxor.d x6, x19, (x7)
    amoxor.d zero, x20, (x7)
    addi x7, x10, 320
    amoswap.d x21, x21, (x7)
    addi x7, x10, 384
    amomaxu.d x6, x22, (x7)
    addi x7, x10, 704
    amomin.w x6, x22, (x7)
    addi x22, x22, 4
    addi x7, x10, 448
lock:
    amoswap.w.aq x6, x23, (x7)
    bne x6, zero, @lock
    ld x28, 64(x7)
    addi x28, x28, 1
    ld x29, 128(x7)
    sd x28, 64(x7)
    addi x29, x29, 1
    sd x29, 128(x7)
    fence rw, w
    sw zero, 0(x7)
    addi x24, x24, -1
    bne x24, zero, @again
done:
    jal zero, @done
";

#[test]
fn nothing_that_harts_do_at_once_is_lost() {
    // As many as a host needs to be in the middle of one while another thread is in another.
    const ROUNDS: u64 = 60_001;
    let (mut rigs, done) = rigs(HARTS, HAMMER);
    rigs[0].store(SHARED + 320, 100);
    rigs[0].store(SHARED + 704, 1000);
    for (number, rig) in rigs.iter_mut().enumerate() {
        let number = number as u64;
        // Bits of its own that change once and twice a round, its token, and its numbers.
        rig.set(0, "x19", 1 << number);
        rig.set(0, "x20", 1 << (8 + number));
        rig.set(0, "x21", 101 + number);
        rig.set(0, "x22", number);
        rig.set(0, "x23", 1);
        rig.set(0, "x24", ROUNDS);
    }
    run(&mut rigs, done);
    let all = ROUNDS * HARTS as u64;
    let at = |offset| rigs[0].load(SHARED + offset);
    assert_eq!([at(0), at(64)], [3 * all; 2], "sums");
    assert_eq!([at(128), at(192)], [all; 2], "counts by reservations");
    assert_eq!(at(256), 0xf0f, "bits: an odd number of times each");
    let mut tokens: Vec<u64> = rigs.iter().map(|rig| rig.get(0, "x21")).collect();
    tokens.push(at(320));
    tokens.sort_unstable();
    assert_eq!(tokens, [100, 101, 102, 103, 104], "tokens");
    assert_eq!([at(448 + 64), at(448 + 128)], [all; 2], "behind the lock");
    assert_eq!(at(448), 0, "the lock is open");
    assert_eq!(
        [at(384), at(704)],
        [4 * ROUNDS - 1, 0],
        "largest and smallest"
    );
}

/// Two harts meet at a barrier; then each stores to its own word and looks at the other's.
/// If neither saw the other's store, the fence was none. Every round has words of its own.
const MEET: &str = "
again:
    addi x5, zero, 1
    amoadd.d zero, x5, (x10)
    addi x6, x6, 2
wait:
    ld x7, 0(x10)
    bltu x7, x6, @wait
    add x28, x12, x20
    add x29, x13, x20
    sd x5, 0(x28)
    fence w, r
    ld x30, 0(x29)
    xori x30, x30, 1
    add x31, x14, x20
    sd x30, 0(x31)
    addi x20, x20, 8
    bltu x20, x21, @again
done:
    jal zero, @done
";

/// How many rounds ended with neither hart having seen the other's store.
fn unseen(program: &str) -> usize {
    const ROUNDS: u64 = 4000;
    let (mut rigs, done) = rigs(2, program);
    let words = |number: u64| SHARED + 0x1000 + number * 0x8000;
    for (number, rig) in rigs.iter_mut().enumerate() {
        let number = number as u64;
        rig.set(0, "x12", words(number));
        rig.set(0, "x13", words(1 - number));
        rig.set(0, "x14", words(2 + number));
        rig.set(0, "x21", ROUNDS * 8);
    }
    run(&mut rigs, done);
    let missed = |number: u64, round: u64| rigs[0].load(words(2 + number) + 8 * round) == 1;
    (0..ROUNDS)
        .filter(|round| missed(0, *round) && missed(1, *round))
        .count()
}

#[test]
fn a_fence_keeps_loads_behind_stores() {
    assert_eq!(unseen(MEET), 0);
    // An exchange that acquires and releases is as good, on its own word.
    let exchange = MEET.replace("fence w, r", "amoor.d.aqrl x30, zero, (x29)");
    assert_eq!(unseen(&exchange), 0);
}

/// A number is written in two halves of memory, one after the other; a reader who looks the other
/// way round never finds the second half newer than the first.
const TELL: &str = "
    bne x11, zero, @read
write:
    addi x5, x5, 1
    sd x5, 0(x10)
    fence w, w
    sd x5, 64(x10)
    bltu x5, x21, @write
    jal zero, @done
read:
    ld x8, 0(x10)
    ld x6, 64(x10)
    fence r, r
    ld x7, 0(x10)
    bltu x7, x6, @wrong
    bltu x7, x8, @wrong
    bltu x6, x21, @read
    jal zero, @done
wrong:
    addi x20, zero, 1
done:
    jal zero, @done
";

#[test]
fn what_was_told_first_is_heard_first() {
    let (mut rigs, done) = rigs(2, TELL);
    for rig in &mut rigs {
        rig.set(0, "x21", 20_000);
    }
    run(&mut rigs, done);
    assert_eq!(rigs[1].get(0, "x20"), 0);
}
