//! Firmware features (version 3.0, chapter 18): what the kernel may switch for its own hart.

use super::{Call, Parties, Reply, Sbi, SbiError};

const MISALIGNED_EXC_DELEG: u32 = 0;
const PTE_AD_HW_UPDATING: u32 = 4;

/// `menvcfg.ADUE`.
const ADUE: u64 = 1 << 61;

/// The features of one hart.
///
/// Misaligned accesses are carried out by the hart, and there is no machine-mode code that could
/// emulate the few that are not: what remains always goes to supervisor mode, so that the first
/// feature is a word that is kept and changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Features {
    misaligned: bool,
    locked: u8,
}

impl Features {
    pub(super) const RESET: Self = Self {
        misaligned: false,
        locked: 0,
    };

    pub(super) fn word(self) -> u64 {
        u64::from(self.misaligned) | u64::from(self.locked) << 8
    }

    pub(super) fn of(word: u64) -> Option<Self> {
        let found = Self {
            misaligned: word & 1 != 0,
            locked: (word >> 8) as u8,
        };
        (found.word() == word).then_some(found)
    }
}

impl Sbi {
    pub(super) fn feature(&mut self, call: &Call, parties: &mut Parties) -> Reply {
        let feature = call.args[0] as u32;
        match call.function {
            0 => self.set_feature(feature, call.args[1], call.args[2], parties),
            1 => self.feature_value(feature, parties),
            _ => Err(SbiError::NotSupported),
        }
    }

    fn set_feature(
        &mut self,
        feature: u32,
        value: u64,
        flags: u64,
        parties: &mut Parties,
    ) -> Reply {
        // Unknown features are told before wrong values.
        self.feature_value(feature, parties)?;
        let hart = self.harts.get_mut(parties.hart).ok_or(SbiError::Failed)?;
        let cpu = parties.cpus.get_mut(parties.hart).ok_or(SbiError::Failed)?;
        if value > 1 || flags > 1 {
            return Err(SbiError::InvalidParam);
        }
        let lock = 1u8 << feature;
        if hart.features.locked & lock != 0 {
            return Err(SbiError::DeniedLocked);
        }
        if feature == MISALIGNED_EXC_DELEG {
            hart.features.misaligned = value != 0;
        } else {
            let old = cpu.register("menvcfg").unwrap_or(0);
            let new = if value == 0 { old & !ADUE } else { old | ADUE };
            cpu.set_register("menvcfg", new);
            if cpu.register("menvcfg").unwrap_or(0) & ADUE != new & ADUE {
                return Err(SbiError::NotSupported);
            }
        }
        if flags & 1 != 0 {
            hart.features.locked |= lock;
        }
        Ok(0)
    }

    fn feature_value(&self, feature: u32, parties: &Parties) -> Reply {
        let hart = self.harts.get(parties.hart).ok_or(SbiError::Failed)?;
        let cpu = parties.cpus.get(parties.hart).ok_or(SbiError::Failed)?;
        match feature {
            MISALIGNED_EXC_DELEG => Ok(u64::from(hart.features.misaligned)),
            PTE_AD_HW_UPDATING => {
                let config = cpu.register("menvcfg").ok_or(SbiError::NotSupported)?;
                Ok(u64::from(config & ADUE != 0))
            }
            // Landing pads, shadow stacks, double traps and pointer masking.
            1..=3 | 5 => Err(SbiError::NotSupported),
            // Reserved, or for a platform to define.
            _ => Err(SbiError::Denied),
        }
    }
}
