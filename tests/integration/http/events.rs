use crate::{message, server, tilde};
use contract::Event;
use serde_json::json;
use support::{Events, Smtp, voice};

/// The next event of a stream that goes on.
fn next(events: &mut Events) -> Event {
    events.next().expect("an event")
}

#[test]
fn a_stream_begins_with_the_server_and_tells_of_arrivals_changes_and_ends() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let mut events = user.events();
    let Event::Server { discovery } = next(&mut events) else {
        panic!("the server comes first")
    };
    assert!(discovery.in_service && discovery.server.fqdn == "cp-a.test.example");

    let row = message(&server, &user, 1);
    let Event::Message {
        row: told,
        arrived,
        counts,
    } = next(&mut events)
    else {
        panic!("an arrival")
    };
    assert_eq!((told, arrived, counts.unread), (row.clone(), true, 1));

    let path = format!("/api/v1/messages/{}", row.id);
    user.ask("PATCH", &path, Some(&json!({ "unread": false })))
        .unwrap();
    let Event::Message {
        row: told,
        arrived,
        counts,
    } = next(&mut events)
    else {
        panic!("a change")
    };
    assert_eq!((told.unread, arrived, counts.unread), (false, false, 0));

    user.ask("DELETE", &path, None).unwrap();
    let Event::Message { row: told, .. } = next(&mut events) else {
        panic!("a move")
    };
    assert_eq!(told.folder, contract::Folder::Deleted);
    let for_good = path + "?folder=deleted";
    user.ask("DELETE", &for_good, None).unwrap();
    let Event::Gone { id, counts } = next(&mut events) else {
        panic!("an end")
    };
    assert_eq!((id, counts.deleted), (row.id, 0));
}

#[test]
fn nobody_hears_of_another_mailbox() {
    let (_dir, server) = server("");
    let (user, other) = (tilde(&server), server.log_in("7201").unwrap());
    let mut events = other.events();
    assert!(matches!(next(&mut events), Event::Server { .. }));
    message(&server, &user, 1);
    let to = "7201@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, 2, voice::SECOND);
    assert_eq!(
        Smtp::hello(server.smtp)
            .mail("4711@client.example", &[to], &mail)
            .code,
        250
    );
    let Event::Message { row, .. } = next(&mut events) else {
        panic!("an arrival")
    };
    assert_eq!(
        row.subject,
        voice::subject(2),
        "the message for 7200 was not told"
    );
}

#[test]
fn a_session_that_ends_ends_its_streams() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let mut events = user.events();
    assert!(matches!(next(&mut events), Event::Server { .. }));
    user.ask("DELETE", "/api/v1/session?everywhere=true", None)
        .unwrap();
    assert_eq!(next(&mut events), Event::Ended);
    assert_eq!(events.next(), None);
}

#[test]
fn a_server_that_stops_ends_its_streams_and_stops() {
    let (_dir, mut server) = server("");
    let mut events = tilde(&server).events();
    assert!(matches!(next(&mut events), Event::Server { .. }));
    assert!(server.stop().success());
    assert_eq!(events.next(), None);
}

#[test]
fn an_idle_stream_gives_signs_of_life() {
    let (_dir, server) = server("http.events_comment_s = 1");
    let mut events = tilde(&server).events();
    assert!(matches!(next(&mut events), Event::Server { .. }));
    assert!(events.comment(), "a comment line");
}

#[test]
fn open_streams_are_bounded_for_each_user() {
    let (_dir, server) = server("http.events_per_user_max = 2");
    let user = tilde(&server);
    let (first, _second) = (user.events(), user.events());
    let refused = user.get("/api/v1/events");
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (429, Some("too_many_requests"))
    );
    assert!(
        server.log_in("7201").unwrap().events().next().is_some(),
        "others have their own"
    );
    drop(first);
    support::until("room again", || {
        // The answer to a request that is let in never ends, so only its beginning is looked at.
        user.try_events()
    });
}
