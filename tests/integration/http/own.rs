//! What belongs to a user besides messages: greetings, distribution lists, and how the user is reached.

use crate::{server, tilde};
use serde_json::{Value, json};
use support::{Http, voice};

fn put(user: &Http, path: &str, body: &Value) -> (u16, Value) {
    let answer = user.ask("PUT", path, Some(body)).unwrap();
    (answer.status, answer.json())
}

fn record(user: &Http, slot: &str, file: &[u8]) -> (u16, Value) {
    let path = format!("/api/v1/greetings/{slot}");
    let answer = user.put_file(&path, "audio/wav", file).unwrap();
    (answer.status, answer.json())
}

#[test]
fn greetings_are_recorded_heard_recorded_anew_and_taken_away() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    assert_eq!(user.get("/api/v1/greetings").json(), json!([]));
    assert_eq!(user.get("/api/v1/greetings/external").status, 404);
    let (status, row) = record(&user, "external", &voice::wav(1, 16_000));
    assert_eq!(
        (status, &row["slot"], &row["duration_ms"]),
        (200, &json!("external"), &json!(2_000))
    );
    assert_eq!(record(&user, "recorded_name", &voice::wav(2, 8_000)).0, 200);
    assert_eq!(
        user.get("/api/v1/greetings")
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let first = user.get("/api/v1/greetings/external");
    assert_eq!(
        (first.header("content-type"), first.body.len()),
        (Some("audio/wav"), 44 + 32_000)
    );
    let etag = first.header("etag").unwrap();
    let same = [("If-None-Match", etag)];
    let unchanged = user
        .ask_with("GET", "/api/v1/greetings/external", &same, None)
        .unwrap();
    assert_eq!(unchanged.status, 304);
    assert_eq!(record(&user, "external", &voice::wav(3, 4_000)).0, 200);
    let second = user.get("/api/v1/greetings/external");
    assert_eq!(second.body.len(), 44 + 8_000);
    assert_ne!(second.header("etag"), Some(etag));

    for _ in 0..2 {
        let gone = user
            .ask("DELETE", "/api/v1/greetings/external", None)
            .unwrap();
        assert_eq!(gone.status, 204);
    }
    assert_eq!(user.get("/api/v1/greetings/external").status, 404);
    let left = user.get("/api/v1/greetings").json();
    assert_eq!(left[0]["slot"], "recorded_name");
    let other = server.log_in("7201").unwrap();
    assert_eq!(
        other.get("/api/v1/greetings").json(),
        json!([]),
        "another user's"
    );
}

#[test]
fn the_temporary_greeting_alone_has_an_end_and_its_recording_stays_behind_it() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let end = |slot: &str, ends_at: Value| {
        let path = format!("/api/v1/greetings/{slot}");
        let body = json!({ "ends_at": ends_at });
        let answer = user.ask("PATCH", &path, Some(&body)).unwrap();
        (answer.status, answer.json())
    };
    assert_eq!(end("temporary", json!(5)).0, 404, "nothing is recorded");
    for slot in ["external", "temporary"] {
        let (status, row) = record(&user, slot, &voice::wav(1, 8_000));
        assert_eq!((status, &row["ends_at"]), (200, &Value::Null));
    }
    assert_eq!(end("external", json!(5)).0, 400);
    for never in [json!(-1), json!(253_402_300_800_000_i64)] {
        assert_eq!(end("temporary", never).0, 400);
    }
    let listed = || user.get("/api/v1/greetings").json()[1]["ends_at"].clone();
    for ends_at in [json!(1_900_000_000_000_i64), json!(5), Value::Null] {
        let (status, row) = end("temporary", ends_at.clone());
        assert_eq!((status, &row["ends_at"]), (200, &ends_at));
        assert_eq!(listed(), ends_at);
    }
    assert_eq!(end("temporary", json!(5)).0, 200);
    assert_eq!(user.get("/api/v1/greetings/temporary").status, 200);
    // Another recording is heard from then on.
    record(&user, "temporary", &voice::wav(2, 8_000));
    assert_eq!(listed(), Value::Null);
}

#[test]
fn what_cannot_be_a_greeting_is_refused() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    assert_eq!(record(&user, "morning", &voice::wav(1, 800)).0, 400);
    assert_eq!(record(&user, "external", b"no sound at all").0, 415);
    let mut slow = voice::wav(1, 800);
    slow[24..28].copy_from_slice(&1_000_u32.to_le_bytes());
    let (status, error) = record(&user, "external", &slow);
    assert_eq!(status, 415);
    assert!(
        error["message"].as_str().unwrap().contains("1000"),
        "{error}"
    );
    assert_eq!(
        record(&user, "external", &voice::wav(1, 300 * 8_000 + 1)).0,
        413
    );
    assert_eq!(
        record(&user, "external", &voice::wav(1, 300 * 8_000)).0,
        200,
        "5 minutes"
    );
    assert_eq!(
        record(&Http::new(server.http, ""), "external", &voice::wav(1, 800)).0,
        401
    );
}

#[test]
fn distribution_lists_are_what_they_were_last_said_to_be() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    assert_eq!(user.get("/api/v1/lists").json(), json!([]));
    let night =
        json!({ "title": "Night shift", "addresses": ["7201", "o.renn@vm.example", "7201"] });
    let (status, list) = put(&user, "/api/v1/lists/7", &night);
    let shown =
        json!({ "number": 7, "title": "Night shift", "addresses": ["7201", "o.renn@vm.example"] });
    assert_eq!((status, &list), (200, &shown));
    put(&user, "/api/v1/lists/99", &json!({ "addresses": [] }));
    let all = user.get("/api/v1/lists").json();
    assert_eq!(
        all,
        json!([shown, { "number": 99, "title": "", "addresses": [] }])
    );

    put(
        &user,
        "/api/v1/lists/7",
        &json!({ "title": "Day", "addresses": ["7200"] }),
    );
    put(
        &user,
        "/api/v1/lists/7",
        &json!({ "title": "Day", "addresses": ["7200", "7201"] }),
    );
    assert_eq!(
        user.get("/api/v1/lists").json()[0]["addresses"],
        json!(["7200", "7201"])
    );
    let gone = user.ask("DELETE", "/api/v1/lists/7", None).unwrap();
    assert_eq!(gone.status, 204);
    assert_eq!(user.get("/api/v1/lists").json()[0]["number"], 99);
    put(&user, "/api/v1/lists/7", &night);
    assert_eq!(
        user.get("/api/v1/lists").json()[0],
        shown,
        "a list that was removed comes back"
    );

    let many: Vec<String> = (0..201).map(|n| format!("{}", 5_000 + n)).collect();
    for (path, list) in [
        ("/api/v1/lists/0", json!({ "addresses": [] })),
        ("/api/v1/lists/100", json!({ "addresses": [] })),
        ("/api/v1/lists/one", json!({ "addresses": [] })),
        ("/api/v1/lists/1", json!({ "addresses": ["nobody"] })),
        (
            "/api/v1/lists/1",
            json!({ "title": "two\nlines", "addresses": [] }),
        ),
        ("/api/v1/lists/1", json!({ "addresses": many })),
    ] {
        assert_eq!(put(&user, path, &list).0, 400, "{path} {list}");
    }
}

#[test]
fn how_a_user_is_reached_is_kept_whole_or_not_at_all() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let mut reach = user.get("/api/v1/notification").json();
    assert_eq!(reach["notification"]["on"], false);
    reach["notification"] = json!({ "on": true, "urgent_only": true,
        "targets": [{ "device": "phone", "address": "+441632960018" }],
        "schedule": [{ "days": 31, "from_min": 1_320, "to_min": 360 }] });
    reach["delivery"] = json!({ "on": true, "number": "907700900123", "schedule": [] });
    reach["forwarding"]["text_to"] = json!(["renn@text.example"]);
    assert_eq!(
        put(&user, "/api/v1/notification", &reach),
        (200, reach.clone())
    );
    let mut bad = reach.clone();
    bad["delivery"]["number"] = json!("call me");
    bad["notification"]["on"] = json!(false);
    let (status, error) = put(&user, "/api/v1/notification", &bad);
    assert_eq!(status, 400);
    assert!(
        error["message"].as_str().unwrap().contains("call me"),
        "{error}"
    );
    assert_eq!(
        user.get("/api/v1/notification").json(),
        reach,
        "nothing of it"
    );

    let rows = server
        .admin()
        .get("/api/v1/admin/users?mailbox=7200")
        .json();
    let path = format!(
        "/api/v1/admin/users/{}/notification",
        rows[0]["id"].as_str().unwrap()
    );
    assert_eq!(
        server.admin().get(&path).json(),
        reach,
        "an administrator sees the same"
    );
    reach["delivery"]["on"] = json!(false);
    assert_eq!(put(&server.admin(), &path, &reach).0, 200);
    assert_eq!(user.get("/api/v1/notification").json(), reach);
    assert_eq!(user.get(&path).status, 401, "a user is no administrator");
}
