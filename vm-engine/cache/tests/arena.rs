//! The arena as its owner uses it: placing, forgetting, evicting, reclaiming.

use vm_engine_cache::{
    ALIGN, Arena, ArenaError, Departed, Epochs, LeastRecentlyUsed, NoRoom, Place, WINDOW_BYTES,
};

const MIB: u64 = 1 << 20;

fn arena(bytes: u64) -> Arena<u32> {
    Arena::new(bytes, Box::new(LeastRecentlyUsed)).unwrap()
}

/// A unit whose bytes tell its key.
fn code(key: u32, bytes: usize) -> Vec<u8> {
    key.to_le_bytes().into_iter().cycle().take(bytes).collect()
}

#[test]
fn sizes_that_make_no_sense_are_refused_with_the_range() {
    for bytes in [0, MIB - 1, (4 << 30) + WINDOW_BYTES as u64, u64::MAX] {
        let refused = Arena::<u32>::new(bytes, Box::new(LeastRecentlyUsed));
        let Err(ArenaError::Size { bytes: told, .. }) = refused else {
            panic!("{bytes} bytes are refused");
        };
        assert_eq!(told, bytes);
    }
    assert_eq!(arena(MIB + 5).stats().bytes, MIB);
}

#[test]
fn units_stand_aligned_one_behind_the_other_and_hold_their_bytes() {
    let mut arena = arena(MIB);
    let lengths = [
        1,
        15,
        16,
        17,
        4096,
        0,
        100_000,
        WINDOW_BYTES - 1,
        WINDOW_BYTES,
    ];
    let mut places: Vec<Place> = Vec::new();
    for (key, bytes) in lengths.into_iter().enumerate() {
        let place = arena
            .place(key as u32, &code(key as u32, bytes), 1)
            .unwrap();
        assert_eq!(place.entry % ALIGN as u64, 0, "{bytes}");
        assert_eq!(place.bytes as usize, bytes);
        let free = |other: &Place| {
            other.entry + u64::from(other.bytes) <= place.entry
                || place.entry + bytes as u64 <= other.entry
        };
        assert!(places.iter().all(free), "{bytes}");
        places.push(place);
    }
    for (key, bytes) in lengths.into_iter().enumerate() {
        assert_eq!(arena.code(&places[key]).unwrap(), code(key as u32, bytes));
    }
    let long = vec![0; WINDOW_BYTES + 1];
    assert_eq!(arena.place(9, &long, 1), Err(NoRoom::TooLong));
    let stats = arena.stats();
    assert_eq!((stats.units, stats.placed), (9, 9));
    assert_eq!(stats.live_bytes, lengths.iter().sum::<usize>() as u64);
    assert_eq!(
        stats.live_bytes + stats.dead_bytes + stats.free_bytes,
        stats.bytes
    );
}

#[test]
fn a_full_arena_refuses_and_goes_on_after_eviction_and_grace() {
    let (mut arena, epochs) = (arena(MIB), Epochs::new(1));
    let mut places = Vec::new();
    let refused = loop {
        let key = places.len() as u32;
        match arena.place(key, &code(key, 1000), 1) {
            Ok(place) => places.push(place),
            Err(why) => break why,
        }
    };
    assert_eq!(refused, NoRoom::Full);
    assert!(arena.short());
    let inside = epochs.enter(0);
    let evicted = arena.evict().unwrap();
    let first: Vec<u32> = (0..evicted.units.len() as u32).collect();
    let keys: Vec<u32> = evicted.units.iter().map(|unit| unit.key).collect();
    assert_eq!(
        keys, first,
        "the oldest window goes, with all that is in it"
    );
    assert_eq!(evicted.units[3].place, places[3]);
    arena.retire(evicted, &epochs);
    assert!(!arena.short(), "one is on its way");
    assert_eq!((arena.reclaim(&epochs), arena.stats().waiting), (0, 1));
    assert_eq!(arena.place(0, &[0; 1000], 1), Err(NoRoom::Full));
    drop(inside);
    assert_eq!((arena.reclaim(&epochs), arena.stats().waiting), (1, 0));
    let again = arena.place(0, &code(0, 1000), 1).unwrap();
    assert_eq!(again.entry, places[0].entry);
    assert_ne!(again.id, places[0].id, "no two units have the same name");
    assert!(arena.code(&places[0]).is_none() && !arena.forget(places[0].id));
    let stats = arena.stats();
    assert_eq!((stats.evictions, stats.reclaimed, stats.refused), (1, 1, 2));
    assert_eq!(stats.evicted, first.len() as u64);
}

#[test]
fn a_window_of_forgotten_units_goes_first() {
    let mut arena = arena(MIB);
    let per_window = WINDOW_BYTES / 4096;
    let place = |key| (key, &[1; 4096]);
    let mut places = Vec::new();
    for key in 0..3 * per_window + 1 {
        let (key, code) = place(key as u32);
        places.push(arena.place(key, code, 1).unwrap());
    }
    for gone in &places[per_window..2 * per_window] {
        assert!(arena.forget(gone.id) && !arena.forget(gone.id));
    }
    let evicted = arena.evict().unwrap();
    assert!(evicted.units.is_empty());
    let next = arena.evict().unwrap();
    assert_eq!(next.units.len(), per_window);
    assert_eq!(next.units[0].key, 0);
    assert_eq!(arena.stats().forgotten, per_window as u64);
}

#[test]
fn what_was_seen_running_last_stays_longest() {
    let mut arena = arena(MIB);
    let mut firsts = Vec::new();
    while let Ok(place) = arena.place(firsts.len() as u32, &[7; WINDOW_BYTES], 9) {
        firsts.push(place);
    }
    for at in [1, 0] {
        arena.touch(firsts[at].id, 5);
    }
    let mut gone = Vec::new();
    while let Some(evicted) = arena.evict() {
        let unit: Departed<u32> = evicted.units[0];
        assert_eq!((unit.place, unit.cost), (firsts[unit.key as usize], 9));
        gone.push(unit.key);
    }
    assert_eq!(gone, [2, 3, 1, 0]);
}

#[test]
fn what_is_used_fades_with_each_eviction() {
    let mut arena = arena(2 * MIB);
    let first = arena.place(0, &[0; 65536], 1).unwrap();
    arena.touch(first.id, 100);
    let mut last = first;
    for key in 1..20 {
        last = arena.place(key, &[0; 65536], 1).unwrap();
    }
    arena.touch(last.id, 60);
    // The first window goes last here: it was seen running.
    let heat = |arena: &mut Arena<u32>| {
        let evicted = arena.evict().unwrap();
        evicted.units.iter().map(|unit| unit.heat).max().unwrap()
    };
    assert_eq!(heat(&mut arena), 100);
    for _ in 0..3 {
        assert_eq!(heat(&mut arena), 0);
    }
}
