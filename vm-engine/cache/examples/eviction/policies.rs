//! The policies that were tried. The library has the one that stayed.

use vm_engine_cache::{LeastRecentlyUsed, Policy, WindowView};

/// A name, and how a new one is made.
pub type Row = (&'static str, fn() -> Box<dyn Policy>);

/// All of them.
pub const POLICIES: [Row; 5] = [
    ("oldest", || Box::new(Least(|window| window.opened as f64))),
    ("least recently used", || Box::new(LeastRecentlyUsed)),
    ("least frequently used", || {
        Box::new(Least(|window| window.heat as f64))
    }),
    ("least worth a byte", || {
        Box::new(Least(|window| {
            window.worth as f64 / f64::from(window.live_bytes.max(1))
        }))
    }),
    ("random", || Box::new(Random(1))),
];

/// The window for which a number is least; of equal ones the oldest.
struct Least(fn(&WindowView) -> f64);

impl Policy for Least {
    fn victim(&mut self, windows: &[WindowView]) -> usize {
        let of = |at: &usize| (self.0(&windows[*at]), windows[*at].opened);
        let least = (0..windows.len()).min_by(|a, b| of(a).partial_cmp(&of(b)).expect("numbers"));
        least.unwrap_or(0)
    }
}

/// Any window.
struct Random(u64);

impl Policy for Random {
    fn victim(&mut self, windows: &[WindowView]) -> usize {
        super::traces::random(&mut self.0) as usize % windows.len()
    }
}
