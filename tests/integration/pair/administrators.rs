//! Administrators of a pair: one account and one session are good on both servers, and end on both.

use crate::pair;
use serde_json::{Value, json};
use support::{Answer, Http, Server, base32, one_time_code, until};

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

/// The second factor of mira, set up in her session: its secret as it is typed.
fn set_up(server: &Server, session: &str) -> String {
    let mira = Http::new(server.http, session);
    let path = format!("{SESSION}/second-factor");
    let begun = mira.ask("POST", &path, None).unwrap();
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let shown = json!({ "code": one_time_code(&secret, 0) });
    let confirmed = mira.ask("PUT", &path, Some(&shown)).unwrap();
    assert_eq!(confirmed.status, 200, "{}", confirmed.json());
    secret
}

fn sign_in_by(server: &Server, secret: &str, later: i64) -> Answer {
    let code = one_time_code(secret, later);
    let login = json!({ "name": "mira", "password": SECRET, "code": code });
    let asked = server.client("").ask("POST", SESSION, Some(&login));
    asked.expect("an answer")
}

/// Whether these octets stand in any file of a server's database.
fn is_in_database(server: &Server, octets: &[u8]) -> bool {
    let files = std::fs::read_dir(server.data_dir()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut of_database = files.filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("callpilot.db")
    });
    of_database.any(|path| {
        let held = std::fs::read(path).unwrap();
        held.windows(octets.len()).any(|part| part == octets)
    })
}

#[test]
fn a_second_factor_lies_sealed_on_both_servers_and_one_that_lost_its_key_says_so() {
    let (_dir, mut pair) = pair("");
    add(&pair.a, "mira", SECRET);
    pair.running();
    let session = token(&try_sign_in(&pair.a, SECRET));
    let secret = set_up(&pair.a, &session);
    until("the second factor on the partner", || {
        (listed(&pair.b)[0]["second_factor"] == true).then_some(())
    });
    let octets = base32(&secret);
    for server in [&pair.a, &pair.b] {
        assert!(
            is_in_database(server, b"mira"),
            "there is something to find"
        );
        assert!(!is_in_database(server, &octets));
    }
    let by_code = sign_in_by(&pair.b, &secret, 1);
    assert_eq!(by_code.status, 201, "{}", by_code.json());

    pair.running();
    pair.b.kill();
    pair.a.kill();
    let key = pair.a.data_dir().join("secrets.key");
    let old = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    pair.a.run();
    assert_eq!(try_sign_in(&pair.a, "wrong-secret-1").status, 401);
    let refused = sign_in_by(&pair.a, &secret, 1);
    assert_eq!(refused.status, 403);
    let said = refused.json()["message"].to_string();
    assert!(said.contains("cannot read the second factor"), "{said}");
    let without = try_sign_in(&pair.a, SECRET);
    assert_eq!(without.status, 403, "no way round it");
    assert!(
        pair.a
            .log()
            .contains("the second factor of an administrator cannot be read")
    );
    let doctor = pair.a.command(&["doctor"]).stdout;
    let doctor = String::from_utf8_lossy(&doctor).into_owned();
    assert!(
        doctor.contains("the second factor of mira cannot be read"),
        "{doctor}"
    );

    // The key of before opens it again.
    pair.a.kill();
    let lost = std::fs::read(&key).unwrap();
    std::fs::write(&key, old).unwrap();
    pair.a.run();
    let row = &listed(&pair.a)[0];
    assert_eq!(
        (&row["second_factor"], &row["second_factor_unreadable"]),
        (&json!(true), &json!(false))
    );
    pair.a.kill();
    std::fs::write(&key, lost).unwrap();
    pair.a.run();
    assert_eq!(listed(&pair.a)[0]["second_factor_unreadable"], true);

    let away = ["admin", "set", "mira", "--no-second-factor"];
    assert!(pair.a.command(&away).status.success());
    assert_eq!(try_sign_in(&pair.a, SECRET).status, 201);
    pair.b.run();
    until("no second factor on the partner either", || {
        (try_sign_in(&pair.b, SECRET).status == 201).then_some(())
    });
}
