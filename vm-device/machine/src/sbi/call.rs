//! A call as the guest makes it, its names, and its answers.

use std::fmt;

use vm_core::Vcpu;

/// Extension numbers; the new ones are the extension's name in ASCII.
pub(super) mod extension {
    pub const PUTCHAR: u64 = 1;
    pub const GETCHAR: u64 = 2;
    pub const BASE: u64 = 0x10;
    pub const TIME: u64 = 0x5449_4d45;
    pub const IPI: u64 = 0x0073_5049;
    pub const RFENCE: u64 = 0x5246_4e43;
    pub const HSM: u64 = 0x0048_534d;
    pub const SRST: u64 = 0x5352_5354;
    pub const PMU: u64 = 0x0050_4d55;
    pub const DBCN: u64 = 0x4442_434e;
    pub const SUSP: u64 = 0x5355_5350;
    pub const FWFT: u64 = 0x4657_4654;
}

/// An extension: its number, its name, whether it is offered, and its functions with the
/// numbers of their arguments.
type Row = (u64, &'static str, bool, &'static [(&'static str, usize)]);

#[rustfmt::skip] // a table
const EXTENSIONS: &[Row] = &[
    (extension::PUTCHAR, "legacy", true,  &[("console_putchar", 1)]),
    (extension::GETCHAR, "legacy", true,  &[("console_getchar", 0)]),
    (extension::BASE,    "base",   true,  &[("get_spec_version", 0), ("get_impl_id", 0), ("get_impl_version", 0),
                                            ("probe_extension", 1), ("get_mvendorid", 0), ("get_marchid", 0), ("get_mimpid", 0)]),
    (extension::TIME,    "time",   true,  &[("set_timer", 1)]),
    (extension::IPI,     "ipi",    true,  &[("send_ipi", 2)]),
    (extension::RFENCE,  "rfence", true,  &[("fence_i", 2), ("sfence_vma", 4), ("sfence_vma_asid", 5), ("hfence_gvma_vmid", 5),
                                            ("hfence_gvma", 4), ("hfence_vvma_asid", 5), ("hfence_vvma", 4)]),
    (extension::HSM,     "hsm",    true,  &[("hart_start", 3), ("hart_stop", 0), ("hart_get_status", 1), ("hart_suspend", 3)]),
    (extension::SRST,    "srst",   true,  &[("system_reset", 2)]),
    (extension::PMU,     "pmu",    false, &[("num_counters", 0), ("counter_get_info", 1)]),
    (extension::DBCN,    "dbcn",   true,  &[("console_write", 3), ("console_read", 3), ("console_write_byte", 1)]),
    (extension::SUSP,    "susp",   false, &[("system_suspend", 3)]),
    (extension::FWFT,    "fwft",   true,  &[("set", 3), ("get", 1)]),
];

/// Whether an extension is offered.
pub(super) fn offered(id: u64) -> bool {
    row(id).is_some_and(|(_, _, offered, _)| *offered)
}

fn row(id: u64) -> Option<&'static Row> {
    EXTENSIONS.iter().find(|row| row.0 == id)
}

/// One call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The extension (`a7`).
    pub extension: u64,
    /// The function (`a6`).
    pub function: u64,
    /// The arguments (`a0` to `a5`).
    pub args: [u64; 6],
}

impl Call {
    /// The call that stands in a hart's registers.
    #[must_use]
    pub fn read(cpu: &dyn Vcpu) -> Self {
        let register = |name: &str| cpu.register(name).unwrap_or(0);
        Self {
            extension: register("a7"),
            function: register("a6"),
            args: ["a0", "a1", "a2", "a3", "a4", "a5"].map(register),
        }
    }
}

/// The call as a trace shows it: `hsm.hart_start(0x1, 0x80200000, 0x0)`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arguments = self.args.len();
        match row(self.extension) {
            Some((_, name, _, functions)) => {
                write!(f, "{name}.")?;
                let legacy = self.extension < extension::BASE;
                let index = if legacy { 0 } else { self.function };
                match usize::try_from(index).ok().and_then(|i| functions.get(i)) {
                    Some((name, count)) => {
                        arguments = *count;
                        write!(f, "{name}")?;
                    }
                    None => write!(f, "{:#x}", self.function)?,
                }
            }
            None => write!(f, "{:#x}.{:#x}", self.extension, self.function)?,
        }
        let shown = self.args.iter().take(arguments);
        let texts: Vec<String> = shown.map(|arg| format!("{arg:#x}")).collect();
        write!(f, "({})", texts.join(", "))
    }
}

/// The errors of the specification's chapter 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
pub enum SbiError {
    /// It did not work.
    Failed = -1,
    /// There is no such extension, function or feature.
    NotSupported = -2,
    /// An argument is not possible.
    InvalidParam = -3,
    /// It is not allowed.
    Denied = -4,
    /// An address is not possible.
    InvalidAddress = -5,
    /// The hart runs already.
    AlreadyAvailable = -6,
    /// The feature was locked.
    DeniedLocked = -14,
}

impl SbiError {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Failed, "failed"),
        (Self::NotSupported, "not supported"),
        (Self::InvalidParam, "invalid parameter"),
        (Self::Denied, "denied"),
        (Self::InvalidAddress, "invalid address"),
        (Self::AlreadyAvailable, "already available"),
        (Self::DeniedLocked, "denied, locked"),
    ];

    /// The number that the guest gets.
    #[must_use]
    pub const fn code(self) -> u64 {
        self as i64 as u64
    }
}

/// The answer in a hart's registers as a trace shows it, after the call.
#[must_use]
pub fn reply_text(cpu: &dyn Vcpu) -> String {
    let register = |name: &str| cpu.register(name).unwrap_or(0);
    let error = register("a0");
    if error == 0 {
        return format!("{:#x}", register("a1"));
    }
    let known = SbiError::ALL.iter().find(|(e, _)| e.code() == error);
    known.map_or_else(|| format!("{error:#x}"), |(_, text)| (*text).to_owned())
}
