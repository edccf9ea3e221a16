//! The guests that are booted, and which workloads each of them has.

use crate::images::BENCH_SOURCES;

/// A guest that is booted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boot {
    /// A kernel, busybox and the bench program.
    #[default]
    Bench,
    /// The same with a compiler and an interpreter.
    Programs,
    /// An installed Debian, up to its login prompt.
    Debian,
}

/// The workload that a boot to the login prompt is.
pub const LOGIN: &str = "login";

const PROGRAMS: [&str; 2] = ["gcc", "python"];

impl Boot {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 3] = [Self::Bench, Self::Programs, Self::Debian];

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Bench => "bench program",
            Self::Programs => "gcc and python",
            Self::Debian => "Debian to login",
        }
    }

    /// The image of its initial RAM disk.
    pub fn initrd(self) -> &'static str {
        match self {
            Self::Bench => "riscv64/initrd-bench.cpio.gz",
            Self::Programs => "riscv64/initrd-programs.cpio",
            Self::Debian => "riscv64/debian-initrd.cpio.gz",
        }
    }

    /// The image of its disk, which each run gets a throw-away copy of.
    pub fn disk(self) -> Option<&'static str> {
        (self == Self::Debian).then_some("riscv64/debian.img")
    }

    /// The kernel's command line at `scale` percent of the work.
    pub fn append(self, scale: u32, rows: &[String]) -> String {
        if self == Self::Debian {
            return "root=/dev/vda1 ro console=ttyS0".to_owned();
        }
        let mut text = format!("console=ttyS0 vmtest=bench benchscale={scale}");
        if !rows.is_empty() {
            text.push_str(" benchrows=");
            text.push_str(&rows.join(","));
        }
        text
    }

    /// What the guest prints when it has booted.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Bench | Self::Programs => "VM-READY",
            Self::Debian => "debian login: ",
        }
    }

    /// Whether nothing is of interest behind the mark: the run is ended there.
    pub fn ends_at_mark(self) -> bool {
        self == Self::Debian
    }
}

/// The guest that has the workload `row`.
pub fn of(row: &str) -> Boot {
    match row {
        LOGIN => Boot::Debian,
        _ if PROGRAMS.contains(&row) => Boot::Programs,
        _ => Boot::Bench,
    }
}

/// The names of all workloads.
pub fn rows() -> Vec<&'static str> {
    let lines = BENCH_SOURCES.iter().flat_map(|(_, text)| text.lines());
    let name = |line: &'static str| line.trim().strip_prefix("{ \"")?.split_once("\", run_");
    let mut rows: Vec<_> = lines.filter_map(name).map(|(name, _)| name).collect();
    rows.extend(PROGRAMS);
    rows.push(LOGIN);
    rows
}

#[cfg(test)]
mod tests {
    use super::{Boot, of, rows};

    #[test]
    fn every_workload_has_a_guest() {
        let rows = rows();
        for (row, boot) in [
            ("sort", Boot::Bench),
            ("selfmod", Boot::Bench),
            ("gcc", Boot::Programs),
            ("login", Boot::Debian),
        ] {
            assert!(rows.contains(&row), "{row} is not in {rows:?}");
            assert_eq!(of(row), boot);
        }
        assert!(rows.len() > 35, "{rows:?}");
    }

    #[test]
    fn command_lines() {
        let rows = ["sort".to_owned(), "crc".to_owned()];
        let all = Boot::Bench.append(10, &[]);
        assert_eq!(all, "console=ttyS0 vmtest=bench benchscale=10");
        let some = Boot::Programs.append(10, &rows);
        assert_eq!(some, all + " benchrows=sort,crc");
        assert!(!Boot::Debian.append(10, &rows).contains("bench"));
    }
}
