//! Which window goes.

/// What a policy knows of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowView {
    /// Its place in the order in which windows were opened.
    pub opened: u64,
    /// When a unit in it was last seen running, in the count of [`crate::Arena::touch`] and
    /// [`crate::Arena::place`]; the time of its last placement at first.
    pub touched: u64,
    /// How often units in it were seen running; halved with every eviction.
    pub heat: u64,
    /// The same, each time weighted with what making the unit anew would cost.
    pub worth: u64,
    /// Bytes of units that are alive.
    pub live_bytes: u32,
}

/// Chooses the window that goes when memory is short.
pub trait Policy: Send {
    /// The index of the one that goes; there is at least one.
    fn victim(&mut self, windows: &[WindowView]) -> usize;
}

/// The window in which nothing was seen running for the longest time goes first; without
/// [`crate::Arena::touch`], that is the order in which windows were filled.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastRecentlyUsed;

impl Policy for LeastRecentlyUsed {
    fn victim(&mut self, windows: &[WindowView]) -> usize {
        let numbered = windows.iter().enumerate();
        let least = numbered.min_by_key(|(_, window)| (window.touched, window.opened));
        least.map_or(0, |(at, _)| at)
    }
}
