//! What the host says of a process: its CPU time and its memory.

use std::fs;

/// CPU seconds of all threads of process `pid` so far; 0 when it is gone.
pub fn cpu_seconds(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds: f64 = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum();
    // Exact for the threads that live; the other is coarse, but knows those that have ended.
    (nanoseconds / 1e9).max(coarse_seconds(pid))
}

fn coarse_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything. User and system time follow as words 12 and 13,
    // in ticks, of which Linux shows a hundred a second to programs.
    let words = text.rsplit_once(')').map_or("", |(_, words)| words);
    let ticks = words.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|word| word.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// The most memory that process `pid` has held, in KiB; 0 when it is gone.
pub fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// The memory of a process, in KiB, each page counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Pages of the guest's RAM that are there.
    pub guest_kib: u64,
    /// All others.
    pub beyond_kib: u64,
}

/// What memory process `pid` holds now; none when it is gone, or nothing in it is as large as
/// the guest's RAM of `ram_kib`.
pub fn memory(pid: u32, ram_kib: u64) -> Option<Memory> {
    account(
        &fs::read_to_string(format!("/proc/{pid}/smaps")).ok()?,
        ram_kib,
    )
}

/// Adds up the mappings. They tell their share of each page (`Pss`), so that the code cache,
/// which is mapped twice, counts once.
fn account(smaps: &str, ram_kib: u64) -> Option<Memory> {
    let (mut guest, mut beyond) = (None, 0);
    let mut size = 0;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u64>().ok());
        match words.next() {
            Some("Size:") => size = number(words.next()).unwrap_or(0),
            Some("Pss:") => {
                let share = number(words.next()).unwrap_or(0);
                if size == ram_kib {
                    *guest.get_or_insert(0) += share;
                } else {
                    beyond += share;
                }
            }
            _ => {}
        }
    }
    guest.map(|guest_kib| Memory {
        guest_kib,
        beyond_kib: beyond,
    })
}

#[cfg(test)]
mod tests {
    use super::{Memory, account, cpu_seconds, peak_kib};

    #[test]
    fn the_guests_memory_is_told_apart() {
        let smaps = "\
            7f00-7f10 r-xs 00000000 00:01 9   /memfd:code (deleted)\n\
            Size:              65536 kB\nRss:  800 kB\nPss:                400 kB\n\
            7f10-7f20 rw-s 00000000 00:01 9   /memfd:code (deleted)\n\
            Size:              65536 kB\nRss:  800 kB\nPss:                400 kB\n\
            7f20-8f20 rw-p 00000000 00:00 0\n\
            Size:             524288 kB\nRss: 9000 kB\nPss:               9000 kB\n\
            Pss_Dirty:          9000 kB\n\
            8f20-8f30 rw-p 00000000 00:00 0 [heap]\n\
            Size:                100 kB\nRss:  100 kB\nPss:                 70 kB\n";
        let want = Memory {
            guest_kib: 9000,
            beyond_kib: 870,
        };
        assert_eq!(account(smaps, 524_288), Some(want));
        assert_eq!(account(smaps, 262_144), None);
    }

    #[test]
    fn this_process_has_both() {
        let pid = std::process::id();
        let start = cpu_seconds(pid);
        let mut sum = 0_u64;
        while cpu_seconds(pid) < start + 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(peak_kib(pid) > 100);
        assert_eq!((cpu_seconds(u32::MAX), peak_kib(u32::MAX)), (0.0, 0));
    }
}
