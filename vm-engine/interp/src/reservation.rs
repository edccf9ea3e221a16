//! Reservations: a load that reserves, and a store that depends on it.
//!
//! A reservation is what the load found and where, in three words of the CPU's state that nobody
//! else sees; the store is a comparison with it and an exchange, which nothing comes between.
//! So it fails if memory holds another value, whoever wrote that, and costs others nothing.
//! It does not notice that somebody has written another value and then the same one again: to
//! notice that, every store of every CPU would have to look for reservations.

/// The words of a reservation: the physical address, the value, and how many bytes it has.
pub type Words = [u64; 3];

/// No reservation: no address is like this.
pub const NONE: Words = [u64::MAX, 0, 0];

/// The reservation of a value that was loaded.
pub const fn of(at: u64, value: u64, bytes: u64) -> Words {
    [at, value, bytes]
}

/// Stores if the reservation is for this place: `exchange` compares with the value and changes it.
/// Whatever comes of it, the reservation is gone.
pub fn store(words: &mut Words, at: u64, bytes: u64, exchange: impl FnOnce(u64) -> bool) -> bool {
    let [place, value, length] = std::mem::replace(words, NONE);
    (place, length) == (at, bytes) && exchange(value)
}
