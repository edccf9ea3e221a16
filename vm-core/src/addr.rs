//! Guest addresses as types, so that a virtual address is never used as a physical one.

use std::fmt;
use std::ops::{Add, Sub};

/// The size of the smallest page that the emulator tracks, as a power of two.
pub const PAGE_BITS: u32 = 12;
/// The size of the smallest page that the emulator tracks.
pub const PAGE_BYTES: u64 = 1 << PAGE_BITS;
/// The bits of an address that name its page.
pub const PAGE_MASK: u64 = !(PAGE_BYTES - 1);

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl $name {
            /// The start of the page that holds this address.
            #[must_use]
            pub const fn page(self) -> Self {
                Self(self.0 & PAGE_MASK)
            }

            /// The number of the page that holds this address.
            #[must_use]
            pub const fn page_number(self) -> u64 {
                self.0 >> PAGE_BITS
            }

            /// The distance from the start of the page.
            #[must_use]
            pub const fn page_offset(self) -> u64 {
                self.0 & !PAGE_MASK
            }

            /// The address `bytes` further on, or `None` past the end of the address space.
            #[must_use]
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }
        }

        /// Guest address arithmetic wraps, as it does on every guest.
        impl Add<u64> for $name {
            type Output = Self;
            fn add(self, bytes: u64) -> Self {
                Self(self.0.wrapping_add(bytes))
            }
        }

        impl Sub<$name> for $name {
            type Output = u64;
            fn sub(self, other: Self) -> u64 {
                self.0.wrapping_sub(other.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

address! {
    /// An address on the guest's physical bus.
    GuestPhys
}
address! {
    /// An address as a guest instruction sees it, before translation.
    GuestVirt
}
