//! Every order in which writers, a translator and a collector of dirty pages can meet over one
//! page: the marks are compiled here once more, with loom's atomics.

#[path = "../src/marks.rs"]
#[expect(dead_code, reason = "models use part of it")]
mod marks;

mod sync {
    //! Atomics that loom watches.

    pub use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
}

use loom::sync::Arc;
use loom::thread;
use marks::Marks;
use sync::{AtomicU64, Ordering};

/// A page whose bytes are one relaxed number, as racing accesses to guest RAM are.
struct Page {
    marks: Marks,
    bytes: AtomicU64,
}

const PAGE: usize = 0;

impl Page {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            marks: Marks::new(1),
            bytes: AtomicU64::new(0),
        })
    }

    fn write(&self, value: u64) {
        self.bytes.store(value, Ordering::Relaxed);
        self.marks.wrote(PAGE, PAGE);
    }

    fn read(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Translates: the bytes that the code was made from.
    fn translate(&self) -> u64 {
        self.marks.watch(PAGE);
        self.read()
    }

    /// What an engine does before a CPU runs: drops stale code, and translates it anew.
    fn follow(&self, code: u64) -> u64 {
        if self.marks.take_stale().is_empty() {
            return code;
        }
        self.marks.unwatch(PAGE);
        self.translate()
    }
}

/// A thread that writes these values, one after the other.
fn writer(page: &Arc<Page>, values: &'static [u64]) -> thread::JoinHandle<()> {
    let page = page.clone();
    thread::spawn(move || values.iter().for_each(|value| page.write(*value)))
}

#[test]
fn a_store_that_races_with_translation_is_read_or_noticed() {
    loom::model(|| {
        let page = Page::new();
        let writer = writer(&page, &[1]);
        let code = page.translate();
        writer.join().unwrap();
        assert!(code == 1 || page.marks.take_stale() == [PAGE]);
    });
}

#[test]
fn code_made_anew_from_a_stale_page_is_not_older_than_the_page_says() {
    loom::model(|| {
        let page = Page::new();
        let writer = writer(&page, &[1, 2]);
        let mut code = page.translate();
        code = page.follow(code);
        writer.join().unwrap();
        code = page.follow(code);
        assert_eq!(code, 2);
        assert!(page.marks.take_stale().is_empty());
    });
}

#[test]
fn of_two_writers_neither_is_lost() {
    let mut builder = loom::model::Builder::new();
    // Three threads in every order take minutes; three preemptions show all pairs.
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let page = Page::new();
        let writers = [writer(&page, &[1]), writer(&page, &[2])];
        let mut code = page.translate();
        code = page.follow(code);
        for writer in writers {
            writer.join().unwrap();
        }
        code = page.follow(code);
        assert_eq!(code, page.read());
    });
}

#[test]
fn a_page_that_was_copied_before_its_last_write_is_dirty_again() {
    loom::model(|| {
        let page = Page::new();
        let writer = writer(&page, &[1, 2]);
        let mut copy = 0;
        for _ in 0..2 {
            if !page.marks.take_dirty().is_empty() {
                copy = page.read();
            }
        }
        writer.join().unwrap();
        if !page.marks.take_dirty().is_empty() {
            copy = page.read();
        }
        assert_eq!(copy, 2);
    });
}

/// The writer begins here, and the other one later: loom looks for other orders at the latest
/// access to a word only, which in `wrote` is its own, so that it does not find this one from the
/// other beginning.
#[test]
fn a_page_that_was_found_dirty_is_copied_as_it_was_written() {
    loom::model(|| {
        let page = Page::new();
        let collector = {
            let page = page.clone();
            thread::spawn(move || (!page.marks.take_dirty().is_empty(), page.read()))
        };
        page.write(1);
        let (dirty, copy) = collector.join().unwrap();
        assert!(!dirty || copy == 1 || !page.marks.take_dirty().is_empty());
    });
}

/// The models can fail: a translator that reads before it watches loses a store.
#[test]
#[should_panic(expected = "the store was lost")]
fn reading_before_watching_is_caught() {
    loom::model(|| {
        let page = Page::new();
        let writer = writer(&page, &[1]);
        let code = page.read();
        page.marks.watch(PAGE);
        writer.join().unwrap();
        let noticed = code == 1 || page.marks.take_stale() == [PAGE];
        assert!(noticed, "the store was lost");
    });
}

/// And so does a writer who looks at the marks before it writes.
#[test]
#[should_panic(expected = "the store was lost")]
fn asking_before_writing_is_caught() {
    loom::model(|| {
        let page = Page::new();
        let writer = {
            let page = page.clone();
            thread::spawn(move || {
                page.marks.wrote(PAGE, PAGE);
                page.bytes.store(1, Ordering::Relaxed);
            })
        };
        let code = page.translate();
        writer.join().unwrap();
        let noticed = code == 1 || page.marks.take_stale() == [PAGE];
        assert!(noticed, "the store was lost");
    });
}
