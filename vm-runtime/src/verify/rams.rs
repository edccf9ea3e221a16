//! The RAM of a machine and that of its judges: which pages may differ, and how to go back.

use std::collections::HashSet;

use vm_core::{GuestPhys, PAGE_BYTES, Width};
use vm_mem::GuestRam;

const PAGE: usize = PAGE_BYTES as usize;

/// How many pages may be written without a mark before all rights to do so are taken back.
// LIMIT: each is kept and compared at the end of each run, which takes as long as some hundred
// instructions; taking the rights back takes as long as several thousand.
const MANY: usize = 128;

/// Two RAMs that are alike between runs.
pub struct Rams {
    subject: GuestRam,
    judge: GuestRam,
    /// Pages that some CPU may have written since `epoch` began.
    pages: Vec<GuestPhys>,
    known: HashSet<GuestPhys>,
    /// What stood in `pages` before the run, one after the other.
    before: Vec<u8>,
    /// Grows when rights to write have to be taken back.
    pub epoch: u64,
    /// The subject has run without the judge.
    behind: bool,
}

/// How to go back to before a run.
pub struct Undo {
    pages: Vec<GuestPhys>,
    before: Vec<u8>,
}

impl Rams {
    /// The judge's RAM is empty, and is filled before its first run.
    pub fn new(subject: GuestRam, judge: GuestRam) -> Self {
        Self {
            subject,
            judge,
            pages: Vec::new(),
            known: HashSet::new(),
            before: Vec::new(),
            epoch: 1,
            behind: false,
        }
    }

    /// The subject is about to run without the judge.
    pub fn fall_behind(&mut self) {
        self.behind = true;
    }

    /// Copies what was written outside verified runs to the judge.
    pub fn catch_up(&mut self) {
        for page in self.subject.take_dirty() {
            self.copy(page);
        }
        if std::mem::take(&mut self.behind) {
            for page in std::mem::take(&mut self.pages) {
                self.copy(page);
            }
            self.let_go();
        }
        // Copying marks pages, too.
        let _ = self.judge.take_dirty();
    }

    fn copy(&self, page: GuestPhys) {
        if !self.subject.same_page(&self.judge, page) {
            let mut bytes = [0; PAGE];
            let read = self.subject.read(page, &mut bytes);
            assert!(
                read.is_ok() && self.judge.write(page, &bytes).is_ok(),
                "marked pages are in RAM, and both have the same regions"
            );
        }
    }

    /// Keeps the pages that the subject may have written, as they are before the judge's run.
    pub fn keep(&mut self) {
        for page in self.subject.take_dirty() {
            if self.known.insert(page) {
                self.pages.push(page);
            }
        }
        self.before.resize(self.pages.len() * PAGE, 0);
        for (page, bytes) in self.pages.iter().zip(self.before.chunks_exact_mut(PAGE)) {
            let read = self.judge.read(*page, bytes);
            assert!(read.is_ok(), "marked pages are in RAM");
        }
    }

    /// Keeps those that only the judge has written, as the subject has left them.
    pub fn keep_more(&mut self) {
        for page in self.judge.take_dirty() {
            if self.known.insert(page) {
                self.pages.push(page);
                let at = self.before.len();
                self.before.resize(at + PAGE, 0);
                let read = self.subject.read(page, &mut self.before[at..]);
                assert!(read.is_ok(), "marked pages are in RAM");
            }
        }
    }

    /// Whether all pages that may have been written are the same.
    pub fn same(&self, compared: &mut u64) -> bool {
        *compared += self.pages.len() as u64;
        let mut pages = self.pages.iter();
        pages.all(|page| self.subject.same_page(&self.judge, *page))
    }

    /// Lets go of the pages, if they are many.
    pub fn trim(&mut self) {
        if self.pages.len() > MANY {
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        self.pages.clear();
        self.known.clear();
        self.epoch += 1;
    }

    /// The eight bytes in which the RAMs differ: where, and what stands there.
    pub fn differing(&self) -> Vec<(GuestPhys, u64, u64)> {
        let mut found = Vec::new();
        let differing = |page: &&GuestPhys| !self.subject.same_page(&self.judge, **page);
        for page in self.pages.iter().filter(differing) {
            for at in (0..PAGE_BYTES).step_by(8).map(|offset| *page + offset) {
                let [one, other] = [self.word(at), self.judge_word(at)];
                if one != other {
                    found.push((at, one, other));
                }
            }
        }
        found.sort_by_key(|(at, ..)| at.0);
        found
    }

    fn word(&self, at: GuestPhys) -> u64 {
        self.subject.load(at, Width::B8).unwrap_or_default()
    }

    /// Eight bytes of the judge's RAM.
    pub fn judge_word(&self, at: GuestPhys) -> u64 {
        self.judge.load(at, Width::B8).unwrap_or_default()
    }

    /// Reads the subject's RAM.
    pub fn read(&self, at: GuestPhys, bytes: &mut [u8]) -> bool {
        self.subject.read(at, bytes).is_ok()
    }

    /// How to go back to before the last run.
    pub fn record(&self) -> Undo {
        Undo {
            pages: self.pages.clone(),
            before: self.before.clone(),
        }
    }

    /// Goes back to before the last run.
    pub fn undo(&mut self) {
        let undo = self.record();
        self.go_back(&undo);
    }

    /// Goes back to before a run.
    pub fn go_back(&mut self, undo: &Undo) {
        for (page, bytes) in undo.pages.iter().zip(undo.before.chunks_exact(PAGE)) {
            for ram in [&self.subject, &self.judge] {
                write(ram, *page, bytes);
            }
        }
    }

    /// Makes the judge's RAM what the subject's is, where the judge alone has run.
    pub fn follow_subject(&mut self) {
        let pages = self.judge.take_dirty();
        for page in pages.into_iter().chain(self.pages.iter().copied()) {
            self.copy(page);
        }
    }
}

/// Writes those bytes of a page that are others, so that code on the same page stays.
fn write(ram: &GuestRam, page: GuestPhys, bytes: &[u8]) {
    let mut now = [0; PAGE];
    let read = ram.read(page, &mut now);
    assert!(read.is_ok(), "the page was written before");
    if now == bytes {
        return;
    }
    for (at, (new, old)) in bytes.chunks(8).zip(now.chunks(8)).enumerate() {
        if new != old {
            let written = ram.write(page + 8 * at as u64, new);
            assert!(written.is_ok(), "the page was read just now");
        }
    }
}
