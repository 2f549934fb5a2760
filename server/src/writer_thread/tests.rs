//! The writer's thread over a real store: a disk with little room, and writes that fail.

use crate::config::Config;
use crate::gr::Running;
use crate::server::{Abort, Server, Wait, WriteError, WriterError};
use domain::{Change, Key, Kind, User, user_fields};
use ledger::LedgerError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A disk whose free room is told and whose writes fail as the test says.
#[derive(Debug)]
struct Quota {
    free: AtomicU64,
    full: AtomicBool,
}

impl store::Disk for Quota {
    fn room(&self, _: &Path) -> io::Result<(u64, u64)> {
        Ok((self.free.load(Ordering::SeqCst), 1 << 40))
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::QuotaExceeded.into()),
            false => file.write_all_at(bytes, offset),
        }
    }
}

struct Served {
    server: Server,
    running: Running,
    disk: Arc<Quota>,
    _dir: tempfile::TempDir,
}

fn served() -> Served {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display();
    let text = format!(
        "fqdn = \"cp-a.test.example\"\ndata_dir = \"{data}\"\ndisk.spare = 1000000\ndisk.reserve = 0\n"
    );
    let config = Config::parse(&text, "cp.toml", &|_| None).unwrap();
    let disk = Arc::new(Quota {
        free: AtomicU64::new(1 << 30),
        full: AtomicBool::new(false),
    });
    let (server, writer) = Server::open_on(config, disk.clone()).unwrap();
    let running = Running::start(&server, writer, CancellationToken::new()).unwrap();
    Served {
        server,
        running,
        disk,
        _dir: dir,
    }
}

async fn grow(server: &Server, bytes: usize) -> Result<(), WriteError<()>> {
    let body = vec![7; bytes];
    let write = server.write_weighing(bytes, Wait::Local, move |scope| -> Result<(), Abort<()>> {
        scope.append_body(&body)?;
        Ok(())
    });
    write.await.map(|_| ())
}

async fn free(server: &Server) -> Result<(), WriteError<()>> {
    let write = server.write_anyway(Wait::Local, |scope| -> Result<(), Abort<()>> {
        Ok(scope.tx().put_setting("key", b"value")?)
    });
    write.await.map(|_| ())
}

fn is_full(result: &Result<(), WriteError<()>>) -> bool {
    matches!(result, Err(WriteError::Failed(error)) if error.is_full())
}

/// The writer is kept busy until others wait for it; what is sent then lets it go on.
fn keep_busy(
    server: &Server,
) -> (
    impl Future<Output = bool>,
    oneshot::Receiver<()>,
    mpsc::Sender<()>,
) {
    let (go, held) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let server = server.clone();
    let first = async move {
        let write = server.write_anyway(Wait::Local, move |_| -> Result<(), Abort<()>> {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        });
        write.await.is_ok()
    };
    (first, has_begun, go)
}

/// A user of this server.
fn user(server: &Server, number: &str) -> Change {
    let home = (Key::field(user_fields::HOME), server.home().into());
    let numbers = (Key::field(user_fields::NUMBERS), User::numbers(number, &[]));
    Change::Create {
        id: server.new_id(),
        kind: Kind::USER,
        owner: None,
        body: None,
        registers: vec![numbers, home],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_or_refuses_leaves_nothing_and_takes_nobody_of_its_group_with_it() {
    let served = served();
    let server = &served.server;
    let users = ["7001", "7002", "7003", "7004"].map(|number| user(server, number));
    let (first, has_begun, go) = keep_busy(server);
    let write = |n: usize, end: fn() -> Result<(), Abort<&'static str>>| {
        let change = users[n].clone();
        server.write(Wait::Local, move |tx| {
            tx.append_body(&[n as u8; 100])?;
            tx.tx().put_setting(&format!("key {n}"), b"value")?;
            tx.change(&change)?;
            end()
        })
    };
    let others = async {
        has_begun.await.unwrap();
        let release = async { go.send(()).unwrap() };
        // Polled in this order, all are queued before the writer goes on.
        let (a, b, c, d, ()) = tokio::join!(
            write(0, || Ok(())),
            write(1, || Err(
                LedgerError("what it read is no user".into()).into()
            )),
            write(2, || Err(Abort::Refused("taken"))),
            write(3, || Ok(())),
            release
        );
        (a, b, c, d)
    };
    let (first, (before, failed, refused, after)) = tokio::join!(first, others);
    assert!(first && before.is_ok() && after.is_ok());
    assert!(matches!(
        failed,
        Err(WriteError::Failed(WriterError::Undone))
    ));
    assert!(matches!(refused, Err(WriteError::Refused("taken"))));
    let view = server.readers();
    let there = |n: usize| {
        let object = view.object(&users[n].id()).unwrap().is_some();
        let setting = view.setting(&format!("key {n}")).unwrap().is_some();
        let body = view
            .has_body(&domain::BodyRef::of(&[n as u8; 100]))
            .unwrap();
        (object, setting, body)
    };
    for n in [0, 3] {
        assert_eq!(there(n), (true, true, true));
    }
    for n in [1, 2] {
        assert_eq!(
            there(n),
            (false, false, false),
            "{n}: nothing of it has happened"
        );
    }
    assert_eq!(view.user_count(None).unwrap(), 2);
    // No new incarnation: the engine goes on as it was. The next transaction finds its sums and counts right.
    assert_eq!(view.history().unwrap().len(), 1);
    assert!(free(server).await.is_ok());
    served.running.stop(server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_want_of_room_takes_no_deletion_with_it() {
    let served = served();
    let server = &served.server;
    let (first, has_begun, go) = keep_busy(server);
    served.disk.full.store(true, Ordering::SeqCst);
    let others = async {
        has_begun.await.unwrap();
        let release = async { go.send(()).unwrap() };
        // Polled in this order, each is queued before the writer goes on.
        let (a, b, c, ()) = tokio::join!(free(server), grow(server, 500), free(server), release);
        (a, b, c)
    };
    let (first, (before, grown, after)) = tokio::join!(first, others);
    assert!(first && before.is_ok() && after.is_ok());
    assert!(is_full(&grown), "{grown:?}");
    // For a while nothing that grows is tried, and everything else is done.
    served.disk.full.store(false, Ordering::SeqCst);
    assert!(is_full(&grow(server, 5).await));
    assert!(free(server).await.is_ok());
    served.running.stop(server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn house_keeping_that_finds_no_room_ends_no_incarnation_and_fails_nobody_else() {
    let served = served();
    let server = &served.server;
    let add = async |number: &str| {
        let change = user(server, number);
        let write = server.write_anyway(Wait::Local, move |tx| -> Result<(), Abort<()>> {
            Ok(tx.change(&change)?)
        });
        write.await.map(|_| ())
    };
    let keep_house = async || {
        let write = server.write_upkeep(|tx| -> Result<(), Abort<()>> {
            tx.append_body(&[9; 500])?;
            Ok(())
        });
        write.await.map(|_| ())
    };
    assert!(add("7001").await.is_ok());
    let (first, has_begun, go) = keep_busy(server);
    served.disk.full.store(true, Ordering::SeqCst);
    let others = async {
        has_begun.await.unwrap();
        let release = async { go.send(()).unwrap() };
        // Polled in this order, all are queued before the writer goes on: none goes with the one that fails.
        let (before, failed, after, ()) =
            tokio::join!(add("7002"), keep_house(), add("7003"), release);
        (before, failed, after)
    };
    let (first, (before, failed, after)) = tokio::join!(first, others);
    assert!(first && before.is_ok() && after.is_ok());
    assert!(is_full(&failed), "{failed:?}");
    let faults = server.upkeep_faults().present();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].why.contains("full"), "{faults:?}");
    served.disk.full.store(false, Ordering::SeqCst);
    assert!(add("7004").await.is_ok());
    assert_eq!(server.readers().history().unwrap().len(), 1);
    assert_eq!(server.readers().user_count(None).unwrap(), 4);
    // Tried again, it is done.
    assert!(keep_house().await.is_ok());
    // The writer notes that behind its answer, and before it answers anybody else.
    assert!(add("7005").await.is_ok());
    assert_eq!(server.upkeep_faults().present(), []);
    served.running.stop(server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_whose_last_group_finds_no_room_ends_all_the_same() {
    let served = served();
    let Served {
        server,
        running,
        disk,
        _dir,
    } = served;
    let (first, has_begun, go) = keep_busy(&server);
    disk.full.store(true, Ordering::SeqCst);
    let others = async {
        has_begun.await.unwrap();
        let release = async { go.send(()).unwrap() };
        // Polled in this order, both are queued before the writer goes on, and go in one group.
        let (grown, stopped, ()) = tokio::join!(grow(&server, 500), running.stop(&server), release);
        (grown, stopped)
    };
    let (first, (grown, stopped)) = tokio::join!(first, others);
    assert!(first && is_full(&grown), "{grown:?}");
    stopped.unwrap();
}

#[tokio::test]
async fn what_grows_is_put_off_while_little_is_free_and_taken_again_when_there_is_more() {
    let served = served();
    let server = &served.server;
    assert!(grow(server, 1_000).await.is_ok());
    served.disk.free.store(1_200_000, Ordering::SeqCst);
    assert!(
        is_full(&grow(server, 500_000).await),
        "it would leave too little"
    );
    assert!(grow(server, 1_000).await.is_ok(), "a small one fits");
    served.disk.free.store(0, Ordering::SeqCst);
    assert!(is_full(&grow(server, 0).await));
    assert!(server.disk_room().low);
    assert!(free(server).await.is_ok());
    served.disk.free.store(1 << 30, Ordering::SeqCst);
    assert!(grow(server, 1_000).await.is_ok());
    assert!(!server.disk_room().low);
    served.running.stop(server).await.unwrap();
}

#[test]
fn those_who_were_undone_with_a_full_one_are_told_of_the_room() {
    let full = WriterError::Store(store::StoreError::Full);
    assert!(full.of_the_group().is_full());
    let other = WriterError::Damaged("x".into());
    assert!(matches!(other.of_the_group(), WriterError::Undone));
}
