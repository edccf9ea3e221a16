//! Traces as timelines, in the format of Perfetto.
//!
//! A trace is a row of packets; each names a track and says that a slice begins or ends there, or
//! that something happens. Time is the guest's.

mod proto;
#[cfg(test)]
mod tests;
mod timeline;

pub use timeline::Timeline;
