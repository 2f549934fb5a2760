//! The client over real sockets, against servers that refuse, hang, break off and babble.

#[path = "../fake/mod.rs"]
mod fake;
mod sessions;

use contract::{ErrorCode, Event, Folder};
use fake::{Mode, Server, Store, TOKEN};
use plugin_sdk::transport::native::Native;
use plugin_sdk::{Client, ClientEvent, Config, Error, Progress, Side, State, Timing, Transport};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;

/// Whatever is waited for has to come within this.
const LIMIT: Duration = Duration::from_secs(30);

/// A client with everything that it has told.
struct User {
    client: Client,
    told: Rc<RefCell<Vec<ClientEvent>>>,
    news: watch::Receiver<u64>,
}

impl User {
    fn of(server: &Server) -> Self {
        Self::over(Rc::new(Native::new().unwrap()), server)
    }

    fn over(transport: Rc<dyn Transport>, server: &Server) -> Self {
        Self::at(transport, server.http.clone())
    }

    fn at(transport: Rc<dyn Transport>, server: String) -> Self {
        let timing = Timing {
            renew_pause_ms: 20,
            ..Timing::default().quickened(4)
        };
        let config = Config { server, timing };
        let client = Client::new(transport, config).unwrap();
        let told = Rc::new(RefCell::new(Vec::new()));
        let (count, news) = watch::channel(0);
        let keep = Rc::clone(&told);
        let heard = move |event: &ClientEvent| {
            keep.borrow_mut().push(event.clone());
            count.send_modify(|count| *count += 1);
        };
        client.subscribe(heard).forever();
        Self { client, told, news }
    }

    async fn logged_in(server: &Server) -> Self {
        let mut user = Self::of(server);
        user.client.session().login("7200", "right").await.unwrap();
        user.until(|user| user.heard(|event| matches!(event, ClientEvent::Server(_))))
            .await;
        user
    }

    /// Waits for a state of things that the client tells of.
    async fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let wait = async {
            while !done(self) {
                self.news.changed().await.expect("the client lives");
            }
        };
        let waited = tokio::time::timeout(LIMIT, wait).await;
        assert!(
            waited.is_ok(),
            "it does not come to it: {:?}",
            self.client.status()
        );
    }

    fn heard(&self, what: impl Fn(&ClientEvent) -> bool) -> bool {
        self.told.borrow().iter().any(what)
    }

    fn state(&self) -> State {
        self.client.status().state
    }

    /// How many messages the inbox shows.
    async fn count(&self) -> Result<usize, Error> {
        let list = self
            .client
            .messages()
            .page(Folder::Inbox, None, None)
            .await?;
        Ok(list.messages.len())
    }
}

/// Runs a test on one thread, as a browser would, and not for ever.
fn run<F: Future<Output = ()>>(test: impl FnOnce(Rc<Server>, Rc<Server>, Rc<Store>) -> F) {
    fake::live(async |north, south, store| {
        let ended = tokio::time::timeout(LIMIT * 2, test(north, south, store)).await;
        assert!(ended.is_ok(), "the test takes for ever");
    });
}

/// Waits until so many listen to a server.
async fn listeners(server: &Server, count: usize) {
    let mut streams = server.streams.subscribe();
    let wait = streams.wait_for(|open| *open == count);
    let waited = tokio::time::timeout(LIMIT, wait).await;
    assert!(waited.is_ok(), "never {count} listeners");
}

#[test]
fn a_user_logs_in_reads_and_hears_of_new_messages() {
    run(async |north, _, _| {
        let mut user = User::logged_in(&north).await;
        assert_eq!(user.count().await, Ok(2));
        let row = fake::message(3);
        north.say(&fake::arrival(row.clone()));
        let arrived = |event: &ClientEvent| matches!(event, ClientEvent::Server(Event::Message { row: new, .. }) if *new == row);
        user.until(|user| user.heard(arrived)).await;
        let status = user.client.status();
        assert_eq!(
            (status.state, status.on),
            (State::OnPrimary, Some(Side::Primary))
        );
        assert_eq!(status.primary.fqdn, "north.example.net");
        assert_eq!(status.partner.expect("learnt").fqdn, "south.example.net");
    });
}

#[test]
fn a_wrong_password_is_told_with_the_tries_that_are_left() {
    run(async |north, _, _| {
        let user = User::of(&north);
        match user.client.session().login("7200", "wrong").await {
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::WrongPassword);
                assert_eq!(refusal.tries_left, Some(3));
            }
            other => panic!("{other:?}"),
        }
        assert!(!user.client.session().is_held());
        assert!(
            !user.heard(|event| *event == ClientEvent::SessionEnded),
            "there was none"
        );
    });
}

#[test]
fn after_a_kill_the_user_goes_on_at_the_partner_with_the_same_session() {
    run(async |north, south, _| {
        let mut user = User::logged_in(&north).await;
        assert_eq!(user.count().await, Ok(2));
        north.kill().await;
        assert_eq!(user.count().await, Ok(2));
        assert_eq!(user.state(), State::OnPartner);
        user.until(|user| user.heard(|event| *event == ClientEvent::ListStale))
            .await;
        assert!(
            !south
                .asked
                .borrow()
                .iter()
                .any(|asked| asked.starts_with("POST")),
            "no second log-in"
        );
        // Events go on too.
        listeners(&south, 1).await;
        south.say(&fake::arrival(fake::message(9)));
        user.until(|user| {
            user.heard(|event| matches!(event, ClientEvent::Server(Event::Message { .. })))
        })
        .await;
    });
}

#[test]
fn an_idle_user_is_moved_after_a_kill_without_asking_for_anything() {
    run(async |north, south, _| {
        let mut user = User::logged_in(&north).await;
        north.kill().await;
        user.until(|user| user.state() == State::OnPartner).await;
        listeners(&south, 1).await;
    });
}

#[test]
fn a_request_to_a_server_that_accepts_and_never_answers_is_answered_by_the_partner() {
    run(async |north, _, _| {
        let user = User::logged_in(&north).await;
        north.mode.set(Mode::Mute);
        assert_eq!(user.count().await, Ok(2));
        assert_eq!(user.client.status().on, Some(Side::Partner));
    });
}

#[test]
fn a_server_that_is_unavailable_hands_its_users_to_the_partner() {
    run(async |north, _, _| {
        let user = User::logged_in(&north).await;
        north.mode.set(Mode::Unavailable);
        assert_eq!(user.count().await, Ok(2));
        assert_eq!(user.client.status().on, Some(Side::Partner));
    });
}

#[test]
fn sound_that_breaks_off_or_stops_is_fetched_whole_from_the_partner() {
    for mode in [Mode::Cuts, Mode::Stalls] {
        run(async |north, south, _| {
            let user = User::logged_in(&north).await;
            north.mode.set(mode);
            let most = Rc::new(Cell::new(0));
            let seen = Rc::clone(&most);
            let progress = move |progress: Progress| {
                assert_eq!(progress.of, Some(fake::SOUND_BYTES as u64));
                seen.set(progress.bytes);
            };
            let id = fake::message(1).id;
            let sound = user
                .client
                .messages()
                .audio(id, None, progress)
                .await
                .unwrap();
            assert!(sound == fake::sound(), "{mode:?}: not the whole sound");
            assert_eq!(most.get(), fake::SOUND_BYTES as u64);
            assert!(!south.asked.borrow().is_empty());
        });
    }
}

#[test]
fn sound_that_is_decoded_while_it_comes_begins_with_the_same_bytes_on_the_partner() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        north.mode.set(Mode::Cuts);
        let told = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&told);
        let received = move |octets: &[u8], of: Option<u64>| {
            assert_eq!(of, Some(fake::SOUND_BYTES as u64));
            assert!(fake::sound().starts_with(octets));
            seen.borrow_mut().push(octets.len());
        };
        let id = fake::message(1).id;
        let messages = user.client.messages();
        let sound = messages.stored_audio(id, None, received).await.unwrap();
        assert!(sound == fake::sound(), "not the whole sound");
        let told = told.borrow();
        assert_eq!(told.last(), Some(&fake::SOUND_BYTES));
        assert!(told.len() > 1, "told only when all was there");
        assert!(!south.asked.borrow().is_empty());
    });
}

#[test]
fn an_answer_that_is_no_answer_is_an_error_and_not_an_empty_list() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        north.mode.set(Mode::Babbles);
        south.mode.set(Mode::Babbles);
        match user.count().await {
            Err(Error::Malformed { .. }) => {}
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn with_both_dead_a_call_says_so_and_a_later_one_succeeds() {
    run(async |north, south, _| {
        let mut user = User::logged_in(&north).await;
        north.kill().await;
        south.kill().await;
        match user.count().await {
            Err(Error::NoServer { .. }) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(user.state(), State::Unreachable);
        assert!(user.client.status().next_try_at.is_some());
        south.revive().await;
        user.client.retry_now();
        user.until(|user| user.state() == State::OnPartner).await;
        assert_eq!(user.count().await, Ok(2));
    });
}

#[test]
fn with_both_hung_a_call_is_told_that_there_is_no_server_before_its_own_patience_ends() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        north.mode.set(Mode::Mute);
        south.mode.set(Mode::Mute);
        match user.count().await {
            Err(Error::NoServer { .. }) => {}
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_list_is_called_stale_also_where_the_new_server_gives_no_events() {
    run(async |north, south, _| {
        let mut user = User::logged_in(&north).await;
        assert_eq!(user.count().await, Ok(2));
        south.mode.set(Mode::Streamless);
        north.kill().await;
        user.until(|user| user.heard(|event| *event == ClientEvent::ListStale))
            .await;
        assert_eq!(user.count().await, Ok(2));
    });
}

#[test]
fn a_session_is_renewed_before_it_ends_and_the_new_token_is_told() {
    run(async |north, _, _| {
        north.session_ms.set(100);
        let mut user = User::logged_in(&north).await;
        let renewed = |event: &ClientEvent| matches!(event, ClientEvent::SessionRenewed(session) if session.token == TOKEN);
        user.until(|user| user.heard(renewed)).await;
        assert!(user.client.session().is_held());
    });
}

#[test]
fn a_deletion_that_is_sent_twice_can_still_be_undone() {
    run(async |north, south, store| {
        let user = User::logged_in(&north).await;
        let id = fake::message(1).id;
        north.mode.set(Mode::DoesAndCuts);
        let row = user.client.messages().delete(id).await.unwrap();
        assert_eq!(row.folder, Folder::Deleted);
        let sent = north.asked.borrow().len() + south.asked.borrow().len();
        assert!(sent > 3, "it was sent again");
        assert!(
            store.messages.borrow().contains_key(&id),
            "deleted, not expunged"
        );
        let row = user.client.messages().undelete(id).await.unwrap();
        assert_eq!(row.folder, Folder::Inbox);
    });
}

#[test]
fn only_what_lies_in_deleted_is_expunged_also_when_the_answer_is_lost() {
    run(async |north, _, store| {
        let user = User::logged_in(&north).await;
        let (taken_back, gone) = (fake::message(2).id, fake::message(1).id);
        let refused = user.client.messages().expunge(taken_back).await;
        assert!(
            matches!(&refused, Err(Error::Refused(why)) if why.code == ErrorCode::PreconditionFailed),
            "{refused:?}"
        );
        user.client.messages().delete(gone).await.unwrap();
        north.mode.set(Mode::DoesAndCuts);
        assert_eq!(user.client.messages().expunge(gone).await, Ok(()));
        let left = store.messages.borrow();
        let left: Vec<_> = left.values().map(|row| (row.id, row.folder)).collect();
        assert_eq!(left, [(taken_back, Folder::Inbox)]);
    });
}

#[test]
fn what_the_server_in_use_has_lost_is_heard_from_its_partner_and_the_server_stays() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        let id = fake::message(1).id;
        let audio = async || user.client.messages().audio(id, None, |_| {}).await;
        north.mode.set(Mode::Lacks);
        assert_eq!(audio().await, Ok(fake::sound()));
        south.mode.set(Mode::Lacks);
        let lost = |heard: Result<Vec<u8>, Error>| match heard {
            Err(Error::Refused(why)) => assert_eq!(why.code, ErrorCode::NotHere),
            other => panic!("{other:?}"),
        };
        lost(audio().await);
        // What else the partner says of it, or does not, is no answer.
        for mode in [Mode::Forgets, Mode::Unavailable, Mode::Cuts, Mode::Mute] {
            south.mode.set(mode);
            lost(audio().await);
        }
        south.kill().await;
        lost(audio().await);
        assert_eq!(user.count().await, Ok(2));
        let status = user.client.status();
        assert_eq!(
            (status.state, status.on),
            (State::OnPrimary, Some(Side::Primary))
        );
        assert!(user.client.session().is_held());
        let path = format!("GET /api/v1/messages/{id}/audio");
        let asked = |server: &Server| server.asked.borrow().iter().filter(|a| **a == path).count();
        assert_eq!((asked(&north), asked(&south)), (7, 6));
    });
}

#[test]
fn deleted_is_emptied_once_also_when_the_answer_is_lost() {
    run(async |north, _, store| {
        let user = User::logged_in(&north).await;
        let (gone, kept) = (fake::message(1).id, fake::message(2).id);
        user.client.messages().delete(gone).await.unwrap();
        north.mode.set(Mode::DoesAndCuts);
        let emptied = user.client.messages().empty_deleted().await.unwrap();
        assert_eq!(emptied.messages, 0, "the answer is that of the second try");
        let left: Vec<_> = store.messages.borrow().keys().copied().collect();
        assert_eq!(left, [kept]);
    });
}

#[test]
fn a_kept_session_waits_for_a_server_and_then_works_by_itself() {
    run(async |north, south, _| {
        north.kill().await;
        south.kill().await;
        let mut user = User::of(&north);
        match user.client.session().restore(TOKEN).await {
            Err(Error::NoServer { .. }) => {}
            other => panic!("{other:?}"),
        }
        assert!(user.client.session().is_held());
        north.revive().await;
        user.until(|user| user.heard(|event| matches!(event, ClientEvent::Server(_))))
            .await;
        assert_eq!(user.count().await, Ok(2));
    });
}

#[test]
fn a_program_started_while_its_server_is_dead_finds_the_partner_it_remembers() {
    run(async |north, _, _| {
        let file = std::env::temp_dir().join(format!("callpilot-sdk-{}.json", std::process::id()));
        let transport = || Rc::new(Native::new().unwrap().remembering_in(file.clone()));
        let mut user = User::over(transport(), &north);
        user.until(|user| user.client.pair().partner.is_some())
            .await;
        drop(user);
        north.kill().await;
        let user = User::over(transport(), &north);
        let session = user.client.session().restore(TOKEN).await;
        std::fs::remove_file(&file).unwrap();
        assert_eq!(session.unwrap().mailbox.number, "7200");
        assert_eq!(user.state(), State::OnPartner);
    });
}

#[test]
fn it_returns_to_a_primary_that_has_caught_up_but_not_while_a_message_plays() {
    run(async |north, _, _| {
        let mut user = User::logged_in(&north).await;
        north.kill().await;
        user.until(|user| user.state() == State::OnPartner).await;
        user.client.playback(true);
        north.revive().await;
        let waits = |user: &User| {
            user.client.status().waiting_for == Some(plugin_sdk::FailbackWait::Playback)
        };
        user.until(waits).await;
        assert_eq!(user.client.status().on, Some(Side::Partner));
        user.client.playback(false);
        user.until(|user| user.state() == State::OnPrimary).await;
        assert_eq!(user.count().await, Ok(2));
    });
}

#[test]
fn a_log_out_forgets_the_session_even_when_nobody_hears_it() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        north.kill().await;
        south.kill().await;
        assert!(user.client.session().logout().await.is_err());
        assert!(!user.client.session().is_held());
        assert_eq!(user.count().await, Err(Error::SessionEnded));
    });
}

#[test]
fn a_client_that_is_dropped_lets_go_of_everything() {
    run(async |north, _, _| {
        let user = User::logged_in(&north).await;
        listeners(&north, 1).await;
        drop(user);
        listeners(&north, 0).await;
    });
}

#[test]
fn over_https_only_a_certificate_that_is_trusted_is_a_server() {
    run(async |north, _, _| {
        let (port, certificate) = fake::secured(&north).await;
        let address = format!("https://localhost:{port}");
        let stranger = User::at(Rc::new(Native::new().unwrap()), address.clone());
        match stranger.client.session().login("7200", "right").await {
            Err(Error::NoServer { .. }) => {}
            other => panic!("{other:?}"),
        }
        let transport = Native::trusting(vec![certificate]).unwrap();
        let user = User::at(Rc::new(transport), address);
        user.client.session().login("7200", "right").await.unwrap();
        let sound = user
            .client
            .messages()
            .audio(fake::message(1).id, Some(0), |_| {})
            .await;
        assert!(sound == Ok(fake::sound()));
    });
}

#[test]
fn an_ended_subscription_is_silent() {
    run(async |north, _, _| {
        let mut user = User::of(&north);
        let heard = Rc::new(Cell::new(0));
        let count = Rc::clone(&heard);
        let subscription = user.client.subscribe(move |_| count.set(count.get() + 1));
        drop(subscription);
        user.client.session().login("7200", "right").await.unwrap();
        user.until(|user| user.heard(|event| matches!(event, ClientEvent::Server(_))))
            .await;
        assert_eq!(heard.get(), 0);
    });
}

#[test]
fn an_address_that_is_none_is_refused_with_a_sentence() {
    run(async |_, _, _| {
        for address in ["", "cp-north.example.net", "ftp://x", "http://"] {
            let transport = Rc::new(Native::new().unwrap());
            match Client::new(transport, Config::new(address)) {
                Err(Error::BadConfig { what }) => assert!(what.contains("https://"), "{what}"),
                _ => panic!("{address:?} was accepted"),
            }
        }
    });
}
