//! The store on a disk that loses power at every step, fails each sync, and fills up at each write.

mod crash;
mod dump;
mod faults;
mod workload;

use dump::Dump;
use faulty_disk::Fault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use workload::Site;

/// The dice: SplitMix64.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
    move |n| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// The workload without a fault: its operations, and what the store says before the first transaction and after each.
fn without_a_fault(beginning: fn() -> Site) -> (u64, Vec<Dump>) {
    let mut site = beginning();
    site.run(&mut |_| {}).unwrap();
    site.open = None;
    let operations = site.disk.operations();

    let mut site = beginning();
    site.open().unwrap();
    let mut dumps = vec![site.dump()];
    site.run(&mut |site| dumps.push(site.dump())).unwrap();
    (operations, dumps)
}

/// Calls `work` for each step of the workload, on all processors. What it returns is where the fault came; the same once is enough.
fn at_every_step(operations: u64, work: impl Fn(u64) -> Option<u64> + Sync) {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= operations {
                        break;
                    }
                    if let Some(failed) = work(at) {
                        next.fetch_max(failed + 1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}

impl Site {
    /// Opens the store and sees that what was committed is there, and the transaction that was under way as a whole or not at all. From
    /// then on `done` says which.
    fn verify(&mut self, expected: &[Dump], what: &str) {
        if let Err(error) = self.open() {
            panic!("{what}: the store does not open: {error:?}");
        }
        let opened = *self.parts().0.opened();
        assert_eq!(opened.missing_bodies, 0, "{what}: {opened:?}");
        let found = self.dump();
        let may_be = expected.iter().enumerate().skip(self.done).take(2);
        let mut differs = Vec::new();
        for (done, dump) in may_be {
            differs.push(found.differs_from(dump));
            if found.follows(dump) {
                self.done = done;
                return;
            }
        }
        let done = self.done;
        panic!("{what}: after {done} commits other {differs:?}");
    }

    /// The rest of the workload can be built on what is there.
    fn goes_on(&mut self, expected: &[Dump], what: &str) {
        if let Err(stop) = self.run(&mut |_| {}) {
            panic!("{what}: then {stop:?}");
        }
        let last = expected.last().expect("there are transactions");
        assert!(self.dump().follows(last), "{what}: the end is another");
    }

    /// The power goes while nothing is under way.
    fn lose_power(&mut self, dice: &mut dyn FnMut(u64) -> u64) {
        self.disk.fail(0, Fault::Crash);
        self.open = None;
        self.disk.crash(dice);
    }
}
