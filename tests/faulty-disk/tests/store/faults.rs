//! Syncs fail, and the disk fills up.

use crate::workload::{Site, Stop};
use crate::{at_every_step, dice, without_a_fault};
use faulty_disk::Fault;
use store::StoreError;

#[test]
fn a_failed_sync_is_fatal_and_what_was_committed_survives_it() {
    failing_syncs(Site::new, 1);
}

#[test]
fn a_store_that_is_being_made_survives_a_failed_sync() {
    failing_syncs(Site::empty, 8);
}

/// Lets each sync fail, so many times with other dice each.
fn failing_syncs(beginning: fn() -> Site, tries: u64) {
    let (operations, expected) = without_a_fault(beginning);
    at_every_step(operations, |at| {
        let mut failed = None;
        for dice_no in 0..tries {
            let what = format!("sync fails from step {at}, dice {dice_no}");
            let mut site = beginning();
            failed = failing_sync(&mut site, at, &what);
            let mut dice = dice(at * tries + dice_no);
            start_after(&mut site, &mut dice);
            site.verify(&expected, &what);
            if site.done < site.until {
                let one_more = site.transact(site.done);
                assert!(one_more.is_ok(), "{what}: one more: {one_more:?}");
                site.done += 1;
            }
            let done = site.done;
            if dice(2) == 0 {
                site.open = None;
            }
            site.lose_power(&mut dice);
            site.verify(&expected, &what);
            assert_eq!(site.done, done, "{what}: what came after it is there");
            if dice(4) == 0 {
                site.goes_on(&expected, &what);
            }
        }
        failed
    });
}

/// The workload up to a sync that fails. Returns the number of that operation.
fn failing_sync(site: &mut Site, at: u64, what: &str) -> Option<u64> {
    site.disk.fail(at, Fault::SyncFails);
    let result = site.run(&mut |_| {});
    let failed = site.disk.failed();
    site.disk.heal();
    if let Some((writer, _)) = &mut site.open {
        match result {
            Err(Stop::Fatal(_)) => {
                let again = writer.begin().map(drop);
                let refused = matches!(again, Err(StoreError::Fatal(_)));
                assert!(refused, "{what}: {again:?}");
            }
            // One of an orderly end, or of a directory that SQLite did not tell of; or there was none any more.
            Ok(()) => {}
            result => panic!("{what}: {result:?}"),
        }
    }
    failed
}

/// How the process comes to its next start.
fn start_after(site: &mut Site, dice: &mut dyn FnMut(u64) -> u64) {
    match dice(4) {
        // The start finds in memory what is not on the disk,
        0 => site.open = None,
        // and the power may go before it is done with that,
        1 => {
            site.open = None;
            site.disk.fail(dice(60), Fault::Crash);
            let _ = site.open();
            site.lose_power(dice);
        }
        // or before it begins.
        2 => {
            site.open = None;
            site.disk.crash(dice);
        }
        _ => site.lose_power(dice),
    }
}

#[test]
fn a_full_disk_undoes_one_transaction_and_the_next_works_when_there_is_room() {
    full_disks(Site::new);
}

#[test]
fn a_store_can_be_made_when_there_is_room_again() {
    full_disks(Site::empty);
}

fn full_disks(beginning: fn() -> Site) {
    let (operations, expected) = without_a_fault(beginning);
    at_every_step(operations, |at| {
        let what = format!("full from step {at}");
        let mut dice = dice(at);
        let mut site = beginning();
        site.disk.fail(at, Fault::Full);
        let result = site.run(&mut |_| {});
        let failed = site.disk.failed();
        if site.open.is_some() {
            match result {
                Err(Stop::Full) => {}
                // It filled up when nothing was left to be written.
                Ok(()) => {}
                result => panic!("{what}: {result:?}"),
            }
            let found = site.dump();
            let differs = found.differs_from(&expected[site.done]);
            assert!(differs.is_empty(), "{what}: other {differs:?}");
        }
        site.disk.heal();
        match dice(3) {
            0 => site.lose_power(&mut dice),
            1 => site.open = None,
            _ => {}
        }
        if site.open.is_none() {
            let done = site.done;
            site.verify(&expected, &what);
            assert_eq!(site.done, done, "{what}: it is undone");
        }
        if dice(4) == 0 {
            site.goes_on(&expected, &what);
        } else if site.done < site.until {
            let next = site.transact(site.done);
            assert!(next.is_ok(), "{what}: then {next:?}");
            site.done += 1;
            assert!(site.dump().follows(&expected[site.done]), "{what}: then");
        }
        // The writes of one commit are alike: every third is tried.
        failed.map(|failed| failed + 2)
    });
}
