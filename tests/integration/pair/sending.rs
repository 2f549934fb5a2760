//! Composing and sending while servers die: nothing is lost, nothing is sent twice.

use crate::cut::Linked;
use crate::{agree, folder, pair, tilde};
use contract::{Event, Folder, MessageRow};
use serde_json::{Value, json};
use support::compose::{drawn, to};
use support::{Http, Proxy, Server, until, voice};

/// The same user at another server.
fn at(server: &Server, user: &Http) -> Http {
    Http::new(server.http, user.token())
}

/// Saves a draft to oneself with a recording of half a second at one server.
fn compose(user: &Http, draft: u16) -> Value {
    let content = json!({ "recipients": [to("7200")], "subject": "Memo", "text": "Here it is." });
    assert_eq!(user.save_draft(draft, &content).status, 200);
    let file = voice::wav(1, 4_000);
    assert_eq!(
        user.upload(draft, 900, 0, &file[..5_000], false).status,
        200
    );
    assert_eq!(
        user.upload(draft, 900, 5_000, &file[5_000..], true).status,
        200
    );
    content
}

/// Waits until both servers show as many messages in the inbox and in Sent, and as many drafts. Returns the newest that came.
fn both_have(servers: [&Server; 2], user: &Http, (messages, drafts): (usize, usize)) -> MessageRow {
    until("the same on both", || {
        let of = |server: &Server| {
            let came = folder(server, user, Folder::Inbox);
            let sent = folder(server, user, Folder::Sent);
            let rows = at(server, user).get("/api/v1/drafts").json();
            let counts = (came.len(), sent.len(), rows.as_array().map_or(0, Vec::len));
            (counts == (messages, messages, drafts)).then_some((came, sent))
        };
        let (a, b) = (of(servers[0])?, of(servers[1])?);
        (a == b).then(|| a.0.first().cloned()).flatten()
    })
}

#[test]
fn what_is_composed_on_one_server_is_sent_on_the_other_when_the_first_has_died() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    let content = compose(&user, 1);
    let there = at(&pair.b, &user);
    until("the draft at the partner", || {
        let draft = there.draft(1).json();
        (draft["parts"][0]["whole"] == true && draft["content"]["text"] == content["text"])
            .then_some(())
    });
    pair.a.kill();
    let sent = there.submit(2, 1);
    assert_eq!(sent.status, 201, "{}", sent.json());
    pair.a.run();
    let row = both_have([&pair.a, &pair.b], &user, (1, 0));
    let heard = format!("/api/v1/messages/{}/audio", row.id);
    for server in [&pair.a, &pair.b] {
        assert_eq!(at(server, &user).get(&heard).body.len(), 44 + 8_000);
    }
    // Its first server hears of it, and says what became of it.
    assert_eq!(user.submit(2, 1).json(), sent.json());
}

/// The answer is lost: the client asks the partner, which has the draft and does not know that it was sent.
#[test]
fn what_both_servers_took_without_knowing_of_each_other_is_sent_once() {
    let linked = Linked::start();
    let (a, b) = (&linked.pair.a, &linked.pair.b);
    let user = tilde(a);
    tilde(b);
    compose(&user, 1);
    let there = at(b, &user);
    until("the draft at the partner", || {
        (there.draft(1).json()["parts"][0]["whole"] == true).then_some(())
    });
    linked.links.iter().for_each(Proxy::cut);
    let first = user.submit(2, 1);
    assert_eq!(first.status, 201, "{}", first.json());
    let second = there.submit(2, 1);
    assert_eq!(second.status, 201, "{}", second.json());
    assert_eq!(first.json()["message"], second.json()["message"]);
    linked.links.iter().for_each(Proxy::heal);
    agree(&linked.pair, &user);
    both_have([a, b], &user, (1, 0));
}

/// Drafts that were edited on both sides meet field by field, and one that was sent on one side does not come back by the other.
#[test]
fn a_draft_that_two_devices_edit_apart_loses_no_field_and_no_recording() {
    let linked = Linked::start();
    let (a, b) = (&linked.pair.a, &linked.pair.b);
    let user = tilde(a);
    tilde(b);
    let there = at(b, &user);
    let text = |subject: &str, text: &str| json!({ "subject": subject, "text": text });
    for draft in [1, 2] {
        user.save_draft(draft, &text("first", "first"));
        until("the draft", || {
            (there.draft(draft).status == 200).then_some(())
        });
    }
    linked.links.iter().for_each(Proxy::cut);
    user.save_draft(1, &text("at a", "first"));
    there.save_draft(1, &text("first", "at b"));
    user.upload(1, 10, 0, b"at a", true);
    there.upload(1, 11, 0, b"at b", true);
    there.upload(2, 12, 0, b"at b", true);
    let path = format!("/api/v1/drafts/{}", drawn(2));
    assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 204);
    linked.links.iter().for_each(Proxy::heal);
    linked.pair.running();
    for user in [&user, &there] {
        until("both edits", || {
            let draft = user.draft(1).json();
            let content = &draft["content"];
            let met = content["subject"] == "at a" && content["text"] == "at b";
            (met && draft["parts"]
                .as_array()
                .is_some_and(|parts| parts.len() == 2))
            .then_some(())
        });
        until("no second draft", || {
            (user.draft(2).status == 409).then_some(())
        });
    }
}

/// The page says of each message whether it is on both servers: it is told when that changes.
#[test]
fn who_has_sent_a_message_is_told_when_it_is_on_both_servers() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    pair.b.kill();
    let mut events = user.events();
    compose(&user, 1);
    assert_eq!(user.submit(2, 1).status, 201);
    let mut sent = |one_server_only: bool| {
        events.find(|event| {
            let Event::Message { row, .. } = event else {
                return false;
            };
            row.folder == Folder::Sent && row.one_server_only == one_server_only
        })
    };
    sent(true).expect("it is here alone");
    pair.b.run();
    sent(false).expect("it is there, too");
}
