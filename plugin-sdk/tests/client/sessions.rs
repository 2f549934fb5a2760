//! How sessions are renewed, end and outlive what only looks like their end.

use crate::fake::{self, Mode, Server, Store, TOKEN};
use crate::{LIMIT, User, listeners, run};
use contract::{ErrorCode, Event};
use plugin_sdk::{ClientEvent, Error};
use std::rc::Rc;

/// How often a server was asked this.
fn times(server: &Server, asked: &str) -> usize {
    let all = server.asked.borrow();
    all.iter().filter(|request| *request == asked).count()
}

/// Waits until so many more tokens of administrators' sessions were given out.
async fn given(store: &Store, more: u32) {
    let mut given = store.administrators_tokens.subscribe();
    let count = *given.borrow() + more;
    let wait = given.wait_for(|given| *given >= count);
    let waited = tokio::time::timeout(LIMIT, wait).await;
    assert!(waited.is_ok(), "never {count} tokens");
}

const RENEWAL: &str = "GET /api/v1/admin/session";

#[test]
fn an_administrators_session_is_renewed_before_it_ends_also_by_the_partner() {
    run(async |north, south, store| {
        for server in [&north, &south] {
            server.session_ms.set(10);
        }
        let user = User::of(&north);
        let own = user.client.own_administration();
        own.sign_in("mira", "secret", None).await.unwrap();
        given(&store, 3).await;
        let with = north.renewed_with.borrow().len();
        assert!(
            with >= 2,
            "each renewal goes by the token of the one before"
        );
        north.kill().await;
        given(&store, 2).await;
        assert!(times(&south, RENEWAL) >= 1);
        own.sign_out().await.unwrap();
        assert_eq!(times(&south, "DELETE /api/v1/admin/session"), 1);
    });
}

#[test]
fn an_administrators_session_that_cannot_last_longer_or_is_over_is_not_renewed() {
    run(async |north, _, store| {
        north.session_ms.set(10);
        north.renewable_ms.set(0);
        let mut user = User::of(&north);
        let own = user.client.own_administration();
        // The user's session goes by the same pauses: when it was renewed so often, the administrator's would have been, too.
        let renewed = |user: &User| {
            let told = user.told.borrow();
            let is = |event: &&ClientEvent| matches!(event, ClientEvent::SessionRenewed(_));
            told.iter().filter(is).count()
        };
        user.client.session().login("7200", "right").await.unwrap();
        own.sign_in("mira", "secret", None).await.unwrap();
        let before = renewed(&user);
        user.until(|user| renewed(user) > before + 3).await;
        assert_eq!(times(&north, RENEWAL), 0);

        north.renewable_ms.set(43_200_000);
        own.sign_in("mira", "secret", None).await.unwrap();
        given(&store, 1).await;
        // Somebody ends it.
        let session = &store.administrators_session;
        session.set(session.get() + 1);
        let (before, asked) = (renewed(&user), times(&north, RENEWAL));
        user.until(|user| renewed(user) > before + 3).await;
        let refused = times(&north, RENEWAL);
        assert!(refused <= asked + 1, "{refused} after {asked}");
        match own.sign_out().await {
            Err(Error::Refused(refusal)) => assert_eq!(refusal.code, ErrorCode::NotLoggedIn),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_session_that_a_server_no_longer_knows_ends_once() {
    run(async |north, _, _| {
        let mut user = User::logged_in(&north).await;
        north.mode.set(Mode::Forgets);
        assert_eq!(user.count().await, Err(Error::SessionEnded));
        user.until(|user| user.heard(|event| *event == ClientEvent::SessionEnded))
            .await;
        assert!(!user.client.session().is_held());
        assert_eq!(user.count().await, Err(Error::SessionEnded));
        let ended = user
            .told
            .borrow()
            .iter()
            .filter(|event| **event == ClientEvent::SessionEnded)
            .count();
        assert_eq!(ended, 1);
        listeners(&north, 0).await;
    });
}

/// Changes the password. The server ends all sessions of before and says so to who listens, before it answers.
async fn change_while_sessions_end(
    user: &mut User,
    north: &Server,
    old: &str,
) -> Result<String, Error> {
    north.ponders.send_replace(true);
    let session = user.client.session();
    let change = session.change_password(old, "better");
    let news = async {
        north.say_both([&Event::Ended, &fake::arrival(fake::message(3))]);
        let heard = |event: &ClientEvent| {
            let ended = *event == ClientEvent::SessionEnded;
            ended || matches!(event, ClientEvent::Server(Event::Message { .. }))
        };
        user.until(|user| user.heard(heard)).await;
        north.ponders.send_replace(false);
    };
    let (changed, ()) = tokio::join!(change, news);
    changed.map(|session| session.token)
}

#[test]
fn the_end_of_the_old_session_during_a_change_of_password_is_not_the_end() {
    run(async |north, _, _| {
        let mut user = User::logged_in(&north).await;
        let changed = change_while_sessions_end(&mut user, &north, "right").await;
        assert_eq!(changed, Ok(TOKEN.to_owned()));
        assert!(!user.heard(|event| *event == ClientEvent::SessionEnded));
        assert_eq!(user.count().await, Ok(2));
    });
}

#[test]
fn a_session_that_ends_during_a_change_of_password_that_fails_is_over() {
    run(async |north, _, _| {
        let mut user = User::logged_in(&north).await;
        let changed = change_while_sessions_end(&mut user, &north, "wrong").await;
        assert!(matches!(changed, Err(Error::Refused(_))));
        user.until(|user| user.heard(|event| *event == ClientEvent::SessionEnded))
            .await;
        assert!(!user.client.session().is_held());
    });
}

#[test]
fn a_portal_that_answers_for_the_servers_ends_no_session() {
    run(async |north, south, _| {
        let user = User::logged_in(&north).await;
        listeners(&north, 1).await;
        for server in [&north, &south] {
            server.mode.set(Mode::Portal);
            server.kill().await;
            server.revive().await;
            server.asked.borrow_mut().clear();
        }
        let wanted_events = |server: &Rc<Server>| {
            let asked = server.asked.borrow();
            asked.iter().any(|asked| asked == "GET /api/v1/events")
        };
        while ![&north, &south].into_iter().any(wanted_events) {
            let answer = user.count().await;
            assert!(answer.is_err() && answer != Err(Error::SessionEnded));
        }
        for server in [&north, &south] {
            server.mode.set(Mode::Well);
        }
        user.client.retry_now();
        // The session goes on by itself.
        tokio::select! {
            () = listeners(&north, 1) => {}
            () = listeners(&south, 1) => {}
        }
        assert!(user.client.session().is_held());
        assert_eq!(user.count().await, Ok(2));
        let ended = |event: &ClientEvent| *event == ClientEvent::SessionEnded;
        assert!(!user.heard(ended));
    });
}
