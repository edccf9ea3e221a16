//! Blocks that die while CPUs are on their way into them or in them.
#![expect(unsafe_code, reason = "enters handlers; see UNSAFETY")]
// UNSAFETY: handlers follow pointers to the CPU and what belongs to it, all of it owned here.

use super::machine::cpu;
use crate::cpu::{Cpu, StopKind};
use crate::flat::Flat;
use crate::native::{AVAILABLE, HOOK, run};
use crate::store::Store;

/// Another CPU writes the block's page, behind the check at the entry and before native code.
unsafe extern "C" fn dies(cpu: *mut Cpu, ip: *const Flat, fuel: i64) -> i64 {
    // SAFETY: see UNSAFETY.
    unsafe {
        (*(*cpu).code).head.bury();
        (*(*cpu).code).toll.bury();
        HOOK(cpu, ip, fuel)
    }
}

#[test]
fn who_enters_a_block_that_dies_gets_back_the_fuel_that_was_taken() {
    if !AVAILABLE {
        return;
    }
    let mut cpu = cpu();
    cpu.slow.enter_context(&mut cpu.cpu);
    cpu.cpu.slow = &raw mut *cpu.slow;
    let first = Flat {
        run: dies,
        words: [0; 4],
        imm: 0,
    };
    let site = crate::flat::Site { flat: 0, offset: 0 };
    let code = Store::default().keep([first].into_iter(), &[site; 5], (0x1000, 0), 20);
    let (left, stop) = {
        let cpu = &raw mut *cpu.cpu;
        // SAFETY: see UNSAFETY.
        unsafe { (run(cpu, code.place(), 0x1000, 7), (*cpu).stop) }
    };
    assert_eq!((left, stop), (7, StopKind::Fuel));
}
