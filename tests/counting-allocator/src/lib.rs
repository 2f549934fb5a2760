//! AllocationCounts what code allocates: in all, and at most at once.
//!
//! A test binary makes [`Counting`] its `#[global_allocator]` and asks [`measure`] what a closure takes. The counts are of one thread,
//! so tests beside each other do not disturb one another; what a closure lets other threads do is not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNTS: Cell<AllocationCounts> = const { Cell::new(AllocationCounts { live: 0, peak: 0, total: 0 }) };
}

#[derive(Clone, Copy)]
struct AllocationCounts {
    /// Bytes allocated and not freed, of this thread. Below 0 when it frees what another has allocated.
    live: isize,
    /// The most that `live` has been.
    peak: isize,
    /// All bytes ever allocated.
    total: usize,
}

/// What a closure has allocated, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// At once, at most, above what there was before.
    pub peak: usize,
    /// In all. A block that grows counts anew with its whole length each time.
    pub total: usize,
}

/// Runs a closure and tells what it has allocated on this thread. AllocationCounts nothing unless [`Counting`] is the allocator.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    let before = COUNTS.get();
    COUNTS.set(AllocationCounts {
        peak: before.live,
        ..before
    });
    let result = work();
    let after = COUNTS.get();
    COUNTS.set(AllocationCounts {
        peak: before.peak.max(after.peak),
        ..after
    });
    let taken = Allocated {
        peak: usize::try_from(after.peak - before.live).unwrap_or(0),
        total: after.total - before.total,
    };
    (result, taken)
}

/// The system's allocator, counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

impl Counting {
    fn count(taken: usize, freed: usize) {
        // A thread that is ending has no counts any more.
        let _ = COUNTS.try_with(|counts| {
            let AllocationCounts { live, peak, total } = counts.get();
            // An old block and its new one are there together for a moment.
            let (most, live) = (
                live + taken as isize,
                live + taken as isize - freed as isize,
            );
            counts.set(AllocationCounts {
                live,
                peak: peak.max(most),
                total: total + taken,
            });
        });
    }
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout.size(), 0);
        // SAFETY: the caller's promise is the system's condition.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout.size(), 0);
        // SAFETY: the caller's promise is the system's condition.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Counting::count(0, layout.size());
        // SAFETY: the block came from the system's allocator with this layout, through the functions above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count(size, layout.size());
        // SAFETY: the block came from the system's allocator with this layout, through the functions above.
        unsafe { System.realloc(block, layout, size) }
    }
}
