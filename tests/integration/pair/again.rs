//! A mail that comes again, to either server of the pair.

use crate::cut::Linked;
use crate::{agree, folder, leave, pair, tilde};
use contract::Folder;
use serde_json::json;
use support::{Http, Proxy};

#[test]
fn a_mail_that_comes_again_to_the_partner_is_one_message() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    assert!(leave(&pair.a, 1));
    let inbox = agree(&pair, &user);
    assert!(leave(&pair.b, 1));
    assert_eq!(agree(&pair, &user), inbox);
    // The first server has died.
    pair.a.kill();
    assert!(leave(&pair.b, 1));
    pair.a.run();
    assert_eq!(agree(&pair, &user), inbox);
    // What went for good on one server does not come back by the other.
    let path = format!("/api/v1/messages/{}", inbox[0].id);
    for known in ["", "?folder=deleted"] {
        let gone = user.ask("DELETE", &format!("{path}{known}"), None);
        assert!([200, 204].contains(&gone.expect("an answer").status));
    }
    agree(&pair, &user);
    assert!(leave(&pair.b, 1));
    assert_eq!(agree(&pair, &user), []);
    assert_eq!(pair.b.metric("callpilot_mail_repeated_total"), 3.0);
}

/// The server that took it dies before its partner hears of it, and before it answers; the sender goes to the partner.
#[test]
fn a_mail_that_both_servers_took_without_knowing_of_each_other_is_one_message() {
    let (_dir, mut pair) = pair("");
    let user = tilde(&pair.a);
    pair.b.kill();
    assert!(leave(&pair.a, 1));
    pair.a.kill();
    pair.b.run();
    assert!(leave(&pair.b, 1));
    pair.a.run();
    assert_eq!(agree(&pair, &user).len(), 1);
    assert_eq!(folder(&pair.b, &user, Folder::Inbox).len(), 1);
    for server in [&pair.a, &pair.b] {
        let id = folder(server, &user, Folder::Inbox)[0].id;
        let on = Http::new(server.http, user.token());
        assert_eq!(on.get(&format!("/api/v1/messages/{id}/audio")).status, 200);
    }
}

#[test]
fn what_was_done_with_a_mail_while_the_link_was_cut_counts_for_its_second_copy() {
    let linked = Linked::start();
    let (a, b) = (&linked.pair.a, &linked.pair.b);
    let user = tilde(a);
    tilde(b);
    linked.links.iter().for_each(Proxy::cut);
    // One is read, one moved to Deleted, one removed for good; then all three come again on the other side.
    assert!((1..=3).all(|seed| leave(a, seed)));
    let rows = folder(a, &user, Folder::Inbox);
    let path = |seed: u64| {
        let subject = support::voice::subject(seed);
        let row = rows.iter().find(|row| row.subject == subject);
        format!("/api/v1/messages/{}", row.expect("a message").id)
    };
    let ask = |method, path: &str, body: Option<&serde_json::Value>| {
        let answer = user.ask(method, path, body).expect("an answer");
        assert!([200, 204].contains(&answer.status), "{method} {path}");
    };
    ask("PATCH", &path(1), Some(&json!({ "unread": false })));
    ask("DELETE", &path(2), None);
    ask("DELETE", &path(3), None);
    ask("DELETE", &(path(3) + "?folder=deleted"), None);
    assert!((1..=3).all(|seed| leave(b, seed)));
    assert_eq!(folder(b, &user, Folder::Inbox).len(), 3);
    linked.links.iter().for_each(Proxy::heal);
    let inbox = agree(&linked.pair, &user);
    assert_eq!(inbox.len(), 1);
    assert!(!inbox[0].unread && inbox[0].subject == support::voice::subject(1));
    assert_eq!(folder(b, &user, Folder::Deleted).len(), 1);
}
