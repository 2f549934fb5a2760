//! A client repeats a call whose answer was lost, to the same server or to the partner: what it did once has not happened twice.

use contract::{NewTask, NewUser, TaskKind, UserKind, UserRow, VpimShortcut};
use plugin_sdk::transport::native::Native;
use plugin_sdk::{Client, Config, Error};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use support::{LIMIT, Pair, Server, until};
use tempfile::TempDir;

/// Passes each request on to a server; of the first so many with `what` in their head it keeps the answer for itself and breaks off.
struct Swallower {
    address: SocketAddr,
    left: Arc<AtomicUsize>,
    swallowed: mpsc::Receiver<Vec<u8>>,
}

impl Swallower {
    fn before(server: SocketAddr, what: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let left = Arc::new(AtomicUsize::new(0));
        let (keep, swallowed) = mpsc::channel();
        let to_keep = Arc::clone(&left);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let (left, keep) = (Arc::clone(&to_keep), keep.clone());
                // A connection that breaks is what a network does.
                thread::spawn(move || drop(pass(near, server, what, &left, &keep)));
            }
        });
        Self {
            address,
            left,
            swallowed,
        }
    }

    /// Keeps the next `count` answers.
    fn swallow(&self, count: usize) {
        self.left.store(count, Ordering::SeqCst);
    }

    /// The status line of the next answer that was kept.
    fn status_line(&self) -> String {
        let answer = self
            .swallowed
            .recv_timeout(LIMIT)
            .expect("an answer was kept");
        let text = String::from_utf8_lossy(&answer);
        text.lines().next().unwrap_or_default().to_owned()
    }
}

fn pass(
    mut near: TcpStream,
    server: SocketAddr,
    what: &str,
    left: &AtomicUsize,
    keep: &mpsc::Sender<Vec<u8>>,
) -> std::io::Result<()> {
    let mut far = TcpStream::connect(server)?;
    let mut first = vec![0; 64 << 10];
    let count = near.read(&mut first)?;
    first.truncate(count);
    far.write_all(&first)?;
    let (mut near_in, mut far_out) = (near.try_clone()?, far.try_clone()?);
    let upward = thread::spawn(move || std::io::copy(&mut near_in, &mut far_out));
    let ours = String::from_utf8_lossy(&first).contains(what);
    let one_less = |left: usize| left.checked_sub(1);
    if ours
        && left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
    {
        // The answer comes when it is done: then nobody hears of it.
        let mut answer = vec![0; 64 << 10];
        let count = far.read(&mut answer)?;
        answer.truncate(count);
        near.shutdown(Shutdown::Both)?;
        // The test may have ended.
        let _ = keep.send(answer);
    } else {
        std::io::copy(&mut far, &mut near)?;
        near.shutdown(Shutdown::Both)?;
    }
    far.shutdown(Shutdown::Both)?;
    // It ends with its sockets.
    let _ = upward.join();
    Ok(())
}

/// A pair whose administrator has the same password on both.
fn administered() -> (TempDir, Pair) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("password");
    std::fs::write(&file, "hunter-12345\n").expect("a password");
    let settings = format!(
        "admin.password_file = {:?}\n",
        file.to_str().expect("a name")
    );
    let pair = Pair::start(dir.path(), &settings);
    (dir, pair)
}

/// Runs `act` with an administrator's client that reaches its primary at `primary` and knows its partner.
fn client<T>(primary: SocketAddr, act: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let transport = Rc::new(Native::new().expect("a transport"));
        let client = Client::new(transport, Config::new(format!("http://{primary}")));
        let client = client.expect("a client");
        client.session().administer("admin", "hunter-12345");
        let changed = Rc::new(tokio::sync::Notify::new());
        let bell = Rc::clone(&changed);
        let _listening = client.subscribe(move |_| bell.notify_one());
        while client.status().partner.is_none() {
            let heard = tokio::time::timeout(LIMIT, changed.notified()).await;
            heard.expect("the client learns its partner");
        }
        act(client).await
    })
}

fn mira() -> NewUser {
    NewUser {
        id: None,
        mailbox: "7216".to_owned(),
        name: "Mira Tandell".to_owned(),
        password: "a-password".to_owned(),
        must_change: false,
        class: None,
    }
}

fn users(server: &Server) -> Vec<UserRow> {
    let answer = server.admin().get("/api/v1/admin/users?mailbox=7216");
    serde_json::from_slice(&answer.body).expect("users")
}

#[test]
fn a_user_whose_creation_was_not_answered_is_found_by_the_repetition() {
    let (_dir, pair) = administered();
    pair.keep_clients_at_a();
    let way = Swallower::before(pair.a.http, "POST /api/v1/admin/users");
    way.swallow(1);
    let row = client(way.address, async |client| {
        client.users().create(&mira()).await
    });
    let row = row.expect("it is created");
    assert!(
        way.status_line().contains("201"),
        "the first try had done it"
    );
    assert_eq!(
        (row.kind, &*row.home),
        (UserKind::Local, "cp-a.test.example")
    );
    assert_eq!(users(&pair.a), [row]);
}

#[test]
fn a_user_whose_creator_dies_before_the_answer_is_found_on_the_partner() {
    let (_dir, mut pair) = administered();
    let way = Swallower::before(pair.a.http, "POST /api/v1/admin/users");
    // Whatever is tried again there is kept, too, until the client gives it up.
    way.swallow(usize::MAX);
    let row = client(way.address, async |client| {
        client.users().create(&mira()).await
    });
    let row = row.expect("it is found");
    assert!(
        way.status_line().contains("201"),
        "the first server had done it"
    );
    assert_eq!((row.kind, &*row.home), (UserKind::Gr, "cp-a.test.example"));
    pair.a.kill();
    pair.a.run();
    pair.running();
    for server in [&pair.a, &pair.b] {
        let found = users(server);
        assert_eq!((found.len(), found[0].id), (1, row.id), "{}", server.fqdn);
    }
}

#[test]
fn a_user_that_both_servers_made_while_they_were_apart_is_one_user_when_they_meet() {
    let (_dir, mut pair) = administered();
    pair.b.kill();
    let new = NewUser {
        id: Some(
            "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90"
                .parse()
                .expect("an id"),
        ),
        ..mira()
    };
    let create = |server: &Server| {
        let new = serde_json::to_value(&new).expect("JSON");
        let asked = server
            .admin()
            .ask("POST", "/api/v1/admin/users", Some(&new));
        asked.expect("an answer").status
    };
    assert_eq!(create(&pair.a), 201);
    pair.a.kill();
    pair.b.run();
    assert_eq!(create(&pair.b), 201);
    pair.a.run();
    pair.running();
    until("one user on both", || {
        let found = [&pair.a, &pair.b].map(users);
        let one = |rows: &Vec<UserRow>| rows.len() == 1 && Some(rows[0].id) == new.id;
        (found.iter().all(one) && found[0][0].home == found[1][0].home).then_some(())
    });
    pair.running();
}

#[test]
fn a_task_whose_start_was_not_answered_is_found_by_the_repetition_and_not_started_twice() {
    let (_dir, pair) = administered();
    pair.keep_clients_at_a();
    let way = Swallower::before(pair.a.http, "POST /api/v1/admin/gr/tasks");
    way.swallow(1);
    let task = NewTask {
        kind: TaskKind::Resync,
        dry_run: true,
        agreed: None,
        mailboxes: Vec::new(),
    };
    let (id, started) = client(way.address, async |client| {
        let id = client.gr().new_task_id();
        let started = client.gr().start(&id, &task).await;
        (id, started)
    });
    assert!(
        way.status_line().contains("202"),
        "the first try had done it"
    );
    let started = started.expect("it is found");
    assert_eq!((&started.id, &*started.server), (&id, "cp-a.test.example"));
    // Also when it has ended; and its name is not given to another.
    let again = |task: &NewTask| {
        let body = serde_json::to_value(task).expect("JSON");
        let path = format!("/api/v1/admin/gr/tasks?id={id}");
        pair.a
            .admin()
            .ask("POST", &path, Some(&body))
            .expect("an answer")
    };
    until("the end of the task", || {
        let tasks = pair.a.admin().get("/api/v1/admin/gr/tasks").json();
        (tasks["last"]["id"] == id.as_str()).then_some(())
    });
    assert_eq!(again(&task).status, 202);
    let other = NewTask {
        kind: TaskKind::Audit,
        ..task
    };
    assert_eq!(again(&other).status, 409);
}

#[test]
fn what_must_not_be_repeated_is_asked_once_and_the_caller_is_told_to_look() {
    let (_dir, pair) = administered();
    let way = Swallower::before(pair.a.http, "POST /api/v1/admin/gr/undo");
    way.swallow(usize::MAX);
    let ended = client(way.address, async |client| client.gr().undo().await);
    assert_eq!(ended, Err(Error::OutcomeUnknown));
    assert!(way.status_line().contains("409"), "nothing was kept");
    assert!(way.swallowed.try_recv().is_err(), "it was asked twice");
}

#[test]
fn what_has_a_natural_key_and_was_done_before_the_lost_answer_is_as_it_is_to_be() {
    let (_dir, pair) = administered();
    pair.keep_clients_at_a();
    let way = Swallower::before(pair.a.http, "/api/v1/admin/classes");
    let board = client(way.address, async |client| {
        way.swallow(1);
        let board = client.classes().add(4, "Board").await;
        assert!(
            way.status_line().contains("201"),
            "the first try had done it"
        );
        way.swallow(1);
        assert_eq!(client.classes().remove(4).await, Ok(()));
        assert!(
            way.status_line().contains("204"),
            "the first try had done it"
        );
        board
    });
    assert_eq!(board.expect("it is found").name, "Board");
    let classes = pair.a.admin().get("/api/v1/admin/classes").json();
    assert_eq!(classes.as_array().expect("classes").len(), 1);
}

#[test]
fn what_one_server_has_for_itself_is_not_changed_on_its_partner_when_the_answer_is_lost() {
    let (_dir, pair) = administered();
    let way = Swallower::before(pair.a.http, "POST /api/v1/admin/shortcuts");
    way.swallow(usize::MAX);
    let shortcut = VpimShortcut {
        prefix: "1272".to_owned(),
        overlap: 0,
    };
    let ended = client(way.address, async |client| {
        client.shortcuts().add(&shortcut).await
    });
    assert_eq!(ended, Err(Error::OutcomeUnknown));
    let has = |server: &Server| {
        let shortcuts = server.admin().get("/api/v1/admin/shortcuts").json();
        shortcuts.as_array().expect("shortcuts").len()
    };
    assert_eq!((has(&pair.a), has(&pair.b)), (1, 0));
}
