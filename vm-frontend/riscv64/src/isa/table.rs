//! The tables of all files as one.

use vm_ir::rows::{count, join};

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
pub static ROWS: &[Row] = &join::<_, { count(PARTS) }>(PARTS);
