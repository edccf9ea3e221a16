//! Hart state management (chapter 9), and the state in which a hart enters supervisor mode.

use vm_core::{GuestPhys, Vcpu};

use super::{Answer, Call, Hart, Outcome, Parties, Reply, Sbi, SbiError};

/// What a hart is doing; the numbers are the specification's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HartState {
    /// It runs.
    Started = 0,
    /// It does not run until another hart starts it.
    Stopped = 1,
    /// It sleeps until an interrupt.
    Suspended = 4,
}

impl HartState {
    pub(super) fn of(number: u64) -> Option<Self> {
        [Self::Started, Self::Stopped, Self::Suspended]
            .into_iter()
            .find(|state| *state as u64 == number)
    }
}

/// Everything that supervisor mode can handle goes there: exceptions 0 to 8, and the page faults
/// 12, 13 and 15.
const MEDELEG: u64 = 0xb1ff;
/// Software, timer and external interrupts of supervisor mode.
const MIDELEG: u64 = 1 << 1 | 1 << 5 | 1 << 9;
/// All counters may be read.
const COUNTEREN: u64 = 0xffff_ffff;
/// Cycle, time and retired instructions may be read by user mode.
const SCOUNTEREN: u64 = 7;
/// STCE and PBMTE; CBZE, CBCFE and CBIE (invalidation is permitted as such). ADUE is off.
const MENVCFG: u64 = 1 << 63 | 1 << 62 | 1 << 7 | 1 << 6 | 3 << 4;
/// One region over all addresses: NAPOT, readable, writable, executable.
const PMPADDR: u64 = u64::MAX >> 10;
const PMPCFG: u64 = 0x1f;

/// `sstatus.SIE`.
const SIE: u64 = 1 << 1;

/// The registers with which a hart enters supervisor mode at `entry`, as a firmware leaves them:
/// `a0` is the hart's number, `a1` the device tree or the caller's word.
#[must_use]
pub fn start_state(hart: u64, entry: u64, a1: u64) -> Vec<(&'static str, u64)> {
    vec![
        ("medeleg", MEDELEG),
        ("mideleg", MIDELEG),
        ("mcounteren", COUNTEREN),
        ("scounteren", SCOUNTEREN),
        ("menvcfg", MENVCFG),
        ("pmpaddr0", PMPADDR),
        ("pmpcfg0", PMPCFG),
        // No timer until the kernel sets one.
        ("stimecmp", u64::MAX),
        ("satp", 0),
        ("sstatus", 0),
        ("a0", hart),
        ("a1", a1),
        ("priv", 1),
        ("pc", entry),
    ]
}

/// Sets all these registers; the name of the first one that the CPU does not have, if any.
pub fn enter(cpu: &mut dyn Vcpu, state: &[(&'static str, u64)]) -> Result<(), &'static str> {
    let mut result = Ok(());
    for (name, value) in state {
        if !cpu.set_register(name, *value) {
            result = result.and(Err(*name));
        }
    }
    result
}

impl Sbi {
    pub(super) fn hart_state(&mut self, call: &Call, parties: &mut Parties) -> Answer {
        match call.function {
            0 => self.start(call, parties).into(),
            1 => {
                if let Some(hart) = self.harts.get_mut(parties.hart) {
                    hart.state = HartState::Stopped;
                }
                Answer::End(Outcome::HartStopped)
            }
            2 => self.status(call, parties).into(),
            3 => self.suspend(call, parties),
            _ => Answer::Error(SbiError::NotSupported),
        }
    }

    fn start(&mut self, call: &Call, parties: &mut Parties) -> Reply {
        let [id, entry, opaque, ..] = call.args;
        let index = usize::try_from(id).map_err(|_| SbiError::InvalidParam)?;
        let hart = self.harts.get_mut(index).ok_or(SbiError::InvalidParam)?;
        if hart.state != HartState::Stopped {
            return Err(SbiError::AlreadyAvailable);
        }
        check_entry(entry, parties)?;
        let cpu = parties.cpus.get_mut(index).ok_or(SbiError::Failed)?;
        enter(&mut **cpu, &start_state(id, entry, opaque)).map_err(|_| SbiError::Failed)?;
        *hart = Hart::new(HartState::Started);
        Ok(0)
    }

    fn status(&self, call: &Call, parties: &Parties) -> Reply {
        let index = usize::try_from(call.args[0]).map_err(|_| SbiError::InvalidParam)?;
        let hart = self.harts.get(index).ok_or(SbiError::InvalidParam)?;
        let awake = || parties.cpus.get(index).is_some_and(|cpu| cpu.wakes());
        match hart.state {
            HartState::Suspended if awake() => Ok(HartState::Started as u64),
            state => Ok(state as u64),
        }
    }

    fn suspend(&mut self, call: &Call, parties: &mut Parties) -> Answer {
        const RETENTIVE: u32 = 0;
        const NON_RETENTIVE: u32 = 0x8000_0000;
        let [kind, entry, opaque, ..] = call.args;
        let kind = kind as u32;
        if kind != RETENTIVE && kind != NON_RETENTIVE {
            return Answer::Error(SbiError::InvalidParam);
        }
        if kind == NON_RETENTIVE
            && let Err(error) = check_entry(entry, parties)
        {
            return Answer::Error(error);
        }
        let hart = parties.hart;
        let Some(cpu) = parties.cpus.get_mut(hart) else {
            return Answer::Error(SbiError::Failed);
        };
        let outcome = if cpu.wakes() {
            Outcome::Continue
        } else {
            Outcome::Idle
        };
        if kind == NON_RETENTIVE {
            // The hart keeps its configuration and wakes as if it were started.
            let registers = [
                ("satp", 0),
                ("a0", hart as u64),
                ("a1", opaque),
                ("pc", entry),
            ];
            let status = cpu.register("sstatus").unwrap_or(0);
            cpu.set_register("sstatus", status & !SIE);
            if enter(&mut **cpu, &registers).is_err() {
                return Answer::Error(SbiError::Failed);
            }
        }
        if outcome == Outcome::Idle
            && let Some(hart) = self.harts.get_mut(hart)
        {
            hart.state = HartState::Suspended;
        }
        if kind == NON_RETENTIVE {
            Answer::End(outcome)
        } else {
            Answer::Then(outcome)
        }
    }
}

/// A hart can begin at an even address in RAM.
fn check_entry(entry: u64, parties: &Parties) -> Result<(), SbiError> {
    let inside = parties.cx.ram.contains(GuestPhys(entry), 2);
    if inside && entry.is_multiple_of(2) {
        Ok(())
    } else {
        Err(SbiError::InvalidAddress)
    }
}
