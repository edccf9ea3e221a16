//! The helpers: what instructions do that operations can not say, in the order of `helper_ids`.

use vm_core::{Flush, GuestVirt, Trap};
use vm_ir::{Effects, Helper, HelperCx, Request};
use vm_mem::Access;

use crate::csr::{self, Change, Modify, Moment};
use crate::fields::satp;
use crate::helper_ids as id;
use crate::mmu;
use crate::trap::{self, cause};

/// The bytes that a cache-block instruction works on.
pub const CACHE_BLOCK_BYTES: u64 = 64;

const fn effects(reads: bool, writes: bool, traps: bool) -> Effects {
    Effects {
        reads,
        writes,
        traps,
    }
}

/// Works on the state.
const STATE: Effects = effects(true, true, false);
/// Works on the state, or traps.
const SYSTEM: Effects = effects(true, true, true);
/// Looks at the state, or traps.
const LOOK: Effects = effects(true, false, true);
/// Asks something of the engine.
const ASK: Effects = effects(true, false, false);

/// All helpers; an operation names one by its place.
#[rustfmt::skip] // One row a helper.
pub static HELPERS: [Helper; id::COUNT] = place([
    (id::FLOAT_DIRTY,   Helper { name: "float_dirty",   run: float_dirty,   effects: STATE }),
    (id::CSR_READ,      Helper { name: "csr_read",      run: csr_read,      effects: LOOK }),
    (id::CSR_WRITE,     Helper { name: "csr_write",     run: csr_write,     effects: SYSTEM }),
    (id::CSR_SWAP,      Helper { name: "csr_swap",      run: csr_swap,      effects: SYSTEM }),
    (id::CSR_SET,       Helper { name: "csr_set",       run: csr_set,       effects: SYSTEM }),
    (id::CSR_CLEAR,     Helper { name: "csr_clear",     run: csr_clear,     effects: SYSTEM }),
    (id::MRET,          Helper { name: "mret",          run: mret,          effects: STATE }),
    (id::SRET,          Helper { name: "sret",          run: sret,          effects: STATE }),
    (id::WFI,           Helper { name: "wfi",           run: wfi,           effects: ASK }),
    (id::SFENCE_VMA,    Helper { name: "sfence_vma",    run: sfence_vma,    effects: ASK }),
    (id::FIRMWARE_CALL, Helper { name: "firmware_call", run: firmware_call, effects: STATE }),
    (id::WRS,           Helper { name: "wrs",           run: wrs,           effects: ASK }),
    (id::CACHE_BLOCK,   Helper { name: "cache_block",   run: cache_block,   effects: LOOK }),
]);

/// Holds each helper to its number.
const fn place<const N: usize>(rows: [(u32, Helper); N]) -> [Helper; N] {
    let mut placed = [rows[0].1; N];
    let mut i = 0;
    while i < N {
        assert!(rows[i].0 as usize == i, "a helper stands at another place");
        placed[i] = rows[i].1;
        i += 1;
    }
    placed
}

fn float_dirty(cx: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    csr::make_dirty(cx.slots);
    Ok(0)
}

/// The register's number, if the hart has the right to it.
fn permitted(cx: &HelperCx, number: u64, writes: bool, insn: u64) -> Result<u16, Trap> {
    u16::try_from(number)
        .ok()
        .filter(|number| csr::permitted(cx.slots, *number, writes))
        .ok_or(Trap::new(cause::ILLEGAL, insn))
}

fn moment(cx: &HelperCx, number: u16) -> Moment {
    Moment {
        retired: cx.retired,
        now_ns: if csr::knows_time(number) {
            cx.now_ns()
        } else {
            0
        },
    }
}

fn csr_read(cx: &mut HelperCx, [number, insn, ..]: [u64; 4]) -> Result<u64, Trap> {
    let number = permitted(cx, number, false, insn)?;
    Ok(csr::read(cx.slots, moment(cx, number), number))
}

fn change(cx: &mut HelperCx, args: [u64; 4], how: Modify) -> Result<u64, Trap> {
    let [number, operand, insn, _] = args;
    let number = permitted(cx, number, true, insn)?;
    let moment = moment(cx, number);
    let mut change = Change {
        slots: cx.slots,
        moment,
        requests: cx.requests,
    };
    Ok(csr::modify(&mut change, number, how, operand))
}

/// Reading has no effect on any register, so that a write without one is a swap.
fn csr_write(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    change(cx, args, Modify::Swap).map(|_| 0)
}

fn csr_swap(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    change(cx, args, Modify::Swap)
}

fn csr_set(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    change(cx, args, Modify::Set)
}

fn csr_clear(cx: &mut HelperCx, args: [u64; 4]) -> Result<u64, Trap> {
    change(cx, args, Modify::Clear)
}

fn mret(cx: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    trap::machine_return(cx.slots);
    Ok(0)
}

fn sret(cx: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    trap::supervisor_return(cx.slots);
    Ok(0)
}

fn wfi(cx: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    if !trap::wakes(cx.slots) {
        cx.requests.push(Request::Idle);
    }
    Ok(0)
}

fn sfence_vma(cx: &mut HelperCx, [addr, asid, given, _]: [u64; 4]) -> Result<u64, Trap> {
    let page = GuestVirt(addr);
    let space = asid & satp::ASID;
    let forget = match given & 3 {
        0 => Flush::All,
        1 => Flush::Page(page, None),
        2 => Flush::Space(space),
        _ => Flush::Page(page, Some(space)),
    };
    cx.requests.push(Request::Flush(forget));
    Ok(0)
}

fn firmware_call(cx: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    cx.requests.push(Request::Call);
    Ok(0)
}

/// Goes on at once, as the instruction may: a program that waits so polls anyway.
fn wrs(_: &mut HelperCx, _: [u64; 4]) -> Result<u64, Trap> {
    Ok(0)
}

/// A block may be managed by who may load or store there; who may not gets a store's trap.
fn cache_block(cx: &mut HelperCx, [addr, ..]: [u64; 4]) -> Result<u64, Trap> {
    let block = GuestVirt(addr & !(CACHE_BLOCK_BYTES - 1));
    let ask = |access| mmu::walk(cx.slots, cx.ram, block, CACHE_BLOCK_BYTES, access);
    match ask(Access::Load).or_else(|_| ask(Access::Store)) {
        Ok(_) => Ok(0),
        Err(trap) => Err(Trap {
            value: addr,
            ..trap
        }),
    }
}

#[cfg(test)]
mod tests {
    use vm_core::{Clock, GuestPhys};
    use vm_ir::SlotId;
    use vm_mem::GuestRam;

    use super::*;
    use crate::slots as s;
    use crate::state;

    /// Calls a helper with some slots set; gives its answer and what it asked for.
    fn call(slots: &mut [u64], helper: u32, args: [u64; 4]) -> (Result<u64, Trap>, Vec<Request>) {
        let ram = GuestRam::new(&[(GuestPhys(0x8000_0000), 0x1000)]).unwrap();
        let clock = Clock::virtual_time();
        let mut requests = Vec::new();
        let mut cx = HelperCx {
            slots,
            ram: &ram,
            clock: &clock,
            pc: 0x100,
            retired: 41,
            in_slice: 1000,
            requests: &mut requests,
        };
        let answer = (HELPERS[helper as usize].run)(&mut cx, args);
        (answer, requests)
    }

    fn hart(set: &[(SlotId, u64)]) -> Vec<u64> {
        let mut slots = vec![0; s::SLOTS];
        state::reset(&mut slots, 0);
        for (slot, value) in set {
            slots[usize::from(slot.0)] = *value;
        }
        slots
    }

    #[test]
    fn csr_helpers_read_write_and_trap_with_the_instruction() {
        const INSN: u64 = 0x3000_2073;
        let illegal = Err(Trap::new(2, INSN));
        // (helper, arguments, answer, mscratch after)
        for (helper, args, answer, after) in [
            (id::CSR_READ, [0x340, INSN, 0, 0], Ok(5), 5),
            (id::CSR_WRITE, [0x340, 9, INSN, 0], Ok(0), 9),
            (id::CSR_SWAP, [0x340, 9, INSN, 0], Ok(5), 9),
            (id::CSR_SET, [0x340, 10, INSN, 0], Ok(5), 15),
            (id::CSR_CLEAR, [0x340, 4, INSN, 0], Ok(5), 1),
            (id::CSR_READ, [0xb02, INSN, 0, 0], Ok(41), 5),
            (id::CSR_READ, [0xc01, INSN, 0, 0], Ok(10), 5),
            (id::CSR_READ, [0xf14, INSN, 0, 0], Ok(0), 5),
            (id::CSR_SET, [0xf14, 0, INSN, 0], illegal, 5),
            (id::CSR_WRITE, [0xc00, 0, INSN, 0], illegal, 5),
            (id::CSR_READ, [0x001, INSN, 0, 0], illegal, 5),
            (id::CSR_READ, [0x3a1, INSN, 0, 0], illegal, 5),
            (id::CSR_READ, [0x1_0340, INSN, 0, 0], illegal, 5),
        ] {
            let mut slots = hart(&[(s::MSCRATCH, 5)]);
            let (found, requests) = call(&mut slots, helper, args);
            assert_eq!(found, answer, "{helper} {args:x?}");
            assert_eq!(slots[usize::from(s::MSCRATCH.0)], after);
            assert_eq!(requests, []);
        }
        let mut user = hart(&[(s::PRIV, 0)]);
        let read = call(&mut user, id::CSR_READ, [0x100, INSN, 0, 0]).0;
        assert_eq!(read, illegal);
    }

    #[test]
    fn fences_name_what_is_forgotten() {
        let page = GuestVirt(0x1234);
        for (given, expect) in [
            (0, Flush::All),
            (1, Flush::Page(page, None)),
            (2, Flush::Space(7)),
            (3, Flush::Page(page, Some(7))),
        ] {
            let args = [0x1234, 0x5_0007, given, 0];
            let (answer, requests) = call(&mut hart(&[]), id::SFENCE_VMA, args);
            assert_eq!((answer, requests), (Ok(0), vec![Request::Flush(expect)]));
        }
    }

    #[test]
    fn waiting_ends_at_once_if_something_is_pending() {
        for (enabled, pending, expect) in [
            (0, 2, vec![Request::Idle]),
            (2, 0, vec![Request::Idle]),
            (2, 2, vec![]),
        ] {
            let mut slots = hart(&[(s::MIE, enabled), (s::MIP_SOFT, pending)]);
            assert_eq!(call(&mut slots, id::WFI, [0; 4]), (Ok(0), expect));
        }
    }

    #[test]
    fn returns_set_the_program_counter() {
        let mut slots = hart(&[(s::MEPC, 0x2000), (s::SEPC, 0x3000)]);
        assert_eq!(call(&mut slots, id::MRET, [0; 4]), (Ok(0), vec![]));
        assert_eq!(slots[usize::from(s::PC.0)], 0x2000);
        assert_eq!(call(&mut slots, id::SRET, [0; 4]), (Ok(0), vec![]));
        assert_eq!(slots[usize::from(s::PC.0)], 0x3000);
    }

    #[test]
    fn floating_point_becomes_dirty_and_firmware_is_called() {
        let mut slots = hart(&[(s::MSTATUS, 1 << 13)]);
        assert_eq!(call(&mut slots, id::FLOAT_DIRTY, [0; 4]), (Ok(0), vec![]));
        assert_eq!(slots[usize::from(s::MSTATUS.0)], 3 << 13);
        let asked = call(&mut slots, id::FIRMWARE_CALL, [0; 4]);
        assert_eq!(asked, (Ok(0), vec![Request::Call]));
        assert_eq!(call(&mut slots, id::WRS, [1, 0, 0, 0]), (Ok(0), vec![]));
    }

    #[test]
    fn cache_blocks_need_the_right_to_load_or_store() {
        // (entry of the protection, answer in supervisor mode)
        for (entry, expect) in [
            (0x19, Ok(0)),
            (0x1b, Ok(0)),
            (0x1c, Err(Trap::new(7, 0x8000_0044))),
            (0, Err(Trap::new(7, 0x8000_0044))),
        ] {
            let set = [
                (s::PRIV, 1),
                (s::PMPCFG, entry),
                (s::PMPADDR, (1 << 54) - 1),
            ];
            let args = [0x8000_0044, 0, 0, 0];
            assert_eq!(
                call(&mut hart(&set), id::CACHE_BLOCK, args).0,
                expect,
                "{entry}"
            );
        }
    }
}
