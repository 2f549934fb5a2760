//! Requests whose answer was lost and that come again: nothing that was done once is done twice.

use crate::{server, tilde};
use serde_json::{Value, json};
use support::{Server, voice};

/// UUIDs of version 7, as clients draw them.
const FIRST: &str = "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90";
const SECOND: &str = "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e91";

fn create(server: &Server, new: &Value) -> (u16, Value) {
    let answer = server
        .admin()
        .ask("POST", "/api/v1/admin/users", Some(new))
        .expect("an answer");
    (answer.status, answer.json())
}

fn mira(id: &str) -> Value {
    json!({ "id": id, "mailbox": "7216", "name": "Mira Tandell", "password": "a-password" })
}

fn with(mut new: Value, field: &str, value: &str) -> Value {
    new[field] = json!(value);
    new
}

#[test]
fn a_user_that_is_created_again_with_the_same_id_and_content_is_the_same_user() {
    let (_dir, server) = server("");
    let first = create(&server, &mira(FIRST));
    assert_eq!((first.0, first.1["id"].as_str()), (201, Some(FIRST)));
    assert_eq!(create(&server, &mira(FIRST)), first);
    // Spaces around a name are none of it, the first time and the second.
    let spaced = with(mira(FIRST), "name", " Mira Tandell ");
    assert_eq!(create(&server, &spaced), first);
    let rows = server
        .admin()
        .get("/api/v1/admin/users?mailbox=7216")
        .json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    let (status, refusal) = create(&server, &mira(SECOND));
    assert_eq!((status, refusal["code"].as_str()), (409, Some("conflict")));
}

#[test]
fn an_id_with_another_content_is_a_conflict_that_names_what_has_it() {
    let (_dir, server) = server("");
    assert_eq!(create(&server, &mira(FIRST)).0, 201);
    for (field, other) in [
        ("mailbox", "7217"),
        ("name", "Mira Tandel"),
        ("password", "another-password"),
    ] {
        let (status, refusal) = create(&server, &with(mira(FIRST), field, other));
        assert_eq!(status, 409, "{field}");
        let said = refusal["message"].as_str().expect("a sentence");
        assert!(
            said.contains("7216") && said.contains("Draw another id"),
            "{said}"
        );
    }
    let user = tilde(&server);
    assert_eq!(
        user.put_file(&greeting(SECOND), "audio/wav", &voice::wav(1, 8_000))
            .unwrap()
            .status,
        200
    );
    let of_a_greeting = create(&server, &with(mira(SECOND), "mailbox", "7218"));
    assert_eq!(of_a_greeting.0, 409);
}

#[test]
fn a_user_that_was_deleted_since_is_not_made_again_by_a_repetition() {
    let (_dir, server) = server("");
    assert_eq!(create(&server, &mira(FIRST)).0, 201);
    let path = format!("/api/v1/admin/users/{FIRST}");
    assert_eq!(
        server.admin().ask("DELETE", &path, None).unwrap().status,
        204
    );
    let (status, refusal) = create(&server, &mira(FIRST));
    assert_eq!(status, 409);
    assert!(
        refusal["message"]
            .as_str()
            .unwrap()
            .contains("deleted since"),
        "{refusal}"
    );
    assert_eq!(server.admin().get(&path).status, 404);
    assert_eq!(create(&server, &mira(SECOND)).0, 201);
}

#[test]
fn ids_that_are_not_drawn_are_not_taken() {
    let (_dir, server) = server("");
    // Version 8 follows from what an object is; version 4 says nothing of when it was drawn.
    for id in [
        "01936f2e-8d3c-8a10-9c41-2f6f0c5d7e90",
        "01936f2e-8d3c-4a10-9c41-2f6f0c5d7e90",
    ] {
        let (status, refusal) = create(&server, &mira(id));
        assert_eq!(
            (status, refusal["code"].as_str()),
            (400, Some("bad_request"))
        );
    }
    assert_eq!(create(&server, &mira("7216")).0, 400);
}

fn greeting(id: &str) -> String {
    format!("/api/v1/greetings/external?id={id}")
}

#[test]
fn a_greeting_that_is_sent_again_does_not_take_the_place_of_a_newer_one() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let put = |path: &str, wav: &[u8]| {
        let answer = user.put_file(path, "audio/wav", wav).expect("an answer");
        (answer.status, answer.json())
    };
    let (old, new) = (voice::wav(1, 8_000), voice::wav(2, 16_000));
    let first = put(&greeting(FIRST), &old);
    assert_eq!((first.0, &first.1["duration_ms"]), (200, &json!(1_000)));
    assert_eq!(
        put(&greeting(FIRST), &old),
        first,
        "the same recording, at the same time"
    );
    let other = put(&greeting(FIRST), &new);
    assert_eq!((other.0, other.1["code"].as_str()), (409, Some("conflict")));
    assert_eq!(put(&greeting(SECOND), &new).0, 200);
    let late = put(&greeting(FIRST), &old);
    assert_eq!(late.0, 409);
    assert!(
        late.1["message"]
            .as_str()
            .unwrap()
            .contains("taken its place"),
        "{}",
        late.1
    );
    let heard = user.get("/api/v1/greetings/external");
    assert_eq!(heard.body.len(), 44 + 32_000, "the newer one is heard");
}
