//! Large pages for what is large and read here and there.

use std::mem::MaybeUninit;

use crate::sys;

/// Has memory put on large pages, where the host has them; to be asked for before it is touched.
pub fn prefer_large_pages<T>(room: &mut [MaybeUninit<T>]) {
    sys::advise(room.as_mut_ptr().cast(), size_of_val(room));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_about_any_piece_of_memory_changes_no_byte() {
        for bytes in [0, 1, 4095, 3 << 20] {
            let mut room: Vec<u8> = Vec::with_capacity(bytes + 1);
            room.push(7);
            prefer_large_pages(room.spare_capacity_mut());
            room.resize(bytes + 1, 8);
            assert!(room[0] == 7 && room[1..].iter().all(|byte| *byte == 8));
        }
    }
}
