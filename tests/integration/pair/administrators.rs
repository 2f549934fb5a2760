//! Administrators of a pair: one account and one session are good on both servers, and end on both.

use crate::pair;
use serde_json::{Value, json};
use support::{Answer, Http, Server, until};

const NAMES: &str = "/api/v1/admin/administrators";
const SESSION: &str = "/api/v1/admin/session";
const SECRET: &str = "mira-has-a-secret";

fn add(server: &Server, name: &str, password: &str) {
    let new = json!({ "name": name, "password": password, "role": "administrator" });
    let answer = server.admin().ask("POST", NAMES, Some(&new));
    assert_eq!(answer.expect("an answer").status, 201);
}

fn try_sign_in(server: &Server, password: &str) -> Answer {
    let login = json!({ "name": "mira", "password": password });
    let asked = server.client("").ask("POST", SESSION, Some(&login));
    asked.expect("an answer")
}

fn token(answer: &Answer) -> String {
    answer.json()["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn status(server: &Server, token: &str) -> u16 {
    Http::new(server.http, token)
        .get("/api/v1/admin/users")
        .status
}

fn listed(server: &Server) -> Value {
    server.admin().get(NAMES).json()
}

#[test]
fn an_administrators_session_is_good_on_both_servers_and_ends_on_both() {
    let (_dir, mut pair) = pair("");
    add(&pair.a, "mira", SECRET);
    pair.running();
    let session = try_sign_in(&pair.b, SECRET);
    assert_eq!(session.status, 201, "made on one, good on the other");
    let session = token(&session);
    until("the session on both", || {
        (listed(&pair.a)[0]["sessions"] == 1).then_some(())
    });
    assert_eq!(
        (status(&pair.a, &session), status(&pair.b, &session)),
        (200, 200)
    );
    pair.b.kill();
    assert_eq!(status(&pair.a, &session), 200, "its server is dead");
    let out = Http::new(pair.a.http, &session).ask("DELETE", SESSION, None);
    assert_eq!(out.unwrap().status, 204);
    pair.b.run();
    until(
        "the end of the session on the server that gave it out",
        || (status(&pair.b, &session) == 401).then_some(()),
    );
    assert_eq!(status(&pair.a, &session), 401);
}

#[test]
fn a_name_that_both_servers_gave_while_they_were_apart_is_one_account_when_they_meet() {
    let (_dir, mut pair) = pair("");
    pair.b.kill();
    add(&pair.a, "mira", SECRET);
    let session = token(&try_sign_in(&pair.a, SECRET));
    pair.a.kill();
    pair.b.run();
    add(&pair.b, "mira", "mira-has-another");
    add(&pair.b, "otto", SECRET);
    pair.a.run();
    until("the same administrators on both", || {
        let known = |server: &Server| {
            let all = listed(server).as_array().cloned().unwrap_or_default();
            let of = |row: &Value| (row["name"].clone(), row["password_changed_at"].clone());
            all.iter().map(of).collect::<Vec<_>>()
        };
        let (a, b) = (known(&pair.a), known(&pair.b));
        (a.len() == 2 && a == b).then_some(())
    });
    for server in [&pair.a, &pair.b] {
        let newest = try_sign_in(server, "mira-has-another");
        assert_eq!(newest.status, 201, "{}", newest.json());
    }
    assert_eq!(
        status(&pair.a, &session),
        200,
        "of an account of the same name"
    );
}

#[test]
fn a_removed_administrator_is_removed_on_both_and_does_not_come_back() {
    let (_dir, mut pair) = pair("");
    add(&pair.a, "mira", SECRET);
    add(&pair.a, "otto", SECRET);
    pair.running();
    let session = token(&try_sign_in(&pair.b, SECRET));
    pair.b.kill();
    let path = format!("{NAMES}/mira");
    let removed = pair.a.admin().ask("DELETE", &path, None).unwrap();
    assert_eq!(removed.status, 204);
    pair.b.run();
    until("one administrator on both", || {
        let counts = [&pair.a, &pair.b].map(|s| listed(s).as_array().map_or(0, Vec::len));
        (counts == [1, 1]).then_some(())
    });
    assert_eq!(
        (status(&pair.a, &session), status(&pair.b, &session)),
        (401, 401)
    );
    assert_eq!(try_sign_in(&pair.b, SECRET).status, 401);
}
