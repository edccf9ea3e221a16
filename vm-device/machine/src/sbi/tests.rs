//! Calls as a kernel makes them, on CPUs that only keep their registers.

mod bench;

use vm_core::{Flush, GuestPhys, GuestVirt};

use super::*;
use bench::Bench;

/// Where RAM begins.
const RAM: u64 = 0x8000_0000;
const NOT_SUPPORTED: i64 = -2;
const INVALID_PARAM: i64 = -3;
const INVALID_ADDRESS: i64 = -5;

#[test]
fn base_says_who_is_there() {
    let mut bench = Bench::new(1);
    bench.set(0, "mvendorid", 0x123);
    for (function, arg, value) in [
        (0, 0, 0x0200_0000),
        (1, 0, 0x766d),
        (3, extension::TIME, 1),
        (3, extension::DBCN, 1),
        (3, extension::FWFT, 1),
        (3, extension::PMU, 0),
        (3, extension::SUSP, 0),
        (3, 0, 0),
        (3, 8, 0),
        (3, 1, 1),
        (4, 0, 0x123),
        (5, 0, 0),
    ] {
        assert_eq!(
            bench.call(0x10, function, &[arg]),
            (0, value),
            "{function} {arg:#x}"
        );
    }
    for (ext, function) in [
        (0x10, 7),
        (extension::PMU, 0),
        (extension::SUSP, 0),
        (0, 0),
        (8, 0),
        (u64::MAX, u64::MAX),
        (extension::TIME, 1),
        (extension::IPI, 1),
        (extension::HSM, 4),
        (extension::RFENCE, 3),
        (extension::RFENCE, 6),
        (extension::SRST, 1),
        (extension::DBCN, 3),
        (extension::FWFT, 2),
    ] {
        assert_eq!(
            bench.call(ext, function, &[]).0,
            NOT_SUPPORTED,
            "{ext:#x} {function}"
        );
    }
}

#[test]
fn the_timer_is_the_harts_own() {
    let mut bench = Bench::new(2);
    assert_eq!(bench.call(extension::TIME, 0, &[0x1234_5678_9abc]), (0, 0));
    assert_eq!(
        (bench.get(0, "stimecmp"), bench.get(1, "stimecmp")),
        (0x1234_5678_9abc, 0)
    );
}

#[test]
fn ipis_reach_exactly_the_harts_of_the_mask() {
    let mut bench = Bench::new(4);
    for (mask, first, error, reached) in [
        (0b0101, 0, 0, vec![0, 2]),
        (0b0011, 2, 0, vec![2, 3]),
        (0, u64::MAX, 0, vec![0, 1, 2, 3]),
        (0, 0, 0, vec![]),
        (0b10000, 0, INVALID_PARAM, vec![]),
        (0b111, 2, INVALID_PARAM, vec![]),
        (1 << 63, u64::MAX - 1, INVALID_PARAM, vec![]),
    ] {
        assert_eq!(
            bench.call(extension::IPI, 0, &[mask, first]).0,
            error,
            "{mask:#b} {first}"
        );
        for hart in 0..4 {
            let expected = if reached.contains(&hart) {
                vec![(1, true)]
            } else {
                vec![]
            };
            assert_eq!(
                bench.take_lines(hart),
                expected,
                "{mask:#b} {first} hart {hart}"
            );
        }
    }
}

#[test]
fn fences_forget_what_was_named() {
    let mut bench = Bench::new(2);
    let page = |addr: u64, asid| Flush::Page(GuestVirt(addr), asid);
    for (function, range, asid, expected) in [
        (0, (0, 0), 0, vec![Flush::All]),
        (1, (0, 0), 0, vec![Flush::All]),
        (1, (0x1000, u64::MAX), 0, vec![Flush::All]),
        (
            1,
            (0x1ff8, 16),
            0,
            vec![page(0x1000, None), page(0x2000, None)],
        ),
        (1, (0x1000, 0), 0, vec![]),
        (1, (0, 65 * 4096), 0, vec![Flush::All]),
        (2, (0x5000, 4096), 7, vec![page(0x5000, Some(7))]),
        (2, (0, 1 << 40), 7, vec![Flush::Space(7)]),
        (2, (0, 0), 0xffff, vec![Flush::Space(0xffff)]),
    ] {
        let args = [2, 0, range.0, range.1, asid];
        assert_eq!(bench.call(extension::RFENCE, function, &args), (0, 0));
        assert_eq!(bench.take_flushes(1), expected, "{function} {range:x?}");
        assert_eq!(bench.take_flushes(0), []);
    }
    assert_eq!(
        bench.call(extension::RFENCE, 1, &[1, 0, 0, 64 * 4096]),
        (0, 0)
    );
    assert_eq!(bench.take_flushes(0).len(), 64);
    for (args, error) in [
        ([4, 0, 0, 0, 0], INVALID_PARAM),
        ([1, 0, u64::MAX, 2, 0], INVALID_ADDRESS),
        ([1, 0, 0, 0, 0x1_0000], INVALID_PARAM),
    ] {
        assert_eq!(bench.call(extension::RFENCE, 2, &args).0, error);
    }
    assert_eq!(
        (bench.take_flushes(0), bench.take_flushes(1)),
        (vec![], vec![])
    );
}

#[test]
fn harts_start_stop_and_sleep() {
    let mut bench = Bench::new(2);
    let status = |bench: &mut Bench, hart| bench.call(extension::HSM, 2, &[hart]);
    assert!(bench.sbi.runs(0) && !bench.sbi.runs(1) && !bench.sbi.runs(2));
    assert_eq!(status(&mut bench, 1), (0, 1));
    assert_eq!(status(&mut bench, 2).0, INVALID_PARAM);
    for (args, error) in [
        ([2, RAM, 0], INVALID_PARAM),
        ([u64::MAX, RAM, 0], INVALID_PARAM),
        ([0, RAM, 0], -6),
        ([1, 0x1000, 0], INVALID_ADDRESS),
        ([1, RAM + 1, 0], INVALID_ADDRESS),
    ] {
        assert_eq!(bench.call(extension::HSM, 0, &args).0, error, "{args:x?}");
    }
    bench.set(1, "satp", 99);
    bench.set(1, "sstatus", 2);
    assert_eq!(bench.call(extension::HSM, 0, &[1, RAM + 64, 0x77]), (0, 0));
    assert!(bench.sbi.runs(1));
    for (name, value) in [
        ("pc", RAM + 64),
        ("a0", 1),
        ("a1", 0x77),
        ("satp", 0),
        ("sstatus", 0),
        ("priv", 1),
        ("medeleg", 0xb1ff),
        ("mideleg", 0x222),
        ("stimecmp", u64::MAX),
    ] {
        assert_eq!(bench.get(1, name), value, "{name}");
    }
    assert_eq!(
        (status(&mut bench, 1), status(&mut bench, 0)),
        ((0, 0), (0, 0))
    );
    let stopped = bench.call_from(1, extension::HSM, 1, &[]);
    assert_eq!(
        (stopped.0, bench.sbi.runs(1)),
        (Outcome::HartStopped, false)
    );
    assert_eq!(status(&mut bench, 1), (0, 1));
}

#[test]
fn a_suspended_hart_wakes_where_it_asked_to() {
    let mut bench = Bench::new(2);
    bench.call(extension::HSM, 0, &[1, RAM, 0]);
    assert_eq!(
        bench.call_from(1, extension::HSM, 3, &[0]),
        (Outcome::Idle, 0, 0)
    );
    assert_eq!(
        (bench.sbi.state(1), bench.sbi.runs(1)),
        (Some(HartState::Suspended), true)
    );
    assert_eq!(bench.call(extension::HSM, 2, &[1]), (0, 4));
    bench.seen[1].lock().unwrap().wakes = true;
    assert_eq!(bench.call(extension::HSM, 2, &[1]), (0, 0));
    bench.sbi.resumed(1);
    assert_eq!(bench.sbi.state(1), Some(HartState::Started));
    // An interrupt is pending already: no sleep.
    let again = bench.call_from(1, extension::HSM, 3, &[0]);
    assert_eq!(again, (Outcome::Continue, 0, 0));
    bench.seen[1].lock().unwrap().wakes = false;
    bench.set(1, "sstatus", 0x8000_0002);
    let deep = bench.call_from(1, extension::HSM, 3, &[0x8000_0000, RAM + 8, 5]);
    assert_eq!(deep, (Outcome::Idle, 1, 5));
    assert_eq!(
        (bench.get(1, "pc"), bench.get(1, "sstatus")),
        (RAM + 8, 0x8000_0000)
    );
    for (args, error) in [
        ([1, RAM, 0], INVALID_PARAM),
        ([0x9000_0000, RAM, 0], INVALID_PARAM),
        ([0x8000_0000, 8, 0], INVALID_ADDRESS),
    ] {
        assert_eq!(bench.call(extension::HSM, 3, &args).0, error, "{args:x?}");
    }
}

#[test]
fn resets_are_told_apart() {
    let mut bench = Bench::new(1);
    for (kind, reason, request) in [
        (0, 0, Request::PowerOff),
        (1, 0, Request::Reset),
        (2, 0xe000_0000, Request::Reset),
        (0, 1, Request::Panicked { restart: false }),
        (1, 1, Request::Panicked { restart: true }),
        (2, 1, Request::Panicked { restart: true }),
    ] {
        let (outcome, ..) = bench.call_from(0, extension::SRST, 0, &[kind, reason]);
        assert_eq!(outcome, Outcome::Request(request), "{kind} {reason}");
    }
    for (kind, reason, error) in [
        (3, 0, INVALID_PARAM),
        (0, 2, INVALID_PARAM),
        (0xf000_0000, 0, NOT_SUPPORTED),
    ] {
        assert_eq!(bench.call(extension::SRST, 0, &[kind, reason]).0, error);
    }
}

#[test]
fn the_debug_console_touches_ram_only() {
    let mut bench = Bench::new(1);
    bench.ram.write(GuestPhys(RAM + 8), b"hello").unwrap();
    assert_eq!(bench.call(extension::DBCN, 0, &[5, RAM + 8, 0]), (0, 5));
    assert_eq!(bench.call(extension::DBCN, 2, &[0x121]), (0, 0));
    assert_eq!(bench.tape.out, b"hello!");
    bench.tape.input = b"input".to_vec();
    assert_eq!(bench.call(extension::DBCN, 1, &[3, RAM + 64, 0]), (0, 3));
    let mut bytes = [0; 4];
    bench.ram.read(GuestPhys(RAM + 64), &mut bytes).unwrap();
    assert_eq!(&bytes, b"inp\0");
    bench.tape.out.clear();
    assert_eq!(
        bench.call(extension::DBCN, 0, &[1 << 20, RAM, 0]),
        (0, 4096)
    );
    assert_eq!(bench.tape.out.len(), 4096);
    bench.tape.out.clear();
    for args in [
        [(1 << 20) + 1, RAM, 0],
        [1, RAM, 1],
        [1, RAM - 1, 0],
        [u64::MAX, RAM, 0],
    ] {
        for function in [0, 1] {
            assert_eq!(
                bench.call(extension::DBCN, function, &args).0,
                INVALID_PARAM
            );
        }
    }
    assert_eq!((bench.tape.out.len(), bench.tape.input.len()), (0, 2));
}

#[test]
fn legacy_calls_leave_a1_alone() {
    let mut bench = Bench::new(1);
    bench.tape.input = b"x".to_vec();
    let (_, error, a1) = bench.call_from(0, 1, 0, &[u64::from(b'y'), 0x99]);
    assert_eq!((error, a1, bench.tape.out.as_slice()), (0, 0x99, &b"y"[..]));
    assert_eq!(bench.call(2, 0, &[]).0, i64::from(b'x'));
    assert_eq!(bench.call(2, 0, &[]).0, -1);
}

#[test]
fn features_are_set_read_and_locked() {
    let mut bench = Bench::new(1);
    let set = |bench: &mut Bench, args: &[u64]| bench.call(extension::FWFT, 0, args).0;
    bench.set(0, "menvcfg", 0);
    let get = |bench: &mut Bench, feature| bench.call(extension::FWFT, 1, &[feature]);
    assert_eq!((get(&mut bench, 0), get(&mut bench, 4)), ((0, 0), (0, 0)));
    assert_eq!(set(&mut bench, &[4, 1, 0]), 0);
    assert_eq!(
        (get(&mut bench, 4), bench.get(0, "menvcfg")),
        ((0, 1), 1 << 61)
    );
    assert_eq!(set(&mut bench, &[0, 1, 1]), 0);
    assert_eq!(
        (set(&mut bench, &[0, 0, 0]), get(&mut bench, 0)),
        (-14, (0, 1))
    );
    assert_eq!(set(&mut bench, &[4, 0, 0]), 0);
    for (args, error) in [
        ([4, 2, 0], INVALID_PARAM),
        ([4, 1, 2], INVALID_PARAM),
        ([2, 1, 0], NOT_SUPPORTED),
        ([6, 1, 0], -4),
        ([0xffff_ffff, 1, 0], -4),
    ] {
        assert_eq!(set(&mut bench, &args), error, "{args:?}");
    }
    bench.seen[0].lock().unwrap().menvcfg = !(1 << 61);
    assert_eq!(set(&mut bench, &[4, 1, 0]), NOT_SUPPORTED);
}

#[test]
fn a_restored_firmware_knows_what_the_saved_one_knew() {
    let mut bench = Bench::new(3);
    bench.call(extension::HSM, 0, &[1, RAM, 0]);
    bench.call_from(1, extension::HSM, 3, &[0]);
    bench.call(extension::FWFT, 0, &[0, 1, 1]);
    let mut saved = Section::new("sbi", 1);
    bench.sbi.save(&mut saved);
    let mut other = Sbi::new(3);
    other.restore(&saved.fields()).unwrap();
    let mut again = Section::new("sbi", 1);
    other.save(&mut again);
    assert_eq!(saved, again);
    assert_eq!(other.state(1), Some(HartState::Suspended));
    assert!(Sbi::new(2).restore(&saved.fields()).is_err());
    other.reset();
    assert!(other.runs(0) && !other.runs(1));
}

#[test]
fn calls_and_answers_have_names() {
    let mut bench = Bench::new(1);
    for (ext, function, args, text, reply) in [
        (
            extension::HSM,
            0,
            vec![9, RAM, 7],
            "hsm.hart_start(0x9, 0x80000000, 0x7)",
            "invalid parameter",
        ),
        (
            extension::BASE,
            0,
            vec![],
            "base.get_spec_version()",
            "0x2000000",
        ),
        (
            extension::BASE,
            9,
            vec![],
            "base.0x9(0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
            "not supported",
        ),
        (1, 0x55, vec![0x41], "legacy.console_putchar(0x41)", "0x0"),
        (
            0x123,
            1,
            vec![1],
            "0x123.0x1(0x1, 0x0, 0x0, 0x0, 0x0, 0x0)",
            "not supported",
        ),
    ] {
        let expected = text;
        bench.call(ext, function, &args);
        assert_eq!(reply_text(&*bench.cpus[0]), reply);
        for (index, arg) in args.iter().enumerate() {
            bench.set(0, &format!("a{index}"), *arg);
        }
        if args.is_empty() {
            bench.set(0, "a0", 0);
        }
        assert_eq!(Call::read(&*bench.cpus[0]).to_string(), expected);
    }
}

#[test]
fn no_call_panics_whatever_its_arguments() {
    let mut bench = Bench::new(4);
    let mut entropy = vm_core::Entropy::new(5);
    let interesting = [
        0,
        1,
        4096,
        RAM,
        RAM + (1 << 20),
        u64::MAX,
        1 << 31,
        0x8000_0000,
        1 << 63,
    ];
    let extensions = [
        1,
        2,
        0x10,
        extension::TIME,
        extension::IPI,
        extension::RFENCE,
    ]
    .into_iter()
    .chain([
        extension::HSM,
        extension::SRST,
        extension::DBCN,
        extension::FWFT,
    ]);
    let extensions: Vec<u64> = extensions.collect();
    for _ in 0..20_000 {
        let mut pick = |from: &[u64]| from[(entropy.next_u64() % from.len() as u64) as usize];
        let ext = pick(&extensions);
        let hart = pick(&[0, 1, 2, 3]) as usize;
        let function = pick(&[0, 1, 2, 3, 4, 5, 6, u64::MAX]);
        let args: Vec<u64> = (0..6).map(|_| pick(&interesting)).collect();
        bench.call_from(hart, ext, function, &args);
        bench.tape.out.clear();
        for hart in 0..4 {
            bench.take_lines(hart);
            assert!(bench.take_flushes(hart).len() <= 64);
        }
    }
}
