//! Deleted: counted apart, and emptied in one step.

use crate::{message, server, tilde};
use contract::{Emptied, Folder, MessageList, MessageRow};
use support::{Http, Smtp, voice};

const SENDER: &str = "4711@client.example";
const TILDE: &str = "7200@cp-a.test.example";

fn list(user: &Http, query: &str) -> MessageList {
    serde_json::from_slice(&user.get(&format!("/api/v1/messages{query}")).body).unwrap()
}

fn move_to_deleted(user: &Http, row: &MessageRow) {
    let path = format!("/api/v1/messages/{}", row.id);
    assert_eq!(user.ask("DELETE", &path, None).unwrap().status, 200);
}

fn empty(user: &Http) -> u64 {
    let answer = user.ask("POST", "/api/v1/messages/empty-deleted", None);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    serde_json::from_slice::<Emptied>(&answer.body)
        .unwrap()
        .messages
}

#[test]
fn deleted_is_counted_apart_and_has_bounds_of_its_own() {
    let (_dir, server) = server("mailbox.messages_max = 1\nmailbox.deleted_messages_max = 2");
    let user = tilde(&server);
    let mail = voice::message(SENDER, TILDE, 9, voice::SECOND);
    let leave = || Smtp::hello(server.smtp).mail(SENDER, &[TILDE], &mail).code;
    for seed in 1..=2 {
        let row = message(&server, &user, seed);
        assert_eq!(leave(), 452, "one message fills it");
        let before = list(&user, "").counts;
        assert!(before.bytes > 0);
        move_to_deleted(&user, &row);
        let after = list(&user, "").counts;
        assert_eq!(after.bytes, 0);
        assert_eq!(after.deleted_bytes, before.deleted_bytes + before.bytes);
    }
    assert_eq!(leave(), 452, "now Deleted is full");
    let limits = list(&user, "")
        .limits
        .expect("a server that says its limits");
    assert_eq!((limits.messages_max, limits.deleted_messages_max), (1, 2));
    assert_eq!(empty(&user), 2);
    assert_eq!(leave(), 250);
}

#[test]
fn deleted_is_emptied_in_one_step_and_nothing_else_goes() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let rows: Vec<MessageRow> = (1..=4).map(|seed| message(&server, &user, seed)).collect();
    rows[..3].iter().for_each(|row| move_to_deleted(&user, row));
    // One comes back, and Odo has something in his own Deleted.
    let back = serde_json::json!({ "deleted": false });
    let path = format!("/api/v1/messages/{}", rows[2].id);
    assert_eq!(user.ask("PATCH", &path, Some(&back)).unwrap().status, 200);
    let odo = server.log_in("7201").expect("a log-in");
    let to = "7201@cp-a.test.example";
    let mail = voice::message(SENDER, to, 9, voice::SECOND);
    assert_eq!(
        Smtp::hello(server.smtp).mail(SENDER, &[to], &mail).code,
        250
    );
    move_to_deleted(&odo, &list(&odo, "").messages[0]);

    assert_eq!(empty(&user), 2);
    assert_eq!(empty(&user), 0, "again, nothing happens");
    assert!(list(&user, "?folder=deleted").messages.is_empty());
    let kept: Vec<_> = list(&user, "").messages.iter().map(|row| row.id).collect();
    assert_eq!(kept, [rows[3].id, rows[2].id]);
    assert_eq!(
        list(&odo, "?folder=deleted").messages[0].folder,
        Folder::Deleted
    );
    let nobody = server
        .client("")
        .ask("POST", "/api/v1/messages/empty-deleted", None);
    assert_eq!(nobody.unwrap().status, 401);
}

#[test]
fn more_than_one_transaction_takes_goes_all_the_same() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let mut smtp = Smtp::hello(server.smtp);
    for seed in 0..450 {
        let mail = voice::message(SENDER, TILDE, seed, 80);
        assert_eq!(smtp.mail(SENDER, &[TILDE], &mail).code, 250);
    }
    for row in &list(&user, "").messages {
        move_to_deleted(&user, row);
    }
    assert_eq!(list(&user, "").counts.deleted, 450);
    assert_eq!(empty(&user), 450);
    assert_eq!(list(&user, "").counts, contract::Counts::default());
}

#[test]
fn an_administrator_empties_it_on_the_command_line() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    move_to_deleted(&user, &row);
    let asked = server.command(&["user", "empty-deleted", "7200"]);
    assert!(!asked.status.success(), "without a terminal it needs --yes");
    assert_eq!(list(&user, "").counts.deleted, 1);
    for said in [
        "1 message in Deleted of 7200 is gone for good.",
        "Nothing was in Deleted of 7200.",
    ] {
        let done = server.command(&["user", "empty-deleted", "7200", "--yes"]);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), said);
    }
    let machine = server.command(&["user", "empty-deleted", "7200", "--yes", "--json"]);
    let emptied: Emptied = serde_json::from_slice(&machine.stdout).expect("JSON");
    assert_eq!(emptied.messages, 0);
    assert!(
        server
            .command(&["user", "empty-deleted", "7299", "--yes"])
            .status
            .code()
            != Some(0)
    );
}
