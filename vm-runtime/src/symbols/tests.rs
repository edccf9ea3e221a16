//! Tables from every source, whole and damaged, and where a kernel stands.

use super::*;
use crate::symbols::memory::search;

/// A small table: address, size, type, name.
const ROWS: [(u64, u64, u8, &str); 6] = [
    (0xffff_ffff_8000_0000, 0, b'T', "_text"),
    (0xffff_ffff_8000_0000, 0, b't', "alias"),
    (0xffff_ffff_8000_0040, 0x20, b't', "sized"),
    (0xffff_ffff_8000_0100, 0, b'T', "last"),
    (0x10, 0, b'A', "number"),
    (0xffff_ffff_8000_0080, 0, b't', "last"),
];

fn rows() -> Symbols {
    let mut rows = table::Collector::default();
    for (addr, bytes, kind, name) in ROWS {
        rows.add(addr, bytes, kind, name.as_bytes()).expect("a row");
    }
    rows.finish().expect("a table")
}

fn check_lookups(symbols: &Symbols, slide: u64) {
    for (offset, want) in [
        (0, Some("_text")),
        (4, Some("_text+0x4")),
        (0x40, Some("sized")),
        (0x5f, Some("sized+0x1f")),
        (0x60, None),
        (0x80, Some("last")),
        (0x104, Some("last+0x4")),
        (1 << 30, None),
        (0u64.wrapping_sub(4), None),
    ] {
        let addr = 0xffff_ffff_8000_0000u64
            .wrapping_add(offset)
            .wrapping_add(slide);
        let got = symbols.lookup(addr).map(|place| place.to_string());
        assert_eq!(got.as_deref(), want, "{offset:#x}");
    }
}

#[test]
fn addresses_have_names_and_names_addresses() {
    let mut symbols = rows();
    check_lookups(&symbols, 0);
    for (name, want) in [
        ("_text", Some(0xffff_ffff_8000_0000)),
        ("alias", Some(0xffff_ffff_8000_0000)),
        // The global one.
        ("last", Some(0xffff_ffff_8000_0100)),
        ("last+0x10", Some(0xffff_ffff_8000_0110)),
        ("last+16", Some(0xffff_ffff_8000_0110)),
        ("number", Some(0x10)),
        ("las", None),
        ("", None),
        ("zzz", None),
    ] {
        assert_eq!(symbols.resolve(name), want, "{name}");
    }
    for (name, want) in [
        ("_text", Some((0, 0x40))),
        ("sized", Some((0x40, 0x60))),
        ("nothing", None),
    ] {
        let base = 0xffff_ffff_8000_0000;
        let got = symbols.range(name).map(|r| (r.start - base, r.end - base));
        assert_eq!(got, want, "{name}");
    }
    symbols.set_slide(0x20_0000);
    check_lookups(&symbols, 0x20_0000);
    assert_eq!(symbols.find("sized"), Some(0xffff_ffff_8020_0040));
    assert_eq!(symbols.find("number"), Some(0x10), "a number does not move");
}

#[test]
fn a_written_elf_file_is_read_back() {
    let symbols = rows();
    let file = symbols.to_elf(243);
    let back = Symbols::from_elf(&file).expect("our own file");
    check_lookups(&back, 0);
    assert_eq!(back.len(), ROWS.len());
    assert_eq!(back.find("number"), Some(0x10));
    // However it is cut, there is an answer.
    for length in 0..file.len() {
        let _ = Symbols::from_elf(&file[..length]);
    }
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bad = file.clone();
            bad[at] = value;
            let _ = Symbols::from_elf(&bad);
        }
    }
}

#[test]
fn a_map_is_read_or_its_bad_line_named() {
    let good = b"ffffffff80000000 T _start\nffffffff80000010 t next\t[module]\r\n\n";
    let symbols = Symbols::from_map(good).expect("a map");
    let place = symbols.lookup(0xffff_ffff_8000_0014).expect("a place");
    assert_eq!(place.to_string(), "next+0x4");
    for (text, want) in [
        ("", SymbolError::Empty),
        ("0000000000000000 T hidden\n", SymbolError::Empty),
        ("10 T a\n20 b\n", SymbolError::Map { line: 2 }),
        (
            "ffffffffffffffff B The real System.map is elsewhere\n",
            SymbolError::Map { line: 1 },
        ),
        ("+10 T a\n", SymbolError::Map { line: 1 }),
        ("10 TT a\n", SymbolError::Map { line: 1 }),
        ("123456789abcdef01 T a\n", SymbolError::Map { line: 1 }),
    ] {
        assert_eq!(
            Symbols::from_map(text.as_bytes()).err(),
            Some(want),
            "{text:?}"
        );
    }
    let long = format!("10 T {}\n", "a".repeat(4096));
    assert!(Symbols::from_map(long.as_bytes()).is_err());
    let odd = Symbols::from_map(b"10 T a\x1b[2Jb\n").expect("a map");
    assert_eq!(odd.find("a?[2Jb"), Some(0x10), "no terminal obeys a name");
}

/// Which order the parts have, and how offsets are counted.
#[derive(Clone, Copy, Debug)]
enum Form {
    Old,
    New,
    PerCpu,
}

/// A table as `scripts/kallsyms.c` writes it, of `count` symbols `f0`, `f1`..., 16 bytes apart.
fn kallsyms(form: Form, base: u64, count: usize) -> Vec<u8> {
    fn align(out: &mut Vec<u8>) {
        out.resize(out.len().next_multiple_of(8), 0);
    }
    let offset = |i: usize| match form {
        Form::PerCpu => -1 - 16 * i as i32,
        _ => 16 * i as i32,
    };
    let (mut names, mut markers) = (Vec::new(), Vec::new());
    for i in 0..count {
        if i % 256 == 0 {
            markers.push(names.len() as u32);
        }
        // Token 1 is "Tf"; long names have two bytes of length.
        let mut text = match i {
            1 => b"T_text".to_vec(),
            2 => b"Dlinux_banner".to_vec(),
            _ => vec![1],
        };
        text.extend(i.to_string().bytes().filter(|_| !matches!(i, 1 | 2)));
        if i == 7 {
            text.extend([b'x'; 200]);
        }
        if text.len() > 0x7f {
            names.push((text.len() & 0x7f) as u8 | 0x80);
            names.push((text.len() >> 7) as u8);
        } else {
            names.push(text.len() as u8);
        }
        names.extend(text);
    }
    let mut offsets = Vec::new();
    for i in 0..count {
        offsets.extend(offset(i).to_le_bytes());
    }
    align(&mut offsets);
    offsets.extend(base.to_le_bytes());
    let order = vec![0x5a; 3 * count];

    let mut out = vec![0xcc; 64];
    if let Form::Old = form {
        out.extend(&offsets);
    }
    out.extend((count as u64).to_le_bytes());
    out.extend(&names);
    align(&mut out);
    out.extend(markers.iter().flat_map(|marker| marker.to_le_bytes()));
    align(&mut out);
    if let Form::Old = form {
        out.extend(&order);
        align(&mut out);
    }
    let (mut index, mut at) = (Vec::new(), 0u16);
    for token in 0..=255u8 {
        index.extend(at.to_le_bytes());
        let text: &[u8] = match token {
            1 => b"Tf",
            0 | 128.. => b"",
            _ => &[token],
        };
        out.extend(text);
        out.push(0);
        at += text.len() as u16 + 1;
    }
    align(&mut out);
    out.extend(index);
    if !matches!(form, Form::Old) {
        out.extend(&offsets);
        out.extend(&order);
    }
    out.extend([0xcc; 64]);
    out
}

#[test]
fn the_kernels_own_table_is_found_in_every_form() {
    for form in [Form::Old, Form::New, Form::PerCpu] {
        for before in [0, 8, (1 << 20) - 600, (1 << 20) + 8] {
            let mut memory = vec![0; before];
            let base = 0xffff_ffff_8000_0000;
            memory.extend(kallsyms(form, base, 3000));
            let found = Symbols::from_kallsyms(&memory[..]);
            let symbols = found.unwrap_or_else(|error| panic!("{form:?} {before}: {error}"));
            assert_eq!(symbols.len(), 3000, "{form:?} {before}");
            assert_eq!(symbols.find("f2999"), Some(base + 16 * 2999), "{form:?}");
            let place = symbols.lookup(base + 16 * 256 + 4).map(|p| p.to_string());
            assert_eq!(place.as_deref(), Some("f256+0x4"), "{form:?}");
            let long = format!("f7{}", "x".repeat(200));
            assert_eq!(symbols.find(&long), Some(base + 16 * 7), "{form:?}");
        }
    }
}

#[test]
fn a_table_that_was_tampered_with_is_refused_or_read_but_never_more() {
    let good = kallsyms(Form::New, 0xffff_ffff_8000_0000, 900);
    for at in (0..good.len()).step_by(3) {
        for value in [0, 0xff, b'0'] {
            let mut bad = good.clone();
            bad[at] = value;
            if let Ok(symbols) = Symbols::from_kallsyms(&bad[..]) {
                assert!(symbols.len() <= 900);
            }
        }
    }
    let digits = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00".repeat(50_000);
    assert_eq!(
        Symbols::from_kallsyms(&digits[..]).err(),
        Some(SymbolError::NoKallsyms)
    );
    let low = kallsyms(Form::New, 0x8000_0000, 900);
    assert!(
        Symbols::from_kallsyms(&low[..]).is_err(),
        "no kernel stands there"
    );
}

#[test]
fn a_search_finds_each_place_once_and_across_windows() {
    let mut memory = vec![0; (2 << 20) + 100];
    let places = [0, 62, 68, (1 << 20) - 2, (1 << 20) + 9, (2 << 20) + 96];
    for at in places {
        memory[at..at + 4].copy_from_slice(b"abca");
    }
    let mut found = Vec::new();
    search(&memory[..], b"abca", |at| {
        found.push(at as usize);
        true
    });
    assert_eq!(found, places);
}

/// RAM from 2 GiB, with a banner of Linux in it.
struct Ram(Vec<u8>);

impl Memory for Ram {
    fn ranges(&self) -> Vec<std::ops::Range<u64>> {
        std::iter::once(1 << 31..(1 << 31) + self.0.len() as u64).collect()
    }

    fn read(&self, addr: u64, out: &mut [u8]) -> bool {
        self.0[..].read(addr - (1 << 31), out)
    }
}

#[test]
fn a_kernel_that_has_moved_is_found_by_its_banner_and_the_page_tables() {
    let base: u64 = 0xffff_ffff_8000_0000;
    let map = format!(
        "{base:x} T _start\n{:x} T work\n{:x} D linux_banner\n",
        base + 0x100,
        base + 0x2040
    );
    let mut ram = Ram(vec![0; 8 << 20]);
    let kernel = 2 << 20;
    // One in the log, at another place of its page, and the kernel's.
    for at in [0x123, kernel + 0x2040] {
        ram.0[at..at + 15].copy_from_slice(b"Linux version 6");
    }
    for slide in [0, 2 << 20, 0x3fe0_0000, 0u64.wrapping_sub(2 << 20)] {
        let mut symbols = Symbols::from_map(map.as_bytes()).expect("a map");
        let moved = base.wrapping_add(slide);
        let translate = |addr: u64| {
            let inside = addr.wrapping_sub(moved);
            (inside < 0x10_0000).then(|| (1 << 31) + kernel as u64 + inside)
        };
        assert!(symbols.settle(&ram, &translate));
        assert_eq!(symbols.slide(), slide);
        assert_eq!(symbols.find("work"), Some(moved.wrapping_add(0x100)));
        for addr in [moved.wrapping_add(0x104), (1 << 31) + kernel as u64 + 0x104] {
            let place = symbols.lookup(addr).map(|place| place.to_string());
            assert_eq!(place.as_deref(), Some("work+0x4"), "{addr:#x}");
        }
    }
}

#[test]
fn a_file_is_moved_to_where_the_guests_own_table_says() {
    let base = 0xffff_ffff_8000_0000u64;
    let map = format!(
        "{base:x} T _text\n{:x} T work\n{:x} D linux_banner\n",
        base + 8,
        base + 16
    );
    let mut symbols = Symbols::from_map(map.as_bytes()).expect("a map");
    let moved = base + 0x1234_0000;
    // The guest's own `_text` is its second symbol.
    let ram = kallsyms(Form::New, moved - 16, 900);
    assert!(symbols.settle(&ram[..], &|_| None));
    assert_eq!(symbols.slide(), 0x1234_0000);
    assert_eq!(symbols.find("work"), Some(moved + 8));
    // A table without a kernel in it stays where it is.
    let mut other = Symbols::from_map(b"10 T main\n").expect("a map");
    assert!(!other.settle(&ram[..], &|_| None));
    assert_eq!(other.find("main"), Some(0x10));
}
