use crate::{message, server, tilde};
use contract::{Folder, MessageList, MessageRow};
use serde_json::json;
use std::collections::BTreeSet;
use support::{Http, Smtp, transaction, voice};

fn list(user: &Http, query: &str) -> MessageList {
    serde_json::from_slice(&user.get(&format!("/api/v1/messages{query}")).body).unwrap()
}

fn patch(user: &Http, row: &MessageRow, body: serde_json::Value) -> MessageRow {
    let answer = user
        .ask(
            "PATCH",
            &format!("/api/v1/messages/{}", row.id),
            Some(&body),
        )
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    serde_json::from_slice(&answer.body).unwrap()
}

fn delete(user: &Http, row: &MessageRow) -> u16 {
    delete_known(user, row, "").status
}

/// `known` says where the caller believes it to lie.
fn delete_known(user: &Http, row: &MessageRow, known: &str) -> support::Answer {
    user.ask(
        "DELETE",
        &format!("/api/v1/messages/{}{known}", row.id),
        None,
    )
    .unwrap()
}

#[test]
fn a_message_that_came_by_mail_is_listed_with_its_facts() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 3);
    assert_eq!(row.kind, contract::Kind::Voice);
    assert_eq!(
        (row.sender.name.as_str(), row.sender.number.as_deref()),
        ("Sender 3", Some("4711"))
    );
    assert_eq!(
        (row.duration_ms, row.unread, row.folder),
        (1_000, true, Folder::Inbox)
    );
    let counts = list(&user, "").counts;
    assert_eq!((counts.inbox, counts.unread, counts.deleted), (1, 1, 0));
    let detail = server.message(&user, row.id);
    assert_eq!(detail.row, row);
    assert_eq!(detail.recipients[0].party.number.as_deref(), Some("7200"));
    assert!(matches!(
        detail.parts[..],
        [contract::Part::Voice {
            index: 0,
            duration_ms: 1_000,
            ..
        }]
    ));
}

#[test]
fn a_list_of_the_longest_rows_comes_in_pages_of_a_bounded_size() {
    const ROWS: usize = 320;
    let (_dir, server) = server("");
    let user = tilde(&server);
    let (from, to) = ("4711@client.example", "7200@cp-a.test.example");
    let mail = |n: usize| {
        let long = "\u{1d11e}".repeat(400);
        format!(
            "From: {long} <{}@x>\r\nSubject: {n} {long}\r\n\r\nx",
            "a".repeat(400)
        )
    };
    let pipeline = |n: usize| transaction(from, &[to], mail(n).as_bytes());
    let mut smtp = Smtp::hello(server.smtp);
    smtp.say((0..ROWS).flat_map(pipeline).collect::<Vec<u8>>());
    for n in 0..ROWS {
        assert_eq!(smtp.codes(), [250, 250, 250], "mail {n}");
    }
    let (mut seen, mut pages, mut query) = (BTreeSet::new(), 0, String::new());
    loop {
        let answer = user.get(&format!("/api/v1/messages{query}"));
        assert!(answer.body.len() < 1 << 20, "{} bytes", answer.body.len());
        let page: MessageList = serde_json::from_slice(&answer.body).unwrap();
        pages += 1;
        for row in page.messages {
            assert!(row.subject.ends_with('…') && row.sender.address.ends_with('…'));
            assert!(seen.insert(row.id), "a row that came twice");
        }
        match page.next {
            Some(next) => query = format!("?before={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), ROWS);
    assert!(
        pages > 1,
        "the list was cut by its bytes: it has {ROWS} rows of 500"
    );
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    for seed in 1..=5 {
        message(&server, &user, seed);
    }
    let all = list(&user, "");
    assert_eq!((all.messages.len(), all.next), (5, None));
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&user, &query);
        assert_eq!(
            page.counts.inbox, 5,
            "counts are those of the whole mailbox"
        );
        seen.extend(page.messages);
        let Some(next) = page.next else { break };
        query = format!("?limit=2&before={next}");
    }
    assert_eq!(seen, all.messages);
    assert_eq!(user.get("/api/v1/messages?before=nonsense").status, 400);
    assert_eq!(user.get("/api/v1/messages?folder=nowhere").status, 400);
}

#[test]
fn read_and_unread_deleted_and_back() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    assert!(!patch(&user, &row, json!({ "unread": false })).unread);
    assert_eq!(list(&user, "").counts.unread, 0);
    assert!(patch(&user, &row, json!({ "unread": true })).unread);
    assert_eq!(
        patch(&user, &row, json!({ "deleted": true })).folder,
        Folder::Deleted
    );
    assert!(list(&user, "").messages.is_empty());
    assert_eq!(list(&user, "?folder=deleted").messages[0].id, row.id);
    assert_eq!(patch(&user, &row, json!({ "deleted": false })), row);
    assert_eq!(list(&user, "").messages, [row]);
}

#[test]
fn a_deletion_that_is_repeated_destroys_nothing() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    for known in ["", "", "?folder=inbox", "?folder=sent"] {
        let answer = delete_known(&user, &row, known);
        assert_eq!(answer.status, 200, "{known:?}");
        let told: MessageRow = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((told.id, told.folder), (row.id, Folder::Deleted));
    }
    assert_eq!(list(&user, "?folder=deleted").messages.len(), 1);
    assert_eq!(patch(&user, &row, json!({ "deleted": false })), row);
}

#[test]
fn a_message_goes_for_good_where_the_caller_knows_it_in_deleted_and_it_lies_there() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    // A page that still shows it in Deleted, after it was taken back elsewhere.
    let answer = delete_known(&user, &row, "?folder=deleted");
    let error: contract::ApiError = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (answer.status, error.code),
        (412, contract::ErrorCode::PreconditionFailed)
    );
    assert_eq!(list(&user, "").messages, std::slice::from_ref(&row));
    assert_eq!(delete_known(&user, &row, "?folder=nowhere").status, 400);

    assert_eq!(delete(&user, &row), 200);
    assert_eq!(delete_known(&user, &row, "?folder=deleted").status, 204);
    assert_eq!(delete_known(&user, &row, "?folder=deleted").status, 404);
    assert_eq!(delete(&user, &row), 404);
    assert!(list(&user, "?folder=deleted").messages.is_empty());
    assert_eq!(
        user.get(&format!("/api/v1/messages/{}", row.id)).status,
        404
    );
    assert_eq!(list(&user, "").counts, contract::Counts::default());
}

#[test]
fn nobody_reaches_into_another_mailbox() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    let other = server.log_in("7201").unwrap();
    let path = format!("/api/v1/messages/{}", row.id);
    assert_eq!(other.get(&path).status, 404);
    assert_eq!(other.get(&format!("{path}/audio")).status, 404);
    assert_eq!(
        other
            .ask("PATCH", &path, Some(&json!({ "unread": false })))
            .unwrap()
            .status,
        404
    );
    assert_eq!(delete(&other, &row), 404);
    assert_eq!(server.inbox(&user).messages, [row]);
    // A user is an object too, but no message.
    let id = server
        .admin()
        .get("/api/v1/admin/users?mailbox=7200")
        .json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(user.get(&format!("/api/v1/messages/{id}")).status, 404);
}

#[test]
fn faults_in_requests_are_told_in_sentences() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    let path = format!("/api/v1/messages/{}", row.id);
    let told = |answer: support::Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.json());
        let error: contract::ApiError = serde_json::from_slice(&answer.body).unwrap();
        assert!(
            error.message.ends_with('.') && !error.reference.is_empty(),
            "{error:?}"
        );
        assert_eq!(
            answer.header("x-request-id"),
            Some(error.reference.as_str())
        );
    };
    told(user.get("/api/v1/messages/7200"), 400);
    told(user.get("/api/v1/nothing"), 404);
    told(user.ask("PUT", &path, None).unwrap(), 405);
    let beside = json!({ "unread": true, "flagged": true });
    let answer = user.ask("PATCH", &path, Some(&beside)).unwrap();
    assert_eq!(answer.status, 200, "ignored beside what is known");
    for nothing in [json!({}), json!({ "flagged": true })] {
        told(user.ask("PATCH", &path, Some(&nothing)).unwrap(), 400);
    }
    told(
        user.ask("PATCH", &path, Some(&json!({ "unread": "no" })))
            .unwrap(),
        400,
    );
    told(
        user.ask("PATCH", &path, Some(&json!("x".repeat(300_000))))
            .unwrap(),
        413,
    );
    told(
        user.ask_with("PATCH", &path, &[("Content-Length", "0")], None)
            .unwrap(),
        415,
    );
    assert_eq!(voice::subject(1), row.subject);
}
