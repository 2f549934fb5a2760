//! The allocator of the server, and how it treats what was freed.
//!
//! The budgets of the server count what is in use. What an allocator keeps of freed memory, for each thread, in pages of 2 MiB, is not counted by
//! anybody: after some seconds of ordinary mails a server held a gigabyte that nobody used (`cargo xtask attack`).

pub use mimalloc::MiMalloc as Allocator;

/// `mi_option_purge_delay` of mimalloc 2 and 3: so many milliseconds freed memory is kept before the system gets it back.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Has freed memory given back to the system at once, and memory come in small pages: a page of 2 MiB of which something is in use stays as a
/// whole. To be called at the beginning of the program, before there are threads.
///
/// Where the system cannot do the second, everything goes on with large pages.
pub fn give_back_at_once() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // SAFETY: the function writes one number of the allocator's settings, and takes any number of a setting and any value.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    /// Kilobytes of this process in memory.
    fn resident_kb() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let digits = line.and_then(|line| line.split_whitespace().next());
        digits.and_then(|kb| kb.parse().ok()).expect("a number")
    }

    /// Blocks of the size of mails, taken on many threads and freed on others.
    #[test]
    fn what_was_freed_is_given_back() {
        give_back_at_once();
        let before = resident_kb();
        let blocks = |n: usize| move || (0..8).map(|_| vec![1u8; 400_000 + n]).collect::<Vec<_>>();
        let threads: Vec<_> = (0..48).map(|n| std::thread::spawn(blocks(n))).collect();
        let taken: Vec<_> = threads
            .into_iter()
            .map(|t| t.join().expect("blocks"))
            .collect();
        let most = resident_kb();
        assert!(
            most.saturating_sub(before) > 140_000,
            "{before} kB, then {most} kB"
        );
        drop(taken);
        let after = resident_kb();
        assert!(
            after.saturating_sub(before) < 40_000,
            "{before} kB, {most} kB, then {after} kB"
        );
    }
}
