//! Which NaN comes out, and when invalid is raised for one that went in.

use super::format::Layout;
use super::rules::{Flags, NanRule, Out, Rules};

/// The result of an invalid operation on operands that are not NaNs.
#[cold]
pub(super) fn invalid(format: Layout, rules: Rules) -> Out {
    Out {
        bits: default_nan(format, rules),
        flags: Flags::NV,
    }
}

/// The NaN an operation makes from nothing.
pub(super) const fn default_nan(format: Layout, rules: Rules) -> u64 {
    match rules.nan {
        NanRule::Canonical | NanRule::ArmPropagate => format.quiet_nan(),
        NanRule::X86Propagate => format.quiet_nan() | format.sign_bit(),
    }
}

/// The result of an operation with at least one NaN among its operands, which are in the order in
/// which the rule looks at them.
#[cold]
pub(super) fn propagate(format: Layout, operands: &[u64], rules: Rules) -> Out {
    let mut nans = operands.iter().copied().filter(|&bits| format.is_nan(bits));
    let mut signalling = operands
        .iter()
        .copied()
        .filter(|&bits| format.is_signalling(bits));
    let first_signalling = signalling.next();
    let chosen = match rules.nan {
        NanRule::Canonical => None,
        NanRule::ArmPropagate => first_signalling.or_else(|| nans.next()),
        NanRule::X86Propagate => nans.next(),
    };
    let bits = match chosen {
        Some(nan) => quiet(format, nan),
        None => default_nan(format, rules),
    };
    Out {
        bits,
        flags: Flags::NV.when(first_signalling.is_some()),
    }
}

/// The same NaN, quiet, with nothing above the format's width.
pub(super) const fn quiet(format: Layout, nan: u64) -> u64 {
    (nan & (format.sign_bit() | format.magnitude_mask())) | format.quiet_bit()
}
