//! Tasks on a server without a partner: what is refused, and how.

use crate::server;
use serde_json::{Value, json};
use support::{Http, Server};

const TASKS: &str = "/api/v1/admin/gr/tasks";

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = server.admin().ask(method, path, Some(body)).unwrap();
    (answer.status, answer.json())
}

#[test]
fn without_a_partner_no_task_begins_and_the_sentence_says_why() {
    let (_dir, server) = server("");
    for kind in ["resync", "audit", "rebuild", "mailboxes"] {
        let (status, error) = ask(&server, "POST", TASKS, &json!({ "kind": kind }));
        assert_eq!((status, error["code"].as_str()), (409, Some("conflict")));
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("There is no GR partner"),
            "{error}"
        );
    }
    let tasks = server.admin().get(TASKS).json();
    assert_eq!(
        (&tasks["open"], &tasks["last"], &tasks["users"]),
        (&Value::Null, &Value::Null, &json!(2))
    );
    let held = server.admin().get("/api/v1/admin/gr/held").json();
    assert_eq!(held, json!({ "held": [], "held_count": 0, "refused": [] }));
    assert_eq!(
        ask(&server, "POST", "/api/v1/admin/gr/undo", &Value::Null).0,
        409
    );
    assert_eq!(
        ask(&server, "POST", "/api/v1/admin/gr/held/retry", &Value::Null).0,
        202
    );
}

#[test]
fn requests_that_cannot_be_are_told_from_those_that_come_too_early() {
    let (_dir, server) = server("");
    for (body, said) in [
        (json!({ "kind": "everything" }), "cannot be read"),
        (json!({ "kind": "resync", "dry": true }), "cannot be read"),
        (
            json!({ "kind": "resync", "mailboxes": ["7200"] }),
            "mailbox resync only",
        ),
    ] {
        let (status, error) = ask(&server, "POST", TASKS, &body);
        assert_eq!(status, 400, "{error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{error}");
    }
    let many: Vec<String> = (0..1_001).map(|n| format!("{n:04}")).collect();
    assert_eq!(
        ask(
            &server,
            "POST",
            TASKS,
            &json!({ "kind": "mailboxes", "mailboxes": many })
        )
        .0,
        409
    );
    assert_eq!(
        ask(&server, "DELETE", &format!("{TASKS}/beef"), &Value::Null).0,
        400
    );
    assert_eq!(
        ask(
            &server,
            "DELETE",
            &format!("{TASKS}/000000000000beef"),
            &Value::Null
        )
        .0,
        409
    );
    assert_eq!(
        ask(
            &server,
            "POST",
            &format!("{TASKS}/000000000000beef/agree"),
            &Value::Null
        )
        .0,
        409
    );
}

#[test]
fn tasks_are_for_administrators() {
    let (_dir, server) = server("");
    let user = server.log_in("7200").unwrap();
    for http in [&user, &Http::new(server.http, "")] {
        for (method, path) in [
            ("GET", TASKS),
            ("POST", TASKS),
            ("GET", "/api/v1/admin/gr/held"),
            ("POST", "/api/v1/admin/gr/undo"),
        ] {
            assert_eq!(
                http.ask(method, path, None).unwrap().status,
                401,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn users_are_found_by_a_piece_of_their_number_or_name() {
    let (_dir, server) = server("");
    let found = |text: &str| {
        let rows = server
            .admin()
            .get(&format!("/api/v1/admin/users?search={text}"))
            .json();
        let numbers = rows.as_array().unwrap().iter();
        numbers
            .map(|row| row["mailbox"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("72"), ["7200", "7201"]);
    assert_eq!(found("RENN"), ["7201"]);
    assert_eq!(found("brask"), ["7200"]);
    assert!(found("nobody").is_empty());
}
