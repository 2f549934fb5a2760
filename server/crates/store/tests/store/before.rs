//! A database of an earlier release opens, and everything in it is there.
//!
//! `tests/fixtures/format-4` holds what [`fill`] wrote, as the release did that first wrote format 4. `writes_the_fixture`, which is ignored, writes
//! it anew where `CALLPILOT_FIXTURE` says: for the next format, into a directory of its own.

use crate::support::{Site, id, mark, message, user};
use domain::{BodyRef, Hlc, Incarnation, Kind, ServerId, Timestamp};
use ledger::{
    BackgroundJob, Damage, DeletionRecord, Deletions, Held, HistoryEntry, Kept, Known, Lane,
    Ledger, Outcome, Phase, Reason, Removed, ReplicaState, Scan, Seeding, SentRecord, Task,
    TaskCounts, TaskId, TaskKind, TaskReport, Tombstone,
};
use std::fs;
use std::path::{Path, PathBuf};
use store::{Options, Store};

const HOME: ServerId = ServerId(100);

fn state() -> ReplicaState {
    let counts = TaskCounts {
        created_here: 1,
        deleted_there: 2,
        total: 3,
        ..TaskCounts::default()
    };
    let scan = |job| Scan {
        job,
        after: Some(id(3)),
    };
    ReplicaState {
        hlc: Hlc(1 << 40),
        csn: 77,
        known: Some(Known {
            incarnation: Incarnation(5),
            csn: 6,
            id: 7,
        }),
        unconfirmed: vec![SentRecord { csn: 70, id: 71 }],
        unconfirmed_gap: 8,
        unconfirmed_from: Some(9),
        agreed_ms: 10,
        counted_at: Some(Timestamp(11)),
        known_of: Some(ServerId(101)),
        partner_rolled_back: true,
        rolled_back: true,
        partner: Some(ServerId(101)),
        seeding: Some(Seeding { after: Some(id(2)) }),
        task: Some(Task {
            id: TaskId(12),
            kind: TaskKind::Rebuild,
            dry: true,
            agreed: Some(Deletions {
                here: 13,
                there: 14,
            }),
            began: Timestamp(15),
            phase: Phase::Fetching,
            after: Some(id(4)),
            mailboxes: vec![id(1)],
            counts,
        }),
        last_task: Some(TaskReport {
            id: TaskId(16),
            kind: TaskKind::Mailboxes,
            dry: false,
            began: Timestamp(17),
            ended: Timestamp(18),
            outcome: Outcome::GaveWay,
            counts,
        }),
        staging: true,
        kept: Some(Kept {
            task: TaskId(16),
            kind: TaskKind::Audit,
            at: Timestamp(19),
            objects: 1,
        }),
        removed: Some(Removed {
            task: TaskId(16),
            users: 20,
            contents: 21,
        }),
        scans: [
            BackgroundJob::Salvage,
            BackgroundJob::Undo,
            BackgroundJob::Purge,
            BackgroundJob::Unstage,
            BackgroundJob::Retry,
        ]
        .map(scan)
        .into(),
        courtesy: true,
        stopped: vec![TaskId(22)],
    }
}

fn incarnation(n: u64) -> HistoryEntry {
    HistoryEntry {
        incarnation: Incarnation(n),
        csn: n + 1,
        began: Timestamp(n as i64),
    }
}

fn held() -> Held {
    Held {
        reason: Reason::CLASS_MISSING,
        at: Timestamp(23),
        mark: mark(24, true),
    }
}

const TOMBSTONE: Tombstone = Tombstone { at: Timestamp(25) };
const DELETION_RECORD: DeletionRecord = DeletionRecord {
    at: Timestamp(26),
    kind: Kind::USER,
};

fn lost() -> BodyRef {
    BodyRef::of(b"of these bytes the first four are here")
}

fn fill(site: &mut Site) {
    site.commit(|tx| {
        tx.put(&id(1), &user("7001", HOME)).unwrap();
        tx.put(&id(2), &user("8001", ServerId(101))).unwrap();
        let body = tx.append_body(b"a voice message").unwrap();
        tx.put(&id(10), &message(id(1), Some(body), 10)).unwrap();
        tx.put(&id(11), &message(id(1), Some(lost()), 11)).unwrap();
        tx.append_piece(Timestamp(12), &lost(), 0, b"of t").unwrap();
        tx.set_mark(&id(1), &mark(27, false)).unwrap();
        tx.set_mark(&id(30), &mark(28, false)).unwrap();
        tx.set_tombstone(&id(30), &TOMBSTONE).unwrap();
        tx.record_deletion(&id(31), &DELETION_RECORD).unwrap();
        tx.set_held(&id(2), &held()).unwrap();
        tx.stage(&id(1), Some(&user("7001", HOME))).unwrap();
        tx.keep(&id(32), &user("8002", HOME)).unwrap();
        for n in [1, 2] {
            tx.add_incarnation(&incarnation(n)).unwrap();
        }
        tx.set_state(&state()).unwrap();
    });
}

fn check(site: &mut Site) {
    let sound = site.readers.body(&BodyRef::of(b"a voice message")).unwrap();
    assert_eq!(&sound[..], b"a voice message");
    site.commit(|tx| {
        assert_eq!(tx.object(&id(1)).unwrap(), Some(user("7001", HOME)));
        assert_eq!(tx.users_with_number("8001").unwrap(), [id(2)]);
        assert_eq!(tx.owned_by(&id(1)).unwrap(), [id(10), id(11)]);
        assert_eq!(tx.body_part(&lost()).unwrap(), 4);
        let damage = Damage {
            bodies: 1,
            ..Damage::default()
        };
        assert_eq!(tx.damage().unwrap(), damage);
        assert_eq!(tx.mark(&id(1)).unwrap(), Some(mark(27, false)));
        assert_eq!(tx.backlog(Lane::Messages).unwrap().count, 2);
        assert_eq!(tx.tombstone(&id(30)).unwrap(), Some(TOMBSTONE));
        assert_eq!(tx.deletion_record(&id(31)).unwrap(), Some(DELETION_RECORD));
        assert_eq!(tx.held(&id(2)).unwrap(), Some(held()));
        assert_eq!(tx.staged(&id(1)).unwrap(), Some(user("7001", HOME)));
        let kept = tx.kept_after(None, 9).unwrap();
        assert_eq!(kept, [(id(32), user("8002", HOME))]);
        assert_eq!(tx.history().unwrap(), [incarnation(1), incarnation(2)]);
        assert_eq!(tx.state().unwrap(), state());
    });
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-4")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

#[test]
fn a_database_of_an_earlier_release_holds_what_it_held() {
    let mut site = Site::new().reopen_after(Options::default(), |dir| {
        fs::remove_dir_all(dir).unwrap();
        copy(&fixture(), dir);
    });
    check(&mut site);
    check(&mut site.reopen());
}

#[test]
fn what_is_written_today_is_what_the_fixture_holds() {
    let mut site = Site::new();
    fill(&mut site);
    check(&mut site);
    check(&mut site.reopen());
}

#[test]
#[ignore = "writes files: only for a new format"]
fn writes_the_fixture() {
    let to = std::env::var_os("CALLPILOT_FIXTURE").expect("CALLPILOT_FIXTURE is a directory");
    let mut site = Site::new();
    fill(&mut site);
    site.reopen_after(Options::default(), |dir| {
        // Opened and closed once more, so that nothing is left in the log; what is held in reserve is of no use to anybody.
        drop(Store::open(dir, Options::default()).unwrap());
        copy(dir, Path::new(&to));
    });
}
