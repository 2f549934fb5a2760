//! What a disk has damaged: each server gets it back from the other, and says so meanwhile.

use crate::{agree, leave, pair, tilde};
use contract::{ApiError, Damage, ErrorCode, MessageRow, ObjectId};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use support::{Http, Pair, Server, until};
use tempfile::TempDir;

/// Bytes of a record before its body.
const HEADER: u64 = 48;

/// A pair with three messages of 7200 on both, and the user's session.
fn with_messages(settings: &str) -> (TempDir, Pair, Http, Vec<MessageRow>) {
    let (dir, pair) = pair(settings);
    let user = tilde(&pair.a);
    for seed in 1..=3 {
        assert!(leave(&pair.a, seed));
    }
    let inbox = agree(&pair, &user);
    assert_eq!(inbox.len(), 3);
    (dir, pair, user, inbox)
}

fn damage(server: &Server) -> Damage {
    until("a status", || Pair::status(server)).damage
}

/// Waits until a server says that nothing is damaged, here or there.
fn mended(server: &Server) {
    until("nothing that is damaged", || {
        let damage = Pair::status(server)?.damage;
        (!damage.is_any()).then_some(())
    });
    until("a metric that says the same", || {
        (server.metric("callpilot_damage") == 0.0).then_some(())
    });
}

fn sound(server: &Server, user: &Http, id: ObjectId) -> u16 {
    let on = Http::new(server.http, user.token());
    on.get(&format!("/api/v1/messages/{id}/audio")).status
}

/// What is asked for is said to be not here at present. That is about one message, so no client leaves the server for it, as it would for a
/// 502, 503 or 504.
fn not_here(server: &Server, user: &Http, message: &str) {
    let on = Http::new(server.http, user.token());
    let answer = on.get(&format!("/api/v1/messages/{message}"));
    let error: ApiError = serde_json::from_slice(&answer.body).expect("a refusal");
    assert_eq!((answer.status, error.code), (409, ErrorCode::NotHere));
    assert!(error.retry_after_s.is_some() && error.message.contains("the partner"));
    let list = on.get("/api/v1/messages");
    assert_eq!(list.status, 200, "everything else works");
}

fn segment(server: &Server) -> PathBuf {
    server.data_dir().join("bodies/00000001.seg")
}

/// Flips a bit in the middle of the first body of the first segment, or of the one at an offset.
fn flip_in_body(server: &Server, record: u64) {
    let mut options = fs::OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .open(segment(server))
        .expect("a segment");
    let (mut byte, at) = ([0], record + HEADER + 500);
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[byte[0] ^ 4], at).expect("a byte");
}

/// Flips a bit in the row of an object, while the server does not run.
fn flip_in_row(server: &Server, id: ObjectId) {
    let conn =
        rusqlite::Connection::open(server.data_dir().join("callpilot.db")).expect("a database");
    let read = "SELECT data FROM object WHERE id = ?1";
    let mut data: Vec<u8> = conn
        .query_row(read, [id.as_bytes()], |row| row.get(0))
        .expect("a row");
    let at = data.len() / 2;
    data[at] ^= 8;
    let write = "UPDATE object SET data = ?2 WHERE id = ?1";
    assert_eq!(
        conn.execute(write, (id.as_bytes(), data)).expect("a write"),
        1
    );
}

#[test]
fn a_lost_segment_comes_back_from_the_partner() {
    let (_dir, mut pair, user, inbox) = with_messages("");
    assert!(pair.b.stop().success());
    assert!(pair.a.stop().success());
    fs::remove_file(segment(&pair.a)).expect("a segment");
    // While the partner is away the server says what is missing.
    pair.a.run();
    let damaged = damage(&pair.a);
    assert_eq!((damaged.bodies_missing, damaged.bodies_no_copy), (3, 0));
    assert_eq!(pair.a.metric("callpilot_damage"), 3.0);
    assert!(
        pair.a
            .log()
            .contains("content of messages is missing on this disk")
    );
    not_here(&pair.a, &user, &format!("{}/audio", inbox[0].id));
    not_here(&pair.a, &user, &inbox[0].id.to_string());
    let doctor = pair.a.command(&["doctor"]);
    assert!(!doctor.status.success());
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("has damaged 3 contents"), "{said}");
    let status = pair.a.command(&["gr", "status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.contains("3 contents are missing here"), "{said}");

    pair.b.run();
    mended(&pair.a);
    mended(&pair.b);
    for row in &inbox {
        assert_eq!(sound(&pair.a, &user, row.id), 200);
    }
    assert_eq!(pair.a.metric("callpilot_repaired_total"), 3.0);
    assert!(pair.a.log().contains("has come back from the GR partner"));
    agree(&pair, &user);
}

#[test]
fn a_flipped_bit_in_a_body_is_found_by_who_listens_and_mended() {
    let (_dir, pair, user, inbox) = with_messages("");
    flip_in_body(&pair.b, 0);
    // One of the three is damaged; whoever listens to it finds that.
    until("three sounds on the damaged server", || {
        let all = inbox.iter().all(|row| sound(&pair.b, &user, row.id) == 200);
        all.then_some(())
    });
    mended(&pair.b);
    assert_eq!(pair.b.metric("callpilot_damaged_total"), 1.0);
    assert_eq!(pair.b.metric("callpilot_repaired_total"), 1.0);
    assert!(
        pair.b
            .log()
            .contains("the disk has damaged what is stored here")
    );
}

#[test]
fn what_nobody_listens_to_is_found_by_reading_through_the_store() {
    let (_dir, mut pair, user, inbox) = with_messages("scrub.every_days = 0");
    assert!(pair.b.stop().success());
    flip_in_body(&pair.b, 0);
    flip_in_row(&pair.b, inbox[2].id);
    pair.b.run();
    until("a body and a row that have come back", || {
        (pair.b.metric("callpilot_repaired_total") == 2.0).then_some(())
    });
    mended(&pair.b);
    assert_eq!(pair.b.metric("callpilot_damaged_total"), 2.0);
    until("a time of the last pass", || {
        Pair::status(&pair.b)?.damage.scrubbed_at
    });
    agree(&pair, &user);
    for row in &inbox {
        assert_eq!(sound(&pair.b, &user, row.id), 200);
    }
}

#[test]
fn a_flipped_bit_in_a_row_stops_nobody_and_is_mended() {
    let (_dir, mut pair, user, inbox) = with_messages("");
    // One is marked: it was changed while the partner was away.
    pair.b.kill();
    let path = format!("/api/v1/messages/{}", inbox[0].id);
    let read = serde_json::json!({ "unread": false });
    assert_eq!(
        user.ask("PATCH", &path, Some(&read))
            .expect("an answer")
            .status,
        200
    );
    assert!(leave(&pair.a, 4));
    assert!(pair.a.stop().success());
    for row in &inbox[..2] {
        flip_in_row(&pair.a, row.id);
    }
    pair.a.run();
    // Listed without them, and they are not called deleted.
    let on_a = Http::new(pair.a.http, user.token());
    until("an answer that it cannot be read at present", || {
        (on_a.get(&path).status == 409).then_some(())
    });
    not_here(&pair.a, &user, &inbox[0].id.to_string());
    for (method, body) in [("PATCH", Some(&read)), ("DELETE", None)] {
        let answer = on_a.ask(method, &path, body).expect("an answer");
        assert_eq!(answer.status, 409, "{method}: it is not called deleted");
    }
    until("two unreadable rows", || {
        let damage = Pair::status(&pair.a)?.damage;
        assert!(pair.a.inbox(&on_a).messages.len() == 2);
        (damage.rows_unreadable >= 1).then_some(())
    });
    let status = pair.a.command(&["gr", "status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.contains("rows of the database"), "{said}");

    pair.b.run();
    mended(&pair.a);
    mended(&pair.b);
    let inbox_now = agree(&pair, &user);
    assert_eq!(
        inbox_now.len(),
        4,
        "nothing is lost, and the new message came through"
    );
    let groups_undone = pair.a.log().matches("a group of writes was undone").count();
    assert_eq!(groups_undone, 0);
    assert!(
        pair.a
            .log()
            .contains("the disk has damaged what is stored here")
    );
}

#[test]
fn an_unreadable_user_comes_back_with_mailbox_and_session() {
    let (_dir, mut pair, user, inbox) = with_messages("");
    let id = until("a session", || {
        let answer = user.get("/api/v1/session");
        answer.json()["mailbox"]["user"]
            .as_str()?
            .parse::<ObjectId>()
            .ok()
    });
    assert!(pair.a.stop().success() && pair.b.stop().success());
    flip_in_row(&pair.a, id);
    pair.a.run();
    let on_a = Http::new(pair.a.http, user.token());
    let list = "/api/v1/messages?folder=inbox";
    assert_eq!(on_a.get(list).status, 503, "the session is not over");
    assert!(
        !leave(&pair.a, 9),
        "a caller is not told that there is no such mailbox"
    );
    pair.b.run();
    until("the mailbox again", || {
        (on_a.get(list).status == 200).then_some(())
    });
    mended(&pair.a);
    assert_eq!(agree(&pair, &user).len(), inbox.len());
    assert!(leave(&pair.a, 10));
}

#[test]
fn what_neither_server_has_is_said_on_both() {
    let (_dir, mut pair, user, inbox) = with_messages("");
    assert!(pair.a.stop().success() && pair.b.stop().success());
    for server in [&pair.a, &pair.b] {
        fs::remove_file(segment(server)).expect("a segment");
    }
    pair.a.run();
    pair.b.run();
    for server in [&pair.a, &pair.b] {
        until("a status that says that no copy is left", || {
            let damage = Pair::status(server)?.damage;
            ((
                damage.bodies_missing,
                damage.bodies_no_copy,
                damage.only_here,
            ) == (3, 3, 0))
                .then_some(())
        });
        until("a line in the log", || {
            server.log().contains("no copy is left").then_some(())
        });
    }
    not_here(&pair.a, &user, &format!("{}/audio", inbox[0].id));
}
