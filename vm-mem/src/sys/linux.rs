//! Linux: an anonymous file, mapped twice.
#![expect(unsafe_code, reason = "maps memory; see UNSAFETY")]
// UNSAFETY: mappings are made, undone and given advice here, and instruction caches are told
// about new code; no safe crate does either.

use std::ffi::c_void;
use std::ptr::null_mut;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags, madvise, mmap, mmap_anonymous,
    mprotect, mremap, munmap,
};
use rustix::thread::{MembarrierCommand, membarrier};

use crate::dual::{DualMapError, Views};

/// The large pages that most hosts have. Guests and their code are spread over more small pages
/// than a host's TLB holds.
const LARGE: usize = 2 << 20;

/// Makes the two views.
pub(crate) fn map(bytes: usize) -> Result<Views, DualMapError> {
    let refused = |doing| refused(doing, bytes);
    register()?;
    // The file is never to be started as a program; kernels before 6.3 do not know the word.
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("vm-code", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("vm-code", flags))
        .map_err(refused("making an anonymous file"))?;
    ftruncate(&file, bytes as u64).map_err(refused("giving the file its length"))?;
    // A file that shrank would turn the next access into a signal.
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).map_err(refused("sealing the file"))?;
    let view = |rights| {
        let place = reserve(bytes)?;
        // SAFETY: what stands there is the reservation, which nobody else knows of.
        unsafe {
            let flags = MapFlags::SHARED | MapFlags::FIXED;
            mmap(place, bytes, rights, flags, &file, 0).inspect_err(|_| {
                let _ = munmap(place, bytes);
            })
        }
    };
    let write = view(ProtFlags::READ | ProtFlags::WRITE).map_err(refused("mapping it writable"))?;
    let execute = view(ProtFlags::READ | ProtFlags::EXEC);
    if execute.is_err() {
        // SAFETY: the mapping was made above, and nobody has its address.
        let undone = unsafe { munmap(write, bytes) };
        debug_assert!(undone.is_ok(), "a mapping of ours can be undone");
    }
    let execute = execute.map_err(refused("mapping it executable"))?;
    Ok(Views {
        write: write.cast(),
        execute: execute.cast(),
        bytes,
    })
}

/// Addresses that nobody uses, at the beginning of a large page.
fn reserve(bytes: usize) -> Result<*mut c_void, Errno> {
    let more = bytes.checked_add(LARGE).ok_or(Errno::NOMEM)?;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping at an address of the kernel's choice disturbs nobody.
    let whole = unsafe { mmap_anonymous(null_mut(), more, ProtFlags::empty(), flags)? };
    let before = whole.align_offset(LARGE);
    // SAFETY: both parts lie in the mapping that was just made.
    unsafe {
        if before > 0 {
            munmap(whole, before)?;
        }
        let place = whole.byte_add(before);
        munmap(place.byte_add(bytes), LARGE - before)?;
        Ok(place)
    }
}

/// Asks for one large page instead of many small ones, before anything is written there.
///
/// Hosts that have none, or none left, give small ones as ever.
pub(crate) fn enlarge(views: &Views, offset: usize) {
    if !offset.is_multiple_of(LARGE) || views.bytes - offset < LARGE {
        return;
    }
    // SAFETY: the range lies in a view of ours, and is only given other pages with the same bytes.
    unsafe {
        let first = views.write.add(offset);
        // Only what somebody has touched is put together at once.
        first.write(0);
        libc::madvise(first.cast(), LARGE, libc::MADV_COLLAPSE);
    }
}

/// Has memory put on large pages, where the host has them and as far as they are whole.
pub(crate) fn advise(first: *mut u8, bytes: usize) {
    let before = first.align_offset(LARGE);
    let Some(bytes) = bytes.checked_sub(before).filter(|bytes| *bytes >= LARGE) else {
        return;
    };
    let first = first.wrapping_add(before);
    // SAFETY: advice changes what pages are made of and nothing that is in them.
    let _ = unsafe { madvise(first.cast(), bytes, Advice::LinuxHugepage) };
}

/// Makes the two views of memory that is shared with nobody and has no file of its own.
pub(crate) fn map_without_file(bytes: usize) -> Result<Views, DualMapError> {
    let refused = |doing| refused(doing, bytes);
    register()?;
    let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice disturbs nobody.
    let write = unsafe { mmap_anonymous(null_mut(), bytes, rights, flags) };
    let write = write.map_err(refused("mapping it writable"))?;
    // SAFETY: of shared memory, moving nothing makes a second view, at an address of the kernel's
    // choice (mremap(2), "old_size is zero").
    let second = unsafe { mremap(write, 0, bytes, MremapFlags::MAYMOVE) };
    let second = second.and_then(|view| {
        let rights = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: the view was just made, and nobody has its address.
        let changed = unsafe { mprotect(view, bytes, rights) };
        changed.map(|()| view).inspect_err(|_| {
            // SAFETY: as above.
            let undone = unsafe { munmap(view, bytes) };
            debug_assert!(undone.is_ok(), "a mapping of ours can be undone");
        })
    });
    if second.is_err() {
        // SAFETY: the mapping was made above, and nobody has its address.
        let undone = unsafe { munmap(write, bytes) };
        debug_assert!(undone.is_ok(), "a mapping of ours can be undone");
    }
    let execute = second.map_err(refused("mapping it executable"))?;
    Ok(Views {
        write: write.cast(),
        execute: execute.cast(),
        bytes,
    })
}

/// What the host's refusal is told as.
fn refused(doing: &'static str, bytes: usize) -> impl FnOnce(Errno) -> DualMapError {
    move |errno| DualMapError::Host {
        doing,
        bytes: bytes as u64,
        reason: errno.to_string(),
    }
}

/// Undoes both mappings.
pub(crate) fn unmap(views: &Views) {
    for view in [views.write.cast(), views.execute.cast_mut().cast()] {
        // SAFETY: `map` made both with this length, and their owner is being dropped.
        let undone = unsafe { munmap(view, views.bytes) };
        debug_assert!(undone.is_ok(), "a mapping of ours can be undone");
    }
}

/// Makes bytes that were written fit to be executed, by all threads.
///
/// First the instruction caches are told, where they do not notice stores by themselves; then
/// every thread of the process forgets instructions that it had fetched ahead.
pub(crate) fn publish(views: &Views, offset: usize, bytes: usize) {
    let first = views.execute as usize + offset;
    caches::synchronise(first, first + bytes);
    // x86 processors forget by themselves in practice, so a refusal, which `register` has let
    // pass only there, does no harm.
    let _ = membarrier(MembarrierCommand::PrivateExpeditedSyncCore);
}

/// Announces to the kernel that `publish` will ask for barriers.
fn register() -> Result<(), DualMapError> {
    match membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore) {
        Err(_) if caches::NEED_BARRIER => Err(DualMapError::Unsupported {
            reason: "the kernel offers no barrier for new code (membarrier SYNC_CORE)",
        }),
        _ => Ok(()),
    }
}

// HOST-ARCH: instruction caches of these processors follow stores by themselves.
#[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64")))]
mod caches {
    /// Whether other threads may run stale instructions without a barrier.
    pub const NEED_BARRIER: bool = false;

    /// Nothing to do.
    pub fn synchronise(_first: usize, _end: usize) {}
}

// HOST-ARCH: caches are cleaned and emptied line by line (Arm Architecture Reference Manual,
// section "Synchronization and coherency issues between data and instruction accesses").
#[cfg(target_arch = "aarch64")]
mod caches {
    use std::arch::asm;

    /// Whether other threads may run stale instructions without a barrier.
    pub const NEED_BARRIER: bool = true;

    /// Cleans the data cache to where instruction fetches look, and empties the lines fetched.
    pub fn synchronise(first: usize, end: usize) {
        let shape: usize;
        // SAFETY: reads a register that programs may read.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) shape, options(nomem, nostack)) };
        let (data_line, code_line) = (4 << (shape >> 16 & 15), 4 << (shape & 15));
        // Bits IDC and DIC say that one or the other is not needed.
        if shape & 1 << 28 == 0 {
            for line in (first & !(data_line - 1)..end).step_by(data_line) {
                // SAFETY: the line is readable, which is all that the instruction wants.
                unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack)) };
            }
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack)) };
        if shape & 1 << 29 == 0 {
            for line in (first & !(code_line - 1)..end).step_by(code_line) {
                // SAFETY: as for cleaning.
                unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack)) };
            }
        }
        // SAFETY: barriers.
        unsafe { asm!("dsb ish", "isb", options(nostack)) };
    }
}

// HOST-ARCH: only the kernel can reach the instruction caches of other harts
// (`riscv_flush_icache`, whose flag 0 means all threads of the process).
#[cfg(target_arch = "riscv64")]
mod caches {
    use std::arch::asm;

    /// Whether other threads may run stale instructions without a barrier: the call is one.
    pub const NEED_BARRIER: bool = false;

    const RISCV_FLUSH_ICACHE: usize = 259;

    /// Asks the kernel.
    pub fn synchronise(first: usize, end: usize) {
        // SAFETY: a system call that reads three numbers and writes one.
        unsafe {
            asm!(
                "ecall",
                in("a7") RISCV_FLUSH_ICACHE,
                inlateout("a0") first => _,
                in("a1") end,
                in("a2") 0,
                options(nostack)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::DualMap;

    /// The rights of the mapping that an address lies in, as the kernel shows them.
    fn rights(addr: u64) -> String {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (first, rest) = line.split_once('-').unwrap();
            let (end, _) = rest.split_once(' ').unwrap();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            (number(first)..number(end)).contains(&addr)
        });
        let words = line.and_then(|line| line.split_whitespace().nth(1));
        words.unwrap_or("none").to_owned()
    }

    // HOST-ARCH: other hosts are emulated in tests, and emulators of single programs refuse to make
    // a second view by moving nothing.
    const SECOND_VIEWS: bool = cfg!(target_arch = "x86_64");

    #[test]
    fn each_view_has_its_rights_and_no_page_of_the_process_has_both() {
        check(DualMap::new(1 << 20).unwrap());
        if SECOND_VIEWS {
            check(DualMap::without_file(1 << 20).unwrap());
        }
    }

    fn check(mut map: DualMap) {
        map.write(70_000, b"written");
        map.publish(70_000, 7);
        assert_eq!(map.read(70_000, 7), b"written");
        let (write, execute) = (map.0.write as u64, map.execute_at(0));
        for offset in [0, 70_000, (1 << 20) - 1] {
            assert_eq!(rights(write + offset), "rw-s");
            assert_eq!(rights(execute + offset), "r-xs");
        }
        for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let rights = line.split_whitespace().nth(1).unwrap();
            assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
        }
        // SAFETY: the view is mapped, readable and long enough.
        let seen = unsafe { std::slice::from_raw_parts((execute + 70_000) as *const u8, 7) };
        assert_eq!(seen, b"written");
    }

    #[test]
    fn large_pages_change_no_byte_and_begin_where_the_host_can_have_them() {
        let mut map = DualMap::new(5 << 20).unwrap();
        assert_eq!(map.0.write as usize % super::LARGE, 0);
        assert_eq!(map.execute_at(0) as usize % super::LARGE, 0);
        map.write(1, b"here before");
        // The last part is no large page.
        for offset in (0..5 << 20).step_by(1 << 20) {
            map.open(offset);
        }
        map.write((3 << 20) + 7, b"and behind");
        assert_eq!(map.read(0, 13), b"\0here before\0");
        assert_eq!(map.read((3 << 20) + 7, 10), b"and behind");
        assert_eq!(rights(map.execute_at(3 << 20)), "r-xs");
    }

    #[test]
    fn dropped_maps_are_undone() {
        for _ in 0..200 {
            assert!(DualMap::new(1 << 16).is_ok());
            assert!(!SECOND_VIEWS || DualMap::without_file(1 << 16).is_ok());
        }
        // Other tests have a few of their own at the same time.
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let left = maps.lines().filter(|line| line.contains("/memfd:"));
        assert!(left.count() < 100);
    }

    #[test]
    fn a_range_that_leaves_the_map_panics_before_anything_is_written() {
        let mut map = DualMap::new(1 << 16).unwrap();
        for (offset, bytes) in [(1 << 16, 1), ((1 << 16) - 3, 4), (usize::MAX, 2)] {
            let attempt = std::panic::AssertUnwindSafe(|| map.write(offset, &vec![1; bytes]));
            assert!(
                std::panic::catch_unwind(attempt).is_err(),
                "{bytes} at {offset}"
            );
        }
        map.fill((1 << 16) - 6, 6, [1, 2, 3, 4]);
        assert_eq!(map.read((1 << 16) - 7, 7), [0, 1, 2, 3, 4, 1, 2]);
    }

    #[test]
    fn a_size_that_no_host_has_is_refused_with_its_words() {
        let refused = DualMap::new(1 << 60).unwrap_err().to_string();
        assert!(refused.contains("1152921504606846976 bytes"), "{refused}");
    }
}
