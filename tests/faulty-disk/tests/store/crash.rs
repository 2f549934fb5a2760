//! The power goes, or the process ends, at every step.

use crate::workload::{Site, Stop};
use crate::{at_every_step, dice, without_a_fault};
use faulty_disk::Fault;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The workload up to a step at which everything stops.
fn stopped_at(at: u64, mut site: Site, what: &str) -> Site {
    site.disk.fail(at, Fault::Crash);
    let result = site.run(&mut |_| {});
    // The last steps are those of an orderly end, of which nobody hears.
    let stopped = matches!(result, Err(Stop::Other(_) | Stop::Fatal(_)));
    assert!(stopped || site.done == site.until, "{what}: {result:?}");
    site.open = None;
    site
}

#[test]
fn what_was_committed_survives_a_power_cut_at_every_step() {
    let under_way = power_cuts(Site::new, 1);
    assert!(
        under_way > 3,
        "{under_way} were there though not acknowledged"
    );
}

#[test]
fn a_store_that_is_being_made_survives_a_power_cut_at_every_step() {
    power_cuts(Site::empty, 4);
}

/// Tries so many power cuts at each step, with other dice each. Returns how many transactions were there though they had not been
/// acknowledged.
fn power_cuts(beginning: fn() -> Site, cuts: u64) -> usize {
    let (operations, expected) = without_a_fault(beginning);
    let under_way = AtomicUsize::new(0);
    at_every_step(operations, |at| {
        for cut in 0..cuts {
            let what = format!("power cut {cut} at step {at}");
            let mut dice = dice(at * cuts + cut);
            let mut site = stopped_at(at, beginning(), &what);
            site.disk.crash(&mut dice);
            if dice(3) == 0 {
                // It goes again while the store is being opened.
                site.disk.fail(dice(40), Fault::Crash);
                let _ = site.open();
                site.open = None;
                site.disk.crash(&mut dice);
            }
            let done = site.done;
            site.verify(&expected, &what);
            under_way.fetch_add(site.done - done, Ordering::SeqCst);
            if dice(8) == 0 {
                site.goes_on(&expected, &what);
            }
        }
        None
    });
    under_way.into_inner()
}

#[test]
fn what_a_start_after_a_kill_at_every_step_has_shown_survives_a_power_cut() {
    kills(Site::new);
}

#[test]
fn a_store_that_is_being_made_survives_a_kill_at_every_step() {
    kills(Site::empty);
}

fn kills(beginning: fn() -> Site) {
    let (operations, expected) = without_a_fault(beginning);
    at_every_step(operations, |at| {
        let what = format!("kill at step {at}");
        let mut dice = dice(at);
        let mut site = stopped_at(at, beginning(), &what);
        site.disk.heal();
        site.verify(&expected, &what);
        let shown = site.done;
        site.lose_power(&mut dice);
        site.verify(&expected, &what);
        assert_eq!(site.done, shown, "{what}: what was seen is there");
        if dice(8) == 0 {
            site.goes_on(&expected, &what);
        }
        None
    });
}
