//! What is done once does not happen twice: calls of each class, over real sockets, while servers fail in the middle of them.

mod fake;

use contract::{ErrorCode, GreetingSlot, NewTask, NewUser, RemoteUser, SettingsPatch, TaskKind};
use fake::{Mode, Server, Store};
use plugin_sdk::transport::native::Native;
use plugin_sdk::{Client, ClientEvent, Config, Error, Progress, Side, Timing};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;

/// Whatever is waited for has to come within this.
const LIMIT: Duration = Duration::from_secs(60);

/// An administrator's client, which knows both servers.
async fn administrator(server: &Server) -> Client {
    let transport = Rc::new(Native::new().unwrap());
    let config = Config {
        server: server.http.clone(),
        timing: Timing::default().quickened(4),
    };
    let client = Client::new(transport, config).unwrap();
    client.session().administer("admin", "secret");
    client.session().login("7200", "right").await.unwrap();
    until(&client, |client| {
        client.status().partner.is_some() && client.status().on == Some(Side::Primary)
    })
    .await;
    client
}

async fn until(client: &Client, done: impl Fn(&Client) -> bool) {
    let (count, mut news) = watch::channel(0_u64);
    let _listening =
        client.subscribe(move |_: &ClientEvent| count.send_modify(|count| *count += 1));
    let wait = async {
        while !done(client) {
            news.changed().await.expect("the client lives");
        }
    };
    let waited = tokio::time::timeout(LIMIT, wait).await;
    assert!(
        waited.is_ok(),
        "it does not come to it: {:?}",
        client.status()
    );
}

fn run<F: Future<Output = ()>>(test: impl FnOnce(Rc<Server>, Rc<Server>, Rc<Store>) -> F) {
    fake::live(async |north, south, store| {
        let ended = tokio::time::timeout(LIMIT * 2, test(north, south, store)).await;
        assert!(ended.is_ok(), "the test takes for ever");
    });
}

/// How often the two servers were asked for something.
fn times(servers: &[&Server], what: &str) -> usize {
    let asked = |server: &Server| {
        let asked = server.asked.borrow();
        asked.iter().filter(|asked| asked.starts_with(what)).count()
    };
    servers.iter().map(|server| asked(server)).sum()
}

fn new_user() -> NewUser {
    NewUser {
        id: None,
        mailbox: "7300".to_owned(),
        name: "Mira Tandell".to_owned(),
        password: "once-only".to_owned(),
        must_change: false,
        class: None,
    }
}

#[test]
fn a_user_whose_creation_was_not_answered_is_created_once() {
    for mode in [Mode::DoesAndCuts, Mode::DoesAndHangs, Mode::Cuts] {
        run(async |north, south, store| {
            let client = administrator(&north).await;
            north.mode.set(mode);
            let row = client.users().create(&new_user()).await.unwrap();
            assert!(
                times(&[&north, &south], "POST /api/v1/admin/users") >= 2,
                "{mode:?}"
            );
            let users = store.users.borrow();
            assert_eq!(
                users.keys().copied().collect::<Vec<_>>(),
                [row.id],
                "{mode:?}"
            );
        });
    }
}

#[test]
fn a_caller_who_keeps_the_id_may_ask_again_after_an_error() {
    run(async |north, south, store| {
        let client = administrator(&north).await;
        let new = NewUser {
            id: Some(client.new_id()),
            ..new_user()
        };
        north.mode.set(Mode::DoesAndCuts);
        south.mode.set(Mode::DoesAndCuts);
        assert!(client.users().create(&new).await.is_err());
        north.mode.set(Mode::Well);
        south.mode.set(Mode::Well);
        assert_eq!(
            client.users().create(&new).await.unwrap().id,
            new.id.unwrap()
        );
        assert_eq!(store.users.borrow().len(), 1);
    });
}

#[test]
fn a_user_whose_deletion_was_not_answered_is_gone_and_one_that_never_was_is_not_found() {
    run(async |north, _, store| {
        let client = administrator(&north).await;
        match client.users().delete(client.new_id()).await {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code, ErrorCode::NotFound),
            other => panic!("{other:?}"),
        }
        let row = client.users().create(&new_user()).await.unwrap();
        north.mode.set(Mode::DoesAndCuts);
        assert_eq!(client.users().delete(row.id).await, Ok(()));
        assert!(store.users.borrow().is_empty());
    });
}

#[test]
fn what_must_not_be_repeated_is_not_and_its_caller_is_told_to_look() {
    for mode in [Mode::DoesAndCuts, Mode::DoesAndHangs] {
        run(async |north, south, store| {
            let client = administrator(&north).await;
            north.mode.set(mode);
            assert_eq!(
                client.gr().undo().await,
                Err(Error::OutcomeUnknown),
                "{mode:?}"
            );
            assert_eq!(store.undone.get(), 1, "{mode:?}");
            assert_eq!(times(&[&north, &south], "POST /api/v1/admin/gr/undo"), 1);
        });
    }
}

#[test]
fn what_must_not_be_repeated_goes_to_the_partner_if_it_never_left() {
    run(async |north, south, store| {
        let client = administrator(&north).await;
        north.kill().await;
        client.gr().undo().await.unwrap();
        assert_eq!(store.undone.get(), 1);
        assert_eq!(times(&[&north, &south], "POST /api/v1/admin/gr/undo"), 1);
    });
}

#[test]
fn what_one_server_may_have_done_is_not_asked_of_the_other() {
    run(async |north, south, _| {
        let client = administrator(&north).await;
        let id = client.gr().new_task_id();
        assert_eq!(id.len(), 16);
        let task = NewTask {
            kind: TaskKind::Resync,
            dry_run: true,
            agreed: None,
            mailboxes: Vec::new(),
        };
        north.mode.set(Mode::DoesAndCuts);
        assert_eq!(
            client.gr().start(&id, &task).await,
            Err(Error::OutcomeUnknown)
        );
        assert_eq!(times(&[&south], "POST /api/v1/admin/gr/tasks"), 0);
        let paths = north.asked.borrow().clone();
        assert!(
            paths.contains(&format!("POST /api/v1/admin/gr/tasks?id={id}")),
            "{paths:?}"
        );
    });
}

#[test]
fn what_a_server_has_for_itself_is_not_given_to_its_partner_when_the_answer_is_lost() {
    run(async |north, south, _| {
        let client = administrator(&north).await;
        north.mode.set(Mode::DoesAndCuts);
        let user = RemoteUser {
            mailbox: "7300".to_owned(),
            name: "Elsewhere".to_owned(),
            address: "7300@vm.example".to_owned(),
        };
        let ended = client.remote_users().add(&user).await;
        assert_eq!(ended, Err(Error::OutcomeUnknown));
        assert_eq!(north.own.borrow().len(), 1);
        assert!(south.own.borrow().is_empty());
    });
}

#[test]
fn settings_of_both_servers_are_changed_at_the_partner_when_the_answer_is_lost() {
    run(async |north, south, store| {
        let client = administrator(&north).await;
        north.mode.set(Mode::DoesAndCuts);
        let patch = SettingsPatch {
            broadcast_mailbox: Some("7999".to_owned()),
            ..SettingsPatch::default()
        };
        client.settings().change(&patch).await.unwrap();
        assert!(times(&[&south], "PATCH /api/v1/admin/settings") > 0);
        let sent: SettingsPatch = serde_json::from_slice(&store.settings.borrow()).unwrap();
        assert_eq!(sent, patch);
    });
}

#[test]
fn a_server_that_refuses_an_administrator_does_not_end_the_users_session() {
    run(async |north, _, _| {
        let client = administrator(&north).await;
        let nobody = client.gr().status().await;
        assert!(matches!(nobody, Err(Error::Refused(_))), "{nobody:?}");
        assert!(client.session().is_held());
    });
}

#[test]
fn without_an_administrators_name_nothing_is_sent() {
    run(async |north, south, _| {
        let transport = Rc::new(Native::new().unwrap());
        let client = Client::new(transport, Config::new(&north.http)).unwrap();
        match client.users().create(&new_user()).await {
            Err(Error::BadConfig { what }) => assert!(what.contains("administrator"), "{what}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(times(&[&north, &south], "POST"), 0);
    });
}

#[test]
fn an_upload_tells_how_far_it_has_come_and_arrives_whole_at_the_partner() {
    run(async |north, _, store| {
        let client = administrator(&north).await;
        let wav = fake::sound();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&seen);
        north.mode.set(Mode::DoesAndCuts);
        let progress = move |progress: Progress| {
            assert_eq!(progress.of, Some(fake::SOUND_BYTES as u64));
            told.borrow_mut().push(progress.bytes);
        };
        let record = client.greetings();
        let record = record.record(GreetingSlot::External, wav.clone(), progress);
        record.await.unwrap();
        assert!(*store.greeting.borrow() == wav, "not the whole sound");
        let seen = seen.borrow();
        assert!(
            seen.len() > 10 && seen.last() == Some(&(wav.len() as u64)),
            "{seen:?}"
        );
        let same = |path: &&String| path.starts_with("PUT /api/v1/greetings/external?id=");
        let asked = north.asked.borrow();
        assert!(asked.iter().filter(same).count() >= 1, "{asked:?}");
    });
}

#[test]
fn a_call_that_is_dropped_stops_and_leaves_the_client_whole() {
    run(async |north, _, store| {
        let client = administrator(&north).await;
        north.mode.set(Mode::Unread);
        let started = Rc::new(tokio::sync::Notify::new());
        let (bell, first) = (Rc::clone(&started), Cell::new(true));
        let progress = move |_: Progress| {
            if first.replace(false) {
                bell.notify_one();
            }
        };
        let greetings = client.greetings();
        // More than the sockets of a loopback hold.
        let long = vec![7; 64 << 20];
        tokio::select! {
            ended = greetings.record(GreetingSlot::External, long, progress) => panic!("{ended:?}"),
            () = started.notified() => {}
        }
        north.mode.set(Mode::Well);
        assert!(store.greeting.borrow().is_empty());
        let row = client.users().create(&new_user()).await.unwrap();
        assert!(store.users.borrow().contains_key(&row.id));
    });
}
