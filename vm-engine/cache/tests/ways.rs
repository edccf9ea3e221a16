//! Jumps that lead straight from one piece of code to another, and back.
#![expect(unsafe_code, reason = "runs code that was placed; see UNSAFETY")]
// HOST-ARCH: the pieces are x86-64 code.
#![cfg(target_arch = "x86_64")]
// UNSAFETY: the functions called are the few instructions of `piece`, in windows that nobody has
// reclaimed yet.

use vm_engine_cache::{Arena, Epochs, LeastRecentlyUsed, Place, WINDOW_BYTES, Ways};

/// `mov eax, number; ret`
fn returning(number: i32) -> Vec<u8> {
    [&[0xb8][..], &number.to_le_bytes(), &[0xc3]].concat()
}

/// A piece that gives its number from where its only jump leads by itself, and the negative of it
/// to whoever comes when it has been forgotten.
fn piece(number: i32, bytes: usize) -> (Vec<u8>, Ways) {
    let mut code = vec![0x90, 0x90, 0x90, 0xe9, 0, 0, 0, 0];
    code.extend(returning(number));
    let away = code.len() as u16;
    code.extend(returning(-number));
    code.resize(bytes.max(code.len()), 0xcc);
    let ways = Ways {
        exits: [4, 0, 0],
        stubs: [8, 0, 0],
        entry: 0,
        away,
    };
    (code, ways)
}

struct Pieces {
    arena: Arena<i32>,
    bytes: usize,
}

impl Pieces {
    fn new(bytes: usize) -> Self {
        let arena = Arena::new(1 << 20, Box::new(LeastRecentlyUsed)).unwrap();
        Self { arena, bytes }
    }

    fn place(&mut self, number: i32) -> Place {
        let (code, ways) = piece(number, self.bytes);
        let place = self.arena.place_with(number, &code, 1, Some(ways));
        place.expect("there is room")
    }

    fn join(&mut self, from: &Place, to: &Place) -> bool {
        self.arena.join(from.id, 0, to.id)
    }
}

fn run(place: &Place) -> i32 {
    // SAFETY: see UNSAFETY.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(place.entry as usize) };
    function()
}

#[test]
fn who_is_joined_to_a_piece_runs_it_until_it_is_forgotten() {
    let mut pieces = Pieces::new(0);
    let [first, second, third] = [1, 2, 3].map(|number| pieces.place(number));
    assert_eq!([run(&first), run(&second)], [1, 2]);
    assert!(pieces.join(&first, &second) && pieces.join(&second, &third));
    assert_eq!(run(&first), 3);
    // What is forgotten sends away whoever comes, and is joined to nothing.
    assert!(pieces.arena.forget(third.id));
    assert_eq!([run(&first), run(&second), run(&third)], [-3, -3, -3]);
    assert!(!pieces.join(&first, &third) && !pieces.join(&third, &first));
    assert_eq!(run(&first), -3);
    pieces.arena.part_all();
    assert_eq!([run(&first), run(&second)], [1, 2]);
}

#[test]
fn a_piece_without_ways_is_joined_to_nothing() {
    let mut pieces = Pieces::new(0);
    let first = pieces.place(1);
    let plain = pieces.arena.place(2, &returning(2), 1).unwrap();
    assert!(!pieces.join(&first, &plain) && !pieces.join(&plain, &first));
    // There is no second exit.
    assert!(!pieces.arena.join(first.id, 1, first.id));
    assert!(pieces.arena.forget(plain.id));
    assert_eq!([run(&first), run(&plain)], [1, 2]);
}

#[test]
fn what_leads_into_a_window_is_led_back_before_the_window_goes() {
    let mut pieces = Pieces::new(WINDOW_BYTES);
    let epochs = Epochs::new(1);
    let places = [1, 2, 3].map(|number| pieces.place(number));
    let [first, second, third] = &places;
    assert!(pieces.join(second, first) && pieces.join(third, second));
    assert_eq!(run(third), 1);
    let evicted = pieces.arena.evict().expect("windows are full");
    assert_eq!(evicted.units[0].key, 1, "the one that was used longest ago");
    assert_eq!([run(second), run(third)], [2, 2]);
    pieces.arena.retire(evicted, &epochs);
    // The jump in the next window that goes is let alone once that is another one's.
    assert_eq!(pieces.arena.reclaim(&epochs), 1);
    let evicted = pieces.arena.evict().expect("windows are full");
    pieces.arena.retire(evicted, &epochs);
    assert_eq!(pieces.arena.reclaim(&epochs), 1);
    assert_eq!(run(third), 3);
    let fourth = pieces.place(4);
    assert!(pieces.join(third, &fourth));
    assert_eq!(run(third), 4);
    pieces.arena.part_all();
    assert_eq!([run(third), run(&fourth)], [3, 4]);
}

#[test]
fn a_jump_that_was_led_on_is_not_led_back_for_where_it_led_before() {
    let mut pieces = Pieces::new(WINDOW_BYTES);
    let places = [1, 2, 3].map(|number| pieces.place(number));
    let [first, second, third] = &places;
    assert!(pieces.join(third, first) && pieces.join(third, second));
    let evicted = pieces.arena.evict().expect("windows are full");
    assert_eq!(evicted.units[0].key, 1);
    assert_eq!(run(third), 2);
    drop(evicted);
}
