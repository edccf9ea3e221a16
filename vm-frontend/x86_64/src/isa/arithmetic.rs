//! Binary arithmetic: Intel SDM volume 1, section 5.1.2.

use iced_x86::Mnemonic as M;

use super::row::{FlagSet, Row, Undefined, open, row, todo};
use crate::slots::CF;

/// A product says only whether it fits.
const PRODUCT: Undefined = Undefined::always(
    FlagSet::SF
        .and(FlagSet::ZF)
        .and(FlagSet::AF)
        .and(FlagSet::PF),
);

/// A quotient says nothing.
const QUOTIENT: Undefined = Undefined::always(PRODUCT.always.and(FlagSet::CF).and(FlagSet::OF));

#[rustfmt::skip] // One row an instruction.
pub(super) const ROWS: &[Row] = &[
    row(M::Add, |t| t.add(t.no())),
    row(M::Adc, |t| t.add(t.flag(CF))),
    row(M::Sub, |t| t.subtract(t.no())),
    row(M::Sbb, |t| t.subtract(t.flag(CF))),
    row(M::Cmp, |t| t.compare(t.read(0), t.read(1))),
    row(M::Neg, |t| t.negate()),
    row(M::Inc, |t| t.increment()),
    row(M::Dec, |t| t.decrement()),

    open(M::Mul,  PRODUCT,  |t| t.multiply_wide(false)),
    open(M::Imul, PRODUCT,  |t| t.multiply_signed()),
    open(M::Div,  QUOTIENT, |t| t.divide(false)),
    open(M::Idiv, QUOTIENT, |t| t.divide(true)),

    todo(M::Adcx), todo(M::Adox), todo(M::Mulx),
];
