//! The tables of all files as one.

use super::Row;
use super::{
    privileged, rv_a, rv_c, rv_d, rv_f, rv_i, rv_m, rv_v, rv_zfhmin, svinval, zawrs, zba, zbb, zbc,
    zbs, zicbom, zicond, zicsr, zifencei,
};

const PARTS: &[&[Row]] = &[
    rv_i::ROWS,
    rv_m::ROWS,
    rv_a::ROWS,
    rv_f::ROWS,
    rv_d::ROWS,
    rv_zfhmin::ROWS,
    rv_c::ROWS,
    rv_v::ROWS,
    zicsr::ROWS,
    zifencei::ROWS,
    zba::ROWS,
    zbb::ROWS,
    zbc::ROWS,
    zbs::ROWS,
    zicond::ROWS,
    zicbom::ROWS,
    zawrs::ROWS,
    svinval::ROWS,
    privileged::ROWS,
];

/// All rows.
pub static ROWS: &[Row] = &join::<{ count(PARTS) }>(PARTS);

const fn count(parts: &[&[Row]]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < parts.len() {
        sum += parts[i].len();
        i += 1;
    }
    sum
}

const fn join<const N: usize>(parts: &[&[Row]]) -> [Row; N] {
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
