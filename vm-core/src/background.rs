//! Where work goes that nobody has to wait for.

/// One piece of background work.
pub type Job = Box<dyn FnOnce() + Send>;

/// Takes jobs from an engine or a collector, so that those make no threads.
pub trait Background: Send + Sync {
    /// Hands over one job; it may have run already when this returns.
    fn submit(&self, job: Job);
}

/// Runs each job at once, on the caller: for tests and deterministic runs.
#[derive(Debug, Default, Clone, Copy)]
pub struct Inline;

impl Background for Inline {
    fn submit(&self, job: Job) {
        job();
    }
}
