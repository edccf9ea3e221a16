//! Where a program stands in the guest, as against where it was linked.
//!
//! Three things move a kernel: it runs at physical addresses before it has made page tables, a
//! loader chooses the physical ones, and the kernel may choose its virtual ones by chance (KASLR).
//! The text that Linux greets with (`linux_banner`) shows where it is in physical memory; the
//! table of symbols in guest RAM has the addresses that the kernel has chosen, once it has
//! relocated itself; and where there is no such table, the banner must be found behind the page
//! tables at one of the places that a kernel may choose.

use super::Symbols;
use super::memory::{Memory, read_up_to, search};
use super::table::Alias;

/// How Linux greets, in every version.
const BANNER: &[u8] = b"Linux version ";
/// Symbols that every kernel's table has, by which two tables are compared.
const ANCHORS: [&str; 3] = ["_stext", "_text", "linux_banner"];
/// A kernel moves by a multiple of this, at most so far.
const STEP: u64 = 2 << 20;
// LIMIT: x86-64 and riscv64 choose a place within one GiB; on arm64, which chooses in a far wider
// range, the kernel's own table is needed.
const FARTHEST: u64 = 1 << 30;
/// How many banners are looked at.
// LIMIT: a copy stands in the log and in an initial RAM disk; a guest may make more.
const MAX_BANNERS: usize = 64;

impl Symbols {
    /// Finds out where the program stands in the guest; whether anything was found.
    ///
    /// `translate` gives the physical address behind a virtual one as the guest's page tables say
    /// now. Call it again when the guest has gone on: a kernel moves early in its start.
    pub fn settle(
        &mut self,
        memory: &(impl Memory + ?Sized),
        translate: &dyn Fn(u64) -> Option<u64>,
    ) -> bool {
        if self.linked("linux_banner").is_none() {
            return false;
        }
        let running = match self.found_at {
            // This table is the guest's own.
            Some(_) => None,
            None => Self::from_kallsyms(memory).ok(),
        };
        let near = running.as_ref().unwrap_or(self).found_at;
        if let Some(running) = &running {
            let common = ANCHORS
                .iter()
                .find_map(|name| Some(running.linked(name)?.wrapping_sub(self.linked(name)?)));
            if let Some(slide) = common {
                self.set_slide(slide);
            }
        }
        let banners = self.banners(memory, near);
        if running.is_none()
            && self.found_at.is_none()
            && let Some(slide) = self.slide_of(&banners, translate)
        {
            self.set_slide(slide);
        }
        match banners.first() {
            Some(at) => {
                self.stands_at(*at);
                true
            }
            None => running.is_some(),
        }
    }

    /// Where the banner may stand: at the right place of its page; the nearest to `near` first.
    fn banners(&self, memory: &(impl Memory + ?Sized), near: Option<u64>) -> Vec<u64> {
        let Some(linked) = self.linked("linux_banner") else {
            return Vec::new();
        };
        let mut found = Vec::new();
        search(memory, BANNER, |at| {
            let version = read_up_to(memory, at + BANNER.len() as u64, 1);
            if at & 0xfff == linked & 0xfff && version.iter().all(u8::is_ascii_digit) {
                found.push(at);
            }
            found.len() < MAX_BANNERS
        });
        if let Some(near) = near {
            found.sort_by_key(|at| at.abs_diff(near));
        }
        found
    }

    /// How far the kernel has moved, by the page tables.
    fn slide_of(&self, banners: &[u64], translate: &dyn Fn(u64) -> Option<u64>) -> Option<u64> {
        let linked = self.linked("linux_banner")?;
        let slides = (0..=FARTHEST / STEP).flat_map(|i| [i * STEP, (i * STEP).wrapping_neg()]);
        slides.into_iter().find(|slide| {
            let phys = translate(linked.wrapping_add(*slide));
            phys.is_some_and(|phys| banners.contains(&phys))
        })
    }

    /// The banner stands at this physical address, and the rest around it.
    fn stands_at(&mut self, banner: u64) {
        let (Some(linked), span) = (self.linked("linux_banner"), self.linked_span()) else {
            return;
        };
        let addend = linked.wrapping_sub(banner);
        let start = banner.saturating_sub(linked.saturating_sub(span.start));
        let end = banner.saturating_add(span.end.saturating_sub(linked));
        self.aliases = vec![Alias {
            from: start..end,
            addend,
        }];
    }
}
