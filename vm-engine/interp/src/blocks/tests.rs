//! What a range touches.

use super::*;

#[test]
fn granules_cover_exactly_what_a_range_touches() {
    for (offset, bytes, want) in [
        (0, 1, 1),
        (63, 1, 1),
        (63, 2, 3),
        (64, 64, 2),
        (4095, 8, 1 << 63),
        (0, 4096, u64::MAX),
    ] {
        assert_eq!(
            granules(GuestPhys(0x8000_0000 + offset), bytes),
            want,
            "{offset} {bytes}"
        );
    }
}
