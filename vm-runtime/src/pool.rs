//! Threads for work that nobody waits for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use vm_core::{Background, Inline, Job};

/// How many threads there are.
// LIMIT: the CPUs of the guest come first; more compilers finish no boot earlier.
const THREADS: usize = 2;

/// Does jobs on threads of its own, which end with it; what is not begun then is not done.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
    over: Arc<AtomicBool>,
}

impl Pool {
    /// A pool with its threads.
    pub fn new() -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let over = Arc::new(AtomicBool::new(false));
        for number in 0..THREADS {
            let (queue, over) = (queue.clone(), over.clone());
            let name = format!("compiler {number}");
            // Without a thread its share is done by the others, or by whoever has the job.
            let _ = thread::Builder::new()
                .name(name)
                .spawn(move || work(&queue, &over));
        }
        Self { jobs, over }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn work(queue: &Mutex<Receiver<Job>>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(),
            Err(_) => break,
        }
    }
}

impl Background for Pool {
    fn submit(&self, job: Job) {
        if let Err(refused) = self.jobs.send(job) {
            Inline.submit(refused.0);
        }
    }
}
