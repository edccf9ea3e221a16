//! Guests that change code while they run it: written anew, more than there is room for, mapped
//! elsewhere, and all of that by four harts at once.

use tests_boot::{Guest, program};
use vm_runtime::{EngineMode, JitTier, Outcome, TierStats};

use super::engines::{ENGINES, Engine, left, on};

/// Each hart has a MiB of its own from here on; its results come first.
const AREAS: u64 = 0x8020_0000;
/// How far one is from the next.
const AREA: u64 = 0x10_0000;
/// How often code is written anew.
const WRITES: u64 = 1500;
/// How often each function is called in a row.
const CALLS: u64 = 3;
/// How often pages are swapped, and the turns of the loop in them.
const SWAPS: u64 = 60;
const TURNS: u64 = 1000;
/// How much native code is kept: as little as can be.
const ROOM: u64 = 1 << 20;

/// What every program begins with: `s11` is where it stands, `s10` the hart, `s9` its area; what
/// traps without leave ends the run with its cause.
const BEGIN: &str = "
    auipc s11, 0
    csrrs s10, mhartid, zero
    lui t0, 0x200
    add s9, s11, t0
    slli t0, s10, 20
    add s9, s9, t0
    jal t0, @over
    csrrs t1, mcause, zero
    addi t2, zero, 9
    beq t1, t2, @swapped
    slli t1, t1, 16
    lui t2, 3
    addi t2, t2, 0x333
    or t1, t1, t2
    lui t2, 0x100
    sw t1, 0(t2)
here:
    jal zero, @here
over:
    csrrw zero, mtvec, t0
    slli t0, s10, 13
    addi t0, t0, 1
late:
    addi t0, t0, -1
    bne t0, zero, @late
";

/// Writes `addi s0, s0, n`, fences, and calls it four times, with another `n` each time; the code
/// of all harts stands on one page.
const WRITE: &str = "
    lui a0, 0x100
    add a0, a0, s11
    slli t0, s10, 8
    add a0, a0, t0
    lui t1, 8
    addi t1, t1, 0x67
    sw t1, 4(a0)
    lui s3, 0x40
    addi s3, s3, 0x413
    addi s0, zero, 0
    addi s1, zero, 0
    addi s2, zero, WRITES
write:
    addi s1, s1, 1
    slli t0, s1, 53
    srli t0, t0, 33
    or t0, t0, s3
    sw t0, 0(a0)
    fence.i
    addi t3, zero, 4
again:
    jalr ra, 0(a0)
    addi t3, t3, -1
    bne t3, zero, @again
    blt s1, s2, @write
    sd s0, 0(s9)
";

/// Makes functions of sixteen instructions, and calls one after the other.
const FILL: &str = "
    lui a0, 0x10
    add a0, a0, s9
    lui t1, 0x40
    addi t1, t1, 0x413
    lui t2, 0x1344
    addi t2, t2, 0x433
    lui t4, 8
    addi t4, t4, 0x67
    addi s1, zero, 0
    addi s2, zero, 1
    slli s2, s2, BITS
make:
    slli t0, s1, 54
    srli t0, t0, 34
    or t0, t0, t1
    addi t3, zero, 7
pair:
    sw t0, 0(a0)
    sw t2, 4(a0)
    addi a0, a0, 8
    addi t3, t3, -1
    bne t3, zero, @pair
    sw t0, 0(a0)
    sw t4, 4(a0)
    addi a0, a0, 8
    addi s1, s1, 1
    blt s1, s2, @make
    fence.i
    addi s0, zero, 0
    addi s3, zero, 0x155
    addi s4, zero, PASSES
pass:
    lui a0, 0x10
    add a0, a0, s9
    addi s1, s2, 0
function:
    addi t3, zero, CALLS
call:
    jalr ra, 0(a0)
    addi t3, t3, -1
    bne t3, zero, @call
    addi a0, a0, 64
    addi s1, s1, -1
    bne s1, zero, @function
    addi s4, s4, -1
    bne s4, zero, @pass
    sd s0, 8(s9)
";

/// Two pages with a loop each, and two pages of data, are mapped in supervisor mode; both pairs
/// change places after each round, and the translations are given up in one of four ways.
const SWAP: &str = "
    jal a0, @copied
turn:
    ld t0, 0(a3)
    add s0, s0, t0
    addi s0, s0, 1
    sd s0, 8(a3)
    addi s5, s5, -1
    bne s5, zero, @turn
    jalr zero, 0(ra)
copied:
    lui t1, 4
    add a1, s9, t1
    addi t3, zero, 7
copy:
    lwu t0, 0(a0)
    lui t1, 1
    add t1, t1, a1
    sw t0, 0(a1)
    sw t0, 0(t1)
    addi a0, a0, 4
    addi a1, a1, 4
    addi t3, t3, -1
    bne t3, zero, @copy
    lui t1, 5
    add t1, t1, s9
    lwu t0, 8(t1)
    lui t2, 0x6300
    add t0, t0, t2
    sw t0, 8(t1)
    fence.i
    lui t1, 6
    add t1, t1, s9
    addi t0, zero, 3
    sd t0, 0(t1)
    lui t2, 1
    add t1, t1, t2
    addi t0, zero, 5
    sd t0, 0(t1)
    lui t2, 1
    add a5, s9, t2
    lui t0, 0x20000
    slli t0, t0, 0
    addi t0, t0, 0xcf
    sd t0, 16(a5)
    add t1, a5, t2
    srli t0, t1, 2
    addi t0, t0, 1
    sd t0, 8(a5)
    add a4, t1, t2
    srli t0, a4, 2
    addi t0, t0, 1
    sd t0, 0(t1)
    add t1, a4, t2
    srli t0, t1, 2
    addi t0, t0, 0xcb
    sd t0, 0(a4)
    add t1, t1, t2
    srli t0, t1, 2
    addi t0, t0, 0xcb
    sd t0, 8(a4)
    add t1, t1, t2
    srli t0, t1, 2
    addi t0, t0, 0xc7
    sd t0, 16(a4)
    add t1, t1, t2
    srli t0, t1, 2
    addi t0, t0, 0xc7
    sd t0, 24(a4)
    addi t0, zero, -1
    srli t0, t0, 10
    csrrw zero, pmpaddr0, t0
    addi t0, zero, 0x1f
    csrrw zero, pmpcfg0, t0
    addi t0, zero, 0x80
    addi t0, t0, 1
    slli t0, t0, 44
    addi t1, zero, 1
    slli t1, t1, 63
    or t0, t0, t1
    srli t1, a5, 12
    or t0, t0, t1
    csrrw zero, satp, t0
    sfence.vma zero, zero
    lui t0, 2
    addi t0, t0, -0x800
    csrrc zero, mstatus, t0
    lui t0, 1
    addi t0, t0, -0x800
    csrrs zero, mstatus, t0
    jal t0, @enter
    addi s0, zero, 0
    addi s1, zero, SWAPS
    lui a0, 0x40000
    lui a1, 0x40001
    lui a3, 0x40002
    addi a6, zero, 0x81
swap:
    addi s5, zero, TURNS
    jalr ra, 0(a0)
    addi s5, zero, TURNS
    jalr ra, 0(a1)
    ld t0, 0(a4)
    ld t1, 8(a4)
    sd t1, 0(a4)
    sd t0, 8(a4)
    ld t0, 16(a4)
    ld t1, 24(a4)
    sd t1, 16(a4)
    sd t0, 24(a4)
    andi t0, s1, 3
    beq t0, zero, @all
    addi t0, t0, -1
    beq t0, zero, @space
    addi t0, t0, -1
    beq t0, zero, @pages
    sfence.vma a0, a6
    sfence.vma a1, a6
    sfence.vma a3, a6
    jal zero, @fenced
pages:
    sfence.vma a0, zero
    sfence.vma a1, zero
    sfence.vma a3, zero
    jal zero, @fenced
space:
    sfence.vma zero, a6
    jal zero, @fenced
all:
    sfence.vma zero, zero
fenced:
    addi s1, s1, -1
    bne s1, zero, @swap
    sd s0, 16(s9)
    ecall
enter:
    csrrw zero, mepc, t0
    mret
swapped:
";

/// Hart 0 waits for all others and switches off.
const END: &str = "
swapped_or_not:
    lui a0, 0x180
    add a0, a0, s11
    addi t0, zero, 1
    amoadd.d zero, t0, (a0)
    addi t1, zero, HARTS
    beq s10, zero, @wait
rest:
    jal zero, @rest
wait:
    ld t0, 0(a0)
    bne t0, t1, @wait
    lui t0, 5
    addi t0, t0, 0x555
    lui t1, 0x100
    sw t0, 0(t1)
done:
    jal zero, @done
";

/// What a program does.
#[derive(Clone, Copy)]
pub struct Does {
    writes: bool,
    /// How often all functions are called; none are made if it is zero.
    passes: u64,
    /// How many functions there are: two to this power.
    bits: u32,
    swaps: bool,
    harts: u32,
}

impl Does {
    pub fn guest(self) -> Guest {
        let mut text = BEGIN.to_owned();
        for (part, has) in [
            (WRITE, self.writes),
            (FILL, self.passes > 0),
            (SWAP, self.swaps),
            // The handler names it.
            ("swapped:", !self.swaps),
            (END, true),
        ] {
            text.push_str(if has { part } else { "" });
            text.push('\n');
        }
        let text = text.replace("WRITES", &WRITES.to_string());
        let text = text.replace("BITS", &self.bits.to_string());
        let text = text.replace("PASSES", &self.passes.to_string());
        let text = text.replace("CALLS", &CALLS.to_string());
        let text = text.replace("SWAPS", &SWAPS.to_string());
        let text = text.replace("TURNS", &TURNS.to_string());
        let text = text.replace("HARTS", &self.harts.to_string());
        let guest = Guest::bare(program(&text).leak());
        guest
            .cpus(self.harts)
            .seed(5)
            .limit(300_000_000)
            .code_bytes(ROOM)
    }

    /// The three results of a hart.
    fn wanted(self) -> [u64; 3] {
        let written = (1..=WRITES).map(|n| 4 * (n & 0x7ff)).sum();
        let mut filled = 0u64;
        for _ in 0..self.passes {
            for n in 0..1 << self.bits {
                for _ in 0..CALLS {
                    for _ in 0..7 {
                        filled = (filled + (n & 0x3ff)) ^ 0x155;
                    }
                    filled += n & 0x3ff;
                }
            }
        }
        // Both loops in each round, with the data that is mapped then.
        let (mut swapped, mut data) = (0, [3, 5]);
        for _ in 0..SWAPS {
            swapped += TURNS * (2 * data[0] + 1 + 100);
            data.swap(0, 1);
        }
        [
            if self.writes { written } else { 0 },
            filled,
            if self.swaps { swapped } else { 0 },
        ]
    }

    /// Wants the right results, and the same state, on each of these engines.
    fn check(self, engines: &[Engine]) {
        let mut first = None;
        for engine in engines {
            let mut machine = on(self.guest(), *engine).machine();
            let ending = machine.vm.run().expect("the machine runs");
            assert_eq!(ending.outcome, Outcome::PowerOff, "{engine:?}");
            for hart in 0..u64::from(self.harts) {
                let mut bytes = [0; 24];
                let read = machine.vm.read_memory(AREAS + AREA * hart, &mut bytes);
                read.expect("its area is RAM");
                let (words, _) = bytes.as_chunks::<8>();
                let found: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
                assert_eq!(found, self.wanted(), "hart {hart} on {engine:?}");
            }
            if let Some(stats) = machine.vm.tier_stats() {
                self.check_tier(&stats, engine);
            }
            let boot = tests_boot::Boot {
                ending,
                text: machine.text(),
            };
            match &first {
                None => first = Some(boot),
                Some(wanted) => assert_eq!(left(wanted), left(&boot), "{engine:?}"),
            }
        }
    }

    /// It was compiled, what is hot as loops, and functions without room for all of them.
    fn check_tier(self, stats: &TierStats, engine: &Engine) {
        if engine.0 != EngineMode::Jit {
            // Who is not waited for may come too late.
            return;
        }
        if engine.2 == Some(&[JitTier::Region]) {
            // Functions are no loops.
            assert!(!self.swaps || stats.regions > 0, "{engine:?}: {stats:?}");
            return;
        }
        let bytes = stats.template_bytes + stats.bytes + stats.region_bytes;
        assert!(bytes > 0, "{engine:?}: {stats:?}");
        // Functions are not called often enough for all engines.
        let compiles = engine.1.is_none_or(|threshold| threshold < CALLS as u32);
        assert!(
            !compiles || bytes > ROOM * self.passes * 3 / 4,
            "{engine:?}: {stats:?}"
        );
        let loops = engine
            .2
            .is_none_or(|tiers| tiers.contains(&JitTier::Region));
        let blocks = engine.2.is_none_or(|tiers| tiers.contains(&JitTier::Block));
        assert!(
            !(self.swaps && loops && blocks) || stats.regions > 1,
            "{engine:?}: {stats:?}"
        );
    }
}

/// Nothing yet.
const NOTHING: Does = Does {
    writes: false,
    passes: 0,
    bits: 12,
    swaps: false,
    harts: 1,
};

/// All of it, by four harts.
pub const ALL: Does = Does {
    writes: true,
    passes: 1,
    bits: 11,
    swaps: true,
    harts: 4,
};

#[test]
fn code_that_is_written_while_it_runs_is_right_on_every_engine() {
    let writes = true;
    Does { writes, ..NOTHING }.check(ENGINES);
}

#[test]
fn pages_that_change_places_under_hot_loops_are_right_on_every_engine() {
    let swaps = true;
    Does { swaps, ..NOTHING }.check(ENGINES);
}

#[test]
fn more_code_than_there_is_room_for_is_right_on_every_engine() {
    let passes = 2;
    Does { passes, ..NOTHING }.check(ENGINES);
}

#[test]
fn the_room_for_code_is_used_many_times_over() {
    // Templates are quick enough for it.
    let quick = |engine: &&Engine| {
        let tiers = engine.2.unwrap_or(&[JitTier::Template]);
        engine.0 != EngineMode::Jit || tiers.contains(&JitTier::Template)
    };
    let engines: Vec<Engine> = ENGINES.iter().filter(quick).copied().collect();
    let passes = 20;
    Does { passes, ..NOTHING }.check(&engines);
}

#[test]
fn four_harts_that_do_all_of_it_at_once_are_right_on_every_engine() {
    ALL.check(ENGINES);
}
