//! The macros that read tables of rows and of kinds.

/// Defines an architecture's kinds of fields: `/// doc` `Name "text";` each.
///
/// Makes the enum `Kind`, `kind_named` and `kind_of`.
#[macro_export]
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal;)+) => {
        /// What a field holds.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])+ $name),+ }

        /// The kind of this name; there must be one.
        #[must_use]
        pub const fn kind_named(name: &[u8]) -> Kind {
            $(if $crate::rows::text::same(name, $text.as_bytes()) {
                return Kind::$name;
            })+
            panic!("there is no such kind of field")
        }

        /// The kind that a text gives a field.
        #[must_use]
        pub const fn kind_of(text: &str, letter: &str) -> Kind {
            kind_named($crate::rows::text::kind_name(text, letter.as_bytes()[0]))
        }
    };
}

/// Reads a table of rows into `ROWS`.
///
/// The module above has a module `notation` with:
/// `Row`, the architecture's [`Row`](crate::rows::Row);
/// `Lift<'_>`, what meanings write with;
/// `kind_of`, of [`kinds!`](crate::kinds!);
/// `const fn reading(Kind) -> Reading`;
/// `const fn marks(pattern, text) -> u32`, see [`Row::marks`](crate::rows::Row::marks);
/// and `Typed<KIND>` with the trait `Taken`, which make a field's number what meanings take.
#[macro_export]
macro_rules! rows {
    (
        $extension:literal
        $($name:ident $bits:literal $text:literal
            $($status:ident)? $(|$t:ident $(, $field:ident)*| $meaning:expr)?;)+
    ) => {
        /// The rows of this file.
        pub(super) const ROWS: &[super::notation::Row] = &[$(
            super::notation::Row::new(
                $extension,
                stringify!($name),
                $bits,
                $text,
                $crate::row_status!($($status)?),
                super::notation::marks($bits, $text),
                $crate::row_meaning!($bits $text $(|$t $(, $field)*| $meaning)?),
            )
        ),+];
    };
}

/// The status of a row; part of [`rows!`](crate::rows!).
#[doc(hidden)]
#[macro_export]
macro_rules! row_status {
    () => {
        $crate::rows::Status::Live
    };
    (todo) => {
        $crate::rows::Status::Todo
    };
    (reserved) => {
        $crate::rows::Status::Reserved
    };
}

/// The meaning of a row; part of [`rows!`](crate::rows!).
#[doc(hidden)]
#[macro_export]
macro_rules! row_meaning {
    ($bits:literal $text:literal) => {
        None
    };
    ($bits:literal $text:literal |$t:ident $(, $field:ident)*| $meaning:expr) => {{
        fn meaning($t: &super::notation::Lift<'_>, encoding: u32) {
            let _ = encoding;
            $(let $field = {
                use super::notation::{Kind, Taken, Typed, kind_of, reading};
                const KIND: Kind = kind_of($text, stringify!($field));
                const FIELD: $crate::rows::Field =
                    $crate::rows::Field::of($bits, stringify!($field), reading(KIND));
                <Typed<{ KIND as u8 }> as Taken>::from_field(FIELD.take(encoding))
            };)*
            $meaning
        }
        Some(meaning as super::notation::Meaning)
    }};
}

/// How many rows these tables have together.
#[must_use]
pub const fn count<R>(parts: &[&[R]]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < parts.len() {
        sum += parts[i].len();
        i += 1;
    }
    sum
}

/// The rows of these tables one behind the other.
#[must_use]
pub const fn join<R: Copy, const N: usize>(parts: &[&[R]]) -> [R; N] {
    let mut all = [parts[0][0]; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            all[at] = parts[part][i];
            at += 1;
            i += 1;
        }
        part += 1;
    }
    all
}
