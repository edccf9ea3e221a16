//! Register tables: what a manual's register summary says, as data.

use vm_core::{Fault, Width};

use crate::Mmio;

/// How a register may be accessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Loads only.
    Ro,
    /// Stores only; a load is a fault.
    Wo,
    /// Loads and stores.
    Rw,
}

/// One register, or an array of equal registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// The name in the manual.
    pub name: &'static str,
    /// The offset of the first byte.
    pub offset: u64,
    /// The width of the register.
    pub width: Width,
    /// How many stand in a row, each `width` after the one before.
    pub count: u64,
    /// The permitted direction.
    pub access: Access,
}

impl Register {
    /// Checks one access of `width` bytes at `offset` against a table.
    ///
    /// Accesses must have the register's own width, or any smaller power of two that lies inside
    /// it when `narrow` says so.
    pub fn check(
        table: &[Self],
        offset: u64,
        width: Width,
        store: bool,
        narrow: bool,
    ) -> Result<&Self, Fault> {
        let found = table.iter().find(|register| {
            let bytes = register.width.bytes().saturating_mul(register.count);
            offset
                .checked_sub(register.offset)
                .is_some_and(|inside| inside < bytes)
        });
        let register = found.ok_or(Fault::NoRegister)?;
        if width > register.width || (width < register.width && !narrow) {
            return Err(Fault::Size);
        }
        if !(offset - register.offset).is_multiple_of(width.bytes()) {
            return Err(Fault::Alignment);
        }
        match (register.access, store) {
            (Access::Ro, true) | (Access::Wo, false) => Err(Fault::ReadOnly),
            _ => Ok(register),
        }
    }
}

impl Register {
    /// Checks one access against what a device says of itself.
    ///
    /// A device with an empty table takes every aligned access.
    pub(crate) fn permit(
        mmio: &dyn Mmio,
        offset: u64,
        width: Width,
        store: bool,
    ) -> Result<(), Fault> {
        if !mmio.registers().is_empty() {
            return Self::check(mmio.registers(), offset, width, store, mmio.narrow()).map(|_| ());
        }
        if offset.is_multiple_of(width.bytes()) {
            Ok(())
        } else {
            Err(Fault::Alignment)
        }
    }
}

/// Writes a register table and an enum of its offsets from the lines of a manual's summary.
///
/// ```
/// vm_device_bus::registers! {
///     /// Registers of a clock, named as in its manual.
///     pub enum Clock: B4 {
///         /// Seconds now.
///         0x00 Data Ro;
///         /// Eight alarm slots.
///         0x20 Alarm[8] Rw;
///     }
/// }
/// assert_eq!(Clock::at(0x24), Some((Clock::Alarm, 1)));
/// assert_eq!(Clock::TABLE[0].name, "Data");
/// ```
#[macro_export]
macro_rules! registers {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident: $width:ident {
            $($(#[$rdoc:meta])* $offset:literal $reg:ident $([$count:expr])? $access:ident;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        $vis enum $name { $($(#[$rdoc])* $reg),+ }

        impl $name {
            /// The register table, for the bus.
            pub const TABLE: &'static [$crate::Register] = &[$($crate::Register {
                name: stringify!($reg),
                offset: $offset,
                width: ::vm_core::Width::$width,
                count: 1 $( - 1 + $count)?,
                access: $crate::Access::$access,
            }),+];
            const ALL: &'static [Self] = &[$(Self::$reg),+];

            /// The register at this offset, and which of a row of equal ones it is.
            #[must_use]
            pub fn at(offset: u64) -> Option<(Self, u64)> {
                Self::TABLE.iter().zip(Self::ALL).find_map(|(row, register)| {
                    let inside = offset.checked_sub(row.offset)?;
                    let index = inside / row.width.bytes();
                    (index < row.count).then_some((*register, index))
                })
            }
        }
    };
}
