//! Threads for work that nobody waits for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use vm_core::{Background, Job};

/// How many threads there are.
// LIMIT: the CPUs of the guest come first; more compilers finish no boot earlier.
const THREADS: usize = 2;

/// Does jobs on threads of its own, which end with it; what is not begun then is not done.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
    over: Arc<AtomicBool>,
    /// Who does a job when there are no threads.
    alone: AtOnce,
}

/// Does jobs at once, and measures how long they take, in nanoseconds.
#[derive(Debug)]
pub struct AtOnce(Arc<AtomicU64>);

impl AtOnce {
    /// Adds to `time`.
    pub fn new(time: Arc<AtomicU64>) -> Self {
        Self(time)
    }

    fn run(&self, job: Job) {
        let start = Instant::now();
        job();
        let taken = start.elapsed().as_nanos() as u64;
        self.0.fetch_add(taken, Ordering::Relaxed);
    }
}

impl Background for AtOnce {
    fn submit(&self, job: Job) {
        self.run(job);
    }
}

impl Pool {
    /// A pool whose jobs add to `time`.
    pub fn new(time: Arc<AtomicU64>) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let over = Arc::new(AtomicBool::new(false));
        for number in 0..THREADS {
            let (queue, over) = (queue.clone(), over.clone());
            let time = AtOnce::new(time.clone());
            let name = format!("compiler {number}");
            // Without a thread its share is done by the others, or by whoever has the job.
            let _ = thread::Builder::new()
                .name(name)
                .spawn(move || work(&queue, &over, &time));
        }
        let alone = AtOnce::new(time);
        Self { jobs, over, alone }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn work(queue: &Mutex<Receiver<Job>>, over: &AtomicBool, time: &AtOnce) {
    while !over.load(Ordering::Relaxed) {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => time.run(job),
            Err(_) => break,
        }
    }
}

impl Background for Pool {
    fn submit(&self, job: Job) {
        if let Err(refused) = self.jobs.send(job) {
            self.alone.run(refused.0);
        }
    }
}
